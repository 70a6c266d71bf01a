import type { QueuedOperations } from '../../queued/operations.ts';
import { cpuOperations } from '../cpuOperations.ts';
import { entrywiseOperations } from './entrywise.ts';
import { productOperations } from './products.ts';
import { reductionOperations } from './reductions.ts';
import type { Team } from './team.ts';
import type { TeamKernels } from './teamKernels.ts';

/** All operations in float64 by threads that share memory; small vectors, and what lies elsewhere, as without them. */
export function sharedOperations(team: Team, kernels: TeamKernels): QueuedOperations {
  const plain = cpuOperations(kernels);
  return {
    ...plain,
    ...entrywiseOperations(team, plain),
    ...productOperations(team, kernels, plain),
    ...reductionOperations(team, kernels, plain),
  };
}
