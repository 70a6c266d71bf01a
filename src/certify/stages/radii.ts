/** Given radii, decided stage by stage: what is cheap first, and what is hopeless left out before the dear ones. */
import type { Attack, AttackEffort } from '../attack/attack.ts';
import type { Until } from '../until.ts';
import type { Regions } from './regions.ts';
import type { SampleState } from './state.ts';

export interface Means {
  /** Absent where the network has no proofs around inputs. */
  readonly regions: Regions | undefined;
  /** Evaluations of the moving centre for one pair of outputs. */
  readonly evaluations: number;
  /** Absent where none is wanted. */
  readonly attack: Attack | undefined;
  /** Before any proof, which takes longer, and for what proofs leave open. */
  readonly cheap: AttackEffort;
  readonly thorough: AttackEffort;
}

/**
 * A quick attack, closed forms, the moving centre, and an attack that tries harder on what is open then. Proofs ask for the largest radius
 * first: what is proven there is proven within.
 */
export async function decide(
  states: readonly SampleState[],
  radii: readonly number[],
  means: Means,
  until: Until,
): Promise<void> {
  const { attack, cheap, thorough, regions, evaluations } = means;
  if (attack) await attackRadii(states, radii, attack, cheap, until);
  for (const effort of evaluations > 0 ? [0, evaluations] : [0]) {
    for (const radius of descending(radii)) {
      const open = states.filter((state) => state.isOpen(radius));
      await regions?.ask(
        open.map((state) => ({ state, radius })),
        effort,
        until,
      );
    }
  }
  if (attack) await attackRadii(states, radii, attack, thorough, until);
}

/** The largest open radius first: what breaks it may break smaller ones. */
async function attackRadii(
  states: readonly SampleState[],
  radii: readonly number[],
  attack: Attack,
  effort: AttackEffort,
  until: Until,
): Promise<void> {
  let left = states;
  for (const radius of descending(radii)) {
    const open = left.filter((state) => state.isOpen(radius));
    const questions = open.map(({ sample, label }) => ({ centre: sample.input, label, radius }));
    const found = await attack.withinAll(questions, effort, until);
    for (const [n, state] of open.entries()) {
      const counterexample = found[n];
      if (counterexample) state.breakAt(counterexample.distance, counterexample.point);
    }
    // In a smaller ball there is less to find.
    const held = new Set(open.filter((_, n) => !found[n]));
    left = left.filter((state) => !held.has(state));
  }
}

function descending(radii: readonly number[]): number[] {
  return radii.toSorted((a, b) => b - a);
}
