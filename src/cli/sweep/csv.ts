/** Lines of a sweep for spreadsheets. */
import { open, stat } from 'node:fs/promises';
import { InputError } from '../../errors.ts';
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

/**
 * A table takes the place of an older one, and of nothing else: a network, say, or what its weights are in.
 * @throws InputError for a file that holds something else
 */
export async function refuseToReplace(option: string, path: string): Promise<void> {
  const status = await stat(path).catch(() => undefined);
  if (!status?.isFile() || status.size === 0) return;
  const titles = Buffer.from(csvOf([]));
  const file = await open(path);
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(titles.length), 0, titles.length, 0);
    if (buffer.subarray(0, bytesRead).equals(titles)) return;
  } finally {
    await file.close();
  }
  throw new InputError(
    `${option}: ${path}: must be new or such a table, got a file that holds something else`,
  );
}

function cell(value: string | number): string {
  const text = printable(String(value));
  return /[",]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
