/**
 * What is known of the tensors in front of a stage, for all inputs of a region: an ellipsoid around `anchor` + `offset`. All errors of
 * rounding are in it (docs/soundness.md, "Regions").
 */
import { U } from '../../network/evaluation/elementwiseEnclosure.ts';
import type { Ball } from '../../network/evaluation/enclosure.ts';
import { type Algebra, absoluteTimes, addTransposedTimes, timesVector } from './algebra.ts';
import { addToDiagonal, covarianceBehind, type Elimination, gamma, type Sectors } from './covariance.ts';
import type { LinearPart } from './linearPart.ts';

/** For every direction c: cᵀ (y − anchor − offset) ≤ √(level · cᵀ S c). */
export interface State {
  readonly anchor: Float64Array;
  readonly offset: Float64Array;
  /** S, [n × n] */
  readonly covariance: Float64Array;
  readonly level: number;
}

/**
 * Linear terms that go with the sectors of a stage: `level` + Σ_U (y*²/D − (φ* − M y*)²/(e² D) + 2 output φ* + 2 input y*) ≥ 0 for the
 * increments from the anchors, on the whole region.
 */
export interface LinearTerms {
  readonly output: Float64Array;
  readonly input: Float64Array;
  /** At least what is needed. */
  readonly level: number;
}

/** By how much the level grows so that the centre may be uncertain. */
export const SHARE_OF_CENTRE = 2 ** -36;

/** The lower and upper end of entry k. */
export function rangeOf({ anchor, offset, covariance, level }: State, k: number): readonly [number, number] {
  return rangeAround(anchor[k]!, level, covariance[k * (anchor.length + 1)]!, offset[k]!);
}

/** Of an entry that is within √(level · variance) of `anchor` + `offset`. */
export function rangeAround(
  anchor: number,
  level: number,
  variance: number,
  offset = 0,
): readonly [number, number] {
  const reach = Math.sqrt(Math.max(0, level)) * Math.sqrt(Math.max(0, variance)) * (1 + 8 * U);
  const centre = anchor + offset;
  const slack = 2 * U * (Math.abs(anchor) + Math.abs(offset) + reach) + 2 ** -1000;
  return [centre - reach - slack, centre + reach + slack];
}

/** In front of the first stage: of inputs within √level of `centre` + `offset`. */
export function startOf(
  linear: LinearPart,
  covariance: Float64Array,
  centre: Float64Array,
  offset: Float64Array,
  level: number,
): State {
  const here = linear.enclose({ middle: centre, radius: new Float64Array(centre.length) });
  return settled(linear, here, offset, new Float64Array(offset.length), covariance.slice(), level);
}

/**
 * Behind the functions of a stage and the linear part that follows.
 * @param values the functions' values at the anchor
 * @returns undefined where the multipliers do not dominate, or rounding hides whether they do
 */
export async function advance(
  algebra: Algebra,
  linear: LinearPart,
  state: State,
  sectors: Sectors,
  values: Ball,
  terms?: LinearTerms,
): Promise<State | undefined> {
  const { middle, uncertain, spread } = sectors;
  const n = middle.length;
  const behind = await covarianceBehind(algebra, linear, state.covariance, sectors);
  if (!behind) return undefined;
  const { covariance, elimination, error } = behind;
  const moved = centreBehind(state, sectors, elimination, error.shift, terms);
  const { offset, radius } = moved;
  for (let i = 0; i < n; i++) {
    radius[i] = Math.abs(middle[i]!) * radius[i]! + 2 * U * Math.abs(middle[i]! * offset[i]!);
    offset[i]! *= middle[i]!;
  }
  if (terms) {
    for (const [k, i] of uncertain.entries()) {
      const shift = spread[k]! * terms.output[k]!;
      offset[i]! += shift;
      radius[i]! += 2 * U * (Math.abs(shift) + Math.abs(offset[i]!));
    }
  }
  return settled(linear, linear.enclose(values), offset, radius, covariance, moved.level);
}

/**
 * With p = M·output + input, ζ = offset + S p: the offset of y becomes ζ + S_:U R ζ_U, and the level grows by
 * ζ_Uᵀ R ζ_U + pᵀ (offset + ζ) + Σ e² D output² (docs/mathematics.md §8).
 */
function centreBehind(
  state: State,
  { middle, uncertain, multipliers, spread }: Sectors,
  { rows, inverse }: Elimination,
  shift: number,
  terms: LinearTerms | undefined,
): { offset: Float64Array; radius: Float64Array; level: number } {
  const { offset: before, covariance, level } = state;
  const n = middle.length;
  if (!terms && before.every((value) => value === 0))
    return { offset: new Float64Array(n), radius: new Float64Array(n), level };
  const g = gamma(n + 16);
  const p = new Float64Array(n);
  const errorP = new Float64Array(n);
  let grown = 0;
  /** Moduli of what is added up. */
  let moduli = level;
  if (terms) {
    grown += terms.level;
    moduli += Math.abs(terms.level);
    for (const [k, i] of uncertain.entries()) {
      const through = middle[i]! * terms.output[k]!;
      p[i] = through + terms.input[k]!;
      errorP[i] = 2 * U * (Math.abs(through) + Math.abs(terms.input[k]!));
      const square = spread[k]! * terms.output[k]! ** 2;
      grown += square;
      moduli += square;
    }
  }
  const zeta = timesVector(covariance, p).map((value, i) => value + before[i]!);
  const errorZeta = absoluteTimes(
    covariance,
    p.map((value, i) => g * Math.abs(value) + errorP[i]!),
  ).map((value, i) => (value + g * Math.abs(before[i]!)) * (1 + g));
  const own = Float64Array.from(uncertain, (i) => zeta[i]!);
  const errorOwn = Float64Array.from(uncertain, (i) => errorZeta[i]!);
  const z = timesVector(inverse, own);
  const offset = zeta.slice();
  addTransposedTimes(rows, z, offset);
  // With ρ ≥ |own − (D − S) z|, what z is off by is at most |(D − S)⁻¹| ρ; the inverse is off by 2 · shift in the scale of D.
  const sums = absoluteSums(rows, n, uncertain, z);
  const residual = own.map((value, k) => {
    const [dz, sz] = [multipliers[k]! * z[k]!, offset[uncertain[k]!]! - value];
    const sizes = Math.abs(dz) + sums[k]! + 2 * Math.abs(value) + Math.abs(offset[uncertain[k]!]!);
    return (Math.abs(value - dz + sz) + g * sizes + errorOwn[k]!) * (1 + g);
  });
  const scaled = residual.reduce((sum, value, k) => sum + value / Math.sqrt(multipliers[k]!), 0);
  const errorZ = absoluteTimes(inverse, residual).map(
    (value, k) => (value + (2 * shift * scaled) / Math.sqrt(multipliers[k]!)) * (1 + g),
  );
  const radius = zeta.map((value, i) => errorZeta[i]! + g * Math.abs(value));
  for (let k = 0, at = 0; k < z.length; k++) {
    const each = errorZ[k]! + g * Math.abs(z[k]!);
    for (let i = 0; i < n; i++, at++) radius[i]! += Math.abs(rows[at]!) * each;
  }
  for (let i = 0; i < n; i++) radius[i]! *= 1 + g;
  let doubt = 0;
  for (let k = 0; k < own.length; k++) {
    grown += own[k]! * z[k]!;
    moduli += Math.abs(own[k]! * z[k]!);
    doubt += Math.abs(own[k]!) * errorZ[k]! + errorOwn[k]! * (Math.abs(z[k]!) + errorZ[k]!);
  }
  for (let i = 0; i < n; i++) {
    const both = before[i]! + zeta[i]!;
    grown += p[i]! * both;
    moduli += Math.abs(p[i]!) * (Math.abs(before[i]!) + Math.abs(zeta[i]!));
    doubt +=
      Math.abs(p[i]!) * errorZeta[i]! +
      errorP[i]! * (Math.abs(before[i]!) + Math.abs(zeta[i]!) + errorZeta[i]!);
  }
  return { offset, radius, level: level + grown + (doubt + gamma(4 * n + 32) * moduli) * (1 + g) };
}

/** Through a linear part: `values` is C φ̂ + b, `offset` is known to within `radius`, and both uncertainties go into the covariance. */
function settled(
  linear: LinearPart,
  values: Ball,
  offset: Float64Array,
  radius: Float64Array,
  covariance: Float64Array,
  level: number,
): State {
  const g = gamma(linear.roundings + 4);
  const next = linear.apply(offset);
  const uncertain = linear
    .absolute(radius.map((value, i) => value + g * Math.abs(offset[i]!)))
    .map((value, i) => value * (1 + 2 * g) + values.radius[i]!);
  return stateAround({ middle: values.middle, radius: uncertain }, covariance, level, next);
}

/** The centre is within `radius` of `middle` + `offset`, and that is put into the covariance. */
export function stateAround(
  { middle, radius }: Ball,
  covariance: Float64Array,
  level: number,
  offset: Float64Array = new Float64Array(middle.length),
): State {
  const room = roomForCentre(radius, level);
  if (room) addToDiagonal(covariance, room);
  return { anchor: middle, offset, covariance, level: level * (1 + SHARE_OF_CENTRE) * (1 + 4 * U) };
}

/** What diagonals need where the centre is within `radius`, and the level grows by its share; undefined: nothing. */
export function roomForCentre(radius: Float64Array, level: number): Float64Array | undefined {
  const sum = radius.reduce((all, value) => all + value, 0) * (1 + gamma(radius.length + 4));
  if (!(sum > 0)) return undefined;
  const factor = sum / (SHARE_OF_CENTRE * level);
  return radius.map((value) => value * factor * (1 + 8 * U) + 2 ** -1000);
}

/**
 * The largest f_j − f_i for outputs i, j, from above, at the output's state.
 */
export function largestDifference(state: State, j: number, i: number): number {
  const { anchor, offset, covariance, level } = state;
  const n = anchor.length;
  const [sj, si, sij] = [covariance[j * (n + 1)]!, covariance[i * (n + 1)]!, covariance[j * n + i]!];
  const spread = Math.max(0, sj + si - 2 * sij) + 8 * U * (sj + si + 2 * Math.abs(sij));
  const reach = Math.sqrt(level) * Math.sqrt(spread) * (1 + 12 * U);
  const size =
    Math.abs(anchor[j]!) + Math.abs(anchor[i]!) + Math.abs(offset[j]!) + Math.abs(offset[i]!) + reach;
  return anchor[j]! - anchor[i]! + (offset[j]! - offset[i]!) + reach + 8 * U * size + 2 ** -1000;
}

/** Σ_q |S_ki| |z_q| at the entries i of U, S_U: by rows. */
function absoluteSums(rows: Float64Array, n: number, uncertain: Int32Array, z: Float64Array): Float64Array {
  const sums = new Float64Array(z.length);
  for (let q = 0; q < z.length; q++) {
    const size = Math.abs(z[q]!);
    for (const [k, i] of uncertain.entries()) sums[k]! += Math.abs(rows[q * n + i]!) * size;
  }
  return sums;
}
