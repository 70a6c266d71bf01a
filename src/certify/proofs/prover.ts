import type { RegionProof } from '../../certificate/certifyRegion.ts';
import type { BallNorm } from '../../network/norms/norm.ts';

/** What is known of the network's outputs at one input: low ≤ f(x) ≤ high, rounding included. */
export interface OutputEnclosure {
  readonly low: Float64Array;
  readonly high: Float64Array;
}

/** One question: does `label` stay the largest output at every input within `radius` (in the network's input)? */
export interface RegionQuestion {
  /** The centre, as one flat array in the order of the network's input. */
  readonly centre: Float64Array;
  readonly label: number;
  readonly radius: number;
  /** Of the radius; default ℓ2. */
  readonly norm?: BallNorm;
  /** Limits that every input keeps (a pixel's range), in the network's input; one number or one for every coordinate. */
  readonly limits?: { readonly low: Float64Array | number; readonly high: Float64Array | number };
}

/** By which step a region was proven, cheapest first. */
export type RegionStage = 'anchored closed form' | 'moving centre';

export interface RegionAnswer {
  readonly certified: boolean;
  /** What decided, where it is certified. */
  readonly stage: RegionStage | undefined;
  /** For every other output j: what is proven of f_label − f_j from below over the region; rounded down. */
  readonly margins: Float64Array;
  /** What a certificate needs, where it is certified and was asked for. */
  readonly proof?: RegionProof;
}

/** How much a proof may cost. */
export interface RegionEffort {
  /** Evaluations of the moving centre for one pair of outputs; 0: the closed form alone. */
  readonly evaluations: number;
  /** Whether the multipliers are wanted, with more room for the rounding of those who check them. Default: no. */
  readonly proof?: boolean;
  readonly signal?: AbortSignal;
}

/** Proves classes around points of one network; holds what all points share (mathematics.md, section 8). */
export interface RegionProver {
  readonly inputs: number;
  readonly outputs: number;
  /** That a proof holds at most, about. */
  readonly bytes: number;
  evaluate(inputs: readonly Float64Array[]): Promise<readonly OutputEnclosure[]>;
  /** Answers in the order of the questions; questions are batched as the memory budget allows. */
  prove(questions: readonly RegionQuestion[], effort: RegionEffort): Promise<readonly RegionAnswer[]>;
  close(): void;
}
