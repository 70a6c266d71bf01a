/** States at the joints of a pass: how a segment opens, and a diagonal as the matrices that it stands for. */
import type { Engine, Matrices } from '../../engine/engine.ts';
import { type LinearStep, type Segment, type Step, totalRows } from '../../program/program.ts';
import type { State } from '../rules/affine.ts';

/** How often every channel stands in a white state that is an image read as a vector; undefined where nothing is repeated. */
export function repetition(
  segment: Segment,
  before: State,
): { readonly rows: number; readonly channels: number } | undefined {
  const rows = totalRows(segment.start);
  if (!segment.white || before?.kind !== 'vector' || before.length === rows) return undefined;
  return { rows, channels: before.length };
}

/** For every row of an image read as a vector, the channel it belongs to. */
export function repeats(rows: number, channels: number): Int32Array[] {
  return Array.from({ length: rows }, (_, k) => Int32Array.of(Math.floor(k / (rows / channels))));
}

export function asMatrices(engine: Engine, state: State, rows: number, complex: boolean): Matrices {
  if (state?.kind === 'matrices') return state;
  return engine.diagonalMatrix(state ?? engine.vector(new Float64Array(rows).fill(1)), complex);
}

/** How many frequencies alias to one in a linear step. */
export function copiesOf(step: LinearStep): number {
  return step.ratio.reduce((p, r) => p * r, 1);
}

export function lastLayout(segment: Segment) {
  const step: Step | undefined = segment.steps.at(-1);
  return step ? step.after : segment.start;
}

/** The state that a segment begins with: where the white one before it has an entry for every channel of an image that is read as a
 *  vector, one for every row. */
export function opening(engine: Engine, segment: Segment, before: State): State {
  const repeated = repetition(segment, before);
  if (!repeated || before?.kind !== 'vector') return before;
  return engine.sumOver(before, repeats(repeated.rows, repeated.channels));
}
