/** Linear combinations of atoms, with bounds of what rounding has lost in their coefficients. */
import { U } from '../../network/evaluation/elementwiseEnclosure.ts';

interface Coefficient {
  value: number;
  /** The exact coefficient is at most so far away. */
  error: number;
}

/** More than what a product loses that is too small for float64. */
const UNDERFLOW = 2 ** -1060;

export class Expression {
  readonly coefficients = new Map<number, Coefficient>();
  readonly constant: Coefficient = { value: 0, error: 0 };

  static atom(atom: number): Expression {
    const one = new Expression();
    one.coefficients.set(atom, { value: 1, error: 0 });
    return one;
  }

  /** Adds factor · other, of which the factor may be off by `error`. */
  add(other: Expression, factor: number, error = 0): this {
    if (factor === 0 && error === 0) return this;
    for (const [atom, coefficient] of other.coefficients) {
      const own = this.coefficients.get(atom) ?? { value: 0, error: 0 };
      this.coefficients.set(atom, own);
      accumulate(own, coefficient, factor, error);
    }
    accumulate(this.constant, other.constant, factor, error);
    return this;
  }

  addConstant(value: number, error = 0): this {
    accumulate(this.constant, { value, error }, 1, 0);
    return this;
  }

  /** Whether it is nothing but one atom. */
  get isAtom(): boolean {
    if (this.coefficients.size !== 1 || this.constant.value !== 0 || this.constant.error !== 0) return false;
    const [only] = this.coefficients.values();
    return only!.value === 1 && only!.error === 0;
  }
}

/** own + factor · other */
function accumulate(own: Coefficient, other: Coefficient, factor: number, factorError: number): void {
  const product = factor * other.value;
  let lost = times(Math.abs(factor), other.error) + times(factorError, Math.abs(other.value) + other.error);
  if (!isPowerOfTwo(factor) && !isPowerOfTwo(other.value)) lost += Math.abs(product) * U + UNDERFLOW;
  else if (factor !== 0 && other.value !== 0 && Math.abs(product) < 2 ** -1000) lost += UNDERFLOW;
  // Errors underflow as well.
  if (lost < UNDERFLOW && (other.error !== 0 || factorError !== 0)) lost += UNDERFLOW;
  const sum = own.value + product;
  // What the sum has lost, exactly (Knuth's TwoSum): nothing where numbers have few bits.
  const part = sum - own.value;
  lost += Math.abs(own.value - (sum - part) + (product - part));
  own.value = sum;
  own.error += Number.isNaN(lost) ? Infinity : lost;
  if (own.error !== 0) own.error = own.error * (1 + 8 * U);
}

/** Nothing of what may be anything is nothing: 0 · ∞ = 0. */
function times(factor: number, size: number): number {
  return factor === 0 ? 0 : factor * size;
}

function isPowerOfTwo(x: number): boolean {
  if (x === 0) return true;
  const magnitude = Math.abs(x);
  return (
    magnitude === 1 ||
    (magnitude >= 2 ** -100 &&
      magnitude <= 2 ** 100 &&
      Number.isInteger(Math.log2(magnitude)) &&
      2 ** Math.log2(magnitude) === magnitude)
  );
}
