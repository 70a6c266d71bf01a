/** Where the covariances of a run are found, piece by piece, and what is largest in them. */
import type { Engine, Vector } from '../../engine/engine.ts';
import { scoped } from '../../engine/scope.ts';
import type { Piece } from '../memory/partition.ts';
import type { Rounding } from '../rounding/rounding.ts';
import type { State } from '../rules/affine.ts';
import type { Run } from './run.ts';

/** A state, and how to say that it is no longer needed. */
export interface Held {
  readonly state: State;
  readonly done: () => void;
}

export interface States {
  /** The pieces before step k. */
  pieces(k: number): readonly Piece[];
  /** The state of a piece before step k: at hand, or recomputed. `done` releases what was made. */
  stateBefore(run: Run, k: number, piece: number): Held;
}

/** λ_max of the covariance before step k over all frequencies, from above. Length 1. */
export function largestRadius(
  engine: Engine,
  states: States,
  run: Run,
  k: number,
  rounding: Rounding | undefined,
): Vector {
  return overPieces(engine, states, run, k, (e, state) => {
    if (state === undefined) return e.vector([1]);
    if (state.kind === 'vector') return e.largest(state);
    const factor = rounding?.radius ?? 1;
    return e.combine([[factor, e.spectralRadius(state)]]);
  });
}

/** The largest of what `measure` (of length 1) says of the states of all pieces before step k. */
export function overPieces(
  engine: Engine,
  states: States,
  run: Run,
  k: number,
  measure: (engine: Engine, state: State) => Vector,
): Vector {
  let most: Vector | undefined;
  for (const piece of states.pieces(k).keys()) {
    const { state, done } = states.stateBefore(run, k, piece);
    const own = scoped(engine, (e) => measure(e, state));
    done();
    const before = most;
    most = before ? engine.maximum(before, own) : own;
    if (before) engine.release(before, own);
  }
  return most!;
}
