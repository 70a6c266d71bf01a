/** What is known of one elementwise function, and the words in which it is said. */
import { InputError } from '../../errors.ts';

/** Slope intervals [lower, upper]: arrays of length 1, or one entry per channel, or per entry of the tensor where parameters have. */
export interface SlopeInterval {
  readonly lower: Float64Array;
  readonly upper: Float64Array;
}

/**
 * One elementwise function φ: all that values, bounds, enclosures and files ask of it. `F` is its name and its parameters.
 * Every parameter is a finite number, except that a clip may be open on one side (±Infinity).
 *
 * Unless it `roundsOnce`, computed values and derivatives are taken to be as near to the exact ones as
 * `src/network/evaluation/elementwiseEnclosure.ts` says: a formula that magnifies rounding errors by more needs another bound there.
 */
export interface Definition<F extends { readonly name: string }> {
  /** Parameters that show every case of this record: each sign, each default, each open end. Tests go through them. */
  readonly examples: readonly [F, ...F[]];
  /** Every parameter, for deciding in which number format all of them are exact. */
  parameters(f: F): ArrayLike<number>;
  /** Demands what a bounded slope and a meaning need; absent where there are no parameters. */
  check?(f: F, demand: Demands): void;
  /** φ(x). `channel` picks among parameters per channel (per entry, where there are so many); NaN stays NaN. */
  value(f: F, x: number, channel: number): number;
  /** φ′(x); at a kink one of the one-sided derivatives. */
  derivative(f: F, x: number, channel: number): number;
  /** The smallest interval that holds the slope of every secant, (φ(x) − φ(y)) / (x − y), ends rounded outward. */
  slopes(f: F): SlopeInterval;
  /** Where the slope jumps. */
  kinks(f: F): readonly number[];
  /** An upper bound of |φ″| between the kinks. */
  curvature(f: F): number;
  /**
   * Where φ′ turns from rising to falling or back and has one end of `slopes`, in [from, to]; to 2^-20 relative to 1 + its modulus, which is
   * as near as `localSlopes` wants it. Between these and the kinks φ′ is monotone. Undefined where that is not known, or where they are many.
   */
  turns(f: F, from: number, to: number): readonly number[] | undefined;
  /** Whether values take comparisons and at most one product, and slopes none: then values round once, slopes never. */
  readonly roundsOnce?: true;
  /** The parameter that may have an entry per channel (first axis of the tensor), or per entry, or one for all; absent where none has. */
  readonly perChannel?: PerChannel<F>;
}

export interface PerChannel<F> {
  entries(f: F): Float64Array;
  /** The same function with other entries. */
  withEntries(f: F, entries: Float64Array): F;
}

/** What a parameter is held against; each throws an InputError that names the node and the function. */
export class Demands {
  private readonly subject: string;
  /** Size of the first axis of the tensor that the function acts on. */
  readonly channels: number;
  /** Its entries. */
  readonly entries: number;

  constructor(node: string, name: string, channels: number, entries: number) {
    this.subject = `${node}: ${name}`;
    this.channels = channels;
    this.entries = entries;
  }

  that(holds: boolean, rule: string, got: number): void {
    if (!holds) throw new InputError(`${this.subject}: ${rule}, got ${got}`);
  }

  finite(parameter: string, value: number): void {
    this.that(Number.isFinite(value), `${parameter} must be finite`, value);
  }
}

export function interval(lower: number, upper: number): SlopeInterval {
  return { lower: Float64Array.of(lower), upper: Float64Array.of(upper) };
}

export function hull(...slopes: number[]): SlopeInterval {
  return interval(Math.min(...slopes), Math.max(...slopes));
}

/** Of functions whose φ′ is monotone between the kinks. */
export const noTurns = (): readonly number[] => [];

/** Of functions whose φ′ turns at these points. */
export function turningAt(points: readonly number[], from: number, to: number): readonly number[] {
  return points.filter((x) => x >= from && x <= to);
}

/** Of functions without parameters: what is the same for all of them. */
export function plain<N extends string>(name: N) {
  return { examples: [{ name }], parameters: () => [] } as const;
}
