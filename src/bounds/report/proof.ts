/** What proves a bound to somebody who trusts no optimiser: the multipliers of every nonlinear step, and where they belong. */

import type { LayerMultipliers, Outcome } from '../../ellipsoid/sweep/sweep.ts';
import type { Program, Segment } from '../../program/program.ts';

export interface BoundProof {
  /** The node of the simplified network from which on it is unrolled; null: not at all. */
  readonly unrolledFrom: number | null;
  /** Sides of the torus of every segment that starts white, in samples of what it starts with. */
  readonly tori: readonly (readonly number[])[];
  /** In the order of the steps. */
  readonly layers: readonly BoundProofLayer[];
}

/** values · 2^exponent: D per row of the argument; at a maximum the diagonal covariance of its result, per channel. */
export interface BoundProofLayer {
  readonly name: string;
  readonly role: 'nonlinearity' | 'window' | 'divisor' | 'maximum';
  /** Samples after which D repeats, per axis; rows run over these phases, then over channels. */
  readonly period: readonly number[];
  readonly exponent: number;
  readonly values: Float64Array;
}

export function proofOf(program: Program, outcome: Outcome, unrolledFrom: number | null): BoundProof {
  const white = program.segments.filter((segment) => segment.white);
  return {
    unrolledFrom,
    tori: white.map(torusOf),
    layers: outcome.layers.map(layerOf),
  };
}

/** A segment that works on vectors from the start has none; what a pooling leaves is then on the least one. */
function torusOf({ torus, grids, axes, start }: Segment): readonly number[] {
  const { origin, window } = start[0]!.variable;
  return axes === 0 && origin.kind !== 'input' ? window : torus.map((n, a) => n / grids[0]![a]!);
}

function layerOf({ step, variable, values, relative, exponent }: LayerMultipliers): BoundProofLayer {
  const { name } = variable;
  if (step.kind === 'maximum') {
    // All phases of a channel have one; what is relative there is the covariance itself.
    return { name, role: 'maximum', period: [], exponent, values: relative.slice(0, variable.channels) };
  }
  const role =
    variable.operator === 'window'
      ? 'window'
      : variable.operator === 'average-pool'
        ? 'divisor'
        : 'nonlinearity';
  return { name, role, period: step.source.lift, exponent, values };
}
