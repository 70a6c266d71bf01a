/** `lipsoid inspect`: what a file holds and what bounding it would take, without bounding it. */

import type { Inspection } from '../../bounds/inspect.ts';
import { EXIT, unsupportedLines } from '../failure.ts';
import type { Library } from '../library.ts';
import { type ModelOptions, openNetwork } from '../loading.ts';
import { formatCount, formatQuantity } from '../output/format.ts';
import { type Column, tableLines } from '../output/table.ts';
import { dim, type Line, printDocument, printLines, type Terminal } from '../output/terminal.ts';

export interface InspectCommand extends ModelOptions {
  readonly file: string;
  readonly json: boolean;
}

/** Writes the answer to stdout, returns the exit code. Errors of the library pass through. */
export async function inspectCommand(
  command: InspectCommand,
  library: Library,
  terminal: Terminal,
): Promise<number> {
  const { file, json, ...options } = command;
  const network = await openNetwork(file, options, library);
  const inspection = library.inspect(network);
  if (json) printDocument(terminal.stdout, inspection);
  else printLines(terminal.stdout, inspectionLines(inspection));
  return EXIT.success;
}

const COLUMNS: readonly Column[] = [
  { title: 'layer', align: 'left' },
  { title: 'operator', align: 'left' },
  { title: 'output', align: 'right' },
  { title: 'parameters', align: 'right' },
  { title: 'torus', align: 'right' },
];

function inspectionLines(inspection: Inspection): Line[] {
  const cells = inspection.layers.map((layer) => [
    layer.name,
    layer.op,
    layer.shape.join('×'),
    layer.parameters === 0 ? '' : String(layer.parameters),
    layer.torus === null ? '' : layer.torus.join('×'),
  ]);
  const [titles, ...rows] = tableLines(COLUMNS, cells);
  return [
    `${inspection.source?.file ?? inspection.name}: ${formatCount(inspection.parameters, 'parameter')}`,
    '',
    dim(titles!),
    ...rows,
    '',
    ...cost(inspection),
  ];
}

function cost({ refused, flops, bytes }: Inspection): Line[] {
  if (refused.length === 0) {
    return [
      `All closed-form rules take about ${formatQuantity(flops, 'flop')}; the largest covariance ${formatQuantity(bytes, 'B')}.`,
    ];
  }
  return [
    `The closed-form methods refuse ${formatCount(refused.length, 'node')} (the method unrolled may still cover the padding):`,
    ...unsupportedLines(refused),
  ];
}
