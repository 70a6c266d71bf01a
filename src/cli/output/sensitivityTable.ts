/** Bounds for single entries of the input, for people. */
import { formatBound } from './format.ts';
import { type Column, tableLines } from './table.ts';
import { dim, type Line } from './terminal.ts';

/** Entries that are shown, those with the largest bounds. */
const MOST_SHOWN = 12;

const COLUMNS: readonly Column[] = [
  { title: 'entry', align: 'right' },
  { title: 'bound', align: 'right' },
];

export function sensitivityLines(sensitivities: readonly number[]): Line[] {
  const sorted = sensitivities.map((value, entry) => ({ value, entry })).sort((a, b) => b.value - a.value);
  const shown = sorted.slice(0, MOST_SHOWN);
  const cells = shown.map(({ entry, value }) => [String(entry), formatBound(value, null)]);
  const [titles, ...rows] = tableLines(COLUMNS, cells);
  const rest =
    shown.length < sorted.length
      ? [`The ${shown.length} largest of ${sorted.length}; --json has them all.`]
      : [];
  return [
    '',
    'Sensitivities, bounds where one entry of the input alone changes:',
    dim(titles!),
    ...rows,
    ...rest,
  ];
}
