/** Changes of JSON documents: of values and of structure, and texts that only a careless reader takes for the same. */
import type { Random } from '../random.ts';
import { HOSTILE_NAMES } from './choices.ts';

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

type Holder = { [key: string | number]: Json };

/** A value of a document, by where it is held. */
interface Spot {
  readonly holder: Holder;
  readonly key: string | number;
}

const NUMBERS: readonly number[] = [
  ...[0, -0, 1, -1, 2, 0.5, 7, 1e308, -1e308, 1e-320, 2 ** 53, 2 ** 30, 2 ** 31, 2 ** -1074, 1e-300],
];
const FACTORS: readonly number[] = [
  ...[
    1 + 1e-15,
    1 - 1e-15,
    1 + 1e-12,
    1 - 1e-12,
    1 + 1e-9,
    1 - 1e-9,
    1.001,
    0.999,
    0.9,
    1.1,
    0.5,
    2,
    -1,
    1e10,
    1e-10,
  ],
];

/** So deep that a reader by recursion ends; so long that a quadratic one does not. */
const DEPTH = 50_000;
const LENGTH = 200_000;

/** Levels that are looked at, so that what an earlier change nested does not matter. */
const LOOKED_AT = 12;

function spotsOf(document: Json): Spot[] {
  const spots: Spot[] = [];
  const visit = (value: Json, level: number) => {
    if (typeof value !== 'object' || value === null || level > LOOKED_AT) return;
    for (const key of Array.isArray(value) ? [...value.keys()].slice(0, 100) : Object.keys(value)) {
      spots.push({ holder: value as Holder, key });
      visit((value as Holder)[key]!, level + 1);
    }
  };
  visit(document, 0);
  return spots;
}

/** One change somewhere in the document, in place. */
export function changeJson(document: Json, random: Random): void {
  const spots = spotsOf(document);
  if (spots.length === 0) return;
  const { holder, key } = random.pick(spots);
  const old = holder[key]!;
  switch (random.integer(0, 8)) {
    case 0:
      holder[key] = odd(random);
      break;
    case 1:
      if (Array.isArray(holder)) holder.splice(Number(key), 1);
      else delete holder[key];
      break;
    case 2:
    case 3:
      if (typeof old === 'number')
        holder[key] = random.chance(0.7) ? old * random.pick(FACTORS) : old + random.pick([1, -1]);
      else if (typeof old === 'string') holder[key] = changedText(old, random);
      else holder[key] = odd(random);
      break;
    case 4: {
      const other = random.pick(spots);
      [holder[key], other.holder[other.key]] = [
        structuredClone(other.holder[other.key]!),
        structuredClone(old),
      ];
      break;
    }
    case 5:
      if (Array.isArray(old) && old.length > 0) changeArray(old, random);
      else holder[key] = odd(random);
      break;
    case 6:
      if (typeof old === 'object' && old !== null && !Array.isArray(old)) renameMember(old, random);
      else holder[key] = odd(random);
      break;
    case 7:
      if (Array.isArray(holder)) holder.push(structuredClone(random.pick(holder as Json[])));
      else holder[random.pick(['extra', 'length', 'toString', ...HOSTILE_NAMES])] = structuredClone(old);
      break;
    default:
      holder[key] = random.chance(0.5) ? [old] : { [String(key)]: old };
  }
}

/** The document as text, now and then in a way that `JSON.stringify` does not write. */
export function jsonText(document: Json, random: Random): string {
  const text = JSON.stringify(document);
  if (random.chance(0.85)) return text;
  const at = random.integer(0, text.length - 1);
  switch (random.integer(0, 6)) {
    case 0:
      return text.slice(0, at);
    case 1:
      return text.slice(0, at) + String.fromCharCode(random.integer(32, 126)) + text.slice(at + 1);
    case 2:
      // A member twice: the last counts.
      return text.replace('{', '{"claim":{"bound":0,"log10":-300},');
    case 3:
      return text.replace('{', '{"__proto__":{"claim":{"bound":0,"log10":-300},"polluted":true},');
    case 4:
      return `${'['.repeat(DEPTH)}${']'.repeat(DEPTH)}`;
    case 5:
      return text.replace(/\[/, `${'['.repeat(DEPTH)}${']'.repeat(DEPTH)},[`.replace(/^/, '['));
    default:
      return `\ufeff${text}`;
  }
}

function odd(random: Random): Json {
  const values: readonly (() => Json)[] = [
    () => null,
    () => true,
    () => random.pick(NUMBERS),
    () => random.pick(NUMBERS),
    () => random.pick(HOSTILE_NAMES),
    () => [],
    () => ({}),
    () => [[]],
    () => ({ toString: 1, length: -1 }),
    () => new Array<Json>(random.pick([3, LENGTH])).fill(1),
    () => 'NaN',
  ];
  return random.pick(values)();
}

function changedText(text: string, random: Random): string {
  if (text.length === 0 || random.chance(0.2)) return random.pick(HOSTILE_NAMES);
  const at = random.integer(0, text.length - 1);
  const flipped = String.fromCharCode(text.charCodeAt(at) ^ (1 << random.integer(0, 6)));
  return random.pick([
    text.slice(0, at),
    text.slice(0, at) + flipped + text.slice(at + 1),
    `${text.slice(0, at)} ${text.slice(at)}`,
    text + text,
    text.toUpperCase(),
  ]);
}

function changeArray(array: Json[], random: Random): void {
  const k = random.integer(0, array.length - 1);
  const j = random.integer(0, array.length - 1);
  switch (random.integer(0, 4)) {
    case 0:
      array.reverse();
      break;
    case 1:
      [array[j], array[k]] = [array[k]!, array[j]!];
      break;
    case 2:
      array.splice(j, 0, structuredClone(array[k]!));
      break;
    case 3:
      array.length = 0;
      break;
    default:
      array.push(...Array.from({ length: random.pick([2, 50, 2000]) }, () => structuredClone(array[k]!)));
  }
}

function renameMember(object: { [key: string]: Json }, random: Random): void {
  const names = Object.keys(object);
  if (names.length === 0) return;
  const name = random.pick(names);
  const value = object[name]!;
  delete object[name];
  object[random.pick([name.toUpperCase(), `${name} `, random.pick(names), random.pick(HOSTILE_NAMES)])] =
    value;
}
