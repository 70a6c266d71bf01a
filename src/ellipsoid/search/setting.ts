/** What the searches of one program have in common, and what they give. */
import type { Engine } from '../../engine/engine.ts';
import type { Program } from '../../program/program.ts';
import type { Relative } from '../multipliers/relative.ts';
import type { Flat } from './flat.ts';
import type { Ending } from './lbfgs.ts';
import type { Objective } from './objective.ts';
import type { Taps } from './taps.ts';

export interface Setting {
  readonly engine: Engine;
  readonly program: Program;
  readonly layout: Flat;
  readonly taps: Taps;
  readonly objective: Objective;
  readonly signal?: AbortSignal | undefined;
}

export interface Found {
  /** Relative to the row sums at all frequencies. */
  readonly theta: Relative;
  readonly ending: Ending;
  /** Whether frequencies were left out for want of memory. */
  readonly partial: boolean;
}
