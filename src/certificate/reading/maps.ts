/** The linear maps of operators. */
import { UnsupportedError } from '../../errors.ts';
import { boxOf, isUpsampling, type Lattice, type LatticeEntry, reachOf } from '../../network/lattice.ts';
import type { Convolution, Padding, TransposedConvolution } from '../../network/operator.ts';
import { everyAxis, indices, product } from '../../network/size.ts';
import type { Put, Sides, Signal, SignalMap } from './signal.ts';

/** Entries of K_t, t a position in the kernel or window. */
export type Entries = (t: number, put: Put) => void;

export const isPadded = ({ before, after }: { before: Sides; after: Sides }) =>
  [...before, ...after].some((p) => p !== 0);

/** y_{row + c} = value(c) x_c, sample by sample. */
export function pointwise(source: Signal, value: (channel: number) => number, row = 0): SignalMap {
  const zeros = everyAxis(source.window.length, 0);
  const ones = everyAxis(source.window.length, 1);
  const entries = (put: Put) => {
    for (let c = 0; c < source.channels; c++) put(row + c, c, value(c));
  };
  const taps = [{ offset: zeros, entries }];
  const diagonal = { row, value };
  return { kind: 'window', taps, stride: ones, before: zeros, after: zeros, circular: false, diagonal };
}

/** A diagonal map behind another. */
export function scaledRows({ row, value }: NonNullable<SignalMap['diagonal']>, map: SignalMap): SignalMap {
  const taps = map.taps.map(({ offset, entries }) => ({
    offset,
    entries: (put: Put) =>
      entries((i, j, x, magnitude = Math.abs(x)) =>
        put(row + i, j, value(i) * x, Math.abs(value(i)) * magnitude),
      ),
  }));
  const { diagonal: inner, ...rest } = map;
  if (!inner) return { ...rest, taps };
  const both = { row: row + inner.row, value: (c: number) => value(inner.row + c) * inner.value(c) };
  return { ...rest, taps, diagonal: both };
}

/** The least and the largest modulus of a map's entries that are not 0; nothing without any. */
export function extremes(map: SignalMap): readonly number[] {
  let [low, high] = [Infinity, 0];
  for (const { entries } of map.taps) {
    entries((_row, _column, value) => {
      if (value !== 0) low = Math.min(low, Math.abs(value));
      high = Math.max(high, Math.abs(value));
    });
  }
  return high === 0 ? [] : [low, high];
}

/** A vector from all samples of the window. */
export function reading(source: Signal, entries: Entries): SignalMap {
  const taps = indices(source.window).map((u, k) => ({
    offset: u,
    entries: (put: Put) => entries(k, put),
  }));
  const zeros = everyAxis(source.window.length, 0);
  return { kind: 'read', taps, stride: [], before: zeros, after: zeros, circular: false };
}

/** What a lattice reads: by strides, or put between samples. */
export function latticeMap(lattice: Lattice, from: Sides, to: Sides): SignalMap {
  const upsamples = isUpsampling(lattice);
  const stride = upsamples ? lattice.up : lattice.stride;
  const byReach = new Map<string, { readonly offset: Sides; readonly own: LatticeEntry[] }>();
  for (const entry of lattice.entries) {
    const offset = reachOf(lattice, entry);
    const found = byReach.get(offset.join());
    if (found) found.own.push(entry);
    else byReach.set(offset.join(), { offset, own: [entry] });
  }
  const taps = [...byReach.values()].map(({ offset, own }) => ({
    offset,
    entries: (put: Put) => {
      for (const { output, input } of own) put(output, input, 1);
    },
  }));
  const { least, sides } = boxOf(lattice);
  // Positions of the one that drives lie between 0 and its last; those of the other reach from `least` on.
  const [driving, driven] = upsamples ? [from, to] : [to, from];
  const beyond = (a: number) => stride[a]! * (driving[a]! - 1) + least[a]! + sides[a]! - driven[a]!;
  return {
    ...{ kind: upsamples ? 'transposed' : 'window', taps, stride, circular: false },
    before: least.map((reach) => -reach || 0),
    after: sides.map((_, a) => (upsamples ? Math.max(0, beyond(a)) : beyond(a))),
  };
}

interface Sliding {
  readonly kernel: Sides;
  readonly stride: Sides;
  readonly dilation?: Sides;
  readonly padding: Padding;
}

/** Windows that slide over an image. */
export function sliding(name: string, operator: Sliding, entries: Entries): SignalMap {
  const { kernel, stride, dilation = everyAxis(kernel.length, 1), padding } = operator;
  const { mode, before, after } = padding;
  if (mode !== 'zero' && mode !== 'circular' && isPadded(padding)) {
    const reason = 'only zero and circular padding are covered on a torus';
    throw new UnsupportedError([{ node: name, found: `${mode} padding`, reason }]);
  }
  const taps = indices(kernel).map((t, k) => ({
    offset: t.map((x, a) => dilation[a]! * x - before[a]!),
    entries: (put: Put) => entries(k, put),
  }));
  return { kind: 'window', taps, stride, before, after, circular: mode === 'circular' && isPadded(padding) };
}

/** value · identity, at every position of a kernel. */
export function uniform(channels: number, value: number): Entries {
  return (_t, put) => {
    for (let c = 0; c < channels; c++) put(c, c, value);
  };
}

/** The kernel of a convolution, whose weights are [outputs, inputs / groups, ...kernel], or of a transposed one, [inputs, outputs / groups, ...kernel]. */
export function grouped({
  kind,
  weight,
  groups,
  kernel,
  ...counts
}: Convolution | TransposedConvolution): Entries {
  const transposed = kind === 'transposed-convolution';
  const [rows, all] = transposed ? [counts.inputs, counts.outputs] : [counts.outputs, counts.inputs];
  const columns = all / groups;
  return (t, put) => {
    for (let k = 0; k < rows * columns; k++) {
      const row = Math.floor(k / columns);
      const column = Math.floor(row / (rows / groups)) * columns + (k % columns);
      const value = weight[k * product(kernel) + t]!;
      if (transposed) put(column, row, value);
      else put(row, column, value);
    }
  };
}
