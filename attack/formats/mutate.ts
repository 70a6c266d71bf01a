/** Changes of models in other formats than ONNX: of bytes, of what archives hold, of JSON and of text. */
import { zip } from '../../test/certify/data/files.ts';
import { changedBytes } from '../files/mutate.ts';
import { changeJson, type Json } from '../mutation/json.ts';
import { Random } from '../random.ts';
import type { Model } from './corpus.ts';

/** One change, made again by the same seed. */
export interface Change {
  readonly file: string;
  readonly kind: 'bytes' | 'sizes' | 'entry' | 'json' | 'text';
  readonly seed: number;
}

/** What sizes, offsets and counts may be said to be. */
const SIZES: readonly bigint[] = [
  ...[0n, 1n, 0xffn, 0x7fffn, 0xffffn, 0x7fffffffn, 0x80000000n, 0xffffffffn],
  ...[2n ** 32n, 2n ** 40n, 2n ** 53n, 2n ** 63n, 2n ** 64n - 1n],
];

/** What numbers may be written as. */
const WORDS: readonly string[] = [
  ...[
    '',
    '0',
    '-0',
    '1e999',
    'NaN',
    'inf',
    '1e308',
    '99999999999999999999',
    '0x10',
    '1,1',
    '\n',
    '//',
    '\u0664',
  ],
  ...['1e-400', '-', '.', '1e', ' 1 2 ', '\u0000', '300000', '2147483648'],
];

/** Of one file, or two. */
export function drawChanges({ files, archives }: Model, random: Random): Change[] {
  const names = [...files.keys()];
  return Array.from({ length: random.pick([1, 1, 1, 2, 3]) }, () => {
    const file = random.pick(names);
    const kinds: Change['kind'][] = archives.has(file)
      ? ['bytes', 'sizes', 'entry', 'entry', 'entry', 'entry']
      : file.endsWith('.json')
        ? ['bytes', 'json', 'json', 'json']
        : file.endsWith('.nnet')
          ? ['bytes', 'text', 'text', 'text']
          : ['bytes', 'bytes', 'sizes'];
    return { file, kind: random.pick(kinds), seed: random.integer(0, 2 ** 32 - 1) };
  });
}

/** Whether all that was changed is held against a check sum: what is read of it is what it was, or nothing. */
export function isSealed({ archives }: Model, changes: readonly Change[]): boolean {
  return changes.every(({ file, kind }) => archives.has(file) && kind !== 'entry');
}

/** The files after these changes, in their order. */
export function mutated(model: Model, changes: readonly Change[]): Map<string, Uint8Array> {
  const files = new Map(model.files);
  for (const { file, kind, seed } of changes) {
    const random = new Random(seed);
    files.set(file, changed(files.get(file)!, kind, model.archives.get(file), random));
  }
  return files;
}

function changed(
  bytes: Uint8Array,
  kind: Change['kind'],
  entries: ReadonlyMap<string, Uint8Array> | undefined,
  random: Random,
): Uint8Array {
  switch (kind) {
    case 'bytes':
      return changedBytes(bytes, random);
    case 'sizes':
      return changedSizes(bytes, random);
    case 'json':
      return changedJson(bytes, random);
    case 'text': {
      const words = new TextDecoder().decode(bytes).split(',');
      words[random.integer(0, words.length - 1)] = random.pick(WORDS);
      return new TextEncoder().encode(words.join(','));
    }
    case 'entry': {
      const all = new Map(entries);
      const name = random.pick([...all.keys()]);
      const own = all.get(name)!;
      const inside = name.endsWith('.json') ? changedJson : random.chance(0.7) ? changedBytes : changedSizes;
      all.set(name, inside(own, random));
      const buffers = [...all].map(([key, data]) => [key, Buffer.from(data)] as const);
      return new Uint8Array(zip(Object.fromEntries(buffers), { store: random.chance(0.5) }));
    }
    default:
      return kind satisfies never;
  }
}

/** Another number in place of 2, 4 or 8 bytes, as files hold sizes. */
function changedSizes(bytes: Uint8Array, random: Random): Uint8Array {
  const result = bytes.slice();
  const width = random.pick([2, 4, 8]);
  if (result.length < width) return result;
  const view = new DataView(result.buffer);
  // The beginning is where most of them are.
  const most = random.chance(0.5) ? Math.min(result.length, 512) : result.length;
  const at = random.integer(0, most - width);
  const size = BigInt.asUintN(8 * width, random.pick(SIZES));
  if (width === 2) view.setUint16(at, Number(size), true);
  else if (width === 4) view.setUint32(at, Number(size), true);
  else view.setBigUint64(at, size, true);
  return result;
}

function changedJson(bytes: Uint8Array, random: Random): Uint8Array {
  let document: Json;
  try {
    document = JSON.parse(new TextDecoder().decode(bytes)) as Json;
  } catch {
    // An earlier change has left none.
    return changedBytes(bytes, random);
  }
  changeJson(document, random);
  return new TextEncoder().encode(JSON.stringify(document));
}
