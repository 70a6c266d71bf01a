/** θ of all steps in one array. */
import type { MaximumStep, NonlinearityStep, Step } from '../../program/program.ts';
import { parametersOf, type Relative } from '../multipliers/relative.ts';

export class Flat {
  readonly #steps: readonly (NonlinearityStep | MaximumStep)[];
  readonly #sizes: readonly number[];

  constructor(steps: readonly (NonlinearityStep | MaximumStep)[]) {
    this.#steps = steps;
    this.#sizes = steps.map(parametersOf);
  }

  flatten(theta: ReadonlyMap<Step, Float64Array>): Float64Array {
    return this.join(this.#steps.map((s) => theta.get(s)!));
  }

  join(parts: Relative): Float64Array {
    const all = new Float64Array(this.#sizes.reduce((a, b) => a + b, 0));
    let at = 0;
    for (const part of parts) {
      all.set(part, at);
      at += part.length;
    }
    return all;
  }

  split(all: Float64Array): Relative {
    let at = 0;
    return this.#sizes.map((n) => {
      at += n;
      return all.subarray(at - n, at);
    });
  }

  named(all: Float64Array): Map<Step, Float64Array> {
    const parts = this.split(all);
    return new Map<Step, Float64Array>(this.#steps.map((s, k) => [s, parts[k]!]));
  }
}
