/**
 * A program: the order in which a network's variables are pushed through the recursion, segment by segment.
 *
 * At any time some variables are *live*; the state is their joint bounding covariance, one Hermitian matrix per frequency
 * of the working grid (one real matrix for vectors). Steps turn one list of live variables into the next.
 */
import type { Interpolation } from './interpolation.ts';
import type { Maximum, Term, Variable } from './variables.ts';

/** A live variable and the rows it occupies: `rows = Π lift · channels`, phase after phase. */
export interface Live {
  readonly variable: Variable;
  readonly start: number;
  readonly rows: number;
  /** Spacing of the working grid over the variable's own, per axis. */
  readonly lift: readonly number[];
}

export interface PlacedTerm {
  readonly term: Term;
  readonly source: Live;
  readonly target: Live;
}

interface Transition {
  readonly before: readonly Live[];
  readonly after: readonly Live[];
}

/** `after = A · before`, by symbols on the grid before, then aliasing by `ratio` (all 1: none). */
export interface LinearStep extends Transition {
  readonly kind: 'linear';
  readonly ratio: readonly number[];
  readonly terms: readonly PlacedTerm[];
}

/** From a grid to vectors: sums over all frequencies. Ends a segment. */
export interface ReadStep extends Transition {
  readonly kind: 'read';
  readonly terms: readonly PlacedTerm[];
}

/** One variable goes through its nonlinearity; `after` = the kept ones of `before`, then the new one. */
export interface NonlinearityStep extends Transition {
  readonly kind: 'nonlinearity';
  readonly source: Live;
  readonly kept: readonly Live[];
  readonly target: Live;
  /** Slopes per row of `source`. */
  readonly lower: Float64Array;
  readonly upper: Float64Array;
  readonly sums?: LiveSums;
}

/** Among what lives on beside the differences of sorted groups: the sums, and their scale (`Sums`). */
export interface LiveSums {
  readonly live: Live;
  readonly scale: number;
}

/** Max pooling. `cut`: nothing else lives on, so the result starts a segment of its own. */
export interface MaximumStep extends Transition {
  readonly kind: 'maximum';
  readonly source: Live;
  readonly kept: readonly Live[];
  readonly target: Live;
  readonly maximum: Maximum;
  /** One entry per row of `source`. */
  readonly gain: Float64Array;
  readonly cut: boolean;
  readonly sums?: LiveSums;
}

export type Step = LinearStep | ReadStep | NonlinearityStep | MaximumStep;

export interface Segment {
  /** Spatial axes; 0 where all is vectors. */
  readonly axes: number;
  /** Sides of the torus in units (see `spacing`). */
  readonly torus: readonly number[];
  /** Spacing of the working grid, in units, before each step and after the last. */
  readonly grids: readonly (readonly number[])[];
  /** What lives before the first step. */
  readonly start: readonly Live[];
  /** False where a read step of the segment before left the covariance of `start`; true where it is white: the network's
   *  input (the identity) or what a max pooling leaves (a diagonal, the same at every frequency). */
  readonly white: boolean;
  readonly steps: readonly Step[];
  /** Present where covariances hold between the frequencies of the torus too, for signals of any length. */
  readonly interpolation?: Interpolation;
}

export interface Program {
  readonly segments: readonly Segment[];
  readonly input: Variable;
  readonly output: Variable;
  /** Factor for what follows the output (softmax), or that comes of norms. */
  readonly factor: number;
  /** The part of it that differences of two entries have too; absent: 1. */
  readonly ofEntries?: number;
  /** What is bounded of a vector output: absent, its length; `entries`: the largest of its entries, one by one; `inputs`: likewise, of the
   *  transposed network, whose entries are the inputs. */
  readonly reading?: 'entries' | 'inputs';
  /** What a bound in other norms gives away, for people. */
  readonly loose?: string;
  /** Sides of the torus in samples of the variable, for variables on a grid. */
  readonly torusOf: ReadonlyMap<Variable, readonly number[]>;
  /** Set where segments are single maps, for norms alone: linear variables and their terms. */
  readonly sums?: number;
}

/** What every position of the window holds where a term, on a grid that gets `ratio` times coarser, is one tap: a box. */
export function boxValue({ term, source, target }: PlacedTerm, ratio: readonly number[]): number | undefined {
  const { map } = term;
  if (map.kind !== 'convolution') return undefined;
  const plain = [...source.lift, ...target.lift].every((f) => f === 1);
  return plain && ratio.every((r, a) => r === map.stride[a]) ? map.box : undefined;
}

/** Working torus, in samples, before step `k` of a segment (k = steps.length: after the last). */
export function gridSides(segment: Segment, k: number): number[] {
  return segment.torus.map((n, a) => n / segment.grids[k]![a]!);
}

export function totalRows(live: readonly Live[]): number {
  return live.reduce((sum, l) => sum + l.rows, 0);
}
