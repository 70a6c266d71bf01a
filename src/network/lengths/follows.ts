/** How operators follow the length of the signal that a network reads. */
import { largest, smallest } from '../extremes.ts';
import type { Network, Node, TensorId } from '../network.ts';
import type { Operator } from '../operator.ts';
import { unknownOperator } from '../shape.ts';

/** What a reader of files says of an operator, its fields once made for the length of the file. */
export type Follows =
  /** In signals of every other length it has these same fields; where `from` is given, if what it reads has sides so long at least. */
  | { readonly kind: 'own fields'; readonly from?: number }
  /** In others it has other fields, or is something else. */
  | { readonly kind: 'tied'; readonly found: string; readonly reason: string };

export const OWN_FIELDS: Follows = { kind: 'own fields' };

export function tied(found: string, reason: string): Follows {
  return { kind: 'tied', found, reason };
}

/** Whether the positions of an operator's output follow the length, given which of its inputs do. */
export function passesOn(operator: Operator, inputs: readonly boolean[]): boolean {
  switch (operator.kind) {
    case 'affine':
    case 'max-gather':
    case 'global-average-pool':
    case 'global-max-pool':
      return false;
    case 'convolution':
    case 'transposed-convolution':
    case 'scale':
    case 'nonlinearity':
    case 'average-pool':
    case 'max-pool':
    case 'pad':
    case 'add':
    case 'concat':
    case 'grouped':
    case 'softmax':
      return inputs.includes(true);
    case 'gather':
      if (!operator.shape) return inputs.includes(true);
      return inputs.includes(true) && operator.shape.length > 1;
    case 'reindex':
      // A vector has no positions left.
      return inputs.includes(true) && operator.shape.length > 1;
    default:
      throw unknownOperator(operator);
  }
}

/** The tensors whose spatial sides follow those of the input. */
export function followersOf({ nodes, input, tensors }: Network): Set<TensorId> {
  const found = new Set<TensorId>(tensors[input]!.shape.length > 1 ? [input] : []);
  for (const { operator, inputs, output } of nodes) {
    const following = inputs.map((id) => found.has(id));
    if (passesOn(operator, following)) found.add(output);
  }
  return found;
}

/**
 * The side of an operator's output along a spatial axis, of those of its inputs; at most 0 where it does not exist. It
 * never falls as they grow.
 */
function sideOf(operator: Operator, axis: number, sides: readonly number[]): number {
  // Runtimes go on with empty tensors, which padding makes something of.
  const n = Math.max(0, sides[0]!);
  const windows = (padded: number, kernel: number, stride: number, dilation: number) =>
    Math.floor((padded - dilation * (kernel - 1) - 1) / stride) + 1;
  switch (operator.kind) {
    case 'convolution': {
      const { padding, kernel, stride, dilation } = operator;
      const padded = padding.before[axis]! + n + padding.after[axis]!;
      return windows(padded, kernel[axis]!, stride[axis]!, dilation[axis]!);
    }
    case 'transposed-convolution': {
      const { kernel, stride, dilation, before, after, outputPadding } = operator;
      const full = (n - 1) * stride[axis]! + dilation[axis]! * (kernel[axis]! - 1) + 1 + outputPadding[axis]!;
      return full - before[axis]! - after[axis]!;
    }
    case 'average-pool': {
      const { padding, kernel, stride } = operator;
      return windows(padding.before[axis]! + n + padding.after[axis]!, kernel[axis]!, stride[axis]!, 1);
    }
    case 'max-pool': {
      const { before, after, kernel, stride, dilation } = operator;
      return windows(before[axis]! + n + after[axis]!, kernel[axis]!, stride[axis]!, dilation[axis]!);
    }
    case 'pad':
      return operator.padding.before[axis]! + n + operator.padding.after[axis]!;
    case 'scale':
    case 'nonlinearity':
    case 'grouped':
    case 'softmax':
    // What reads positions as a whole has none.
    case 'affine':
    case 'max-gather':
    case 'global-average-pool':
    case 'global-max-pool':
    case 'reindex':
    case 'gather':
      return n;
    case 'add':
    case 'concat':
      // Where they differ there is no such network, or a single sample that is repeated (`repeatedUntil`).
      return smallest(sides) < 1 ? 0 : largest(sides);
    default:
      throw unknownOperator(operator);
  }
}

/** Lengths are looked at up to this. */
const LONGEST = 2 ** 40;

/** Sides along one axis as a signal gets longer. */
export class Sides {
  readonly #network: Network;
  readonly #followers: ReadonlySet<TensorId>;
  readonly #axis: number;
  readonly #known = new Map<number, ReadonlyMap<TensorId, number>>();

  constructor(network: Network, followers: ReadonlySet<TensorId>, axis: number) {
    this.#network = network;
    this.#followers = followers;
    this.#axis = axis;
  }

  /** By tensor, of those that follow the length, in a signal of length n; at most 0 where a tensor does not exist. */
  at(n: number): ReadonlyMap<TensorId, number> {
    const known = this.#known.get(n);
    if (known) return known;
    const found = new Map([[this.#network.input, n]]);
    for (const { operator, inputs, output } of this.#network.nodes) {
      if (!this.#followers.has(output)) continue;
      const sides = inputs.flatMap((id) => found.get(id) ?? []);
      found.set(output, sideOf(operator, this.#axis, sides));
    }
    this.#known.set(n, found);
    return found;
  }

  /** The least length from which on all these tensors have at least so many samples; Infinity where there is none. */
  from(tensors: readonly TensorId[], samples: number): number {
    const enough = (n: number) => {
      const sides = this.at(n);
      return tensors.every((id) => sides.get(id)! >= samples);
    };
    let high = 1;
    while (!enough(high)) {
      if (high > LONGEST) return Infinity;
      high *= 2;
    }
    let low = Math.floor(high / 2);
    while (high - low > 1) {
      const middle = Math.floor((low + high) / 2);
      if (enough(middle)) high = middle;
      else low = middle;
    }
    return high;
  }
}

/**
 * The largest length at which some tensor that a sum takes is a single sample beside longer ones, which ONNX repeats; 0 if there
 * is none.
 * @param axes one entry per spatial axis
 */
export function repeatedUntil(node: Node, axes: readonly Sides[]): number {
  const inputs = [...new Set(node.inputs)];
  const last = axes.map((sides) => {
    const exists = inputs.map((id) => sides.from([id], 1));
    const longer = inputs.map((id) => sides.from([id], 2));
    // One is a single sample from `exists` on, before `longer`; another is longer by then.
    const from = Math.max(smallest(longer), largest(exists));
    const until = largest(longer) - 1;
    return from <= until ? until : 0;
  });
  return Math.max(0, ...last);
}
