/**
 * The largest radius of a sample. What closed forms certify does not shrink steadily with the radius, so that radii are scanned before they
 * are halved; every radius that passes is certified, whatever lies between.
 */

import type { Until } from '../until.ts';
import type { Means } from './radii.ts';
import type { Asked } from './regions.ts';
import type { SampleState } from './state.ts';

/** Radii of a scan, in equal ratios. */
const SCANNED = 8;
/** A gap that is left, relative to its upper end. */
const NARROW = 0.01;
/** Halvings at most; of the moving centre, each of which is many passes, fewer. */
const HALVINGS = 7;
const DEAR_HALVINGS = 5;
/** Of the distance of the nearest counterexample, what the moving centre tries first: most often it comes so far. */
const ALMOST = [0.98, 0.9];
/** Doublings where no counterexample is known. */
const DOUBLINGS = 30;
/** Of the upper end, where a scan starts if nothing is proven. */
const LEAST = 1 / 64;

/** @param states whose global margins have been looked at */
export async function largestRadii(
  states: readonly SampleState[],
  means: Means,
  until: Until,
): Promise<void> {
  const { attack, thorough, regions, evaluations } = means;
  const right = states.filter((state) => state.right);
  if (attack) {
    for (const state of right) {
      const found = await attack.nearest(state.sample.input, state.label, thorough, until);
      if (found) state.breakAt(found.distance, found.point);
    }
  }
  if (!regions) return;
  /** The least radius above what is proven at which a proof has failed. */
  const failed = new Map<SampleState, number>();
  const upper = (state: SampleState) => Math.min(state.broken, failed.get(state) ?? Infinity);
  const wide = () => right.filter((state) => upper(state) - state.proven > NARROW * upper(state));
  const tried = async (asked: readonly Asked[], effort: number) => {
    await regions.ask(asked, effort, until);
    for (const { state, radius } of asked) if (state.proven < radius) failed.set(state, radius);
  };

  /** Where no counterexample is known: until a proof fails. */
  const doubled = async (effort: number) => {
    for (let k = 0; k < DOUBLINGS; k++) {
      const unbounded = right.filter(
        (state) => upper(state) === Infinity && state.proven < Number.MAX_VALUE / 4,
      );
      if (unbounded.length === 0) return;
      await tried(
        unbounded.map((state) => ({ state, radius: state.proven > 0 ? 2 * state.proven : 1 })),
        effort,
      );
    }
  };

  await doubled(0);
  await regions.ask(
    wide().flatMap((state) => scan(state, upper(state))),
    0,
    until,
  );
  for (let k = 0; k < HALVINGS && wide().length > 0; k++) {
    await tried(
      wide().map((state) => ({ state, radius: (state.proven + upper(state)) / 2 })),
      0,
    );
  }
  if (evaluations === 0) return;
  failed.clear();
  for (const part of ALMOST) {
    await tried(
      wide()
        .filter((state) => state.broken < Infinity && part * state.broken > state.proven)
        .map((state) => ({ state, radius: part * Math.min(state.broken, upper(state)) })),
      evaluations,
    );
  }
  await doubled(evaluations);
  for (let k = 0; k < DEAR_HALVINGS && wide().length > 0; k++) {
    await tried(
      wide().map((state) => ({ state, radius: (state.proven + upper(state)) / 2 })),
      evaluations,
    );
  }
}

function scan(state: SampleState, upper: number): Asked[] {
  const lower = Math.max(state.proven, LEAST * upper);
  return Array.from({ length: SCANNED }, (_, k) => ({
    state,
    radius: lower * (upper / lower) ** ((k + 1) / (SCANNED + 1)),
  }));
}
