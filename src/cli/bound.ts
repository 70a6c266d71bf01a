/** `lipsoid bound`: the bound of one network, as a table or as a JSON document. */
import type { BoundResult, MethodName, MethodResult } from '../bounds/result.ts';
import type { RuleName } from '../ellipsoid/multipliers.ts';
import type { Network } from '../network/network.ts';
import { countParameters } from '../network/parameters.ts';
import { EXIT } from './failure.ts';
import { formatBound, formatCount, formatLog10, formatSeconds } from './format.ts';
import type { EngineName, Library } from './library.ts';
import { progressDisplay } from './progress.ts';
import { type Column, tableLines } from './table.ts';
import { bold, dim, type Output, type Terminal } from './terminal.ts';

export interface BoundCommand {
  readonly file: string;
  readonly method: MethodName;
  readonly rule?: RuleName;
  readonly engine: EngineName;
  readonly threads?: number;
  readonly inputShape?: readonly number[];
  readonly output?: string;
  /** Bytes. */
  readonly memory?: number;
  readonly json: boolean;
  readonly quiet: boolean;
}

/** Writes the answer to stdout, returns the exit code. Errors of the library pass through. */
export async function boundCommand(
  command: BoundCommand,
  library: Library,
  terminal: Terminal,
  signal: AbortSignal,
): Promise<number> {
  const { inputShape, output, threads, rule, memory } = command;
  const network = await library.loadNetwork(command.file, {
    ...(inputShape && { inputShape }),
    ...(output !== undefined && { output }),
  });
  signal.throwIfAborted();
  const progress = progressDisplay(terminal.stderr);
  const engine = await library.createEngine({
    engine: command.engine,
    ...(threads !== undefined && { threads }),
  });
  let result: BoundResult;
  try {
    result = await library.bound(network, {
      method: command.method,
      engine,
      signal,
      ...(rule !== undefined && { rule }),
      ...(memory !== undefined && { memory }),
      ...(!command.quiet && { onProgress: (step) => progress.show(step) }),
    });
  } finally {
    progress.clear();
    await engine.close();
  }
  signal.throwIfAborted();
  if (command.json) {
    terminal.stdout.write(`${JSON.stringify(boundDocument(command.file, network, result), null, 2)}\n`);
  } else {
    const lines = boundTable(result, terminal.stdout);
    if (!command.quiet) {
      lines.unshift(heading(network, result), '');
      lines.push('', ...explanation(result, command));
    }
    terminal.stdout.write(`${lines.join('\n')}\n`);
  }
  return hasBound(result) ? EXIT.success : EXIT.unsupported;
}

/** What `--json` prints. Members whose value is undefined are left out by JSON itself. */
function boundDocument(file: string, network: Network, result: BoundResult): object {
  return {
    network: {
      file,
      sha256: network.source?.sha256 ?? null,
      parameters: countParameters(network),
      layers: network.nodes.length,
    },
    engine: result.engine,
    bound: result.bound,
    log10: result.log10,
    method: result.method,
    rule: result.rule,
    rigorous: result.rigorous,
    seconds: result.seconds,
    methods: result.methods,
    margins: result.margins,
    layers: result.layers,
  };
}

const COLUMNS: readonly Column[] = [
  { title: '', align: 'left' },
  { title: 'method', align: 'left' },
  { title: 'rule', align: 'left' },
  { title: 'bound', align: 'right' },
  { title: 'log10', align: 'right' },
  { title: 'seconds', align: 'right' },
];

/** One line per method and rule, the smallest bound first and marked, failures last; below it their reasons. */
function boundTable(result: BoundResult, to: Output): string[] {
  const sorted = result.methods.toSorted((a, b) => sortKey(a) - sortKey(b));
  const cells = sorted.map((row, k) => [
    k === 0 && hasBound(row) ? '*' : '',
    row.method,
    row.rule ?? '',
    formatBound(row.bound, row.log10),
    formatLog10(row.log10),
    formatSeconds(row.seconds),
  ]);
  const [titles, ...rows] = tableLines(COLUMNS, cells);
  const marked = rows.map((text, k) => (k === 0 && hasBound(sorted[0]!) ? bold(text, to) : text));
  const reasons = sorted
    .filter((row) => row.error !== undefined)
    .map((row) => `${methodName(row)}: ${row.error!.replaceAll('\n', '\n  ')}`);
  return [dim(titles!, to), ...marked, ...(reasons.length > 0 ? ['', ...reasons] : [])];
}

function methodName(row: Pick<MethodResult, 'method' | 'rule'>): string {
  return row.rule === undefined ? row.method : `${row.method}, ${row.rule}`;
}

/** Orders by size; a row without a bound (a NaN never counts as one) comes last. */
function sortKey(row: MethodResult): number {
  if (!hasBound(row)) return Number.MAX_VALUE;
  return row.log10 ?? (row.bound === 0 ? -Number.MAX_VALUE : Math.log10(row.bound!));
}

function hasBound(row: { readonly bound: number | null; readonly log10: number | null }): boolean {
  return (row.bound !== null && row.bound >= 0 && row.bound < Infinity) || Number.isFinite(row.log10);
}

function heading(network: Network, result: BoundResult): string {
  const shape = (tensor: number) => network.tensors[tensor]!.shape.join('×');
  return (
    `${network.source?.file ?? network.name}: ${shape(network.input)} → ${shape(network.output)}, ` +
    `${formatCount(network.nodes.length, 'layer')}; ${result.engine.description}`
  );
}

/** What the number means, how far it can be trusted, and what would make it smaller. */
function explanation(result: BoundResult, command: BoundCommand): string[] {
  if (!hasBound(result)) return ['No method gave a bound.'];
  return [
    `‖f(x) − f(y)‖₂ ≤ ${formatBound(result.bound, result.log10)} · ‖x − y‖₂ for all inputs x and y (${methodName(result)}).`,
    'Digits are rounded up. Rounding errors inside the computation are not yet accounted for.',
    advice(result, command),
  ];
}

function advice(result: BoundResult, { method }: BoundCommand): string {
  if (method !== 'all') return 'Tighter: --method all tries every method and rule and keeps the best.';
  const convolutional = result.layers.some((layer) => layer.torus !== null);
  if (convolutional && !result.methods.some((row) => row.method === 'unrolled' && hasBound(row))) {
    return 'Tighter, where time and memory allow: --method unrolled, with one multiplier per neuron.';
  }
  return 'Tighter: multipliers found by optimisation rather than by a rule, which this version does not offer.';
}
