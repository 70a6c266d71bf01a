/** Every operation: its definition, and what is computed on all engines to compare them with it. */
import type { Name } from '../../src/engine/operations.ts';
import type { QueuedOperations } from '../../src/engine/queued/operations.ts';
import type { ToleranceName } from './engines.ts';
import { type Check, hermitian, type Operation, type Tested } from './operations/cases.ts';
import { entrywise } from './operations/entrywise.ts';
import { products } from './operations/products.ts';
import { reductions } from './operations/reductions.ts';
import { vectors } from './operations/vectors.ts';

const tested: Tested = { ...products, ...entrywise, ...reductions, ...vectors };

/** An engine that is slow and plainly right. */
export const oracleOperations = Object.fromEntries(
  Object.entries(tested).map(([name, { definition }]) => [name, definition]),
) as { [N in Name]: Tested[N]['definition'] } satisfies QueuedOperations;

const checks: readonly (readonly [string, ...Check])[] = Object.values(tested).flatMap(({ checks }) =>
  Object.entries<Check>(checks).map(([name, check]) => [name, ...check] as const),
);

/** What comes close to the definition. */
export const operations: readonly (readonly [
  name: string,
  tolerance: ToleranceName,
  operation: Operation,
])[] = [
  ['matrices', 'exact', (e, c) => [hermitian(e, c)]],
  ...checks.flatMap(([name, tolerance, operation]) =>
    tolerance === 'from above' || tolerance === 'about' ? [] : [[name, tolerance, operation] as const],
  ),
];

const having =
  (kind: 'from above' | 'about'): Operation =>
  (e, c) =>
    checks.flatMap(([, tolerance, operation]) => (tolerance === kind ? operation(e, c) : []));

/** What must not lie below it. */
export const radii = having('from above');

/** What lies somewhere near it. */
export const estimates = having('about');

/** The least that is near, as a part of the truth. */
export const LEAST_ESTIMATE = 0.6;
