/**
 * Operators on a tensor whose entries stand in another order. `channels[c]` is the channel that the operator knew
 * channel c of its new input as.
 */
import { type Elementwise, mapChannelEntries } from '../elementwise/elementwise.ts';
import { placedGroups } from '../groups/grouped.ts';
import { emptyLike, gatheredBlocks, type Numbers } from '../numbers.ts';
import type {
  Affine,
  Convolution,
  Gather,
  Grouped,
  MaxGather,
  Scale,
  TransposedConvolution,
} from '../operator.ts';
import { madeOf, movedFrom } from '../weights/origin.ts';
import { inverse, isRowMajor, type View, viewSources } from './view.ts';

/** Acts on the source of the view instead of the view. */
export function permuteColumns(operator: Affine, view: View): Affine {
  if (isRowMajor(view)) return operator;
  const { outputs, inputs, weight } = operator;
  const sources = viewSources(view);
  const permuted = emptyLike(weight, weight.length);
  for (let o = 0; o < outputs; o++) {
    for (let i = 0; i < inputs; i++) permuted[o * inputs + sources[i]!] = weight[o * inputs + i]!;
  }
  const back = (gradient: Float64Array) =>
    gradient.map((_, n) => gradient[n - (n % inputs) + sources[n % inputs]!]!);
  return { ...operator, weight: madeOf(permuted, weight, back) };
}

/** Looks at the source of the view instead of the view. */
export function permuteWindows(operator: MaxGather, view: View): MaxGather {
  if (isRowMajor(view)) return operator;
  const sources = viewSources(view);
  return { ...operator, windows: operator.windows.map((window) => window.map((index) => sources[index]!)) };
}

/** Picks from the source of the view instead of the view. */
export function permuteSources(operator: Gather, view: View): Gather {
  if (isRowMajor(view)) return operator;
  const sources = viewSources(view);
  return { ...operator, sources: operator.sources.map((at) => (at < 0 ? -1 : sources[at]!)) };
}

/** For each entry of the source, the entry of the view that it is. */
export function entriesBefore(view: View): Int32Array {
  return inverse(viewSources(view));
}

export function permuteFunction(f: Elementwise, channels: Int32Array): Elementwise {
  return mapChannelEntries(f, (entries) => gathered(entries, channels));
}

export function permuteScale(operator: Scale, channels: Int32Array): Scale {
  const { scale, shift, shiftMagnitude } = operator;
  return {
    ...operator,
    scale: gathered(scale, channels),
    ...(shift && { shift: gathered(shift, channels) }),
    ...(shiftMagnitude && { shiftMagnitude: gathered(shiftMagnitude, channels) }),
  };
}

/** Groups of the entries of the vector that the view is of. */
export function permuteEntries(operator: Grouped, view: View): Grouped {
  const sources = viewSources(view);
  const groups = placedGroups(operator, view.shape).map((group) => group.sources.map((n) => sources[n]!));
  return { ...operator, groups, wide: false };
}

/** Groups of the channels that are those of the operator now. */
export function permuteGroups(operator: Grouped, channels: Int32Array): Grouped {
  const now = new Int32Array(channels.length);
  for (const [channel, was] of channels.entries()) now[was] = channel;
  return { ...operator, groups: operator.groups.map((group) => group.map((channel) => now[channel]!)) };
}

/** Input channels of an ungrouped convolution. */
export function permuteInputs(operator: Convolution, channels: Int32Array): Convolution {
  const { outputs, inputs, weight } = operator;
  const block = weight.length / (outputs * inputs);
  const rows = new Int32Array(outputs * inputs);
  for (let first = 0; first < rows.length; first += inputs) {
    for (let i = 0; i < inputs; i++) rows[first + i] = first + channels[i]!;
  }
  return { ...operator, weight: movedBlocks(weight, rows, block) };
}

/** Channels of a depthwise convolution: outputs move along with their inputs. */
export function permuteDepthwise(operator: Convolution, channels: Int32Array): Convolution {
  const { inputs, outputs, weight, bias } = operator;
  const copies = outputs / inputs;
  const moved = { ...operator, weight: movedBlocks(weight, channels, weight.length / inputs) };
  return bias ? { ...moved, bias: Float64Array.from(gatheredBlocks(bias, channels, copies)) } : moved;
}

/** Input channels of an ungrouped transposed convolution. */
export function permuteTransposedInputs(
  operator: TransposedConvolution,
  channels: Int32Array,
): TransposedConvolution {
  const { inputs, weight } = operator;
  return { ...operator, weight: movedBlocks(weight, channels, weight.length / inputs) };
}

function movedBlocks(values: Numbers, from: Int32Array, size: number): Numbers {
  const sources = () => Int32Array.from({ length: from.length * size }, (_, n) => blockSource(from, size, n));
  return movedFrom(gatheredBlocks(values, from, size), values, sources);
}

function blockSource(from: Int32Array, size: number, n: number): number {
  return from[Math.floor(n / size)]! * size + (n % size);
}

function gathered(values: Float64Array, channels: Int32Array): Float64Array {
  if (values.length === 1) return values;
  const moved = Float64Array.from(channels, (channel) => values[channel]!);
  return movedFrom(moved, values, () => channels);
}
