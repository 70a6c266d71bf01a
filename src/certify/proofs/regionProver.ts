/** Classes proven on balls around points (docs/mathematics.md §8): linear forms, an ellipsoid in closed form, then a moving centre for the pairs they leave. */

import { Algebra } from '../../ellipsoid/region/algebra.ts';
import { type AnchoredPass, anchoredPass, PreparedChain } from '../../ellipsoid/region/anchoredPass.ts';
import { dimension, evaluate, type Problem } from '../../ellipsoid/region/centre/evaluation.ts';
import { lastPass, type MovedPass } from '../../ellipsoid/region/centre/lastPass.ts';
import {
  type Neurons,
  neuronsOf,
  PER_NEURON,
  writeLeast,
  writeMost,
  writeStart,
} from '../../ellipsoid/region/centre/parameters.ts';
import { minimise } from '../../ellipsoid/region/centre/search.ts';
import { chainOf } from '../../ellipsoid/region/chain.ts';
import { covarianceOfInputs, type Sectors } from '../../ellipsoid/region/covariance.ts';
import { FactoredPass } from '../../ellipsoid/region/factored/factoredPass.ts';
import { type Slack, slackOf, startWithLimits } from '../../ellipsoid/region/limits.ts';
import { LinearForms } from '../../ellipsoid/region/linearForms.ts';
import { largestDifference, type State, startOf } from '../../ellipsoid/region/state.ts';
import type { Engine } from '../../engine/engine.ts';
import { InputError } from '../../errors.ts';
import type { Network } from '../../network/network.ts';
import type {
  OutputEnclosure,
  RegionAnswer,
  RegionEffort,
  RegionProver,
  RegionQuestion,
  RegionStage,
} from './prover.ts';
import { hasRoomForForms, type ProverOptions, proverEngine, refuseLarge } from './proverEngine.ts';
import { proofOf } from './regionProof.ts';

/** A larger region is as good, and the square of its radius is not lost. */
const LEAST_RADIUS = 2 ** -300;
/** Uncertain neurons, in units of inputs, of which linear forms prove nothing any more that the ellipsoid does not: their additions add up. */
const MOST_FOR_FORMS = 2;
/** How far below 0 a search ends, relative to the difference at the centre, so that its proof has room for rounding. */
const ROOM = 1e-9;
/** And for that of others, who check it. */
const ROOM_OF_PROOF = 1e-6;

/**
 * A prover for a network as its file has it. A softmax at the end is left off: outputs and margins are those of what it reads.
 * @throws UnsupportedError where the network has no such proof here, or one that takes more memory
 */
export async function createRegionProver(
  network: Network,
  options: ProverOptions = {},
): Promise<RegionProver> {
  const prepared = new PreparedChain(chainOf(network));
  refuseLarge(prepared, options.memory);
  const { engine, close } = await proverEngine(options.engine);
  return new Prover(prepared, engine, close, hasRoomForForms(prepared, options.memory));
}

class Prover implements RegionProver {
  readonly inputs: number;
  readonly outputs: number;
  readonly #prepared: PreparedChain;
  readonly #engine: Engine;
  readonly #close: () => Promise<void>;
  /** Whether there are functions, all of them ReLUs: of these alone the centre moves. */
  readonly #moves: boolean;
  readonly #withForms: boolean;
  #covariance: Float64Array | undefined;
  /** Of linear forms. */
  #rows: Float64Array | undefined;
  /** Null where the chain has none. */
  #factored: FactoredPass | null | undefined;

  constructor(prepared: PreparedChain, engine: Engine, close: () => Promise<void>, withForms: boolean) {
    this.#prepared = prepared;
    this.#engine = engine;
    this.#close = close;
    this.#withForms = withForms;
    const { chain } = prepared;
    this.inputs = chain.inputs;
    this.outputs = chain.outputs;
    const ofReLUs = chain.stages.every(({ blocks }) =>
      blocks.every(({ function: f }) => f === undefined || f.name === 'relu'),
    );
    this.#moves = ofReLUs && chain.stages.length > 0;
  }

  async evaluate(inputs: readonly Float64Array[]): Promise<readonly OutputEnclosure[]> {
    return inputs.map((x) => {
      this.#check(x);
      const { middle, radius } = this.#prepared.enclose(x);
      return {
        low: middle.map((value, i) => below(value - radius[i]!)),
        high: middle.map((value, i) => -below(-value - radius[i]!)),
      };
    });
  }

  async prove(questions: readonly RegionQuestion[], effort: RegionEffort): Promise<readonly RegionAnswer[]> {
    const answers: RegionAnswer[] = [];
    for (const question of questions) answers.push(await this.#answer(question, effort));
    return answers;
  }

  close(): void {
    void this.#close();
  }

  #check(x: Float64Array): void {
    if (x.length !== this.inputs)
      throw new RangeError(`region: the input has ${this.inputs} entries, got ${x.length}`);
    if (!x.every(Number.isFinite)) throw new InputError('region: the centre must be finite');
  }

  async #answer(question: RegionQuestion, effort: RegionEffort): Promise<RegionAnswer> {
    const { centre, label, limits } = question;
    this.#check(centre);
    if (!(Number.isInteger(label) && label >= 0 && label < this.outputs))
      throw new RangeError(`region: the label must be in [0, ${this.outputs - 1}], got ${label}`);
    if (!(question.radius >= 0 && question.radius < Infinity))
      throw new RangeError(`region: the radius must be a finite number from 0 on, got ${question.radius}`);
    const margins = new Float64Array(this.outputs).fill(-Infinity);
    margins[label] = 0;
    const improve = (differenceTo: (j: number) => number) => {
      for (let j = 0; j < this.outputs; j++) {
        if (j === label) continue;
        const margin = -differenceTo(j);
        // NaN is no margin.
        if (margin > margins[j]!) margins[j] = margin;
      }
    };
    let pass: AnchoredPass | undefined;
    const centres: { readonly offset: Float64Array | null; readonly sectors: readonly Sectors[] }[] = [];
    const answer = (stage: RegionStage | undefined): RegionAnswer => {
      const proof = stage && pass && effort.proof && proofOf(this.#prepared.chain, radius, pass, centres);
      return { certified: stage !== undefined, stage, margins, ...(proof && { proof }) };
    };
    const proven = () => margins.every((margin, j) => j === label || margin > 0);
    if (question.radius === 0) {
      const { middle, radius: error } = this.#prepared.enclose(centre);
      for (let j = 0; j < this.outputs; j++) {
        if (j === label) continue;
        const margin = below(below(middle[label]! - middle[j]!) - above(error[label]! + error[j]!));
        if (margin > -Infinity) margins[j] = margin;
      }
      return answer(proven() ? 'anchored closed form' : undefined);
    }
    const radius = Math.max(question.radius, LEAST_RADIUS);
    const algebra = new Algebra(this.#engine, effort.signal);
    const { first } = this.#prepared;
    const slack = limits && slackOf(centre, radius, limits);
    const formsOf = async () => {
      this.#rows ??= await LinearForms.rowsOfInputs(algebra, this.#prepared);
      const region = { centre, radius, ...(slack && { slack }) };
      return LinearForms.start(algebra, this.#prepared, region, this.#rows);
    };
    let forms = slack && (await formsOf());
    const known = forms?.ranges();
    // Forms prove, but nobody else checks them.
    const withForms = this.#withForms && !effort.proof;
    const proveByForms = async () => {
      forms ??= await formsOf();
      const own = forms;
      await own.toOutput();
      improve((j) => own.largestDifference(j, label));
    };
    this.#covariance ??= await covarianceOfInputs(algebra, first);
    const covariance = this.#covariance;
    this.#factored ??= (await FactoredPass.prepare(algebra, this.#prepared, covariance)) ?? null;
    const factored = effort.proof ? null : this.#factored;
    // The cheap ones first: forms, unless much of the ellipsoid is of no more entries than the input.
    if (withForms && !factored) {
      await proveByForms();
      if (proven()) return answer('anchored closed form');
    }
    const level = above(radius * radius);
    if (factored) {
      const begun = await factored.run(algebra, centre, level, known);
      pass = begun && (await anchoredPass(algebra, this.#prepared, begun.state, undefined, begun.stages));
    } else {
      const start = startOf(first, covariance, centre, new Float64Array(this.inputs), level);
      pass = await anchoredPass(algebra, this.#prepared, start, known);
    }
    const ofState = (state: State) => (j: number) => largestDifference(state, j, label);
    if (pass) improve(ofState(pass.output));
    if (proven()) return answer('anchored closed form');
    if (withForms && factored && (!pass || uncertainOf(pass) <= MOST_FOR_FORMS * this.inputs)) {
      await proveByForms();
      if (proven()) return answer('anchored closed form');
    }
    if (!pass) return answer(undefined);
    if (!this.#moves || effort.evaluations <= 0) return answer(undefined);
    // Hardest first: one pair that is left is enough to leave the question open.
    const order = [...margins.keys()].filter((j) => j !== label).sort((i, j) => margins[i]! - margins[j]!);
    for (const j of order) {
      if (margins[j]! > 0) continue;
      const moved = await this.#moved(algebra, { ...question, radius }, pass, slack, j, effort);
      if (moved) {
        improve(ofState(moved.state));
        centres.push(moved);
      }
      if (!(margins[j]! > 0)) return answer(undefined);
    }
    return answer('moving centre');
  }

  /** What a moving centre gives for output j against the label. */
  async #moved(
    algebra: Algebra,
    { centre, label, radius }: RegionQuestion,
    { stages: reports, output }: AnchoredPass,
    slack: Slack | undefined,
    j: number,
    { evaluations, proof }: RegionEffort,
  ): Promise<(MovedPass & { readonly offset: Float64Array | null }) | undefined> {
    const { chain, first } = this.#prepared;
    const stages = reports.map(neuronsOf);
    const unit = new Float64Array(this.outputs);
    unit[j] = 1;
    unit[label] = -1;
    const problem: Problem = {
      linear: chain.stages.map(({ linear }) => linear),
      covariance: this.#covariance!,
      stages,
      readOut: chain.last.transpose(unit),
      difference: output.anchor[j]! - output.anchor[label]!,
      radius,
      ...(slack && { slack }),
    };
    const { start, least, most } = boundsOf(problem, stages);
    const target = -(proof ? ROOM_OF_PROOF : ROOM) * (1 + Math.abs(problem.difference));
    const found = await minimise((x) => evaluate(algebra, problem, x), start, {
      least,
      most,
      evaluations,
      target,
    });
    if (!found || !(found.value < 0)) return undefined;
    let offset: Float64Array = new Float64Array(this.inputs);
    let level = above(radius * radius);
    if (slack) {
      const at = found.x.length - 2 * this.inputs;
      const scaled = (from: number) => found.x.slice(from, from + this.inputs).map((v) => v / found.mu);
      ({ offset, level } = startWithLimits(radius, slack, scaled(at), scaled(at + this.inputs)));
    }
    const begin = startOf(first, this.#covariance!, centre, offset, level);
    const last = await lastPass(algebra, this.#prepared, begin, reports, stages, found.x);
    return last && { ...last, offset: slack ? offset : null };
  }
}

function uncertainOf({ stages }: AnchoredPass): number {
  return stages.reduce((sum, { sectors }) => sum + sectors.uncertain.length, 0);
}

function boundsOf(problem: Problem, stages: readonly Neurons[]) {
  const size = dimension(problem);
  const [start, least, most] = [0, 0, Infinity].map((value) => new Float64Array(size).fill(value)) as [
    Float64Array,
    Float64Array,
    Float64Array,
  ];
  let at = 0;
  for (const neurons of stages) {
    writeStart(neurons, start, at);
    writeLeast(neurons, least, at);
    writeMost(neurons, most, at);
    at += PER_NEURON * neurons.uncertain.length;
  }
  return { start, least, most };
}

function above(value: number): number {
  return value + Math.abs(value) * 2 ** -52 + Number.MIN_VALUE;
}

function below(value: number): number {
  return value - Math.abs(value) * 2 ** -52 - Number.MIN_VALUE;
}
