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
import { encloseDerivative } from '../../network/evaluation/enclosure.ts';
import { type Linearisation, PreparedNetwork } from '../../network/evaluation/preparedNetwork.ts';
import type { Network } from '../../network/network.ts';
import type { Affine } from '../../network/operator.ts';
import { product } from '../../network/size.ts';
import { type Scaled, scaled, ZERO } from '../../scaled.ts';
import { normals } from './normals.ts';

/** Multiplications that the search takes, about: half a second to a second on one core. */
export const OPERATIONS = 3e8;

/** Products with the network or its Jacobian, whatever they cost: beyond the most little is gained, under the least nothing found. */
export const MOST_PRODUCTS = 500;
export const LEAST_PRODUCTS = 12;

/** Of the starting points, in the order in which they are tried: networks that saturate are steep near zero, others far away. */
const SCALES = [1, 0.1, 10, 0, 0.01, 100];

/** Part of the products that the search may take; the rest polishes the best direction. */
const SEARCHED = 0.9;

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

/**
 * Taken off a computed slope that cannot be proved. Errors of 1e-16 per layer grow no faster, about, than v does, which is
 * the direction that grows fastest.
 */
const NOMINAL = 1e-9;

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
  /** Of the time that the search takes by itself; default 1. */
  readonly share?: number | undefined;
}

export interface SampledSlope {
  readonly value: Scaled;
  /** `nominal`: as computed, less a billionth; `rounding-safe`: proved, if exp, tanh and the like are right to four units. */
  readonly assurance: 'nominal' | 'rounding-safe';
  /** Of the input, where several were tried. */
  readonly sides?: readonly number[];
}

/**
 * A number that ‖f(x) − f(y)‖₂ / ‖x − y‖₂ comes to, or above, for some x ≠ y, in exact arithmetic. 0 where nothing better
 * is found: the output is constant wherever the search looks, or numbers leave the range of float64.
 * The same for the same network and seed, on the same machine.
 */
export async function sampledLowerBound(network: Network, options: LowerOptions): Promise<SampledSlope> {
  const bounded = options.pair ? differenceOf(network, options.pair) : network;
  const search = new Search(bounded, options);
  await search.run();
  return search.result();
}

interface SteepPoint {
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
  #started = 0;
  /** The steepest first. */
  #best: SteepPoint[] = [];
  #turn = performance.now();

  constructor(network: Network, options: LowerOptions) {
    this.#network = network;
    this.#prepared = new PreparedNetwork(network);
    this.#options = options;
    this.#normals = normals(options.seed);
    const { share = 1 } = options;
    const affordable = Math.floor((share * OPERATIONS) / Math.max(1, this.#prepared.work));
    this.#products = Math.min(MOST_PRODUCTS, Math.max(LEAST_PRODUCTS, affordable));
  }

  async run(): Promise<void> {
    const starts: SteepPoint[] = [];
    do {
      starts.push(this.#start());
      if (await this.#stops()) return;
    } while (starts.length < 2 * SCALES.length && this.#spent < this.#products / 4);
    starts.sort((a, b) => b.slope - a.slope);
    const steps = Math.min(MOST_STEPS_OF_CLIMB, Math.ceil(this.#products / 8));
    for (let k = 0; this.#spent < SEARCHED * this.#products; k++) {
      const near = k % 2 === 1 && this.#best[0] && this.#best[0].slope > 0;
      const from = near ? this.#beside(this.#best[0]!) : (starts.shift() ?? this.#start());
      if (await this.#climb(from, steps, near ? NEARBY : 1)) return;
    }
  }

  /** A new point. */
  #start(): SteepPoint {
    const inputs = this.#prepared.inputs;
    const scale = SCALES[this.#started++ % SCALES.length]!;
    const x = this.#normals(inputs).map((value) => scale * value);
    return this.#look(x, unit(this.#normals(inputs)), STEPS_OF_SAMPLE);
  }

  #beside({ slope, x, v }: SteepPoint): SteepPoint {
    const step = (NEARBY * size(x)) / Math.sqrt(x.length);
    return { slope, v, x: moved(x, step, this.#normals(x.length)) };
  }

  /**
   * The largest slope that can be proved a little beside the points kept, or the largest computed one where that is far
   * more. Beside, because at the kinks of a point itself (the zero of a network without biases) what is computed can be the
   * slope of no piece.
   */
  result(): SampledSlope {
    let [proved, computed] = [0, 0];
    for (const { x, v, slope } of this.#best) {
      if (!(slope > proved)) break;
      const beside = moved(x, (BESIDE * size(x)) / Math.sqrt(x.length), this.#normals(x.length));
      const steps = Math.ceil(this.#products / 20);
      const found = steepest(this.#prepared.linearise(beside), v, steps);
      computed = Math.max(computed, found.slope * (1 - NOMINAL));
      proved = Math.max(proved, provedSlope(this.#network, beside, found.v));
      // One proof has to do for who is in a hurry.
      if (this.#options.interrupt?.aborted) break;
    }
    const assurance = proved >= WORTH_PROOF * computed ? 'rounding-safe' : 'nominal';
    const value = assurance === 'nominal' ? computed : proved;
    return { value: value > 0 && value < Infinity ? scaled(value) : ZERO, assurance };
  }

  /** @returns whether it is time to stop */
  async #climb({ x: start, v: first }: SteepPoint, steps: number, nearness: number): Promise<boolean> {
    let x = start;
    let v = first;
    const wide = nearness * FIRST_REACH * size(x);
    for (let k = 1; k <= steps && this.#spent < SEARCHED * this.#products; k++) {
      const reach = wide * (LAST_REACH / FIRST_REACH) ** (k / steps);
      const ahead = this.#prepared.linearise(moved(x, reach, v));
      const behind = this.#prepared.linearise(moved(x, -reach, v));
      const u = unit(moved(ahead.value, -1, behind.value));
      // Flat all along, or beyond what numbers can hold.
      if (!(norm(u) > 0)) {
        this.#spent += 2;
        return this.#stops();
      }
      const [up, down] = [ahead.pull(u), behind.pull(u)];
      this.#spent += 4;
      const direction = unit(moved(up, 1, down));
      // Where both ends are flat, nearer ones may not be.
      if (norm(direction) > 0) {
        v = direction;
        x = moved(x, reach / 2, unit(moved(up, -1, down)));
      }
      if (k % STEPS_BETWEEN_LOOKS === 0 || k === steps) this.#look(x, v, 1);
      if (await this.#stops()) return true;
    }
    return false;
  }

  /** The steepest direction at `x`, from `v` on; kept if it is among the best. */
  #look(x: Float64Array, v: Float64Array, steps: number): SteepPoint {
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

/** The unit of steps from x. */
function size(x: Float64Array): number {
  return norm(x) || 1;
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
