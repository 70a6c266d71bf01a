/** `lipsoid bound FILE --at x.npy --radius R` and `--domain LOW,HIGH`: the bound within a ball, a box, or what both have in common. */
import { DEFAULTS } from '../../bounds/defaults.ts';
import type { ExactReport } from '../../bounds/result.ts';
import type { LocalKind } from '../../certify/proofs/localBound.ts';
import type { ExactResult } from '../../exact/exact.ts';
import type { Network } from '../../network/network.ts';
import { type BallNorm, NORM_NAMES, NORM_SIGNS, type Norm, type NormPair } from '../../network/norms/norm.ts';
import { product } from '../../network/size.ts';
import { EXIT } from '../failure.ts';
import type { EngineName, Library } from '../library.ts';
import { type ModelOptions, openNetwork } from '../loading.ts';
import { exactLines } from '../output/exactAnswer.ts';
import { formatBound, formatDuration } from '../output/format.ts';
import { progressDisplay } from '../output/progress.ts';
import { printDocument, printLines, type Terminal } from '../output/terminal.ts';

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
  /** The constant there, by branch and bound, instead of a closed form. */
  readonly exact?: {
    readonly gap?: number;
    /** Seconds. */
    readonly timeLimit: number;
    readonly seed: number;
  };
}

/** Writes the bound to stdout, returns the exit code. Errors of the library pass through. */
export async function boundAtCommand(
  command: BoundAtCommand,
  library: Pick<
    Library,
    'loadNetwork' | 'readArray' | 'readPoint' | 'createEngine' | 'localBound' | 'exactConstant'
  >,
  terminal: Terminal,
  { signal, since }: { readonly signal: AbortSignal; readonly since: number },
): Promise<number> {
  const { file, at, radius, domain, kind, norm, outputNorm, threads, memory } = command;
  const { stdout } = terminal;
  const start = performance.now();
  const network = await openNetwork(file, command, library, signal);
  const centre =
    at === undefined ? undefined : await library.readPoint(at, network.tensors[network.input]!.shape);
  if (command.exact) {
    const box = domain && boxOf(domain, network);
    const ball = centre && { centre, radius: radius ?? Infinity };
    const { gap, timeLimit, seed } = command.exact;
    const progress = progressDisplay(terminal.stderr);
    let widest = 0;
    const result = await library.exactConstant(network, {
      ...{ box, ball, gap, seed },
      isOver: () => signal.aborted || performance.now() > since + 1000 * timeLimit,
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
    });
    progress.clear();
    return printExact(command, network, result, (performance.now() - start) / 1000, stdout);
  }
  const engine = await library.createEngine({
    engine: command.engine,
    ...(threads !== undefined && { threads }),
  });
  try {
    const value = await library.localBound(network, centre, radius ?? Infinity, {
      ...{ kind, engine, signal },
      ...(domain && { domain: { low: domain[0], high: domain[1] } }),
      ...(norm !== undefined && { norm }),
      ...(outputNorm !== undefined && { outputNorm }),
      ...(memory !== undefined && { memory }),
    });
    const bound = value < Infinity ? value : null;
    const seconds = (performance.now() - start) / 1000;
    if (command.json) {
      const { sha256 } = network.source ?? { sha256: null };
      const assurance = 'rounding-safe';
      const { information } = engine;
      printDocument(stdout, {
        network: { file, sha256 },
        ...{ at: at ?? null, radius: radius ?? null, domain: domain ?? null },
        kind,
        norms: normsOf(command),
        bound,
        assurance,
        engine: information,
        seconds,
      });
    } else {
      printLines(stdout, [
        bound === null ? 'No bound: rounding leaves nothing to say.' : sentence(command, bound),
        `Rounding errors inside the computation are accounted for; digits are rounded up. ${formatDuration(seconds)}.`,
      ]);
    }
    return bound === null ? EXIT.unsupported : EXIT.success;
  } finally {
    await engine.close();
  }
}

function boxOf([low, high]: readonly [number, number], network: Network) {
  const entries = product(network.tensors[network.input]!.shape);
  return { low: new Float64Array(entries).fill(low), high: new Float64Array(entries).fill(high) };
}

function printExact(
  command: BoundAtCommand,
  network: Network,
  { upper, lower, status, steepest, nodes, open, neurons }: ExactResult,
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
      ...{ bound, assurance: 'rounding-safe', exact: report, seconds },
    });
  } else {
    printLines(stdout, [
      ...(bound === null ? ['No bound: rounding leaves nothing to say.'] : [sentence(command, bound)]),
      ...(bound === null ? [] : exactLines(report, formatBound(bound, null))),
      `Rounding errors inside the computation are accounted for; digits are rounded outward. ${formatDuration(seconds)}.`,
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
