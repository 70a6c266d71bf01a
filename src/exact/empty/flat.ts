/**
 * Nodes that are flat: some of their rows are opposite to a positive combination of the others, as those of neurons that switch at one hyperplane
 * are, so that there are inputs, but none around which all is as the node has it. No rounding may come in between: whole numbers
 * (docs/soundness.md).
 */
import type { Domain } from '../domain.ts';
import type { Form } from '../form/form.ts';
import { isFixed, largestArgument, leastArgument, type State } from '../state.ts';
import { type Cone, ROW } from './cone.ts';
import type { MinimumNorm } from './minimumNorm.ts';

/** Bits of numbers, and of determinants of them, up to which this is a matter of milliseconds. */
const MOST_BITS = 1200;
const MOST_BITS_OF_ALL = 8192;

/** values · 2^exponent */
interface Exact {
  readonly values: bigint[];
  readonly exponent: number;
}

/** By the code of a row. */
const SIDES: Readonly<Record<number, FlatProof[number]['side']>> = {
  [ROW.inputLow]: 'inputLow',
  [ROW.inputHigh]: 'inputHigh',
  [ROW.unitLow]: 'unitLow',
  [ROW.unitHigh]: 'unitHigh',
};

/** Weights below are of rows that happen to be there. */
const NO_WEIGHT = 1e-9;

/** Rows that sum to nothing, or to something negative at t, with these weights. */
export type FlatProof = readonly {
  readonly side: 'inputLow' | 'inputHigh' | 'unitLow' | 'unitHigh';
  /** Of an input or a unit. */
  readonly index: number;
  /** Above 0; of the row with whole entries that have no factor in common. */
  readonly weight: bigint;
}[];

/**
 * A proof that a node has no inside, exactly; undefined where there is none.
 * @param support rows of the cone, `count` of them, that are suspected to sum to nothing with weights near these; no unit may be relaxed
 */
export function flatProof(
  form: Form,
  domain: Domain,
  state: State,
  cone: Cone,
  { support, weights, count }: Pick<MinimumNorm, 'support' | 'weights' | 'count'>,
): FlatProof | undefined {
  if (cone.columns !== form.inputs + 1 || form.weightError || form.biasError) return undefined;
  const forms = new Forms(form, state);
  const rows: bigint[][] = [];
  const named: { readonly side: FlatProof[number]['side']; readonly index: number }[] = [];
  let most = 0;
  for (let k = 0; k < count; k++) {
    const code = cone.codes[support[k]!]!;
    // t > 0 is for the end.
    if (code === ROW.time || !(weights[k]! > NO_WEIGHT)) continue;
    const [side, index] = [SIDES[code], cone.subjects[support[k]!]!];
    const whole = side && rowOf(form, domain, state, forms, code, index);
    if (!whole || whole.every((value) => value === 0n)) return undefined;
    const row = primitive(whole);
    rows.push(row);
    named.push({ side, index });
    most = row.reduce((all, value) => Math.max(all, bits(value)), most);
    if (most * rows.length > MOST_BITS_OF_ALL) return undefined;
  }
  const found =
    cancelling(rows, form.inputs + 1) ??
    // Or something negative is left of them at t.
    cancelling(rows, form.inputs);
  return found && primitive(found).map((weight, k) => ({ ...named[k]!, weight }));
}

/** Without a factor that all have in common. */
function primitive(values: readonly bigint[]): bigint[] {
  let common = 0n;
  for (const value of values) {
    let [x, y] = [value < 0n ? -value : value, common];
    while (y !== 0n) [x, y] = [y, x % y];
    common = x;
  }
  return values.map((value) => value / common);
}

/** A row of a program, but for a positive factor. */
function rowOf(
  form: Form,
  { low, high }: Domain,
  state: State,
  forms: Forms,
  code: number,
  subject: number,
): bigint[] | undefined {
  const { inputs } = form;
  const unit = (column: number, sign: number): Exact => {
    const values = new Array<bigint>(inputs + 1).fill(0n);
    values[column] = BigInt(sign);
    return { values, exponent: 0 };
  };
  switch (code) {
    case ROW.inputLow:
      return plus(unit(subject, 1), unit(inputs, 1), -low[subject]!)?.values;
    case ROW.inputHigh:
      return plus(unit(subject, -1), unit(inputs, 1), high[subject]!)?.values;
    case ROW.unitLow:
      return moved(forms.argument(subject), inputs, leastArgument(form, state, subject), 1);
    case ROW.unitHigh:
      return moved(forms.argument(subject), inputs, largestArgument(form, state, subject), -1);
    default:
      return undefined;
  }
}

/** sign · (y − at · t) */
function moved(y: Exact | undefined, time: number, at: number, sign: 1 | -1): bigint[] | undefined {
  const values = new Array<bigint>(time + 1).fill(0n);
  values[time] = 1n;
  const row = y && plus(y, { values, exponent: 0 }, -at);
  return row?.values.map((value) => BigInt(sign) * value);
}

/** Arguments of units in terms of inputs and t, where all units that they depend on are fixed. */
class Forms {
  readonly #form: Form;
  readonly #state: State;
  readonly #values = new Map<number, Exact | undefined>();
  readonly #arguments = new Map<number, Exact | undefined>();

  constructor(form: Form, state: State) {
    this.#form = form;
    this.#state = state;
  }

  argument(unit: number): Exact | undefined {
    if (this.#arguments.has(unit)) return this.#arguments.get(unit);
    const { inputs, atoms, weight, bias } = this.#form;
    const time = { values: this.#nothing(), exponent: 0 };
    time.values[inputs] = 1n;
    let sum: Exact | undefined = plus({ values: this.#nothing(), exponent: 0 }, time, bias[unit]!);
    for (let a = 0; a < inputs + unit && sum; a++) {
      const w = weight[unit * atoms + a]!;
      const value = w === 0 ? undefined : this.#atom(a);
      if (w !== 0) sum = value && plus(sum, value, w);
    }
    this.#arguments.set(unit, sum);
    return sum;
  }

  #atom(a: number): Exact | undefined {
    const { inputs, units } = this.#form;
    if (this.#values.has(a)) return this.#values.get(a);
    const nothing: Exact = { values: this.#nothing(), exponent: 0 };
    let value: Exact | undefined;
    if (a < inputs) {
      nothing.values[a] = 1n;
      value = nothing;
    } else {
      const u = a - inputs;
      const { pieces } = units[u]!;
      if (!pieces) value = this.argument(u);
      else if (isFixed(this.#state, u)) {
        const [slope, offset] = [
          pieces.slopes[this.#state.first[u]!]!,
          pieces.offsets[this.#state.first[u]!]!,
        ];
        const time = { values: this.#nothing(), exponent: 0 };
        time.values[inputs] = 1n;
        const shift = plus(nothing, time, offset);
        const argument = slope === 0 ? nothing : this.argument(u);
        value = shift && argument && plus(shift, argument, slope);
      }
    }
    this.#values.set(a, value);
    return value;
  }

  #nothing(): bigint[] {
    return new Array<bigint>(this.#form.inputs + 1).fill(0n);
  }
}

/** a + factor · b; undefined where that takes too many bits. */
function plus(a: Exact, b: Exact, factor: number): Exact | undefined {
  if (factor === 0) return a;
  const [mantissa, exponent] = wholeOf(factor);
  const own = b.exponent + exponent;
  const least = Math.min(a.exponent, own);
  const [up, over] = [a.exponent - least, own - least];
  if (!(up < MOST_BITS && over < MOST_BITS)) return undefined;
  const values = a.values.map((x, k) => (x << BigInt(up)) + ((mantissa * b.values[k]!) << BigInt(over)));
  return values.every((x) => bits(x) <= MOST_BITS) ? { values, exponent: least } : undefined;
}

function bits(x: bigint): number {
  return 4 * x.toString(16).length;
}

const VIEW = new DataView(new ArrayBuffer(8));

/** A finite number as mantissa · 2^exponent, whole and odd. */
function wholeOf(x: number): [mantissa: bigint, exponent: number] {
  VIEW.setFloat64(0, x);
  const high = VIEW.getUint32(0);
  const biased = (high >>> 20) & 0x7ff;
  let mantissa = (BigInt(high & 0xfffff) << 32n) | BigInt(VIEW.getUint32(4));
  if (biased > 0) mantissa |= 1n << 52n;
  let exponent = Math.max(biased, 1) - 1075;
  while (mantissa !== 0n && (mantissa & 0xffn) === 0n) {
    mantissa >>= 8n;
    exponent += 8;
  }
  while (mantissa !== 0n && (mantissa & 1n) === 0n) {
    mantissa >>= 1n;
    exponent++;
  }
  return [high >>> 31 ? -mantissa : mantissa, exponent];
}

/**
 * Weights above 0, the only ones but for a factor, with which rows cancel in their first columns, if what is left in their last entries is not
 * above 0.
 */
function cancelling(rows: readonly bigint[][], columns: number): bigint[] | undefined {
  const weights = weightsOf(rows, columns);
  const left = weights?.reduce((sum, weight, k) => sum + weight * rows[k]!.at(-1)!, 0n);
  return left !== undefined && left <= 0n ? weights : undefined;
}

/** By elimination without fractions (Bareiss 1968); undefined where there are none, or several. */
function weightsOf(rows: readonly bigint[][], columns: number): bigint[] | undefined {
  const n = rows.length;
  const equations = Array.from({ length: columns }, (_, c) => rows.map((row) => row[c]!));
  const pivots: number[] = [];
  let [before, free] = [1n, -1];
  for (let k = 0; k < n; k++) {
    const rank = pivots.length;
    const at = equations.findIndex((equation, c) => c >= rank && equation[k] !== 0n);
    if (at < 0) {
      if (free >= 0) return undefined;
      free = k;
      continue;
    }
    [equations[rank], equations[at]] = [equations[at]!, equations[rank]!];
    const own = equations[rank]!;
    const pivot = own[k]!;
    for (const [c, equation] of equations.entries()) {
      if (c === rank) continue;
      const factor = equation[k]!;
      for (let j = 0; j < n; j++) equation[j] = (pivot * equation[j]! - factor * own[j]!) / before;
    }
    before = pivot;
    pivots.push(k);
  }
  if (free < 0) return undefined;
  // In each equation there are now the pivot that all have, and what stands at the weight that is free.
  const weights = new Array<bigint>(n);
  const sign = before > 0n ? 1n : -1n;
  weights[free] = sign * before;
  for (const [c, k] of pivots.entries()) weights[k] = -sign * equations[c]![free]!;
  return weights.every((weight) => weight > 0n) ? weights : undefined;
}
