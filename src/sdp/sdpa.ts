/**
 * The SDPA sparse format (.dat-s), which CSDP, SDPA, SDPT3 and others read: minimise Σ c_k x_k subject to Σ x_k F_k − F₀ ⪰ 0, block
 * by block, diagonal blocks with a negative size.
 */
import { InputError } from '../errors.ts';
import type { Network } from '../network/network.ts';
import { CONSTANT, RHO, type SemidefiniteProgram } from './program.ts';

export const FORMULATIONS = ['lipsdp', 'dissipativity'] as const;
export type Formulation = (typeof FORMULATIONS)[number];

/** What a file says of itself, in comments above the problem. */
export interface ProblemHeader {
  readonly formulation: Formulation;
  readonly network: {
    readonly name: string;
    readonly file: string | null;
    /** The hash of the network's `source`; null for a network that came from no file. */
    readonly sha256: string | null;
  };
  /** The bound is scale · √optimum. */
  readonly scale: number;
}

/** One line of comment per entry, `key: value`; the first one tells our files from others. */
const TITLE = 'semidefinite program for the l2 Lipschitz constant of a neural network, by Lipsoid';

/** The text of the file: a header for people and for `readHeader`, then the program. */
export function writeSdpa(program: SemidefiniteProgram, header: ProblemHeader): string {
  const { inequalities, variables } = program;
  const sizes = inequalities.map(({ order, diagonal }) => (diagonal ? -order : order));
  const costs = Array.from({ length: variables }, (_, k) => (k + 1 === RHO ? 1 : 0));
  return `${[
    ...headerLines(program, header).map((line) => `* ${printable(line)}`),
    String(variables),
    String(inequalities.length),
    sizes.join(' '),
    costs.join(' '),
    ...entryLines(program),
  ].join('\n')}\n`;
}

function headerLines({ ranges }: SemidefiniteProgram, header: ProblemHeader): string[] {
  const { network, formulation, scale } = header;
  return [
    TITLE,
    `network: ${network.name}`,
    `file: ${network.file ?? '-'}`,
    `sha256: ${network.sha256 ?? '-'}`,
    `formulation: ${formulation}`,
    `scale: ${scale}`,
    `||f(x) - f(y)|| <= L ||x - y|| with L = ${scale} * sqrt(optimum), the optimum of this minimisation (CSDP: of the dual)`,
    ...ranges.map(({ meaning, first, count }) =>
      count === 1 ? `x${first}: ${meaning}` : `x${first} to x${first + count - 1}: ${meaning}`,
    ),
  ];
}

/** `matrix block row column value`, matrix by matrix. */
function entryLines({ inequalities, variables }: SemidefiniteProgram): string[] {
  const lines = Array.from({ length: variables + 1 }, (): string[] => []);
  for (const [block, { order, entries }] of inequalities.entries()) {
    for (const [key, value] of entries) {
      if (value === 0) continue;
      const column = key % order;
      const row = Math.floor(key / order) % order;
      const variable = Math.floor(key / order ** 2);
      // The format has F₀ on the other side.
      const signed = variable === CONSTANT ? -value : value;
      lines[variable]!.push(`${variable} ${block + 1} ${row + 1} ${column + 1} ${signed}`);
    }
  }
  return lines.flat();
}

/** A line of a comment ends with the line, and solvers want ASCII. */
function printable(line: string): string {
  return line.replace(/[^\x20-\x7e]/g, '?');
}

/** @throws InputError where the text is no problem that `writeSdpa` wrote */
export function readHeader(text: string, name: string): ProblemHeader {
  const values = new Map<string, string>();
  for (const line of text.split('\n')) {
    if (!line.startsWith('*')) break;
    const entry = /^\* ([a-z0-9]+): (.*)$/.exec(line.trimEnd());
    if (entry) values.set(entry[1]!, entry[2]!);
  }
  const formulation = FORMULATIONS.find((known) => known === values.get('formulation'));
  const scale = Number(values.get('scale'));
  if (!text.startsWith(`* ${TITLE}`) || !formulation || !(scale > 0 && Number.isFinite(scale))) {
    throw new InputError(
      `${name}: a file that lipsoid export-sdp wrote begins with comments on network and scale, this one does not`,
    );
  }
  const known = (key: string) => (values.get(key) === '-' ? null : (values.get(key) ?? null));
  return {
    formulation,
    scale,
    network: { name: values.get('network') ?? '', file: known('file'), sha256: known('sha256') },
  };
}

export function headerOf(network: Network, formulation: Formulation, scale: number): ProblemHeader {
  const { name, source } = network;
  return {
    formulation,
    network: { name, file: source?.file ?? null, sha256: source?.sha256 ?? null },
    scale,
  };
}
