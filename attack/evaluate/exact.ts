/** Rational numbers n · 2^e / d without rounding: as long as they have to be, fast where d is 1. */

export class Exact {
  static readonly ZERO: Exact = new Exact(0n, 0, 1n);

  readonly n: bigint;
  readonly e: number;
  /** Odd and positive. */
  readonly d: bigint;

  private constructor(n: bigint, e: number, d: bigint) {
    this.n = n;
    this.e = e;
    this.d = d;
  }

  /** A float64 that is no infinity and no NaN. */
  static of(x: number): Exact {
    if (!Number.isFinite(x)) throw new RangeError(`exact: must be finite, got ${x}`);
    if (x === 0) return Exact.ZERO;
    if (Number.isSafeInteger(x)) return new Exact(BigInt(x), 0, 1n);
    BITS.setFloat64(0, x);
    const high = BITS.getUint32(0);
    const biased = (high >>> 20) & 0x7ff;
    const fraction = (BigInt(high & 0xfffff) << 32n) | BigInt(BITS.getUint32(4));
    const mantissa = biased === 0 ? fraction : fraction | (1n << 52n);
    return trimmed(x < 0 ? -mantissa : mantissa, Math.max(biased, 1) - 1075, 1n);
  }

  static made(n: bigint, e: number, d: bigint): Exact {
    return n === 0n ? Exact.ZERO : new Exact(n, e, d);
  }

  plus(b: Exact): Exact {
    if (this.n === 0n) return b;
    if (b.n === 0n) return this;
    if (this.d !== b.d) {
      const common = gcd(this.d, b.d);
      const [p, q] = [this.d / common, b.d / common];
      return sum(this.n * q, this.e, b.n * p, b.e, this.d * q);
    }
    return sum(this.n, this.e, b.n, b.e, this.d);
  }

  negated(): Exact {
    return Exact.made(-this.n, this.e, this.d);
  }

  minus(b: Exact): Exact {
    return this.plus(b.negated());
  }

  times(b: Exact): Exact {
    if (this.n === 0n || b.n === 0n) return Exact.ZERO;
    const d = this.d === 1n ? b.d : b.d === 1n ? this.d : this.d * b.d;
    return new Exact(this.n * b.n, this.e + b.e, d);
  }

  over(b: Exact): Exact {
    if (b.n === 0n) throw new RangeError('exact: must not divide by 0');
    let [divisor, e] = [b.n < 0n ? -b.n : b.n, b.e];
    while ((divisor & 1n) === 0n) {
      divisor >>= 1n;
      e++;
    }
    const [top, bottom] = [(b.n < 0n ? -this.n : this.n) * b.d, this.d * divisor];
    const common = gcd(top < 0n ? -top : top, bottom);
    return Exact.made(top / common, this.e - e, bottom / common);
  }

  get sign(): -1 | 0 | 1 {
    return this.n === 0n ? 0 : this.n < 0n ? -1 : 1;
  }

  /** The sign of this − b. */
  compare(b: Exact): -1 | 0 | 1 {
    return this.minus(b).sign;
  }

  get absolute(): Exact {
    return this.n < 0n ? this.negated() : this;
  }

  /** mantissa · 2^exponent, the mantissa in [1, 2) but for its sign, rounded; 0 · 2^0 for zero. */
  scaled(): { mantissa: number; exponent: number } {
    if (this.n === 0n) return { mantissa: 0, exponent: 0 };
    const size = this.n < 0n ? -this.n : this.n;
    // 80 bits of the quotient, of which a float64 keeps 53.
    const shift = bits(this.d) - bits(size) + 80;
    const quotient = shift >= 0 ? (size << BigInt(shift)) / this.d : (size >> BigInt(-shift)) / this.d;
    const length = bits(quotient);
    const mantissa = Number(quotient >> BigInt(length - 64)) / 2 ** 63;
    const exponent = this.e - shift + length - 1;
    return { mantissa: this.n < 0n ? -mantissa : mantissa, exponent };
  }

  /** The nearest float64 or one beside it; 0 or an infinity beyond their range. */
  toNumber(): number {
    const { mantissa, exponent } = this.scaled();
    if (exponent > 1100) return mantissa * Infinity;
    if (exponent < -1200) return 0 * mantissa;
    const half = Math.trunc(exponent / 2);
    return mantissa * 2 ** half * 2 ** (exponent - half);
  }

  /** log2 of a positive number, right to about 2^-50 absolutely. */
  log2(): number {
    const { mantissa, exponent } = this.scaled();
    return exponent + Math.log2(mantissa);
  }

  /** The number to 2^-300 of itself, with the denominator 1. */
  rounded(): Exact {
    if (this.d === 1n) return this;
    const shift = Math.max(0, 300 + bits(this.d) - bits(this.n < 0n ? -this.n : this.n));
    return Exact.made((this.n << BigInt(shift)) / this.d, this.e - shift, 1n);
  }

  /** √ of a number that is not negative, to 2^-300 of itself. */
  squareRoot(): Exact {
    if (this.n === 0n) return Exact.ZERO;
    const precision = 640;
    const shift = Math.max(0, precision + bits(this.d) - bits(this.n));
    const even = shift + ((this.e - shift) & 1);
    const quotient = (this.n << BigInt(even)) / this.d;
    return Exact.made(integerRoot(quotient), (this.e - even) / 2, 1n);
  }
}

const BITS = new DataView(new ArrayBuffer(8));

export const ZERO: Exact = Exact.ZERO;
export const ONE: Exact = Exact.of(1);

/** n · 2^e / d without the factors 2 of n. */
function trimmed(n: bigint, e: number, d: bigint): Exact {
  let [m, k] = [n, e];
  while ((m & 0xffn) === 0n) {
    m >>= 8n;
    k += 8;
  }
  while ((m & 1n) === 0n) {
    m >>= 1n;
    k++;
  }
  return Exact.made(m, k, d);
}

function sum(n: bigint, e: number, m: bigint, f: number, d: bigint): Exact {
  return e >= f ? Exact.made((n << BigInt(e - f)) + m, f, d) : Exact.made(n + (m << BigInt(f - e)), e, d);
}

function gcd(a: bigint, b: bigint): bigint {
  let [x, y] = [a, b];
  while (y !== 0n) [x, y] = [y, x % y];
  return x;
}

/** Of a positive number. */
function bits(x: bigint): number {
  const hex = x.toString(16);
  return 4 * (hex.length - 1) + (32 - Math.clz32(Number.parseInt(hex[0]!, 16)));
}

/** ⌊√x⌋ */
function integerRoot(x: bigint): bigint {
  let root = 1n << BigInt((bits(x) + 1) >> 1);
  for (;;) {
    const next = (root + x / root) >> 1n;
    if (next >= root) return root;
    root = next;
  }
}
