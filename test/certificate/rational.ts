/** Rational numbers and symmetric matrices of them: the recursion without any rounding. */

/** n / d in lowest terms, d > 0. */
export class Rational {
  readonly n: bigint;
  readonly d: bigint;

  constructor(n: bigint, d = 1n) {
    const common = gcd(n < 0n ? -n : n, d);
    this.n = n / common;
    this.d = d / common;
  }

  /** A float64, exactly. */
  static of(x: number): Rational {
    let exponent = 0;
    let value = x;
    while (!Number.isInteger(value)) {
      value *= 2;
      exponent++;
    }
    return new Rational(BigInt(value), 2n ** BigInt(exponent));
  }

  plus(b: Rational): Rational {
    return new Rational(this.n * b.d + b.n * this.d, this.d * b.d);
  }

  minus(b: Rational): Rational {
    return new Rational(this.n * b.d - b.n * this.d, this.d * b.d);
  }

  times(b: Rational): Rational {
    return new Rational(this.n * b.n, this.d * b.d);
  }

  over(b: Rational): Rational {
    return b.n < 0n ? new Rational(-this.n * b.d, -this.d * b.n) : new Rational(this.n * b.d, this.d * b.n);
  }

  toNumber(): number {
    const shift = BigInt(Math.max(0, this.d.toString(2).length - 1000));
    return Number(this.n >> shift) / Number(this.d >> shift);
  }
}

const ZERO = new Rational(0n);

function gcd(a: bigint, b: bigint): bigint {
  let [x, y] = [a, b];
  while (y !== 0n) [x, y] = [y, x % y];
  return x;
}

export type Matrix = Rational[][];

export function matrixOf(rows: number, columns: number, data: ArrayLike<number>): Matrix {
  return Array.from({ length: rows }, (_, i) =>
    Array.from({ length: columns }, (_, j) => Rational.of(data[i * columns + j]!)),
  );
}

export function identity(n: number): Matrix {
  return Array.from({ length: n }, (_, i) =>
    Array.from({ length: n }, (_, j) => (i === j ? new Rational(1n) : ZERO)),
  );
}

export function times(a: Matrix, b: Matrix): Matrix {
  return a.map((row) => b[0]!.map((_, j) => row.reduce((sum, x, k) => sum.plus(x.times(b[k]![j]!)), ZERO)));
}

export function transpose(a: Matrix): Matrix {
  return a[0]!.map((_, j) => a.map((row) => row[j]!));
}

/** Eliminates without exchanging rows; null where a pivot is not positive: `a` is not positive definite. Inverse of `a` else. */
export function inverseOfPositive(a: Matrix): Matrix | null {
  const n = a.length;
  const rows = a.map((row, i) => [...row, ...identity(n)[i]!]);
  for (let p = 0; p < n; p++) {
    const pivot = rows[p]![p]!;
    if (pivot.n <= 0n) return null;
    rows[p] = rows[p]!.map((x) => x.over(pivot));
    for (let i = 0; i < n; i++) {
      const factor = rows[i]![p]!;
      if (i === p || factor.n === 0n) continue;
      rows[i] = rows[i]!.map((x, j) => x.minus(factor.times(rows[p]![j]!)));
    }
  }
  return rows.map((row) => row.slice(n));
}

/** Whether t I − a is positive definite. */
export function isBelow(a: Matrix, t: Rational): boolean {
  return (
    inverseOfPositive(a.map((row, i) => row.map((x, j) => (i === j ? t.minus(x) : ZERO.minus(x))))) !== null
  );
}

/** M D R D M − αβ D with R = (D − S)⁻¹; null where D does not dominate S. */
export function throughSector(
  s: Matrix,
  d: readonly Rational[],
  low: Rational,
  high: Rational,
): Matrix | null {
  const r = inverseOfPositive(
    s.map((row, i) => row.map((x, j) => (i === j ? d[i]!.minus(x) : ZERO.minus(x)))),
  );
  const middle = low.plus(high).over(new Rational(2n));
  return (
    r?.map((row, i) =>
      row.map((x, j) => {
        const grown = middle.times(d[i]!).times(x).times(d[j]!).times(middle);
        return i === j ? grown.minus(low.times(high).times(d[i]!)) : grown;
      }),
    ) ?? null
  );
}
