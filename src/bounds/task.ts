/** One call of `bound`: what is asked, of which network, and what it is worked out with. */
import { Rounding } from '../ellipsoid/rounding/rounding.ts';
import type { Engine } from '../engine/engine.ts';
import type { Network } from '../network/network.ts';
import { foldingsOfFrame } from '../network/norms/framed.ts';
import { isEuclidean } from '../network/norms/norm.ts';
import { foldingsOf } from '../network/simplify/roundings.ts';
import { simplify } from '../network/simplify/simplify.ts';
import { type Room, roomIn } from './budget.ts';
import { Deadline } from './deadline.ts';
import { Ledger } from './ledger.ts';
import { type Allowance, allowanceBeside } from './proportion.ts';
import type { Query } from './query.ts';
import type { BoundOptions } from './result.ts';

export interface BoundTask {
  /** When the call began, on `performance.now()`. */
  readonly start: number;
  readonly query: Query;
  readonly engine: Engine;
  /** As it was given, and simplified: what is bounded. */
  readonly original: Network;
  readonly network: Network;
  readonly room: Room;
  /** For what nobody has asked for. */
  readonly allowance: Allowance;
  /** Absent where the caller wants bare numbers. */
  readonly rounding: Rounding | undefined;
  readonly ledger: Ledger;
  /** Of all that is computed for the bound; what is left after it is for the lower bound. */
  readonly deadline: Deadline;
  /** Of the whole call. */
  readonly end: Deadline;
  /** Cancels: nothing comes of the call. */
  readonly signal: AbortSignal | undefined;
  /** Ends the call early, with what has been found: from then on there is little time for what brings that home. */
  readonly interrupt: AbortSignal | undefined;
  /** Either, or the deadline: stops what no number has come of yet. */
  readonly stop: AbortSignal;
  /** Lets go of timers and signals. */
  readonly close: () => void;
}

/** Milliseconds after an interruption: for the last pass of a search, and for all. */
const HOME_AFTER = 200;
const END_AFTER = 400;

/** @param query of the same options */
export function boundTask(engine: Engine, original: Network, options: BoundOptions, query: Query): BoundTask {
  const start = performance.now();
  const { signal, interrupt } = options;
  const network = simplify(original);
  const foldings = foldingsOf(original) + (isEuclidean(query.norms) ? 0 : foldingsOfFrame(network));
  const allowance = allowanceBeside(original, query.method, options);
  const deadline = new Deadline(query.end - (query.lower ? reserveOf(query.end - start) : 0));
  const end = new Deadline(query.end);
  const hurry = () => {
    const now = performance.now();
    deadline.hasten(now + HOME_AFTER);
    end.hasten(now + END_AFTER);
  };
  if (interrupt?.aborted) hurry();
  else interrupt?.addEventListener('abort', hurry);
  const signals = [signal, interrupt, deadline.signal].filter((s) => s !== undefined);
  return {
    ...{ start, query, engine, original, network, allowance, signal, interrupt, deadline, end },
    close: () => {
      interrupt?.removeEventListener('abort', hurry);
      for (const one of [deadline, end]) one.close();
    },
    room: roomIn(options.memory, allowance.memory, engine, original, network),
    rounding: query.rigor ? new Rounding(engine.information, foldings) : undefined,
    ledger: new Ledger(options.onProgress, query.end),
    stop: AbortSignal.any(signals),
  };
}

/** Of the time, what is kept for the lower bound: as much as it takes by itself on most networks, of little time a part. */
const RESERVE = 2000;
const RESERVED_PART = 0.1;

/** @param time in milliseconds */
function reserveOf(time: number): number {
  return time === Infinity ? 0 : Math.max(0, Math.min(RESERVE, RESERVED_PART * time));
}
