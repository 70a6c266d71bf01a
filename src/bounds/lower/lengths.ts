/** Lower bounds for signals of any length: the largest that is found at several. */
import { evaluationNeeds } from '../../network/evaluation/needs.ts';
import { existingLength, resized, shapesAt } from '../../network/lengths/lengths.ts';
import type { Network } from '../../network/network.ts';
import { product } from '../../network/size.ts';
import { isLess, ZERO } from '../../scaled.ts';
import {
  LEAST_PRODUCTS,
  type LowerOptions,
  OPERATIONS,
  type SampledSlope,
  sampledLowerBound,
} from './sample.ts';

/** Short signals are all borders; some more of them see every phase of the strides. */
const SHORTEST = 6;
/** Multiples of the file's length, and what is added to it. */
const OTHERS = [
  [0.5, 0],
  [1, 1],
  [2, 0],
  [3, 1],
] as const;
/** Entries of all tensors together that are worth the time; more where the file has about so many. */
const LARGEST = 2 ** 18;
/** As many times the entries that the file's length has. */
const MOST_TIMES = 4;
/** All other lengths together take as long as that of the file. */
const SHARE = 1 / (SHORTEST + OTHERS.length);
/** Of operations. */
const ROUNDING = 1;

/**
 * As `sampledLowerBound`, at the file's length and at others where the network exists, from `smallest` on.
 * @param network tied to no length: see `lengthened`
 */
export async function sampledAtLengths(
  network: Network,
  smallest: number,
  options: LowerOptions,
): Promise<SampledSlope | undefined> {
  const own = network.tensors[network.input]!.shape.slice(1);
  const usual = entriesAt(network, own)!;
  const least = existingLength(network, smallest) ?? smallest;
  const short = Array.from({ length: SHORTEST }, (_, k) => own.map(() => least + k));
  const others = OTHERS.map(([factor, more]) => own.map((n) => Math.ceil(n * factor) + more));
  const most = Math.max(LARGEST, MOST_TIMES * usual);
  const seen = new Set<string>();
  let left = OPERATIONS;
  let best: SampledSlope | undefined;
  for (const sides of [own, ...short, ...others]) {
    const entries = sides.every((n) => n >= smallest) ? entriesAt(network, sides) : undefined;
    const fits = entries !== undefined && entries <= most;
    if (!fits || seen.has(`${sides}`) || (best && options.interrupt?.aborted)) continue;
    seen.add(`${sides}`);
    const sized = resized(network, sides);
    const share = sides === own ? 1 : SHARE;
    if (sides !== own) {
      left -= Math.max(SHARE * OPERATIONS, LEAST_PRODUCTS * evaluationNeeds(sized).work);
      if (left < -ROUNDING) break;
    }
    const found = await sampledLowerBound(sized, { ...options, share });
    if (found && (!best || isLess(best.value, found.value))) best = { ...found, sides };
  }
  return best ?? (options.deadline?.over ? undefined : { value: ZERO, assurance: 'nominal' });
}

/** Of all tensors together; undefined where the network does not exist. */
function entriesAt(network: Network, sides: readonly number[]): number | undefined {
  return shapesAt(network, sides)?.reduce((sum, shape) => sum + product(shape), 0);
}
