/** Tensors whose entries are known when the file is read, and moving their entries about. */
import { emptyLike, type Numbers, transposedNumbers } from '../../../network/numbers.ts';
import { product, strides } from '../../../network/size.ts';
import { movedFrom, transposedFrom } from '../../../network/weights/origin.ts';
import type { ElementType } from './elementType.ts';

/**
 * A tensor known at reading time, row-major. Entries are held exactly, in float64 or where float32 does in that; an integer beyond 2^53 is
 * held as ±Infinity: it may be moved about and may stand for "to the end", but nothing is computed from it.
 */
export interface Constant {
  readonly kind: 'constant';
  readonly type: ElementType;
  readonly shape: readonly number[];
  readonly data: Numbers;
  /** Flat positions of entries that stand for the batch size, which is open: their data is NaN. */
  readonly batch?: ReadonlySet<number>;
  /** Whether a signal of another length would give another constant. Absent: what does not come from signals does not; what does,
   *  counts as if it did (`Interpretation`). */
  readonly ofLength?: boolean;
}

export function constantOf(type: ElementType, shape: readonly number[], data: Numbers): Constant {
  return { kind: 'constant', type, shape, data };
}

/** A vector of int64. */
export function integerVector(values: readonly number[]): Constant {
  return constantOf('int64', [values.length], Float64Array.from(values));
}

/** The constant of `shape` whose k-th entry is entry `sources[k]` of `from`. */
export function gathered(from: Constant, shape: readonly number[], sources: ArrayLike<number>): Constant {
  const data = emptyLike(from.data, sources.length);
  const batch = new Set<number>();
  for (let k = 0; k < data.length; k++) {
    data[k] = from.data[sources[k]!]!;
    if (from.batch?.has(sources[k]!)) batch.add(k);
  }
  return { kind: 'constant', type: from.type, shape, data, ...(batch.size > 0 && { batch }) };
}

/** The same entries read with another shape of the same size. */
export function reshaped(from: Constant, shape: readonly number[]): Constant {
  return { ...from, shape };
}

/**
 * Flat source positions of a tensor of `shape` that walks another tensor: the entry at (i₁, i₂, …) is taken
 * from `offset + Σ steps[a] · i_a`. Transposing, slicing and broadcasting are walks.
 */
export function walk(shape: readonly number[], steps: readonly number[], offset = 0): Float64Array {
  if (shape.includes(0)) return new Float64Array(0);
  let positions = Float64Array.of(offset);
  for (let axis = 0; axis < shape.length; axis++) {
    const side = shape[axis]!;
    const next = new Float64Array(positions.length * side);
    let n = 0;
    for (const start of positions) for (let i = 0; i < side; i++) next[n++] = start + i * steps[axis]!;
    positions = next;
  }
  return positions;
}

/** Axes reordered: axis a of the result is axis `permutation[a]` of `from`. */
export function transposed(from: Constant, permutation: readonly number[]): Constant {
  const steps = strides(from.shape);
  const shape = permutation.map((axis) => from.shape[axis]!);
  if (shape.length === 2 && permutation[0] === 1 && !from.batch) {
    const data = transposedNumbers(from.data, shape[0]!);
    return constantOf(from.type, shape, transposedFrom(data, from.data, shape[0]!));
  }
  const sources = () =>
    walk(
      shape,
      permutation.map((axis) => steps[axis]!),
    );
  const moved = gathered(from, shape, sources());
  return { ...moved, data: movedFrom(moved.data, from.data, sources) };
}

/** The shape that NumPy-style broadcasting gives, or undefined where the shapes do not fit. */
export function broadcastShape(a: readonly number[], b: readonly number[]): number[] | undefined {
  const rank = Math.max(a.length, b.length);
  const shape: number[] = [];
  for (let axis = 0; axis < rank; axis++) {
    const p = a[axis - rank + a.length] ?? 1;
    const q = b[axis - rank + b.length] ?? 1;
    if (p !== q && p !== 1 && q !== 1) return undefined;
    shape.push(p === 1 ? q : p);
  }
  return shape;
}

/** Walk steps that repeat a tensor of `from` over `shape`, to which it broadcasts. */
export function broadcastSteps(from: readonly number[], shape: readonly number[]): number[] {
  const own = strides(from);
  return shape.map((_, axis) => {
    const inner = axis - shape.length + from.length;
    return inner < 0 || from[inner] === 1 ? 0 : own[inner]!;
  });
}

/** Repeated over `shape`, to which it broadcasts. */
export function expanded(from: Constant, shape: readonly number[]): Constant {
  if (from.shape.length === shape.length && product(from.shape) === product(shape)) return from;
  return gathered(from, shape, walk(shape, broadcastSteps(from.shape, shape)));
}
