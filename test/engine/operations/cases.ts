/** The batches that all engines are compared on, and the form of a test of an operation. Free of any test runner: other hosts run it too. */
import type { Engine, Handle, Matrices } from '../../../src/engine/engine.ts';
import type { Name } from '../../../src/engine/operations.ts';
import type { QueuedOperations } from '../../../src/engine/queued/operations.ts';
import { randomHermitian, randomNumbers, type ToleranceName } from '../engines.ts';

const sizes = [1, 3, 17, 64, 65, 130];
/** Matrices whose eigenvalues the oracle finds in a moment, and whose entries it multiplies in one. */
const affordable = (n: number, batch: number) => n * batch <= 130;

export interface Case {
  readonly n: number;
  readonly batch: number;
  readonly complex: boolean;
}

export const cases: Case[] = sizes
  .flatMap((n) =>
    [1, n < 64 ? 7 : 2].flatMap((batch) => [false, true].map((complex) => ({ n, batch, complex }))),
  )
  .filter(({ n, batch }) => affordable(n, batch));

/** Those that software stand-ins for GPUs compute in a moment: less and more than a tile, one matrix and several. */
export const quickCases: readonly Case[] = cases.filter(
  ({ n, batch }) => n === 3 || n === 17 || (batch === 1 && (n === 1 || n === 65)),
);

export type Operation = (engine: Engine, given: Case) => Handle[];

export function matrices(
  engine: Engine,
  seed: number,
  batch: number,
  rows: number,
  columns: number,
  complex: boolean,
) {
  return engine.matrices(
    randomNumbers(seed, batch * rows * columns * (complex ? 2 : 1)),
    batch,
    rows,
    columns,
    complex,
  );
}

export const hermitian = (engine: Engine, { n, batch, complex }: Case): Matrices =>
  engine.matrices(randomHermitian(9, batch, n, complex), batch, n, n, complex);

/** Another dimension, so that m, n and k differ. */
export const other = (n: number) => Math.max(1, n - 2);

/** What is computed, and how close all engines come to it. */
export type Check = readonly [tolerance: ToleranceName | 'from above' | 'about', operation: Operation];

/** What every operation is tested by. */
export type Tested = {
  readonly [N in Name]: {
    /** Entry by entry from its meaning, by algorithms that share nothing with the engines. */
    readonly definition: QueuedOperations[N];
    /** By name; at least one has the operation's. */
    readonly checks: Readonly<Record<N, Check>> & Readonly<Record<string, Check>>;
  };
};
