/**
 * A forward pass with multipliers that are held (`held.ts`): the bound, and what every frequency has to do with it.
 *
 * Since D does not depend on the frequencies seen, each goes through a segment by itself. Where D does not dominate S(ω), ω leaves the
 * pass with all that aliases to it, and the others go on: the bound is then infinite, but what is wrong is known at once.
 * Nothing here is a proof; what counts is the last pass.
 */
import type { Engine } from '../../../engine/engine.ts';
import { lent } from '../../../engine/scope.ts';
import type { Program } from '../../../program/program.ts';
import type { Relative } from '../../multipliers/relative.ts';
import type { SegmentFrequencies } from '../frequencies.ts';
import type { Summed } from '../gradient/differentiablePass.ts';
import type { Objective } from '../objective.ts';
import type { Taps } from '../taps.ts';
import type { Held } from './held.ts';
import type { Joint, Place } from './place.ts';
import type { Seen } from './seen.ts';
import { PieceSymbols } from './symbols.ts';
import { throughTorus } from './torusSegment.ts';
import { throughVectors } from './vectorSegment.ts';

export interface FixedOutcome {
  /** ln L, of the frequencies seen; +∞ where one has left, or D ≻ S failed on vectors. */
  readonly bound: number;
  /** The multipliers as those of a search, relative to the row sums of the frequencies seen. */
  readonly theta: Relative;
  /** As they were given; raised where that was asked for, with the boundaries that were found. */
  readonly held: readonly Held[];
  /** One for every segment; undefined for vectors. */
  readonly seen: readonly (Seen | undefined)[];
}

export interface FixedOptions {
  /** Raises D to where S fills no more than most of it, instead of letting frequencies leave. */
  readonly raise?: boolean;
  /** What the frequencies that are not seen add to the sums of reads, by segment. */
  readonly beside?: readonly (Summed | undefined)[];
  readonly signal?: AbortSignal | undefined;
}

export class FixedPass {
  readonly #engine: Engine;
  readonly #places: readonly Place[];

  /**
   * @param pieces of every segment, in the order of its frequencies
   * @param keep whether there is room for all symbols from one pass to the next
   */
  constructor(
    engine: Engine,
    { segments }: Program,
    pieces: readonly (readonly SegmentFrequencies[])[],
    objective: Objective,
    taps: Taps,
    keep: boolean,
  ) {
    this.#engine = engine;
    this.#places = segments.map((segment, i) => ({
      ...{ segment, pieces: pieces[i]!, symbols: new PieceSymbols(engine, segment, pieces[i]!, taps, keep) },
      objective: i === segments.length - 1 ? objective : undefined,
    }));
  }

  close(): void {
    for (const { symbols } of this.#places) symbols.close();
  }

  /** @throws the signal's reason when it is aborted */
  run(held: readonly Held[], { raise = false, beside, signal }: FixedOptions = {}): Promise<FixedOutcome> {
    return lent(this.#engine, async (engine) => {
      const theta: Float64Array[] = [];
      const now: Held[] = [];
      const seen: (Seen | undefined)[] = [];
      let joint: Joint = { state: undefined, exponent: 0, carry: 0 };
      let feasible = true;
      let squared = Number.NaN;
      for (const [i, place] of this.#places.entries()) {
        const rest = held.slice(theta.length);
        const through =
          place.segment.axes === 0
            ? await throughVectors(engine, place, joint, rest, signal)
            : await throughTorus(engine, place, joint, rest, { raise, beside: beside?.[i], signal });
        if (joint.state && joint.state !== through.joint.state) engine.release(joint.state);
        theta.push(...through.theta);
        now.push(...through.held);
        seen.push(through.seen);
        feasible &&= through.feasible;
        squared = through.squared ?? squared;
        joint = through.joint;
      }
      if (joint.state) engine.release(joint.state);
      return { bound: feasible ? 0.5 * squared : Infinity, theta, held: now, seen };
    });
  }
}
