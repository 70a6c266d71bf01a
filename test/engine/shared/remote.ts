/** What hosts other than the test's own compute with threads that share memory, or without: bundled, and sent there. */
import { joinHeap, leaveHeap } from '../../../src/engine/cpu/storage.ts';
import { createEngine } from '../../../src/engine/create.ts';
import type { Engine } from '../../../src/engine/engine.ts';
import { hermitian, matrices } from '../operations/cases.ts';

/** Numbers on which all entries of some larger results have their influence. */
async function computed(engine: Engine): Promise<number[]> {
  const given = { n: 48, batch: 120, complex: true };
  const w = matrices(engine, 3, given.batch, 50, given.n, true);
  const s = engine.congruence(w, hermitian(engine, given));
  const d = engine.combine([[1.5, engine.rowSums(s)]]);
  const { inverse, definite } = engine.inverse(d, s);
  const through = engine.throughSector(inverse, d, d);
  const results = [engine.diagonalSum(through), engine.rowSums(inverse), engine.spectralRadius(s), definite];
  return (await engine.read(...results)).flatMap((values) => [...values]);
}

export interface Answer {
  /** Whether threads can share memory. */
  readonly shared: boolean;
  readonly numbers: number[];
}

/** @param left whether the engine is left as it is, with workers that wait for more */
export async function answer(threads: number, left: boolean): Promise<Answer> {
  const shared = joinHeap() !== undefined;
  if (shared) leaveHeap();
  const engine = await createEngine({ engine: 'cpu-wasm', threads });
  let numbers: number[] = [];
  // Workers come when they are there.
  for (let round = 0; round < 6; round++) numbers = await computed(engine);
  if (!left) await engine.close();
  return { shared, numbers };
}
