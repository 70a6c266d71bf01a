/** `lipsoid bound FILE --at x.npy --radius R` and `--domain LOW,HIGH`: the bound within a ball, a box, or what both have in common. */
import { DEFAULTS } from '../../bounds/defaults.ts';
import type { ExactReport } from '../../bounds/result.ts';
import type { CertifyExactOptions } from '../../certificate/constants/certifyExact.ts';
import type { LocalRow } from '../../certify/certify.ts';
import type { LocalKind } from '../../certify/proofs/localForm.ts';
import type { EngineInformation } from '../../engine/engine.ts';
import { UnsupportedError } from '../../errors.ts';
import type { ExactOptions, ExactResult } from '../../exact/exact.ts';
import type { Network } from '../../network/network.ts';
import { type BallNorm, NORM_NAMES, NORM_SIGNS, type Norm, type NormPair } from '../../network/norms/norm.ts';
import { product } from '../../network/size.ts';
import { EXIT } from '../failure.ts';
import type { EngineName, Library } from '../library.ts';
import { type ModelOptions, openNetwork } from '../loading.ts';
import { exactLines } from '../output/exactAnswer.ts';
import { formatBound, formatDuration } from '../output/format.ts';
import { externalFiles, OutputFile } from '../output/outputFile.ts';
import { progressDisplay } from '../output/progress.ts';
import { printDocument, printLines, type Terminal } from '../output/terminal.ts';
import {
  type Certified,
  certifiedExactly,
  exactCertificateText,
  readCertificateFile,
} from './certificate.ts';

export interface BoundAtCommand extends ModelOptions {
  readonly file: string;
  /** The file of the centre; without it a domain is the region. */
  readonly at?: string;
  /** In the norm of the input; without it all of the domain. */
  readonly radius?: number;
  /** What every entry of the input keeps to. */
  readonly domain?: readonly [low: number, high: number];
  readonly kind: LocalKind;
  /** Default ℓ2. */
  readonly norm?: BallNorm;
  readonly outputNorm?: Norm;
  readonly engine: EngineName;
  readonly threads?: number;
  /** Bytes. */
  readonly memory?: number;
  readonly json: boolean;
  /** Default: a closed form, and a search where that takes little. `exact`: the constant there, by branch and bound. */
  readonly method?: LocalRow['method'] | 'exact';
  readonly evaluations?: number;
  /** Seconds. */
  readonly timeLimit: number;
  /** Of `exact`. */
  readonly gap?: number;
  readonly seed: number;
  /** Of `exact`: files. */
  readonly certificate?: string;
  readonly resume?: string;
}

/** Writes the bound to stdout, returns the exit code. Errors of the library pass through. */
export async function boundAtCommand(
  command: BoundAtCommand,
  library: Pick<
    Library,
    | 'loadNetwork'
    | 'readArray'
    | 'readPoint'
    | 'createEngine'
    | 'bound'
    | 'localBound'
    | 'exactConstant'
    | 'certifyExact'
    | 'exactBeginning'
  >,
  terminal: Terminal,
  { signal, since }: { readonly signal: AbortSignal; readonly since: number },
  version: string,
): Promise<number> {
  const { file, at, certificate } = command;
  const start = performance.now();
  const outputs = certificate === undefined ? [] : [{ option: '--certificate', path: certificate }];
  const read = [{ option: 'FILE', path: file }, ...(at === undefined ? [] : [{ option: '--at', path: at }])];
  const files = await OutputFile.openAll(outputs, read, command.json);
  try {
    const document = command.resume === undefined ? undefined : await readCertificateFile(command.resume);
    const network = await openNetwork(file, command, library, signal);
    await OutputFile.keepApart(files, externalFiles(file, network));
    const centre =
      at === undefined ? undefined : await library.readPoint(at, network.tensors[network.input]!.shape);
    const seconds = () => (performance.now() - start) / 1000;
    const deadline = since + 1000 * command.timeLimit;
    const { method, ...rest } = command;
    if (method === 'exact') {
      const where = placeOf(command, network, centre);
      const beginning = document === undefined ? undefined : library.exactBeginning(network, document, where);
      const ending = { signal, deadline };
      const result = await exactWithin(command, library, network, { ...where, beginning }, terminal, ending);
      const made =
        certificate === undefined
          ? undefined
          : await certifiedExactly(certificate, network, result, where, library, `lipsoid ${version}`);
      const code = printExact(command, network, result, made?.verdict, seconds(), terminal.stdout);
      if (made?.text !== undefined) await files[0]!.write(made.text);
      return made && 'refused' in made.verdict ? EXIT.unsupported : code;
    }
    const asked = { ...rest, ...(method && { method }) };
    const found = await boundsWithin(asked, library, network, centre, { signal, deadline });
    return printBounds(asked, network, found, seconds(), terminal.stdout);
  } finally {
    await Promise.all(files.map((one) => one.close()));
  }
}

type Place = Pick<CertifyExactOptions, 'box' | 'ball'>;
type Start = Place & Pick<ExactOptions, 'beginning'>;

function placeOf(
  { domain, radius }: BoundAtCommand,
  network: Network,
  centre: Float64Array | undefined,
): Place {
  return {
    ...(domain && { box: boxOf(domain, network) }),
    ...(centre && { ball: { centre, radius: radius ?? Infinity } }),
  };
}

type Asked = Omit<BoundAtCommand, 'method'> & { readonly method?: LocalRow['method'] };

interface Ending {
  readonly signal: AbortSignal;
  /** On `performance.now()`. */
  readonly deadline: number;
}

interface Found {
  readonly rows: readonly LocalRow[];
  /** What holds for all inputs, to compare with; absent where there is no such bound, or no time for one. */
  readonly everywhere?: GlobalBound;
  readonly engine: EngineInformation;
}

interface GlobalBound {
  readonly bound: number;
  readonly method: string;
}

/** Of what is left of the time limit, for the search in the region; the rest is for what holds everywhere. */
const SHARE_OF_SEARCH = 0.5;

async function boundsWithin(
  { radius, domain, kind, method, norm, outputNorm, memory, evaluations, ...command }: Asked,
  library: Pick<Library, 'createEngine' | 'localBound' | 'bound'>,
  network: Network,
  centre: Float64Array | undefined,
  { signal, deadline }: Ending,
): Promise<Found> {
  const engine = await library.createEngine({
    engine: command.engine,
    ...(command.threads !== undefined && { threads: command.threads }),
  });
  const left = () => Math.max(0, deadline - performance.now());
  const over = AbortSignal.timeout(Math.ceil(left()));
  const interrupt = AbortSignal.any([signal, over]);
  const common = {
    ...{ engine, interrupt },
    ...(norm !== undefined && { norm }),
    ...(outputNorm !== undefined && { outputNorm }),
    ...(memory !== undefined && { memory }),
    ...(evaluations !== undefined && { evaluations }),
  };
  const timed = (share: number) => ({ ...common, timeLimit: Math.max(0.001, (share * left()) / 1000) });
  const rows: LocalRow[] = [];
  try {
    await library.localBound(network, centre, radius ?? Infinity, {
      ...{ ...timed(SHARE_OF_SEARCH), kind, onMethod: (row) => rows.push(row) },
      ...(domain && { domain: { low: domain[0], high: domain[1] } }),
      ...(method && { method }),
    });
    const { bound, method: by } = await library.bound(network, {
      ...{ ...timed(1), lower: false, method: method ?? 'refined' },
    });
    const everywhere = bound !== null && by !== undefined ? { bound, method: by } : undefined;
    return { rows, ...(everywhere && { everywhere }), engine: engine.information };
  } catch (error) {
    if (signal.aborted && rows.length === 0) throw error;
    // What was found stays, whatever there is to say of all inputs.
    if (interrupt.aborted || (rows.length > 0 && error instanceof UnsupportedError))
      return { rows, engine: engine.information };
    throw error;
  } finally {
    await engine.close();
  }
}

function printBounds(
  command: Asked,
  network: Network,
  { rows, everywhere, engine }: Found,
  seconds: number,
  stdout: Terminal['stdout'],
): number {
  const { file, at, radius, domain, kind, timeLimit } = command;
  const least = rows.reduce((least, { bound }) => Math.min(least, bound), everywhere?.bound ?? Infinity);
  const bound = least < Infinity ? least : null;
  if (command.json) {
    const { sha256 } = network.source ?? { sha256: null };
    printDocument(stdout, {
      network: { file, sha256 },
      ...{ at: at ?? null, radius: radius ?? null, domain: domain ?? null },
      ...{ kind, norms: normsOf(command), bound, assurance: 'rounding-safe' },
      methods: rows.map((row) => ({ ...row, bound: row.bound < Infinity ? row.bound : null })),
      ...{ global: everywhere ?? null, engine, seconds },
    });
  } else {
    const none =
      rows.length > 0 ? 'rounding leaves nothing to say' : `${timeLimit} s were over before one pass was`;
    printLines(stdout, [
      bound === null ? `No bound: ${none}.` : sentence(command, bound),
      ...(bound === null ? [] : [comparison(rows, everywhere)]),
      `Rounding errors inside the computation are accounted for; digits are rounded up. ${formatDuration(seconds)}.`,
    ]);
  }
  return bound === null ? EXIT.unsupported : EXIT.success;
}

/** Methods beside each other, and what holds for all inputs. */
function comparison(rows: readonly LocalRow[], everywhere: GlobalBound | undefined): string {
  const own = rows.map(
    ({ method, bound }) => `${method} ${bound < Infinity ? formatBound(bound, null) : 'none'}`,
  );
  const all = everywhere
    ? `; for all inputs: ${everywhere.method} ${formatBound(everywhere.bound, null)}`
    : '';
  return `There: ${own.join(', ')}${all}.`;
}

/** The constant there, by branch and bound. */
function exactWithin(
  { gap, seed }: BoundAtCommand,
  library: Pick<Library, 'exactConstant'>,
  network: Network,
  { box, ball, beginning }: Start,
  terminal: Terminal,
  { signal, deadline }: Ending,
): Promise<ExactResult> {
  const progress = progressDisplay(terminal.stderr);
  let widest = 0;
  return library
    .exactConstant(network, {
      ...{ box: box ?? undefined, ball: ball ?? undefined, gap, seed, beginning },
      isOver: () => signal.aborted || performance.now() > deadline,
      onProgress: ({ lower, upper, nodes, open }) => {
        const width = lower > 0 ? Math.log(upper / lower) : 0;
        widest = Math.max(widest, width);
        const layer = `at least ${formatBound(lower, null, 'down')}, ${nodes} nodes, ${open} left`;
        progress.show({
          method: 'exact',
          layer,
          done: widest - width,
          total: widest,
          log10: Math.log10(upper),
        });
      },
    })
    .finally(() => progress.clear());
}

function boxOf([low, high]: readonly [number, number], network: Network) {
  const entries = product(network.tensors[network.input]!.shape);
  return { low: new Float64Array(entries).fill(low), high: new Float64Array(entries).fill(high) };
}

function printExact(
  command: BoundAtCommand,
  network: Network,
  { upper, lower, status, steepest, nodes, open, neurons }: ExactResult,
  certificate: Certified | undefined,
  seconds: number,
  stdout: Terminal['stdout'],
): number {
  const { file, at, radius, domain, kind } = command;
  const report: ExactReport = {
    ...{ status, upper, lower, nodes, open, neurons },
    ...(steepest && { steepest: { input: [...steepest.x], direction: [...steepest.v] } }),
  };
  const bound = upper < Infinity ? upper : null;
  if (command.json) {
    printDocument(stdout, {
      network: { file, sha256: network.source?.sha256 ?? null },
      ...{ at: at ?? null, radius: radius ?? null, domain: domain ?? null, kind, method: 'exact' },
      ...{ bound, assurance: 'rounding-safe', exact: report, seconds, certificate },
    });
  } else {
    printLines(stdout, [
      ...(bound === null ? ['No bound: rounding leaves nothing to say.'] : [sentence(command, bound)]),
      ...(bound === null ? [] : exactLines(report, formatBound(bound, null))),
      `Rounding errors inside the computation are accounted for; digits are rounded outward. ${formatDuration(seconds)}.`,
      ...(certificate ? [exactCertificateText(certificate)] : []),
    ]);
  }
  return bound === null ? EXIT.unsupported : EXIT.success;
}

function normsOf({ norm = DEFAULTS.norm, outputNorm = DEFAULTS.outputNorm }: BoundAtCommand): NormPair {
  return { input: norm, output: outputNorm };
}

function sentence(command: BoundAtCommand, bound: number): string {
  const { at, radius, domain, kind } = command;
  const { input, output } = normsOf(command);
  const value = formatBound(bound, null);
  const where = [
    ...(radius === undefined
      ? []
      : [`within ${radius} (${NORM_NAMES[input]}) of ${kind === 'incremental' ? at : 'c'}`]),
    ...(domain ? [`with all entries from ${domain[0]} to ${domain[1]}`] : []),
  ].join(', ');
  return kind === 'incremental'
    ? `‖f(x) − f(y)‖${NORM_SIGNS[output]} ≤ ${value} · ‖x − y‖${NORM_SIGNS[input]} for all inputs x and y ${where}.`
    : `‖f(x) − f(c)‖${NORM_SIGNS[output]} ≤ ${value} · ‖x − c‖${NORM_SIGNS[input]} for all inputs x ${where}, c being the input in ${at}.`;
}
