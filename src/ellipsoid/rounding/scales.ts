/**
 * Weights q for bounds on symmetric errors: |E_ij| ≤ F_ij implies E ⪯ diag(F q / q) for any q > 0 (Schur's test). With 1/q the size
 * of the variable that a row belongs to, a small variable does not suffer for a large one that lives beside it.
 */
import type { Engine, Matrices, Ranges, Vector } from '../../engine/engine.ts';
import { precisionOf } from '../../engine/precision.ts';

export interface Weights {
  readonly q: Vector;
  /** 1/q; absent where all are 1. */
  readonly scale?: Vector;
}

/** F q / q from F q. */
export function weighted(engine: Engine, { scale }: Weights, rows: Vector): Vector {
  return scale ? engine.multiply(scale, rows) : rows;
}

/** @param blocks the rows of each variable, which together are all rows of S */
export function weightsOf(engine: Engine, s: Matrices, blocks: Ranges): Weights {
  const ones = engine.vector(new Float64Array(s.rows).fill(1));
  if (blocks.length === 1) return { q: ones };
  const diagonal = engine.diagonal(s);
  // Where nothing varies every weight will do that is a number.
  const tiny = precisionOf(engine.information) === 'double' ? 2 ** -600 : 2 ** -80;
  const least = engine.combine([
    [2 ** -60, engine.largest(diagonal)],
    [1, engine.vector([tiny])],
  ]);
  const sizes = blocks.map(([start, end]) => {
    const own = engine.maximumOver(diagonal, [Int32Array.from({ length: end - start }, (_, i) => start + i)]);
    const rows = engine.vector(
      Float64Array.from({ length: s.rows }, (_, i) => Number(i >= start && i < end)),
    );
    return engine.multiply(rows, engine.maximum(own, least));
  });
  const scale = engine.squareRoot(engine.combine(sizes.map((size) => [1, size] as const)));
  return { q: engine.reciprocal(scale), scale };
}
