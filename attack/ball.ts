/** What a circuit does in a ball: slopes, secants, labels and lengths that a bound there must not be below. */
import type { Limits } from '../src/certify/limits.ts';
import { type Circuit, natureOf } from './evaluate/circuit.ts';
import { Exact } from './evaluate/exact.ts';
import { exactDerivatives, exactOutputs, squaredNorm } from './evaluate/exactSlope.ts';
import { FloatCircuit } from './evaluate/float.ts';
import { EUCLIDEAN, log2Slope, norm } from './norms.ts';
import type { Random } from './random.ts';

/** Points of a ball that are looked at. */
const POINTS = 24;
/** Steps from each: of a slope, and down a margin. */
const STEPS = 8;
/** In log2: what float64 loses in logarithms and slopes. */
const SLACK = 2e-11;

export const KINDS = ['anchored', 'incremental'] as const;

/** A ball, and limits within which inputs are to stay. */
export interface Ball {
  readonly centre: Float64Array;
  readonly radius: number;
  readonly limits?: Limits;
}

export class BallOf {
  readonly #circuit: Circuit;
  readonly #float: FloatCircuit;
  readonly #exact: boolean;
  readonly #question: Ball;
  readonly #random: Random;

  constructor(circuit: Circuit, question: Ball, random: Random) {
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

  /** A point at which the outputs together are longer than a bound. */
  longer(bound: number): string | undefined {
    if (!(bound >= 0)) return `the largest length must be a number from 0 on, got ${bound}`;
    if (bound === Infinity) return undefined;
    const claimed = Math.log2(bound);
    for (let k = 0; k < POINTS; k++) {
      const x = k === 0 ? this.#question.centre.slice() : this.#point(k);
      for (let step = 0; step <= STEPS; step++) {
        const log2 = this.#inside(x) ? this.#length(x) : -Infinity;
        if (log2 > claimed + SLACK)
          return `the outputs within ${this.#question.radius} are at most 2^${claimed} long, they are 2^${log2} at [${x.join(', ')}]`;
        const values = this.#float.values(x);
        if (!this.#climb(x, this.#float.pull(values, this.#float.outputsOf(values)), step)) break;
      }
    }
    return undefined;
  }

  /** log2 of the length of the outputs, certainly not above the truth but for rounding of the logarithm. */
  #length(x: Float64Array): number {
    if (this.#exact) {
      const square = squaredNorm(exactOutputs(this.#circuit, x));
      return square.sign === 0 ? -Infinity : square.log2() / 2;
    }
    const { middle, radius } = this.#float.enclosedPush(x, new Float64Array(x.length)).outputs;
    const size = norm(middle.map((value, k) => Math.max(0, Math.abs(value) - radius[k]!))) * (1 - 1e-12);
    return size > 0 && size < Infinity ? Math.log2(size) : -Infinity;
  }

  /** To the far side of the ball in a direction, nearer and nearer to where it was. @returns whether there is one */
  #climb(x: Float64Array, up: Float64Array, step: number): boolean {
    const size = norm(up);
    if (!(size > 0 && size < Infinity)) return false;
    const share = 0.7 ** step;
    for (let n = 0; n < x.length; n++) {
      const far = this.#question.centre[n]! + (this.#question.radius * up[n]!) / size;
      x[n] = x[n]! + share * (far - x[n]!);
    }
    this.#pulledInside(x);
    return true;
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
        if (!this.#climb(x, this.#float.pull(values, u), step)) break;
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

export function largestOther(values: Float64Array, label: number): number {
  let best = label === 0 ? 1 : 0;
  for (let j = 0; j < values.length; j++) if (j !== label && values[j]! > values[best]!) best = j;
  return best;
}
