/**
 * Counterexamples: projected gradient descent on a margin, in an ℓ2 or ℓ∞ ball (Madry et al. 2018), from the centre and from points around it. What
 * is found is proven: the network's outputs there are enclosed, and another one is at least as large. What is not found proves nothing.
 */
import { normals } from '../../bounds/lower/normals.ts';
import { Breath } from '../../breath.ts';
import type { Ball as Enclosed } from '../../network/evaluation/enclosure.ts';
import { type Linearisation, PreparedNetwork } from '../../network/evaluation/preparedNetwork.ts';
import { ValueEnclosure } from '../../network/evaluation/valueEnclosure.ts';
import type { Network } from '../../network/network.ts';
import { type BallNorm, dual, normOf, steepest } from '../../network/norms/norm.ts';
import { type Evaluator, oneByOne } from '../evaluation/sideBySide.ts';
import { highAt, type Limits, lowAt } from '../limits.ts';
import type { Until } from '../until.ts';
import { distanceAbove, project } from './ball.ts';

export interface AttackEffort {
  /** Points that it starts from: the first is the centre, the others are random. */
  readonly starts: number;
  /** Gradients from each. */
  readonly steps: number;
}

export interface Counterexample {
  readonly point: Float64Array;
  /** From the centre; rounded up. */
  readonly distance: number;
}

/** Of the ball's radius, the first step; steps get smaller in proportion. */
const FIRST_STEP = 0.5;
/** Halvings of the way back to the centre. */
const HALVINGS = 12;
/** Times the radius is doubled, and how much smaller it gets, in the search for the nearest counterexample. */
const DOUBLINGS = 24;
const SHRINKING = [0.8, 0.95];
const MOST_SHRINKINGS = 100;
const NEVER: Until = { end: Infinity };

/** Descents side by side, at most. */
const MOST_LANES = 64;

/** Asks for a counterexample to `label` within a radius. */
export interface AttackQuestion {
  readonly centre: Float64Array;
  readonly label: number;
  readonly radius: number;
}

/** One descent. */
interface Lane {
  /** Of the question that it is for. */
  readonly question: number;
  /** Moved in place. */
  readonly x: Float64Array;
  readonly ball: Ball;
  readonly label: number;
  /** The output that it is after; undefined: whichever is nearest. */
  readonly rival: number | undefined;
}

/** What counterexamples are looked for in. */
interface Ball {
  readonly centre: Float64Array;
  readonly radius: number;
  readonly norm: BallNorm;
  readonly limits: Limits | undefined;
}

export class Attack {
  readonly #network: PreparedNetwork;
  readonly #enclosure: ValueEnclosure;
  readonly #limits: Limits | undefined;
  readonly #seed: number;
  readonly #evaluator: Evaluator;
  readonly #norm: BallNorm;

  /**
   * @param network with a vector of logits as its output
   * @param evaluator for many points at a time
   * @param norm of the balls
   */
  constructor(
    network: Network,
    limits: Limits | undefined,
    seed: number,
    evaluator = oneByOne,
    norm: BallNorm = '2',
  ) {
    this.#evaluator = evaluator;
    this.#norm = norm;
    this.#network = new PreparedNetwork(network);
    this.#enclosure = new ValueEnclosure(network);
    this.#limits = limits;
    this.#seed = seed;
  }

  /** A counterexample to `label` within the radius, drawn back towards the centre; undefined where none was found in time. */
  async within(
    centre: Float64Array,
    label: number,
    radius: number,
    effort: AttackEffort,
    until = NEVER,
  ): Promise<Counterexample | undefined> {
    const [found] = await this.withinAll([{ centre, label, radius }], effort, until);
    return found;
  }

  /** As `within`, for several at a time. */
  async withinAll(
    questions: readonly AttackQuestion[],
    { starts, steps }: AttackEffort,
    until = NEVER,
  ): Promise<(Counterexample | undefined)[]> {
    const found = new Array<Counterexample | undefined>(questions.length).fill(undefined);
    if (performance.now() > until.end) return found;
    const breath = new Breath(until.signal);
    const lanes = this.#lanes(questions, starts);
    for (;;) {
      const some: Lane[] = [];
      while (some.length < MOST_LANES) {
        const next = lanes.next();
        if (next.done) break;
        if (!found[next.value.question]) some.push(next.value);
      }
      if (some.length === 0 || performance.now() > until.end) return found;
      await this.#descend(some, steps, breath, until, ({ question, x, ball, label }) => {
        found[question] ??= this.#drawnBack(x, ball.centre, label);
      });
    }
  }

  /** Of all questions the centres first, then a random point of each, and so on. */
  *#lanes(questions: readonly AttackQuestion[], starts: number): Generator<Lane, void> {
    const all = questions.map(({ centre, label, radius }, question) => {
      const limits = this.#limits && holding(this.#limits, centre);
      return {
        question,
        label,
        ball: { centre, radius, limits, norm: this.#norm },
        normal: normals(this.#seed),
      };
    });
    const rivals: number[][] = [];
    for (let start = 0; start < starts; start++) {
      for (const { question, label, ball, normal } of all) {
        const { centre, radius, limits } = ball;
        const x = centre.slice();
        if (start > 0) {
          const direction = normal(x.length);
          const scale = radius / Math.hypot(normOf(direction, this.#norm), Number.MIN_VALUE);
          for (let n = 0; n < x.length; n++) x[n]! += scale * direction[n]!;
          project(x, centre, radius, limits, this.#norm);
          rivals[question] ??= nearestRivals(this.#network.linearise(centre), label, this.#norm);
        }
        // The first follows whichever output is nearest, the others one each.
        const own = rivals[question];
        const rival = start === 0 ? undefined : own![(start - 1) % own!.length];
        yield { question, x, ball, label, rival };
      }
    }
  }

  /** The nearest counterexample that is found at any distance in time: from above, the largest radius that can be certified. */
  async nearest(
    centre: Float64Array,
    label: number,
    effort: AttackEffort,
    until = NEVER,
  ): Promise<Counterexample | undefined> {
    let radius = linearDistance(this.#network.linearise(centre), label, this.#norm);
    if (!Number.isFinite(radius)) return undefined;
    radius = Math.max(radius, 1e-6);
    let best: Counterexample | undefined;
    for (let k = 0; k < DOUBLINGS && !best; k++, radius *= 2) {
      best = await this.within(centre, label, radius, effort, until);
    }
    for (const factor of SHRINKING) {
      for (let k = 0; k < MOST_SHRINKINGS && best; k++) {
        const nearer = await this.within(centre, label, factor * best.distance, effort, until);
        // Where the centre itself is one, no distance is the least.
        if (!nearer || !(nearer.distance < best.distance)) break;
        best = nearer;
      }
    }
    return best;
  }

  /**
   * Where in a ball the label leads by least, as far as one descent finds: a picture, no proof.
   * @param from where it starts, such as a counterexample beyond the ball
   */
  async weakest(
    centre: Float64Array,
    label: number,
    radius: number,
    from: Float64Array,
    { steps }: Pick<AttackEffort, 'steps'>,
    until = NEVER,
  ): Promise<Float64Array> {
    const limits = this.#limits && holding(this.#limits, centre);
    const x = from.slice();
    project(x, centre, radius, limits, this.#norm);
    let [least, best] = [Infinity, x.slice()];
    const breath = new Breath(until.signal);
    for (let k = 0; k < steps; k++) {
      await breath.taken();
      if (performance.now() > until.end) break;
      const at = this.#network.linearise(x);
      const { margin, other } = marginTo(at.value, label);
      if (margin < least) [least, best] = [margin, x.slice()];
      const gradient = at.pull(marginOf(at.value.length, label, other));
      if (!moved(x, { centre, radius, limits, norm: this.#norm }, gradient, k, steps)) break;
    }
    return best;
  }

  /** Whether another output is proven to be at least as large as that of the label. */
  breaks(x: Float64Array, label: number): boolean {
    const output = this.#enclosure.at(x);
    return output !== undefined && isBroken(output, label);
  }

  /**
   * Steps until a margin is proven not to be positive; of a question that is answered all lanes end.
   * @param onBroken told each lane that comes there
   */
  async #descend(
    lanes: readonly Lane[],
    steps: number,
    breath: Breath,
    { end }: Until,
    onBroken: (lane: Lane) => void,
  ): Promise<void> {
    const broken = new Set<number>();
    let left = lanes;
    const test = async (some: readonly Lane[]) => {
      const outputs = await this.#evaluator.all(some.map(({ x }) => this.#enclosure.enclosing(x)));
      for (const [n, lane] of some.entries()) {
        const output = outputs[n];
        if (!output || broken.has(lane.question) || !isBroken(output, lane.label)) continue;
        broken.add(lane.question);
        onBroken(lane);
      }
    };
    for (let k = 0; k < steps && left.length > 0; k++) {
      await breath.taken();
      if (performance.now() > end) break;
      const points = await this.#evaluator.all(left.map(({ x }) => this.#network.linearising(x)));
      const margins = points.map(({ value }, n) => marginTo(value, left[n]!.label));
      const negative = left.filter((_, n) => margins[n]!.margin <= 0);
      if (negative.length > 0) await test(negative);
      const moving = left.flatMap((lane, n) =>
        broken.has(lane.question) ? [] : [{ lane, at: points[n]!, ...margins[n]! }],
      );
      const gradients = await this.#evaluator.all(
        moving.map(({ lane, at, other }) =>
          at.pulling(marginOf(at.value.length, lane.label, lane.rival ?? other)),
        ),
      );
      left = moving
        .filter(({ lane }, n) => moved(lane.x, lane.ball, gradients[n]!, k, steps))
        .map(({ lane }) => lane);
    }
    const rest = lanes.filter(({ question }) => !broken.has(question));
    if (rest.length > 0) await test(rest);
  }

  /** As near to the centre, on the way to it, as halving finds. */
  #drawnBack(x: Float64Array, centre: Float64Array, label: number): Counterexample {
    let [inside, broken] = [0, 1];
    let point = x;
    for (let k = 0; k < HALVINGS; k++) {
      const t = (inside + broken) / 2;
      const between = centre.map((c, n) => c + t * (x[n]! - c));
      if (this.breaks(between, label)) {
        point = between;
        broken = t;
      } else inside = t;
    }
    return { point, distance: distanceAbove(point, centre, this.#norm) };
  }
}

/** Limits that hold the centre as well: rounding may have put it just outside. */
function holding(limits: Limits, centre: Float64Array): Limits {
  return {
    low: centre.map((value, n) => Math.min(value, lowAt(limits, n))),
    high: centre.map((value, n) => Math.max(value, highAt(limits, n))),
  };
}

function isBroken({ middle, radius }: Enclosed, label: number): boolean {
  const high = middle[label]! + radius[label]!;
  return middle.some((value, j) => j !== label && sumBelow(value, radius[j]!) >= above(high));
}

/** middle − radius, rounded down, and a sum rounded up. */
function sumBelow(middle: number, radius: number): number {
  const low = middle - radius;
  return low - Math.abs(low) * 2 ** -52;
}

function above(sum: number): number {
  return sum + Math.abs(sum) * 2 ** -52;
}

/** A step against a gradient, in place; false where there is none. */
function moved(
  x: Float64Array,
  { centre, radius, limits, norm }: Ball,
  gradient: Float64Array,
  k: number,
  steps: number,
): boolean {
  const length = normOf(gradient, '2');
  if (!(length > 0 && length < Infinity)) return false;
  const step = radius * FIRST_STEP * (1 - k / (steps + 1));
  if (norm === '2') for (let n = 0; n < x.length; n++) x[n]! -= (step / length) * gradient[n]!;
  else for (const [n, sign] of steepest(gradient, norm).entries()) x[n]! -= step * sign;
  project(x, centre, radius, limits, norm);
  return true;
}

/** What the label leads the largest other output by. */
function marginTo(value: Float64Array, label: number): { readonly margin: number; readonly other: number } {
  const other = largestOther(value, label);
  return { margin: value[label]! - value[other]!, other };
}

function marginOf(outputs: number, label: number, rival: number): Float64Array {
  const margin = new Float64Array(outputs);
  margin[label] = 1;
  margin[rival] = -1;
  return margin;
}

function largestOther(value: Float64Array, label: number): number {
  let best = label === 0 ? 1 : 0;
  for (let j = 0; j < value.length; j++) if (j !== label && value[j]! > value[best]!) best = j;
  return best;
}

/** Rivals that a random start follows, of many outputs. */
const MOST_RIVALS = 10;

/** Other outputs, those first that a linear network would reach first. */
function nearestRivals(at: Linearisation, label: number, norm: BallNorm): number[] {
  return distances(at, label, norm)
    .sort((a, b) => a.distance - b.distance)
    .map(({ rival }) => rival);
}

function linearDistance(at: Linearisation, label: number, norm: BallNorm): number {
  return Math.min(...distances(at, label, norm).map(({ distance }) => distance));
}

function distances(at: Linearisation, label: number, norm: BallNorm): { rival: number; distance: number }[] {
  const { value } = at;
  const others = Array.from(value, (_, j) => j).filter((j) => j !== label);
  const nearest = others.sort((a, b) => value[b]! - value[a]!).slice(0, MOST_RIVALS);
  return nearest.map((rival) => {
    const slope = normOf(at.pull(marginOf(value.length, label, rival)), dual(norm));
    return { rival, distance: slope > 0 ? Math.max(0, value[label]! - value[rival]!) / slope : Infinity };
  });
}
