/** `lipsoid inspect`: what a file holds and what bounding it would take, without bounding it. */
import { EXIT, unsupportedText } from './failure.ts';
import { formatCount, formatQuantity } from './format.ts';
import type { Inspection, Library, LoadOptions } from './library.ts';
import { type Column, tableLines } from './table.ts';
import { dim, type Output, type Terminal } from './terminal.ts';

export interface InspectCommand extends LoadOptions {
  readonly file: string;
  readonly json: boolean;
}

/** Writes the answer to stdout. The exit code tells whether `bound` would refuse the network. */
export async function inspectCommand(
  command: InspectCommand,
  library: Library,
  terminal: Terminal,
): Promise<number> {
  const { file, json, ...options } = command;
  const network = await library.loadNetwork(file, options);
  const inspection = library.inspect(network);
  const text = json
    ? JSON.stringify(inspection, null, 2)
    : inspectionLines(inspection, terminal.stdout).join('\n');
  terminal.stdout.write(`${text}\n`);
  if (inspection.refused.length === 0) return EXIT.success;
  if (!json) terminal.stderr.write(unsupportedText(inspection.refused, terminal.stderr));
  return EXIT.unsupported;
}

const COLUMNS: readonly Column[] = [
  { title: 'layer', align: 'left' },
  { title: 'operator', align: 'left' },
  { title: 'output', align: 'right' },
  { title: 'parameters', align: 'right' },
  { title: 'torus', align: 'right' },
];

function inspectionLines(inspection: Inspection, to: Output): string[] {
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
    dim(titles!, to),
    ...rows,
    '',
    inspection.refused.length === 0
      ? `A bound takes about ${formatQuantity(inspection.flops, 'flop')} and ${formatQuantity(inspection.bytes, 'B')} of memory.`
      : `No bound: ${formatCount(inspection.refused.length, 'unsupported node')}.`,
  ];
}
