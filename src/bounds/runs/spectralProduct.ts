/** The product of spectral norms: sums over branches, maxima nowhere. Fast, and the yardstick for every other bound. */

import { normCost } from '../../ellipsoid/memory/cost.ts';
import { Gains, type Norms } from '../../ellipsoid/norms/gains.ts';
import { normsOf } from '../../ellipsoid/norms/norms.ts';
import type { Rounding } from '../../ellipsoid/rounding/rounding.ts';
import type { Engine } from '../../engine/engine.ts';
import type { Program } from '../../program/program.ts';
import { ONE, roundedUp, type Scaled, scaled, times } from '../../scaled.ts';
import type { Ledger } from '../ledger.ts';

/**
 * Norms of every linear map (exact on the torus, docs/mathematics.md §2) and the bound that they multiply to.
 * @returns `tested`: how many of the norms are only bounded, by Schur's test
 */
export async function spectralProduct(
  engine: Engine,
  program: Program,
  options: {
    memory: number;
    /** As in `NormsOptions`. */
    seconds?: number | undefined;
    until?: number | undefined;
    rounding?: Rounding | undefined;
    /** As in `NormsOptions`: what they multiply to is then no bound. */
    about?: boolean;
    signal?: AbortSignal | undefined;
    ledger: Ledger;
  },
): Promise<{ bound: Scaled; norms: Norms; tested: number }> {
  let tested = 0;
  const norms = await normsOf(engine, program, {
    memory: options.memory,
    seconds: options.seconds,
    until: options.until,
    rounding: options.rounding,
    about: options.about,
    signal: options.signal,
    onMap: (segment, k, placed) =>
      options.ledger.add('spectral-product', placed.target.variable.name, normCost(segment, k, placed)),
    onTested: () => {
      tested++;
    },
  });
  const product = new Gains(new Map([[program.input, ONE]]), norms).of(program.output);
  // A handful of operations for every variable and term, and what weights are off by.
  const steps = program.segments.flatMap((s) => s.steps);
  const operations =
    16 * steps.reduce((sum, s) => sum + s.after.length + s.before.length, 1 + (program.sums ?? 0)) +
    (options.rounding?.foldings ?? 0);
  return { bound: roundedUp(times(product, scaled(program.factor)), operations), norms, tested };
}
