/** Samples, one after the other: is the label proven to stay, how far, by what, and how near is a counterexample? */
import type { Progress } from '../bounds/result.ts';
import { Breath } from '../breath.ts';
import type { RegionProof } from '../certificate/certifyRegion.ts';
import type { Region } from '../certificate/regions/check.ts';
import type { EngineHandle } from '../engine/engine.ts';
import { engineOf } from '../engine/engineOf.ts';
import { precisionOf } from '../engine/precision.ts';
import { InputError, UnsupportedError } from '../errors.ts';
import type { Ball } from '../network/evaluation/enclosure.ts';
import { ValueEnclosure } from '../network/evaluation/valueEnclosure.ts';
import type { Network } from '../network/network.ts';
import { BALL_NORMS, type BallNorm } from '../network/norms/norm.ts';
import { product } from '../network/size.ts';
import { Attack } from './attack/attack.ts';
import { groupsOf } from './data/groups.ts';
import type { Sample } from './data/samples.ts';
import { CERTIFY_DEFAULTS } from './defaults.ts';
import { type Evaluator, oneByOne, sideBySide } from './evaluation/sideBySide.ts';
import { checkLimits, highAt, type Limits, lowAt, outside } from './limits.ts';
import { checkOrder, logitsOf } from './logits.ts';
import type { RegionProver } from './proofs/prover.ts';
import type { SampleReport } from './report.ts';
import { type GlobalMargins, globalMargins, noMargins } from './stages/globalMargins.ts';
import { largestRadii } from './stages/largestRadius.ts';
import { decide, type Means } from './stages/radii.ts';
import { Regions } from './stages/regions.ts';
import { SampleState } from './stages/state.ts';
import type { Until } from './until.ts';

/** What is asked of `certifySamples`. `CERTIFY_DEFAULTS` has the numbers that stand for what is left out. */
export interface CertifySamplesOptions {
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
  /** False: no proofs around inputs; bounds of the whole network alone, which cost an evaluation a sample. Default true. */
  readonly regions?: boolean;
  /**
   * False: no bounds of the whole network where there are proofs around inputs. They are computed before the first sample, which takes longer
   * than they save where samples are few. Default true.
   */
  readonly global?: boolean;
  /** Evaluations of the moving centre for one pair of outputs; 0: closed forms alone. */
  readonly evaluations?: number;
  /** Seconds for one sample; what is not proven by then is not certified. */
  readonly timeLimit?: number;
  /** Starting points of the attack on what is left open; 0: no attack. */
  readonly attackStarts?: number;
  /** Default: `createEngine()`, closed at the end. A given engine stays open. */
  readonly engine?: EngineHandle;
  /** Bytes, as for `bound`. */
  readonly memory?: number;
  /**
   * Asks for what certificates need: called for every sample that is certified, before its report, with a proof for its largest radius. While
   * it says no, the next smaller one of the radii that are certified follows, as far as there are proofs.
   */
  readonly onProof?: (proven: ProvenSample) => Promise<boolean> | boolean;
  /** Of the attack's starting points. */
  readonly seed?: number;
  /** Cancels: what has been reported stands, the rest is left. */
  readonly signal?: AbortSignal;
  /** Of the bounds of the whole network, which come before the first sample. */
  readonly onProgress?: (progress: Progress) => void;
  /** The nearest counterexample of a sample that one was found for, before its report. */
  readonly onCounterexample?: (index: number, point: Float64Array) => void;
  /** What could not be done, in a sentence. */
  readonly onNote?: (note: string) => void;
}

/** A region around a sample, and multipliers that prove it. */
export interface ProvenSample {
  readonly index: number;
  /** In the input of the network that was given; without a scale. */
  readonly region: Region;
  readonly proof: RegionProof;
}

/** Makes what proves regions of a network. @throws UnsupportedError where it has none */
export type MakeProver = (
  network: Network,
  options: Pick<CertifySamplesOptions, 'engine' | 'memory' | 'signal'>,
) => Promise<RegionProver>;

/**
 * Reports in the order of the samples; the first comes when the bounds of the whole network are known.
 * @throws InputError for options, networks and samples that make no sense
 * @throws UnsupportedError where the network has no bound
 * @throws the signal's reason when it is aborted
 */
export async function* certifyWith(
  makeProver: MakeProver,
  given: Network,
  samples: AsyncIterable<Sample> | Iterable<Sample>,
  options: CertifySamplesOptions,
): AsyncGenerator<SampleReport, void> {
  const { signal, timeLimit = CERTIFY_DEFAULTS.timeLimit, maxRadius = false } = options;
  const network = logitsOf(given);
  const radii = checkedRadii(options);
  for (const limits of [options.limits, options.attackLimits]) {
    if (limits) checkLimits(limits, inputsOf(network));
  }
  const { norm = CERTIFY_DEFAULTS.norm } = options;
  const ofWhole = () => globalMargins(network, { ...shared(options), norm });
  const first = options.global === false ? undefined : await ofWhole();
  const prover = await proverOf(makeProver, network, options);
  try {
    const margins = first ?? (prover ? noMargins(network) : await ofWhole());
    const evaluator = evaluatorOf(options);
    const means = meansOf(network, prover, evaluator, options);
    const enclosure = new ValueEnclosure(network);
    const breath = new Breath(signal);
    const size = new GroupSize(network, options);
    for await (const group of groupsOf(samples, () => size.now)) {
      // Where all is computed at once, signals would never be heard.
      await breath.taken();
      signal?.throwIfAborted();
      const begun = performance.now();
      const until: Until = { end: begun + 1000 * timeLimit, signal };
      const checked = checkedUntil(group.samples, network, options);
      const outputs = await evaluator.all(checked.samples.map(({ input }) => enclosure.enclosing(input)));
      const states = checked.samples.map((sample, n) => stateOf(sample, outputs[n], margins));
      if (maxRadius) await largestRadii(states, means, until);
      await decide(states, radii, means, until);
      signal?.throwIfAborted();
      const taken = performance.now() - begun;
      size.learn(states.length, taken);
      for (const state of states) {
        const start = performance.now();
        if (options.onProof) await handOver(state, radii, means, options, options.onProof);
        if (state.counterexample) options.onCounterexample?.(state.sample.index, state.counterexample);
        // Of the time of all, its share.
        const own = taken / states.length + performance.now() - start;
        yield state.report(radii, maxRadius, own / 1000);
      }
      const error = checked.error ?? group.error;
      if (error) throw error.reason;
    }
  } finally {
    prover?.close();
  }
}

/** Proofs of what is certified, the largest radius first, until one will do. */
async function handOver(
  state: SampleState,
  radii: readonly number[],
  { regions, evaluations }: Means,
  { maxRadius, limits, signal }: CertifySamplesOptions,
  onProof: NonNullable<CertifySamplesOptions['onProof']>,
): Promise<void> {
  const { proven, sample, label } = state;
  const certified = radii.filter((radius) => radius <= proven);
  if (maxRadius && proven > 0) certified.push(proven);
  for (const radius of [...new Set(certified)].sort((a, b) => b - a)) {
    const proof = await regions?.proof(state, radius, evaluations, { end: Infinity, signal });
    if (!proof) continue;
    const side = (at: typeof lowAt) => sample.input.map((_, n) => at(limits!, n));
    const kept = limits ? { low: side(lowAt), high: side(highAt) } : null;
    const region = { centre: sample.input, label, radius, scale: null, limits: kept };
    if (await onProof({ index: sample.index, region, proof })) return;
  }
}

function shared(options: CertifySamplesOptions) {
  const { engine, memory, signal, onProgress } = options;
  return {
    ...(engine && { engine }),
    ...(memory !== undefined && { memory }),
    ...(signal && { signal }),
    ...(onProgress && { onProgress }),
  };
}

/** Undefined where none is wanted, or the network has none: global bounds then stand alone. */
async function proverOf(
  makeProver: MakeProver,
  network: Network,
  options: CertifySamplesOptions,
): Promise<RegionProver | undefined> {
  if (options.regions === false) return undefined;
  try {
    checkOrder(network);
    return await makeProver(network, shared(options));
  } catch (error) {
    if (!(error instanceof UnsupportedError)) throw error;
    const reasons = error.items.map(({ node, reason }) => `${node}: ${reason}`).join('; ');
    options.onNote?.(`global bounds alone, there are no proofs around inputs of this network: ${reasons}`);
    return undefined;
  }
}

function meansOf(
  network: Network,
  prover: RegionProver | undefined,
  evaluator: Evaluator,
  {
    norm = CERTIFY_DEFAULTS.norm,
    limits,
    attackLimits = limits,
    evaluations,
    attackStarts,
    seed,
  }: CertifySamplesOptions,
): Means {
  const starts = attackStarts ?? CERTIFY_DEFAULTS.attackStarts;
  const { attackSteps: steps, cheapSteps } = CERTIFY_DEFAULTS;
  return {
    regions: prover && new Regions(prover, limits, norm),
    evaluations: evaluations ?? CERTIFY_DEFAULTS.evaluations,
    attack:
      starts > 0
        ? new Attack(network, attackLimits, seed ?? CERTIFY_DEFAULTS.seed, evaluator, norm)
        : undefined,
    cheap: { starts: 1, steps: cheapSteps },
    thorough: { starts, steps },
  };
}

/** Samples that are worked on side by side, at most. */
const MOST_IN_GROUP = 64;
/** Entries of all tensors of a group. */
const MOST_ENTRIES = 2 ** 22;
/** Milliseconds after which reports should come. */
const PATIENCE = 1000;

/** How many samples are taken together: as many as are reported soon. */
class GroupSize {
  readonly #most: number;
  #now = 1;

  constructor({ tensors }: Network, { timeLimit, maxRadius }: CertifySamplesOptions) {
    const entries = tensors.reduce((sum, { shape }) => sum + product(shape), 0);
    // One by one where each has a time of its own, or a search that ends when it ends.
    const alone = maxRadius || (timeLimit !== undefined && timeLimit < Infinity);
    this.#most = alone ? 1 : Math.min(MOST_IN_GROUP, Math.max(1, Math.floor(MOST_ENTRIES / entries)));
  }

  get now(): number {
    return this.#now;
  }

  /** @param taken milliseconds for so many samples */
  learn(samples: number, taken: number): void {
    const fitting = (samples * PATIENCE) / Math.max(taken, 1);
    this.#now = Math.max(1, Math.min(this.#most, 2 * this.#now, Math.floor(fitting)));
  }
}

function evaluatorOf({ engine, signal }: CertifySamplesOptions): Evaluator {
  const own = engine && engineOf(engine);
  return own && precisionOf(own.information) === 'double' ? sideBySide(own, signal) : oneByOne;
}

/** The samples up to the first that makes no sense, and what is wrong with it. */
function checkedUntil(
  samples: readonly Sample[],
  network: Network,
  options: CertifySamplesOptions,
): { readonly samples: readonly Sample[]; readonly error?: { readonly reason: unknown } } {
  for (const [n, sample] of samples.entries()) {
    try {
      checkSample(sample, network, options);
    } catch (reason) {
      return { samples: samples.slice(0, n), error: { reason } };
    }
  }
  return { samples };
}

/** @throws InputError */
function checkSample(
  { index, input, label }: Sample,
  network: Network,
  { limits }: CertifySamplesOptions,
): void {
  const entries = inputsOf(network);
  const outputs = network.tensors[network.output]!.shape[0]!;
  if (input.length !== entries) {
    throw new InputError(`sample ${index}: must have the network's ${entries} entries, got ${input.length}`);
  }
  const bad = input.findIndex((x) => !Number.isFinite(x));
  if (bad >= 0) throw new InputError(`sample ${index}: must hold finite numbers, got ${input[bad]}`);
  const out = limits ? outside(limits, input) : -1;
  if (out >= 0) {
    throw new InputError(`sample ${index}: must keep the limits, got ${input[out]} at entry ${out}`);
  }
  if (label !== undefined && !(Number.isInteger(label) && label >= 0 && label < outputs)) {
    throw new InputError(`sample ${index}: must have a label from 0 to ${outputs - 1}, got ${label}`);
  }
}

function stateOf(sample: Sample, output: Ball | undefined, margins: GlobalMargins): SampleState {
  const state = new SampleState(sample, output);
  const radius = state.right ? margins.radius(state.output!, state.label) : 0;
  if (radius > 0) state.prove(radius, 'global');
  return state;
}

function inputsOf(network: Network): number {
  return product(network.tensors[network.input]!.shape);
}

/** @throws InputError */
function checkedRadii(options: CertifySamplesOptions): readonly number[] {
  const { radii = [], timeLimit, evaluations, attackStarts, norm, onProof } = options;
  if (norm !== undefined && !BALL_NORMS.includes(norm)) {
    throw new InputError(`norm: one of ${BALL_NORMS.join(', ')}, got ${String(norm)}`);
  }
  if (norm === 'inf' && onProof) {
    throw new InputError('norm: proofs for certificates are of ℓ2 balls, got norm inf');
  }
  for (const radius of radii) {
    if (!(radius > 0 && radius < Infinity)) throw new InputError(`radii: above 0, got ${radius}`);
  }
  if (new Set(radii).size < radii.length) throw new InputError('radii: must differ from each other');
  if (timeLimit !== undefined && !(timeLimit > 0)) {
    throw new InputError(`time limit: above 0, got ${timeLimit}`);
  }
  for (const [name, value] of Object.entries({ evaluations, attackStarts })) {
    if (value !== undefined && !(Number.isInteger(value) && value >= 0)) {
      throw new InputError(`${name}: a whole number, got ${value}`);
    }
  }
  return radii;
}
