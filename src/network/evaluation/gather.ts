/** Operators whose outputs are entries of their input: which ones. */

import type { Gather, GlobalMaxPool, MaxGather, MaxPool, Pad, Reindex } from '../operator.ts';
import { product, strides } from '../size.ts';
import { maxPoolWindows, padWindows } from './geometry.ts';
import { tapTable } from './windows.ts';

type Shape = readonly number[];

export type MaximumOperator = MaxPool | MaxGather | GlobalMaxPool;

/** For each entry of the reindexed tensor, the flat index of the entry that moves there. */
export function reindexSources(operator: Reindex, shape: Shape): Int32Array {
  const steps = strides(shape);
  let sources: Int32Array = Int32Array.of(0);
  for (const axis of operator.permutation) {
    const next = new Int32Array(sources.length * shape[axis]!);
    for (let n = 0; n < next.length; n++) {
      const position = n % shape[axis]!;
      next[n] = sources[Math.floor(n / shape[axis]!)]! + position * steps[axis]!;
    }
    sources = next;
  }
  return sources;
}

/** For each entry of the output, the flat index of the entry of the input of this shape that it is; −1: none, it is 0. */
export function entrySources(operator: Gather | Reindex, shape: Shape): Int32Array {
  if (operator.kind === 'reindex') return reindexSources(operator, shape);
  const { sources } = operator;
  if (operator.shape) return sources;
  const image = product(shape) / shape[0]!;
  return new Int32Array(sources.length * image).map((_, n) => {
    const channel = sources[Math.floor(n / image)]!;
    return channel < 0 ? -1 : channel * image + (n % image);
  });
}

/** As `entrySources`, of a padded tensor. */
export function padSources(operator: Pad, input: Shape, output: Shape): Int32Array {
  const { windows, source } = tapTable(padWindows(operator, input, output));
  const image = product(input.slice(1));
  return new Int32Array(input[0]! * windows).map((_, n) => {
    const at = source[n % windows]!;
    return at < 0 ? -1 : Math.floor(n / windows) * image + at;
  });
}

/** How often the entry is read that is read most often: the square of the norm of a gather. */
export function mostReads(sources: Int32Array, entries: number): number {
  const reads = new Int32Array(entries);
  let most = 0;
  for (const source of sources) if (source >= 0) most = Math.max(most, ++reads[source]!);
  return most;
}

/**
 * For each channel of the output, the channels of the input that it has entries of, each as often as it has one of their entries at most.
 * @param sources as `entrySources` gives them
 */
export function channelsRead(sources: Int32Array, input: Shape, output: Shape): Int32Array[] {
  const [image, ownImage] = [product(input) / input[0]!, product(output) / output[0]!];
  const reads = new Int32Array(product(input));
  return Array.from({ length: output[0]! }, (_, channel) => {
    const own = sources.subarray(channel * ownImage, (channel + 1) * ownImage);
    const most = new Map<number, number>();
    for (const source of own) {
      if (source < 0) continue;
      const from = Math.floor(source / image);
      most.set(from, Math.max(most.get(from) ?? 0, ++reads[source]!));
    }
    for (const source of own) if (source >= 0) reads[source] = 0;
    return Int32Array.from([...most].flatMap(([from, count]) => new Array<number>(count).fill(from)));
  });
}

/** What the outputs of a maximum look at: the same windows in every channel. */
export interface MaximumWindows {
  readonly channels: number;
  /** Entries of a channel of the input. */
  readonly image: number;
  /** Windows in a channel. */
  readonly windows: number;
  /** Window w looks at entries[starts[w]] … entries[starts[w + 1] − 1] of its channel; none at nothing. */
  readonly starts: Int32Array;
  readonly entries: Int32Array;
}

export function maximumWindows(operator: MaximumOperator, input: Shape, output: Shape): MaximumWindows {
  const channels = input[0]!;
  const image = product(input) / channels;
  switch (operator.kind) {
    case 'max-gather': {
      const { windows: lists } = operator;
      return { channels: 1, image: product(input), windows: lists.length, ...joined(lists) };
    }
    case 'global-max-pool': {
      const all = Int32Array.from({ length: image }, (_, k) => k);
      return { channels, image, windows: 1, starts: Int32Array.of(0, image), entries: all };
    }
    case 'max-pool': {
      const { windows, taps, source } = tapTable(maxPoolWindows(operator, input, output));
      const starts = new Int32Array(windows + 1);
      const entries = new Int32Array(source.length);
      let end = 0;
      for (let window = 0; window < windows; window++) {
        for (let tap = window * taps; tap < (window + 1) * taps; tap++) {
          if (source[tap]! >= 0) entries[end++] = source[tap]!;
        }
        starts[window + 1] = end;
      }
      return { channels, image, windows, starts, entries: entries.slice(0, end) };
    }
    default:
      throw new Error(`unknown maximum ${operator satisfies never}`);
  }
}

function joined(lists: readonly Int32Array[]): Pick<MaximumWindows, 'starts' | 'entries'> {
  const starts = new Int32Array(lists.length + 1);
  for (const [k, list] of lists.entries()) starts[k + 1] = starts[k]! + list.length;
  const entries = new Int32Array(starts[lists.length]!);
  for (const [k, list] of lists.entries()) entries.set(list, starts[k]!);
  return { starts, entries };
}

/** Per output of a maximum, the indices of the entries of the flattened input that it is the maximum of. */
export function listedWindows(operator: MaximumOperator, input: Shape, output: Shape): readonly Int32Array[] {
  if (operator.kind === 'max-gather') return operator.windows;
  const { channels, image, windows, starts, entries } = maximumWindows(operator, input, output);
  return Array.from({ length: channels * windows }, (_, n) => {
    const window = n % windows;
    const from = Math.floor(n / windows) * image;
    return entries.subarray(starts[window]!, starts[window + 1]!).map((at) => from + at);
  });
}

/** Per window, the index of (the first of) the largest of its entries; of a NaN if it has one. */
export function maximumSources(windows: MaximumWindows, x: Float64Array): Int32Array {
  const { channels, image, windows: count, starts, entries } = windows;
  const sources = new Int32Array(channels * count);
  for (let channel = 0, n = 0; channel < channels; channel++) {
    const from = channel * image;
    for (let window = 0; window < count; window++, n++) {
      let best = from + entries[starts[window]!]!;
      for (let k = starts[window]! + 1; k < starts[window + 1]!; k++) {
        const index = from + entries[k]!;
        if (x[index]! > x[best]! || Number.isNaN(x[index]!)) best = index;
      }
      sources[n] = best;
    }
  }
  return sources;
}
