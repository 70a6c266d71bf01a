/** What the command line needs of the library. `main.ts` passes the real one, tests pass fakes. */
import type { Engine, EngineInformation } from '../engine/engine.ts';
import type { Unsupported } from '../errors.ts';
import type { Network, Source } from '../network/network.ts';

export const METHODS = ['all', 'spectral-product', 'closed-form', 'unrolled'] as const;
export type MethodName = (typeof METHODS)[number];

export const RULES = [
  'SN(1)',
  'SN(1.3)',
  'SN(1.5)',
  'GC(1.5)',
  'GC(1.7)',
  'GC(1.99)',
  'Shift(1.3)',
  'Shift(1.5)',
  'Shift(1.7)',
  'mixed',
] as const;
export type RuleName = (typeof RULES)[number];

export const ENGINES = ['auto', 'cpu', 'cpu-wasm', 'cpu-blas'] as const;
export type EngineName = (typeof ENGINES)[number];

export interface LoadOptions {
  /** Without the batch axis, where the file leaves it open: [channels, ...spatial] or [features]. */
  readonly inputShape?: readonly number[];
  /** Name of the output to bound, where the file has several. */
  readonly output?: string;
}

export interface Progress {
  readonly method: string;
  readonly rule?: string;
  readonly layer: string;
  /** Units of estimated work. */
  readonly done: number;
  readonly total: number;
}

export interface BoundOptions {
  readonly method?: MethodName;
  readonly rule?: RuleName;
  readonly engine?: Engine;
  /** Bytes. */
  readonly memory?: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: Progress) => void;
}

export interface MethodResult {
  readonly method: string;
  readonly rule?: RuleName;
  /** Null outside float64 (then `log10` holds it) or where the method failed (then `error` says why). */
  readonly bound: number | null;
  readonly log10: number | null;
  readonly seconds: number;
  readonly error?: string;
}

export interface LayerReport {
  readonly name: string;
  readonly op: string;
  /** Of the output, without the batch axis. */
  readonly shape: readonly number[];
  /** Sides of the torus on which the layer was bounded; null where there is none. */
  readonly torus: readonly number[] | null;
  readonly rule?: RuleName;
}

export interface BoundResult {
  readonly bound: number | null;
  readonly log10: number | null;
  readonly method: string;
  readonly rule?: RuleName;
  readonly rigorous: false;
  readonly seconds: number;
  readonly methods: readonly MethodResult[];
  readonly margins?: readonly (readonly number[])[];
  readonly layers: readonly LayerReport[];
  readonly engine: EngineInformation;
}

export interface InspectedLayer extends LayerReport {
  /** Numbers stored in the layer. */
  readonly parameters: number;
}

export interface Inspection {
  readonly name: string;
  readonly source?: Source;
  readonly parameters: number;
  readonly layers: readonly InspectedLayer[];
  /** Estimated peak memory of `bound`. */
  readonly bytes: number;
  /** Estimated floating-point operations of `bound`. */
  readonly flops: number;
  /** What `bound` would refuse. */
  readonly refused: readonly Unsupported[];
}

export interface Library {
  loadNetwork(path: string, options?: LoadOptions): Promise<Network>;
  createEngine(options?: { engine?: EngineName; threads?: number }): Promise<Engine>;
  bound(network: Network, options?: BoundOptions): Promise<BoundResult>;
  inspect(network: Network): Inspection;
}
