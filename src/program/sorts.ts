/**
 * Sorted groups (docs/mathematics.md §1) as variables: the sum of a group stays what it is, and only differences go through a function. Of a
 * pair (a, b) that is a − b ↦ |a − b|, in groups of n > 2 what n times the entries differ from their sum by, in order.
 */
import type { Grouped } from '../network/operator.ts';
import { constants } from '../network/weights/origin.ts';
import type { LinearMap, Term, Variable } from './variables.ts';

/** The largest vector whose groups of more than two are split: the differences are a dense matrix. */
const LARGEST_VECTOR = 2048;

/** Makes a variable of so many channels, on the grid of the source. Sums come last: a window that they need stands behind the function. */
type Make = (origin: Variable['origin'], suffix: string, channels: number) => Variable;

/** The sorted groups, or undefined where they have no sums of their own: groups of several sizes, of one entry, or very large ones. */
export function sortedGroups(operator: Grouped, source: Variable, make: Make): Variable | undefined {
  const { function: f, groups, wide } = operator;
  if (f.name !== 'sort' || wide) return undefined;
  const n = groups[0]?.length ?? 0;
  if (n < 2 || groups.some(({ length }) => length !== n)) return undefined;
  if (n > 2 && source.window.length === 0 && source.channels > LARGEST_VECTOR) return undefined;
  return n === 2 ? sortedPairs(groups, f.descending, source, make) : sortedMany(groups, source, make);
}

/** s = a + b, d = a − b; the larger is ½ (s + |d|), the smaller ½ (s − |d|). */
function sortedPairs(
  groups: readonly Int32Array[],
  descending: boolean,
  source: Variable,
  make: Make,
): Variable {
  const count = groups.length;
  const [first, second] = [0, 1].map((k) => groups.map((pair) => pair[k]!));
  const mixed = (sign: number): Term[] => [
    { source, map: picked(source, first!, 1), row: 0, channels: count },
    { source, map: picked(source, second!, sign), row: 0, channels: count },
  ];
  const differences = make({ kind: 'linear', terms: mixed(-1) }, ' (differences)', count);
  const slopes = { lower: Float64Array.of(-1), upper: Float64Array.of(1) };
  const moduli = { kind: 'nonlinearity', source: differences, ...slopes } as const;
  const image = make(moduli, '', count);
  const sums = make({ kind: 'linear', terms: mixed(1) }, ' (sums)', count);
  image.origin = { ...moduli, sums: { variable: sums, scale: 1 } };
  const pairOf: number[] = [];
  const signs = new Float64Array(2 * count);
  for (const [g, pair] of groups.entries()) {
    for (const [k, channel] of pair.entries()) {
      pairOf[channel] = g;
      signs[channel] = (k === 0) === descending ? 0.5 : -0.5;
    }
  }
  return joined(source, sums, image, { ofSums: pairOf, scale: 0.5 }, picked(image, pairOf, signs), make);
}

/** d_i = n x_i − s, s the sum of the group; y_i = (s + p_i) / n, p the d of the group in order, which still add up to 0. */
function sortedMany(groups: readonly Int32Array[], source: Variable, make: Make): Variable {
  const n = groups[0]!.length;
  const { channels } = source;
  const groupOf = new Int32Array(channels);
  for (const [g, list] of groups.entries()) for (const channel of list) groupOf[channel] = g;
  const whole = (map: LinearMap, count: number): Variable['origin'] => ({
    ...{ kind: 'linear', terms: [{ source, map, row: 0, channels: count }] },
  });
  const differences = make(
    whole(
      mixing(source, channels, (put) => {
        for (const list of groups)
          for (const i of list) for (const j of list) put(i, j, i === j ? n - 1 : -1);
      }),
      channels,
    ),
    ' (differences)',
    channels,
  );
  const windows = {
    kind: 'grouped',
    ofSource: groupOf,
    ofTarget: groupOf,
    groups: groups.length,
    spread: 1,
  } as const;
  const order = {
    kind: 'maximum',
    source: differences,
    gain: Float64Array.of(1),
    overlap: 1,
    windows,
  } as const;
  const image = make(order, '', channels);
  const sums = make(
    whole(
      mixing(source, groups.length, (put) => {
        for (const [g, list] of groups.entries()) for (const j of list) put(g, j, 1);
      }),
      groups.length,
    ),
    ' (sums)',
    groups.length,
  );
  image.origin = { ...order, sums: { variable: sums, scale: Math.sqrt(n) } };
  // Differences add up to 0; what is known of them is the same for all n, and is not.
  const rest = mixing(image, channels, (put) => {
    for (const list of groups)
      for (const i of list) for (const j of list) put(i, j, (i === j ? n - 1 : -1) / n ** 2);
  });
  return joined(source, sums, image, { ofSums: [...groupOf], scale: 1 / n }, rest, make);
}

/** Sums and what became of the differences, put together. */
function joined(
  source: Variable,
  sums: Variable,
  image: Variable,
  { ofSums, scale }: { readonly ofSums: readonly number[]; readonly scale: number },
  map: LinearMap,
  make: Make,
): Variable {
  const { channels } = source;
  const terms: Term[] = [
    { source: sums, map: picked(sums, ofSums, scale), row: 0, channels },
    { source: image, map, row: 0, channels },
  ];
  return make({ kind: 'linear', terms, sorted: source }, ' (sorted)', channels);
}

/** y_r = scale_r x_{channels_r}, at every position. */
function picked(source: Variable, channels: readonly number[], scale: Float64Array | number): LinearMap {
  const scales = typeof scale === 'number' ? Float64Array.of(scale) : scale;
  if (source.window.length === 0) return { kind: 'pick', sources: Int32Array.from(channels), scale: scales };
  return mixing(source, channels.length, (put) => {
    for (const [row, channel] of channels.entries())
      put(row, channel, scales[scales.length === 1 ? 0 : row]!);
  });
}

type Entries = (put: (row: number, channel: number, value: number) => void) => void;

/** A matrix of channels, the same at every position. */
function mixing(source: Variable, rows: number, entries: Entries): LinearMap {
  const { channels, window } = source;
  if (window.length === 0) {
    const weight = new Float64Array(rows * channels);
    entries((row, channel, value) => {
      weight[row * channels + channel] = value;
    });
    return { kind: 'read', weight: constants(weight) };
  }
  const [ones, zeros] = [window.map(() => 1), window.map(() => 0)];
  return {
    kind: 'convolution',
    kernel: { sides: ones, entries: (_, put) => entries(put) },
    ...{ stride: ones, dilation: ones, before: zeros, after: zeros, circular: false },
  };
}
