/** An engine whose workers are there: `createEngine` does not wait for them. */
import { arrays } from '../../../src/engine/cpu/arrays.ts';
import type { TeamBlas } from '../../../src/engine/cpu/blas/addresses.ts';
import { BlasKernels } from '../../../src/engine/cpu/blas/kernels.ts';
import { sharedOperations } from '../../../src/engine/cpu/shared/sharedOperations.ts';
import { Team } from '../../../src/engine/cpu/shared/team.ts';
import { TeamKernels } from '../../../src/engine/cpu/shared/teamKernels.ts';
import { joinHeap } from '../../../src/engine/cpu/storage.ts';
import { WasmKernels } from '../../../src/engine/cpu/wasm/kernels.ts';
import type { Engine } from '../../../src/engine/engine.ts';
import { queuedEngine } from '../../../src/engine/queued/queuedEngine.ts';
import { Turns } from '../../../src/engine/queued/turns.ts';

export interface Crew {
  readonly engine: Engine;
  readonly team: Team;
}

/** @param located where the workers look for OpenBLAS, in place of where it is */
export async function openCrew(
  name: 'cpu-wasm' | 'cpu-blas',
  threads: number,
  located: Partial<TeamBlas> = {},
): Promise<Crew> {
  const turns = new Turns();
  const single = await (name === 'cpu-wasm' ? WasmKernels : BlasKernels).open(threads, turns);
  const blas = single instanceof BlasKernels ? { ...single.byAddress!, ...located } : undefined;
  const team = (await Team.open(joinHeap()!, threads, turns, blas))!;
  const kernels = new TeamKernels(team, single);
  await team.ready();
  const information = { name, description: name, unitRoundoff: 2 ** -53, threads };
  const operations = sharedOperations(team, kernels);
  const engine = queuedEngine(
    information,
    operations,
    arrays(() => kernels.close()),
    turns,
  );
  return { engine, team };
}
