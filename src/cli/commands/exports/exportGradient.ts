/** `lipsoid export-gradient`: how the bound of a network changes with its weights, as arrays for whoever trains it. */
import { npzBytes } from '../../../arrays/npzWriting.ts';
import type { BoundGradient } from '../../../bounds/gradient/boundGradient.ts';
import type { StoredMultipliers } from '../../../bounds/result.ts';
import type { LocalBoundGradient, LocalBoundGradientOptions } from '../../../certify/localBoundGradient.ts';
import type { LocalKind } from '../../../certify/proofs/localForm.ts';
import type { Network } from '../../../network/network.ts';
import { printableJson } from '../../../printable.ts';
import { EXIT } from '../../failure.ts';
import type { EngineName, Library } from '../../library.ts';
import { type ModelOptions, openNetwork } from '../../loading.ts';
import { formatBound, formatCount } from '../../output/format.ts';
import { externalFiles, OutputFile } from '../../output/outputFile.ts';
import { printDocument, printLines, type Terminal } from '../../output/terminal.ts';
import { readMultipliers } from '../multipliers.ts';

export interface ExportGradientCommand extends ModelOptions {
  readonly file: string;
  /** Where to write the arrays. */
  readonly out: string;
  readonly target?: 'global' | 'margins' | readonly [number, number];
  readonly evaluations?: number;
  /** Seconds. */
  readonly timeLimit?: number;
  /** The region that the bound is of, as of `bound`; without it everywhere. */
  readonly at?: string;
  readonly radius?: number;
  readonly domain?: readonly [low: number, high: number];
  readonly kind?: LocalKind;
  /** Files. */
  readonly multipliers?: string;
  readonly saveMultipliers?: string;
  readonly engine: EngineName;
  readonly threads?: number;
  /** Bytes. */
  readonly memory?: number;
  readonly json: boolean;
}

/** Writes the files, then what they are to stdout; returns the exit code. Nothing is written for a network that is refused. */
export async function exportGradientCommand(
  command: ExportGradientCommand,
  library: Library,
  terminal: Terminal,
  signal: AbortSignal,
): Promise<number> {
  const { file, out, json, engine: name, threads, memory, target, evaluations, timeLimit } = command;
  const { multipliers: given, saveMultipliers } = command;
  const named = [
    { option: '--out', path: out },
    ...(saveMultipliers === undefined ? [] : [{ option: '--save-multipliers', path: saveMultipliers }]),
  ];
  const files = await OutputFile.openAll(named, [{ option: 'FILE', path: file }], json);
  try {
    const multipliers: StoredMultipliers | undefined =
      given === undefined ? undefined : await readMultipliers(given);
    const network = await openNetwork(file, command, library, signal);
    await OutputFile.keepApart(files, externalFiles(file, network));
    const engine = await library.createEngine({ engine: name, ...(threads !== undefined && { threads }) });
    try {
      const options = {
        ...{ engine, signal },
        ...(target !== undefined && { target }),
        ...(evaluations !== undefined && { evaluations }),
        ...(timeLimit !== undefined && { timeLimit }),
        ...(memory !== undefined && { memory }),
      };
      const { multipliers: used, ...found }: Partial<BoundGradient> & LocalBoundGradient =
        command.at === undefined && command.domain === undefined
          ? await library.boundGradient(network, { ...options, ...(multipliers && { multipliers }) })
          : await localGradient(command, library, network, options);
      await files[0]!.write(npzBytes(found.weights));
      await files[1]?.write(`${printableJson(used)}\n`);
      const { weights, ...numbers } = found;
      if (json) {
        const arrays = weights.map(({ name, shape }) => ({ name, shape }));
        printDocument(terminal.stdout, {
          network: { file, sha256: network.source?.sha256 ?? null },
          ...{ out, target: target ?? 'global', ...regionOf(command), ...numbers, arrays },
        });
      } else {
        const held = numbers.held.length === 0 ? [] : [`Held constant: ${numbers.held.join(', ')}.`];
        printLines(terminal.stdout, [
          `${out}: the gradient of ln L, ${formatCount(weights.length, 'array')}; L ≤ ${formatBound(numbers.bound, numbers.log10)}.`,
          ...held,
        ]);
      }
    } finally {
      await engine.close();
    }
  } finally {
    for (const one of files) await one.close();
  }
  return EXIT.success;
}

async function localGradient(
  { at, radius, domain, kind }: ExportGradientCommand,
  library: Pick<Library, 'readPoint' | 'localBoundGradient'>,
  network: Network,
  options: LocalBoundGradientOptions,
): Promise<LocalBoundGradient> {
  const { shape } = network.tensors[network.input]!;
  const centre = at === undefined ? undefined : await library.readPoint(at, shape);
  return library.localBoundGradient(network, centre, radius ?? Infinity, {
    ...options,
    ...(kind && { kind }),
    ...(domain && { domain: { low: domain[0], high: domain[1] } }),
  });
}

/** What a document says of the region; nothing without one. */
function regionOf({ at, radius, domain, kind = 'incremental' }: ExportGradientCommand) {
  if (at === undefined && domain === undefined) return {};
  return { at: at ?? null, radius: radius ?? null, domain: domain ?? null, kind };
}
