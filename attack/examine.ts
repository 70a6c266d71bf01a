/** One model under one plan: every number that the library gives out against what the model does. */

import type { BoundResult } from '../src/bounds/result.ts';
import { InputError, UnsupportedError } from '../src/errors.ts';
import { evaluate } from '../src/network/evaluation/evaluate.ts';
import type { Network } from '../src/network/network.ts';
import { FLAT, type Slope, slopeAlong, steepest } from './climb.ts';
import { contradiction } from './consistency.ts';
import { type Circuit, natureOf, sourcesOf, TooLarge } from './evaluate/circuit.ts';
import { Exact } from './evaluate/exact.ts';
import { FloatCircuit } from './evaluate/float.ts';
import { circuitOf } from './evaluate/interpret.ts';
import { Meaningless, product } from './evaluate/values.ts';
import type { Engines, Library } from './library.ts';
import { type ModelDescription, sampleOf } from './model/description.ts';
import { encode } from './model/encode.ts';
import { EUCLIDEAN, type Norms } from './norms.ts';
import type { Plan } from './plan.ts';
import { Random } from './random.ts';
import type { Tally } from './tally.ts';

export interface Violation {
  readonly kind: 'below' | 'lower' | 'error' | 'loose' | 'values' | 'rejected';
  readonly fault: string;
  readonly slope?: Slope & { readonly sample: readonly number[] };
}

export interface Trial {
  readonly model: ModelDescription;
  readonly plan: Plan;
  readonly nasty: boolean;
  /** Of the points that are tried. */
  readonly seed: number;
}

export interface Examiner {
  readonly library: Library;
  readonly engines: Engines;
  readonly tally?: Tally;
  /** Products with the Jacobian per model. */
  readonly effort: number;
  /** Milliseconds after which a model is let go. */
  readonly patience?: number;
}

/** In log10: what float64 loses in logarithms and slopes. */
const SLACK = 5e-12;
/** Relative, of what networks compute: written-out functions may be read as what they are meant to be, if the bound allows for it. */
const VALUES = 1e-6;
/** Relative, of a dense layer alone. */
const LOOSE = 1e-6;

export async function examine(trial: Trial, examiner: Examiner): Promise<Violation | undefined> {
  const { model, plan } = trial;
  const { library, engines } = examiner;
  const engine = await engines.get(plan.engine);
  if (!engine) return undefined;
  const tally = new Refusals(model, examiner.tally);
  const signal = examiner.patience === undefined ? undefined : AbortSignal.timeout(examiner.patience);
  const sample = sampleOf(model);
  let network: Network;
  let result: BoundResult;
  try {
    network = await library.load(encode(model), undefined);
    const values = plan.options.length ? undefined : compareValues(trial, network);
    if (values) return values;
    result = await library.bound(network, { ...plan.options, engine, ...(signal ? { signal } : {}) });
  } catch (error) {
    if (signal?.aborted) return undefined;
    examiner.tally?.count('outcomes', 'refused');
    return tally.refusedOrFault(error, 'bound');
  }
  const contradicts = contradiction(result);
  if (contradicts !== undefined) return { kind: 'error', fault: contradicts };
  const slopes = new Slopes(trial, examiner.effort);
  const claims = claimsOf(result);
  if (plan.certificate && result.proof) {
    try {
      const certificate = await library.certify(network, result, signal ? { signal } : {});
      claims.push({ what: 'the claim of the certificate', ...certificate.claim });
      const { accepted, reason } = await library.verify(network, certificate);
      if (!accepted)
        return { kind: 'rejected', fault: `a certificate just made must be accepted, got: ${reason}` };
    } catch (error) {
      if (signal?.aborted) return undefined;
      const fault = tally.refusedOrFault(error, 'certify', false);
      if (fault) return fault;
    }
  }
  if (plan.prefixes && !plan.options.target) {
    try {
      const last = (await library.prefixBounds(network, { engine })).at(-1);
      if (last) {
        claims.push({ what: `the prefix that ends with ${last.layer}`, ...last });
        claims.push({ what: `the norms up to ${last.layer}`, ...last.product });
      }
    } catch (error) {
      const fault = tally.refusedOrFault(error, 'prefixBounds', false);
      if (fault) return fault;
    }
  }
  if (plan.options.rigor === false) return undefined;
  examiner.tally?.count('outcomes', closeness(result, slopes.of(result.target)));
  return (
    belowSlope(claims, slopes.of(result.target)) ??
    marginsBelow(result, slopes) ??
    sensitivitiesBelow(result, slopes) ??
    beyondTruth(trial, result, slopes, sample)
  );
}

/** How much room there is for a fault. */
function closeness({ log10 }: BoundResult, slope: Found): string {
  const room = (log10 ?? -Infinity) - slope.log2 * Math.log10(2);
  if (room < 1e-6) return 'bounded, tight';
  return room < 0.005 ? 'bounded within 1 %' : room < 0.05 ? 'bounded within 12 %' : 'bounded loosely';
}

interface Claim {
  readonly what: string;
  readonly bound: number | null;
  /** Null where the bound is 0 or missing. */
  readonly log10: number | null;
}

function claimsOf(result: BoundResult): Claim[] {
  return [
    { what: 'the bound', bound: result.bound, log10: result.log10 },
    ...result.methods.map(({ method, rule, bound, log10 }) => ({
      what: [method, rule].join(' ').trim(),
      bound,
      log10,
    })),
  ];
}

type Found = Slope & { readonly sample: readonly number[] };

function belowSlope(claims: readonly Claim[], slope: Found): Violation | undefined {
  const truth = slope.log2 * Math.log10(2);
  for (const { what, bound, log10 } of claims) {
    if (bound === null && log10 === null) continue;
    if (bound !== null && !(bound >= 0))
      return { kind: 'error', fault: `${what} must be a number, got ${bound}` };
    const claimed = Math.min(
      log10 ?? (bound === 0 ? -Infinity : Infinity),
      bound === null ? Infinity : Math.log10(bound),
    );
    if (claimed >= truth - SLACK || truth === -Infinity) continue;
    const shown = (x: number) =>
      x === -Infinity ? '0' : Math.abs(x) < 15 ? (10 ** x).toPrecision(12) : `10^${x}`;
    const at = slope.sample.length > 1 ? ` for inputs of ${slope.sample.join('×')}` : '';
    return {
      kind: 'below',
      fault: `${what} must be at least the slope ${shown(truth)} found${at}, got ${shown(claimed)}`,
      slope,
    };
  }
  return undefined;
}

function marginsBelow({ margins }: BoundResult, slopes: Slopes): Violation | undefined {
  if (!margins) return undefined;
  for (const [i, j] of slopes.pairs(margins.length)) {
    const bound = margins[i]![j]!;
    const claim = { what: `the margin of outputs ${i} and ${j}`, bound, log10: null };
    const found = belowSlope([claim], slopes.of([i, j]));
    if (found) return found;
  }
  return undefined;
}

function sensitivitiesBelow(result: BoundResult, slopes: Slopes): Violation | undefined {
  for (const [k, bound] of result.sensitivities?.entries() ?? []) {
    const claim = { what: `the sensitivity of entry ${k} of the input`, bound, log10: null };
    const found = belowSlope([claim], slopes.alongEntry(k, result.target));
    if (found) return found;
  }
  return undefined;
}

/** What is known where the truth itself is. */
function beyondTruth(
  { model, plan }: Trial,
  { lower, bound, log10, target }: BoundResult,
  slopes: Slopes,
  sample: readonly number[],
): Violation | undefined {
  const circuit = slopes.circuit;
  const sampled = lower?.log10 ?? -Infinity;
  if (log10 !== null && sampled > log10 + 1e-9)
    return {
      kind: 'lower',
      fault: `the lower bound must not be above the bound 10^${log10}, got 10^${sampled}`,
    };
  if (plan.options.length || !circuit || natureOf(circuit) !== 'linear') return undefined;
  // In other norms the largest slope of a matrix is only searched for.
  if (!isEuclidean(normsOf(plan))) return undefined;
  const truth = slopes.of(target).log2 * Math.log10(2);
  if (lower?.assurance === 'rounding-safe' && sampled > truth + 1e-9)
    return { kind: 'lower', fault: `the lower bound must not be above 10^${truth}, got 10^${sampled}` };
  // A maximum of one entry is none, but may be bounded like those of several.
  if (model.nodes.some(({ op }) => /Max|Min/.test(op))) return undefined;
  const all = plan.options.method === undefined && !plan.options.rule && plan.engine !== 'webgpu';
  if (!all || sample.length !== 1 || target || !isOneMap(circuit) || !(Math.abs(truth) < 100))
    return undefined;
  if (!(log10 !== null && log10 <= truth + LOOSE))
    return {
      kind: 'loose',
      fault: `the bound of one dense layer must be 10^${truth} (${model.output}), got ${bound}`,
    };
  return undefined;
}

function isOneMap({ cells, outputs, inputs }: Circuit): boolean {
  return outputs.every((id) => id >= inputs && sourcesOf(cells[id]!).every((source) => source < inputs));
}

/** The steepest slopes of the whole output and of differences, at all lengths that the plan speaks of. */
class Slopes {
  readonly #circuits: { readonly circuit: Circuit; readonly sample: readonly number[] }[] = [];
  readonly #random: Random;
  readonly #trial: Trial;
  readonly #effort: number;
  readonly #norms: Norms;
  readonly #known = new Map<string, Found>();

  constructor(trial: Trial, effort: number) {
    this.#trial = trial;
    this.#norms = normsOf(trial.plan);
    this.#random = new Random(trial.seed);
    this.#effort = effort;
    const own = sampleOf(trial.model);
    for (const sample of trial.plan.options.length ? lengthsOf(trial, own, this.#random) : [own]) {
      try {
        this.#circuits.push({ circuit: circuitOf(trial.model, sample), sample });
      } catch (error) {
        if (!(error instanceof Meaningless || error instanceof TooLarge)) throw error;
      }
    }
  }

  /** At the length of the file. */
  get circuit(): Circuit | undefined {
    return this.#circuits[0]?.circuit;
  }

  pairs(outputs: number): (readonly [number, number])[] {
    const all = Array.from({ length: outputs }, (_, i) =>
      Array.from({ length: outputs }, (_, j) => [i, j] as const).filter(([a, b]) => a !== b),
    ).flat();
    return this.#random.shuffled(all).slice(0, 2);
  }

  of(pair: readonly [number, number] | undefined): Found {
    const key = pair?.join() ?? '';
    const known = this.#known.get(key);
    if (known) return known;
    let best: Found = { ...FLAT, sample: [] };
    const effort = Math.max(60, this.#effort / this.#circuits.length) * (pair ? 0.5 : 1);
    for (const { circuit, sample } of this.#circuits) {
      // There are fewer outputs at smaller lengths.
      if (pair?.some((k) => k >= circuit.outputs.length)) continue;
      const slope = steepest(pair ? difference(circuit, pair) : circuit, this.#random, {
        effort,
        nasty: this.#trial.nasty,
        norms: this.#norms,
      });
      if (slope.log2 > best.log2) best = { ...slope, sample };
    }
    this.#known.set(key, best);
    return best;
  }

  /** The slope where one entry of the input alone moves: from the steepest point found, and from one that is drawn. */
  alongEntry(k: number, pair: readonly [number, number] | undefined): Found {
    const { circuit: whole, sample } = this.#circuits[0] ?? {};
    if (!whole || !sample) return { ...FLAT, sample: [] };
    const circuit = pair ? difference(whole, pair) : whole;
    const direction = new Float64Array(circuit.inputs).fill(1, k, k + 1);
    const points = [Float64Array.from(this.of(pair).x), this.#random.normals(circuit.inputs, 1)];
    const found = points
      .filter(({ length }) => length === circuit.inputs)
      .map((x) => slopeAlong(circuit, x, direction, this.#norms));
    return { ...found.reduce((most, slope) => (slope.log2 > most.log2 ? slope : most), FLAT), sample };
  }
}

/** As the plan asks for it. */
function normsOf({ options }: Plan): Norms {
  const { norm = options.sensitivities ? '1' : '2', outputNorm = '2' } = options;
  return { input: norm, output: outputNorm };
}

function isEuclidean({ input, output }: Norms): boolean {
  return input === EUCLIDEAN.input && output === EUCLIDEAN.output;
}

function difference(circuit: Circuit, [i, j]: readonly [number, number]): Circuit {
  const sources = [circuit.outputs[i]!, circuit.outputs[j]!];
  const weights = [Exact.of(1), Exact.of(-1)];
  const cell = { kind: 'linear', sources, weights, bias: Exact.of(0) } as const;
  return { ...circuit, cells: [...circuit.cells, cell], outputs: [circuit.cells.length] };
}

/** The file's own first, then the smallest and some up to 40; of images some up to 7. */
function lengthsOf({ plan }: Trial, own: readonly number[], random: Random): (readonly number[])[] {
  const [channels, ...sides] = own as [number, ...number[]];
  const least = plan.options.smallestLength ?? 1;
  const from = (n: number) => Math.max(least, n);
  const samples: number[][] =
    sides.length === 1
      ? [1, 2, 3, 4, 5, random.integer(6, 12), random.integer(6, 20), random.integer(20, 40)].map((n) => [
          from(n),
        ])
      : Array.from({ length: 6 }, (_, k) => sides.map(() => from(k < 2 ? k + 1 : random.integer(1, 7))));
  if (sides.length === 2) samples.push([from(1), from(12)], [from(12), from(1)]);
  const all = [...(sides.every((n) => n >= least) ? [sides] : []), ...samples];
  return [...new Map(all.map((n) => [n.join(), [channels, ...n]])).values()];
}

/** What the reader's network computes against what the model says. */
function compareValues({ model, seed, nasty }: Trial, network: Network): Violation | undefined {
  if (nasty) return undefined;
  const sample = sampleOf(model);
  const circuit = new FloatCircuit(circuitOf(model, sample));
  const random = new Random(seed);
  for (const scale of [1, 5]) {
    const x = random.normals(product(sample), scale);
    const values = circuit.values(x);
    const expected = circuit.outputsOf(values);
    const got = evaluate(network, x);
    const size = values.reduce((most, value) => Math.max(most, Math.abs(value)), 1);
    if (!Number.isFinite(size)) return undefined;
    const off = expected.findIndex((value, k) => !(Math.abs(value - got[k]!) <= VALUES * size));
    if (off >= 0 || got.length !== expected.length)
      return {
        kind: 'values',
        fault: `output ${off} must be ${expected[off]} as the ONNX operators say, the network read computes ${got[off]}`,
        slope: { log2: 0, x: [...x], direction: [], sample },
      };
  }
  return undefined;
}

/** Whose fault a refusal is. */
export class Refusals {
  readonly #model: ModelDescription;
  readonly #tally: Tally | undefined;

  constructor(model: ModelDescription, tally: Tally | undefined) {
    this.#model = model;
    this.#tally = tally;
    for (const op of new Set(model.nodes.map((node) => node.op))) tally?.count('seen', op);
  }

  /** Refusals are counted; everything else is a fault of the program. */
  refusedOrFault(error: unknown, what: string, counted = true): Violation | undefined {
    if (error instanceof UnsupportedError || error instanceof InputError) {
      const names =
        error instanceof UnsupportedError
          ? error.items.map(({ node }) => node)
          : [error.message.split(':')[0]!];
      const ops = this.#model.nodes.filter(({ outputs }) => outputs.some((name) => names.includes(name)));
      if (counted) for (const op of new Set(ops.map((node) => node.op))) this.#tally?.count('refused', op);
      return undefined;
    }
    const shown = error instanceof Error ? (error.stack ?? error.message) : String(error);
    return {
      kind: 'error',
      fault: `${what} must give an answer or a refusal, threw ${shown.split('\n').slice(0, 4).join(' | ')}`,
    };
  }
}
