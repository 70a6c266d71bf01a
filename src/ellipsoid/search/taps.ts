/** The taps of a program's linear steps, made once for all passes of a search. */
import type { LinearStep, ReadStep } from '../../program/program.ts';
import { type StepTaps, tapsOf } from '../rules/affine.ts';

export class Taps {
  readonly #made = new Map<LinearStep | ReadStep, StepTaps>();
  readonly #least: number | undefined;

  /** @param least as of `tapsOf` */
  constructor(least?: number) {
    this.#least = least;
  }

  /** @param axes of the step's segment */
  of(step: LinearStep | ReadStep, axes: number): StepTaps {
    let taps = this.#made.get(step);
    if (!taps) {
      taps = tapsOf(step, axes, this.#least);
      this.#made.set(step, taps);
    }
    return taps;
  }
}
