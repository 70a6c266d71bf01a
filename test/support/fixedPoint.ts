/**
 * Linear algebra on numbers with 1,280 binary places, kept as integers: exact but for what float64 could never tell. It is what the
 * rounding analysis is tested against.
 */
const PLACES = 1280n;
const ONE = 1n << PLACES;

/** A dense matrix, row-major. */
export interface FixedMatrix {
  readonly rows: number;
  readonly columns: number;
  readonly data: bigint[];
}

const view = new DataView(new ArrayBuffer(8));

/** A float64 times 2^exponent, exactly, if it is a multiple of 2^-1280. */
export function fixed(value: number, exponent = 0): bigint {
  if (!Number.isFinite(value)) throw new RangeError(`fixed: needs a finite number, got ${value}`);
  view.setFloat64(0, value);
  const bits = view.getBigUint64(0);
  const stored = Number((bits >> 52n) & 0x7ffn);
  const fraction = bits & 0xfffffffffffffn;
  const magnitude = stored === 0 ? fraction : fraction | (1n << 52n);
  const shift = BigInt((stored === 0 ? -1074 : stored - 1075) + exponent) + PLACES;
  const size = shift >= 0n ? magnitude << shift : magnitude >> -shift;
  return bits >> 63n === 1n ? -size : size;
}

export function times(a: bigint, b: bigint): bigint {
  return (a * b) >> PLACES;
}

export function over(a: bigint, b: bigint): bigint {
  return (a << PLACES) / b;
}

export function zeros(rows: number, columns: number): FixedMatrix {
  return { rows, columns, data: new Array<bigint>(rows * columns).fill(0n) };
}

export function identity(n: number): FixedMatrix {
  const out = zeros(n, n);
  for (let i = 0; i < n; i++) out.data[i * n + i] = ONE;
  return out;
}

export function block(a: FixedMatrix, top: number, rows: number, left: number, columns: number): FixedMatrix {
  const out = zeros(rows, columns);
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) out.data[i * columns + j] = a.data[(top + i) * a.columns + left + j]!;
  }
  return out;
}

export function product(a: FixedMatrix, b: FixedMatrix): FixedMatrix {
  const out = zeros(a.rows, b.columns);
  for (let i = 0; i < a.rows; i++) {
    for (let j = 0; j < b.columns; j++) {
      let sum = 0n;
      for (let k = 0; k < a.columns; k++) sum += a.data[i * a.columns + k]! * b.data[k * b.columns + j]!;
      out.data[i * b.columns + j] = sum >> PLACES;
    }
  }
  return out;
}

/** A⁻¹ of a symmetric positive definite matrix by Gauss-Jordan elimination; undefined where a pivot is not positive. */
export function inverse(a: FixedMatrix): FixedMatrix | undefined {
  const n = a.rows;
  const left = [...a.data];
  const right = identity(n).data;
  for (let k = 0; k < n; k++) {
    const pivot = left[k * n + k]!;
    if (pivot <= 0n) return undefined;
    const reciprocal = over(ONE, pivot);
    for (let j = 0; j < n; j++) {
      left[k * n + j] = times(left[k * n + j]!, reciprocal);
      right[k * n + j] = times(right[k * n + j]!, reciprocal);
    }
    for (let i = 0; i < n; i++) {
      const factor = left[i * n + k]!;
      if (i === k || factor === 0n) continue;
      for (let j = 0; j < n; j++) {
        left[i * n + j] = left[i * n + j]! - times(factor, left[k * n + j]!);
        right[i * n + j] = right[i * n + j]! - times(factor, right[k * n + j]!);
      }
    }
  }
  return { rows: n, columns: n, data: right };
}

/** Whether every pivot of a symmetric matrix is positive once `tolerance` is added to its diagonal. */
export function isPositiveDefinite(a: FixedMatrix, tolerance = 0n): boolean {
  const n = a.rows;
  const data = [...a.data];
  for (let k = 0; k < n; k++) {
    const pivot = data[k * n + k]! + tolerance;
    if (pivot <= 0n) return false;
    for (let i = k + 1; i < n; i++) {
      const factor = over(data[i * n + k]!, pivot);
      for (let j = k + 1; j < n; j++) data[i * n + j] = data[i * n + j]! - times(factor, data[k * n + j]!);
    }
  }
  return true;
}

/** b − a */
export function difference(b: FixedMatrix, a: FixedMatrix): FixedMatrix {
  return { ...b, data: b.data.map((value, k) => value - a.data[k]!) };
}

export function diagonal(values: readonly bigint[]): FixedMatrix {
  const out = zeros(values.length, values.length);
  values.forEach((value, i) => {
    out.data[i * values.length + i] = value;
  });
  return out;
}

/** a + b */
export function addedTo(a: FixedMatrix, b: FixedMatrix): FixedMatrix {
  return { ...a, data: a.data.map((value, k) => value + b.data[k]!) };
}

export function transpose(a: FixedMatrix): FixedMatrix {
  const out = zeros(a.columns, a.rows);
  for (let i = 0; i < a.rows; i++) {
    for (let j = 0; j < a.columns; j++) out.data[j * a.rows + i] = a.data[i * a.columns + j]!;
  }
  return out;
}
