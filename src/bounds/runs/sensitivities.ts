/** Bounds for single entries of the input: of each the least that any row gives it (docs/mathematics.md §9). */
import { isLess, roundedUp, type Scaled, scaled, times, toNumber } from '../../scaled.ts';
import { hasEntries } from './margins.ts';
import { entriesOf, type Row } from './rows.ts';

/**
 * Undefined where no row knows of single entries.
 * @param rows of a query from ℓ1
 * @param bound which holds for all entries
 */
export function sensitivitiesOf(rows: readonly Row[], bound: Scaled): number[] | undefined {
  const each = rows.flatMap((row) => boundsIn(row) ?? []);
  if (each.length === 0) return undefined;
  return each[0]!.map((_, j) => {
    const least = each.reduce((best, own) => (isLess(own[j]!, best) ? own[j]! : best), bound);
    // What is smaller than float64 has room for is rounded up as well.
    return toNumber(least) ?? (least.exponent < 0 ? 2 ** -1022 : Infinity);
  });
}

function boundsIn({ columns, outcome, program }: Row): readonly Scaled[][] | undefined {
  if (columns) return [columns.map((x) => roundedUp(x))];
  if (!outcome || program?.reading !== 'inputs' || !hasEntries(program)) return undefined;
  const own = entriesOf(outcome);
  return own && [own.map((root) => roundedUp(times(root, scaled(program.factor))))];
}
