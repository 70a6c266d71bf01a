/** The lower bound beside a bound: sampled where that is in proportion, and in a hurry after an interruption. */
import { beyondSampling } from '../budget.ts';
import { DEFAULTS } from '../defaults.ts';
import { sampledShare } from '../proportion.ts';
import { numbers } from '../report/numbers.ts';
import type { LowerBound } from '../result.ts';
import type { BoundTask } from '../task.ts';
import { sampledAtLengths } from './lengths.ts';
import { sampledLowerBound } from './sample.ts';

/** Milliseconds that it has after an interruption: what it takes on most networks. */
const PATIENCE = 1000;

/** @returns the lower bound, or a sentence that says why there is none; undefined where none is asked for */
export async function lowerBoundOf(task: BoundTask): Promise<LowerBound | string | undefined> {
  const { original, query, room, allowance, signal, interrupt } = task;
  if (!query.lower) return undefined;
  const beyond = beyondSampling(original, room.bytes, allowance.sampled);
  if (beyond !== undefined) return beyond;
  const start = performance.now();
  const enough = new AbortController();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const hurry = () => {
    timer = setTimeout(() => enough.abort(), PATIENCE);
  };
  if (interrupt?.aborted) hurry();
  else interrupt?.addEventListener('abort', hurry);
  try {
    const { seed, pair, length, smallestLength } = query;
    const options = { seed, pair, signal, interrupt: enough.signal };
    const found =
      length === 'any'
        ? await sampledAtLengths(original, smallestLength ?? DEFAULTS.smallestLength, options)
        : await sampledLowerBound(original, { ...options, share: sampledShare(original) });
    const { bound, log10 } = numbers(found.value);
    const sides = found.sides && { sides: found.sides };
    const seconds = (performance.now() - start) / 1000;
    return { value: bound, log10, assurance: found.assurance, ...sides, seed, seconds };
  } finally {
    interrupt?.removeEventListener('abort', hurry);
    clearTimeout(timer);
  }
}
