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
import {
  covarianceOfEllipsoid,
  covarianceOfInputs,
  type Sectors,
} from '../../ellipsoid/region/covariance.ts';
import { FactoredPass } from '../../ellipsoid/region/factored/factoredPass.ts';
import {
  ellipsoidAround,
  extentOf,
  type Slack,
  slackOf,
  slackOfBox,
  startWithLimits,
} from '../../ellipsoid/region/limits.ts';
import { LinearForms } from '../../ellipsoid/region/linearForms.ts';
import { largestDifference, type State, startOf } from '../../ellipsoid/region/state.ts';
import type { Engine } from '../../engine/engine.ts';
import { InputError } from '../../errors.ts';
import { PreparedNetwork } from '../../network/evaluation/preparedNetwork.ts';
import type { Network } from '../../network/network.ts';
import type {
  OutputEnclosure,
  RegionAnswer,
  RegionEffort,
  RegionProver,
  RegionQuestion,
  RegionStage,
} from './prover.ts';
import {
  bytesOfProof,
  hasRoomForForms,
  type ProverOptions,
  proverEngine,
  refuseLarge,
} from './proverEngine.ts';
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
  return new Prover(network, prepared, engine, close, hasRoomForForms(prepared, options.memory));
}

/** Of many outputs, those whose slopes a first ellipsoid is made for. */
const MOST_SLOPES = 64;
/** Ellipsoids around a box that are tried for one pair of outputs. */
const ROUNDS = 4;

/** Inputs Σ Δ² / σ ≤ radius² (σ = 1 where there is none), and the covariance in front of the first stage. */
interface Ellipsoid {
  readonly covariance: Float64Array;
  readonly radius: number;
  readonly sigma?: Float64Array;
}

/** A question with what is around it. */
interface Located {
  readonly centre: Float64Array;
  readonly label: number;
  readonly around: Ellipsoid;
  readonly slack: Slack | undefined;
  /** Half widths of a box, whose ellipsoid is free. */
  readonly widths: Float64Array | undefined;
}

class Prover implements RegionProver {
  readonly inputs: number;
  readonly outputs: number;
  readonly bytes: number;
  readonly #prepared: PreparedChain;
  readonly #network: PreparedNetwork;
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

  constructor(
    network: Network,
    prepared: PreparedChain,
    engine: Engine,
    close: () => Promise<void>,
    withForms: boolean,
  ) {
    this.#network = new PreparedNetwork(network);
    this.#prepared = prepared;
    this.#engine = engine;
    this.#close = close;
    this.#withForms = withForms;
    const { chain } = prepared;
    this.inputs = chain.inputs;
    this.outputs = chain.outputs;
    this.bytes = bytesOfProof(prepared, withForms);
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
    const reach = Math.max(question.radius, LEAST_RADIUS);
    const algebra = new Algebra(this.#engine, effort.signal);
    const { first } = this.#prepared;
    const box = question.norm === 'inf' ? slackOfBox(centre, reach, limits) : undefined;
    const extent = box && extentOf(box);
    // A box is what its ball through the farthest corner and its sides have in common.
    const radius = extent ? Math.max(extent.corner, LEAST_RADIUS) : reach;
    const slack = box ?? (limits && slackOf(centre, radius, limits));
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
    this.#factored ??= (await FactoredPass.prepare(algebra, this.#prepared, this.#covariance)) ?? null;
    const factored = effort.proof ? null : this.#factored;
    // The cheap ones first: forms, unless much of the ellipsoid is of no more entries than the input.
    if (withForms && !factored) {
      await proveByForms();
      if (proven()) return answer('anchored closed form');
    }
    let around: Ellipsoid = { covariance: this.#covariance, radius };
    if (extent && !factored && !effort.proof) {
      around = await this.#around(algebra, extent.widths, this.#slopes(centre, label));
    }
    const level = above(around.radius * around.radius);
    if (factored) {
      const begun = await factored.run(algebra, centre, level, known);
      pass = begun && (await anchoredPass(algebra, this.#prepared, begun.state, undefined, begun.stages));
    } else {
      const start = startOf(first, around.covariance, centre, new Float64Array(this.inputs), level);
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
      const region = { centre, label, around, slack, widths: around.sigma && extent?.widths };
      const moved = await this.#moved(algebra, region, pass, j, effort);
      if (moved) {
        improve(ofState(moved.state));
        centres.push(moved);
      }
      if (!(margins[j]! > 0)) return answer(undefined);
    }
    return answer('moving centre');
  }

  /** The ellipsoid around a box that is best for a functional. */
  async #around(algebra: Algebra, widths: Float64Array, functional: Float64Array): Promise<Ellipsoid> {
    const sigma = ellipsoidAround(widths, functional);
    this.#rows ??= await LinearForms.rowsOfInputs(algebra, this.#prepared);
    const covariance = await covarianceOfEllipsoid(algebra, this.#prepared.first, this.#rows, sigma);
    return { covariance, radius: 1, sigma };
  }

  /** For every input how much it matters at the centre: the largest |∂(f_j − f_label)| of all other outputs j. */
  #slopes(centre: Float64Array, label: number): Float64Array {
    const at = this.#network.linearise(centre);
    const most = new Float64Array(this.inputs);
    for (let j = 0; j < Math.min(this.outputs, MOST_SLOPES); j++) {
      if (j === label) continue;
      const slope = at.pull(difference(this.outputs, j, label));
      for (let i = 0; i < most.length; i++) most[i] = Math.max(most[i]!, Math.abs(slope[i]!));
    }
    return most;
  }

  /** What a moving centre gives for output j against the label. */
  async #moved(
    algebra: Algebra,
    { centre, label, around: first, slack, widths }: Located,
    { stages: reports, output }: AnchoredPass,
    j: number,
    { evaluations, proof }: RegionEffort,
  ): Promise<(MovedPass & { readonly offset: Float64Array | null }) | undefined> {
    const { chain, first: linear } = this.#prepared;
    const stages = reports.map(neuronsOf);
    const readOut = chain.last.transpose(difference(this.outputs, j, label));
    const problemIn = ({ covariance, radius, sigma }: Ellipsoid): Problem => ({
      linear: chain.stages.map(({ linear }) => linear),
      ...{ covariance, stages, readOut, radius },
      difference: output.anchor[j]! - output.anchor[label]!,
      ...(sigma && { sigma }),
      ...(slack && { slack }),
    });
    let around = first;
    let problem = problemIn(around);
    const { start, least, most } = boundsOf(problem, stages);
    const target = -(proof ? ROOM_OF_PROOF : ROOM) * (1 + Math.abs(problem.difference));
    let begin = start;
    if (widths) {
      // The ellipsoid for this pair: at the best one the next is itself.
      let here = await evaluate(algebra, problem, start);
      for (let k = 0; here && k < ROUNDS && !(here.value < target); k++) {
        const next = await this.#around(algebra, widths, here.functional());
        const there = await evaluate(algebra, problemIn(next), here.x);
        if (!there || !(there.value < here.value)) break;
        [around, here] = [next, there];
        problem = problemIn(next);
        begin = there.x;
      }
    }
    const found = await minimise((x) => evaluate(algebra, problem, x), begin, {
      least,
      most,
      evaluations,
      target,
    });
    if (!found || !(found.value < 0)) return undefined;
    let offset: Float64Array = new Float64Array(this.inputs);
    let level = above(around.radius * around.radius);
    if (slack) {
      const at = found.x.length - 2 * this.inputs;
      const scaled = (from: number) => found.x.slice(from, from + this.inputs).map((v) => v / found.mu);
      ({ offset, level } = startWithLimits(
        around.radius,
        slack,
        scaled(at),
        scaled(at + this.inputs),
        around.sigma,
      ));
    }
    const state = startOf(linear, around.covariance, centre, offset, level);
    const last = await lastPass(algebra, this.#prepared, state, reports, stages, found.x);
    return last && { ...last, offset: slack ? offset : null };
  }
}

function difference(outputs: number, j: number, i: number): Float64Array {
  const read = new Float64Array(outputs);
  read[j] = 1;
  read[i] = -1;
  return read;
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
