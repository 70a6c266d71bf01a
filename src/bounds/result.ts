/** What the methods take and give. */

import type { RuleName } from '../ellipsoid/multipliers/closedForms.ts';
import type { Status as SearchStatus } from '../ellipsoid/search/refine.ts';
import type { EngineHandle, EngineInformation } from '../engine/engine.ts';
import type { TreeNode } from '../exact/record.ts';
import type { Beginning } from '../exact/resume.ts';
import type { Norm, NormPair } from '../network/norms/norm.ts';
import type { BoundProof } from './report/proof.ts';

export type { SearchStatus };

export const METHODS = [
  'all',
  'spectral-product',
  'closed-form',
  'unrolled',
  'refined',
  'moduli-product',
  'exact',
] as const;
export type MethodName = (typeof METHODS)[number];

export interface Progress {
  readonly method: string;
  readonly layer: string;
  /** Units of estimated work. */
  readonly done: number;
  readonly total: number;
  /** Seconds until the time limit; absent where there is none. */
  readonly limit?: number;
  /** log10 of the least bound so far; absent before the first. */
  readonly log10?: number;
}

/** What is asked of `bound`. `DEFAULTS` has the numbers that stand for what is left out. */
export interface BoundOptions {
  /** Default `all`: every method whose cost is in proportion, the least bound of all. */
  readonly method?: MethodName;
  /** Only this closed-form rule; implies the method `closed-form` unless `unrolled` is asked for. */
  readonly rule?: RuleName;
  /** Default: `createEngine()`, closed at the end. A given engine stays open. */
  readonly engine?: EngineHandle;
  /** Memory budget in bytes for the network's weights and all that is computed, besides what the runtime takes by itself; default
   *  `DEFAULTS.memory` beside the weights, on a real GPU as much as two of its largest buffers, 8 GiB at most, or a quarter of
   *  what it is known to have, 32 GiB at most.
   *  A network beyond it runs slower; what does not fit even one frequency at a time is refused with the size that it takes. */
  readonly memory?: number;
  /** In float32: by how much, as a fraction, rounding may inflate the bound before its last pass is repeated in float64 on the CPU. */
  readonly inflationLimit?: number;
  /** False: no analysis of rounding, `nominal` numbers. Default true. */
  readonly rigor?: boolean;
  /** `any`: a bound for signals of every length, for networks of convolutions and poolings without a flatten. Methods `all`, `closed-form`
   *  and `refined`. Default: the length of the network's input. */
  readonly length?: 'any';
  /** With `length`: the length from which on the bound holds. Some networks need one: means over whole signals, for example. */
  readonly smallestLength?: number;
  /** With `length`: the fraction that the gaps between the frequencies seen may add to a bound. */
  readonly cellTolerance?: number;
  /** What the refined method makes small: the bound itself (default), all margins together (the root of the sum of their squares), or
   *  output i minus output j; with a pair, `bound` is the bound on that difference. */
  readonly target?: 'global' | 'margins' | readonly [i: number, j: number];
  /** How changes of the input are measured: ℓ2 (default), ℓ∞ or ℓ1. */
  readonly norm?: Norm;
  /** How changes of the output are measured: ℓ2 (default), ℓ∞ or ℓ1. */
  readonly outputNorm?: Norm;
  /** One number of at least 0 for each entry of the input, in whose units its changes are measured; with ℓ∞ the half widths of a box. Where
   *  it is 0 the entry does not change. Default: 1 for all. */
  readonly weights?: ArrayLike<number>;
  /** Also a bound for every single entry of the input, how much the output changes by when that entry alone changes by 1; `norm` is 1 then, and
   *  the search makes the sum of their squares small. Default false. */
  readonly sensitivities?: boolean;
  /** Gradient evaluations of the refined method at most. 0 takes the multipliers as they are given. */
  readonly evaluations?: number;
  /** The search ends when ten steps gain less than this fraction of the bound. */
  readonly tolerance?: number;
  /** Of the method `exact`: it ends where the bound is at most (1 + gap) times a slope that is attained; default `DEFAULTS.gap`. */
  readonly gap?: number;
  /** Of the method `exact`: what an earlier search has left, from which it goes on (`exactBeginning`). */
  readonly beginning?: Beginning;
  /** Seconds after which the call ends, with the least bound that it has by then; of what it leaves out `note` tells. */
  readonly timeLimit?: number;
  /** When the time limit began to count, on `performance.now()`; default: at the call. */
  readonly since?: number;
  /** False: no lower bound beside the bound. Default true; it takes up to about a second. */
  readonly lower?: boolean;
  /** Of the points that the lower bound is sampled at, a whole number. All else here uses no random numbers. */
  readonly seed?: number;
  /** Where the search starts; default: the best closed form. From `BoundResult.multipliers` of the same network. */
  readonly multipliers?: StoredMultipliers;
  /** `BoundResult.searched` of another network of the same structure, such as an earlier checkpoint of one training: each search starts from
   *  what was found on its path where its layers take as many numbers each, whatever they are called, else from the best closed form. They
   *  decide how soon it ends and what it finds; that a bound holds is shown by the last pass, whatever the start. `multipliers` come
   *  first. */
  readonly warm?: readonly StoredMultipliers[];
  /** Cancels: the promise is rejected with the signal's reason. */
  readonly signal?: AbortSignal;
  /** Ends early, in half a second: what has been found so far is the result, that of a search where its last pass takes no longer. Rejected
   *  like `signal` where nothing has been found. */
  readonly interrupt?: AbortSignal;
  readonly onProgress?: (progress: Progress) => void;
  readonly onTrace?: (point: TracePoint) => void;
  /** Called where a search has come to something better, with the multipliers of it: to start another from if this one never ends (`warm`). */
  readonly onFound?: (found: StoredMultipliers) => void;
  /** Called with each row as it is found, the cheapest methods first. The result may have it anew, from a pass in float64. */
  readonly onMethod?: (row: MethodResult) => void;
}

/** One gradient evaluation of the refined method; or, where these see only some frequencies, a pass over all of them after the last. */
export interface TracePoint {
  /** Which search: on the torus (`refined`), or on the unrolled network after it. */
  readonly method: 'refined' | 'unrolled';
  /** Evaluations so far, this one included: each search counts from 1. */
  readonly evaluation: number;
  /** log10 of the least value that the search has seen of what it makes small (`target`): the bound, or the root of the sum of squares of all
   *  margins. */
  readonly log10: number;
  /** Since the call of `bound`. */
  readonly seconds: number;
  /** Present where the search sees only some frequencies, or leaves out what lies between them: the value is no bound until the last
   *  pass has seen all. */
  readonly estimate?: true;
}

/** Relative multipliers of every nonlinear step, ln (D / row sums of |S|): what the refined method found. */
export interface StoredMultipliers {
  readonly version: 2;
  /** SHA-256 of the network's `source`; null for a network that came from no file. */
  readonly network: string | null;
  /** `torus`: one multiplier per channel. `unrolled`: convolutions as matrices from some layer on, one per neuron. */
  readonly path: 'torus' | 'unrolled';
  readonly layers: readonly { readonly name: string; readonly theta: readonly number[] }[];
}

/** How a search ended, and what it gained. */
export interface SearchReport {
  /** `evaluations`: as many as there may be. */
  readonly status: SearchStatus;
  /** Gradients that were evaluated. */
  readonly evaluations: number;
  /** What the last `over` evaluations gained, as a fraction of what the search makes small. */
  readonly gap: number;
  /** Ten at most; 0 where there was nothing to compare with. */
  readonly over: number;
  /** With the target `margins`: the root of the sum of squares of all margins, of the closed form and after the search. Null outside
   *  float64. */
  readonly margins?: { readonly before: number | null; readonly after: number | null };
  /** Present where the memory budget let the search see only some frequencies: more of it may gain more. */
  readonly partial?: true;
}

/** How the search for single pairs of outputs ended (target `margins`), and what it gained. */
export interface PairReport {
  /** `converged`: no pair gains any more to speak of; `evaluations`: as many as there may be. */
  readonly status: SearchStatus;
  /** Pairs that had steps of their own, of so many. */
  readonly pairs: number;
  readonly of: number;
  /** Gradients that were evaluated. */
  readonly evaluations: number;
  readonly seconds: number;
  /** How much smaller the bounds of pairs are than what the multipliers for all of them together give, as a fraction: on average, at most. */
  readonly mean: number;
  readonly largest: number;
}

/** One bound on the ratio ‖f(x) − f(y)‖₂ / ‖x − y‖₂ over all x ≠ y, or why there is none. */
export interface MethodResult {
  readonly method: Exclude<MethodName, 'all'>;
  /** A closed form; `refined` for the search on the unrolled network; `from ℓ2` for what a constant in ℓ2 says of other norms. */
  readonly rule?: RowRule;
  /** Null where it is no float64 (`log10` still holds it) or where the method failed (`error`). */
  readonly bound: number | null;
  /** Null where the bound is 0 or missing. */
  readonly log10: number | null;
  /** Of the computation that gave the row; rules of one sweep share theirs. */
  readonly seconds: number;
  readonly search?: SearchReport;
  readonly error?: string;
  /** Present where it is the time limit that left it out. */
  readonly late?: true;
  /** Present where it is an interruption that left it out. */
  readonly interrupted?: true;
}

export type RowRule = RuleName | 'refined' | 'from ℓ2';

/**
 * What stands behind a bound: `nominal`: floating-point arithmetic without an analysis of its rounding; `rounding-safe`: every
 * rounding error is bounded and added, so that it holds if the device obeys the rules of its arithmetic (docs/soundness.md);
 * `checked`: recomputed by the checker of certificates, which trusts no engine.
 */
export type Assurance = 'nominal' | 'rounding-safe' | 'checked';

export interface InflationReport {
  /** About how much larger the bound is for it, 1 for not at all; estimated to first order. */
  readonly factor: number;
  /** The layers that it comes from, the largest part first. */
  readonly layers: readonly { readonly name: string; readonly factor: number }[];
}

/** For which lengths a bound holds, and what that took. */
export interface LengthReport {
  readonly lengths: 'any';
  /** From which length on, where one was given: `smallestLength`. */
  readonly smallest?: number;
  /** The least of these lengths at which the network exists: below it some window does not fit. Absent where it exists at none of the
   *  first thousand that leave every window something. */
  readonly exists?: number;
  /** Per axis of the coarsest grid. */
  readonly frequencies: number;
  /** What the gaps between frequencies add to the bound, as a fraction; above `tolerance` where the limit of frequencies was reached.
   *  Null where not even that is known: no bound was found. */
  readonly added: number | null;
  readonly tolerance: number;
}

export interface LayerReport {
  readonly name: string;
  readonly op: string;
  /** Of the output, without the batch axis. */
  readonly shape: readonly number[];
  /** Sides of the torus that the layer works on (a convolution: its input's), in samples; null for vectors and where the bound came
   *  from elsewhere. */
  readonly torus: readonly number[] | null;
  /** The rule that gave the multipliers of the best bound. */
  readonly rule?: RowRule;
}

/** What the ratio ‖f(x) − f(y)‖₂ / ‖x − y‖₂ comes to, or above, at some points: no bound can be below it. */
export interface LowerBound {
  /** Null where it is no float64 (`log10` still holds it). */
  readonly value: number | null;
  /** Null where the value is 0. */
  readonly log10: number | null;
  /** `rounding-safe`: proved, rounding included. `nominal`: as computed, less a billionth; for deep networks, where the
   *  enclosure that proves it is too wide. */
  readonly assurance: 'nominal' | 'rounding-safe';
  /** Sides of the input that it was found at, where the bound is one for any length. */
  readonly sides?: readonly number[];
  /** Of the points that were tried. */
  readonly seed: number;
  readonly seconds: number;
}

/** What branch and bound over the regions of a network has found, on each of which it is linear. */
export interface ExactReport {
  /** `exact`: the bound is the Lipschitz constant but for one part in a million. `gap`: as near to it as was asked for. `stopped`: the time was
   *  over before, or rounding leaves something open. */
  readonly status: 'exact' | 'gap' | 'stopped';
  readonly upper: number;
  /** Proven as well, rounding included. */
  readonly lower: number;
  /** Where that slope is attained: the input, flat, and the direction in which the network is steepest there; absent where none was found. */
  readonly steepest?: { readonly input: readonly number[]; readonly direction: readonly number[] };
  /** Parts of the input space that were looked at, and that are left. */
  readonly nodes: number;
  readonly open: number;
  /** Neurons of more than one straight piece. */
  readonly neurons: number;
}

export interface BoundResult {
  readonly bound: number | null;
  readonly log10: number | null;
  /** What changes of inputs and outputs are measured in. */
  readonly norms: NormPair;
  /** Units of the input's entries, where they were given. */
  readonly weights?: Float64Array;
  /** What the bound gives away by how it is computed in these norms, in words; absent where that is nothing. */
  readonly loose?: string;
  /** Of the least bound; absent where no method gave one. */
  readonly method?: Exclude<MethodName, 'all'>;
  readonly rule?: RowRule;
  /** The pair whose difference is bounded, if one was asked for. */
  readonly target?: readonly [i: number, j: number];
  /** Sampled, of the same as `bound`: of the whole output, or of the pair's difference. Absent with `lower: false`. */
  readonly lower?: LowerBound;
  readonly assurance: Assurance;
  /** What was done beyond what was asked for, or could not be, in a sentence. */
  readonly note?: string;
  /** Of the method `exact`, where it ran. */
  readonly exact?: ExactReport;
  /** Of the least bound, for signals of any length. */
  readonly length?: LengthReport;
  /** What bounding the rounding errors cost; absent for `nominal` and for spectral products. */
  readonly inflation?: InflationReport;
  readonly seconds: number;
  /** Every method and rule that ran. */
  readonly methods: readonly MethodResult[];
  /** What `all` and `refined` leave out because it is out of proportion: the network unrolled from an earlier layer on, or at all, where
   *  the memory budget would hold it. `flops`: operations of one closed-form pass. */
  readonly leftOut?: { readonly method: 'unrolled'; readonly from: string; readonly flops: number };
  /** Every evaluation of the refined method. */
  readonly trace?: readonly TracePoint[];
  /** Of the best search. */
  readonly multipliers?: StoredMultipliers;
  /** Of every search, the best of each path. */
  readonly searched?: readonly StoredMultipliers[];
  /** Of the least bound of the whole output that multipliers prove, for `certify`; its bound may be above `bound` where a spectral
   *  product is the least. */
  readonly proof?: BoundProof;
  /** Of the method `exact`, for `certifyExact`: how inputs were split, and what proves the bound for each part; absent where that is too much. */
  readonly exactTree?: readonly TreeNode[];
  /** margins[i][j]: bound on the Lipschitz constant of output i minus output j, for vector outputs of up to 256 entries. */
  readonly margins?: readonly (readonly number[])[];
  /** Bounds of how much the output, or the difference of a pair, changes by when one entry of the input alone changes, by 1 or its weight, in
   *  the order of the input; absent where they were not asked for or nothing says more of one than of all (`note` has the reason). */
  readonly sensitivities?: readonly number[];
  /** With the target `margins`: the search for single pairs, from what the search for all of them together had found. */
  readonly pairs?: PairReport;
  /** With the target `margins`, for `certify`: every bound in `margins` is about that of one of these, where multipliers prove it. */
  readonly marginProofs?: readonly BoundProof[];
  /** Of the method that gave the bound. */
  readonly layers: readonly LayerReport[];
  readonly engine: EngineInformation;
}
