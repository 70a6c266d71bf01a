/** What is known of a linear step between frequencies: the norms of its taps, from above. */
import type { Engine, Vector } from '../../engine/engine.ts';
import type { Live, Program, Step } from '../../program/program.ts';
import { positions } from '../../spectrum/taps.ts';
import { squaredRadius } from '../norms/norms.ts';
import type { Rounding } from '../rounding/rounding.ts';
import { tapsOf } from '../rules/affine.ts';

/** One sample that a block of a step's map reads: ‖K‖ ≤ norm, `offset` samples of the grid before the step away. */
export interface Sample {
  readonly offset: readonly number[];
  readonly norm: number;
}

/** The map from one live variable to another. */
export interface SampledMap {
  readonly source: Live;
  readonly target: Live;
  readonly samples: readonly Sample[];
}

export interface StepNorms {
  readonly blocks: readonly SampledMap[];
  /** Largest 2-norm of all that one row reads: about what the step makes of white noise. */
  readonly size: number;
}

/** Covers the float64 arithmetic on norms of everything built on them. */
const UP = 1 + 2 ** -40;

/** Norms of the taps of all linear steps on grids, scaled as `tapsOf` scales them. */
export async function stepNorms(
  engine: Engine,
  program: Program,
  rounding: Rounding | undefined,
): Promise<Map<Step, StepNorms>> {
  const found = new Map<Step, { blocks: { source: Live; target: Live; taps: Pending[] }[]; size: number }>();
  const vectors: Vector[] = [];
  for (const segment of program.segments) {
    for (const step of segment.steps) {
      if (step.kind !== 'linear' || segment.axes === 0) continue;
      const { taps, matrices, magnitudes, rows, columns } = tapsOf(step, segment.axes, Infinity);
      const squares = new Float64Array(rows);
      for (let k = 0; k < matrices.length; k++) {
        squares[Math.floor((k % (rows * columns)) / columns)]! += matrices[k]! ** 2;
      }
      const blocks = step.after.flatMap((target) =>
        step.before.map((source) => {
          const own = taps.flatMap((tap, t): Pending[] => {
            const block = (all: Float64Array) => blockOf(all, t * rows * columns, columns, target, source);
            const moduli = magnitudes && block(magnitudes);
            const own = block(matrices);
            if ((moduli ?? own).every((x) => x === 0)) return [];
            const map = { rows: target.rows, columns: source.rows, matrices: own };
            vectors.push(squaredRadius(engine, { ...map, ...(moduli && { magnitudes: moduli }) }, rounding));
            const at = positions(tap.extent).map((p) => p.map((x, a) => x + tap.offset[a]!));
            return [{ at, index: vectors.length - 1 }];
          });
          return { source, target, taps: own };
        }),
      );
      found.set(step, { blocks, size: Math.sqrt(squares.reduce((m, x) => Math.max(m, x), 0)) });
    }
  }
  const values = vectors.length > 0 ? await engine.read(...vectors) : [];
  engine.release(...vectors);
  const norm = (index: number) => Math.sqrt(values[index]![0]!) * UP;
  return new Map(
    [...found].map(([step, { blocks, size }]) => {
      const named = blocks.map(({ source, target, taps }) => ({
        source,
        target,
        samples: taps.flatMap(({ at, index }) => at.map((offset) => ({ offset, norm: norm(index) }))),
      }));
      return [step, { blocks: named, size }];
    }),
  );
}

/** A tap whose norm is on the engine, and the samples that it reads. */
interface Pending {
  readonly at: readonly (readonly number[])[];
  readonly index: number;
}

function blockOf(
  matrices: Float64Array,
  start: number,
  columns: number,
  target: Live,
  source: Live,
): Float64Array {
  const out = new Float64Array(target.rows * source.rows);
  for (let r = 0; r < target.rows; r++) {
    const from = start + (target.start + r) * columns + source.start;
    out.set(matrices.subarray(from, from + source.rows), r * source.rows);
  }
  return out;
}
