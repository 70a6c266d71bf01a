/** Rows as numbers. */
import type { Inflation } from '../../ellipsoid/rounding/inflation.ts';
import { log10, type Scaled, toNumber } from '../../scaled.ts';
import type { InflationReport, MethodResult } from '../result.ts';
import type { Row } from '../runs/rows.ts';

/** Null where there is no bound, or none in float64; the logarithm of 0 is null too. */
export function numbers(value: Scaled | undefined): { bound: number | null; log10: number | null } {
  if (value === undefined || Number.isNaN(value.mantissa)) return { bound: null, log10: null };
  return { bound: toNumber(value), log10: value.mantissa === 0 ? null : log10(value) };
}

export function methodResult(row: Row): MethodResult {
  return {
    method: row.method,
    ...(row.rule ? { rule: row.rule } : {}),
    ...numbers(row.value),
    seconds: row.seconds,
    ...(row.search ? { search: row.search } : {}),
    ...(row.error !== undefined ? { error: row.error } : {}),
    ...(row.late ? { late: row.late } : {}),
    ...(row.interrupted ? { interrupted: row.interrupted } : {}),
  };
}

const MOST_LAYERS = 10;

export function inflationReport({ factor, layers }: Inflation): InflationReport {
  const largest = [...layers].sort((a, b) => b.factor - a.factor);
  return { factor, layers: largest.slice(0, MOST_LAYERS).map(({ name, factor }) => ({ name, factor })) };
}
