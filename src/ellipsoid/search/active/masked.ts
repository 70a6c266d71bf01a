/** Frequencies that have left a pass. */
import type { Engine, Matrices } from '../../../engine/engine.ts';

/** The state with zeros where a frequency has left. @param left an entry for every frequency of the coarsest grid, −1 where it has not
 *  @param count of the frequencies that the state is of, all that alias to one of the coarsest next to each other */
export function masked(engine: Engine, state: Matrices, left: Int32Array, count: number): Matrices {
  if (left.every((k) => k < 0)) return state;
  const copies = count / left.length;
  const factors = Float64Array.from({ length: count }, (_, i) => (left[Math.floor(i / copies)]! < 0 ? 1 : 0));
  return engine.scaleBatch(state, engine.vector(factors));
}
