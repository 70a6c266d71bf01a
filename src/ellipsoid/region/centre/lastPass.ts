/**
 * The proof of what a search has found: the same multipliers once more through the pass that bounds its rounding (docs/soundness.md,
 * "Regions"). Nothing of the search is trusted: D, e² D and m are taken as they are, and what the constraints need beside them is made here.
 */
import { U } from '../../../network/evaluation/elementwiseEnclosure.ts';
import type { Algebra } from '../algebra.ts';
import type { PreparedChain, StageReport } from '../anchoredPass.ts';
import { gamma, type Sectors } from '../covariance.ts';
import { advance, type LinearTerms, type State } from '../state.ts';
import { constraintsAt, type Neurons, PER_NEURON } from './parameters.ts';

/** By how much e² D is larger than searched, so that weights that should be 0 are. */
const MORE_SPREAD = 1 + 2 ** -47;

/** What a pass proves, and by which multipliers. */
export interface MovedPass {
  /** At the output. */
  readonly state: State;
  readonly sectors: readonly Sectors[];
}

/**
 * A pass with the multipliers at x.
 * @param start in front of the first stage, limits of inputs in it
 * @returns undefined where nothing is proven
 */
export async function lastPass(
  algebra: Algebra,
  prepared: PreparedChain,
  start: State,
  reports: readonly StageReport[],
  stages: readonly Neurons[],
  x: Float64Array,
): Promise<MovedPass | undefined> {
  const all: Sectors[] = [];
  let state = start;
  let at = 0;
  for (const [k, neurons] of stages.entries()) {
    const constraints = constraintsAt(neurons, x, at);
    at += PER_NEURON * neurons.uncertain.length;
    const middle = neurons.middle.slice();
    for (const [q, i] of neurons.uncertain.entries()) middle[i] = constraints.m[q]!;
    const { multipliers } = constraints;
    const spread = constraints.square.map((e2, q) => e2 * multipliers[q]! * MORE_SPREAD);
    const sectors = { middle, uncertain: neurons.uncertain, multipliers, spread };
    const terms = provenTerms(state.anchor, reports[k]!, sectors);
    if (!terms) return undefined;
    const values = prepared.values(k, { middle: state.anchor, radius: new Float64Array(middle.length) });
    const behind = await advance(algebra, prepared.after(k), state, sectors, values, terms);
    if (!behind) return undefined;
    state = behind;
    all.push(sectors);
  }
  return { state, sectors: all };
}

/**
 * H = e² y² − (φ − m y)² + A φ + B n with e² = (e² D)/D is nonnegative where A ≥ ((1 − m)² − e²)₊ u and B ≥ (m² − e²)₊ |l|. Its linear terms
 * are not exact as floats; on the region |y*| and |φ*| are at most the distance from the anchor to the farther end, which bounds what that is
 * worth. Undefined where e² is not positive.
 */
export function provenTerms(
  anchor: Float64Array,
  { low, high }: Pick<StageReport, 'low' | 'high'>,
  sectors: Sectors,
): LinearTerms | undefined {
  const { middle, uncertain, multipliers, spread } = sectors;
  const count = uncertain.length;
  const [output, input] = [new Float64Array(count), new Float64Array(count)];
  let level = 0;
  let doubt = 0;
  for (const [k, i] of uncertain.entries()) {
    const [d, q, m] = [multipliers[k]!, spread[k]!, middle[i]!];
    if (!(d > 0 && q > 0 && d < Infinity && q < Infinity)) return undefined;
    const y = anchor[i]!;
    const [u, l] = [Math.max(high[i]!, 0), Math.max(-low[i]!, 0)];
    const rest = 1 - m;
    const square = (q / d) * (1 - 4 * U);
    const most = (slope: number) =>
      Math.max(0, (Math.abs(slope) * (1 + U)) ** 2 * (1 + 4 * U) - square) * (1 + 4 * U);
    const ofPhi = most(rest) * u * (1 + 4 * U);
    const ofN = most(m) * l * (1 + 4 * U);
    const phi = Math.max(y, 0);
    const n = Math.max(-y, 0);
    const g = y >= 0 ? rest * y : -m * y;
    output[k] = (ofPhi + ofN - 2 * g) / (2 * q);
    input[k] = y / d + (m * g - ofN / 2) / q;
    const farthest = Math.max(high[i]! - y, y - low[i]!) * (1 + 4 * U);
    const sizes =
      (ofPhi + ofN + 2 * Math.abs(g)) / (2 * q) + Math.abs(y) / d + (Math.abs(m * g) + ofN / 2) / q;
    doubt += 2 * 16 * U * sizes * farthest;
    const [squareOfY, squareOfG, linear] = [(y * y) / d, (g * g) / q, (ofPhi * phi + ofN * n) / q];
    level += squareOfY - squareOfG + linear;
    doubt += (16 * U + gamma(count + 4)) * (squareOfY + squareOfG + linear);
  }
  level += doubt * (1 + gamma(count + 8)) + 2 ** -900;
  return Number.isFinite(level) ? { output, input, level } : undefined;
}
