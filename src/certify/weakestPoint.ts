/** An input moved within a radius to where its label leads by least: what a certificate of that radius has withstood. */
import { ValueEnclosure } from '../network/evaluation/valueEnclosure.ts';
import type { Network } from '../network/network.ts';
import { Attack } from './attack/attack.ts';
import type { Sample } from './data/samples.ts';
import { CERTIFY_DEFAULTS } from './defaults.ts';
import type { Limits } from './limits.ts';
import { logitsOf } from './logits.ts';
import { leastMargin } from './stages/globalMargins.ts';

export interface WeakestPointOptions {
  /** Where the search starts, such as a counterexample beyond the ball. Default: the input. */
  readonly from?: Float64Array;
  /** Limits that every input keeps. */
  readonly limits?: Limits;
  readonly signal?: AbortSignal;
}

export interface WeakestPoint {
  readonly point: Float64Array;
  /** Output of the label there minus the largest other, rounded down; null where outputs leave the range of float64. */
  readonly margin: number | null;
}

/**
 * Gradient descent on the margin of a label within an ℓ2 ball. It finds a point that is bad, not the worst.
 * @param radius ℓ2, in the network's input
 * @throws InputError where the network has no vector of at least two outputs
 * @throws the signal's reason when it is aborted
 */
export async function weakestPoint(
  given: Network,
  { input, label }: Required<Omit<Sample, 'index'>>,
  radius: number,
  { from = input, limits, signal }: WeakestPointOptions = {},
): Promise<WeakestPoint> {
  signal?.throwIfAborted();
  const network = logitsOf(given);
  const attack = new Attack(network, limits, CERTIFY_DEFAULTS.seed);
  const effort = { steps: CERTIFY_DEFAULTS.attackSteps };
  const point = await attack.weakest(input, label, radius, from, effort, { end: Infinity, signal });
  const output = new ValueEnclosure(network).at(point);
  return { point, margin: output ? leastMargin(output, label) : null };
}
