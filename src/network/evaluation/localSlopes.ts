/**
 * Slopes of elementwise functions where their argument is known to lie in an interval (docs/mathematics.md §8): of all secants there, or of
 * those from one point. Ends are rounded outward; they never leave the slopes of the whole line.
 */
import type { Definition } from '../elementwise/definition.ts';
import { definitionOf, type Elementwise } from '../elementwise/table.ts';
import { broadcast } from '../size.ts';
import { slopeError, U, valueError } from './elementwiseEnclosure.ts';

/** All slopes lie in [lower, upper]; both are the same only where the function is exactly linear. */
export interface Slopes {
  readonly lower: number;
  readonly upper: number;
}

/** A point from which secants start, known to be within `radius` of `point`. */
export interface Anchor {
  readonly point: number;
  readonly radius: number;
}

export interface LocalSlopes {
  /** The slope of every secant between two points of [low, high]. */
  within(low: number, high: number, channel: number): Slopes;
  /** The slope of every secant from the anchor, wherever it lies, to a point of [low, high]. */
  from(anchor: Anchor, low: number, high: number, channel: number): Slopes;
}

/** How near to an end of an interval a turn of φ′ counts as inside, relative to 1 + its modulus (`Definition.turns`). */
const NEAR_TURN = 2 ** -20;
/** Pieces of each stretch between kinks and turns, where secants are not monotone. */
const PIECES = 8;

export function localSlopes(f: Elementwise): LocalSlopes {
  const definition = definitionOf(f);
  return definition.roundsOnce ? new StraightPieces(f, definition) : new Smooth(f, definition);
}

/** What both kinds share: the slopes of the whole line, and how secants from a point known nearly follow from those of a point. */
abstract class Local implements LocalSlopes {
  protected readonly f: Elementwise;
  protected readonly definition: Definition<Elementwise>;
  protected readonly kinks: readonly number[];
  readonly #least: Float64Array;
  readonly #most: Float64Array;

  constructor(f: Elementwise, definition: Definition<Elementwise>) {
    this.f = f;
    this.definition = definition;
    const { lower, upper } = definition.slopes(f);
    this.#least = lower;
    this.#most = upper;
    this.kinks = [...definition.kinks(f)].sort((a, b) => a - b);
  }

  within(low: number, high: number, channel: number): Slopes {
    const all = this.everywhere(channel);
    if (!(low <= high && Number.isFinite(low) && Number.isFinite(high))) return all;
    return intersection(all, this.derivatives(low, high, channel));
  }

  from({ point, radius }: Anchor, low: number, high: number, channel: number): Slopes {
    const first = Math.min(low, point - radius);
    const last = Math.max(high, point + radius);
    // A secant is the mean of φ′ between its ends.
    const mean = this.within(first, last, channel);
    if (!(low <= high && Number.isFinite(last - first)) || mean.lower === mean.upper) return mean;
    const { lower, upper } = this.secants(point, Math.min(low, point), Math.max(high, point), channel);
    const beyond = this.#beyond(point, radius, mean);
    return intersection(mean, { lower: lower - beyond, upper: upper + beyond });
  }

  /** φ′ between `low` and `high`. */
  protected abstract derivatives(low: number, high: number, channel: number): Slopes;
  /** Secants from `anchor`, which lies in [low, high]. */
  protected abstract secants(anchor: number, low: number, high: number, channel: number): Slopes;

  protected everywhere(channel: number): Slopes {
    return { lower: broadcast(this.#least, channel), upper: broadcast(this.#most, channel) };
  }

  /**
   * How far secants move with their anchor a, by at most `radius`: ∂s/∂a = (s − φ′(a)) / (y − a), and s is the mean of φ′ between a and y.
   * Without a kink between them that is at most half the curvature; with one, y is at least as far as the nearest kink.
   */
  #beyond(anchor: number, radius: number, { lower, upper }: Slopes): number {
    if (radius === 0) return 0;
    let gap = Infinity;
    for (const kink of this.kinks)
      gap = Math.min(gap, Math.abs(kink - anchor) * (1 - 4 * U) - radius - 16 * U * Math.abs(kink));
    if (!(gap > 0)) return Infinity;
    return radius * (this.definition.curvature(this.f) / 2 + (upper - lower) / gap) * (1 + 16 * U);
  }

  /** The slope from (a, φ(a)) to (x, φ(x)), rounding included. */
  protected secant(a: number, x: number, channel: number): Slopes {
    const [fa, fx] = [this.definition.value(this.f, a, channel), this.definition.value(this.f, x, channel)];
    const slope = (fx - fa) / (x - a);
    const { lower, upper } = this.everywhere(channel);
    const steepest = Math.max(Math.abs(lower), Math.abs(upper));
    const values =
      valueError(this.definition, x, fx, steepest) + valueError(this.definition, a, fa, steepest);
    // A slope that is too small for float64 is not 0.
    const error = (values / Math.abs(x - a)) * (1 + 8 * U) + 6 * U * Math.abs(slope) + 2 * Number.MIN_VALUE;
    return { lower: slope - error, upper: slope + error };
  }
}

/** Straight pieces between kinks, which are known exactly; so are the slopes. */
class StraightPieces extends Local {
  protected derivatives(low: number, high: number, channel: number): Slopes {
    const { definition, f, kinks } = this;
    let lower = Infinity;
    let upper = -Infinity;
    // One point of every piece that has more than an end in the interval; a single point on a kink belongs to both of its pieces.
    let start = low;
    for (let k = this.#inside(0, low, high); ; k = this.#inside(k + 1, low, high)) {
      const end = k < kinks.length ? kinks[k]! : high;
      const middle = start / 2 + end / 2;
      const between = middle > start && middle < end;
      if (!between && kinks.some((kink) => kink >= low && kink <= high)) return this.everywhere(channel);
      const slope = definition.derivative(f, middle, channel);
      lower = Math.min(lower, slope);
      upper = Math.max(upper, slope);
      if (k === kinks.length) return { lower, upper };
      start = end;
    }
  }

  /** On a straight piece the secant from elsewhere is monotone: its extremes lie at kinks and ends. */
  protected secants(anchor: number, low: number, high: number, channel: number): Slopes {
    const { kinks } = this;
    let all: Slopes = { lower: Infinity, upper: -Infinity };
    for (const far of [low, high]) {
      if (far === anchor) continue;
      const [from, to] = far < anchor ? [far, anchor] : [anchor, far];
      // The end of the piece that the anchor lies on, on this side.
      let next = far;
      for (let k = this.#inside(0, from, to); k < kinks.length; k = this.#inside(k + 1, from, to)) {
        const kink = kinks[k]!;
        all = hull(all, this.secant(anchor, kink, channel));
        if (Math.abs(kink - anchor) < Math.abs(next - anchor)) next = kink;
      }
      all = hull(all, this.secant(anchor, far, channel));
      all = hull(all, this.derivatives(Math.min(anchor, next), Math.max(anchor, next), channel));
    }
    return all;
  }

  /** The first kink from the k-th on that lies between; their number where none does. */
  #inside(k: number, low: number, high: number): number {
    let at = k;
    while (at < this.kinks.length && !(this.kinks[at]! > low && this.kinks[at]! < high)) at++;
    return at;
  }
}

/** φ′ is monotone between kinks and turns. */
class Smooth extends Local {
  protected derivatives(low: number, high: number, channel: number): Slopes {
    const turns = this.#turns(low, high);
    const all = this.everywhere(channel);
    if (turns === undefined) return all;
    let slopes = hull(this.#derivative(low, channel), this.#derivative(high, channel));
    for (const turn of turns) {
      const here = this.#derivative(turn, channel);
      slopes = hull(slopes, here);
      // An end of all slopes is attained near it.
      if (here.upper > (all.lower + all.upper) / 2)
        slopes = hull(slopes, { lower: all.upper, upper: all.upper });
      else slopes = hull(slopes, { lower: all.lower, upper: all.lower });
    }
    const near = this.#kinksNear(low, high);
    // Between kinks that rounding does not tell apart the slope is nowhere seen.
    if (near.some((kink, k) => k > 0 && kink - near[k - 1]! <= 256 * U * Math.abs(kink))) return all;
    for (const kink of near) {
      const aside = 64 * U * Math.abs(kink) + Number.MIN_VALUE;
      const more = 2 * aside * this.definition.curvature(this.f);
      slopes = hull(slopes, widened(this.#derivative(kink - aside, channel), more));
      slopes = hull(slopes, widened(this.#derivative(kink + aside, channel), more));
    }
    return slopes;
  }

  protected secants(anchor: number, low: number, high: number, channel: number): Slopes {
    const left = this.#side(anchor, low, channel);
    const right = this.#side(anchor, high, channel);
    return left && right ? hull(left, right) : this.everywhere(channel);
  }

  /** Secants from `anchor` to points between it and `end`; undefined where nothing is known of φ′. */
  #side(anchor: number, end: number, channel: number): Slopes | undefined {
    const atAnchor = this.#derivative(anchor, channel);
    if (anchor === end) return hull(atAnchor, this.derivatives(anchor, anchor, channel));
    const [low, high] = anchor < end ? [anchor, end] : [end, anchor];
    const turns = this.#turns(low, high);
    if (turns === undefined) return undefined;
    const kinks = this.#kinksNear(low, high);
    // Means of a monotone function are monotone.
    if (turns.length === 0 && kinks.length === 0) return hull(atAnchor, this.secant(anchor, end, channel));
    const stops = [low, ...[...turns, ...kinks].filter((x) => x > low && x < high), high].sort(
      (a, b) => a - b,
    );
    let slopes: Slopes = { lower: Infinity, upper: -Infinity };
    for (let k = 0; k + 1 < stops.length; k++) {
      for (let piece = 0; piece < PIECES; piece++) {
        const at = (share: number) =>
          share === PIECES ? stops[k + 1]! : stops[k]! + (share / PIECES) * (stops[k + 1]! - stops[k]!);
        const [p, q] = [at(piece), at(piece + 1)];
        const [near, far] = anchor < end ? [p, q] : [q, p];
        slopes = hull(slopes, this.#piece(anchor, near, far, channel));
      }
    }
    return slopes;
  }

  /**
   * Secants to points between `near` and `far`: what the secant to `near` and slopes d from there on mix to, with weights of d from 0 to
   * |far − near| / |far − anchor|.
   */
  #piece(anchor: number, near: number, far: number, channel: number): Slopes {
    const slopes = this.within(Math.min(near, far), Math.max(near, far), channel);
    if (near === anchor) return slopes;
    const start = intersection(this.everywhere(channel), this.secant(anchor, near, channel));
    const weight = Math.min(1, (Math.abs(far - near) / Math.abs(far - anchor)) * (1 + 8 * U));
    const slack =
      8 *
      U *
      (Math.abs(start.lower) + Math.abs(start.upper) + Math.abs(slopes.lower) + Math.abs(slopes.upper));
    return {
      lower: start.lower + weight * Math.min(0, slopes.lower - start.lower) - slack,
      upper: start.upper + weight * Math.max(0, slopes.upper - start.upper) + slack,
    };
  }

  #derivative(x: number, channel: number): Slopes {
    const { lower, upper } = this.everywhere(channel);
    const error = slopeError(this.definition) * (1 + Math.max(Math.abs(lower), Math.abs(upper)));
    const slope = this.definition.derivative(this.f, x, channel);
    return { lower: slope - error, upper: slope + error };
  }

  #turns(low: number, high: number): readonly number[] | undefined {
    const margin = NEAR_TURN * (1 + Math.max(Math.abs(low), Math.abs(high)));
    return this.definition.turns(this.f, low - margin, high + margin);
  }

  #kinksNear(low: number, high: number): readonly number[] {
    return this.kinks.filter((kink) => {
      const reach = 16 * U * Math.abs(kink);
      return kink >= low - reach && kink <= high + reach;
    });
  }
}

function hull(a: Slopes, b: Slopes): Slopes {
  return { lower: Math.min(a.lower, b.lower), upper: Math.max(a.upper, b.upper) };
}

function widened({ lower, upper }: Slopes, by: number): Slopes {
  return { lower: lower - by, upper: upper + by };
}

/** Of what holds all slopes, and what holds them too; NaN is no end. */
function intersection(a: Slopes, b: Slopes): Slopes {
  return {
    lower: b.lower > a.lower ? Math.min(b.lower, a.upper) : a.lower,
    upper: b.upper < a.upper ? Math.max(b.upper, a.lower) : a.upper,
  };
}
