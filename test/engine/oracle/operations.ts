/**
 * Every operation from its definition: entry by entry, one sum after another, with complex numbers as pairs and
 * algorithms that share nothing with the engines (Jacobi for eigenvalues, Gauss-Jordan for inverses).
 */
import type { Dense } from '../../../src/engine/cpu/dense.ts';
import type { Ranges } from '../../../src/engine/engine.ts';
import type { Operations } from '../../../src/engine/queued/operations.ts';
import { jacobiEigenvalues } from './eigenvalues.ts';

type Complex = readonly [re: number, im: number];

const zero: Complex = [0, 0];
const plus = (x: Complex, y: Complex): Complex => [x[0] + y[0], x[1] + y[1]];
const times = (x: Complex, y: Complex): Complex => [x[0] * y[0] - x[1] * y[1], x[0] * y[1] + x[1] * y[0]];
const conjugate = (x: Complex): Complex => [x[0], -x[1]];
const scale = (x: Complex, factor: number): Complex => [x[0] * factor, x[1] * factor];
const modulus = (x: Complex) => (Number.isNaN(x[0] + x[1]) ? Number.NaN : Math.hypot(x[0], x[1]));
const divide = (x: Complex, y: Complex) => scale(times(x, conjugate(y)), 1 / (y[0] ** 2 + y[1] ** 2));

type Entry = (b: number, i: number, j: number) => Complex;

/** Access to entries; a batch of one is repeated. */
function entries(a: Dense): Entry {
  return (b, i, j) => {
    const at = ((a.batch === 1 ? 0 : b) * a.rows + i) * a.columns + j;
    return a.complex ? [a.data[2 * at]!, a.data[2 * at + 1]!] : [a.data[at]!, 0];
  };
}

function build(batch: number, rows: number, columns: number, complex: boolean, entry: Entry): Float64Array {
  const out: number[] = [];
  for (let b = 0; b < batch; b++) {
    for (let i = 0; i < rows; i++) {
      for (let j = 0; j < columns; j++) {
        const value = entry(b, i, j);
        if (complex) out.push(...value);
        else out.push(value[0]);
      }
    }
  }
  return Float64Array.from(out);
}

function sum(count: number, term: (k: number) => Complex): Complex {
  let total = zero;
  for (let k = 0; k < count; k++) total = plus(total, term(k));
  return total;
}

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

function expand(ranges: Ranges): number[] {
  return ranges.flatMap(([start, end]) => Array.from({ length: end - start }, (_, i) => start + i));
}

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

const at = (vector: Float64Array, i: number) => vector[vector.length === 1 ? 0 : i]!;
const vectorOf = (length: number, value: (i: number) => number) =>
  Float64Array.from({ length }, (_, i) => value(i));
const largestOf = (values: ArrayLike<number>) => Math.max(...Array.from(values));

export const oracleOperations: Operations = {
  symbol(taps, phases, rows, columns) {
    const tap = entries(taps);
    const phase = entries(phases);
    return build(phases.rows, rows, columns, true, (b, i, j) =>
      sum(taps.rows, (t) => times(phase(0, b, t), tap(0, t, i * columns + j))),
    );
  },
  product(a, b, { adjointA = false, adjointB = false }) {
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
  congruence: (w, q) => build(batchOf(w, q), w.rows, w.rows, w.complex, congruenceEntry(w, q)),
  congruenceAdjoint(w, g) {
    const x = entries(w);
    const adjoint: Dense = {
      ...{ batch: w.batch, rows: w.columns, columns: w.rows, complex: w.complex },
      data: build(w.batch, w.columns, w.rows, w.complex, (b, i, j) => conjugate(x(b, j, i))),
    };
    return build(batchOf(w, g), w.columns, w.columns, w.complex, congruenceEntry(adjoint, g));
  },
  aliasAdjoint(g, count) {
    const x = entries(g);
    return build(g.batch * count, g.rows, g.columns, g.complex, (b, i, j) =>
      scale(x(Math.floor(b / count), i, j), 1 / count),
    );
  },
  scaleBatch(a, factors) {
    const x = entries(a);
    return build(factors.length, a.rows, a.columns, a.complex, (b, i, j) => scale(x(b, i, j), factors[b]!));
  },
  toComplex: (a) => build(a.batch, a.rows, a.columns, true, entries(a)),
  submatrixAdjoint(a, ranges, size) {
    const index = expand(ranges);
    const x = entries(a);
    const sources = (i: number) => index.flatMap((at, k) => (at === i ? [k] : []));
    return build(a.batch, size, size, a.complex, (b, i, j) => {
      const pairs = sources(i).flatMap((k) => sources(j).map((l) => [k, l] as const));
      return sum(pairs.length, (p) => x(b, pairs[p]![0], pairs[p]![1]));
    });
  },
  rowSumsAdjoint(s, sums, coefficients) {
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
  diagonalSum(a) {
    const x = entries(a);
    return vectorOf(a.rows, (i) => sum(a.batch, (b) => x(b, i, i))[0]);
  },
  alias(s, count) {
    const x = entries(s);
    return build(s.batch / count, s.rows, s.columns, s.complex, (b, i, j) =>
      scale(
        sum(count, (c) => x(b * count + c, i, j)),
        1 / count,
      ),
    );
  },
  windowSum(w, q, weights) {
    const all = { ...w, batch: batchOf(w, q), columns: w.rows };
    const entry = entries({
      ...all,
      data: build(all.batch, w.rows, w.rows, w.complex, congruenceEntry(w, q)),
    });
    return build(1, w.rows, w.rows, false, (_, i, j) =>
      sum(weights.length, (b) => scale(entry(b, i, j), weights[b]!)),
    );
  },
  add: (a, b) => vectorOf(a.data.length, (i) => a.data[i]! + b.data[i]!),
  submatrix(a, rows, columns) {
    const [top, left] = [expand(rows), expand(columns)];
    const x = entries(a);
    return build(a.batch, top.length, left.length, a.complex, (b, i, j) => x(b, top[i]!, left[j]!));
  },
  assemble(a, b, c) {
    const [x, y, z] = [entries(a), entries(b), entries(c)];
    const m = a.rows;
    return build(a.batch, m + c.rows, m + c.rows, a.complex, (e, i, j) => {
      if (i < m) return j < m ? x(e, i, j) : y(e, i, j - m);
      return j < m ? conjugate(y(e, j, i - m)) : z(e, i - m, j - m);
    });
  },
  scaleSides(a, left, right) {
    const x = entries(a);
    return build(a.batch, a.rows, a.columns, a.complex, (b, i, j) =>
      scale(x(b, i, j), (left?.[i] ?? 1) * (right?.[j] ?? 1)),
    );
  },
  absoluteProduct(a, x, adjoint, plus) {
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
  columnMaximum(x) {
    const entry = entries(x);
    return vectorOf(x.rows, (i) =>
      Array.from({ length: x.batch }, (_, b) => entry(b, i, 0)[0]).reduce((u, v) => Math.max(u, v)),
    );
  },
  addDiagonal(s, d) {
    const entry = entries(s);
    return build(s.batch, s.rows, s.rows, s.complex, (b, i, j) =>
      i === j ? plus(entry(b, i, j), [d[i]!, 0]) : entry(b, i, j),
    );
  },
  rowSums(s) {
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
  diagonal(s) {
    const x = entries(s);
    return vectorOf(s.rows, (i) => largestOf(Array.from({ length: s.batch }, (_, b) => x(b, i, i)[0])));
  },
  spectralRadius: (s) => radius(s, entries(s)),
  offDiagonalRadius(s) {
    const x = entries(s);
    return radius(s, (b, i, j) => (i === j ? zero : scale(x(b, i, j), 0.5)));
  },
  inverse(d, s) {
    const n = s.rows;
    const x = entries(s);
    const found = Array.from({ length: s.batch }, (_, b) =>
      invert(n, (i, j) => plus([i === j ? d[i]! : 0, 0], scale(x(b, i, j), -1))),
    );
    const definite = found.every((inverse) => inverse !== undefined);
    const inverse = build(s.batch, n, n, s.complex, (b, i, j) =>
      definite ? found[b]![i]![j]! : [Number.NaN, Number.NaN],
    );
    return { inverse, definite };
  },
  throughSector(r, left, subtract) {
    const x = entries(r);
    return build(r.batch, r.rows, r.rows, r.complex, (b, i, j) => {
      const value = scale(x(b, i, j), left[i]! * left[j]!);
      return i === j ? [value[0] - (subtract?.[i] ?? 0), 0] : value;
    });
  },
  diagonalMatrix: (d, complex) =>
    build(1, d.length, d.length, complex, (_, i, j) => [i === j ? d[i]! : 0, 0]),
  combine: (coefficients, vectors, length) =>
    vectorOf(length, (i) =>
      vectors.reduce((total, vector, k) => total + coefficients[k]! * at(vector, i), 0),
    ),
  multiply: (a, b, length) => vectorOf(length, (i) => at(a, i) * at(b, i)),
  maximum: (a, b, length) => vectorOf(length, (i) => Math.max(at(a, i), at(b, i))),
  reciprocal: (a) => vectorOf(a.length, (i) => 1 / a[i]!),
  sumOver: (a, windows) =>
    vectorOf(windows.length, (k) => [...windows[k]!].reduce((total, i) => total + a[i]!, 0)),
  squareRoot: (a) => vectorOf(a.length, (i) => Math.sqrt(a[i]!)),
  maximumOver: (a, windows) => vectorOf(windows.length, (k) => largestOf([...windows[k]!].map((i) => a[i]!))),
  largest: largestOf,
  exponent(a) {
    let size = largestOf(a);
    if (size === 0) return 0;
    if (!(size > 0 && size < Number.POSITIVE_INFINITY)) return Number.NaN;
    let e = 0;
    for (; size >= 2; size /= 2) e++;
    for (; size < 1; size *= 2) e--;
    return e;
  },
  scaleMatricesByPower({ data }, e) {
    return this.scaleByPower(data, e);
  },
  scaleByPower(a, e) {
    let out = [...a];
    if (Number.isNaN(e)) out = out.map(() => Number.NaN);
    for (let i = 0; i < Math.abs(e); i++) out = out.map((x) => (e > 0 ? x * 2 : x / 2));
    return Float64Array.from(out);
  },
  choose(scores, candidates) {
    const valid = scores.filter((score) => !Number.isNaN(score));
    if (valid.length === 0) return candidates[0]!.map(() => Number.NaN);
    return candidates[scores.indexOf(Math.min(...valid))]!.slice();
  },
};
