/** Rows of a result: one bound of one method, and how they become numbers. */

import type { Inflation } from '../ellipsoid/rounding/inflation.ts';
import type { Rounding } from '../ellipsoid/rounding/rounding.ts';
import type { Outcome } from '../ellipsoid/sweep/sweep.ts';
import type { Engine } from '../engine/engine.ts';
import type { Program } from '../program/program.ts';
import { isLess, log10, roundedUp, type Scaled, scaled, squareRoot, times, toNumber } from '../scaled.ts';
import { hasEntries, marginOf } from './margins.ts';
import type { InflationReport, LengthReport, MethodResult, RowRule, SearchReport } from './result.ts';

/** A row before it is written as numbers. */
export interface Row {
  readonly method: MethodResult['method'];
  readonly rule?: RowRule;
  /** Absent where the method failed. */
  readonly value?: Scaled;
  readonly seconds: number;
  readonly search?: SearchReport;
  readonly error?: string;
  readonly program?: Program;
  readonly outcome?: Outcome;
  /** The pass that gave the outcome once more, on another engine or with another analysis of rounding. */
  readonly again?: (engine: Engine, rounding: Rounding | undefined) => Promise<Outcome>;
  /** The node from which on the program's network is unrolled, if it is. */
  readonly unrolledFrom?: number;
  readonly length?: LengthReport;
  /** What the search was to make small, where that is not the value. */
  readonly objective?: Scaled;
}

/** The bound that an outcome gives: on the whole output, or on the difference of a pair of its entries. NaN where it failed. */
export function rowValue(
  program: Program,
  outcome: Outcome,
  pair: readonly [i: number, j: number] | undefined,
): Scaled {
  if (Number.isNaN(outcome.squared.mantissa)) return outcome.squared;
  const whole = squareRoot(outcome.squared);
  const value = !pair
    ? whole
    : hasEntries(program)
      ? marginOf(outcome, program.output.channels, ...pair)
      : times(whole, scaled(Math.SQRT2));
  return roundedUp(times(value, scaled(program.factor)));
}

const MOST_LAYERS = 10;

export function inflationReport({ factor, layers }: Inflation): InflationReport {
  const largest = [...layers].sort((a, b) => b.factor - a.factor);
  return { factor, layers: largest.slice(0, MOST_LAYERS).map(({ name, factor }) => ({ name, factor })) };
}

/** The row with the least value, or the least of something else. */
export function least(
  rows: readonly Row[],
  of: (row: Row) => Scaled | undefined = (row) => row.value,
): Row | undefined {
  let best: { readonly row: Row; readonly value: Scaled } | undefined;
  for (const row of rows) {
    const value = of(row);
    if (value === undefined || Number.isNaN(value.mantissa)) continue;
    if (!best || isLess(value, best.value)) best = { row, value };
  }
  return best?.row;
}

export function methodResult(row: Row): MethodResult {
  return {
    method: row.method,
    ...(row.rule ? { rule: row.rule } : {}),
    ...numbers(row.value),
    seconds: row.seconds,
    ...(row.search ? { search: row.search } : {}),
    ...(row.error !== undefined ? { error: row.error } : {}),
  };
}

/** Null where there is no bound, or none in float64; the logarithm of 0 is null too. */
export function numbers(value: Scaled | undefined): { bound: number | null; log10: number | null } {
  if (value === undefined || Number.isNaN(value.mantissa)) return { bound: null, log10: null };
  return { bound: toNumber(value), log10: value.mantissa === 0 ? null : log10(value) };
}
