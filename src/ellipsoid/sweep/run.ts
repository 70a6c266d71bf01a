/** What a sweep keeps for each way of choosing multipliers. */
import type { Vector } from '../../engine/engine.ts';
import type { MaximumStep, NonlinearityStep, Step } from '../../program/program.ts';
import type { RuleName } from '../multipliers/closedForms.ts';
import type { State } from '../rules/affine.ts';

/** A way to choose multipliers: a closed-form rule, or relative multipliers found before (`pass.ts`). */
export type Choosing =
  | { readonly name: RuleName }
  | { readonly name: 'refined'; readonly theta: ReadonlyMap<Step, Float64Array> };

/** The covariance of one run within a segment. */
export interface Run {
  readonly choosing: Choosing;
  /** Covariance per chunk before step `at` (the same white state for all chunks at a segment's start). */
  states: State[];
  at: number;
  /** True covariance = 2^(exponent + hostExponent) · state. */
  exponent: Vector;
  hostExponent: number;
  /** 1 while every D ≻ S held. */
  definite: Vector;
  /** What was chosen at the segment's nonlinear steps so far, by step index. */
  readonly choices: Map<number, Choice>;
  readonly layers: ChosenLayer[];
  /** ‖Cov f‖ before the segment's linear steps so far, by step index, where it is interpolated (`anyLength/plan.ts`). */
  readonly reaches: Map<number, Vector>;
  /** The same at the step reached, where f is not what lives. */
  reach: Vector | undefined;
  /** What the proofs of the steps so far rest on, where rounding is bounded. */
  readonly evidence: Map<Step, Evidence>;
}

/** Maxima over chunks, each of length 1. */
export interface Evidence {
  /** What rounding added to the diagonal of a covariance, and the largest entry of that. */
  readonly added?: Vector;
  readonly level?: Vector;
  /** See `InverseAbove`. */
  readonly doubt?: Vector;
  readonly condition?: Vector;
}

/** Multipliers of a layer on the device, as `LayerMultipliers` of sweep.ts has them. */
export interface ChosenLayer {
  readonly step: NonlinearityStep | MaximumStep;
  readonly d: Vector;
  readonly relative: Vector;
  readonly exponent: Vector;
  readonly hostExponent: number;
}

export interface Choice {
  /** Multipliers of the state scaled by 2^-shift. */
  readonly d: Vector;
  /** At a pooling, the covariance diag(image) of its result. */
  readonly image: Vector | undefined;
  readonly shift: Vector;
  /** Whether D ≻ S by the rule's own definition. */
  readonly dominated: boolean;
}
