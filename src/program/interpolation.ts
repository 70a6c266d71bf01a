/** What a program for signals of any length knows of what lies between frequencies (made by `ellipsoid/anyLength/plan.ts`). */
import type { Variable } from './variables.ts';

/** What step k adds so that its covariance holds between frequencies too. */
export interface Gap {
  /** τ. */
  readonly stretch: number;
  /** (1 + 1/τ) ε², to be multiplied by ‖Cov f‖: on the diagonal of `rows`. */
  readonly share: number;
  /** 1 where the map depends on the frequency. */
  readonly rows: Float64Array;
}

export interface Interpolation {
  /** By step index, for linear steps. */
  readonly gaps: ReadonlyMap<number, Gap>;
  /** Before each step and after the last: whether what lives is f itself (V = I), so that its covariance is that of f. */
  readonly free: readonly boolean[];
  /** Samples that a total over the whole signal has at least, for every variable that is read so. */
  readonly samples: ReadonlyMap<Variable, number>;
}
