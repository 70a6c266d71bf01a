import type { Engine } from '../src/engine/engine.ts';

/**
 * Waits until all that was recorded has been computed. `settle` may come back when a GPU has been told what to do; a number that
 * is computed last and read back cannot.
 */
export async function finish(engine: Engine): Promise<void> {
  const one = engine.matrices(Float64Array.of(1), 1, 1, 1, false);
  const last = engine.add(one, one);
  await engine.read(last);
  engine.release(one, last);
}
