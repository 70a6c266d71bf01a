/** The lower bound beside a bound: sampled where that is in proportion, and in a hurry after an interruption. */

import { createEngine } from '../../engine/create.ts';
import type { Engine } from '../../engine/engine.ts';
import { precisionOf } from '../../engine/precision.ts';
import { evaluationNeeds } from '../../network/evaluation/needs.ts';
import { type Scaled, toNumber } from '../../scaled.ts';
import { beyondSampling } from '../budget.ts';
import { DEFAULTS } from '../defaults.ts';
import { sampledShare } from '../proportion.ts';
import { numbers } from '../report/numbers.ts';
import type { LowerBound } from '../result.ts';
import type { BoundTask } from '../task.ts';
import { sampledAtLengths } from './lengths.ts';
import { LEAST_PRODUCTS, sampledLowerBound } from './sample.ts';

/** It never takes that long. */
const LONG = 1e6;
/** Of the time that is left, what it has for its search; the rest is for the proof. */
const PART_OF_SEARCH = 0.7;
/** Of the time that all before it has taken, what its search has at most; and milliseconds that it has always. */
const PART_OF_TIME_BEFORE = 0.2;
const ALWAYS = 1000;
/** Pairs of operations of an evaluation that an engine in float64 saves, for which it is worth to open one where there is none: opening it
 *  takes the time of about one such evaluation. */
const WORTH_AN_ENGINE = 1e7;
/** Pairs of operations of an evaluation that plain loops make in a second, about. */
const RATE = 5e8;

/**
 * @param upper the least bound that has been found
 * @returns the lower bound, or a sentence that says why there is none; undefined where none is asked for
 */
export async function lowerBoundOf(
  task: BoundTask,
  upper: Scaled | undefined,
): Promise<LowerBound | string | undefined> {
  const { original, query, room, allowance, signal, interrupt, end } = task;
  if (!query.lower) return undefined;
  const beyond = beyondSampling(original, room.host, allowance.sampled);
  if (beyond !== undefined) return beyond;
  const start = performance.now();
  const left = 1000 * end.left;
  const { work, leastWork } = evaluationNeeds(original);
  const least = (1000 * LEAST_PRODUCTS * leastWork) / RATE;
  if (least > left) {
    const seconds = (least / 1000).toPrecision(2);
    return `No lower bound was sampled: it would take at least about ${seconds} s, which ${interrupt?.aborted ? 'an interruption' : 'the time limit'} does not leave.`;
  }
  const enough = new AbortController();
  const timers: ReturnType<typeof setTimeout>[] = [];
  const stopAfter = (milliseconds: number) => {
    timers.push(setTimeout(() => enough.abort(), milliseconds));
  };
  const stopInTime = () => stopAfter(PART_OF_SEARCH * 1000 * end.left);
  // Who has waited for a bound shall not wait as long again for what is beside it.
  stopAfter(Math.max(ALWAYS, PART_OF_TIME_BEFORE * (start - task.start)));
  if (left < LONG) stopInTime();
  interrupt?.addEventListener('abort', stopInTime);
  let own: Engine | undefined;
  try {
    const { seed, pair, norms, length, smallestLength } = query;
    const isDouble = precisionOf(task.engine.information) === 'double';
    if (!isDouble && work - leastWork > WORTH_AN_ENGINE) own = await createEngine({ engine: 'cpu' });
    const engine = isDouble ? task.engine : own;
    const most = (upper && toNumber(upper)) ?? undefined;
    const options = {
      seed,
      pair,
      norms,
      signal,
      interrupt: enough.signal,
      engine,
      deadline: end,
      upper: most,
    };
    const found =
      length === 'any'
        ? await sampledAtLengths(original, smallestLength ?? DEFAULTS.smallestLength, options)
        : await sampledLowerBound(original, { ...options, share: sampledShare(original) });
    if (!found) {
      return `No lower bound was sampled: ${interrupt?.aborted ? 'an interruption' : 'the time limit'} came before there was one.`;
    }
    const { bound, log10 } = numbers(found.value);
    const sides = found.sides && { sides: found.sides };
    const seconds = (performance.now() - start) / 1000;
    return { value: bound, log10, assurance: found.assurance, ...sides, seed, seconds };
  } finally {
    interrupt?.removeEventListener('abort', stopInTime);
    for (const timer of timers) clearTimeout(timer);
    await own?.close();
  }
}
