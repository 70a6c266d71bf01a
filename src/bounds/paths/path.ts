/** Ways to a bound: which program a network becomes, and what is known of it before anything runs. */

import { hasSkips } from '../../ellipsoid/multipliers/skips.ts';
import type { Program } from '../../program/program.ts';
import type { Variable } from '../../program/variables.ts';
import type { MemoryError } from '../budget.ts';
import { type Query, wants, wantsPasses } from '../query.ts';
import type { StoredMultipliers } from '../result.ts';

/** For signals of the length that the network says: on a torus, or unrolled to dense matrices from some layer on. */
export interface FixedPath {
  readonly kind: 'torus' | 'unrolled';
  readonly program: Program;
  /** The node of the simplified network from which on it is unrolled, if it is. */
  readonly unrolledFrom?: number;
  /** Why it gets no multipliers, if it gets none: norms are all that is taken of it. */
  readonly objection?: MemoryError | string;
}

/** For signals of any length. */
export interface AnyLengthPath {
  readonly kind: 'any length';
  /** To be seen at ever more frequencies; its nonlinear layers are those of every program that comes of it. */
  readonly program: Program;
  /** Samples that every mean over a whole signal has at least, by the variable that it is taken of. */
  readonly samples: ReadonlyMap<Variable, number>;
  /** Of the signals with most axes. */
  readonly axes: number;
  /** The least length at which there is a network, of those that are bounded. */
  readonly exists: number | undefined;
}

export type Path = FixedPath | AnyLengthPath;

/** What multipliers of a path say that they are of. */
export function storedPath({ kind }: Path): StoredMultipliers['path'] {
  return kind === 'unrolled' ? 'unrolled' : 'torus';
}

/** Whether norms of the program's maps are wanted: as a bound, or by rules where something lives on beside a nonlinearity. */
export function needsNorms(query: Query, { program, objection }: FixedPath): boolean {
  return (
    wants(query, 'spectral-product') || (wantsPasses(query) && hasSkips(program) && objection === undefined)
  );
}
