/** Text tables: columns padded to one width, two spaces between them. */
import { largest } from '../../network/extremes.ts';
import { printable } from '../../printable.ts';

export interface Column {
  readonly title: string;
  readonly align: 'left' | 'right';
}

/** Lines of the table, the titles first. `cells` has one row per line, one entry per column. */
export function tableLines(columns: readonly Column[], cells: readonly (readonly string[])[]): string[] {
  // As it will be printed: names may hold what has to be escaped.
  const rows = [columns.map((column) => column.title), ...cells].map((row) => row.map(printable));
  const widths = columns.map((_, k) => largest(rows.map((row) => width(row[k]!))));
  return rows.map((row) =>
    row
      .map((cell, k) => {
        const gap = ' '.repeat(widths[k]! - width(cell));
        return columns[k]!.align === 'right' ? gap + cell : cell + gap;
      })
      .join('  ')
      .trimEnd(),
  );
}

/** Characters, not UTF-16 units. */
function width(text: string): number {
  return [...text].length;
}
