/** What the formulations give, and how they refuse. */
import type { SemidefiniteProgram } from './program.ts';

export interface Formulated {
  readonly program: SemidefiniteProgram;
  /** The bound is scale · √optimum. */
  readonly scale: number;
}
