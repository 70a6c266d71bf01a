/** Bounds on the differences of two outputs, for people. */
import type { BoundResult } from '../../bounds/result.ts';
import { formatBound } from './format.ts';
import { type Column, tableLines } from './table.ts';
import { dim, type Line } from './terminal.ts';

/** Outputs whose margins are a table for people. */
const MOST_IN_TABLE = 12;
/** Of more, so many of the largest. */
const LARGEST_SHOWN = 12;

/** Bounds on the differences between outputs, row i and column j < i. */
export function marginLines(margins: BoundResult['margins']): Line[] {
  if (!margins)
    return ['', 'There is no table of margins: it is for 2 to 256 outputs that a method bounds together.'];
  const title = 'Margins, bounds on output i minus output j:';
  if (margins.length <= MOST_IN_TABLE) {
    const columns = margins.map(
      (_, j): Column => ({ title: j === 0 ? 'i \\ j' : String(j - 1), align: 'right' }),
    );
    const cells = margins
      .slice(1)
      .map((row, k) => [
        String(k + 1),
        ...columns.slice(1).map((_, j) => (j <= k ? formatBound(row[j]!, null) : '')),
      ]);
    const [titles, ...rows] = tableLines(columns, cells);
    return ['', title, dim(titles!), ...rows];
  }
  const pairs = margins.flatMap((row, i) => row.slice(0, i).map((value, j) => ({ i, j, value })));
  const largest = pairs.sort((a, b) => b.value - a.value).slice(0, LARGEST_SHOWN);
  const columns: readonly Column[] = ['i', 'j', 'margin'].map((name) => ({ title: name, align: 'right' }));
  const cells = largest.map(({ i, j, value }) => [String(i), String(j), formatBound(value, null)]);
  const [titles, ...rows] = tableLines(columns, cells);
  const rest = `The ${largest.length} largest of ${pairs.length}; --json has them all.`;
  return ['', title, dim(titles!), ...rows, rest];
}
