/**
 * Views: how the entries of one tensor are read as another one, by strides and without moving them. Flatten,
 * reshape and transpose are views, and so are their compositions wherever the factors of the shapes fit.
 */
import type { Gather, Reindex } from '../operator.ts';
import { product, sameShape } from '../size.ts';

type Shape = readonly number[];

/** A digit of an entry's index in the view: it counts to `size`, each step `stride` entries of the source. */
interface Digit {
  readonly size: number;
  readonly stride: number;
}

/** The tensor of `shape` whose row-major order runs through the digits, the first one slowest. */
export interface View {
  readonly digits: readonly Digit[];
  readonly shape: Shape;
}

export function wholeView(shape: Shape): View {
  return { digits: joined([{ size: product(shape), stride: 1 }]), shape };
}

/** The entries keep their flat indices. */
export function isRowMajor(view: View): boolean {
  return view.digits.length <= 1;
}

export function sameOrder(a: View, b: View): boolean {
  return (
    a.digits.length === b.digits.length &&
    a.digits.every(({ size, stride }, i) => size === b.digits[i]!.size && stride === b.digits[i]!.stride)
  );
}

/** The view that `operator` makes of a view; undefined where a transpose cuts across the digits. */
export function reindexed(view: View, operator: Reindex): View | undefined {
  const { permutation, shape } = operator;
  if (permutation.every((axis, position) => axis === position)) return { digits: view.digits, shape };
  const axes = alignDigits(view.digits, view.shape);
  return axes && { digits: joined(permutation.flatMap((axis) => axes[axis]!)), shape };
}

/** For each entry of the view, its flat index in the source. */
export function viewSources(view: View): Int32Array {
  let sources: Int32Array = Int32Array.of(0);
  for (const { size, stride } of view.digits) {
    const next = new Int32Array(sources.length * size);
    for (let n = 0; n < next.length; n++) next[n] = sources[Math.floor(n / size)]! + (n % size) * stride;
    sources = next;
  }
  return sources;
}

/** The operator that turns a tensor of shape `source` into the view; undefined where it is the view. */
export function asOperator(view: View, source: Shape): Reindex | Gather | undefined {
  if (isRowMajor(view)) {
    if (sameShape(source, view.shape)) return undefined;
    return { kind: 'reindex', permutation: [...source.keys()], shape: view.shape };
  }
  const channels = channelPermutation(view, source);
  if (channels) return { kind: 'gather', sources: inverse(channels) };
  return { kind: 'gather', sources: viewSources(view), shape: view.shape };
}

/** The permutation back. */
export function inverse(permutation: Int32Array): Int32Array {
  const back = new Int32Array(permutation.length);
  for (const [k, image] of permutation.entries()) back[image] = k;
  return back;
}

/** Whether the entries of every channel of the source lie in one channel of the view. Channels are the first axes. */
function keepsChannels(view: View, source: Shape): boolean {
  const perChannel = product(source) / source[0]!;
  return splitChannels(view)?.channels.every(({ stride }) => stride % perChannel === 0) ?? false;
}

/** Whether, moreover, every channel goes to a channel of its own. */
export function permutesChannels(view: View, source: Shape): boolean {
  return source[0] === view.shape[0] && keepsChannels(view, source);
}

/** Whether, moreover, the image inside a channel stays as it is. */
export function permutesChannelsOnly(view: View, source: Shape): boolean {
  const inOrder = (splitChannels(view)?.rest.length ?? 2) <= 1;
  return inOrder && sameShape(view.shape.slice(1), source.slice(1)) && permutesChannels(view, source);
}

/** For each channel of the source, the channel of the view that its entries lie in; undefined where they lie in
 *  several. */
export function channelImages(view: View, source: Shape): Int32Array | undefined {
  if (!keepsChannels(view, source)) return undefined;
  const split = splitChannels(view)!;
  const perChannel = product(source) / source[0]!;
  return Int32Array.from({ length: source[0]! }, (_, channel) =>
    split.channels.reduce(
      (image, { size, stride }) => image * size + (Math.floor((channel * perChannel) / stride) % size),
      0,
    ),
  );
}

/** As `channelImages`, of views that permute channels and nothing else. */
export function channelPermutation(view: View, source: Shape): Int32Array | undefined {
  return permutesChannelsOnly(view, source) ? channelImages(view, source) : undefined;
}

/**
 * The view after an operator that works on each channel by itself and makes `copies` output channels of `image`
 * entries out of every channel: `view` permutes channels of a tensor of shape `source`.
 */
export function channelwiseView(view: View, source: Shape, copies: number, shape: Shape): View {
  const perChannel = product(source) / source[0]!;
  const image = product(shape.slice(1));
  const moved = splitChannels(view)!.channels.map(({ size, stride }) => ({
    size,
    stride: (stride / perChannel) * copies * image,
  }));
  return { digits: joined([...moved, { size: copies * image, stride: 1 }]), shape };
}

/** The digits of the first axis and those of all others. */
function splitChannels(view: View): { channels: readonly Digit[]; rest: readonly Digit[] } | undefined {
  const [channels, ...rest] = view.shape;
  const split = alignDigits(view.digits, [channels!, product(rest)]);
  return split && { channels: joined(split[0]!), rest: joined(split[1]!) };
}

/** Shares the digits out among axes of the given sizes, splitting a digit where an axis ends inside it;
 *  undefined where a size does not divide. */
function alignDigits(digits: readonly Digit[], sizes: Shape): Digit[][] | undefined {
  const left = [...digits];
  const axes: Digit[][] = [];
  for (const size of sizes) {
    const axis: Digit[] = [];
    let open = size;
    while (open > 1) {
      const digit = left.shift()!;
      if (open % digit.size === 0) {
        axis.push(digit);
        open /= digit.size;
      } else if (digit.size % open === 0) {
        const rest = digit.size / open;
        axis.push({ size: open, stride: digit.stride * rest });
        left.unshift({ size: rest, stride: digit.stride });
        open = 1;
      } else {
        return undefined;
      }
    }
    axes.push(axis);
  }
  return axes;
}

/** A permutation of an index's digits written with as few of them as possible: none of size 1, neighbours in one run joined. */
function joined(digits: readonly Digit[]): Digit[] {
  const result: Digit[] = [];
  for (const digit of digits) {
    if (digit.size === 1) continue;
    const last = result.at(-1);
    if (last && last.stride === digit.stride * digit.size) {
      result[result.length - 1] = { size: last.size * digit.size, stride: digit.stride };
    } else {
      result.push(digit);
    }
  }
  return result;
}
