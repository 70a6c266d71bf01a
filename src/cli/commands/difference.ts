/** `lipsoid difference A B`: the Lipschitz constant of A − B, and how far A and B are apart near a point. */
import type { DifferenceResult, RegionalDifference } from '../../difference/difference.ts';
import type { Network } from '../../network/network.ts';
import { NORM_NAMES, NORM_SIGNS, type Norm, type NormPair } from '../../network/norms/norm.ts';
import { EXIT } from '../failure.ts';
import type { EngineName, Library } from '../library.ts';
import { type ModelOptions, openNetwork } from '../loading.ts';
import { formatBound, formatDuration } from '../output/format.ts';
import { externalFiles, OutputFile } from '../output/outputFile.ts';
import { progressDisplay } from '../output/progress.ts';
import { printDocument, printLines, type Terminal } from '../output/terminal.ts';
import { type Certified, certificateText, certified } from './certificate.ts';

export interface DifferenceCommand extends ModelOptions {
  /** Files. */
  readonly a: string;
  readonly b: string;
  /** The file of the centre, with a radius in the norm of the input. */
  readonly at?: string;
  readonly radius?: number;
  readonly norm?: Norm;
  readonly outputNorm?: Norm;
  readonly evaluations?: number;
  readonly tolerance?: number;
  /** Seconds. */
  readonly timeLimit?: number;
  readonly seed?: number;
  readonly lower?: boolean;
  readonly engine: EngineName;
  readonly threads?: number;
  /** Bytes. */
  readonly memory?: number;
  readonly certificate?: string;
  readonly json: boolean;
  readonly quiet: boolean;
}

/** Writes the answer to stdout, then the certificate; returns the exit code. Errors of the library pass through. */
export async function differenceCommand(
  command: DifferenceCommand,
  library: Library,
  terminal: Terminal,
  { signal, since }: { readonly signal: AbortSignal; readonly since: number },
  version: string,
): Promise<number> {
  const { a, b, certificate, json } = command;
  const outputs = certificate === undefined ? [] : [{ option: '--certificate', path: certificate }];
  const given = [
    { option: 'A', path: a },
    { option: 'FILE', path: b },
  ];
  const files = await OutputFile.openAll(outputs, given, json);
  const start = performance.now();
  try {
    const networks = {
      a: await openNetwork(a, command, library, signal),
      b: await openNetwork(b, command, library, signal),
    };
    for (const which of ['a', 'b'] as const)
      await OutputFile.keepApart(files, externalFiles(command[which], networks[which]));
    const result = await computed(command, networks, library, terminal, { signal, since });
    const made =
      certificate === undefined
        ? undefined
        : await certificateOf(certificate, networks, result, library, version);
    const seconds = (performance.now() - start) / 1000;
    if (json) printDocument(terminal.stdout, documentOf(command, networks, result, made?.verdict, seconds));
    else printLines(terminal.stdout, linesOf(command, result, made?.verdict, seconds));
    if (made?.text !== undefined) await files[0]!.write(made.text);
    const refused = made !== undefined && 'refused' in made.verdict;
    return isKnown(result) && !refused ? EXIT.success : EXIT.unsupported;
  } finally {
    await Promise.all(files.map((file) => file.close()));
  }
}

interface Both {
  readonly a: Network;
  readonly b: Network;
}

async function computed(
  command: DifferenceCommand,
  { a, b }: Both,
  library: Library,
  terminal: Terminal,
  { signal, since }: { readonly signal: AbortSignal; readonly since: number },
): Promise<DifferenceResult> {
  const { at, radius, norm, outputNorm, evaluations, tolerance, timeLimit, seed, lower, memory, threads } =
    command;
  const centre = at === undefined ? undefined : await library.readPoint(at, a.tensors[a.input]!.shape);
  const engine = await library.createEngine({
    engine: command.engine,
    ...(threads !== undefined && { threads }),
  });
  const progress = progressDisplay(terminal.stderr);
  try {
    return await library.difference(a, b, {
      ...{ engine, signal, since },
      ...(centre && { at: centre }),
      ...(radius !== undefined && { radius }),
      ...(norm !== undefined && { norm }),
      ...(outputNorm !== undefined && { outputNorm }),
      ...(evaluations !== undefined && { evaluations }),
      ...(tolerance !== undefined && { tolerance }),
      ...(timeLimit !== undefined && { timeLimit }),
      ...(seed !== undefined && { seed }),
      ...(lower !== undefined && { lower }),
      ...(memory !== undefined && { memory }),
      ...(!command.quiet && { onProgress: (step) => progress.show(step) }),
    });
  } finally {
    progress.clear();
    await engine.close();
  }
}

/** Of both networks together, whatever is the least bound. */
async function certificateOf(
  file: string,
  { a, b }: Both,
  { together }: DifferenceResult,
  library: Library,
  version: string,
): Promise<Awaited<ReturnType<typeof certified>>> {
  const network = await library.differenceNetwork(a, b);
  if (!network || !together)
    return { verdict: { refused: 'both networks are the same; there is nothing to prove by multipliers' } };
  return certified(file, network, together, library, `lipsoid ${version}`);
}

function isKnown({ bound, log10 }: DifferenceResult): boolean {
  return bound !== null || log10 !== null;
}

function documentOf(
  { a, b, at, radius }: DifferenceCommand,
  networks: Both,
  result: DifferenceResult,
  certificate: Certified | undefined,
  seconds: number,
): object {
  const { identical, norms, bound, log10, by, together, each, region, engine } = result;
  const network = (file: string, { source }: Network) => ({ file, sha256: source?.sha256 ?? null });
  return {
    a: network(a, networks.a),
    b: network(b, networks.b),
    ...{ identical, norms, bound, log10, by },
    together: together && { bound: together.bound, log10: together.log10, method: together.method },
    each,
    lower: together?.lower,
    assurance: 'rounding-safe',
    region: region && { at, radius, ...region },
    ...{ certificate, engine, seconds },
  };
}

function linesOf(
  command: DifferenceCommand,
  result: DifferenceResult,
  certificate: Certified | undefined,
  seconds: number,
): string[] {
  const { identical, norms, region, together, bound, log10 } = result;
  const [input, output] = [NORM_SIGNS[norms.input], NORM_SIGNS[norms.output]];
  const change = (value: string, where: string) =>
    `‖(A − B)(x) − (A − B)(y)‖${output} ≤ ${value} · ‖x − y‖${input} for all inputs x and y${where}.`;
  if (identical) {
    return [
      'A and B are the same: the difference is 0 everywhere.',
      ...(certificate && 'refused' in certificate ? [`No certificate: ${certificate.refused}.`] : []),
    ];
  }
  const how = result.by === 'sum' ? ' (the sum of a bound of A and one of B)' : '';
  const lower = together?.lower;
  const lines = [
    isKnown(result) ? change(`${formatBound(bound, log10)}`, how) : 'No method gave a bound.',
    ...(lower ? [`At least ${formatBound(lower.value, lower.log10, 'down')} (sampled).`] : []),
    ...(region ? regionLines(command, region, norms, change) : []),
  ];
  if (command.quiet) return lines;
  return [
    ...lines,
    `Rounding errors inside the computation are accounted for; digits are rounded outward. ${formatDuration(seconds)}.`,
    ...(certificate && together ? [certificateText(certificate, together)] : []),
  ];
}

function regionLines(
  { at, radius }: DifferenceCommand,
  { lipschitz, gain, largest, atCentre, attained }: RegionalDifference,
  norms: NormPair,
  change: (value: string, where: string) => string,
): string[] {
  const [input, output] = [NORM_SIGNS[norms.input], NORM_SIGNS[norms.output]];
  const where = ` within ${radius} (${NORM_NAMES[norms.input]}) of c, the input in ${at}`;
  const said = (value: number | null, text: (shown: string) => string) =>
    value === null ? 'No bound there: rounding leaves nothing to say.' : text(formatBound(value, null));
  return [
    said(lipschitz, (value) => change(value, where)),
    said(gain, (value) => `‖(A − B)(x) − (A − B)(c)‖${output} ≤ ${value} · ‖x − c‖${input} there.`),
    said(
      largest,
      (value) =>
        `‖A(x) − B(x)‖${output} ≤ ${value} there; at c it is ${formatBound(atCentre, null)} at most.`,
    ),
    `At least ${formatBound(attained.value, null, 'down')} is attained there.`,
  ];
}
