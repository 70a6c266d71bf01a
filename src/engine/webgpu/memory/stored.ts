/** Matrices and vectors in device memory. */
import type { Shape } from '../../handles.ts';
import type { Space } from './arena.ts';

/** Consecutive batch entries that share a buffer. A batch has several slabs where one binding cannot hold it. */
export interface Slab {
  readonly space: Space;
  readonly first: number;
  readonly count: number;
}

/** float32, row-major, matrix after matrix, complex entries interleaved (re, im). */
export interface StoredMatrices extends Shape {
  readonly kind: 'matrices';
  readonly slabs: readonly Slab[];
}

export type { StoredVector } from './vector.ts';

/** float32 numbers in an entry of a matrix. */
export function widthOf(shape: Shape): 1 | 2 {
  return shape.complex ? 2 : 1;
}

/** Entries of one matrix. */
export function entriesOf(shape: Shape): number {
  return shape.rows * shape.columns;
}

/** float32 numbers of one matrix. */
export function componentsOf(shape: Shape): number {
  return entriesOf(shape) * widthOf(shape);
}

/** Where an operand of a run is found. */
export interface Place {
  readonly space: Space;
  /** Entries before the run's first matrix. */
  readonly offset: number;
  /** Entries from one matrix to the next: 0 repeats a batch of one. */
  readonly stride: number;
}

/** Batch entries that lie in one slab of every operand. */
export interface BatchRun<P> {
  readonly first: number;
  readonly count: number;
  readonly places: P;
}

/** Cuts a batch into runs. Operands with a batch of 1 are repeated. */
export function runsOf<const O extends Readonly<Record<string, StoredMatrices>>>(
  batch: number,
  operands: O,
): BatchRun<{ readonly [K in keyof O]: Place }>[] {
  const walked = Object.values(operands).filter((operand) => operand.batch !== 1);
  const cuts = new Set([0, batch]);
  for (const { slabs } of walked) for (const { first } of slabs) cuts.add(first);
  const bounds = [...cuts].sort((a, b) => a - b);
  return bounds.slice(0, -1).map((first, k) => {
    const places = Object.fromEntries(
      Object.entries(operands).map(([name, operand]) => [
        name,
        placeOf(operand, operand.batch === 1 ? 0 : first),
      ]),
    ) as { [K in keyof O]: Place };
    return { first, count: bounds[k + 1]! - first, places };
  });
}

function placeOf(operand: StoredMatrices, entry: number): Place {
  const slab = operand.slabs.findLast(({ first }) => first <= entry)!;
  const entries = entriesOf(operand);
  return {
    space: slab.space,
    offset: (entry - slab.first) * entries,
    stride: operand.batch === 1 ? 0 : entries,
  };
}
