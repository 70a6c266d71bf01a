/** Segments of a program in a pass with held multipliers, and what goes from one to the next. */
import type { Segment } from '../../../program/program.ts';
import type { State } from '../../rules/affine.ts';
import type { SegmentFrequencies } from '../frequencies.ts';
import type { Objective } from '../objective.ts';
import type { Held } from './held.ts';
import type { Seen } from './seen.ts';
import type { PieceSymbols } from './symbols.ts';

/** A segment with the frequencies at which it is seen. */
export interface Place {
  readonly segment: Segment;
  readonly pieces: readonly SegmentFrequencies[];
  readonly symbols: PieceSymbols;
  /** Present at the last segment. */
  readonly objective: Objective | undefined;
}

/** Between segments. */
export interface Joint {
  /** The covariance is 2^exponent · state. */
  readonly state: State;
  readonly exponent: number;
  /** By how much what poolings have left is larger than the multipliers held behind them know: a logarithm. */
  readonly carry: number;
}

/** What a segment makes of what it is given. */
export interface Through {
  readonly joint: Joint;
  readonly theta: readonly Float64Array[];
  readonly held: readonly Held[];
  /** ln L² at the end of the program. */
  readonly squared?: number;
  readonly feasible: boolean;
  readonly seen?: Seen;
}
