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
  if (attack) for (const state of states) await attackRadii(state, radii, attack, cheap, until);
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
  if (attack) for (const state of states) await attackRadii(state, radii, attack, thorough, until);
}

/** The largest open radius first: what breaks it may break smaller ones. */
async function attackRadii(
  state: SampleState,
  radii: readonly number[],
  attack: Attack,
  effort: AttackEffort,
  until: Until,
): Promise<void> {
  for (const radius of descending(radii)) {
    if (!state.isOpen(radius)) continue;
    const { sample, label } = state;
    const found = await attack.within(sample.input, label, radius, effort, until);
    // In a smaller ball there is less to find.
    if (!found) return;
    state.breakAt(found.distance, found.point);
  }
}

function descending(radii: readonly number[]): number[] {
  return radii.toSorted((a, b) => b - a);
}
