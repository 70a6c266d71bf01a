/**
 * The operators a network can hold. Tensors have no batch axis: an image is [channels, height, width],
 * a vector is [features]. All arrays are row-major.
 */
import type { Elementwise } from './elementwise/elementwise.ts';
import type { GroupFunction } from './groups/table.ts';
import type { Numbers } from './numbers.ts';

export type PaddingMode = 'zero' | 'circular' | 'reflect' | 'replicate';

/** Samples added before and after, one entry per spatial axis. */
export interface Padding {
  readonly mode: PaddingMode;
  readonly before: readonly number[];
  readonly after: readonly number[];
}

/**
 * Weights, scales and coefficients may be off by `roundings` relative errors of 2⁻⁵³ each, from arithmetic on the way from the file; one
 * that is 0 is exact. Absent: they are those of the file.
 */
export interface Weighted {
  readonly roundings?: number;
}

/** y = W x + b on the flattened input (row-major over all axes). Output shape [outputs]. */
export interface Affine extends Weighted {
  readonly kind: 'affine';
  readonly outputs: number;
  readonly inputs: number;
  /** [outputs, inputs] */
  readonly weight: Numbers;
  /** What errors of weights are relative to, where these are sums in which something uncertain may have cancelled; absent: |weight|. Never
   *  in a network that a file or a builder has made. [outputs, inputs] */
  readonly magnitude?: Float64Array;
  /** [outputs] */
  readonly bias?: Float64Array;
}

/** Correlation, as ONNX Conv: y[o, j] = b[o] + Σ_{i,t} K[o, i, t] x[g(o), i, stride·j + dilation·t − before]. */
export interface Convolution extends Weighted {
  readonly kind: 'convolution';
  readonly outputs: number;
  readonly inputs: number;
  readonly groups: number;
  /** Kernel sides, one per spatial axis (1 to 3 axes). */
  readonly kernel: readonly number[];
  readonly stride: readonly number[];
  readonly dilation: readonly number[];
  readonly padding: Padding;
  /** [outputs, inputs / groups, ...kernel] */
  readonly weight: Numbers;
  readonly bias?: Float64Array;
}

/** The adjoint of a zero-padded convolution, as ONNX ConvTranspose: x[i, j] K[i, o, t] is added to
 *  y[o, stride·j + dilation·t − before]; side (n−1)·stride + dilation·(kernel−1) + 1 + outputPadding − before − after. */
export interface TransposedConvolution extends Weighted {
  readonly kind: 'transposed-convolution';
  readonly outputs: number;
  readonly inputs: number;
  readonly groups: number;
  readonly kernel: readonly number[];
  readonly stride: readonly number[];
  readonly dilation: readonly number[];
  /** Samples cut off before and after. */
  readonly before: readonly number[];
  readonly after: readonly number[];
  readonly outputPadding: readonly number[];
  /** [inputs, outputs / groups, ...kernel] */
  readonly weight: Numbers;
  readonly bias?: Float64Array;
}

/**
 * y = scale·x + shift, entry by entry. Either array has one number for all, one for each channel c (the first axis), or one for each entry
 * of the tensor, row-major. Batch norm, Mul, Add of constants.
 */
export interface Scale extends Weighted {
  readonly kind: 'scale';
  readonly scale: Float64Array;
  readonly shift?: Float64Array;
  /** What errors of the shift are relative to, where it is a difference in which something may have cancelled; absent: |shift|. */
  readonly shiftMagnitude?: Float64Array;
}

/** An elementwise function with bounded slope. */
export interface Nonlinearity {
  readonly kind: 'nonlinearity';
  readonly function: Elementwise;
}

export interface AveragePool {
  readonly kind: 'average-pool';
  readonly kernel: readonly number[];
  readonly stride: readonly number[];
  readonly padding: Padding;
  /** True: padding counts in the divisor (each window divides by the kernel's size). */
  readonly countIncludesPadding: boolean;
}

export interface MaxPool {
  readonly kind: 'max-pool';
  readonly kernel: readonly number[];
  readonly stride: readonly number[];
  readonly dilation: readonly number[];
  /** Padding is −∞: padded samples are never the maximum. `after` may exceed what the file says where
   *  ceil_mode adds a window. */
  readonly before: readonly number[];
  readonly after: readonly number[];
}

/** Each output is the maximum over a list of entries of the flattened input; output shape [windows.length].
 *  What the max pools become where tensors are flat vectors (`unroll`). */
export interface MaxGather {
  readonly kind: 'max-gather';
  /** Per output, the indices of the entries it looks at; none is empty. */
  readonly windows: readonly Int32Array[];
}

/** Mean over all spatial axes: [c, …] → [c]. (`sum`: the sum.) */
export interface GlobalAveragePool {
  readonly kind: 'global-average-pool';
  readonly sum: boolean;
}

/** max over all spatial axes: [c, …] → [c]. */
export interface GlobalMaxPool {
  readonly kind: 'global-max-pool';
}

export interface Pad {
  readonly kind: 'pad';
  readonly padding: Padding;
}

/** A reordering of entries: the tensor is transposed by `permutation` (of its axes), then read in row-major order
 *  with `shape`. Flatten, Reshape, Transpose, Squeeze. */
export interface Reindex {
  readonly kind: 'reindex';
  readonly permutation: readonly number[];
  readonly shape: readonly number[];
}

/**
 * Entries of the input, each as often as it is wanted, and zeros. With a `shape`: entry n of the flattened output is entry sources[n] of the
 * flattened input, 0 for −1. Without: y[o, …] = x[sources[o], …], channels picked and moved, of output shape [sources.length, …].
 */
export interface Gather {
  readonly kind: 'gather';
  readonly sources: Int32Array;
  readonly shape?: readonly number[];
}

/** Σ_k coefficients[k] · input_k; all of one shape. */
export interface Add extends Weighted {
  readonly kind: 'add';
  readonly coefficients: readonly number[];
}

/** Inputs stacked along the first axis (channels or features). */
export interface Concat {
  readonly kind: 'concat';
}

/**
 * A function of groups of channels (softmax, sorting, a norm, normalisation), at each position by itself, or of all positions together. An image
 * of as many entries as the group stands in its place; one of a single number each, one after the other.
 */
export interface Grouped {
  readonly kind: 'grouped';
  readonly function: GroupFunction;
  /** The channels of each group, in the order in which the function takes them; every channel is in one group. */
  readonly groups: readonly Int32Array[];
  /** Whether a group is all positions of its channels together, one channel after the other. */
  readonly wide: boolean;
}

/** Softmax over all entries of a vector, or over the channels of each position; only as the last step (elsewhere it is `Grouped`). */
export interface Softmax {
  readonly kind: 'softmax';
  readonly logarithm: boolean;
}

export type Operator =
  | Affine
  | Convolution
  | TransposedConvolution
  | Scale
  | Nonlinearity
  | AveragePool
  | MaxPool
  | MaxGather
  | GlobalAveragePool
  | GlobalMaxPool
  | Pad
  | Reindex
  | Gather
  | Add
  | Concat
  | Grouped
  | Softmax;

export type OperatorKind = Operator['kind'];
