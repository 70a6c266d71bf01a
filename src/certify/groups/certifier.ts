/** Groups of samples, each worked on side by side in one thread: evaluated, attacked and proven. */

import { Breath } from '../../breath.ts';
import type { RegionProof } from '../../certificate/certifyRegion.ts';
import type { Ball } from '../../network/evaluation/enclosure.ts';
import { ValueEnclosure } from '../../network/evaluation/valueEnclosure.ts';
import type { Network } from '../../network/network.ts';
import type { BallNorm } from '../../network/norms/norm.ts';
import { Attack } from '../attack/attack.ts';
import type { Sample } from '../data/samples.ts';
import { CERTIFY_DEFAULTS } from '../defaults.ts';
import type { Evaluator } from '../evaluation/sideBySide.ts';
import type { Limits } from '../limits.ts';
import type { RegionProver } from '../proofs/prover.ts';
import type { SampleReport } from '../report.ts';
import type { GlobalMargins } from '../stages/globalMargins.ts';
import { largestRadii } from '../stages/largestRadius.ts';
import { decide, type Means } from '../stages/radii.ts';
import { Regions } from '../stages/regions.ts';
import { SampleState } from '../stages/state.ts';
import type { Until } from '../until.ts';

/** What is asked of every sample; plain data, which other threads can be sent. `CERTIFY_DEFAULTS` has what stands for what is left out. */
export interface GroupOptions {
  /** In the network's input. */
  readonly radii?: readonly number[];
  /** Of the radii: ℓ2 (default), or ℓ∞, where every entry of the input moves by at most the radius. */
  readonly norm?: BallNorm;
  /** Whether the largest radius of each sample is looked for. */
  readonly maxRadius?: boolean;
  /** Limits that every input keeps, such as 0 and 1 for pixels: balls are cut there. */
  readonly limits?: Limits;
  /** Those of counterexamples, where these are narrower than what proofs hold for. */
  readonly attackLimits?: Limits;
  /** Evaluations of the moving centre for one pair of outputs; 0: closed forms alone. */
  readonly evaluations?: number;
  /** Seconds for one sample; what is not proven by then is not certified. */
  readonly timeLimit?: number;
  /** Starting points of the attack on what is left open; 0: no attack. */
  readonly attackStarts?: number;
  /** Of the attack's starting points. */
  readonly seed?: number;
}

/** What is known of a sample in the end. */
export interface Certified {
  readonly report: SampleReport;
  /** The nearest one, where any was found. */
  readonly counterexample?: Float64Array;
  /** Of the largest radius that is certified, where it was asked for and there is one. */
  readonly proof?: RegionProof;
}

export interface CertifiedGroup {
  readonly samples: readonly Certified[];
  /** Milliseconds. */
  readonly taken: number;
}

/** Who works on groups. Samples make sense to the network. */
export interface Certifier {
  /** Groups that are worth being begun before the results of the first are taken. */
  readonly atOnce: number;
  certify(samples: readonly Sample[]): Promise<CertifiedGroup>;
  /** What proves a label within a radius, for a certificate; undefined where nothing here does. */
  proof(sample: Sample, label: number, radius: number): Promise<RegionProof | undefined>;
  close(): Promise<void>;
}

/** What a certifier in one thread has. */
export interface CertifierParts {
  /** With a vector of logits as its output. */
  readonly network: Network;
  /** Absent where the network has no proofs around inputs. */
  readonly prover: RegionProver | undefined;
  readonly margins: GlobalMargins;
  readonly evaluator: Evaluator;
  readonly options: GroupOptions;
  /** Whether proofs are wanted for certificates. */
  readonly proofs: boolean;
  readonly signal?: AbortSignal | undefined;
}

export class ThreadCertifier implements Certifier {
  readonly atOnce = 1;
  readonly #parts: CertifierParts;
  readonly #means: Means;
  readonly #enclosure: ValueEnclosure;
  readonly #breath: Breath;

  constructor(parts: CertifierParts) {
    this.#parts = parts;
    this.#means = meansOf(parts);
    this.#enclosure = new ValueEnclosure(parts.network);
    this.#breath = new Breath(parts.signal);
  }

  async certify(samples: readonly Sample[]): Promise<CertifiedGroup> {
    const { options, signal, evaluator, margins, proofs } = this.#parts;
    const { radii = [], maxRadius = false, timeLimit = CERTIFY_DEFAULTS.timeLimit } = options;
    // Where all is computed at once, signals would never be heard.
    await this.#breath.taken();
    signal?.throwIfAborted();
    const begun = performance.now();
    const until: Until = { end: begun + 1000 * timeLimit, signal };
    const outputs = await evaluator.all(samples.map(({ input }) => this.#enclosure.enclosing(input)));
    const states = samples.map((sample, n) => stateOf(sample, outputs[n], margins));
    if (maxRadius) await largestRadii(states, this.#means, until);
    await decide(states, radii, this.#means, until);
    signal?.throwIfAborted();
    // Of the time of all, its share.
    const share = (performance.now() - begun) / states.length;
    const all: Certified[] = [];
    for (const state of states) {
      const start = performance.now();
      const { sample, label, counterexample } = state;
      const [largest] = proofs ? certifiedRadii(state.report(radii, maxRadius, 0)) : [];
      const proof = largest === undefined ? undefined : await this.proof(sample, label, largest);
      const seconds = (share + performance.now() - start) / 1000;
      all.push({
        report: state.report(radii, maxRadius, seconds),
        ...(counterexample && { counterexample }),
        ...(proof && { proof }),
      });
    }
    return { samples: all, taken: performance.now() - begun };
  }

  async proof(sample: Sample, label: number, radius: number): Promise<RegionProof | undefined> {
    const { regions, evaluations } = this.#means;
    return regions?.proof({ sample, label }, radius, evaluations, {
      end: Infinity,
      signal: this.#parts.signal,
    });
  }

  /** Who made its parts closes them. */
  async close(): Promise<void> {}
}

/** The radii within which a label is certified, the largest first. */
export function certifiedRadii({ certified, radius = 0 }: SampleReport): number[] {
  const radii = Object.keys(certified).filter((key) => certified[key]);
  return [...new Set([...radii.map(Number), radius])].filter((r) => r > 0).sort((a, b) => b - a);
}

function meansOf({ network, prover, evaluator, options }: CertifierParts): Means {
  const { norm = CERTIFY_DEFAULTS.norm, seed = CERTIFY_DEFAULTS.seed } = options;
  const { limits, attackLimits = limits, evaluations, attackStarts } = options;
  const starts = attackStarts ?? CERTIFY_DEFAULTS.attackStarts;
  const { attackSteps: steps, cheapSteps } = CERTIFY_DEFAULTS;
  return {
    regions: prover && new Regions(prover, limits, norm),
    evaluations: evaluations ?? CERTIFY_DEFAULTS.evaluations,
    attack: starts > 0 ? new Attack(network, attackLimits, seed, evaluator, norm) : undefined,
    cheap: { starts: 1, steps: cheapSteps },
    thorough: { starts, steps },
  };
}

function stateOf(sample: Sample, output: Ball | undefined, margins: GlobalMargins): SampleState {
  const state = new SampleState(sample, output);
  const radius = state.right ? margins.radius(state.output!, state.label) : 0;
  if (radius > 0) state.prove(radius, 'global');
  return state;
}
