/** What an option means that nobody has set: the one table that the library, the command line and the page read. */
import { ENGINE_DEFAULTS } from '../engine/defaults.ts';
import { EXACT } from '../exact/defaults.ts';

/** Defaults of `bound` and, where they have such an option, of `prefixBounds` and `createEngine`. */
export const DEFAULTS = {
  ...ENGINE_DEFAULTS,
  /** Every method whose cost is in proportion, the least bound of all. */
  method: 'all',
  /** The closed form that `prefixBounds` takes; `bound` takes them all. */
  prefixRule: 'mixed',
  /** The bound of the whole output. */
  target: 'global',
  /** Of inputs and of outputs. */
  norm: '2',
  outputNorm: '2',
  /** Bytes for what is computed, beside those of the weights: a default may not keep anybody from networks whose weights alone are as
   *  large. */
  memory: 2 * 2 ** 30,
  /** Gradients of a search at most. */
  evaluations: 150,
  /** The fraction of the bound under which ten steps of a search gain too little to go on. */
  tolerance: 1e-5,
  /** The fraction of the constant under which the gap above it counts as none. */
  gap: EXACT,
  /** Seconds that a call may take, all together. */
  timeLimit: 60,
  /** The fraction that rounding in float32 may add to a bound before its last pass is repeated in float64. */
  inflationLimit: 0.05,
  /** Rounding is accounted for. */
  rigor: true,
  /** A lower bound is sampled. */
  lower: true,
  /** Of the points that the lower bound is sampled at. */
  seed: 0,
  /** With any length: from a single sample on. */
  smallestLength: 1,
  /** With any length, by the number of axes: the fraction that the gaps between frequencies may add to a bound. */
  cellTolerance: [0.01, 0.05, 0.05],
} as const;
