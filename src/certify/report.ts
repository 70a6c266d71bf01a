/** What is said of each sample. */
import type { RegionStage } from './proofs/prover.ts';

/** By which step a label was proven for a ball, cheapest first: the Lipschitz bounds of the whole network, or a proof around the input. */
export const CERTIFY_STAGES = [
  'global',
  'anchored closed form',
  'moving centre',
] as const satisfies readonly ('global' | RegionStage)[];
export type CertifyStage = (typeof CERTIFY_STAGES)[number];

export interface SampleReport {
  /** Its number in the data, from 0. */
  readonly index: number;
  /** Null where nobody knows it: then it is whether the prediction stays that is certified. */
  readonly label: number | null;
  /** The largest output at the input; null where outputs leave the range of float64. */
  readonly predicted: number | null;
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

/** Whether something that was read is a report, for these radii and with the largest one where it was asked for. */
export function isReport(
  value: unknown,
  radii: readonly number[],
  withRadius: boolean,
): value is SampleReport {
  if (!isRecord(value)) return false;
  const { index, label, predicted, margin, stages, certified, radius, attack, seconds } = value;
  if (!isRecord(stages) || !isRecord(certified)) return false;
  const isStage = (stage: unknown) => CERTIFY_STAGES.some((name) => name === stage);
  const isNumber = (x: unknown) => typeof x === 'number' && x >= 0;
  return (
    isNumber(index) &&
    isNumber(seconds) &&
    [label, predicted, attack].every((x) => x === null || isNumber(x)) &&
    (margin === null || typeof margin === 'number') &&
    (withRadius ? isNumber(radius) : radius === undefined) &&
    (stages.radius === undefined
      ? radius === undefined || radius === 0
      : withRadius && isStage(stages.radius)) &&
    radii
      .map(String)
      .every((key) =>
        certified[key] === true
          ? isStage(stages[key])
          : certified[key] === false && stages[key] === undefined,
      )
  );
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}
