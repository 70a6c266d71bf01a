/** Certifying samples, and bounds near a point, with the prover of regions that this library has. */
import type { EngineHandle } from '../engine/engine.ts';
import { engineOf } from '../engine/engineOf.ts';
import type { Network } from '../network/network.ts';
import type { BallNorm, Norm } from '../network/norms/norm.ts';
import { type CertifySamplesOptions, certifyWith } from './certifySamples.ts';
import type { Sample } from './data/samples.ts';
import type { Limits } from './limits.ts';
import { closedFormWithin, type LocalKind } from './proofs/localForm.ts';
import { localSearch } from './proofs/localSearch.ts';
import { type ProverOptions, proverEngine } from './proofs/proverEngine.ts';
import { createRegionProver } from './proofs/regionProver.ts';
import type { SampleReport } from './report.ts';

/**
 * For each sample, in turn: is its label proven to be the largest output at every input within each radius (ℓ2), by what, how far at most,
 * and how near is a counterexample?
 *
 *     for await (const { index, certified } of certifySamples(network, samples, { radii: [0.5] })) …
 *
 * Labels that are wrong at the input itself are never certified, and ties are not.
 * @throws InputError for options, networks and samples that make no sense
 * @throws UnsupportedError where the network has no bound
 * @throws the signal's reason when it is aborted
 */
export function certifySamples(
  network: Network,
  samples: AsyncIterable<Sample> | Iterable<Sample>,
  options: CertifySamplesOptions = {},
): AsyncGenerator<SampleReport, void> {
  return certifyWith(
    (logits, means) => createRegionProver(logits, proverOptions(means)),
    network,
    samples,
    options,
  );
}

/** A bound in a region, by its method. */
export interface LocalRow {
  readonly method: 'closed-form' | 'refined';
  /** Rounded up; Infinity where rounding leaves nothing to say. */
  readonly bound: number;
}

/** What `localBound` may be told. */
export interface LocalBoundOptions {
  /** `incremental` (default): between any two points of the region. `anchored`: between its centre and any point of it. */
  readonly kind?: LocalKind;
  /** `closed-form`: one pass, milliseconds for small networks. `refined`: a search from there on. Default: a search where it takes little. */
  readonly method?: LocalRow['method'];
  /** Of a search, gradients at most and seconds. Defaults: those of `bound`. */
  readonly evaluations?: number;
  readonly timeLimit?: number;
  /** Limits that every input keeps: a box, in the network's input. The ball is cut there. */
  readonly domain?: Limits;
  /** Default: one on the CPU, closed at the end. A given engine stays open. */
  readonly engine?: EngineHandle;
  /** Of the radius and of changes of the input: ℓ2 (default) or ℓ∞. */
  readonly norm?: BallNorm;
  /** Of changes of the output: ℓ2 (default), ℓ∞ or ℓ1. */
  readonly outputNorm?: Norm;
  /** Bytes. Default: 2 GiB. */
  readonly memory?: number;
  /** Called with the bound of each method as it is found, the closed form first. */
  readonly onMethod?: (row: LocalRow) => void;
  /** Cancels: the promise is rejected with the signal's reason. */
  readonly signal?: AbortSignal;
  /** Ends a search early: the result is the least bound so far. Rejected like `signal` where nothing has been found. */
  readonly interrupt?: AbortSignal;
}

/**
 * A Lipschitz bound within a region, rounded up (docs/mathematics.md §8): ‖f(x) − f(x′)‖ ≤ bound · ‖x − x′‖ for all x, x′ within `radius`
 * of `centre` that keep the domain; of the kind `anchored` for x′ = centre alone, which is less. Infinity where rounding leaves nothing to
 * say.
 *
 *     await localBound(network, undefined, Infinity, { domain: { low: 0, high: 1 } })   // in all of a box
 *
 * @param centre in the order of the network's input, flat, and within the domain; undefined: the domain's middle
 * @param radius in the norm of the input, from 0 on; Infinity: everywhere in the domain
 * @throws InputError for a region that makes no sense
 * @throws UnsupportedError where the network has no such bound, or one that takes more memory
 * @throws the signal's reason when it is aborted
 */
export async function localBound(
  network: Network,
  centre: Float64Array | undefined,
  radius: number,
  options: LocalBoundOptions = {},
): Promise<number> {
  const {
    kind = 'incremental',
    method,
    domain,
    evaluations,
    timeLimit,
    onMethod,
    signal,
    interrupt,
  } = options;
  const { engine, close } = await proverEngine(options.engine && engineOf(options.engine));
  const common = {
    engine,
    ...(options.norm !== undefined && { norm: options.norm }),
    ...(options.outputNorm !== undefined && { outputNorm: options.outputNorm }),
    ...(options.memory !== undefined && { memory: options.memory }),
  };
  // Before anything is found an interruption is a cancellation.
  const stop = AbortSignal.any([signal, interrupt].flatMap((one) => one ?? []));
  try {
    const form = await closedFormWithin(network, centre, radius, kind, {
      ...{ ...common, signal: stop },
      ...(domain && { domain }),
    });
    onMethod?.({ method: 'closed-form', bound: form.bound });
    if (method === 'closed-form' || interrupt?.aborted) return form.bound;
    const refined = await localSearch(form, {
      ...{ ...common, asked: method === 'refined' },
      ...(evaluations !== undefined && { evaluations }),
      ...(timeLimit !== undefined && { timeLimit }),
      ...(signal && { signal }),
      ...(interrupt && { interrupt }),
    });
    if (refined === undefined) return form.bound;
    onMethod?.({ method: 'refined', bound: refined });
    return Math.min(form.bound, refined);
  } finally {
    await close();
  }
}

function proverOptions({ engine, memory }: Pick<LocalBoundOptions, 'engine' | 'memory'>): ProverOptions {
  return {
    ...(engine && { engine: engineOf(engine) }),
    ...(memory !== undefined && { memory }),
  };
}
