/** Rows of a result: one bound of one method each, and what stands behind it. */

import type { Rounding } from '../../ellipsoid/rounding/rounding.ts';
import type { Outcome } from '../../ellipsoid/sweep/sweep.ts';
import type { Engine } from '../../engine/engine.ts';
import type { Program, Step } from '../../program/program.ts';
import { isLess, largest, roundedUp, type Scaled, scaled, squareRoot, times } from '../../scaled.ts';
import type {
  BoundResult,
  ExactReport,
  LengthReport,
  MethodResult,
  RowRule,
  SearchReport,
  StoredMultipliers,
} from '../result.ts';
import { hasEntries, marginOf } from './margins.ts';

/** A row before it is written as numbers. */
export interface Row {
  readonly method: MethodResult['method'];
  readonly rule?: RowRule;
  /** Absent where the method failed. */
  readonly value?: Scaled;
  readonly seconds: number;
  readonly search?: SearchReport;
  readonly error?: string;
  /** It failed for want of time. */
  readonly late?: true;
  /** It failed since somebody interrupted. */
  readonly interrupted?: true;
  /** What to say of it, as a sentence. */
  readonly note?: string;
  readonly program?: Program;
  readonly outcome?: Outcome;
  /** The pass that gave the outcome once more, on another engine or with another analysis of rounding. */
  readonly again?: (engine: Engine, rounding: Rounding | undefined) => Promise<Outcome>;
  /** The node from which on the program's network is unrolled, if it is. */
  readonly unrolledFrom?: number;
  readonly length?: LengthReport;
  /** What the search was to make small, where that is not the value. */
  readonly objective?: Scaled;
  /** With the target `margins`: where the search for single pairs begins. */
  readonly pairStart?: PairStart;
  /** Where single entries of the output are bounded: where the search for one by one begins. */
  readonly entryStart?: PairStart;
  /** Of a product of moduli: what it says of changes of single entries of the input. */
  readonly columns?: readonly Scaled[];
  /** That a search has found. */
  readonly multipliers?: StoredMultipliers;
  /** What stands behind a row of the method `exact`. */
  readonly exact?: ExactReport;
  readonly exactTree?: BoundResult['exactTree'];
}

export interface PairStart {
  readonly program: Program;
  readonly theta: ReadonlyMap<Step, Float64Array>;
  /** Whether it was found on few frequencies. */
  readonly few: boolean;
  /** That the search for all pairs might take. */
  readonly evaluations: number;
}

/** The bound that an outcome gives: on the whole output, its largest entry, or on the difference of a pair of its entries. NaN where it failed. */
export function rowValue(
  program: Program,
  outcome: Outcome,
  pair: readonly [i: number, j: number] | undefined,
): Scaled {
  if (Number.isNaN(outcome.squared.mantissa)) return outcome.squared;
  const whole = squareRoot(outcome.squared);
  const value =
    program.reading !== undefined
      ? largestEntryOf(outcome, whole)
      : pair && hasEntries(program)
        ? marginOf(outcome, program.output.channels, ...pair)
        : ofPair(program, whole, pair);
  return roundedUp(times(value, scaled(program.factor)));
}

/** What a bound of the whole output says of the difference of two of its entries, where one is asked for. */
export function ofPair(
  { reading }: Program,
  whole: Scaled,
  pair: readonly [i: number, j: number] | undefined,
): Scaled {
  // Where entries are read the difference is taken in the network.
  return pair && reading === undefined ? times(whole, scaled(Math.SQRT2)) : whole;
}

/** √Σ_kk of every entry, as they are without the program's factor. Undefined where the outcome has no covariance of them. */
export function entriesOf({ covariance, squared }: Outcome): Scaled[] | undefined {
  if (!covariance || Number.isNaN(squared.mantissa)) return undefined;
  const { matrix, exponent } = covariance;
  const count = Math.round(Math.sqrt(matrix.length));
  return Array.from({ length: count }, (_, k) => squareRoot(scaled(matrix[k * (count + 1)]!, exponent)));
}

/** The largest √Σ_ii; the whole where the outcome has no covariance of entries. */
function largestEntryOf(outcome: Outcome, whole: Scaled): Scaled {
  const entries = entriesOf(outcome);
  return entries ? largest(entries) : whole;
}

/** The row with the least value, or the least of something else. */
export function least<R extends Row>(
  rows: readonly R[],
  of: (row: R) => Scaled | undefined = (row) => row.value,
): R | undefined {
  let best: { readonly row: R; readonly value: Scaled } | undefined;
  for (const row of rows) {
    const value = of(row);
    if (value === undefined || Number.isNaN(value.mantissa)) continue;
    if (!best || isLess(value, best.value)) best = { row, value };
  }
  return best?.row;
}

/** Why a row has no bound whose outcome is NaN. */
export const NOT_DOMINATED = 'the multipliers do not dominate S in the arithmetic of the engine';
