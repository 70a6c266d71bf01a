/**
 * ‖Cov f‖ along a run (`plan.ts`): of the state where f is what lives, else carried on. A nonlinearity whose argument has the covariance S
 * makes of Cov f at most κ Cov f, κ = ‖D^½ (D − S)⁻¹ D^½‖ = 1/(1 − λ_max(D^{−½} S D^{−½})), and its image joins f.
 */
import type { Engine, Vector } from '../../engine/engine.ts';
import { scoped } from '../../engine/scope.ts';
import type { MaximumStep, NonlinearityStep } from '../../program/program.ts';
import type { Rounding } from '../rounding/rounding.ts';
import { argument } from '../rules/nonlinearity.ts';
import type { Propagation } from './propagation.ts';
import type { Run } from './run.ts';
import { largestRadius, overPieces } from './states.ts';

export class Reaches {
  readonly #engine: Engine;
  readonly #propagation: Propagation;
  readonly #rounding: Rounding | undefined;

  constructor(engine: Engine, propagation: Propagation, rounding: Rounding | undefined) {
    this.#engine = engine;
    this.#propagation = propagation;
    this.#rounding = rounding;
  }

  /** Before step k is taken, its multipliers chosen. */
  before(run: Run, k: number): void {
    const { interpolation, steps } = this.#propagation.segment;
    const step = steps[k]!;
    const gap = interpolation?.gaps.get(k);
    if (!interpolation || interpolation.gaps.size === 0 || step.kind === 'read') return;
    const stays = !interpolation.free[k + 1];
    if (step.kind !== 'linear') {
      if (stays) this.#replace(run, this.#amplified(run, k, step));
      return;
    }
    if (!stays && !gap?.share) return;
    const reach = interpolation.free[k] ? this.#radius(run, k) : this.#copy(run.reach!, 1);
    run.reaches.set(k, reach);
    this.#replace(run, stays ? this.#copy(reach, 1 + (gap?.stretch ?? 0)) : undefined);
  }

  /** After step k: its image is part of f, and what is too much is dropped. */
  after(run: Run, k: number): void {
    const { interpolation, steps } = this.#propagation.segment;
    const kind = steps[k]!.kind;
    if (!run.reach || kind === 'linear' || kind === 'read' || interpolation!.free[k + 1]) {
      if (interpolation?.free[k + 1]) this.#replace(run, undefined);
      return;
    }
    const image = this.#radius(run, k + 1);
    this.#replace(
      run,
      this.#engine.combine([
        [this.#up, run.reach],
        [this.#up, image],
      ]),
    );
    this.#engine.release(image);
  }

  get #up(): number {
    return 1 + 16 * this.#engine.information.unitRoundoff;
  }

  #copy(reach: Vector, factor: number): Vector {
    return this.#engine.combine([[factor * this.#up, reach]]);
  }

  #replace(run: Run, reach: Vector | undefined): void {
    if (run.reach) this.#engine.release(run.reach);
    run.reach = reach;
  }

  #radius(run: Run, k: number): Vector {
    return largestRadius(this.#engine, this.#propagation, run, k, this.#rounding);
  }

  /** κ ‖Cov f‖ in the units of the state after step k. NaN where D does not dominate S. */
  #amplified(run: Run, k: number, step: NonlinearityStep | MaximumStep): Vector {
    const { d, shift } = run.choices.get(k)!;
    const propagation = this.#propagation;
    const engine = this.#engine;
    const before = propagation.segment.interpolation!.free[k]
      ? this.#radius(run, k)
      : this.#copy(run.reach!, 1);
    const largest = overPieces(engine, propagation, run, k, (e, state) => {
      const s = e.scaleByPower(argument(e, propagation.asMatrices(e, state, step), step.source), shift, -1);
      const root = e.squareRoot(e.reciprocal(d));
      return e.spectralRadius(e.scaleSides(s, root, root));
    });
    const result = scoped(engine, (e) => {
      const n = step.source.rows;
      const slack = (this.#rounding?.radius ?? 1) * (1 + 64 * n * engine.information.unitRoundoff);
      const room = e.combine([
        [1, e.vector([1])],
        [-slack, largest],
      ]);
      // The root of a negative number is none.
      const inverse = e.squareRoot(e.reciprocal(room));
      const kappa = e.multiply(inverse, inverse);
      return e.combine([[this.#up, e.multiply(kappa, e.scaleByPower(before, shift, -1))]]);
    });
    engine.release(before, largest);
    return result;
  }
}
