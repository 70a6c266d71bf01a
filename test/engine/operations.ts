/** Every operation on the batches that all engines are compared on. Free of any test runner: other hosts run it too. */
import type { Engine, Handle, Matrices } from '../../src/engine/engine.ts';
import { randomHermitian, randomNumbers, type ToleranceName } from './engines.ts';

const sizes = [1, 3, 17, 64, 65, 130];
/** Matrices whose eigenvalues the oracle finds in a moment, and whose entries it multiplies in one. */
const affordable = (n: number, batch: number) => n * batch <= 460;

export interface Case {
  readonly n: number;
  readonly batch: number;
  readonly complex: boolean;
}

export const cases: Case[] = sizes
  .flatMap((n) => [1, 7].flatMap((batch) => [false, true].map((complex) => ({ n, batch, complex }))))
  .filter(({ n, batch }) => affordable(n, batch));

export type Operation = (engine: Engine, given: Case) => Handle[];

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

export const operations: readonly (readonly [
  name: string,
  tolerance: ToleranceName,
  operation: Operation,
])[] = [
  ['matrices', 'exact', (e, c) => [hermitian(e, c)]],
  [
    'symbol',
    'product',
    (e, { n, batch }) => {
      const columns = other(n);
      return [
        e.symbol(matrices(e, 1, 1, 5, n * columns, false), matrices(e, 2, 1, batch, 5, true), n, columns),
      ];
    },
  ],
  [
    'product',
    'product',
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
    'product',
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
    'product',
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
    'product',
    (e, c) => {
      const w = matrices(e, 1, c.batch, other(c.n), c.n, c.complex);
      const weights = e.vector(randomNumbers(3, c.batch));
      return [e.windowSum(w, undefined, weights), e.windowSum(w, hermitian(e, c), weights)];
    },
  ],
  ['alias', 'elementwise', (e, c) => [e.alias(hermitian(e, c), c.batch), e.alias(hermitian(e, c), 1)]],
  ['add', 'exact', (e, c) => [e.add(hermitian(e, c), matrices(e, 1, c.batch, c.n, c.n, c.complex))]],
  [
    'submatrix',
    'exact',
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
    'exact',
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
    'elementwise',
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
  [
    'absoluteProduct',
    'product',
    (e, { n, batch, complex }) => {
      const k = other(n);
      const a = matrices(e, 1, batch, n, k, complex);
      const one = matrices(e, 2, 1, n, k, complex);
      const positive = (seed: number, size: number, length: number) =>
        e.matrices(randomNumbers(seed, size * length).map(Math.abs), size, length, 1, false);
      const shared = e.vector(randomNumbers(5, k).map(Math.abs));
      const plus = e.vector(randomNumbers(6, k).map(Math.abs));
      return [
        e.absoluteProduct(a, positive(3, batch, k)),
        e.absoluteProduct(a, shared),
        e.absoluteProduct(one, positive(3, batch, k)),
        e.absoluteProduct(a, positive(4, 1, n), { adjoint: true, plus }),
      ];
    },
  ],
  ['columnMaximum', 'exact', (e, { n, batch }) => [e.columnMaximum(matrices(e, 1, batch, n, 1, false))]],
  ['addDiagonal', 'elementwise', (e, c) => [e.addDiagonal(hermitian(e, c), e.vector(randomNumbers(3, c.n)))]],
  ['rowSums', 'product', (e, c) => [e.rowSums(hermitian(e, c))]],
  [
    'congruenceAdjoint',
    'product',
    (e, c) => {
      const w = matrices(e, 1, c.batch, c.n, other(c.n), c.complex);
      const one = matrices(e, 2, 1, c.n, other(c.n), c.complex);
      const g = hermitian(e, c);
      return [e.congruenceAdjoint(w, g), e.congruenceAdjoint(one, g)];
    },
  ],
  ['aliasAdjoint', 'elementwise', (e, c) => [e.aliasAdjoint(hermitian(e, c), 3)]],
  [
    'scaleBatch',
    'elementwise',
    (e, c) => {
      const factors = e.vector(randomNumbers(4, 7));
      const one = matrices(e, 2, 1, c.n, other(c.n), c.complex);
      return c.batch === 7
        ? [e.scaleBatch(hermitian(e, c), factors), e.scaleBatch(one, factors)]
        : [e.scaleBatch(one, factors)];
    },
  ],
  ['toComplex', 'exact', (e, c) => [e.toComplex(hermitian(e, c))]],
  [
    'submatrixAdjoint',
    'elementwise',
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
    'product',
    (e, c) => {
      const s = hermitian(e, c);
      return [e.rowSumsAdjoint(s, e.rowSums(s), e.vector(randomNumbers(6, c.n)))];
    },
  ],
  ['diagonalSum', 'product', (e, c) => [e.diagonalSum(hermitian(e, c))]],
  ['diagonal', 'exact', (e, c) => [e.diagonal(hermitian(e, c))]],
  [
    'inverse',
    'inverse',
    (e, c) => {
      const s = hermitian(e, c);
      const { inverse, definite } = e.inverse(e.combine([[1.1, e.rowSums(s)]]), s);
      return [inverse, definite];
    },
  ],
  [
    'inverse, indefinite',
    'exact',
    (e, c) => {
      const s = hermitian(e, c);
      const { inverse, definite } = e.inverse(e.combine([[-1, e.rowSums(s)]]), s);
      return [inverse, definite];
    },
  ],
  [
    'throughSector',
    'elementwise',
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
    'exact',
    (e, { n, complex }) => [e.diagonalMatrix(e.vector(randomNumbers(1, n)), complex)],
  ],
  [
    'vectors',
    'elementwise',
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

export const radii: Operation = (e, c) => [
  e.spectralRadius(hermitian(e, c)),
  e.offDiagonalRadius(hermitian(e, c)),
];
