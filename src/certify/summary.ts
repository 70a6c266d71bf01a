/** Samples counted. */
import type { CertifyStage, SampleReport } from './report.ts';

export interface Summary {
  readonly samples: number;
  /** Predicted as they are labelled; null where labels are not known. */
  readonly clean: number | null;
  /** For each radius (as `String(radius)`): certified, which they are for a right label alone. */
  readonly certified: Readonly<Record<string, number>>;
  /** For each radius: right, and no counterexample was found within it. Never less than `certified`. */
  readonly attacked: Readonly<Record<string, number>>;
  /** For each radius, how many were certified by what. */
  readonly stages: Readonly<Record<string, Readonly<Partial<Record<CertifyStage, number>>>>>;
  /** Of the samples' largest radii, in order of size at the half; absent where they were not looked for. */
  readonly medianRadius?: number;
  readonly secondsPerSample: number;
}

export function summaryOf(reports: readonly SampleReport[], radii: readonly number[]): Summary {
  const certified: Record<string, number> = {};
  const attacked: Record<string, number> = {};
  const stages: Record<string, Partial<Record<CertifyStage, number>>> = {};
  for (const radius of radii) {
    const key = String(radius);
    const proofs = reports.filter((report) => report.certified[key]);
    certified[key] = proofs.length;
    attacked[key] = reports.filter((report) => withstands(report, radius)).length;
    const counts: Partial<Record<CertifyStage, number>> = {};
    for (const { stages: by } of proofs) counts[by[key]!] = (counts[by[key]!] ?? 0) + 1;
    stages[key] = counts;
  }
  const labelled = reports.every(({ label }) => label !== null);
  const largest = reports.flatMap(({ radius }) => (radius === undefined ? [] : [radius]));
  const seconds = reports.reduce((sum, report) => sum + report.seconds, 0);
  return {
    samples: reports.length,
    clean: labelled ? reports.filter(({ label, predicted }) => label === predicted).length : null,
    ...{ certified, attacked, stages },
    ...(largest.length > 0 && { medianRadius: median(largest) }),
    secondsPerSample: reports.length === 0 ? 0 : seconds / reports.length,
  };
}

/** Whether there is a prediction to attack, and no counterexample within a radius is known. */
export function withstands({ predicted, attack }: SampleReport, radius: number): boolean {
  return predicted !== null && (attack === null || attack > radius);
}

/** The lower one of two in the middle. */
function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor((values.length - 1) / 2)]!;
}
