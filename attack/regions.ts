/**
 * Hunts for what is wrong around inputs: slopes in a ball above its local bound, and points in it at which another output is the largest
 * although the label is certified there.
 */
import type { Limits } from '../src/certify/limits.ts';
import { checkOrder, logitsOf } from '../src/certify/logits.ts';
import { type Circuit, natureOf, TooLarge } from './evaluate/circuit.ts';
import { Exact } from './evaluate/exact.ts';
import { exactDerivatives, exactOutputs, squaredNorm } from './evaluate/exactSlope.ts';
import { FloatCircuit } from './evaluate/float.ts';
import { circuitOf } from './evaluate/interpret.ts';
import { Refusals } from './examine.ts';
import { generate } from './generate/network.ts';
import type { Finding, Hunt } from './hunt.ts';
import { Engines, LIBRARY, type Library } from './library.ts';
import { type ModelDescription, sampleOf } from './model/description.ts';
import { encode } from './model/encode.ts';
import { EUCLIDEAN, log2Slope, norm } from './norms.ts';
import { Random } from './random.ts';
import { shrunk } from './shrink.ts';
import { Tally } from './tally.ts';

/** Milliseconds for one network. */
const PATIENCE = 10_000;
/** Points of a ball that are looked at. */
const POINTS = 24;
/** Steps from each: of a slope, and down a margin. */
const STEPS = 8;
/** In log2: what float64 loses in logarithms and slopes. */
const SLACK = 2e-11;

const KINDS = ['anchored', 'incremental'] as const;
/** Of what lies within limits: what the ball has of it, and all of it. */
const OF_DOMAINS = [
  { kind: 'anchored', all: false },
  { kind: 'incremental', all: false },
  { kind: 'incremental', all: true },
] as const;

interface Question {
  readonly centre: Float64Array;
  readonly radius: number;
  readonly limits?: Limits;
  readonly evaluations: number;
}

export class RegionHunt implements Hunt {
  readonly name = 'regions';
  readonly unit = 'regions';
  readonly tally = new Tally();
  readonly #library: Library;
  readonly #engines = new Engines();

  constructor(library: Library = LIBRARY) {
    this.#library = library;
  }

  async trial(seed: number): Promise<Finding | undefined> {
    const random = new Random(seed);
    const model = flattened(generate(random, 'fixed').model);
    const question = drawn(random, circuitOf(model, sampleOf(model)));
    const fault = await this.#fault(model, question, seed, this.tally);
    if (fault === undefined) return undefined;
    let last = fault;
    const small = await shrunk(model, async (smaller) => {
      // The centre stays what it is: the input is not made smaller.
      if (sampleOf(smaller).join() !== sampleOf(model).join()) return false;
      const again = await this.#fault(smaller, question, seed, undefined);
      if (again !== undefined) last = again;
      return again !== undefined;
    });
    const { centre, limits, ...rest } = question;
    const shown = {
      ...rest,
      centre: [...centre],
      limits: limits && [limits.low, limits.high].map((x) => [...(x as Float64Array)]),
    };
    return {
      hunt: this.name,
      seed,
      fault: last,
      files: new Map([
        ['model.onnx', encode(small)],
        ['original.onnx', encode(model)],
        ['question.json', new TextEncoder().encode(JSON.stringify({ fault: last, ...shown, model: small }))],
      ]),
      reproduce: 'localBound and certifySamples of model.onnx with what question.json asks',
    };
  }

  async close(): Promise<void> {
    await this.#engines.close();
  }

  async #fault(
    model: ModelDescription,
    question: Question,
    seed: number,
    tally: Tally | undefined,
  ): Promise<string | undefined> {
    const engine = (await this.#engines.get('cpu-wasm'))!;
    const refusals = new Refusals(model, tally);
    const signal = AbortSignal.timeout(PATIENCE);
    const { centre, radius } = question;
    let circuit: Circuit;
    try {
      circuit = circuitOf(model, sampleOf(model));
    } catch (error) {
      if (error instanceof TooLarge) return undefined;
      throw error;
    }
    const ball = new BallOf(circuit, question, new Random(seed));
    try {
      const network = await this.#library.load(encode(model), undefined);
      for (const kind of KINDS) {
        const value = await this.#library.localBound(network, centre, radius, { kind, engine, signal });
        tally?.count('outcomes', value === Infinity ? 'no local bound' : 'local bound');
        const fault = ball.steeper(kind, value);
        if (fault !== undefined) return fault;
      }
      const { limits: domain } = question;
      for (const { kind, all } of domain ? OF_DOMAINS : []) {
        const [point, reach] = all ? [undefined, Infinity] : [centre, radius];
        const options = { kind, domain: domain!, engine, signal };
        const value = await this.#library.localBound(network, point, reach, options);
        tally?.count('outcomes', value === Infinity ? 'no bound within limits' : 'bound within limits');
        const fault = ball.steeperWithin(kind, all, value);
        if (fault !== undefined) return fault;
      }
    } catch (error) {
      if (signal.aborted) return undefined;
      const { fault } = refusals.refusedOrFault(error, 'localBound') ?? {};
      if (fault !== undefined) return fault;
    }
    try {
      const network = await this.#library.load(encode(model), undefined);
      const samples = [{ index: 0, input: centre }];
      const { limits, evaluations } = question;
      const options = { engine, signal, radii: [radius], evaluations, attackStarts: 0 };
      const own = { ...options, ...(limits && { limits }), timeLimit: PATIENCE / 2000 };
      for await (const report of this.#library.certifySamples(network, samples, own)) {
        const { certified, stages, predicted } = report;
        tally?.count('outcomes', stages[radius] ?? 'not certified');
        if (predicted === null) {
          if (certified[radius]) return 'outputs that overflow must not be certified';
          continue;
        }
        const fault = certified[radius] ? ball.broken(predicted) : undefined;
        if (fault !== undefined) return `${fault}, certified by ${stages[radius]}`;
        // What the bounds of the whole network have decided nobody else was asked.
        if (stages[radius] !== 'global') continue;
        const logits = logitsOf(network);
        checkOrder(logits);
        const prover = await this.#library.createRegionProver(logits, { engine });
        const asked = { centre, label: predicted, radius, ...(limits && { limits }) };
        const [answer] = await prover.prove([asked], { evaluations, signal });
        tally?.count('outcomes', `prover: ${answer!.stage ?? 'not certified'}`);
        const wrong = answer!.certified ? ball.broken(predicted) : undefined;
        if (wrong !== undefined) return `${wrong}, proven by ${answer!.stage}`;
      }
    } catch (error) {
      if (signal.aborted) return undefined;
      return refusals.refusedOrFault(error, 'certifySamples', false)?.fault;
    }
    return undefined;
  }
}

/** With a vector of outputs, as classifiers have it. */
function flattened(model: ModelDescription): ModelDescription {
  const node = { op: 'Flatten', inputs: [model.output], outputs: ['flat'], attributes: { axis: { i: 1 } } };
  return { ...model, nodes: [...model.nodes, node], output: 'flat' };
}

function drawn(random: Random, circuit: Circuit): Question {
  const n = circuit.inputs;
  const scale = random.pick([1, 1, 1, 0.1, 10, 100, 1e-3]);
  const centre = random.normals(n, scale);
  // Kinks and ties are where numbers are round.
  if (random.chance(0.3)) for (let k = 0; k < n; k++) centre[k] = Math.round(centre[k]!);
  if (random.chance(0.1)) centre.fill(random.pick([0, 1, -1]));
  const guess = random.chance(0.6) ? linearRadius(circuit, centre) : scale;
  const radius = random.chance(0.05)
    ? random.pick([1e-160, 1e-30, 1e20, 1e150])
    : guess * 10 ** (random.chance(0.6) ? 1.3 * random.next() - 1 : 7 * random.next() - 5);
  const around = (sign: number) =>
    Float64Array.from(centre, (x) => x + sign * radius * random.pick([0, 0.05, 0.3, 2]));
  return {
    ...{ centre, radius },
    evaluations: random.pick([0, 20]),
    ...(random.chance(0.25) && { limits: { low: around(-1), high: around(1) } }),
  };
}

/** Where the largest two outputs would meet, were the circuit linear; 1 where they do not. */
function linearRadius(circuit: Circuit, centre: Float64Array): number {
  const float = new FloatCircuit(circuit);
  const values = float.values(centre);
  const outputs = float.outputsOf(values);
  const label = outputs.indexOf(Math.max(...outputs));
  if (outputs.length < 2 || label < 0) return 1;
  const other = largestOther(outputs, label);
  const u = new Float64Array(outputs.length);
  [u[label], u[other]] = [1, -1];
  const radius = (outputs[label]! - outputs[other]!) / norm(float.pull(values, u));
  return radius > 0 && radius < Infinity ? radius : 1;
}

/** What a circuit does in a ball, and within limits for classes. */
class BallOf {
  readonly #circuit: Circuit;
  readonly #float: FloatCircuit;
  readonly #exact: boolean;
  readonly #question: Question;
  readonly #random: Random;

  constructor(circuit: Circuit, question: Question, random: Random) {
    this.#circuit = circuit;
    this.#float = new FloatCircuit(circuit);
    this.#exact = natureOf(circuit) !== 'smooth';
    this.#question = question;
    this.#random = random;
  }

  /** A slope of the kind above a bound. */
  steeper(kind: (typeof KINDS)[number], bound: number): string | undefined {
    if (!(bound >= 0)) return `the ${kind} bound must be a number from 0 on, got ${bound}`;
    if (bound === Infinity) return undefined;
    const claimed = Math.log2(bound);
    const { centre } = this.#question;
    for (let k = 0; k < POINTS; k++) {
      const x = kind === 'anchored' && k < POINTS / 3 ? centre : this.#point(k);
      const secant = kind === 'anchored' && x !== centre && this.#inside(x);
      const log2 = secant ? this.#secant(x, centre) : this.#slope(x);
      if (log2 > claimed + SLACK)
        return `the ${kind} bound within ${this.#question.radius} must be at least the slope 2^${log2} found, got 2^${claimed}`;
    }
    return undefined;
  }

  /**
   * A slope between two points that keep the limits above a bound.
   * @param all whether they may lie outside of the ball
   */
  steeperWithin(kind: (typeof KINDS)[number], all: boolean, bound: number): string | undefined {
    if (!(bound >= 0)) return `the ${kind} bound within limits must be a number from 0 on, got ${bound}`;
    if (bound === Infinity) return undefined;
    const claimed = Math.log2(bound);
    const { centre, radius } = this.#question;
    for (let k = 0; k < POINTS; k++) {
      const from = kind === 'anchored' ? centre : this.#pointWithin(k, all);
      let to = this.#pointWithin(k + 1, all);
      // Near each other, where a slope is that of one piece; between two points that keep limits every other one does.
      if (kind === 'incremental' && k % 2 === 0) to = to.map((x, n) => from[n]! + 1e-3 * (x - from[n]!));
      this.#withinLimits(to);
      if (!all && !(this.#inside(from) && this.#inside(to))) continue;
      const log2 = this.#secant(to, from);
      if (log2 > claimed + SLACK)
        return `the ${kind} bound within limits${all ? '' : ` and ${radius}`} must be at least the slope 2^${log2} found, got 2^${claimed}`;
    }
    return undefined;
  }

  /** A point that keeps the limits: of the ball, or anywhere, often in a corner. */
  #pointWithin(k: number, all: boolean): Float64Array {
    if (!all) {
      const x = this.#point(k);
      this.#withinLimits(x);
      return x;
    }
    const { low, high } = this.#question.limits as { low: Float64Array; high: Float64Array };
    const corner = k % 2 === 0;
    const x = low.map((l, n) => {
      const t = corner ? this.#random.pick([0, 1]) : this.#random.next();
      return t === 1 ? high[n]! : l + t * (high[n]! - l);
    });
    this.#withinLimits(x);
    return x;
  }

  /** A point at which the label is not the largest output. */
  broken(label: number): string | undefined {
    const { length } = this.#float.outputs;
    for (let k = 0; k < POINTS; k++) {
      const x = this.#point(k);
      const rival = this.#random.integer(0, length - 2);
      for (let step = 0; step <= STEPS; step++) {
        this.#withinLimits(x);
        const other = this.#inside(x) ? this.#largerThan(label, x) : undefined;
        if (other !== undefined)
          return `output ${label} must be the largest within ${this.#question.radius}, output ${other} is as large at [${x.join(', ')}]`;
        if (step === STEPS) break;
        const values = this.#float.values(x);
        const outputs = this.#float.outputsOf(values);
        const u = new Float64Array(length);
        u[label] = -1;
        u[step % 2 === 0 ? largestOther(outputs, label) : rival + Number(rival >= label)] = 1;
        const up = this.#float.pull(values, u);
        const size = norm(up);
        if (!(size > 0 && size < Infinity)) break;
        // The far side of the ball in the direction of the gradient, nearer and nearer to where it was.
        const share = 0.7 ** step;
        for (let n = 0; n < x.length; n++) {
          const far = this.#question.centre[n]! + (this.#question.radius * up[n]!) / size;
          x[n] = x[n]! + share * (far - x[n]!);
        }
        this.#pulledInside(x);
      }
    }
    return undefined;
  }

  /** Somewhere in the ball: nearly on its sphere, or nearer; along an axis, or anywhere. */
  #point(k: number): Float64Array {
    const { centre, radius } = this.#question;
    const n = centre.length;
    const direction = k % 3 === 0 ? new Float64Array(n) : this.#random.normals(n);
    if (k % 3 === 0) direction[this.#random.integer(0, n - 1)] = this.#random.pick([1, -1]);
    const reach = this.#random.pick([1, 1, this.#random.next(), 1e-3]) * radius * (1 - 1e-12);
    const size = norm(direction);
    const x = Float64Array.from(centre, (c, i) => c + (reach / size) * direction[i]!);
    this.#pulledInside(x);
    return x;
  }

  #pulledInside(x: Float64Array): void {
    const { centre } = this.#question;
    for (let k = 0; k < 4 && !this.#inside(x); k++)
      for (let n = 0; n < x.length; n++) x[n] = centre[n]! + (x[n]! - centre[n]!) * (1 - 4 ** (k - 26));
  }

  #withinLimits(x: Float64Array): void {
    const { limits, centre } = this.#question;
    if (!limits) return;
    const [low, high] = [limits.low as Float64Array, limits.high as Float64Array];
    // Towards the centre: the distance gets no larger.
    for (let n = 0; n < x.length; n++)
      x[n] = Math.min(Math.max(x[n]!, Math.min(low[n]!, centre[n]!)), Math.max(high[n]!, centre[n]!));
  }

  /** Exactly. */
  #inside(x: Float64Array): boolean {
    if (!x.every(Number.isFinite)) return false;
    const { centre, radius } = this.#question;
    const square = squaredNorm([...x].map((value, n) => Exact.of(value).minus(Exact.of(centre[n]!))));
    return square.compare(Exact.of(radius).times(Exact.of(radius))) <= 0;
  }

  #largerThan(label: number, x: Float64Array): number | undefined {
    if (this.#exact) {
      const outputs = exactOutputs(this.#circuit, x);
      const other = outputs.findIndex((value, j) => j !== label && value.compare(outputs[label]!) >= 0);
      return other < 0 ? undefined : other;
    }
    const { middle, radius } = this.#float.enclosedPush(x, new Float64Array(x.length)).outputs;
    const high = middle[label]! + radius[label]!;
    const other = middle.findIndex(
      (value, j) => j !== label && value - radius[j]! > high + 1e-12 * Math.abs(high),
    );
    return other < 0 ? undefined : other;
  }

  /** log2 of ‖f(x) − f(y)‖ / ‖x − y‖, certainly not above the truth but for rounding of the logarithm. */
  #secant(x: Float64Array, y: Float64Array): number {
    const apart = squaredNorm([...x].map((value, n) => Exact.of(value).minus(Exact.of(y[n]!))));
    if (apart.sign === 0) return -Infinity;
    if (this.#exact) {
      const [a, b] = [exactOutputs(this.#circuit, x), exactOutputs(this.#circuit, y)];
      const square = squaredNorm(a.map((value, k) => value.minus(b[k]!)));
      return square.sign === 0 ? -Infinity : (square.log2() - apart.log2()) / 2;
    }
    const none = new Float64Array(x.length);
    const [a, b] = [x, y].map((at) => this.#float.enclosedPush(at, none).outputs);
    const certain = a!.middle.map((value, k) => {
      const far = Math.abs(value - b!.middle[k]!);
      const doubt = a!.radius[k]! + b!.radius[k]! + 1e-15 * (Math.abs(value) + Math.abs(b!.middle[k]!));
      return Math.max(0, far - doubt);
    });
    const size = norm(certain) * (1 - 1e-12);
    return size > 0 && size < Infinity ? Math.log2(size) - apart.log2() / 2 : -Infinity;
  }

  /** log2 of the steepest derivative at x that a few products with the Jacobian find. */
  #slope(x: Float64Array): number {
    if (!this.#inside(x)) return -Infinity;
    const values = this.#float.values(x);
    let v = this.#random.normals(x.length);
    for (let k = 0; k < STEPS; k++) {
      const next = this.#float.pull(values, this.#float.push(values, v));
      const size = norm(next);
      if (!(size > 0 && size < Infinity)) break;
      v = next.map((value) => value / size);
    }
    // On the sphere a direction may lead out of the ball: then its opposite does not.
    const leaves = v.reduce((sum, value, n) => sum + value * (x[n]! - this.#question.centre[n]!), 0) >= 0;
    const direction = leaves ? v.map((value) => -value) : v;
    if (this.#exact)
      return log2Slope(exactDerivatives(this.#circuit, x, [direction])[0]!, direction, EUCLIDEAN);
    const { middle, radius } = this.#float.enclosedPush(x, direction);
    const certain = middle.map((value, k) => Math.max(0, Math.abs(value) - radius[k]!));
    const size = (norm(certain) / norm(direction)) * (1 - 1e-12);
    return size > 0 && size < Infinity ? Math.log2(size) : -Infinity;
  }
}

function largestOther(values: Float64Array, label: number): number {
  let best = label === 0 ? 1 : 0;
  for (let j = 0; j < values.length; j++) if (j !== label && values[j]! > values[best]!) best = j;
  return best;
}
