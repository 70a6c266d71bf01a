/** Changes of certificates. */
import { EXACT_FORMAT, type ExactCertificate } from '../../src/certificate/constants/exactFormat.ts';
import { decodeValues, encodeValues } from '../../src/certificate/fields.ts';
import type { Certificate } from '../../src/certificate/format.ts';
import { changeJson, type Json, jsonText } from '../mutation/json.ts';
import type { Random } from '../random.ts';
import { EXACT_CHANGES, type LooseExact } from './mutateExact.ts';

type Loose = { -readonly [Key in keyof Certificate]: Json };

interface LooseLayer {
  name: string;
  role: string;
  period: number[];
  exponent: number;
  values: string;
}

/** A change of what a certificate says, made so that its reader still takes it for one. */
type Change = (certificate: Loose, layers: LooseLayer[], random: Random) => void;

const FACTORS: readonly number[] = [
  ...[0, -1, 1 - 1e-15, 1 - 1e-12, 1 + 1e-12, 1 - 1e-9, 1 - 1e-6, 0.99, 0.9, 0.5, 1.1, 2, 10],
  ...[1e3, 1e-3, 1e100, 1e-100, 1e200, 1e-200, 2 ** -1000, Number.NaN, Infinity, -Infinity],
];

/** Bytes of multipliers that no small network has. */
const HUGE = [3e6, 12e6, 30e6];

const CHANGES: Readonly<Record<string, Change>> = {
  value(_, layers, random) {
    if (layers.length === 0) return;
    const layer = random.pick(layers);
    const values = decodeValues(layer.values, '');
    if (values.length === 0) return;
    const k = random.integer(0, values.length - 1);
    values[k] = values[k]! * random.pick(FACTORS);
    layer.values = encodeValues(values);
  },
  bits(_, layers, random) {
    if (layers.length === 0) return;
    const layer = random.pick(layers);
    const values = decodeValues(layer.values, '');
    if (values.length === 0) return;
    const bytes = new Uint8Array(values.buffer);
    bytes[random.integer(0, bytes.length - 1)]! ^= 1 << random.integer(0, 7);
    layer.values = encodeValues(values);
  },
  allValues(_, layers, random) {
    if (layers.length === 0) return;
    const layer = random.pick(layers);
    const factor = random.pick(FACTORS);
    layer.values = encodeValues(decodeValues(layer.values, '').map((x) => x * factor));
  },
  /** All multipliers behind a layer alike, which keeps them multipliers: the bound scales with them. */
  scaled(_, layers, random) {
    const factor = random.pick([0.5, 0.9, 0.999, 1 - 1e-9, 1 + 1e-9, 1.1]);
    for (const layer of layers.slice(random.integer(0, layers.length)))
      layer.values = encodeValues(decodeValues(layer.values, '').map((x) => x * factor));
  },
  count(_, layers, random) {
    if (layers.length === 0) return;
    const layer = random.pick(layers);
    const values = [...decodeValues(layer.values, '')];
    const last = values.at(-1) ?? 1;
    const changed = random.pick([values.slice(1), [...values, last], [...values, ...values], []]);
    layer.values = encodeValues(Float64Array.from(changed));
  },
  exchange(_, layers, random) {
    if (layers.length === 0) return;
    const [a, b] = [random.pick(layers), random.pick(layers)];
    const key = random.pick(['values', 'name', 'role', 'exponent', 'period'] as const);
    const held = a as unknown as Record<string, unknown>;
    const other = b as unknown as Record<string, unknown>;
    [held[key], other[key]] = [other[key], held[key]];
  },
  layers(certificate, layers, random) {
    if (layers.length === 0) return;
    const k = random.integer(0, layers.length - 1);
    const j = random.integer(0, layers.length - 1);
    const list = layers as unknown as Json[];
    switch (random.integer(0, 3)) {
      case 0:
        list.splice(k, 1);
        break;
      case 1:
        list.splice(j, 0, structuredClone(list[k]!));
        break;
      case 2:
        list.splice(j, 0, ...list.splice(k, 1));
        break;
      default:
        certificate.layers = Array.from({ length: random.pick([3, 2000]) }, () => structuredClone(list[k]!));
    }
  },
  role(_, layers, random) {
    if (layers.length > 0)
      random.pick(layers).role = random.pick(['nonlinearity', 'window', 'divisor', 'maximum']);
  },
  exponent(_, layers, random) {
    if (layers.length > 0)
      random.pick(layers).exponent += random.pick([1, -1, 2, -2, 5, -5, 300, -300, 2 ** 20, -(2 ** 29)]);
  },
  period(_, layers, random) {
    if (layers.length === 0) return;
    const layer = random.pick(layers);
    const values = [...decodeValues(layer.values, '')];
    const factor = random.pick([1, 2, 3, 4, 2 ** 10, 2 ** 30]);
    layer.period =
      layer.period.length > 0 ? layer.period.map((n) => Math.min(2 ** 30, n * factor)) : [factor];
    if (factor > 4) return;
    const repeated = Array.from({ length: factor ** layer.period.length }, () => values).flat();
    layer.values = encodeValues(Float64Array.from(repeated, (x) => x * random.pick([1, 1, 0.9, 1.1])));
  },
  claim({ claim }, _, random) {
    const own = claim as { bound: number | null; log10: number };
    const factor = random.pick([
      1 - 2 ** -52,
      1 - 1e-12,
      1 - 1e-9,
      1 - 1e-6,
      0.999,
      0.99,
      0.9,
      0.5,
      1e-10,
      1 + 1e-12,
      1.5,
    ]);
    const which = random.integer(0, 2);
    if (which !== 1 && own.bound !== null) own.bound *= factor;
    if (which !== 0) own.log10 += Math.log10(factor);
    if (random.chance(0.1)) own.bound = random.pick([null, 0, 1e-300]);
  },
  tori({ tori }, _, random) {
    const list = tori as number[][];
    const torus = list.length > 0 ? random.pick(list) : undefined;
    if (!torus || torus.length === 0) return;
    const k = random.integer(0, torus.length - 1);
    torus[k] = random.chance(0.6)
      ? Math.max(1, torus[k]! + random.pick([-4, -3, -2, -1, 1, 2, 3, 4]))
      : random.pick([1, 2, 3, 5, 7, 12, 16, 25, 40, 64, 1000, 10 ** 6, 2 ** 30]);
  },
  reach(certificate, _, random) {
    certificate.reach = random.pick([null, 1, 1 + 2 ** -52, 1.01, 1.5, 2, 3, 4, 64, 2 ** 20, 2 ** 21, 0, -2]);
  },
  margins(certificate, _, random) {
    const own = certificate.margins as { bounds: number[]; sets: { layers: LooseLayer[] }[] } | undefined;
    if (!own || own.bounds.length === 0) return;
    const k = random.integer(0, own.bounds.length - 1);
    const j = random.integer(0, own.bounds.length - 1);
    switch (random.integer(0, 3)) {
      case 0:
        own.bounds[k]! *= random.pick([0, 0.5, 0.9, 0.99, 1 - 1e-6, 1 - 1e-9, 1 - 2 ** -52, 1.1]);
        break;
      case 1:
        [own.bounds[k], own.bounds[j]] = [own.bounds[j]!, own.bounds[k]!];
        break;
      case 2:
        own.sets = random.pick([own.sets.slice(1), [...own.sets, ...own.sets], []]);
        break;
      default:
        if (own.sets.length === 0) return;
        for (const layer of random.pick(own.sets).layers) {
          const factor = random.pick(FACTORS);
          layer.values = encodeValues(decodeValues(layer.values, '').map((x) => x * factor));
        }
    }
  },
  unrolledFrom(certificate, _, random) {
    certificate.unrolledFrom = random.pick([null, 0, 1, 2, 3, 5, 99, 2 ** 30]);
  },
  network({ network }, _, random) {
    const own = network as Record<string, Json>;
    if (random.chance(0.5)) own.name = 'another';
    else own.input = random.pick<Json>([[1], [2, 6], [6, 2], [12], [5], []]);
  },
  /** What nobody needs, in megabytes. */
  huge(certificate, layers, random) {
    const bytes = random.pick(HUGE);
    switch (random.integer(0, 3)) {
      case 0:
        if (layers.length > 0) random.pick(layers).values = 'A'.repeat(Math.round(bytes / 32) * 32);
        break;
      case 1:
        (certificate.network as Record<string, Json>).name = '\u001b'.repeat(bytes / 6);
        break;
      case 2:
        certificate.tori = new Array<Json>(bytes / 4).fill([1]);
        break;
      default:
        if (layers.length > 0) {
          const layer = random.pick(layers) as unknown as Json;
          certificate.layers = Array.from({ length: 90_000 }, () => layer);
        }
    }
  },
};

/** A rare change takes long to write and read. */
const HUGE_SHARE = 0.01;
const NAMES = Object.keys(CHANGES).filter((name) => name !== 'huge');
const EXACT_NAMES = Object.keys(EXACT_CHANGES).filter((name) => name !== 'huge');

/** The text of a certificate with one to three changes, and their names. */
export function mutatedCertificate(
  certificate: Certificate | ExactCertificate,
  random: Random,
): { readonly text: string; readonly changes: readonly string[] } {
  const copy: Certificate | ExactCertificate = structuredClone(certificate);
  const isExact = copy.format === EXACT_FORMAT;
  const names = isExact ? EXACT_NAMES : NAMES;
  const changes: string[] = [];
  const count = random.pick([1, 1, 1, 2, 3]);
  for (let k = 0; k < count; k++) {
    const name = random.chance(HUGE_SHARE) ? 'huge' : random.pick(names);
    // Nothing is left of a tree that was cut off at its root.
    if (isExact && copy.tree.length === 0) break;
    if (isExact) EXACT_CHANGES[name]!(copy as unknown as LooseExact, random);
    else CHANGES[name]!(copy as unknown as Loose, copy.layers as unknown as LooseLayer[], random);
    changes.push(name);
    if (name === 'huge') return { text: JSON.stringify(copy), changes };
  }
  if (random.chance(0.35)) {
    // Last: what it leaves may be no certificate any more.
    changeJson(copy as unknown as Json, random);
    changes.push('document');
  }
  return { text: jsonText(copy as unknown as Json, random), changes };
}
