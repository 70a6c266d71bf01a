/** `lipsoid bound`: the bound of one network, as a table or as a JSON document. */
import { DEFAULTS } from '../../bounds/defaults.ts';
import type {
  BoundOptions,
  BoundResult,
  LengthReport,
  LowerBound,
  MethodResult,
  PairReport,
  SearchReport,
} from '../../bounds/result.ts';
import { InputError } from '../../errors.ts';
import type { Network } from '../../network/network.ts';
import { NORM_SIGNS as SIGNS } from '../../network/norms/norm.ts';
import { countParameters } from '../../network/parameters.ts';
import { printableJson } from '../../printable.ts';
import { EXIT } from '../failure.ts';
import type { Library } from '../library.ts';
import { openNetwork } from '../loading.ts';
import { exactLines } from '../output/exactAnswer.ts';
import { formatBound, formatCount, formatLog10, formatQuantity, formatSeconds } from '../output/format.ts';
import { marginLines } from '../output/marginTable.ts';
import { externalFiles, OutputFile } from '../output/outputFile.ts';
import { progressDisplay } from '../output/progress.ts';
import { sensitivityLines } from '../output/sensitivityTable.ts';
import { methodDocuments, searchEnding } from '../output/status.ts';
import { type Column, tableLines } from '../output/table.ts';
import { bold, dim, type Line, printDocument, printLines, type Terminal } from '../output/terminal.ts';
import { inCommandLineWords } from '../words.ts';
import { type BoundQuestion, boundOptions, engineOptions } from './boundQuestion.ts';
import { type Certified, certificateText, certified, readCertificateFile } from './certificate.ts';
import { readMultipliers } from './multipliers.ts';

export interface BoundCommand extends BoundQuestion {
  readonly file: string;
  readonly workers?: number;
  readonly sensitivities?: true;
  /** Files. */
  readonly multipliers?: string;
  readonly saveMultipliers?: string;
  readonly certificate?: string;
  readonly resume?: string;
  /** Prints every rule of every method, not the best one of each alone. */
  readonly allRules?: true;
  readonly json: boolean;
  readonly quiet: boolean;
}

/**
 * Writes the answer to stdout, then the files that were asked for; returns the exit code. Errors of the library pass through.
 * @param call.signal ends the work early: what has been found by then is the answer
 * @param call.since when the time limit began to count, on `performance.now()`
 */
export async function boundCommand(
  command: BoundCommand,
  library: Library,
  terminal: Terminal,
  call: { readonly signal: AbortSignal; readonly since: number },
  version: string,
): Promise<number> {
  const { certificate, saveMultipliers } = command;
  const named = (option: string, path: string | undefined) => (path === undefined ? [] : [{ option, path }]);
  const outputs = [...named('--certificate', certificate), ...named('--save-multipliers', saveMultipliers)];
  // Multipliers may be written over: they have been read by then.
  const files = await OutputFile.openAll(outputs, [{ option: 'FILE', path: command.file }], command.json);
  const fileOf = (option: string) => files[outputs.findIndex((output) => output.option === option)];
  try {
    const { network, result } = await computed(command, library, terminal, call, files);
    let made: Awaited<ReturnType<typeof certified>> | undefined;
    let failure: { readonly error: unknown } | undefined;
    try {
      if (certificate !== undefined) {
        made = await certified(certificate, network, result, library, `lipsoid ${version}`);
      }
    } catch (error) {
      failure = { error };
    }
    // Whatever becomes of the files, the answer is there.
    printAnswer(command, network, result, made?.verdict, terminal);
    const { multipliers } = result;
    if (multipliers) await fileOf('--save-multipliers')?.write(`${printableJson(multipliers)}\n`);
    if (made?.text !== undefined) await fileOf('--certificate')!.write(made.text);
    if (failure) throw failure.error;
    if (saveMultipliers !== undefined && !multipliers) {
      throw new InputError(`--save-multipliers: no search has found any, ${saveMultipliers} is not written`);
    }
    return hasBound(result) && !(made && 'refused' in made.verdict) ? EXIT.success : EXIT.unsupported;
  } finally {
    await Promise.all(files.map((file) => file.close()));
  }
}

async function computed(
  command: BoundCommand,
  library: Library,
  terminal: Terminal,
  { signal, since }: { readonly signal: AbortSignal; readonly since: number },
  files: readonly OutputFile[],
): Promise<{ network: Network; result: BoundResult }> {
  const multipliers =
    command.multipliers === undefined ? undefined : await readMultipliers(command.multipliers);
  const document = command.resume === undefined ? undefined : await readCertificateFile(command.resume);
  // A GPU's driver is at work while the file is read.
  const { workers } = command;
  const opening = library.createEngine({
    ...engineOptions(command),
    ...(workers !== undefined && { workers }),
  });
  // What is wrong with the file is said first.
  opening.catch(() => {});
  const progress = progressDisplay(terminal.stderr);
  try {
    const network = await openNetwork(command.file, command, library, signal);
    signal.throwIfAborted();
    await OutputFile.keepApart(files, externalFiles(command.file, network));
    const options = await boundOptions(command, network, library);
    const engine = await opening;
    const result = await library.bound(network, {
      ...options,
      engine,
      interrupt: signal,
      since,
      ...(command.sensitivities && { sensitivities: true }),
      ...(multipliers !== undefined && { multipliers }),
      ...(document !== undefined && {
        beginning: library.exactBeginning(network, document, pairIn(options)),
      }),
      ...(!command.quiet && { onProgress: (step) => progress.show(step) }),
    });
    return { network, result };
  } finally {
    progress.clear();
    await opening.then(
      (engine) => engine.close(),
      () => {},
    );
  }
}

/** The pair of outputs that is asked for, if one is. */
function pairIn({ target }: Pick<BoundOptions, 'target'>) {
  return typeof target === 'object' ? { pair: target } : {};
}

function printAnswer(
  command: BoundCommand,
  network: Network,
  result: BoundResult,
  certificate: Certified | undefined,
  { stdout }: Terminal,
): void {
  if (command.json) {
    printDocument(stdout, { ...boundDocument(command.file, network, result), certificate });
    return;
  }
  const table: Line[] = [
    ...boundTable(result, command.allRules === true),
    ...(command.target === 'margins' && !result.target ? marginLines(result.margins) : []),
    ...(result.sensitivities ? sensitivityLines(result.sensitivities) : []),
  ];
  if (command.quiet) {
    printLines(stdout, table);
    return;
  }
  printLines(stdout, [heading(network, result), '', ...table, '', ...explanation(result, command)]);
  if (certificate) printLines(stdout, [certificateText(certificate, result)]);
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
    norms: result.norms,
    weighted: result.weights && true,
    loose: result.loose,
    method: result.method,
    rule: result.rule,
    target: result.target,
    lower: result.lower,
    assurance: result.assurance,
    inflation: result.inflation,
    note: result.note,
    exact: result.exact,
    leftOut: result.leftOut,
    length: result.length,
    seconds: result.seconds,
    methods: methodDocuments(result.methods),
    trace: result.trace,
    margins: result.margins,
    sensitivities: result.sensitivities,
    pairs: result.pairs,
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

/**
 * One line per method, of its best rule, or per method and rule: the smallest bound first and marked, failures after them, the lower
 * bound last; below it the reasons of failures.
 */
function boundTable(result: BoundResult, allRules: boolean): Line[] {
  const rows = result.methods.toSorted((a, b) => sortKey(a) - sortKey(b));
  const sorted = allRules ? rows : bestOfEach(rows);
  const cells = sorted.map((row, k) => [
    k === 0 && hasBound(row) ? '*' : '',
    row.method,
    row.rule ?? '',
    formatBound(row.bound, row.log10),
    formatLog10(row.log10),
    formatSeconds(row.seconds),
  ]);
  if (result.lower) cells.push(lowerCells(result.lower, isAttained(result) ? 'attained' : 'sampled'));
  const [titles, ...lines] = tableLines(COLUMNS, cells);
  const marked = lines.map((text, k) => (k === 0 && sorted[0] && hasBound(sorted[0]) ? bold(text) : text));
  const reasons = sorted
    .filter((row) => row.error !== undefined)
    .flatMap((row) =>
      inCommandLineWords(`${methodName(row)}: ${row.error!}`)
        .split('\n')
        .map((text, k) => (k === 0 ? text : `  ${text}`)),
    );
  return [dim(titles!), ...marked, ...(reasons.length > 0 ? ['', ...reasons] : [])];
}

/** The first row of each method: of rows that are sorted, the best. */
function bestOfEach(sorted: readonly MethodResult[]): MethodResult[] {
  return sorted.filter((row, k) => sorted.findIndex(({ method }) => method === row.method) === k);
}

function lowerCells({ value, log10, seconds }: LowerBound, how: string): string[] {
  const number = formatBound(value, log10, 'down');
  return ['', 'at least', how, number, formatLog10(log10, 'down'), formatSeconds(seconds)];
}

/** Whether the lower bound is that of branch and bound. */
function isAttained({ exact, lower }: BoundResult): boolean {
  return exact !== undefined && lower !== undefined && lower.value === exact.lower;
}

function methodName(row: Pick<BoundResult, 'method' | 'rule'>): string {
  return row.rule === undefined ? (row.method ?? 'none') : `${row.method}, ${row.rule}`;
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
  const value = formatBound(result.bound, result.log10);
  const [of, what] = result.target
    ? [
        `|f${result.target[0]}(x) − f${result.target[1]}(x) − f${result.target[0]}(y) + f${result.target[1]}(y)|`,
        'entries of f from 0',
      ]
    : [`‖f(x) − f(y)‖${SIGNS[result.norms.output]}`, ''];
  const change = result.weights ? '(x − y) / w' : 'x − y';
  const said = [methodName(result), what, ...(result.weights ? [`w the numbers in ${command.weights}`] : [])];
  return [
    `${of} ≤ ${value} · ‖${change}‖${SIGNS[result.norms.input]} for all inputs x and y (${said.filter((t) => t).join('; ')}).`,
    ...(result.loose ? [`In these norms ${result.loose}.`] : []),
    ...(result.length ? [lengthText(result.length)] : []),
    ...(result.exact ? exactLines(result.exact, value) : []),
    ...(result.lower && !isAttained(result) ? [lowerText(result.lower, value)] : []),
    `${assuranceText(result)} Digits are rounded ${result.lower ? 'outward' : 'up'}.`,
    ...(result.note === undefined ? [] : [result.note]),
    ...rulesText(result, command),
    ...result.methods.flatMap((row) => (row.search ? [searchText(row)] : [])),
    ...(result.pairs ? [pairsText(result.pairs)] : []),
    ...advice(result, command),
  ];
}

function rulesText({ methods }: BoundResult, { allRules }: BoundCommand): string[] {
  const more = methods.length - bestOfEach(methods).length;
  if (more === 0 || allRules) return [];
  return [`Of every method the best rule is shown; --all-rules shows ${formatCount(more, 'more row')}.`];
}

/** What stands behind the bound. */
function assuranceText({ assurance, inflation }: BoundResult): string {
  switch (assurance) {
    case 'nominal':
      return 'Nominal: rounding errors inside the computation are not accounted for.';
    case 'rounding-safe':
    case 'checked': {
      const percent = inflation && 100 * (inflation.factor - 1);
      const cost =
        percent === undefined
          ? ''
          : ` (at a cost of ${percent < 1e-3 ? 'less than 0.001' : percent.toPrecision(2)} %)`;
      return `Rounding errors inside the computation are accounted for${cost}.`;
    }
    default:
      return assurance satisfies never;
  }
}

/** @param above the bound, as text */
function lowerText({ value, log10, assurance, sides }: LowerBound, above: string): string {
  if (value === 0) return 'Sampling found no two points at which f differs.';
  const below = formatBound(value, log10, 'down');
  const where = sides ? ` at length ${sides.join('×')}` : '';
  const how = assurance === 'nominal' ? ', its own rounding not accounted for' : '';
  return `At least ${below} (sampled${where}${how}): the least such number lies between ${below} and ${above}.`;
}

function lengthText({ smallest, exists, frequencies, added, tolerance }: LengthReport): string {
  const asked = smallest === undefined ? 'every length' : `every length from ${smallest} on`;
  const fits = exists !== undefined && exists > (smallest ?? DEFAULTS.smallestLength);
  const which = fits ? `${asked} at which the network exists (from ${exists} on)` : asked;
  const percent = (x: number) => `${(100 * x).toPrecision(2)} %`;
  const share = added === null ? 'an unknown part' : percent(added);
  const text = `Holds for signals of ${which}: ${frequencies} frequencies per axis, ${share} of the bound for what lies between them`;
  if (added !== null && added <= tolerance) return `${text}.`;
  return `${text}, more than the ${percent(tolerance)} asked for: the limit of frequencies was reached, or that of time.`;
}

function searchText(row: MethodResult): string {
  const { gap, over, partial, margins } = row.search!;
  const seen = partial ? ', on as many of the frequencies as the memory budget holds' : '';
  const last = over === 1 ? 'the last evaluation' : `the last ${over} evaluations`;
  const parts = [
    `Search (${methodName(row)}): ${searchEnding(row.search!)}${seen}`,
    ...(over > 0 ? [`${last} gained ${(100 * gap).toPrecision(2)} %`] : []),
    ...(margins
      ? [
          `root of the sum of squares of all margins ${formatBound(margins.after, null)}, of the closed form ${formatBound(margins.before, null)}`,
        ]
      : []),
  ];
  return `${parts.join('; ')}.`;
}

function pairsText({ pairs, of, mean, largest, ...ending }: PairReport): string {
  const percent = (x: number) => `${(100 * x).toPrecision(2)} %`;
  return `Margins: ${searchEnding(ending)} for ${pairs} of ${of} pairs one by one; ${percent(mean)} below what the search for all together gives on average, ${percent(largest)} at most.`;
}

/** In units of log10: what is not worth any advice. */
const TIGHT = 1e-6;

function exactAdvice({ exact }: BoundResult): string {
  if (exact?.status === 'gap') return 'Tighter: a smaller --gap.';
  if (exact?.open === 0) {
    return 'No time would make it tighter: parts that have only a border in common could not be told from others in float64.';
  }
  return 'Tighter: a longer --time-limit, or a region (--domain, --at).';
}

/** What would make the bound smaller, if anything that was not done could. */
function advice(result: BoundResult, { method, rule, target }: BoundCommand): string[] {
  const { lower, log10, methods, leftOut } = result;
  if (result.bound === 0) return [];
  if (lower && lower.log10 !== null && log10 !== null && log10 - lower.log10 < TIGHT) {
    return ['Nothing is left to gain: the lower bound comes to the same.'];
  }
  if (method === 'exact') return [exactAdvice(result)];
  if (rule !== undefined && methods.some((row) => row.late)) return ['Tighter: a longer --time-limit.'];
  if (rule !== undefined) return ['Tighter: without --rule, all rules and a search for multipliers.'];
  if (method === 'closed-form' || method === 'spectral-product' || method === 'moduli-product') {
    return ['Tighter: --method all, which searches for multipliers as well.'];
  }
  const searches = methods.flatMap((row) => (row.search ? [row.search] : []));
  const endings = [...searches, ...(result.pairs ? [result.pairs] : [])];
  const ended = (status: SearchReport['status']) => endings.some((search) => search.status === status);
  const ways = [
    ...(ended('evaluations') ? ['more --evaluations'] : []),
    ...(ended('time limit') || methods.some((row) => row.late) ? ['a longer --time-limit'] : []),
    ...(ended('interrupted') || methods.some((row) => row.interrupted)
      ? ['a search that is not interrupted']
      : []),
    ...(searches.some((search) => search.partial) ? ['more --memory for the search'] : []),
  ];
  const unrolled = leftOut && [
    `Not run: the network unrolled from ${leftOut.from} on, ${formatQuantity(leftOut.flops, 'flop')} a pass; --method unrolled does, with one multiplier per neuron.`,
  ];
  if (ways.length > 0) return [`Tighter: ${ways.join(', ')}.`, ...(unrolled ?? [])];
  // What is above says why.
  if (result.method === 'spectral-product' && methods.some((row) => row.error !== undefined))
    return unrolled ?? [];
  if (unrolled) return unrolled;
  const less =
    result.margins && (target === undefined || target === 'global')
      ? '; --target margins or a pair of outputs asks for less and gets less'
      : '';
  return [`This is about what LipSDP-type multipliers can show${less}.`];
}
