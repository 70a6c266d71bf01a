/** An input moved within a radius to where its label leads by least: what a certificate of that radius has withstood. */
import { InputError } from '../errors.ts';
import { ValueEnclosure } from '../network/evaluation/valueEnclosure.ts';
import type { Network } from '../network/network.ts';
import { product } from '../network/size.ts';
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
 * @throws InputError where the network has no vector of at least two outputs, and for samples and radii that make no sense
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
  const outputs = network.tensors[network.output]!.shape[0]!;
  if (!(Number.isInteger(label) && label >= 0 && label < outputs))
    throw new InputError(`label: from 0 to ${outputs - 1}, got ${label}`);
  const entries = product(network.tensors[network.input]!.shape);
  for (const point of [input, from]) {
    if (point.length !== entries || !point.every(Number.isFinite))
      throw new InputError(`weakest point: must start at ${entries} finite numbers, got ${point.length}`);
  }
  if (!(radius >= 0 && radius < Infinity)) throw new InputError(`radius: a number from 0 on, got ${radius}`);
  const attack = new Attack(network, limits, CERTIFY_DEFAULTS.seed);
  const effort = { steps: CERTIFY_DEFAULTS.attackSteps };
  const point = await attack.weakest(input, label, radius, from, effort, { end: Infinity, signal });
  const output = new ValueEnclosure(network).at(point);
  return { point, margin: output ? leastMargin(output, label) : null };
}
