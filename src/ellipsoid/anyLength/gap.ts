/** What the gaps between frequencies add to covariances (`plan.ts`). */
import type { Engine, Matrices, Ranges, Vector } from '../../engine/engine.ts';
import type { Gap } from '../../program/interpolation.ts';
import { type ReadStep, totalRows } from '../../program/program.ts';
import type { Variable } from '../../program/variables.ts';
import { TapBuilder } from '../../spectrum/taps.ts';
import type { Rounding } from '../rounding/rounding.ts';
import type { StepTaps } from '../rules/affine.ts';
import { sumAbove } from '../rules/affineAbove.ts';

/** (1 + τ) S + (1 + 1/τ) ε² ‖Cov f‖ I on the rows concerned. @param reach ‖Cov f‖, of length 1 */
export function overGap(
  engine: Engine,
  rounding: Rounding | undefined,
  { stretch, share, rows }: Gap,
  s: Matrices,
  reach: Vector,
  blocks: Ranges,
): Matrices {
  // Numbers handed over may be rounded down, their products too.
  const up = 1 + 8 * engine.information.unitRoundoff;
  const stretched = engine.scaleBatch(s, engine.vector(new Float64Array(s.batch).fill((1 + stretch) * up)));
  const added = engine.multiply(engine.vector(rows), engine.combine([[share * up, reach]]));
  const raised = engine.addDiagonal(stretched, added);
  return rounding ? sumAbove(engine, rounding, raised, 2, blocks) : raised;
}

/**
 * The map from the largest covariance at any frequency to that of means: the mean of n samples of a signal whose covariance is at
 * most r I at every frequency has one of at most r/n, and means of shared samples add up as their coefficients do.
 * @returns [rows after × rows before], a single tap
 */
export function meansOf(step: ReadStep, samples: ReadonlyMap<Variable, number>): StepTaps {
  const columns = totalRows(step.before);
  const builder = new TapBuilder(totalRows(step.after), columns, 0);
  const matrix = builder.matrix([]);
  for (const { term, source, target } of step.terms) {
    const { map } = term;
    if (map.kind !== 'total') throw new Error(`means: ${term.name ?? 'a term'} is none`);
    const { variable } = source;
    const whole = variable.window.reduce((p, n) => p * n, 1);
    const coefficient = (map.value * whole) / Math.sqrt(samples.get(variable)!);
    // A lifted variable's phases share its samples.
    for (let column = 0; column < source.rows; column++) {
      const row = target.start + term.row + (column % variable.channels);
      matrix.add(row * columns + source.start + column, coefficient);
    }
  }
  return builder.build();
}
