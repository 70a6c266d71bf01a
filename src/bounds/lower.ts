/**
 * A lower bound on the Lipschitz constant: the largest ‖J(x) v‖ / ‖v‖ that a search over points x and directions v finds,
 * with proof where there is one. It says how far the upper bound can at most be from the truth.
 *
 * At a point the best v is the first singular vector of J, by power iteration. To find points, two ends x ± h v are moved
 * up the slope of ‖f(x + h v) − f(x − h v)‖: with u the direction of that difference and g± = Jᵀ u at the two ends, v turns
 * to g₊ + g₋ (power iteration on the mean Jacobian between them) and x moves along g₊ − g₋. That crosses kinks that the
 * gradient of ‖J(x) v‖ does not see, and works for every operator alike; h shrinks on the way.
 *
 * The search may round as it likes: what is returned comes from an enclosure of J v at the best point found
 * (`encloseDerivative`), which takes in all rounding, and kinks. In deep wide networks it is too wide to say anything, as
 * it knows of no cancellation between the entries of a layer. Then the computed slope itself is returned, and that it is so.
 */
import { encloseDerivative } from '../network/evaluation/enclosure.ts';
import { type Linearisation, PreparedNetwork } from '../network/evaluation/preparedNetwork.ts';
import type { Network } from '../network/network.ts';
import type { Affine } from '../network/operator.ts';
import { product } from '../network/size.ts';
import { type Scaled, scaled, ZERO } from '../scaled.ts';
import { normals } from './normals.ts';

/** Multiplications that the search takes, about: half a second to a second on one core. */
const OPERATIONS = 5e8;

/** Products with the network or its Jacobian, whatever they cost: beyond the most little is gained, under the least nothing found. */
const MOST_PRODUCTS = 500;
const LEAST_PRODUCTS = 12;

/** Of the starting points, in the order in which they are tried: networks that saturate are steep near zero, others far away. */
const SCALES = [1, 0.1, 10, 0, 0.01, 100];

const STEPS_OF_SAMPLE = 2;
const MOST_STEPS_OF_CLIMB = 30;
/** Between two looks at the Jacobian itself. */
const STEPS_BETWEEN_LOOKS = 6;
/** The half distance of the two ends at the start and at the end of a climb, in units of ‖x‖. */
const FIRST_REACH = 1;
const LAST_REACH = 0.02;
/** Climbs from where another ended start this much nearer. */
const NEARBY = 0.3;

/** So many of the best points are kept, in case the proof fails at the first: it may lie on a kink. */
const KEPT = 3;

/** A proof may lose this much of what is computed, or the computed number is returned. */
const WORTH_PROOF = 0.99;

/** In units of ‖x‖: far more than rounding, far less than the distance to most kinks. */
const BESIDE = 1e-7;

/** Milliseconds of work after which others get their turn. */
const PATIENCE = 50;

export interface LowerOptions {
  /** A whole number: another one tries other points. */
  readonly seed: number;
  /** Only of output i minus output j. */
  readonly pair?: readonly [i: number, j: number] | undefined;
  /** Rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
  /** Takes what has been found so far. */
  readonly interrupt?: AbortSignal | undefined;
}

export interface Lower {
  readonly value: Scaled;
  /** `nominal`: as computed, less a billionth; `rounding-safe`: proved, if exp, tanh and the like are right to four units. */
  readonly assurance: 'nominal' | 'rounding-safe';
}

/**
 * A number that ‖f(x) − f(y)‖₂ / ‖x − y‖₂ comes to, or above, for some x ≠ y, in exact arithmetic. 0 where nothing better
 * is found: the output is constant wherever the search looks, or numbers leave the range of float64.
 * The same for the same network and seed, on the same machine.
 */
export async function sampledLowerBound(network: Network, options: LowerOptions): Promise<Lower> {
  const bounded = options.pair ? differenceOf(network, options.pair) : network;
  const search = new Search(bounded, options);
  await search.run();
  return search.result();
}

interface Sample {
  /** ‖J(x) v‖, ‖v‖ = 1, as computed. */
  readonly slope: number;
  readonly x: Float64Array;
  readonly v: Float64Array;
}

class Search {
  readonly #network: Network;
  readonly #prepared: PreparedNetwork;
  readonly #options: LowerOptions;
  readonly #normals: (length: number) => Float64Array;
  readonly #products: number;
  #spent = 0;
  /** The steepest first. */
  #best: Sample[] = [];
  #turn = performance.now();

  constructor(network: Network, options: LowerOptions) {
    this.#network = network;
    this.#prepared = new PreparedNetwork(network);
    this.#options = options;
    this.#normals = normals(options.seed);
    const affordable = Math.floor(OPERATIONS / Math.max(1, this.#prepared.work));
    this.#products = Math.min(MOST_PRODUCTS, Math.max(LEAST_PRODUCTS, affordable));
  }

  async run(): Promise<void> {
    const inputs = this.#prepared.inputs;
    const starts: Sample[] = [];
    for (let k = 0; k === 0 || (k < 2 * SCALES.length && this.#spent < this.#products / 4); k++) {
      const scale = SCALES[k % SCALES.length]!;
      const x = this.#normals(inputs).map((value) => scale * value);
      starts.push(this.#look(x, unit(this.#normals(inputs)), STEPS_OF_SAMPLE));
      if (await this.#stops()) return;
    }
    starts.sort((a, b) => b.slope - a.slope);
    const steps = Math.min(MOST_STEPS_OF_CLIMB, Math.ceil(this.#products / 8));
    for (let k = 0; this.#spent < 0.9 * this.#products; k++) {
      const fresh = starts[k >> 1];
      if (k % 2 === 0 && fresh) {
        if (await this.#climb(fresh, steps, 1)) return;
      } else {
        const { x, v, slope } = this.#best[0]!;
        const step = (NEARBY * (norm(x) || 1)) / Math.sqrt(inputs);
        const nearby = { slope, v, x: moved(x, step, this.#normals(inputs)) };
        if (await this.#climb(nearby, steps, NEARBY)) return;
      }
    }
  }

  /** The largest slope that can be proved at the points kept, or the largest computed one where that is far more. */
  result(): Lower {
    let [proved, computed] = [0, 0];
    for (const { x, v, slope } of this.#best) {
      if (!(slope > proved)) break;
      const steps = Math.ceil(this.#products / 20);
      const direction = steepest(this.#prepared.linearise(x), v, steps).v;
      proved = Math.max(proved, provedSlope(this.#network, x, direction));
      computed = Math.max(computed, this.#genericSlope(x, direction));
    }
    const assurance = proved >= WORTH_PROOF * computed ? 'rounding-safe' : 'nominal';
    const value = assurance === 'nominal' ? computed : proved;
    return { value: value > 0 && value < Infinity ? scaled(value) : ZERO, assurance };
  }

  /**
   * ‖J v‖ a little beside `x`, less than is rounded off it. Beside, because at the kinks of x itself (the zero of a network
   * without biases) what is computed can be the slope of no piece. Less a billionth, because errors of 1e-16 per layer
   * do not grow faster than v, which is the direction that grows fastest.
   */
  #genericSlope(x: Float64Array, v: Float64Array): number {
    const step = (BESIDE * (norm(x) || 1)) / Math.sqrt(x.length);
    const point = this.#prepared.linearise(moved(x, step, this.#normals(x.length)));
    return (norm(point.push(v)) / norm(v)) * (1 - 1e-9);
  }

  /** @returns whether it is time to stop */
  async #climb({ x: start, v: first }: Sample, steps: number, nearness: number): Promise<boolean> {
    let x = start;
    let v = first;
    const size = nearness * (norm(x) || 1);
    for (let k = 1; k <= steps && this.#spent < 0.9 * this.#products; k++) {
      const reach = size * FIRST_REACH * (LAST_REACH / FIRST_REACH) ** (k / steps);
      const ahead = this.#prepared.linearise(moved(x, reach, v));
      const behind = this.#prepared.linearise(moved(x, -reach, v));
      const u = unit(moved(ahead.value, -1, behind.value));
      const [up, down] = [ahead.pull(u), behind.pull(u)];
      this.#spent += 4;
      const direction = unit(moved(up, 1, down));
      // Flat, or beyond what numbers can hold.
      if (!(norm(direction) > 0)) return this.#stops();
      v = direction;
      x = moved(x, reach / 2, unit(moved(up, -1, down)));
      if (k % STEPS_BETWEEN_LOOKS === 0 || k === steps) this.#look(x, v, 1);
      if (await this.#stops()) return true;
    }
    return false;
  }

  /** The steepest direction at `x`, from `v` on; kept if it is among the best. */
  #look(x: Float64Array, v: Float64Array, steps: number): Sample {
    const sample = { x, ...steepest(this.#prepared.linearise(x), v, steps) };
    this.#spent += 2 + 2 * steps;
    if (Number.isFinite(sample.slope)) {
      this.#best = [...this.#best, sample].sort((a, b) => b.slope - a.slope).slice(0, KEPT);
    }
    return sample;
  }

  async #stops(): Promise<boolean> {
    if (performance.now() - this.#turn > PATIENCE) {
      await new Promise((resolve) => setTimeout(resolve));
      this.#turn = performance.now();
    }
    this.#options.signal?.throwIfAborted();
    return this.#options.interrupt?.aborted ?? false;
  }
}

/** Power iteration on JᵀJ: approaches the norm of J from below. */
function steepest(
  point: Linearisation,
  start: Float64Array,
  steps: number,
): { slope: number; v: Float64Array } {
  let v = start;
  let image = point.push(v);
  let slope = norm(image);
  for (let k = 0; k < steps; k++) {
    const next = unit(point.pull(image));
    if (!(norm(next) > 0)) break;
    v = next;
    image = point.push(v);
    const before = slope;
    slope = norm(image);
    if (slope <= before * (1 + CONVERGED)) break;
  }
  return { slope, v };
}

/** Relative gain of a step of the power iteration under which there is no next one. */
const CONVERGED = 1e-10;

/** Not above ‖J(x′) v‖ / ‖v‖ for points x′ as near to x as one likes, in exact arithmetic; 0 where nothing can be said. */
function provedSlope(network: Network, x: Float64Array, v: Float64Array): number {
  const enclosure = encloseDerivative(network, x, v);
  if (!enclosure) return 0;
  const { middle, radius } = enclosure;
  const certain = middle.map((value, n) => Math.max(0, Math.abs(value) - radius[n]!));
  // Rounding of the two norms, the subtractions and the quotient, and as much again.
  const slack = (middle.length + v.length + 20) * 2 ** -52;
  const slope = (norm(certain) / norm(v)) * (1 - slack);
  return slope > 0 && slope < Infinity ? slope : 0;
}

/** The network followed by the difference of two of its outputs. */
function differenceOf(network: Network, [i, j]: readonly [number, number]): Network {
  const inputs = product(network.tensors[network.output]!.shape);
  const weight = new Float64Array(inputs);
  weight[i] = 1;
  weight[j] = -1;
  const operator: Affine = { kind: 'affine', outputs: 1, inputs, weight };
  const name = `output ${i} − output ${j}`;
  const output = network.tensors.length;
  return {
    ...network,
    tensors: [...network.tensors, { name, shape: [1] }],
    nodes: [...network.nodes, { name, operator, inputs: [network.output], output }],
    output,
  };
}

/** ‖x‖₂, of entries of any size. */
function norm(x: Float64Array): number {
  let largest = 0;
  for (const value of x) if (!(Math.abs(value) <= largest)) largest = Math.abs(value);
  if (!(largest > 0 && largest < Infinity)) return largest;
  let sum = 0;
  for (const value of x) sum += (value / largest) ** 2;
  return largest * Math.sqrt(sum);
}

/** x / ‖x‖; zero where that is no direction. */
function unit(x: Float64Array): Float64Array {
  const length = norm(x);
  return length > 0 && length < Infinity ? x.map((value) => value / length) : new Float64Array(x.length);
}

/** x + step · direction */
function moved(x: Float64Array, step: number, direction: Float64Array): Float64Array {
  return x.map((value, n) => value + step * direction[n]!);
}
