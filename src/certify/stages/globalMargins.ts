/** The cheapest proof: f_y − f_j changes by at most L_yj · r within r of an input, L_yj being its Lipschitz bound over all inputs. */
import { bound } from '../../bounds/bound.ts';
import { checkTarget } from '../../bounds/options.ts';
import type { BoundOptions } from '../../bounds/result.ts';
import { InputError } from '../../errors.ts';
import type { Ball } from '../../network/evaluation/enclosure.ts';
import type { Network } from '../../network/network.ts';

/** Bounds on the Lipschitz constant of output i minus output j, one for all pairs or [i][j]; Infinity where there is none. */
export type Slopes = number | readonly (readonly number[])[];

export class GlobalMargins {
  readonly #outputs: number;
  readonly slopes: Slopes;

  constructor(outputs: number, slopes: Slopes) {
    this.#outputs = outputs;
    this.slopes = slopes;
  }

  /** The largest radius at which the label is certified by them, rounded down; 0 where there is none. */
  radius(output: Ball, label: number): number {
    let least = Number.MAX_VALUE;
    for (let j = 0; j < this.#outputs; j++) {
      if (j === label) continue;
      const gap = marginBelow(output, label, j);
      if (!(gap > 0)) return 0;
      const slope = typeof this.slopes === 'number' ? this.slopes : this.slopes[label]![j]!;
      if (!(slope >= 0)) return 0;
      // Below the quotient by more than rounding: the margin stays above 0, not only at it.
      if (slope > 0) least = Math.min(least, (gap / slope) * (1 - 2 ** -48));
    }
    return least;
  }
}

/** f_y − f_j, rounded down. */
export function marginBelow({ middle, radius }: Ball, y: number, j: number): number {
  const size = Math.abs(middle[y]!) + radius[y]! + Math.abs(middle[j]!) + radius[j]!;
  return middle[y]! - radius[y]! - (middle[j]! + radius[j]!) - size * 2 ** -50;
}

/** f_y minus the largest other output, rounded down. */
export function leastMargin(output: Ball, y: number): number {
  let least = Infinity;
  for (let j = 0; j < output.middle.length; j++) {
    if (j !== y) least = Math.min(least, marginBelow(output, y, j));
  }
  return least;
}

/**
 * Bounds of all margins; for very many outputs √2 times the bound of the whole output, which holds for each.
 * @throws as `bound`
 */
export async function globalMargins(
  network: Network,
  options: Pick<BoundOptions, 'engine' | 'memory' | 'timeLimit' | 'signal' | 'onProgress' | 'norm'>,
): Promise<GlobalMargins> {
  const outputs = network.tensors[network.output]!.shape[0]!;
  const target = hasMargins(network) ? 'margins' : 'global';
  const result = await bound(network, { ...options, target, lower: false });
  if (result.assurance === 'nominal') throw new Error('global margins: rounding must be accounted for');
  const { margins } = result;
  if (margins) return new GlobalMargins(outputs, margins);
  const all = result.bound === null ? Infinity : result.bound * Math.SQRT2 * (1 + 2 ** -50);
  return new GlobalMargins(outputs, all);
}

/** Where nothing is known of the whole network. */
export function noMargins(network: Network): GlobalMargins {
  return new GlobalMargins(network.tensors[network.output]!.shape[0]!, Infinity);
}

function hasMargins(network: Network): boolean {
  try {
    checkTarget(network, 'margins');
    return true;
  } catch (error) {
    if (error instanceof InputError) return false;
    throw error;
  }
}
