/** What is known of one sample while it is worked on. */
import type { Ball } from '../../network/evaluation/enclosure.ts';
import type { Sample } from '../data/samples.ts';
import type { CertifyStage, SampleReport } from '../report.ts';
import { leastMargin } from './globalMargins.ts';

export class SampleState {
  readonly sample: Sample;
  /** Null where outputs leave the range of float64. */
  readonly predicted: number | null;
  /** What is certified: the label, or the prediction where there is none. */
  readonly label: number;
  readonly output: Ball | undefined;
  /** Radii that were proven, in the order of the stages. */
  readonly #proven: { readonly radius: number; readonly stage: CertifyStage }[] = [];
  #broken = Infinity;
  #counterexample: Float64Array | undefined;

  /** @param output at the input; undefined where numbers leave the range of float64 */
  constructor(sample: Sample, output: Ball | undefined) {
    this.sample = sample;
    this.output = output;
    this.predicted = output ? largest(output.middle) : null;
    this.label = sample.label ?? this.predicted ?? 0;
    if (output && !this.right) this.#broken = 0;
  }

  /** Whether the largest output is that of the label. */
  get right(): boolean {
    return this.output !== undefined && this.predicted === this.label;
  }

  /** The largest radius that is proven. */
  get proven(): number {
    return this.#proven.reduce((most, { radius }) => Math.max(most, radius), 0);
  }

  /** The distance of the nearest counterexample. */
  get broken(): number {
    return this.#broken;
  }

  /** @throws Error where a counterexample is as near: one of the two is wrong */
  prove(radius: number, stage: CertifyStage): void {
    this.#proven.push({ radius, stage });
    this.#agree();
  }

  /** The nearest counterexample, where it was told. */
  get counterexample(): Float64Array | undefined {
    return this.#counterexample;
  }

  /** @throws Error where a proof reaches as far: one of the two is wrong */
  breakAt(distance: number, point?: Float64Array): void {
    if (distance < this.#broken) {
      this.#broken = distance;
      this.#counterexample = point;
    }
    this.#agree();
  }

  /** What proved a radius first, if anything did. Within a larger ball lies a smaller one. */
  stage(radius: number): CertifyStage | undefined {
    return this.#proven.find((proof) => proof.radius >= radius)?.stage;
  }

  isOpen(radius: number): boolean {
    return this.right && this.stage(radius) === undefined && radius < this.#broken;
  }

  /** @param seconds that it took */
  report(radii: readonly number[], withRadius: boolean, seconds: number): SampleReport {
    const { output, proven } = this;
    const stages: Record<string, CertifyStage> = {};
    const certified: Record<string, boolean> = {};
    for (const radius of radii) {
      const stage = this.stage(radius);
      certified[String(radius)] = stage !== undefined;
      if (stage) stages[String(radius)] = stage;
    }
    if (withRadius && proven > 0) stages.radius = this.stage(proven)!;
    return {
      index: this.sample.index,
      label: this.sample.label ?? null,
      predicted: this.predicted,
      margin: output ? leastMargin(output, this.label) : null,
      ...{ stages, certified },
      ...(withRadius && { radius: proven }),
      attack: this.#broken < Infinity ? this.#broken : null,
      seconds,
    };
  }

  #agree(): void {
    if (this.proven < this.#broken) return;
    throw new Error(
      `sample ${this.sample.index}: proven within ${this.proven}, and a counterexample at ${this.#broken}`,
    );
  }
}

function largest(values: Float64Array): number {
  let best = 0;
  for (let j = 1; j < values.length; j++) if (values[j]! > values[best]!) best = j;
  return best;
}
