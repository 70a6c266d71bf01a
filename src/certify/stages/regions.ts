/** Proofs around inputs, within the time that a sample has. */
import type { RegionProof } from '../../certificate/certifyRegion.ts';
import type { BallNorm } from '../../network/norms/norm.ts';
import type { Limits } from '../limits.ts';
import type { RegionAnswer, RegionEffort, RegionProver, RegionQuestion } from '../proofs/prover.ts';
import type { Until } from '../until.ts';
import type { SampleState } from './state.ts';

export interface Asked {
  readonly state: SampleState;
  readonly radius: number;
}

export class Regions {
  readonly #prover: RegionProver;
  readonly #limits: Limits | undefined;
  readonly #norm: BallNorm;

  constructor(prover: RegionProver, limits: Limits | undefined, norm: BallNorm) {
    this.#prover = prover;
    this.#limits = limits;
    this.#norm = norm;
  }

  /** Asks for each sample whether its label is certified within a radius, and notes in its state where it is. */
  async ask(asked: readonly Asked[], evaluations: number, until: Until): Promise<void> {
    if (asked.length === 0) return;
    const questions = asked.map(({ state, radius }): RegionQuestion => {
      const { sample, label } = state;
      const limits = this.#limits;
      return { centre: sample.input, label, radius, norm: this.#norm, ...(limits && { limits }) };
    });
    for (const [k, question] of questions.entries()) {
      const { certified, stage } = (await this.#answer(question, { evaluations }, until)) ?? {};
      if (certified && stage) asked[k]!.state.prove(asked[k]!.radius, stage);
    }
  }

  /** What proves the label within a radius, for a certificate; undefined where nothing here does in time. */
  async proof(
    { sample, label }: Pick<SampleState, 'sample' | 'label'>,
    radius: number,
    evaluations: number,
    until: Until,
  ): Promise<RegionProof | undefined> {
    const limits = this.#limits;
    const question = { centre: sample.input, label, radius, norm: this.#norm, ...(limits && { limits }) };
    const answer = await this.#answer(question, { evaluations, proof: true }, until);
    return answer?.proof;
  }

  /** Undefined where the time is over first. */
  async #answer(
    question: RegionQuestion,
    effort: Omit<RegionEffort, 'signal'>,
    { end, signal }: Until,
  ): Promise<RegionAnswer | undefined> {
    const left = end - performance.now();
    if (left <= 0) return undefined;
    const timer = left < Infinity ? AbortSignal.timeout(Math.ceil(Math.min(left, 2 ** 31 - 1))) : undefined;
    const signals = [signal, timer].filter((one) => one !== undefined);
    const both = signals.length > 0 && { signal: AbortSignal.any(signals) };
    try {
      const [answer] = await this.#prover.prove([question], { ...effort, ...both });
      return answer;
    } catch (error) {
      if (signal?.aborted || !timer?.aborted) throw error;
      return undefined;
    }
  }
}
