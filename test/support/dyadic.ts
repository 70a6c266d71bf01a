/** Numbers n · 2^e with whole n: sums and products of float64 numbers without any rounding. */
export class Dyadic {
  static readonly ZERO = new Dyadic(0n, 0);
  readonly n: bigint;
  readonly e: number;

  constructor(n: bigint, e: number) {
    this.n = n;
    this.e = e;
  }

  static of(x: number): Dyadic {
    if (!Number.isFinite(x)) throw new Error(`dyadic: a finite number wanted, got ${x}`);
    if (x === 0) return Dyadic.ZERO;
    const bits = new DataView(new ArrayBuffer(8));
    bits.setFloat64(0, x);
    const word = bits.getBigUint64(0);
    const exponent = Number((word >> 52n) & 2047n);
    const fraction = word & (2n ** 52n - 1n);
    const n = exponent === 0 ? fraction : fraction + 2n ** 52n;
    return new Dyadic(x < 0 ? -n : n, Math.max(exponent, 1) - 1075);
  }

  plus(b: Dyadic): Dyadic {
    if (this.n === 0n) return b;
    if (b.n === 0n) return this;
    const [high, low] = this.e >= b.e ? [this, b] : [b, this];
    return new Dyadic((high.n << BigInt(high.e - low.e)) + low.n, low.e);
  }

  times(b: Dyadic): Dyadic {
    return this.n === 0n || b.n === 0n ? Dyadic.ZERO : new Dyadic(this.n * b.n, this.e + b.e);
  }

  get isPositive(): boolean {
    return this.n > 0n;
  }

  isBelow(b: Dyadic): boolean {
    return b.plus(new Dyadic(-this.n, this.e)).isPositive;
  }

  /** ⌊log2 |x|⌋; −∞ of 0. */
  get exponent(): number {
    if (this.n === 0n) return -Infinity;
    return (this.n < 0n ? -this.n : this.n).toString(2).length - 1 + this.e;
  }

  /** About x · 2^−exponent. */
  get mantissa(): number {
    if (this.n === 0n) return 0;
    const drop = Math.max(0, this.exponent - this.e - 60);
    return Number(this.n >> BigInt(drop)) * 2 ** (this.e + drop - this.exponent);
  }
}
