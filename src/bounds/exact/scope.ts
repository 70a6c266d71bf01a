/** The networks that branch and bound is tried on unasked. */
import { UnsupportedError } from '../../errors.ts';
import { formOf } from '../../exact/form/translate.ts';
import type { Network } from '../../network/network.ts';
import { product } from '../../network/size.ts';

/** Of these, neurons at most. */
export const MOST_NEURONS = 60;

/** Whether there are some neurons, and not too many, to begin with. */
export function isSmall({ nodes, tensors }: Network): boolean {
  const neurons = nodes.reduce((sum, { operator: { kind }, output }) => {
    const isCurved = kind === 'nonlinearity' || kind === 'grouped' || kind.includes('max');
    return isCurved ? sum + product(tensors[output]!.shape) : sum;
  }, 0);
  return neurons > 0 && neurons <= MOST_NEURONS;
}

/** Whether it is a network of straight pieces, of so many neurons once these are counted as branch and bound has them. */
export function hasExactForm(network: Network): boolean {
  if (!isSmall(network)) return false;
  try {
    return formOf(network).kinks.length <= MOST_NEURONS;
  } catch (error) {
    if (error instanceof UnsupportedError) return false;
    throw error;
  }
}
