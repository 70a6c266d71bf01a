/** The steepest point that has been found and proven, and ways to steeper ones. */
import { type Domain, isInside } from '../domain.ts';
import { Cone } from '../empty/cone.ts';
import { MinimumNorm } from '../empty/minimumNorm.ts';
import type { Form } from '../form/form.ts';
import { type Ranges, unknownRanges } from '../ranges.ts';
import type { State } from '../state.ts';
import { provenSlope } from './provenSlope.ts';
import { Random } from './random.ts';
import { Slopes } from './slopes.ts';

/** What is not steeper by this is not worth a proof. */
const STEEPER = 1e-10;
/** Multiplications that sampling takes, about; points at most and at least; every so many that are best a climb begins. */
const SAMPLING = 4e7;
const [FEWEST, MOST, PER_KINK] = [200, 3000, 40];
const CLIMBS = 20;
const POINTS_OF_CLIMB = 50;
const MOST_CLIMBED = 60;
/** How far samples lie from the middle, where the domain has no end. */
const SCALE = 5;

export interface SteepPoint {
  readonly x: Float64Array;
  readonly v: Float64Array;
  /** Proven: no Lipschitz constant is below. */
  readonly slope: number;
}

export class Steepest {
  best: SteepPoint | undefined;
  readonly #form: Form;
  readonly #domain: Domain;
  readonly #slopes: Slopes;
  readonly #cone: Cone;
  readonly #solver = new MinimumNorm();
  readonly #ranges: Ranges;
  readonly #pieces: Uint8Array;
  readonly #random: Random;

  constructor(form: Form, domain: Domain, seed: number) {
    this.#form = form;
    this.#domain = domain;
    this.#slopes = new Slopes(form);
    this.#cone = new Cone(form, domain);
    this.#ranges = unknownRanges(form);
    this.#pieces = new Uint8Array(form.units.length);
    this.#random = new Random(seed);
  }

  get slope(): number {
    return this.best?.slope ?? 0;
  }

  /** Looks at a point. @returns its slope, as computed */
  look(x: Float64Array): number {
    this.#slopes.piecesAt(x, this.#pieces);
    const slope = this.#slopes.norm(this.#pieces);
    if (slope > this.slope * (1 + STEEPER) && isInside(this.#domain, x)) {
      const v = new Float64Array(x.length);
      this.#slopes.norm(this.#pieces, v);
      const proven = provenSlope(this.#form, x, v);
      if (proven > this.slope) this.best = { x: x.slice(), v, slope: proven };
    }
    return slope;
  }

  /** Points of the domain at random, and climbs from the best of every handful. */
  *sample(): Generator<void> {
    const { inputs, outputs, atoms, units, kinks } = this.#form;
    const work = (outputs + 1) * units.length * atoms + 1;
    const points = Math.min(MOST, PER_KINK * kinks.length, Math.max(FEWEST, Math.floor(SAMPLING / work)));
    for (let k = 0; k < points; k++) {
      this.look(this.#point(inputs));
      if (k % 100 === 0) yield;
    }
    for (let k = 0; k < Math.min(CLIMBS, kinks.length); k++) {
      let [most, from] = [-1, new Float64Array(inputs)];
      for (let n = 0; n < POINTS_OF_CLIMB; n++) {
        const x = this.#point(inputs);
        const slope = this.look(x);
        if (slope > most) [most, from] = [slope, x];
      }
      yield* this.climb(from);
    }
  }

  #point(inputs: number): Float64Array<ArrayBuffer> {
    const { low, high, ball } = this.#domain;
    const random = this.#random;
    const scale = SCALE * 10 ** (3 * random.uniform() - 2);
    if (ball) {
      const direction = Float64Array.from({ length: inputs }, () => random.normal());
      const length = Math.hypot(...direction);
      const reach = ball.radius * random.uniform() ** (1 / inputs);
      return direction.map((d, n) =>
        Math.min(Math.max(ball.centre[n]! + (reach * d) / length, low[n]!), high[n]!),
      );
    }
    return Float64Array.from({ length: inputs }, (_, n) => {
      const [l, h] = [low[n]!, high[n]!];
      if (l > -Infinity && h < Infinity) return l + (h - l) * random.uniform();
      return Math.min(Math.max(scale * random.normal(), l), h);
    });
  }

  /** From piece to neighbouring piece, as long as that is steeper and has an inside. */
  *climb(x: Float64Array): Generator<void> {
    const { units, kinks } = this.#form;
    const pieces = new Uint8Array(units.length);
    this.#slopes.piecesAt(x, pieces);
    let slope = this.#slopes.norm(pieces);
    for (let step = 0; step < MOST_CLIMBED; step++) {
      const ways: { readonly unit: number; readonly piece: number; readonly slope: number }[] = [];
      for (const unit of kinks) {
        const here = pieces[unit]!;
        for (const piece of [here - 1, here + 1]) {
          if (piece < 0 || piece > units[unit]!.pieces!.breaks.length) continue;
          pieces[unit] = piece;
          const there = this.#slopes.norm(pieces);
          if (there > slope * (1 + 1e-9)) ways.push({ unit, piece, slope: there });
        }
        pieces[unit] = here;
      }
      ways.sort((a, b) => b.slope - a.slope);
      let next: (typeof ways)[number] | undefined;
      for (const way of ways) {
        const here = pieces[way.unit]!;
        pieces[way.unit] = way.piece;
        if (this.#visit(pieces)) {
          next = way;
          break;
        }
        pieces[way.unit] = here;
      }
      yield;
      if (!next) return;
      slope = next.slope;
    }
  }

  /** Looks at a point on these pieces, if there is one. */
  #visit(pieces: Uint8Array): boolean {
    const { units } = this.#form;
    const state: State = { first: pieces, last: pieces };
    this.#cone.build(state, this.#ranges, units.at(-1)?.level ?? 0);
    if (this.#solver.solve(this.#cone, undefined, true) !== 'inside') return false;
    const x = this.pointOf(this.#solver.point, this.#cone.columns);
    if (x) this.look(x);
    return x !== undefined;
  }

  /** The input of a vector of a cone; undefined where it lies beyond all numbers. */
  pointOf(vector: Float64Array, columns: number): Float64Array<ArrayBuffer> | undefined {
    const t = vector[columns - 1]!;
    if (!(t > 0)) return undefined;
    const x = new Float64Array(this.#form.inputs);
    for (let n = 0; n < x.length; n++) x[n] = vector[n]! / t;
    return x.every(Number.isFinite) ? x : undefined;
  }
}
