/** Every operation on every engine against the oracle, on the same batches. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createEngine } from '../../src/engine/create.ts';
import type { Engine, Handle, Matrices } from '../../src/engine/engine.ts';
import { assertClose } from './compare.ts';
import { choices, randomHermitian, randomNumbers, tolerances } from './engines.ts';
import { oracleEngine } from './oracle/engine.ts';

const sizes = [1, 3, 17, 64, 65, 130];
/** Matrices whose eigenvalues the oracle finds in a moment, and whose entries it multiplies in one. */
const affordable = (n: number, batch: number) => n * batch <= 460;

interface Case {
  readonly n: number;
  readonly batch: number;
  readonly complex: boolean;
}

const cases: Case[] = sizes
  .flatMap((n) => [1, 7].flatMap((batch) => [false, true].map((complex) => ({ n, batch, complex }))))
  .filter(({ n, batch }) => affordable(n, batch));

type Operation = (engine: Engine, given: Case) => Handle[];

function matrices(
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

const hermitian = (engine: Engine, { n, batch, complex }: Case): Matrices =>
  engine.matrices(randomHermitian(9, batch, n, complex), batch, n, n, complex);

/** Another dimension, so that m, n and k differ. */
const other = (n: number) => Math.max(1, n - 2);

const operations: readonly (readonly [name: string, tolerance: number, operation: Operation])[] = [
  ['matrices', tolerances.exact, (e, c) => [hermitian(e, c)]],
  [
    'symbol',
    tolerances.product,
    (e, { n, batch }) => {
      const columns = other(n);
      return [
        e.symbol(matrices(e, 1, 1, 5, n * columns, false), matrices(e, 2, 1, batch, 5, true), n, columns),
      ];
    },
  ],
  [
    'product',
    tolerances.product,
    (e, { n, batch, complex }) => {
      const k = other(n);
      const a = matrices(e, 1, batch, n, k, complex);
      const b = matrices(e, 2, batch, k, n + 1, complex);
      const one = matrices(e, 3, 1, k, n + 1, complex);
      const first = matrices(e, 4, 1, n, k, complex);
      return [e.product(a, b), e.product(a, one), e.product(first, b)];
    },
  ],
  [
    'product with adjoints',
    tolerances.product,
    (e, { n, batch, complex }) => {
      const k = other(n);
      const tall = matrices(e, 1, batch, k, n, complex);
      const right = matrices(e, 2, batch, k, n + 1, complex);
      const wide = matrices(e, 3, batch, n + 1, k, complex);
      const one = matrices(e, 4, 1, n + 1, k, complex);
      return [
        e.product(tall, right, { adjointA: true }),
        e.product(tall, wide, { adjointA: true, adjointB: true }),
        e.product(wide, wide, { adjointB: true }),
        e.product(tall, one, { adjointA: true, adjointB: true }),
      ];
    },
  ],
  [
    'congruence',
    tolerances.product,
    (e, c) => {
      const w = matrices(e, 1, c.batch, other(c.n), c.n, c.complex);
      const one = matrices(e, 2, 1, other(c.n), c.n, c.complex);
      const q = hermitian(e, c);
      const d = e.vector(randomNumbers(3, c.n));
      return [
        e.congruence(w),
        e.congruence(w, d),
        e.congruence(w, q),
        e.congruence(one, q),
        e.congruence(one),
      ];
    },
  ],
  [
    'windowSum',
    tolerances.product,
    (e, c) => {
      const w = matrices(e, 1, c.batch, other(c.n), c.n, c.complex);
      const weights = e.vector(randomNumbers(3, c.batch));
      return [e.windowSum(w, undefined, weights), e.windowSum(w, hermitian(e, c), weights)];
    },
  ],
  [
    'alias',
    tolerances.elementwise,
    (e, c) => [e.alias(hermitian(e, c), c.batch), e.alias(hermitian(e, c), 1)],
  ],
  ['add', tolerances.exact, (e, c) => [e.add(hermitian(e, c), matrices(e, 1, c.batch, c.n, c.n, c.complex))]],
  [
    'submatrix',
    tolerances.exact,
    (e, c) => {
      const half = Math.ceil(c.n / 2);
      return [
        e.submatrix(
          hermitian(e, c),
          [
            [half - 1, c.n],
            [0, half],
          ],
          [
            [0, half],
            [0, 1],
          ],
        ),
      ];
    },
  ],
  [
    'assemble',
    tolerances.exact,
    (e, { n, batch, complex }) => {
      const m = other(n);
      return [
        e.assemble(
          e.matrices(randomHermitian(1, batch, m, complex), batch, m, m, complex),
          matrices(e, 2, batch, m, n, complex),
          e.matrices(randomHermitian(3, batch, n, complex), batch, n, n, complex),
        ),
      ];
    },
  ],
  [
    'scaleSides',
    tolerances.elementwise,
    (e, { n, batch, complex }) => {
      const a = matrices(e, 1, batch, n, other(n), complex);
      const left = e.vector(randomNumbers(2, n));
      const right = e.vector(randomNumbers(3, other(n)));
      return [
        e.scaleSides(a, left, right),
        e.scaleSides(a, undefined, right),
        e.scaleSides(a, left, undefined),
      ];
    },
  ],
  ['rowSums', tolerances.product, (e, c) => [e.rowSums(hermitian(e, c))]],
  [
    'congruenceAdjoint',
    tolerances.product,
    (e, c) => {
      const w = matrices(e, 1, c.batch, c.n, other(c.n), c.complex);
      const one = matrices(e, 2, 1, c.n, other(c.n), c.complex);
      const g = hermitian(e, c);
      return [e.congruenceAdjoint(w, g), e.congruenceAdjoint(one, g)];
    },
  ],
  ['aliasAdjoint', tolerances.elementwise, (e, c) => [e.aliasAdjoint(hermitian(e, c), 3)]],
  [
    'scaleBatch',
    tolerances.elementwise,
    (e, c) => {
      const factors = e.vector(randomNumbers(4, 7));
      const one = matrices(e, 2, 1, c.n, other(c.n), c.complex);
      return c.batch === 7
        ? [e.scaleBatch(hermitian(e, c), factors), e.scaleBatch(one, factors)]
        : [e.scaleBatch(one, factors)];
    },
  ],
  ['toComplex', tolerances.exact, (e, c) => [e.toComplex(hermitian(e, c))]],
  [
    'submatrixAdjoint',
    tolerances.elementwise,
    (e, { n, batch, complex }) => {
      const rows = n + Math.ceil(n / 2);
      const a = e.matrices(randomHermitian(5, batch, rows, complex), batch, rows, rows, complex);
      return [
        e.submatrixAdjoint(
          a,
          [
            [1, n + 1],
            [0, Math.ceil(n / 2)],
          ],
          n + 2,
        ),
      ];
    },
  ],
  [
    'rowSumsAdjoint',
    tolerances.product,
    (e, c) => {
      const s = hermitian(e, c);
      return [e.rowSumsAdjoint(s, e.rowSums(s), e.vector(randomNumbers(6, c.n)))];
    },
  ],
  ['diagonalSum', tolerances.product, (e, c) => [e.diagonalSum(hermitian(e, c))]],
  ['diagonal', tolerances.exact, (e, c) => [e.diagonal(hermitian(e, c))]],
  [
    'inverse',
    tolerances.inverse,
    (e, c) => {
      const s = hermitian(e, c);
      const { inverse, definite } = e.inverse(e.combine([[1.1, e.rowSums(s)]]), s);
      return [inverse, definite];
    },
  ],
  [
    'inverse, indefinite',
    tolerances.exact,
    (e, c) => {
      const s = hermitian(e, c);
      const { inverse, definite } = e.inverse(e.combine([[-1, e.rowSums(s)]]), s);
      return [inverse, definite];
    },
  ],
  [
    'throughSector',
    tolerances.elementwise,
    (e, c) => {
      const left = e.vector(randomNumbers(2, c.n));
      return [
        e.throughSector(hermitian(e, c), left, e.vector(randomNumbers(3, c.n))),
        e.throughSector(hermitian(e, c), left, undefined),
      ];
    },
  ],
  [
    'diagonalMatrix',
    tolerances.exact,
    (e, { n, complex }) => [e.diagonalMatrix(e.vector(randomNumbers(1, n)), complex)],
  ],
  [
    'vectors',
    tolerances.elementwise,
    (e, { n }) => {
      const [a, b, one] = [e.vector(randomNumbers(1, n)), e.vector(randomNumbers(2, n)), e.vector([0.3])];
      const square = e.multiply(a, a);
      return [
        e.combine([
          [2, a],
          [-3, one],
          [0.5, b],
        ]),
        e.multiply(a, b),
        e.multiply(one, b),
        e.maximum(a, one),
        e.squareRoot(square),
        e.reciprocal(e.maximum(square, one)),
        e.sumOver(a, [Int32Array.of(0), new Int32Array(0), Int32Array.of(n - 1, 0)]),
        e.largest(a),
        e.exponent(square),
        e.scaleByPower(a, e.exponent(square), -1),
        e.maximumOver(a, [Int32Array.of(0), Int32Array.of(n - 1, 0)]),
        e.choose(
          [
            one,
            e.largest(
              e.combine([
                [1, one],
                [-1, one],
              ]),
            ),
          ],
          [a, b],
        ),
      ];
    },
  ],
];

const oracle = oracleEngine();
const known = new Map<string, Promise<Float64Array[]>>();

/** The oracle's answer, found once for all engines. */
function expectation(name: string, operation: Operation, given: Case): Promise<Float64Array[]> {
  const key = `${name} ${given.n} ${given.batch} ${given.complex}`;
  const answer = known.get(key) ?? oracle.read(...operation(oracle, given));
  known.set(key, answer);
  return answer;
}

const radii: Operation = (e, c) => [e.spectralRadius(hermitian(e, c)), e.offDiagonalRadius(hermitian(e, c))];

describe.each(choices)('$engine, $threads threads', (choice) => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await createEngine(choice);
  });
  afterAll(() => engine.close());

  describe.each(operations)('%s', (name, tolerance, operation) => {
    it.each(cases)('n = $n, batch = $batch, complex = $complex', async (given) => {
      const actual = await engine.read(...operation(engine, given));
      const expected = await expectation(name, operation, given);
      actual.forEach((values, k) => {
        assertClose(values, expected[k]!, tolerance, `result ${k}`);
      });
    });
  });

  it.each(cases)(
    'radii from above, within 1e-9: n = $n, batch = $batch, complex = $complex',
    async (given) => {
      const actual = await engine.read(...radii(engine, given));
      const expected = await expectation('radii', radii, given);
      // Jacobi's own error is a few units of rounding.
      for (const [k, [truth]] of expected.entries()) {
        expect(actual[k]![0]).toBeGreaterThanOrEqual(truth! * (1 - 1e-14));
        expect(actual[k]![0]).toBeLessThanOrEqual(truth! * (1 + 1e-9));
      }
    },
  );
});
