/** `lipsoid report`: what sweeps have found, as a table, an image, rows or a document. */
import { readTextFile } from '../../files.node.ts';
import { EXIT } from '../failure.ts';
import { formatBound, formatCount, formatSeconds } from '../output/format.ts';
import { LARGEST_LINES } from '../output/lineFile.ts';
import { OutputFile } from '../output/outputFile.ts';
import { type Column, tableLines } from '../output/table.ts';
import { dim, printDocument, printLines, type Terminal } from '../output/terminal.ts';
import { boundPlot } from '../sweep/boundPlot.ts';
import { csvOf } from '../sweep/csv.ts';
import type { SweepLine } from '../sweep/line.ts';
import { differingOptions, lastLines, seriesOf } from '../sweep/series.ts';
import { parsedLines } from '../sweep/sweepLines.ts';
import { inCommandLineWords } from '../words.ts';

export interface ReportCommand {
  /** Of sweeps. */
  readonly files: readonly string[];
  /** Files. */
  readonly plot?: string;
  readonly csv?: string;
  readonly json: boolean;
}

/** Writes the table to stdout, then the files that were asked for; returns the exit code. @throws InputError for files of something else */
export async function reportCommand(command: ReportCommand, { stdout }: Terminal): Promise<number> {
  const { files, plot, csv, json } = command;
  const outputs = [
    ...(plot === undefined ? [] : [{ option: '--plot', path: plot }]),
    ...(csv === undefined ? [] : [{ option: '--csv', path: csv }]),
  ];
  const inputs = files.map((path) => ({ option: 'FILE', path }));
  const places = await OutputFile.openAll(outputs, inputs, json);
  try {
    const all: SweepLine[] = [];
    for (const file of files) {
      const text = await readTextFile(file, file, LARGEST_LINES);
      // A sweep may be writing its last line.
      all.push(...parsedLines(text.slice(0, text.lastIndexOf('\n') + 1), file));
    }
    const lines = lastLines(all);
    const series = seriesOf(lines);
    if (json) printDocument(stdout, { networks: lines, ...stepsOf(series) });
    else printLines(stdout, tableOf(lines));
    const of = (option: string) => places[outputs.findIndex((output) => output.option === option)];
    await of('--plot')?.write(boundPlot(`Lipschitz bounds, ${formatCount(lines.length, 'network')}`, series));
    await of('--csv')?.write(csvOf(lines));
    return EXIT.success;
  } finally {
    await Promise.all(places.map((place) => place.close()));
  }
}

/** Which networks are checkpoints of one run, by their place in the list. */
function stepsOf({ unit, series }: ReturnType<typeof seriesOf>): object {
  return {
    unit,
    series: series.map(({ name, points }) => ({
      name,
      points: points.map(({ x, line }) => ({
        ...{ [unit]: x, file: line.file, bound: line.bound ?? null, log10: line.log10 ?? null },
        ...{ product: line.product?.bound ?? null, lower: line.lower?.value ?? null },
      })),
    })),
  };
}

function tableOf(lines: readonly SweepLine[]): (string | ReturnType<typeof dim>)[] {
  const asked = differingOptions(lines);
  const options = lines.some((line) => asked(line) !== '');
  const columns: Column[] = [
    { title: 'file', align: 'left' },
    ...(options ? [{ title: 'options', align: 'left' } as const] : []),
    ...['bound', 'at least', 'product'].map((title) => ({ title, align: 'right' }) as const),
    { title: 'method', align: 'left' },
    ...['evaluations', 'seconds'].map((title) => ({ title, align: 'right' }) as const),
  ];
  const cells = lines.map((line) => {
    const { file, bound = null, log10 = null, lower, product, method, rule, evaluations, seconds } = line;
    return [
      ...[file, ...(options ? [asked(line)] : []), formatBound(bound, log10)],
      lower ? formatBound(lower.value, lower.log10, 'down') : '',
      product ? formatBound(product.bound, product.log10) : '',
      [method, rule].filter((word) => word !== undefined).join(', '),
      ...[String(evaluations ?? ''), seconds === undefined ? '' : formatSeconds(seconds)],
    ];
  });
  const [titles, ...rows] = tableLines(columns, cells);
  const errors = lines.flatMap(({ file, error }) =>
    error ? [`${file}: ${inCommandLineWords(error.message)}`] : [],
  );
  return [dim(titles!), ...rows, ...(errors.length > 0 ? ['', ...errors] : [])];
}
