/**
 * One stage of the recursion for covariances of increments (docs/mathematics.md §8): neurons whose slope is certain are linear and get no
 * multiplier, the others are eliminated with theirs.
 */
import { U } from '../../network/evaluation/elementwiseEnclosure.ts';
import { largestModulus } from '../../network/extremes.ts';
import { SLACK } from '../rounding/rounding.ts';
import { type Algebra, absoluteTimes, columnsOf, rowsOf, transposed } from './algebra.ts';
import { type LinearPart, LOST } from './linearPart.ts';

/** What the functions of a stage do to increments. */
export interface Sectors {
  /** The middle slope of every entry. */
  readonly middle: Float64Array;
  /** The entries whose slope is not certain, in order. */
  readonly uncertain: Int32Array;
  /** Of these: D, the multipliers. */
  readonly multipliers: Float64Array;
  /** Of these: e² D, e half the width of the slopes. */
  readonly spread: Float64Array;
}

/** (D − S_UU)⁻¹ and what it is multiplied with. */
export interface Elimination {
  /** Rows U of S, [|U| × n]. */
  readonly rows: Float64Array;
  /** [|U| × |U|] */
  readonly inverse: Float64Array;
}

/** γ_k: the relative error, against the sum of moduli, of what k operations round. */
export function gamma(operations: number): number {
  return (operations * U) / (1 - operations * U);
}

/** Undefined where D ≻ S_UU does not hold. */
export async function eliminate(
  algebra: Algebra,
  s: Float64Array,
  n: number,
  { uncertain, multipliers }: Pick<Sectors, 'uncertain' | 'multipliers'>,
): Promise<Elimination | undefined> {
  const rows = rowsOf(s, n, uncertain);
  if (uncertain.length === 0) return { rows, inverse: new Float64Array(0) };
  const inverse = await algebra.inverse(multipliers, columnsOf(rows, uncertain.length, uncertain));
  return inverse && { rows, inverse };
}

/**
 * S⁺ = C (M S̃ M + e² D) Cᵀ, S̃ = S + S_:U (D − S_UU)⁻¹ S_U:, exactly symmetric [m × m].
 * @param given what `imagesOfRows` gives for the same, where it is at hand; it is overwritten
 */
export async function propagate(
  algebra: Algebra,
  linear: LinearPart,
  s: Float64Array,
  { middle, uncertain, spread }: Sectors,
  inverse: Float64Array,
  given?: Float64Array,
): Promise<Float64Array> {
  const n = middle.length;
  const m = linear.outputs;
  const images = given ?? (await imagesOfRows(algebra, linear, s, middle, uncertain));
  const behind =
    uncertain.length > 0 &&
    (await algebra.congruence(transposed(rowsOf(images, m, uncertain), uncertain.length, m), m, inverse));
  for (let i = 0; i < n; i++) for (let j = i * m; j < (i + 1) * m; j++) images[j]! *= middle[i]!;
  await linear.addColumns(algebra, images, uncertain, spread);
  const next = await linear.rows(algebra, transposed(images, n, m), m);
  const out = new Float64Array(m * m);
  for (let i = 0; i < m; i++) {
    for (let j = 0; j <= i; j++) {
      const at = i * m + j;
      out[at] = behind ? next[at]! + behind[at]! : next[at]!;
      out[j * m + i] = out[at]!;
    }
  }
  return out;
}

/** S M Cᵀ [n × m]; rows of entries that end here are 0. */
export async function imagesOfRows(
  algebra: Algebra,
  linear: LinearPart,
  s: Float64Array,
  middle: Float64Array,
  uncertain: Int32Array,
): Promise<Float64Array> {
  const n = middle.length;
  const m = linear.outputs;
  const lives = Uint8Array.from(middle, (value) => (value === 0 ? 0 : 1));
  for (const i of uncertain) lives[i] = 1;
  const live = Int32Array.from({ length: n }, (_, i) => i).filter((i) => lives[i] === 1);
  const images = new Float64Array(n * m);
  if (live.length === 0) return images;
  const scaled = rowsOf(s, n, live);
  for (let k = 0, at = 0; k < live.length; k++) for (let j = 0; j < n; j++, at++) scaled[at]! *= middle[j]!;
  const through = await linear.rows(algebra, scaled, live.length);
  for (const [k, i] of live.entries()) images.set(through.subarray(k * m, (k + 1) * m), i * m);
  return images;
}

/**
 * S⁺ from above, all rounding in it.
 * @returns undefined where the multipliers do not dominate, or rounding hides whether they do
 */
export async function covarianceBehind(
  algebra: Algebra,
  linear: LinearPart,
  s: Float64Array,
  sectors: Sectors,
): Promise<{ covariance: Float64Array; elimination: Elimination; error: InverseError } | undefined> {
  const elimination = await eliminate(algebra, s, sectors.middle.length, sectors);
  if (!elimination) return undefined;
  const error = errorOfInverse(sectors.multipliers, elimination.inverse);
  if (!error) return undefined;
  const above = inverseFromAbove(sectors.multipliers, elimination.inverse, error);
  const covariance = await propagate(algebra, linear, s, sectors, above);
  const { uncertain } = sectors;
  const ofInverse = inverseModuli(above, uncertain);
  addToDiagonal(
    covariance,
    errorOfPropagation(linear, moduliOf(s), sectors, ofInverse, 2 * uncertain.length),
  );
  return { covariance, elimination, error };
}

/** C Cᵀ: the covariance in front of the first stage, of increments of norm 1. */
export async function covarianceOfInputs(algebra: Algebra, linear: LinearPart): Promise<Float64Array> {
  const n = linear.inputs;
  const unit = new Float64Array(n * n);
  for (let i = 0; i < n; i++) unit[i * (n + 1)] = 1;
  const none = { multipliers: new Float64Array(0), spread: new Float64Array(0) };
  const middle = new Float64Array(n).fill(1);
  const s = await propagate(
    algebra,
    linear,
    unit,
    { middle, uncertain: new Int32Array(0), ...none },
    none.spread,
  );
  const rounding = errorOfPropagation(
    linear,
    { times: (x) => x, largest: 1 },
    { middle, uncertain: new Int32Array(0), ...none },
    undefined,
    0,
  );
  addToDiagonal(s, rounding);
  return s;
}

/**
 * C diag(σ) Cᵀ: the covariance in front of the first stage, of increments with Σ Δ² / σ ≤ 1.
 * @param rows C, column by column [inputs × outputs]: what `linear.rows` makes of unit vectors
 */
export async function covarianceOfEllipsoid(
  algebra: Algebra,
  linear: LinearPart,
  rows: Float64Array,
  sigma: Float64Array,
): Promise<Float64Array> {
  const { inputs, outputs } = linear;
  const s = await algebra.diagonalCongruence(transposed(rows, inputs, outputs), outputs, sigma);
  const none = {
    uncertain: new Int32Array(0),
    multipliers: new Float64Array(0),
    spread: new Float64Array(0),
  };
  const sectors = { middle: new Float64Array(inputs).fill(1), ...none };
  const moduli = {
    times: (x: Float64Array) => x.map((value, i) => sigma[i]! * value),
    largest: largestModulus(sigma),
  };
  addToDiagonal(s, errorOfPropagation(linear, moduli, sectors, undefined, inputs + 8));
  return s;
}

export function addToDiagonal(s: Float64Array, what: Float64Array): void {
  const n = what.length;
  for (let i = 0; i < n; i++)
    s[i * (n + 1)] = s[i * (n + 1)]! + what[i]! * (1 + 4 * U) + U * Math.abs(s[i * (n + 1)]!);
}

/** How far the computed inverse may be from the real one. */
export interface InverseError {
  /** ‖D^½ (X − (D − S)⁻¹) D^½‖ at most; X + shift · D⁻¹ is at least the inverse. */
  readonly shift: number;
}

/**
 * What is known beforehand of inversion by Cholesky (docs/soundness.md, "Inverses", float64), for real matrices; it also proves D ≻ S.
 * Undefined where the matrix is too near to singular for that.
 */
export function errorOfInverse(d: Float64Array, x: Float64Array): InverseError | undefined {
  const n = d.length;
  const root = d.map(Math.sqrt);
  let trace = 0;
  for (let i = 0; i < n; i++) trace += d[i]! * x[i * (n + 1)]!;
  const norm = absoluteTimes(x, root).reduce((most, value, i) => Math.max(most, root[i]! * value), 0);
  const k = 4 * (n + 8) * U * SLACK;
  const tau = 1.3 * k * n;
  const epsilon = k * Math.sqrt(n);
  const shift =
    2 * SLACK * epsilon * trace * Math.sqrt(norm) +
    SLACK * (epsilon * trace) ** 2 +
    k * trace +
    2 * SLACK * tau * norm * norm;
  const certain = 10 * tau * norm < 1 && 10 * n * epsilon * Math.sqrt(trace) < 1;
  return certain && Number.isFinite(shift) ? { shift } : undefined;
}

/** X + shift · D⁻¹, which is at least (D − S)⁻¹. */
export function inverseFromAbove(d: Float64Array, x: Float64Array, { shift }: InverseError): Float64Array {
  const n = d.length;
  const above = x.slice();
  for (let i = 0; i < n; i++)
    above[i * (n + 1)] = (above[i * (n + 1)]! + (SLACK * shift) / d[i]!) * (1 + 4 * U);
  return above;
}

/** |S| for a covariance S. */
export interface Moduli {
  times(x: Float64Array): Float64Array;
  /** The largest entry. */
  readonly largest: number;
}

/** |X| for the inverse of what is uncertain: of all entries, 0 where they are not. */
export interface InverseModuli {
  times(x: Float64Array): Float64Array;
  /** Of all entries. */
  readonly sum: number;
}

function moduliOf(s: Float64Array): Moduli {
  return { times: (x) => absoluteTimes(s, x), largest: largestModulus(s) };
}

function inverseModuli(inverse: Float64Array, uncertain: Int32Array): InverseModuli {
  return {
    times: (x) => {
      const own = absoluteTimes(
        inverse,
        Float64Array.from(uncertain, (i) => x[i]!),
      );
      const y = new Float64Array(x.length);
      for (const [k, i] of uncertain.entries()) y[i] = own[k]!;
      return y;
    },
    sum: inverse.reduce((sum, value) => sum + Math.abs(value), 0),
  };
}

/**
 * What has to be added to the diagonal of `propagate`'s result. Errors are below γ F entry by entry, with G = |C| |M| |S|_:U and
 * F = |C| (|M| |S| |M| + e² D) |C|ᵀ + G |X| Gᵀ; so they are below diag(γ F 1).
 * @param inverse undefined where nothing is uncertain
 * @param roundings beside those of C: of products with the inverse
 */
export function errorOfPropagation(
  linear: LinearPart,
  s: Moduli,
  { middle, uncertain, spread }: Sectors,
  inverse: InverseModuli | undefined,
  roundings: number,
): Float64Array {
  const n = middle.length;
  const back = linear.columnSums();
  const seen = back.map((value, i) => Math.abs(middle[i]!) * value);
  if (inverse && uncertain.length > 0) {
    const through = inverse.times(s.times(seen));
    for (let i = 0; i < n; i++) seen[i]! += through[i]!;
  }
  const inside = s.times(seen);
  for (let i = 0; i < n; i++) inside[i]! *= Math.abs(middle[i]!);
  for (const [k, i] of uncertain.entries()) inside[i]! += spread[k]! * back[i]!;
  const factor = SLACK * gamma(2 * linear.roundings + roundings + 16);
  const lost = lossOfUnderflow(linear, s, { middle, uncertain, spread }, inverse);
  return linear.absolute(inside).map((value) => factor * value + lost);
}

/** What an entry of C x may lose where numbers on the way are too small for float64, and x is off by as much. */
export function omegaOf(linear: LinearPart): number {
  const reach = largestModulus(linear.rowSums());
  return largestModulus(linear.underflow()) + LOST * (1 + reach);
}

/**
 * What `propagate` loses at most, in a row of its result, where numbers are too small for float64. With ω for an entry of C x: rows of S M Cᵀ
 * are off by ω, and so Gᵀ X G by ω (2 |X||G| + ω |X|); what goes through C again by |C| |M| ω, e² D times columns that are off likewise, and
 * another ω.
 */
function lossOfUnderflow(
  linear: LinearPart,
  s: Moduli,
  { middle, spread, uncertain }: Omit<Sectors, 'multipliers'>,
  inverse: InverseModuli | undefined,
): number {
  const widths = new Float64Array(middle.length);
  for (const [k, i] of uncertain.entries()) widths[i] = spread[k]!;
  const reach = largestModulus(linear.rowSums());
  const [reachOfMiddle, reachOfWidths] = [middle.map(Math.abs), widths].map((x) =>
    largestModulus(linear.absolute(x)),
  ) as [number, number];
  const omega = omegaOf(linear);
  const entries = s.largest * reachOfMiddle + omega;
  const again = omega * (1 + reachOfMiddle + reachOfWidths) + LOST * reach;
  const eliminated =
    omega * (inverse?.sum ?? 0) * (2 * entries + omega) + LOST * uncertain.length * (1 + entries);
  return 2 * linear.outputs * (again + eliminated) + 2 ** -960;
}
