/** Operators whose outputs are entries of their input: which ones. */

import type { GlobalMaxPool, MaxGather, MaxPool, Reindex } from '../operator.ts';
import { product, strides } from '../size.ts';
import { maxPoolWindows } from './geometry.ts';
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

/** Per output of a max pool, the indices of the entries that it is the maximum of. */
export function maximumWindows(
  operator: MaximumOperator,
  input: Shape,
  output: Shape,
): readonly Int32Array[] {
  switch (operator.kind) {
    case 'max-gather':
      return operator.windows;
    case 'global-max-pool': {
      const image = product(input) / input[0]!;
      return Array.from({ length: input[0]! }, (_, c) =>
        Int32Array.from({ length: image }, (_, t) => c * image + t),
      );
    }
    case 'max-pool': {
      const { windows, taps, source } = tapTable(maxPoolWindows(operator, input, output));
      const image = product(input) / input[0]!;
      return Array.from({ length: input[0]! * windows }, (_, n) => {
        const window = n % windows;
        const channel = Math.floor(n / windows);
        const inside = source.subarray(window * taps, (window + 1) * taps).filter((at) => at >= 0);
        return inside.map((at) => channel * image + at);
      });
    }
    default:
      throw new Error(`unknown maximum ${operator satisfies never}`);
  }
}

/** Per window, the index of (the first of) the largest of its entries; of a NaN if it has one. */
export function maximumSources(windows: readonly Int32Array[], x: Float64Array): Int32Array {
  const sources = new Int32Array(windows.length);
  for (let n = 0; n < windows.length; n++) {
    const window = windows[n]!;
    let best = window[0]!;
    for (let k = 1; k < window.length; k++) {
      const index = window[k]!;
      if (x[index]! > x[best]! || Number.isNaN(x[index]!)) best = index;
    }
    sources[n] = best;
  }
  return sources;
}
