/**
 * Hunts for what is wrong around inputs: slopes in a ball above its local bound, and points in it at which another output is the largest
 * although the label is certified there.
 */
import { checkOrder, logitsOf } from '../src/certify/logits.ts';
import { type Ball, BallOf, KINDS, largestOther } from './ball.ts';
import { type Circuit, TooLarge } from './evaluate/circuit.ts';
import { FloatCircuit } from './evaluate/float.ts';
import { circuitOf } from './evaluate/interpret.ts';
import { Refusals } from './examine.ts';
import { generate } from './generate/network.ts';
import type { Finding, Hunt } from './hunt.ts';
import { Engines, LIBRARY, type Library } from './library.ts';
import { type ModelDescription, sampleOf } from './model/description.ts';
import { encode } from './model/encode.ts';
import { norm } from './norms.ts';
import { Random } from './random.ts';
import { shrunk } from './shrink.ts';
import { Tally } from './tally.ts';

/** Milliseconds for one network. */
const PATIENCE = 10_000;
/** Gradients of a search in a region. */
const EVALUATIONS = 8;

/** Of what lies within limits: what the ball has of it, and all of it. */
const OF_DOMAINS = [
  { kind: 'anchored', all: false },
  { kind: 'incremental', all: false },
  { kind: 'incremental', all: true },
] as const;

interface Question extends Ball {
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
    const question = drawnBall(random, circuitOf(model, sampleOf(model)));
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
        const value = await this.#library.localBound(network, centre, radius, {
          ...{ kind, engine, signal, evaluations: EVALUATIONS },
        });
        tally?.count('outcomes', value === Infinity ? 'no local bound' : 'local bound');
        const fault = ball.steeper(kind, value);
        if (fault !== undefined) return fault;
      }
      const { limits: domain } = question;
      for (const { kind, all } of domain ? OF_DOMAINS : []) {
        const [point, reach] = all ? [undefined, Infinity] : [centre, radius];
        const options = { kind, domain: domain!, engine, signal, evaluations: EVALUATIONS };
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

export function drawnBall(random: Random, circuit: Circuit): Question {
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
