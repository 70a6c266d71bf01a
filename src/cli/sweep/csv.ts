/** Lines of a sweep for spreadsheets. */
import { printable } from '../../printable.ts';
import type { SweepLine } from './line.ts';

const COLUMNS: readonly (readonly [
  title: string,
  of: (line: SweepLine) => string | number | null | undefined,
])[] = [
  ['file', ({ file }) => file],
  ['sha256', ({ sha256 }) => sha256],
  ['bound', ({ bound }) => bound],
  ['log10', ({ log10 }) => log10],
  ['method', ({ method }) => method],
  ['rule', ({ rule }) => rule],
  ['at least', ({ lower }) => lower?.value],
  ['product', ({ product }) => product?.bound],
  ['closed form', ({ closedForm }) => closedForm?.bound],
  ['assurance', ({ assurance }) => assurance],
  ['evaluations', ({ evaluations }) => evaluations],
  ['seconds', ({ seconds }) => seconds],
  ['options', ({ options }) => JSON.stringify(options)],
  ['error', ({ error }) => error?.message],
];

/** A line of titles, then one for each network. */
export function csvOf(lines: readonly SweepLine[]): string {
  const rows = [
    COLUMNS.map(([title]) => title),
    ...lines.map((line) => COLUMNS.map(([, of]) => of(line) ?? '')),
  ];
  return rows.map((row) => `${row.map(cell).join(',')}\n`).join('');
}

function cell(value: string | number): string {
  const text = printable(String(value));
  return /[",]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
