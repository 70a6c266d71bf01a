/** How far arguments of units can go, one after the other; rounded outward. */
import type { Domain } from './domain.ts';
import type { Form } from './form/form.ts';
import { gamma, LOST, LOST_ROOT } from './rounding.ts';
import { largestArgument, leastArgument, type State } from './state.ts';

/** Of the arguments of all units; infinite where nothing is known. */
export interface Ranges {
  readonly low: Float64Array;
  readonly high: Float64Array;
}

export function unknownRanges({ units }: Form): Ranges {
  return {
    low: new Float64Array(units.length).fill(-Infinity),
    high: new Float64Array(units.length).fill(Infinity),
  };
}

/** What rounding may be taken for, many times over: whoever checks a proof with ranges of his own has narrower ones. */
const ROOM = 64;

export class RangePass {
  readonly #form: Form;
  readonly #domain: Domain;
  /** Of all atoms. */
  readonly #low: Float64Array;
  readonly #high: Float64Array;
  readonly #terms: number;

  constructor(form: Form, domain: Domain) {
    this.#form = form;
    this.#domain = domain;
    this.#low = new Float64Array(form.atoms);
    this.#high = new Float64Array(form.atoms);
    this.#terms = ROOM * gamma(form.atoms + 4);
  }

  /**
   * Takes pieces that cannot be reached from a state.
   * @param ranges is overwritten
   * @returns whether anything is left; where nothing is, the state is of no use
   */
  narrow(state: State, ranges: Ranges): boolean {
    const { units, inputs } = this.#form;
    const [low, high] = [this.#low, this.#high];
    low.set(this.#domain.low);
    high.set(this.#domain.high);
    for (let u = 0; u < units.length; u++) {
      this.#argument(u, ranges);
      const { pieces } = units[u]!;
      if (pieces) {
        const { breaks } = pieces;
        while (
          state.first[u]! <= state.last[u]! &&
          state.first[u]! < breaks.length &&
          breaks[state.first[u]!]! <= ranges.low[u]!
        )
          state.first[u]!++;
        if (state.first[u]! > state.last[u]!) return false;
        while (state.last[u]! > 0 && breaks[state.last[u]! - 1]! >= ranges.high[u]!) {
          if (state.last[u] === state.first[u]) return false;
          state.last[u]!--;
        }
        ranges.low[u] = Math.max(ranges.low[u]!, leastArgument(this.#form, state, u));
        ranges.high[u] = Math.min(ranges.high[u]!, largestArgument(this.#form, state, u));
        if (!(ranges.low[u]! < ranges.high[u]!)) return false;
      }
      this.#value(u, state, ranges, inputs + u);
    }
    return true;
  }

  #argument(u: number, ranges: Ranges): void {
    const { atoms, weight, weightError, bias, biasError } = this.#form;
    const [low, high] = [this.#low, this.#high];
    let [least, most, moduli] = [bias[u]!, bias[u]!, Math.abs(bias[u]!)];
    let lost = biasError ? biasError[u]! : 0;
    for (let a = 0, at = u * atoms; a < this.#form.inputs + u; a++, at++) {
      const w = weight[at]!;
      const error = weightError ? weightError[at]! : 0;
      if (w === 0 && error === 0) continue;
      const [l, h] = [low[a]!, high[a]!];
      if (w > 0) {
        least += w * l;
        most += w * h;
      } else if (w < 0) {
        least += w * h;
        most += w * l;
      }
      const reach = Math.max(Math.abs(l), Math.abs(h));
      // An end is added and rounded also where the other one is infinite.
      const ends = reach < Infinity ? reach : Math.min(Math.abs(l), Math.abs(h));
      if (ends < Infinity) moduli += Math.abs(w) * ends;
      if (error > 0) lost += error * reach;
    }
    const beyond = this.#terms * moduli + lost * (1 + this.#terms) + LOST;
    // What has left float64 is no end.
    const [lowest, highest] = [least - beyond, most + beyond];
    ranges.low[u] = lowest < Infinity ? lowest : -Infinity;
    ranges.high[u] = highest > -Infinity ? highest : Infinity;
    const ball = this.#domain.ball;
    if (ball && this.#form.units[u]!.level === 1) this.#inBall(u, ranges, ball);
  }

  #inBall(u: number, ranges: Ranges, { centre, radius }: NonNullable<Domain['ball']>): void {
    const { atoms, inputs, weight, weightError, bias, biasError } = this.#form;
    let [middle, moduli, square, lost] = [bias[u]!, Math.abs(bias[u]!), 0, biasError ? biasError[u]! : 0];
    for (let a = 0, at = u * atoms; a < inputs; a++, at++) {
      const w = weight[at]!;
      middle += w * centre[a]!;
      moduli += Math.abs(w * centre[a]!);
      square += w * w;
      if (weightError) lost += weightError[at]! * (Math.abs(centre[a]!) + radius);
    }
    const reach =
      radius * (Math.sqrt(square) + inputs * LOST_ROOT) * (1 + this.#terms) +
      this.#terms * moduli +
      lost * (1 + this.#terms) +
      LOST;
    const [lowest, highest] = [middle - reach, middle + reach];
    if (lowest > ranges.low[u]! && lowest < Infinity) ranges.low[u] = lowest;
    if (highest < ranges.high[u]! && highest > -Infinity) ranges.high[u] = highest;
  }

  #value(u: number, state: State, ranges: Ranges, atom: number): void {
    const { pieces } = this.#form.units[u]!;
    const [l, h] = [ranges.low[u]!, ranges.high[u]!];
    if (!pieces) {
      this.#low[atom] = l;
      this.#high[atom] = h;
      return;
    }
    const { breaks, slopes, offsets } = pieces;
    let [least, most] = [Infinity, -Infinity];
    const [first, last] = [state.first[u]!, state.last[u]!];
    for (let p = first; p <= last; p++) {
      const from = p === first ? l : breaks[p - 1]!;
      const to = p === last ? h : breaks[p]!;
      for (const end of [from, to]) {
        const slope = slopes[p]!;
        const value = slope === 0 ? offsets[p]! : slope * end + offsets[p]!;
        const beyond =
          Math.abs(value) < Infinity ? 2 ** -50 * (Math.abs(value) + Math.abs(offsets[p]!)) + LOST : 0;
        // What is 0 or the identity rounds nothing.
        const exact = (slope === 0 || slope === 1) && (offsets[p] === 0 || slope === 0);
        least = Math.min(least, exact ? value : value - beyond);
        most = Math.max(most, exact ? value : value + beyond);
      }
    }
    this.#low[atom] = least;
    this.#high[atom] = most;
  }
}
