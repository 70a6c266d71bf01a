/** `lipsoid bound FILE --at x.npy --radius R` and `--domain LOW,HIGH`: the bound within a ball, a box, or what both have in common. */
import type { LocalKind } from '../../certify/proofs/localBound.ts';
import { EXIT } from '../failure.ts';
import type { EngineName, Library } from '../library.ts';
import { type ModelOptions, openNetwork } from '../loading.ts';
import { formatBound, formatDuration } from '../output/format.ts';
import { printDocument, printLines, type Terminal } from '../output/terminal.ts';

export interface BoundAtCommand extends ModelOptions {
  readonly file: string;
  /** The file of the centre; without it a domain is the region. */
  readonly at?: string;
  /** ℓ2; without it all of the domain. */
  readonly radius?: number;
  /** What every entry of the input keeps to. */
  readonly domain?: readonly [low: number, high: number];
  readonly kind: LocalKind;
  readonly engine: EngineName;
  readonly threads?: number;
  /** Bytes. */
  readonly memory?: number;
  readonly json: boolean;
}

/** Writes the bound to stdout, returns the exit code. Errors of the library pass through. */
export async function boundAtCommand(
  command: BoundAtCommand,
  library: Pick<Library, 'loadNetwork' | 'readArray' | 'readPoint' | 'createEngine' | 'localBound'>,
  { stdout }: Terminal,
  signal: AbortSignal,
): Promise<number> {
  const { file, at, radius, domain, kind, threads, memory } = command;
  const start = performance.now();
  const network = await openNetwork(file, command, library, signal);
  const centre =
    at === undefined ? undefined : await library.readPoint(at, network.tensors[network.input]!.shape);
  const engine = await library.createEngine({
    engine: command.engine,
    ...(threads !== undefined && { threads }),
  });
  try {
    const value = await library.localBound(network, centre, radius ?? Infinity, {
      ...{ kind, engine, signal },
      ...(domain && { domain: { low: domain[0], high: domain[1] } }),
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

function sentence({ at, radius, domain, kind }: BoundAtCommand, bound: number): string {
  const value = formatBound(bound, null);
  const where = [
    ...(radius === undefined ? [] : [`within ${radius} (ℓ2) of ${kind === 'incremental' ? at : 'c'}`]),
    ...(domain ? [`with all entries from ${domain[0]} to ${domain[1]}`] : []),
  ].join(', ');
  return kind === 'incremental'
    ? `‖f(x) − f(y)‖₂ ≤ ${value} · ‖x − y‖₂ for all inputs x and y ${where}.`
    : `‖f(x) − f(c)‖₂ ≤ ${value} · ‖x − c‖₂ for all inputs x ${where}, c being the input in ${at}.`;
}
