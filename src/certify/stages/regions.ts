/** Proofs around inputs, within the time that a sample has. */
import type { RegionProof } from '../../certificate/certifyRegion.ts';
import type { Limits } from '../limits.ts';
import type { RegionAnswer, RegionProver, RegionQuestion } from '../proofs/prover.ts';
import type { Until } from '../until.ts';
import type { SampleState } from './state.ts';

export interface Asked {
  readonly state: SampleState;
  readonly radius: number;
}

export class Regions {
  readonly #prover: RegionProver;
  readonly #limits: Limits | undefined;

  constructor(prover: RegionProver, limits: Limits | undefined) {
    this.#prover = prover;
    this.#limits = limits;
  }

  /** Asks for each sample whether its label is certified within a radius, and notes in its state where it is. */
  async ask(asked: readonly Asked[], evaluations: number, until: Until): Promise<void> {
    if (asked.length === 0) return;
    const questions = asked.map(({ state, radius }): RegionQuestion => {
      const { sample, label } = state;
      const limits = this.#limits;
      return { centre: sample.input, label, radius, ...(limits && { limits }) };
    });
    const answers = await this.#answers(questions, evaluations, until);
    for (const [k, answer] of answers.entries()) {
      const { certified, stage } = answer;
      if (certified && stage) asked[k]!.state.prove(asked[k]!.radius, stage);
    }
  }

  /** What proves the label within a radius, for a certificate; undefined where nothing here does. */
  async proof(
    { sample, label }: SampleState,
    radius: number,
    evaluations: number,
    signal: AbortSignal | undefined,
  ): Promise<RegionProof | undefined> {
    const limits = this.#limits;
    const question = { centre: sample.input, label, radius, ...(limits && { limits }) };
    const effort = { evaluations, proof: true, ...(signal && { signal }) };
    const [answer] = await this.#prover.prove([question], effort);
    return answer!.proof;
  }

  /** None where the time is over first. */
  async #answers(
    questions: readonly RegionQuestion[],
    evaluations: number,
    { end, signal }: Until,
  ): Promise<readonly RegionAnswer[]> {
    if (end === Infinity) return this.#prover.prove(questions, { evaluations, ...(signal && { signal }) });
    const left = end - performance.now();
    if (left <= 0) return [];
    const timer = AbortSignal.timeout(Math.ceil(Math.min(left, 2 ** 31 - 1)));
    const either = signal ? AbortSignal.any([signal, timer]) : timer;
    try {
      return await this.#prover.prove(questions, { evaluations, signal: either });
    } catch (error) {
      if (signal?.aborted || !timer.aborted) throw error;
      return [];
    }
  }
}
