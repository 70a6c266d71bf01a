/** Operations that move, scale or add entries. */
import type { Ranges } from '../../../src/engine/engine.ts';
import { randomHermitian, randomNumbers } from '../engines.ts';
import { hermitian, matrices, other, type Tested } from './cases.ts';
import { build, conjugate, entries, plus, scale, sum, vectorOf } from './entries.ts';

function expand(ranges: Ranges): number[] {
  return ranges.flatMap(([start, end]) => Array.from({ length: end - start }, (_, i) => start + i));
}

export const entrywise = {
  alias: {
    definition(s, count) {
      const x = entries(s);
      return build(s.batch / count, s.rows, s.columns, s.complex, (b, i, j) =>
        scale(
          sum(count, (c) => x(b * count + c, i, j)),
          1 / count,
        ),
      );
    },
    checks: {
      alias: ['elementwise', (e, c) => [e.alias(hermitian(e, c), c.batch), e.alias(hermitian(e, c), 1)]],
    },
  },
  aliasAdjoint: {
    definition(g, count) {
      const x = entries(g);
      return build(g.batch * count, g.rows, g.columns, g.complex, (b, i, j) =>
        scale(x(Math.floor(b / count), i, j), 1 / count),
      );
    },
    checks: {
      aliasAdjoint: ['elementwise', (e, c) => [e.aliasAdjoint(hermitian(e, c), 3)]],
    },
  },
  scaleBatch: {
    definition(a, factors) {
      const x = entries(a);
      return build(factors.length, a.rows, a.columns, a.complex, (b, i, j) => scale(x(b, i, j), factors[b]!));
    },
    checks: {
      scaleBatch: [
        'elementwise',
        (e, c) => {
          const factors = e.vector(randomNumbers(4, 7));
          const one = matrices(e, 2, 1, c.n, other(c.n), c.complex);
          return c.batch === 7
            ? [e.scaleBatch(hermitian(e, c), factors), e.scaleBatch(one, factors)]
            : [e.scaleBatch(one, factors)];
        },
      ],
    },
  },
  toComplex: {
    definition: (a) => build(a.batch, a.rows, a.columns, true, entries(a)),
    checks: {
      toComplex: ['exact', (e, c) => [e.toComplex(hermitian(e, c))]],
    },
  },
  add: {
    definition: (a, b) => vectorOf(a.data.length, (i) => a.data[i]! + b.data[i]!),
    checks: {
      add: ['exact', (e, c) => [e.add(hermitian(e, c), matrices(e, 1, c.batch, c.n, c.n, c.complex))]],
    },
  },
  submatrix: {
    definition(a, rows, columns) {
      const [top, left] = [expand(rows), expand(columns)];
      const x = entries(a);
      return build(a.batch, top.length, left.length, a.complex, (b, i, j) => x(b, top[i]!, left[j]!));
    },
    checks: {
      submatrix: [
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
    },
  },
  submatrixAdjoint: {
    definition(a, ranges, size) {
      const index = expand(ranges);
      const x = entries(a);
      const sources = (i: number) => index.flatMap((at, k) => (at === i ? [k] : []));
      return build(a.batch, size, size, a.complex, (b, i, j) => {
        const pairs = sources(i).flatMap((k) => sources(j).map((l) => [k, l] as const));
        return sum(pairs.length, (p) => x(b, pairs[p]![0], pairs[p]![1]));
      });
    },
    checks: {
      submatrixAdjoint: [
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
    },
  },
  assemble: {
    definition(a, b, c) {
      const [x, y, z] = [entries(a), entries(b), entries(c)];
      const m = a.rows;
      return build(a.batch, m + c.rows, m + c.rows, a.complex, (e, i, j) => {
        if (i < m) return j < m ? x(e, i, j) : y(e, i, j - m);
        return j < m ? conjugate(y(e, j, i - m)) : z(e, i - m, j - m);
      });
    },
    checks: {
      assemble: [
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
    },
  },
  scaleSides: {
    definition(a, left, right) {
      const x = entries(a);
      return build(a.batch, a.rows, a.columns, a.complex, (b, i, j) =>
        scale(x(b, i, j), (left?.[i] ?? 1) * (right?.[j] ?? 1)),
      );
    },
    checks: {
      scaleSides: [
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
    },
  },
  addDiagonal: {
    definition(s, d) {
      const entry = entries(s);
      return build(s.batch, s.rows, s.rows, s.complex, (b, i, j) =>
        i === j ? plus(entry(b, i, j), [d[i]!, 0]) : entry(b, i, j),
      );
    },
    checks: {
      addDiagonal: [
        'elementwise',
        (e, c) => [e.addDiagonal(hermitian(e, c), e.vector(randomNumbers(3, c.n)))],
      ],
    },
  },
  throughSector: {
    definition(r, left, subtract) {
      const x = entries(r);
      return build(r.batch, r.rows, r.rows, r.complex, (b, i, j) => {
        const value = scale(x(b, i, j), left[i]! * left[j]!);
        return i === j ? [value[0] - (subtract?.[i] ?? 0), 0] : value;
      });
    },
    checks: {
      throughSector: [
        'elementwise',
        (e, c) => {
          const left = e.vector(randomNumbers(2, c.n));
          return [
            e.throughSector(hermitian(e, c), left, e.vector(randomNumbers(3, c.n))),
            e.throughSector(hermitian(e, c), left, undefined),
          ];
        },
      ],
    },
  },
  diagonalMatrix: {
    definition: (d, complex) => build(1, d.length, d.length, complex, (_, i, j) => [i === j ? d[i]! : 0, 0]),
    checks: {
      diagonalMatrix: [
        'exact',
        (e, { n, complex }) => [e.diagonalMatrix(e.vector(randomNumbers(1, n)), complex)],
      ],
    },
  },
} satisfies Partial<Tested>;
