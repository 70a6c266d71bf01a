/**
 * Counterexamples: projected gradient descent on a margin, in an ℓ2 ball (Madry et al. 2018), from the centre and from points around it. What
 * is found is proven: the network's outputs there are enclosed, and another one is at least as large. What is not found proves nothing.
 */
import { normals } from '../../bounds/lower/normals.ts';
import { Breath } from '../../breath.ts';
import type { Ball as Enclosed } from '../../network/evaluation/enclosure.ts';
import { type Linearisation, PreparedNetwork } from '../../network/evaluation/preparedNetwork.ts';
import { ValueEnclosure } from '../../network/evaluation/valueEnclosure.ts';
import type { Network } from '../../network/network.ts';
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

/** What counterexamples are looked for in. */
interface Ball {
  readonly centre: Float64Array;
  readonly radius: number;
  readonly limits: Limits | undefined;
}

export class Attack {
  readonly #network: PreparedNetwork;
  readonly #enclosure: ValueEnclosure;
  readonly #limits: Limits | undefined;
  readonly #seed: number;

  /** @param network with a vector of logits as its output */
  constructor(network: Network, limits: Limits | undefined, seed: number) {
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
    { starts, steps }: AttackEffort,
    until = NEVER,
  ): Promise<Counterexample | undefined> {
    if (performance.now() > until.end) return undefined;
    const breath = new Breath(until.signal);
    const limits = this.#limits && holding(this.#limits, centre);
    const normal = normals(this.#seed);
    const rivals = starts > 1 ? nearestRivals(this.#network.linearise(centre), label) : [];
    for (let start = 0; start < starts && performance.now() <= until.end; start++) {
      const x = centre.slice();
      if (start > 0) {
        const direction = normal(x.length);
        const scale = radius / Math.hypot(norm(direction), Number.MIN_VALUE);
        for (let n = 0; n < x.length; n++) x[n]! += scale * direction[n]!;
        project(x, centre, radius, limits);
      }
      // The first follows whichever output is nearest, the others one each.
      const rival = start === 0 ? undefined : rivals[(start - 1) % rivals.length];
      if (await this.#descend(x, { centre, radius, limits }, label, rival, steps, breath, until)) {
        return this.#drawnBack(x, centre, label);
      }
    }
    return undefined;
  }

  /** The nearest counterexample that is found at any distance in time: from above, the largest radius that can be certified. */
  async nearest(
    centre: Float64Array,
    label: number,
    effort: AttackEffort,
    until = NEVER,
  ): Promise<Counterexample | undefined> {
    let radius = linearDistance(this.#network.linearise(centre), label);
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
    project(x, centre, radius, limits);
    let [least, best] = [Infinity, x.slice()];
    const breath = new Breath(until.signal);
    for await (const margin of this.#descent(
      x,
      { centre, radius, limits },
      label,
      undefined,
      steps,
      breath,
      until,
    )) {
      if (margin < least) [least, best] = [margin, x.slice()];
    }
    return best;
  }

  /** Whether another output is proven to be at least as large as that of the label. */
  breaks(x: Float64Array, label: number): boolean {
    const output = this.#enclosure.at(x);
    return output !== undefined && isBroken(output, label);
  }

  /** Steps until a margin is proven not to be positive; `x` is moved in place. */
  async #descend(
    x: Float64Array,
    ball: Ball,
    label: number,
    rival: number | undefined,
    steps: number,
    breath: Breath,
    until: Until,
  ): Promise<boolean> {
    for await (const margin of this.#descent(x, ball, label, rival, steps, breath, until)) {
      if (margin <= 0 && this.breaks(x, label)) return true;
    }
    return this.breaks(x, label);
  }

  /** Steps against the gradient of a margin: what the label leads by at `x` before each, which moves it in place. */
  async *#descent(
    x: Float64Array,
    { centre, radius, limits }: Ball,
    label: number,
    rival: number | undefined,
    steps: number,
    breath: Breath,
    { end }: Until,
  ): AsyncGenerator<number, void> {
    for (let k = 0; k < steps; k++) {
      await breath.taken();
      if (performance.now() > end) return;
      const at = this.#network.linearise(x);
      const { value } = at;
      const other = largestOther(value, label);
      yield value[label]! - value[other]!;
      const gradient = at.pull(marginOf(value.length, label, rival ?? other));
      const length = norm(gradient);
      if (!(length > 0 && length < Infinity)) return;
      const step = (radius * FIRST_STEP * (1 - k / (steps + 1))) / length;
      for (let n = 0; n < x.length; n++) x[n]! -= step * gradient[n]!;
      project(x, centre, radius, limits);
    }
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
    return { point, distance: distanceAbove(point, centre) };
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
function nearestRivals(at: Linearisation, label: number): number[] {
  return distances(at, label)
    .sort((a, b) => a.distance - b.distance)
    .map(({ rival }) => rival);
}

function linearDistance(at: Linearisation, label: number): number {
  return Math.min(...distances(at, label).map(({ distance }) => distance));
}

function distances(at: Linearisation, label: number): { rival: number; distance: number }[] {
  const { value } = at;
  const others = Array.from(value, (_, j) => j).filter((j) => j !== label);
  const nearest = others.sort((a, b) => value[b]! - value[a]!).slice(0, MOST_RIVALS);
  return nearest.map((rival) => {
    const slope = norm(at.pull(marginOf(value.length, label, rival)));
    return { rival, distance: slope > 0 ? Math.max(0, value[label]! - value[rival]!) / slope : Infinity };
  });
}

function norm(x: Float64Array): number {
  let sum = 0;
  for (const value of x) sum += value * value;
  return Math.sqrt(sum);
}
