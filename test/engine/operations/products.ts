/** Products, and the symbols of kernels. */
import type { Dense } from '../../../src/engine/cpu/dense.ts';
import type { Frame } from '../../../src/engine/engine.ts';
import { randomNumbers } from '../engines.ts';
import { hermitian, matrices, other, type Tested } from './cases.ts';
import { build, type Complex, conjugate, type Entry, entries, scale, sum, times, zero } from './entries.ts';

/** W Q Wᴴ as an entry function, the product W Q kept for one row at a time. */
function congruenceEntry(w: Dense, q: Dense | Float64Array | undefined): Entry {
  const n = w.columns;
  const x = entries(w);
  const middle: Entry =
    q === undefined
      ? (_, i, j) => (i === j ? [1, 0] : zero)
      : q instanceof Float64Array
        ? (_, i, j) => (i === j ? [q[i]!, 0] : zero)
        : entries(q);
  let cached = '';
  let row: Complex[] = [];
  return (b, i, j) => {
    if (cached !== `${b} ${i}`) {
      cached = `${b} ${i}`;
      row = Array.from({ length: n }, (_, l) => sum(n, (k) => times(x(b, i, k), middle(b, k, l))));
    }
    return sum(n, (l) => times(row[l]!, conjugate(x(b, j, l))));
  };
}

function batchOf(w: Dense, q: Dense | Float64Array | undefined): number {
  return q === undefined || q instanceof Float64Array ? w.batch : Math.max(w.batch, q.batch);
}

export const products = {
  symbol: {
    definition(taps, phases, rows, columns, frame) {
      const tap = entries(taps);
      const phase = entries(phases);
      const own: Entry = (b, i, j) =>
        sum(taps.rows, (t) => times(phase(0, b, t), tap(0, t, i * columns + j)));
      if (!frame) return build(phases.rows, rows, columns, true, own);
      const { row, column, indices, values } = frame;
      return build(phases.rows, frame.rows, frame.columns, true, (b, i, j) => {
        const [r, c] = [i - row, j - column];
        if (r >= 0 && r < rows && c >= 0 && c < columns) return own(b, r, c);
        return indices[i] === j ? [values[i]!, 0] : zero;
      });
    },
    checks: {
      symbol: [
        'product',
        (e, { n, batch }) => {
          const columns = other(n);
          return [
            e.symbol(matrices(e, 1, 1, 5, n * columns, false), matrices(e, 2, 1, batch, 5, true), n, columns),
          ];
        },
      ],
      'symbol in a frame': [
        'product',
        (e, { n, batch }) => {
          const columns = other(n);
          const taps = matrices(e, 1, 1, 5, n * columns, false);
          const phases = matrices(e, 2, 1, batch, 5, true);
          // Rows before, beside and behind the matrix: entries left and right of it, and none.
          const frame = (row: number, column: number): Frame => {
            const whole = { rows: n + row + 3, columns: columns + column + 2 };
            const indices = Int32Array.from({ length: whole.rows }, (_, i) => {
              if (i % 4 === 3) return -1;
              return i % 2 === 0 && column > 0 ? i % column : column + columns + (i % 2);
            });
            return { ...whole, row, column, indices, values: randomNumbers(7, whole.rows) };
          };
          return [frame(2, 3), frame(0, 0), frame(0, 1)].map((f) => e.symbol(taps, phases, n, columns, f));
        },
      ],
    },
  },
  product: {
    definition(a, b, { adjointA = false, adjointB = false } = {}) {
      const x = entries(a);
      const y = entries(b);
      const left: Entry = adjointA ? (e, i, j) => conjugate(x(e, j, i)) : x;
      const right: Entry = adjointB ? (e, i, j) => conjugate(y(e, j, i)) : y;
      const [m, k] = adjointA ? [a.columns, a.rows] : [a.rows, a.columns];
      const n = adjointB ? b.rows : b.columns;
      return build(Math.max(a.batch, b.batch), m, n, a.complex, (e, i, j) =>
        sum(k, (l) => times(left(e, i, l), right(e, l, j))),
      );
    },
    checks: {
      product: [
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
      'product with adjoints': [
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
    },
  },
  congruence: {
    definition: (w, q) => build(batchOf(w, q), w.rows, w.rows, w.complex, congruenceEntry(w, q)),
    checks: {
      congruence: [
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
    },
  },
  congruenceAdjoint: {
    definition(w, g) {
      const x = entries(w);
      const adjoint: Dense = {
        ...{ batch: w.batch, rows: w.columns, columns: w.rows, complex: w.complex },
        data: build(w.batch, w.columns, w.rows, w.complex, (b, i, j) => conjugate(x(b, j, i))),
      };
      return build(batchOf(w, g), w.columns, w.columns, w.complex, congruenceEntry(adjoint, g));
    },
    checks: {
      congruenceAdjoint: [
        'product',
        (e, c) => {
          const w = matrices(e, 1, c.batch, c.n, other(c.n), c.complex);
          const one = matrices(e, 2, 1, c.n, other(c.n), c.complex);
          const g = hermitian(e, c);
          return [e.congruenceAdjoint(w, g), e.congruenceAdjoint(one, g)];
        },
      ],
    },
  },
  windowSum: {
    definition(w, q, weights) {
      const all = { ...w, batch: batchOf(w, q), columns: w.rows };
      const entry = entries({
        ...all,
        data: build(all.batch, w.rows, w.rows, w.complex, congruenceEntry(w, q)),
      });
      return build(1, w.rows, w.rows, false, (_, i, j) =>
        sum(weights.length, (b) => scale(entry(b, i, j), weights[b]!)),
      );
    },
    checks: {
      windowSum: [
        'product',
        (e, c) => {
          const w = matrices(e, 1, c.batch, other(c.n), c.n, c.complex);
          const weights = e.vector(randomNumbers(3, c.batch));
          return [e.windowSum(w, undefined, weights), e.windowSum(w, hermitian(e, c), weights)];
        },
      ],
    },
  },
  absoluteProduct: {
    definition(a, x, { adjoint = false, plus } = {}) {
      const entry = entries(a);
      const columns = x instanceof Float64Array ? { batch: 1, data: x } : x;
      const [rows, inner] = adjoint ? [a.columns, a.rows] : [a.rows, a.columns];
      const value = (b: number, k: number) => columns.data[(columns.batch === 1 ? 0 : b) * inner + k]!;
      const size = ([re, im]: Complex) => Math.abs(re) + Math.abs(im);
      return build(Math.max(a.batch, columns.batch), rows, 1, false, (b, i) => [
        Array.from(
          { length: inner },
          (_, k) => size(adjoint ? entry(b, k, i) : entry(b, i, k)) * value(b, k),
        ).reduce((u, v) => u + v, plus?.[i] ?? 0),
        0,
      ]);
    },
    checks: {
      absoluteProduct: [
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
    },
  },
} satisfies Partial<Tested>;
