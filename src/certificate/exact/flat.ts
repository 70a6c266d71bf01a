/**
 * Whether a part has no inside, in whole numbers: where all units below are on one piece arguments are linear forms r · (x, 1), and inside a part
 * each of those that is not 0 is above 0 but for a set without volume. Positive weights with which such forms sum to (0, c), c ≤ 0, show that there
 * is no inside.
 */
import { type Domain, largestArgument, leastArgument, type Part, type Units } from './rows.ts';

export interface FlatRow {
  /** On which side of an end an input or an argument is. */
  readonly side: 'inputLow' | 'inputHigh' | 'unitLow' | 'unitHigh';
  readonly index: number;
  /** Above 0; of the form with whole coefficients that have no factor in common. */
  readonly weight: bigint;
}

/** Bits of a number up to which it is worked out. */
const MOST_BITS = 4096;

/** Products of whole numbers that a proof may take: some two seconds. The search gives up far before. */
const MOST_PRODUCTS = 2 ** 22;

/** values · 2^exponent. */
interface Exact {
  readonly values: readonly bigint[];
  readonly exponent: number;
}

export function isFlat(units: Units, domain: Domain, part: Part, rows: readonly FlatRow[]): boolean {
  // What may be off is no whole number.
  if (units.rows.some(({ errors, biasError }) => biasError !== 0 || errors.some((e) => e !== 0)))
    return false;
  if (rows.length === 0) return false;
  const forms = new Forms(units, part);
  const sum = new Array<bigint>(units.inputs + 1).fill(0n);
  for (const row of rows) {
    const form = formOf(units, domain, part, forms, row);
    if (!(row.weight > 0n) || !form || form.every((x) => x === 0n)) return false;
    for (const [c, x] of primitive(form).entries()) sum[c]! += row.weight * x;
  }
  return sum.every((x, c) => (c === units.inputs ? x <= 0n : x === 0n));
}

/** Above 0 in the part; undefined where there is no such end, or it takes too many bits. */
function formOf(
  { inputs, ...units }: Units,
  { low, high }: Domain,
  part: Part,
  forms: Forms,
  { side, index }: FlatRow,
): readonly bigint[] | undefined {
  const whole = { ...units, inputs };
  const isInput = side === 'inputLow' || side === 'inputHigh';
  const end = isInput
    ? (side === 'inputLow' ? low : high)[index]!
    : (side === 'unitLow' ? leastArgument : largestArgument)(whole, part, index);
  if (!Number.isFinite(end)) return undefined;
  const form = isInput ? unit(inputs, index) : forms.argument(index);
  const difference = form && plus(form, unit(inputs, inputs), -end);
  return side === 'inputLow' || side === 'unitLow' ? difference?.values : difference?.values.map((x) => -x);
}

/** Arguments and values in terms of inputs and 1. */
class Forms {
  readonly #units: Units;
  readonly #part: Part;
  readonly #arguments: (Exact | undefined)[] = [];
  #products = 0;

  constructor(units: Units, part: Part) {
    this.#units = units;
    this.#part = part;
  }

  /** Undefined where it depends on a unit that is not on one piece, or takes too many products. */
  argument(unit: number): Exact | undefined {
    // Units before it come first: no recursion.
    for (let u = this.#arguments.length; u <= unit; u++) this.#arguments.push(this.#argumentOf(u));
    return this.#arguments[unit];
  }

  #argumentOf(u: number): Exact | undefined {
    const { inputs, rows } = this.#units;
    const { columns, weights, bias } = rows[u]!;
    this.#products += (inputs + 1) * (columns.length + 1);
    if (this.#products > MOST_PRODUCTS) return undefined;
    let sum: Exact | undefined = plus(nothing(inputs), unit(inputs, inputs), bias);
    for (const [k, a] of columns.entries()) {
      const value: Exact | undefined = a < inputs ? unit(inputs, a) : this.#valueOf(a - inputs);
      sum = sum && value && plus(sum, value, weights[k]!);
    }
    return sum;
  }

  #valueOf(u: number): Exact | undefined {
    const { inputs, pieces } = this.#units;
    const { first, last } = this.#part;
    const own = pieces[u];
    if (!own) return this.#arguments[u];
    if (first[u] !== last[u]) return undefined;
    const [slope, offset] = [own.slopes[first[u]!]!, own.offsets[first[u]!]!];
    const constant = plus(nothing(inputs), unit(inputs, inputs), offset);
    if (slope === 0) return constant;
    const argument = this.#arguments[u];
    return constant && argument && plus(constant, argument, slope);
  }
}

function nothing(inputs: number): Exact {
  return { values: new Array<bigint>(inputs + 1).fill(0n), exponent: 0 };
}

function unit(inputs: number, at: number): Exact {
  const values = new Array<bigint>(inputs + 1).fill(0n);
  values[at] = 1n;
  return { values, exponent: 0 };
}

/** a + factor · b; undefined where that takes too many bits. */
function plus(a: Exact, b: Exact, factor: number): Exact | undefined {
  if (factor === 0) return a;
  if (!Number.isFinite(factor)) return undefined;
  const [mantissa, exponent] = wholeOf(factor);
  const own = b.exponent + exponent;
  const least = Math.min(a.exponent, own);
  if (Math.max(a.exponent, own) - least > MOST_BITS) return undefined;
  const [up, over] = [BigInt(a.exponent - least), BigInt(own - least)];
  const values = a.values.map((x, k) => (x << up) + ((mantissa * b.values[k]!) << over));
  const most = 1n << BigInt(MOST_BITS);
  return values.every((x) => -most < x && x < most) ? { values, exponent: least } : undefined;
}

/** A finite number as mantissa · 2^exponent. */
function wholeOf(x: number): [mantissa: bigint, exponent: number] {
  let [mantissa, exponent] = [x, 0];
  // Doubling and halving by whole powers of two is exact.
  for (; !Number.isInteger(mantissa); mantissa *= 2) exponent--;
  for (; Math.abs(mantissa) >= 2 ** 60; mantissa /= 2) exponent++;
  return [BigInt(mantissa), exponent];
}

function primitive(values: readonly bigint[]): readonly bigint[] {
  const common = values.reduce((all, x) => divisor(all, x < 0n ? -x : x), 0n);
  return values.map((x) => x / common);
}

function divisor(a: bigint, b: bigint): bigint {
  let [x, y] = [a, b];
  while (y !== 0n) [x, y] = [y, x % y];
  return x;
}
