/**
 * A lower bound on the Lipschitz constant: the largest ‖J(x) v‖ / ‖v‖ that a search over points x and directions v finds,
 * with proof where there is one. It says how far the upper bound can at most be from the truth.
 *
 * At a point the best v in ℓ2 is the first singular vector of J, by power iteration. In other norms it goes on likewise: u has the
 * largest product with J v of all functionals of norm 1, and the next v with Jᵀ u; no step makes ‖J v‖ less. To find points, two ends x ± h v are moved
 * up the slope of ‖f(x + h v) − f(x − h v)‖: with u the direction of that difference and g± = Jᵀ u at the two ends, v turns
 * to g₊ + g₋ (power iteration on the mean Jacobian between them) and x moves along g₊ − g₋. That crosses kinks that the
 * gradient of ‖J(x) v‖ does not see, and works for every operator alike; h shrinks on the way.
 *
 * The search may round as it likes: what is returned comes from an enclosure of J v at the best point found
 * (`enclosing`), which takes in all rounding, and kinks. In deep wide networks it is too wide to say anything, as
 * it knows of no cancellation between the entries of a layer. Then the computed slope itself is returned, and that it is so.
 */
import type { Engine } from '../../engine/engine.ts';
import { type Ball, enclosing } from '../../network/evaluation/enclosure.ts';
import { type Linearisation, PreparedNetwork } from '../../network/evaluation/preparedNetwork.ts';
import { plainProduct, type Steps } from '../../network/evaluation/steps.ts';
import type { Network } from '../../network/network.ts';
import { withDifference } from '../../network/norms/balls.ts';
import { dual, EUCLIDEAN, type Norm, type NormPair, normOf, steepest } from '../../network/norms/norm.ts';
import { type Scaled, scaled, ZERO } from '../../scaled.ts';
import type { Deadline } from '../deadline.ts';
import { normals } from './normals.ts';
import { MatrixProducts, workOnEngine } from './products.ts';
import { moved, norm, size, unit } from './vectors.ts';

/** Multiplications that the search takes, about: half a second to a second on one core. */
export const OPERATIONS = 4e8;

/** Products with the network or its Jacobian, whatever they cost: beyond the most little is gained, under the least nothing found. */
export const MOST_PRODUCTS = 5000;
export const LEAST_PRODUCTS = 12;

/** The search is over where so many products, and this many times those before the last gain, have gained nothing more than this. */
const FRUITLESS_PRODUCTS = 500;
const FRUITLESS_TIMES = 3;
const GAIN = 1e-3;
/** It is over, too, this near to what nothing can be above. */
const NO_MORE = 1e-6;

/** Where the search is no longer, one proof at the best point has to do. */
const FEW_PRODUCTS = 60;
/** Products that a proof takes the time of, about. */
const PRODUCTS_OF_PROOF = 6;

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

/** A proof is given up where a derivative on the way is lost in its radius. */
const HOPELESS = 1;

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
  /** Of v and of J v; default ℓ2. */
  readonly norms?: NormPair | undefined;
  /** Rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
  /** Takes what has been found so far. */
  readonly interrupt?: AbortSignal | undefined;
  /** Of the time that the search takes by itself; default 1. */
  readonly share?: number | undefined;
  /** By when the answer must be there: no proof is begun that would take longer. */
  readonly deadline?: Pick<Deadline, 'end' | 'over'> | undefined;
  /** What no slope is above: the search ends where it is reached. */
  readonly upper?: number | undefined;
  /** Computes in float64, for products with large convolutions. */
  readonly engine?: Engine | undefined;
}

export interface SampledSlope {
  readonly value: Scaled;
  /** `nominal`: as computed, less a billionth; `rounding-safe`: proved, if exp, tanh and the like are right to four units. */
  readonly assurance: 'nominal' | 'rounding-safe';
  /** Of the input, where several were tried. */
  readonly sides?: readonly number[];
}

/**
 * A number that ‖f(x) − f(y)‖ / ‖x − y‖ comes to, or above, for some x ≠ y, in exact arithmetic where it is `rounding-safe`, and up to the
 * rounding of cancelling layers where it is not. 0 where nothing better
 * is found: the output is constant wherever the search looks, or numbers leave the range of float64.
 * The same for the same network and seed, on the same machine. Undefined where its time was over before there was one.
 */
export async function sampledLowerBound(
  network: Network,
  options: LowerOptions,
): Promise<SampledSlope | undefined> {
  const bounded = options.pair ? withDifference(network, options.pair) : network;
  const search = new Search(bounded, options);
  await search.run();
  return search.result();
}

/** Ends the search from the middle of an evaluation. */
const ENOUGH = new Error('enough');

async function untilEnough(work: Promise<void>): Promise<void> {
  try {
    await work;
  } catch (error) {
    if (error !== ENOUGH) throw error;
  }
}

interface SteepPoint {
  /** ‖J(x) v‖, ‖v‖ = 1 in the norms of the search, as computed. */
  readonly slope: number;
  readonly x: Float64Array;
  readonly v: Float64Array;
}

class Search {
  readonly #network: Network;
  readonly #prepared: PreparedNetwork;
  readonly #options: LowerOptions;
  readonly #norms: NormPair;
  readonly #normals: (length: number) => Float64Array;
  readonly #products: number;
  readonly #matrixProducts: MatrixProducts | undefined;
  #spent = 0;
  #started = 0;
  /** The steepest first. */
  #best: SteepPoint[] = [];
  #turn = performance.now();
  readonly #begun = performance.now();
  /** Products up to the last gain. */
  #gained = 0;
  #searching = true;

  constructor(network: Network, options: LowerOptions) {
    this.#network = network;
    this.#prepared = new PreparedNetwork(network);
    this.#options = options;
    this.#norms = options.norms ?? EUCLIDEAN;
    this.#normals = normals(options.seed);
    const { share = 1, engine } = options;
    this.#matrixProducts = engine && new MatrixProducts(engine);
    const work = engine ? this.#prepared.workBy(workOnEngine) : this.#prepared.work;
    const affordable = Math.floor((share * OPERATIONS) / Math.max(1, work));
    this.#products = Math.min(MOST_PRODUCTS, Math.max(LEAST_PRODUCTS, affordable));
  }

  async run(): Promise<void> {
    await untilEnough(this.#search());
    this.#searching = false;
  }

  async #search(): Promise<void> {
    const starts: SteepPoint[] = [];
    do {
      starts.push(await this.#start());
      if (await this.#stops()) return;
    } while (starts.length < 2 * SCALES.length && this.#spent < this.#products / 4);
    starts.sort((a, b) => b.slope - a.slope);
    const steps = Math.min(MOST_STEPS_OF_CLIMB, Math.ceil(this.#products / 8));
    for (let k = 0; this.#spent < SEARCHED * this.#products && !this.#isFruitless(); k++) {
      const near = k % 2 === 1 && this.#best[0] && this.#best[0].slope > 0;
      const from = near ? this.#beside(this.#best[0]!) : (starts.shift() ?? (await this.#start()));
      if (await this.#climb(from, steps, near ? NEARBY : 1)) return;
    }
  }

  /** A new point. */
  async #start(): Promise<SteepPoint> {
    const inputs = this.#prepared.inputs;
    const scale = SCALES[this.#started++ % SCALES.length]!;
    const x = this.#normals(inputs).map((value) => scale * value);
    return this.#look(x, this.#direction(this.#normals(inputs)), STEPS_OF_SAMPLE);
  }

  #beside({ slope, x, v }: SteepPoint): SteepPoint {
    const step = (NEARBY * size(x)) / Math.sqrt(x.length);
    return { slope, v, x: moved(x, step, this.#normals(x.length)) };
  }

  /**
   * The largest slope that can be proved a little beside the points kept, or the largest computed one where that is far
   * more or there is no time for a proof; undefined where there was none for either. Beside, because at the kinks of a point itself (the zero of a network without biases) what is computed can be the
   * slope of no piece.
   */
  async result(): Promise<SampledSlope | undefined> {
    const found = { proved: 0, computed: 0 };
    await untilEnough(this.#polish(found));
    const { proved, computed } = found;
    if (computed === 0 && this.#isLate) return undefined;
    const assurance = proved >= WORTH_PROOF * computed ? 'rounding-safe' : 'nominal';
    const value = assurance === 'nominal' ? computed : proved;
    return { value: value > 0 && value < Infinity ? scaled(value) : ZERO, assurance };
  }

  /** @param best is raised to what is found */
  async #polish(best: { proved: number; computed: number }): Promise<void> {
    for (const { x, v, slope } of this.#best) {
      if (!(slope > best.proved)) return;
      const beside = moved(x, (BESIDE * size(x)) / Math.sqrt(x.length), this.#normals(x.length));
      const steps = Math.ceil(this.#products / 20);
      const found = await this.#steepest(await this.#made(this.#prepared.linearising(beside)), v, steps);
      best.computed = Math.max(best.computed, found.slope * (1 - NOMINAL));
      if (!this.#hasTimeFor(PRODUCTS_OF_PROOF)) return;
      const ball = await this.#made(enclosing(this.#network, beside, found.v, HOPELESS));
      best.proved = Math.max(best.proved, ball ? provedSlope(ball, found.v, this.#norms) : 0);
      // One proof has to do for who is in a hurry.
      if (this.#options.interrupt?.aborted || this.#products < FEW_PRODUCTS) return;
    }
  }

  get #isLate(): boolean {
    return this.#options.deadline?.over ?? false;
  }

  /** @returns whether it is time to stop */
  async #climb({ x: start, v: first }: SteepPoint, steps: number, nearness: number): Promise<boolean> {
    let x = start;
    let v = first;
    const wide = nearness * FIRST_REACH * size(x);
    for (let k = 1; k <= steps && this.#spent < SEARCHED * this.#products; k++) {
      // A step of this length whatever norm v has been chosen in.
      const reach = (wide * (LAST_REACH / FIRST_REACH) ** (k / steps)) / this.#length(v);
      const ahead = await this.#made(this.#prepared.linearising(moved(x, reach, v)));
      const behind = await this.#made(this.#prepared.linearising(moved(x, -reach, v)));
      const u = this.#functional(moved(ahead.value, -1, behind.value));
      // Flat all along, or beyond what numbers can hold.
      if (!(norm(u) > 0)) {
        this.#spent += 2;
        return this.#stops();
      }
      const [up, down] = [await this.#made(ahead.pulling(u)), await this.#made(behind.pulling(u))];
      this.#spent += 4;
      const direction = this.#direction(moved(up, 1, down));
      // Where both ends are flat, nearer ones may not be.
      if (norm(direction) > 0) {
        x = moved(x, (reach * this.#length(v)) / 2, unit(moved(up, -1, down)));
        v = direction;
      }
      if (k % STEPS_BETWEEN_LOOKS === 0 || k === steps) await this.#look(x, v, 1);
      if (await this.#stops()) return true;
    }
    return false;
  }

  /** The steepest direction at `x`, from `v` on; kept if it is among the best. */
  async #look(x: Float64Array, v: Float64Array, steps: number): Promise<SteepPoint> {
    const sample = {
      x,
      ...(await this.#steepest(await this.#made(this.#prepared.linearising(x)), v, steps)),
    };
    this.#spent += 2 + 2 * steps;
    if (Number.isFinite(sample.slope)) {
      if (sample.slope > (this.#best[0]?.slope ?? 0) * (1 + GAIN)) this.#gained = this.#spent;
      this.#best = [...this.#best, sample].sort((a, b) => b.slope - a.slope).slice(0, KEPT);
    }
    return sample;
  }

  async #stops(): Promise<boolean> {
    await this.#breathe();
    return (this.#options.interrupt?.aborted ?? false) || this.#isFruitless();
  }

  async #breathe(): Promise<void> {
    if (performance.now() - this.#turn > PATIENCE) {
      await new Promise((resolve) => setTimeout(resolve));
      this.#turn = performance.now();
    }
    this.#options.signal?.throwIfAborted();
  }

  /** Whether what may be left to find is hardly worth looking for. */
  #isFruitless(): boolean {
    const { upper = Infinity } = this.#options;
    if ((this.#best[0]?.slope ?? 0) >= upper * (1 - NO_MORE)) return true;
    return this.#spent > FRUITLESS_PRODUCTS + FRUITLESS_TIMES * this.#gained;
  }

  #hasTimeFor(products: number): boolean {
    const end = this.#options.deadline?.end ?? Infinity;
    const now = performance.now();
    return now + (products * (now - this.#begun)) / Math.max(1, this.#spent) <= end;
  }

  /** What comes of an evaluation, whose large products are left to the engine. */
  async #made<T>(steps: Steps<T>): Promise<T> {
    const { interrupt } = this.#options;
    let next = steps.next();
    while (!next.done) {
      const made = this.#matrixProducts?.of(next.value) ?? plainProduct(next.value);
      next = steps.next(made instanceof Promise ? await made : made);
      if (performance.now() - this.#turn <= PATIENCE) continue;
      await this.#breathe();
      if (this.#isLate || (this.#searching && this.#best.length > 0 && interrupt?.aborted)) throw ENOUGH;
    }
    return next.value;
  }

  /** The direction of norm 1 that a gradient gains most in. */
  #direction(gradient: Float64Array): Float64Array {
    return this.#norms.input === '2' ? unit(gradient) : steepest(gradient, this.#norms.input);
  }

  /** The functional of norm 1 that is largest at an image. */
  #functional(image: Float64Array): Float64Array {
    return this.#norms.output === '2' ? unit(image) : steepest(image, dual(this.#norms.output));
  }

  /** ‖v‖₂ of a direction of norm 1. */
  #length(v: Float64Array): number {
    return this.#norms.input === '2' ? 1 : norm(v) || 1;
  }

  #slope(image: Float64Array): number {
    return this.#norms.output === '2' ? norm(image) : normOf(image, this.#norms.output);
  }

  /** Power iteration on JᵀJ: approaches the norm of J from below. */
  async #steepest(
    point: Linearisation,
    start: Float64Array,
    steps: number,
  ): Promise<{ slope: number; v: Float64Array }> {
    let v = start;
    let image = await this.#made(point.pushing(v));
    let slope = this.#slope(image);
    for (let k = 0; k < steps; k++) {
      const u = this.#norms.output === '2' ? image : this.#functional(image);
      const next = this.#direction(await this.#made(point.pulling(u)));
      if (!(norm(next) > 0)) break;
      v = next;
      image = await this.#made(point.pushing(v));
      const before = slope;
      slope = this.#slope(image);
      if (slope <= before * (1 + CONVERGED)) break;
    }
    return { slope, v };
  }
}

/** Relative gain of a step of the power iteration under which there is no next one. */
const CONVERGED = 1e-10;

/** Not above ‖J(x′) v‖ / ‖v‖ in exact arithmetic for what is in the ball of J(x′) v; 0 where nothing can be said. */
function provedSlope({ middle, radius }: Ball, v: Float64Array, norms: NormPair): number {
  const certain = middle.map((value, n) => Math.max(0, Math.abs(value) - radius[n]!));
  // Rounding of the two norms, the subtractions and the quotient, and as much again.
  const slack = (middle.length + v.length + 20) * 2 ** -52;
  const length = (x: Float64Array, of: Norm) => (of === '2' ? norm(x) : normOf(x, of));
  const slope = (length(certain, norms.output) / length(v, norms.input)) * (1 - slack);
  return slope > 0 && slope < Infinity ? slope : 0;
}
