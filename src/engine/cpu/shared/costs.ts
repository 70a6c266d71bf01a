/** What kernels take, roughly: only how items are dealt out depends on it, no digit. */
import type { Team } from './team.ts';

/** Nanoseconds of an operation in a product of middling size, and in a factorisation. */
export function productCost(team: Team, flops: number): number {
  return flops * (team.withBlas ? 0.08 : 0.4);
}

export function factorCost(team: Team, n: number, complex: boolean): number {
  return n ** 3 * (complex ? 4 : 1) * (team.withBlas ? 0.15 : 0.7);
}

/** Sides of single matrices from which OpenBLAS's own threads factor them: beyond it digits depend on how many there are. */
const WORTH_THREADS = 256;

/** How many of its own threads OpenBLAS may take for each of these matrices. */
export function threadsWithin(team: Team, batch: number, n: number): number {
  return batch === 1 && n >= WORTH_THREADS ? team.threads : 1;
}

/** Products of a small batch are cut into bands of rows where each has so many operations: these are dealt out then, not the products. It is no
 *  matter of how many threads there are, for OpenBLAS may sum differently at borders. */
const WORTH_BANDS = 4e7;
const SMALL_BATCH = 16;

export function inBands(batch: number, flops: number): boolean {
  return batch < SMALL_BATCH && flops >= WORTH_BANDS;
}
