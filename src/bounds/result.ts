/** What the methods take and give. */
import type { Engine, EngineInformation } from '../engine/engine.ts';
import type { RuleName } from '../ellipsoid/multipliers.ts';

export const METHODS = ['all', 'spectral-product', 'closed-form', 'unrolled'] as const;
export type MethodName = (typeof METHODS)[number];

export interface Progress {
  readonly method: string;
  readonly layer: string;
  /** Units of estimated work. */
  readonly done: number;
  readonly total: number;
}

export interface BoundOptions {
  /** Default `all`: every method whose cost is in proportion, the least bound of all. */
  readonly method?: MethodName;
  /** Only this closed-form rule; implies the method `closed-form` unless `unrolled` is asked for. */
  readonly rule?: RuleName;
  /** Default: `createEngine()`, closed at the end. A given engine stays open. */
  readonly engine?: Engine;
  /** Memory budget in bytes for matrices; default 2 GiB. A network beyond it runs slower, it does not fail. */
  readonly memory?: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: Progress) => void;
}

/** One bound on the ratio ‖f(x) − f(y)‖₂ / ‖x − y‖₂ over all x ≠ y, or why there is none. */
export interface MethodResult {
  readonly method: Exclude<MethodName, 'all'>;
  readonly rule?: RuleName;
  /** Null where it is no float64 (`log10` still holds it) or where the method failed (`error`). */
  readonly bound: number | null;
  /** Null where the bound is 0 or missing. */
  readonly log10: number | null;
  /** Of the computation that gave the row; rules of one sweep share theirs. */
  readonly seconds: number;
  readonly error?: string;
}

export interface LayerReport {
  readonly name: string;
  readonly op: string;
  /** Of the output, without the batch axis. */
  readonly shape: readonly number[];
  /** Sides of the torus of the layer's output, in its samples; null for vectors and outside the frequency path. */
  readonly torus: readonly number[] | null;
  /** The rule that gave the multipliers of the best bound. */
  readonly rule?: RuleName;
}

export interface BoundResult {
  readonly bound: number | null;
  readonly log10: number | null;
  readonly method: Exclude<MethodName, 'all'>;
  readonly rule?: RuleName;
  /** False: float64 arithmetic without an analysis of its rounding. */
  readonly rigorous: false;
  readonly seconds: number;
  /** Every method and rule that ran. */
  readonly methods: readonly MethodResult[];
  /** margins[i][j]: bound on the Lipschitz constant of output i minus output j, for vector outputs of up to 256 entries. */
  readonly margins?: readonly (readonly number[])[];
  /** Of the method that gave the bound. */
  readonly layers: readonly LayerReport[];
  readonly engine: EngineInformation;
}
