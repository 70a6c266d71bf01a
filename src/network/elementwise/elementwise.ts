/**
 * The closed list of elementwise functions: what they compute, their derivative, and the exact range of
 * their slope, which is all that a Lipschitz bound knows of them (docs/mathematics.md §1). Each is a record below
 * `src/network/elementwise`.
 *
 * Not listed because their slope is unbounded: thresholded ReLU (a jump), exp, powers, reciprocal, sqrt, log.
 */

import { sharing } from '../size.ts';
import { Demands, type SlopeInterval } from './definition.ts';
import { definitionOf, type Elementwise } from './table.ts';

export type { SlopeInterval } from './definition.ts';
export type { Elementwise } from './table.ts';

/**
 * Refuses parameters for which the function has no bounded slope or no meaning.
 * @param channels size of the first axis of the tensor it acts on
 * @param entries of that tensor
 * @throws InputError that starts with `node`
 */
export function checkElementwise(node: string, f: Elementwise, channels: number, entries = channels): void {
  definitionOf(f).check?.(f, new Demands(node, f.name, channels, entries));
}

/** φ(x). `channel` picks the slope of a PReLU. */
export function valueAt(f: Elementwise, x: number, channel: number): number {
  return definitionOf(f).value(f, x, channel);
}

/** φ'(x); at a kink one of the one-sided derivatives. */
export function derivative(f: Elementwise, x: number, channel: number): number {
  return definitionOf(f).derivative(f, x, channel);
}

/** The smallest interval that holds every slope (φ(x) − φ(y)) / (x − y), ends rounded outward. */
export function slopeInterval(f: Elementwise): SlopeInterval {
  return definitionOf(f).slopes(f);
}

/** The parameter that has an entry per channel, or per entry of the tensor, or one for all; undefined where the function has none such. */
export function channelEntries(f: Elementwise): Float64Array | undefined {
  return definitionOf(f).perChannel?.entries(f);
}

/** Neighbouring entries of a tensor that have the same parameters. */
export function sharingParameters(f: Elementwise, shape: readonly number[]): number {
  const own = channelEntries(f)?.length ?? 1;
  return sharing(own === 1 ? shape[0]! : own, shape);
}

/** The function with other entries per channel; itself where it has none such. */
export function mapChannelEntries(f: Elementwise, map: (entries: Float64Array) => Float64Array): Elementwise {
  const { perChannel } = definitionOf(f);
  return perChannel ? perChannel.withEntries(f, map(perChannel.entries(f))) : f;
}
