/** `lipsoid inspect`: what a file holds and what bounding it would take, without bounding it. */

import type { Inspection } from '../../bounds/inspect.ts';
import { EXIT, spoken, toFailure } from '../failure.ts';
import type { Library } from '../library.ts';
import { type ModelOptions, openNetwork } from '../loading.ts';
import { formatCount, formatQuantity } from '../output/format.ts';
import { type Column, tableLines } from '../output/table.ts';
import { dim, type Line, printDocument, printLines, type Terminal } from '../output/terminal.ts';
import { inCommandLineWords } from '../words.ts';

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
  const { refusal, ...document } = inspection;
  if (json) {
    const methods = inspection.methods.map(({ reason, ...method }) => ({
      ...method,
      ...(reason !== undefined && { reason: inCommandLineWords(reason) }),
    }));
    printDocument(terminal.stdout, {
      ...{ ...document, refused: inspection.refused.map(spoken), methods },
      ...(refusal && { error: toFailure(refusal, new AbortController().signal) }),
    });
    return refusal ? EXIT.unsupported : EXIT.success;
  }
  printLines(terminal.stdout, inspectionLines(inspection));
  // As `bound` has it, and on stderr as there.
  if (refusal) throw refusal;
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

function cost({ methods, flops, bytes, refusal }: Inspection): Line[] {
  if (refusal) return ['No method gives a bound.'];
  const reasons = new Map<string, string[]>();
  for (const { method, reason } of methods) {
    if (reason !== undefined) reasons.set(reason, [...(reasons.get(reason) ?? []), method]);
  }
  const runs = methods.filter(({ reason }) => reason === undefined).map(({ method }) => method);
  return [
    `Methods that give a bound: ${runs.join(', ')}.`,
    ...[...reasons].flatMap(([reason, refusing]) => [
      `Not ${refusing.join(', ')}:`,
      ...inCommandLineWords(reason)
        .split('\n')
        .map((line) => `  ${line}`),
    ]),
    ...(bytes > 0
      ? [
          `All closed-form rules take about ${formatQuantity(flops, 'flop')}; the largest covariance ${formatQuantity(bytes, 'B')}.`,
        ]
      : []),
  ];
}
