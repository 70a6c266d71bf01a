/** A result by kinds of methods: the best of each, and what the library says beyond the bound. */
import type { BoundResult, MethodResult } from '../../src/index.browser.ts';
import { formatBound, formatLower } from './format.ts';

export interface Reading {
  readonly kind: 'product' | 'closedForm' | 'refined' | 'unrolled' | 'exact' | 'lower';
  readonly label: string;
  /** The rule, where there is one. */
  readonly detail: string;
  readonly bound: number | null;
  readonly log10: number | null;
}

const KINDS = [
  { kind: 'product', method: 'spectral-product', label: 'Product of norms' },
  { kind: 'closedForm', method: 'closed-form', label: 'Closed form' },
  { kind: 'unrolled', method: 'unrolled', label: 'Unrolled' },
  { kind: 'refined', method: 'refined', label: 'Refined' },
  { kind: 'exact', method: 'exact', label: 'Exact' },
] as const;

/** Upper bounds are rounded up, the lower one down. */
export function formatReading({ kind, bound, log10 }: Reading): string {
  return kind === 'lower' ? formatLower(bound, log10) : formatBound(bound, log10);
}

/** Kinds without a bound are left out. */
export function readingsOf(result: Pick<BoundResult, 'methods' | 'lower' | 'assurance'>): {
  readings: Reading[];
  assurance: BoundResult['assurance'];
} {
  const readings = KINDS.flatMap(({ kind, method, label }): Reading[] => {
    const row = least(result.methods.filter((m) => m.method === method));
    return row ? [{ kind, label, detail: row.rule ?? '', bound: row.bound, log10: row.log10 }] : [];
  });
  const { lower, assurance } = result;
  if (lower) {
    const { value: bound, log10 } = lower;
    readings.push({ kind: 'lower', label: 'Lower bound', detail: 'sampled', bound, log10 });
  }
  return { readings, assurance };
}

/** The row that gave the bound. */
export function leastOf(result: BoundResult): MethodResult | undefined {
  return result.methods.find((m) => m.method === result.method && m.rule === result.rule);
}

/** Orders rows by their bounds; those without one come last. */
export function byBound(a: MethodResult, b: MethodResult): number {
  const [x, y] = [sortKey(a), sortKey(b)];
  return x < y ? -1 : x > y ? 1 : 0;
}

export function hasBound(row: MethodResult): boolean {
  return sortKey(row) < Infinity;
}

/** The logarithm of 0 is written as null, as is that of no bound. */
function sortKey(row: MethodResult): number {
  return row.log10 ?? (row.bound === 0 ? -Infinity : Infinity);
}

export function least(rows: readonly MethodResult[]): MethodResult | undefined {
  return rows.filter(hasBound).sort(byBound)[0];
}
