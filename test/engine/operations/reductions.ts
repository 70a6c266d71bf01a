/** Reductions over a batch, norms, inverses. */
import type { Dense } from '../../../src/engine/cpu/dense.ts';
import { randomNumbers } from '../engines.ts';
import { jacobiEigenvalues } from '../oracle/eigenvalues.ts';
import { hermitian, matrices, type Tested } from './cases.ts';
import {
  build,
  type Complex,
  conjugate,
  divide,
  type Entry,
  entries,
  largestOf,
  modulus,
  plus,
  scale,
  sum,
  times,
  vectorOf,
  zero,
} from './entries.ts';

/** Largest |eigenvalue| through the real symmetric [[Re, −Im], [Im, Re]]. */
function radius(s: Dense, entry: Entry): number {
  if (s.data.some(Number.isNaN)) return Number.NaN;
  const n = s.rows;
  const side = s.complex ? 2 * n : n;
  let largest = 0;
  for (let b = 0; b < s.batch; b++) {
    const real = build(1, side, side, false, (_, i, j) => {
      const value = entry(b, i % n, j % n);
      if (i < n === j < n) return [value[0], 0];
      return [i < n ? -value[1] : value[1], 0];
    });
    const values = real.every((x) => x === 0) ? [0] : jacobiEigenvalues(real, side);
    largest = Math.max(largest, ...values.map(Math.abs));
  }
  return largest;
}

/** Gauss-Jordan without exchanges: a Hermitian matrix is positive definite exactly if all pivots are positive. */
function invert(n: number, entry: (i: number, j: number) => Complex): Complex[][] | undefined {
  const rows = Array.from({ length: n }, (_, i) => [
    ...Array.from({ length: n }, (_, j) => entry(i, j)),
    ...Array.from({ length: n }, (_, j): Complex => [i === j ? 1 : 0, 0]),
  ]);
  for (let p = 0; p < n; p++) {
    const pivot = rows[p]![p]!;
    if (!(pivot[0] > 0)) return undefined;
    rows[p] = rows[p]!.map((value) => divide(value, pivot));
    for (let i = 0; i < n; i++) {
      if (i === p) continue;
      const factor = scale(rows[i]![p]!, -1);
      rows[i] = rows[i]!.map((value, j) => plus(value, times(factor, rows[p]![j]!)));
    }
  }
  return rows.map((row) => row.slice(n));
}
export const reductions = {
  columnMaximum: {
    definition(x) {
      const entry = entries(x);
      return vectorOf(x.rows, (i) =>
        Array.from({ length: x.batch }, (_, b) => entry(b, i, 0)[0]).reduce((u, v) => Math.max(u, v)),
      );
    },
    checks: {
      columnMaximum: ['exact', (e, { n, batch }) => [e.columnMaximum(matrices(e, 1, batch, n, 1, false))]],
    },
  },
  rowSums: {
    definition(s) {
      const x = entries(s);
      const batches = Array.from({ length: s.batch }, (_, b) => b);
      return vectorOf(s.rows, (i) =>
        largestOf(
          batches.map((b) =>
            Array.from({ length: s.rows }, (_, j) => modulus(x(b, i, j))).reduce((u, v) => u + v),
          ),
        ),
      );
    },
    checks: {
      rowSums: ['product', (e, c) => [e.rowSums(hermitian(e, c))]],
    },
  },
  rowSumsAdjoint: {
    definition(s, sums, coefficients) {
      const x = entries(s);
      const total = (b: number, i: number) =>
        Array.from({ length: s.rows }, (_, j) => modulus(x(b, i, j))).reduce((u, v) => u + v);
      const attains = (b: number, i: number) => Math.abs(total(b, i) / sums[i]! - 1) < 1e-9;
      const many = vectorOf(
        s.rows,
        (i) => Array.from({ length: s.batch }, (_, b) => b).filter((b) => attains(b, i)).length,
      );
      const z: Entry = (b, i, j) => {
        const value = x(b, i, j);
        if (!attains(b, i) || modulus(value) === 0) return zero;
        return scale(value, coefficients[i]! / many[i]! / modulus(value));
      };
      return build(s.batch, s.rows, s.rows, s.complex, (b, i, j) =>
        scale(plus(z(b, i, j), conjugate(z(b, j, i))), 0.5),
      );
    },
    checks: {
      rowSumsAdjoint: [
        'product',
        (e, c) => {
          const s = hermitian(e, c);
          return [e.rowSumsAdjoint(s, e.rowSums(s), e.vector(randomNumbers(6, c.n)))];
        },
      ],
    },
  },
  diagonalSum: {
    definition(a) {
      const x = entries(a);
      return vectorOf(a.rows, (i) => sum(a.batch, (b) => x(b, i, i))[0]);
    },
    checks: {
      diagonalSum: ['product', (e, c) => [e.diagonalSum(hermitian(e, c))]],
    },
  },
  diagonal: {
    definition(s) {
      const x = entries(s);
      return vectorOf(s.rows, (i) => largestOf(Array.from({ length: s.batch }, (_, b) => x(b, i, i)[0])));
    },
    checks: {
      diagonal: ['exact', (e, c) => [e.diagonal(hermitian(e, c))]],
    },
  },
  spectralRadius: {
    definition: (s) => radius(s, entries(s)),
    checks: {
      spectralRadius: ['from above', (e, c) => [e.spectralRadius(hermitian(e, c))]],
    },
  },
  estimatedRadius: {
    definition: (s) => radius(s, entries(s)),
    checks: {
      estimatedRadius: ['about', (e, c) => [e.estimatedRadius(hermitian(e, c))]],
    },
  },
  offDiagonalRadius: {
    definition(s) {
      const x = entries(s);
      return radius(s, (b, i, j) => (i === j ? zero : scale(x(b, i, j), 0.5)));
    },
    checks: {
      offDiagonalRadius: ['from above', (e, c) => [e.offDiagonalRadius(hermitian(e, c))]],
    },
  },
  inverse: {
    definition(d, s) {
      const n = s.rows;
      const x = entries(s);
      const found = Array.from({ length: s.batch }, (_, b) =>
        invert(n, (i, j) => plus([i === j ? d[i]! : 0, 0], scale(x(b, i, j), -1))),
      );
      const definite = found.every((inverse) => inverse !== undefined);
      const inverse = build(s.batch, n, n, s.complex, (b, i, j) =>
        definite ? found[b]![i]![j]! : [Number.NaN, Number.NaN],
      );
      return { inverse, definite: Number(definite) };
    },
    checks: {
      inverse: [
        'inverse',
        (e, c) => {
          const s = hermitian(e, c);
          const { inverse, definite } = e.inverse(e.combine([[1.1, e.rowSums(s)]]), s);
          return [inverse, definite];
        },
      ],
      'inverse, indefinite': [
        'exact',
        (e, c) => {
          const s = hermitian(e, c);
          const { inverse, definite } = e.inverse(e.combine([[-1, e.rowSums(s)]]), s);
          return [inverse, definite];
        },
      ],
    },
  },
} satisfies Partial<Tested>;
