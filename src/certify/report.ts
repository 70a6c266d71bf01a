/** What is said of each sample. */
import type { RegionStage } from './prover.ts';

/** By which step a label was proven for a ball, cheapest first: the Lipschitz bounds of the whole network, or a proof around the input. */
export type CertifyStage = 'global' | RegionStage;

export interface SampleReport {
  /** Its number in the data, from 0. */
  readonly index: number;
  /** Null where nobody knows it: then it is whether the prediction stays that is certified. */
  readonly label: number | null;
  /** The largest output at the input. */
  readonly predicted: number;
  /** Output of the label (the prediction, without one) minus the largest other at the input, rounded down; null where outputs leave the
   *  range of float64. */
  readonly margin: number | null;
  /** For each radius (as `String(radius)`) that is certified by what; under `radius` for the largest one. */
  readonly stages: Readonly<Record<string, CertifyStage>>;
  /** For each radius (as `String(radius)`): whether the label is proven to be the largest output at every input within it. */
  readonly certified: Readonly<Record<string, boolean>>;
  /** The largest radius that was certified, if it was asked for; 0 where there is none. */
  readonly radius?: number;
  /** The distance of the nearest counterexample that was found, 0 where the input is one; null where none was found or looked for. */
  readonly attack: number | null;
  readonly seconds: number;
}
