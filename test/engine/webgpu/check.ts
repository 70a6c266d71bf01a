/**
 * One operation of a WebGPU engine against the oracle, on one batch. Free of any test runner: Deno and Chromium run it too.
 */
import type { Engine, Handle } from '../../../src/engine/engine.ts';
import { scoped } from '../../../src/engine/scope.ts';
import { assertClose } from '../compare.ts';
import { singleTolerances } from '../engines.ts';
import type { Case, Operation } from '../operations/cases.ts';
import { estimates, LEAST_ESTIMATE, operations, radii } from '../operations.ts';
import { oracleEngine } from '../oracle/engine.ts';

const oracle = oracleEngine();

/** An engine whose inputs are changed on their way in. */
export function withInputs(engine: Engine, change: (x: number, index: number) => number): Engine {
  return new Proxy(engine, {
    get(target, property) {
      const value: unknown = Reflect.get(target, property, target);
      if (typeof value !== 'function') return value;
      return (first: unknown, ...rest: unknown[]): unknown => {
        const isData = property === 'matrices' || property === 'vector';
        const data = isData ? Float64Array.from(first as ArrayLike<number>, change) : first;
        return value.apply(target, [data, ...rest]);
      };
    },
  });
}

/** Leaves nothing but NaN in the buffers that the operation will use: it is run on NaN, and all that it made is given back. */
async function poison(engine: Engine, operation: Operation, given: Case): Promise<void> {
  const junk = withInputs(engine, () => Number.NaN);
  engine.release(...scoped(junk, (e) => operation(e, given)));
  await engine.settle();
}

async function results(engine: Engine, operation: Operation, given: Case): Promise<Float64Array[]> {
  const handles = scoped(withInputs(engine, Math.fround), (e): Handle[] => operation(e, given));
  const values = await engine.read(...handles);
  engine.release(...handles);
  return values;
}

/** The norms are above the truth but for the rounding of the input's own products, and at most this factor above it. */
const radiusExcess = (n: number) => 1 + 2 ** -14 + n * (n + 1) * 2 ** -22;

/** @param name of `operations`, `radii` or `estimates`
 *  @throws Error that says where the engine and the oracle differ. */
export async function checkTwin(engine: Engine, name: string, given: Case): Promise<void> {
  const [, tolerance, operation] = operations.find(([own]) => own === name) ?? [
    '',
    'exact',
    name === 'radii' ? radii : estimates,
  ];
  await poison(engine, operation, given);
  const actual = await results(engine, operation, given);
  const expected = await results(oracle, operation, given);
  for (const [k, values] of actual.entries()) {
    if (operation !== radii && operation !== estimates) {
      assertClose(values, expected[k]!, singleTolerances[tolerance], `result ${k}`);
      continue;
    }
    const ratio = values[0]! / expected[k]![0]!;
    const sound = ratio >= (operation === radii ? 1 : LEAST_ESTIMATE) && ratio <= radiusExcess(given.n);
    // A matrix of one entry without its diagonal is zero.
    if (!sound && !(values[0] === 0 && expected[k]![0] === 0)) {
      throw new Error(
        `result ${k}: must be ${expected[k]![0]} or ${operation === radii ? 'slightly above' : 'near it'}, got ${values[0]}`,
      );
    }
  }
}

export const checks: readonly string[] = [...operations.map(([name]) => name), 'radii', 'estimates'];
