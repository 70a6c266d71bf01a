/** Samples, one after the other: is the label proven to stay, how far, by what, and how near is a counterexample? */
import type { Progress } from '../bounds/result.ts';
import type { RegionProof } from '../certificate/certifyRegion.ts';
import type { Region } from '../certificate/regions/check.ts';
import type { EngineHandle } from '../engine/engine.ts';
import { engineOf } from '../engine/engineOf.ts';
import { precisionOf } from '../engine/precision.ts';
import { InputError, UnsupportedError } from '../errors.ts';
import type { Network } from '../network/network.ts';
import { BALL_NORMS } from '../network/norms/norm.ts';
import { product } from '../network/size.ts';
import { type Group, groupsOf } from './data/groups.ts';
import type { Sample } from './data/samples.ts';
import { CERTIFY_DEFAULTS } from './defaults.ts';
import { oneByOne, sideBySide } from './evaluation/sideBySide.ts';
import {
  type Certified,
  type Certifier,
  certifiedRadii,
  type GroupOptions,
  ThreadCertifier,
} from './groups/certifier.ts';
import { inOrder } from './groups/inOrder.ts';
import type { Introduction } from './groups/messages.ts';
import { type StartThread, Workers } from './groups/workers.ts';
import { checkLimits, highAt, lowAt, outside } from './limits.ts';
import { checkOrder, logitsOf } from './logits.ts';
import type { RegionProver } from './proofs/prover.ts';
import { DEFAULT_MEMORY } from './proofs/proverEngine.ts';
import type { SampleReport } from './report.ts';
import { type GlobalMargins, globalMargins, noMargins } from './stages/globalMargins.ts';

/** What is asked of `certifySamples`. `CERTIFY_DEFAULTS` has the numbers that stand for what is left out. */
export interface CertifySamplesOptions extends GroupOptions {
  /** False: no proofs around inputs; bounds of the whole network alone, which cost an evaluation a sample. Default true. */
  readonly regions?: boolean;
  /**
   * False: no bounds of the whole network where there are proofs around inputs. They are computed before the first sample, which takes longer
   * than they save where samples are few. Default true.
   */
  readonly global?: boolean;
  /**
   * Threads that samples are dealt out to, each with an engine of its own on the CPU: fewer where `memory` has no room for the proofs of so many
   * at a time, and none besides the caller's outside Node and Deno. Reports are the same. Default 1: the caller's, with the engine that is given.
   */
  readonly workers?: number;
  /** Default: `createEngine()`, closed at the end. A given engine stays open. */
  readonly engine?: EngineHandle;
  /** Bytes, as for `bound`. */
  readonly memory?: number;
  /**
   * Asks for what certificates need: called for every sample that is certified, before its report, with a proof for its largest radius. While
   * it says no, the next smaller one of the radii that are certified follows, as far as there are proofs.
   */
  readonly onProof?: (proven: ProvenSample) => Promise<boolean> | boolean;
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
 * @param start starts threads for the workers that are asked for; default: this library's own
 * @throws InputError for options, networks and samples that make no sense
 * @throws UnsupportedError where the network has no bound
 * @throws the signal's reason when it is aborted
 */
export async function* certifyWith(
  makeProver: MakeProver,
  given: Network,
  samples: AsyncIterable<Sample> | Iterable<Sample>,
  options: CertifySamplesOptions,
  start?: StartThread,
): AsyncGenerator<SampleReport, void> {
  const network = logitsOf(given);
  checkOptions(options);
  for (const limits of [options.limits, options.attackLimits]) {
    if (limits) checkLimits(limits, inputsOf(network));
  }
  const { norm = CERTIFY_DEFAULTS.norm } = options;
  const ofWhole = () => globalMargins(network, { ...shared(options), norm });
  const first = options.global === false ? undefined : await ofWhole();
  const prover = await proverOf(makeProver, network, options);
  let certifier: Certifier | undefined;
  try {
    const margins = first ?? (prover ? noMargins(network) : await ofWhole());
    certifier = await certifierOf(network, prover, margins, options, start);
    const size = new GroupSize(network, options);
    const begin = ({ samples: own, error }: Group) => {
      const checked = checkedUntil(own, network, options);
      const failure = checked.error ?? error;
      return { result: worked(certifier!, checked.samples, failure, size), last: failure !== undefined };
    };
    for await (const { certified, failure } of inOrder(
      groupsOf(samples, () => size.now),
      begin,
      certifier.atOnce,
    )) {
      for (const { sample, result } of certified) {
        const begun = performance.now();
        const { report, counterexample } = result;
        if (options.onProof) await handOver(sample, result, certifier, options, options.onProof);
        if (counterexample) options.onCounterexample?.(sample.index, counterexample);
        yield { ...report, seconds: report.seconds + (performance.now() - begun) / 1000 };
      }
      if (failure) throw failure.reason;
    }
  } finally {
    await certifier?.close();
    prover?.close();
  }
}

interface Worked {
  readonly certified: readonly { readonly sample: Sample; readonly result: Certified }[];
  /** What is wrong with what follows. */
  readonly failure: { readonly reason: unknown } | undefined;
}

async function worked(
  certifier: Certifier,
  samples: readonly Sample[],
  failure: Worked['failure'],
  size: GroupSize,
): Promise<Worked> {
  if (samples.length === 0) return { certified: [], failure };
  const group = await certifier.certify(samples);
  size.learn(samples.length, group.taken);
  return { certified: samples.map((sample, n) => ({ sample, result: group.samples[n]! })), failure };
}

/** On so many threads as are asked for, can be had and have room; in this one otherwise. */
async function certifierOf(
  network: Network,
  prover: RegionProver | undefined,
  margins: GlobalMargins,
  options: CertifySamplesOptions,
  start: StartThread | undefined,
): Promise<Certifier> {
  const { signal, memory, workers = 1, onProof } = options;
  const proofs = onProof !== undefined;
  const own = options.engine && engineOf(options.engine);
  const engine = own && precisionOf(own.information) === 'double' ? own : undefined;
  const room = Math.floor((memory ?? DEFAULT_MEMORY) / Math.max(1, prover?.bytes ?? 1));
  const count = Math.min(workers, room);
  if (count > 1) {
    const { name } = own?.information ?? {};
    const introduction: Introduction = {
      ...{ kind: 'begin', network, memory, proofs, slopes: margins.slopes, options: plain(options) },
      engine: name === 'cpu-wasm' || name === 'cpu-blas' ? name : 'cpu',
      sideBySide: engine !== undefined,
      regions: prover !== undefined,
    };
    const many = await Workers.start(count, introduction, signal, start);
    if (many) return many;
  }
  const evaluator = engine ? sideBySide(engine, signal) : oneByOne;
  return new ThreadCertifier({ network, prover, margins, evaluator, options, proofs, signal });
}

/** What other threads can be sent. */
function plain(options: CertifySamplesOptions): GroupOptions {
  const { engine, signal, onProof, onProgress, onCounterexample, onNote, ...rest } = options;
  return rest;
}

/** Proofs of what is certified, the largest radius first, until one will do. */
async function handOver(
  sample: Sample,
  { report, proof: first }: Certified,
  certifier: Certifier,
  { limits }: CertifySamplesOptions,
  onProof: NonNullable<CertifySamplesOptions['onProof']>,
): Promise<void> {
  const label = report.label ?? report.predicted!;
  for (const [k, radius] of certifiedRadii(report).entries()) {
    const proof = k === 0 ? first : await certifier.proof(sample, label, radius);
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

function inputsOf(network: Network): number {
  return product(network.tensors[network.input]!.shape);
}

/** @throws InputError */
function checkOptions(options: CertifySamplesOptions): void {
  const { radii = [], timeLimit, evaluations, attackStarts, workers, norm, onProof } = options;
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
  if (workers !== undefined && !(Number.isInteger(workers) && workers > 0)) {
    throw new InputError(`workers: a whole number from 1 on, got ${workers}`);
  }
}
