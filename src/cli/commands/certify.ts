/** `lipsoid certify`: samples one by one, as a table, a JSON document, CSV, a plot and certificates. */
import { basename } from 'node:path';
import type { RegionCertificate } from '../../certificate/regionFormat.ts';
import type { CertifySamplesOptions } from '../../certify/certifySamples.ts';
import type { OpenSamples } from '../../certify/data/open.node.ts';
import { CERTIFY_DEFAULTS } from '../../certify/defaults.ts';
import { isReport, type SampleReport } from '../../certify/report.ts';
import { checkAll, type Scaled, scaledBy } from '../../certify/scaled.ts';
import { usualThreads } from '../../engine/cpu/host.ts';
import { InputError, UnsupportedError } from '../../errors.ts';
import type { Network } from '../../network/network.ts';
import { EXIT } from '../failure.ts';
import type { Library } from '../library.ts';
import { openNetwork } from '../loading.ts';
import { CertificateFolder } from '../output/certificateFolder.ts';
import {
  type Answer,
  answerDocument,
  answerLines,
  type CertificatesAnswer,
  csvText,
  plotText,
} from '../output/certifyAnswer.ts';
import { Journal } from '../output/journal.ts';
import { externalFiles, OutputFile } from '../output/outputFile.ts';
import { progressDisplay } from '../output/progress.ts';
import { printDocument, printLines, type Terminal } from '../output/terminal.ts';
import type { CertifyCommand } from './certifyCommand.ts';

/**
 * Writes the answer to stdout, then the files that were asked for; returns the exit code. Errors of the library pass through, once what was
 * found before has been written.
 * @param signal ends the work early: the samples that are done by then are the answer
 */
export async function certifyCommand(
  command: CertifyCommand,
  library: Library,
  terminal: Terminal,
  signal: AbortSignal,
  version: string,
): Promise<number> {
  const { file, data, labels, csv, plot, resume, json } = command;
  const named = (option: string, path: string | false | undefined) =>
    path === undefined || path === false ? [] : [{ option, path }];
  const read = [
    ...named('FILE', file),
    ...named('--data', data),
    ...named('--labels', labels),
    ...named('--resume', resume),
  ];
  const outputs = [...named('--csv', csv), ...named('--plot', plot)];
  const files = await OutputFile.openAll(outputs, read, json);
  const fileOf = (option: string) => files[outputs.findIndex((output) => output.option === option)];
  try {
    const { answer, failure } = await computed(command, library, terminal, signal, version, files);
    if (failure && answer.reports.length === 0) throw failure.error;
    if (json) printDocument(terminal.stdout, answerDocument(answer));
    else printLines(terminal.stdout, answerLines(answer, command.quiet));
    await fileOf('--csv')?.write(csvText(answer));
    await fileOf('--plot')?.write(plotText(answer));
    if (failure && !signal.aborted) throw failure.error;
    return EXIT.success;
  } finally {
    await Promise.all(files.map((output) => output.close()));
  }
}

interface Computed {
  readonly answer: Answer;
  /** What ended the work before its end. */
  readonly failure: { readonly error: unknown } | undefined;
}

async function computed(
  command: CertifyCommand,
  library: Library,
  terminal: Terminal,
  signal: AbortSignal,
  version: string,
  files: readonly OutputFile[],
): Promise<Computed> {
  const { inputs, labels, first, threads } = command;
  const network = await openNetwork(command.file, command, library, signal);
  await OutputFile.keepApart(files, externalFiles(command.file, network));
  const { shape } = network.tensors[network.input]!;
  const scaled = scaledBy(command, network);
  const set = await library.openSamples(
    command.data,
    { ...(inputs !== undefined && { inputs }), ...(labels !== undefined && { labels }) },
    {
      shape,
      classes: network.tensors[network.output]!.shape[0] ?? 0,
      ...(first !== undefined && { first }),
    },
  );
  try {
    await checkAll(set, scaled, '--clip', signal);
    const journal = await journalOf(command, network, version, () => set.digest());
    try {
      const reports = resumed(journal, command, set.count);
      const certificates = await certificatesOf(command, reports);
      const engine = await library.createEngine({
        engine: command.engine,
        ...(threads !== undefined && { threads }),
      });
      const notes: string[] = [];
      const progress = progressDisplay(terminal.stderr);
      let failure: { readonly error: unknown } | undefined;
      try {
        const left = set.count - reports.length;
        const options: CertifySamplesOptions = {
          ...certifyOptions(command, scaled),
          ...{ engine, signal, workers: Math.max(1, Math.min(threads ?? (await usualThreads()), left)) },
          ...(certificates && {
            onProof: async ({ index, region, proof }) => {
              const claimed = { ...region, scale: scaled.scale };
              const made = { by: `lipsoid ${version}`, engine: engine.information.description, signal };
              return certificates.add(index, () => library.certifyRegion(network, claimed, proof, made));
            },
          }),
          onNote: (note) => notes.push(note),
          ...(!command.quiet && { onProgress: (step) => progress.show(step) }),
        };
        const samples = scaled.samples(set.read(reports.length, set.count));
        const shown = (done: number) =>
          progress.show({
            method: 'certify',
            layer: `sample ${done} of ${set.count}`,
            done,
            total: set.count,
          });
        if (reports.length < set.count) {
          for await (const report of library.certifySamples(scaled.network, samples, options)) {
            reports.push(report);
            await journal?.add([report]);
            if (!command.quiet) shown(reports.length);
          }
        }
      } catch (error) {
        failure = { error };
      } finally {
        progress.clear();
        await engine.close();
      }
      const written = await certificates?.finish(network, set, reports);
      const answer = { command, network, set, reports, notes, engine: engine.information };
      return { answer: { ...answer, ...(written && { certificates: written }) }, failure };
    } finally {
      await journal?.close();
    }
  } finally {
    await set.close();
  }
}

function certifyOptions(command: CertifyCommand, { limits, attackLimits }: Scaled): CertifySamplesOptions {
  const { radius = [], norm, maxRadius, regions, evaluations, timeLimit, starts, seed, memory } = command;
  return {
    ...{ radii: radius, maxRadius, regions },
    ...(norm !== undefined && { norm }),
    ...(limits && { limits }),
    ...(attackLimits && { attackLimits }),
    ...(evaluations !== undefined && { evaluations }),
    ...(timeLimit !== undefined && { timeLimit }),
    ...(starts !== undefined && { attackStarts: starts }),
    ...(seed !== undefined && { seed }),
    ...(memory !== undefined && { memory }),
  };
}

/** What results in a journal are of. How long they may take, and on what, decides only what is left open. */
async function journalOf(
  command: CertifyCommand,
  network: Network,
  version: string,
  digest: () => Promise<string>,
): Promise<Journal | undefined> {
  if (command.resume === undefined) return undefined;
  const { radius = [], maxRadius, mean, std, normalized, clip, output } = command;
  const { evaluations, starts, seed } = command;
  return Journal.open('--resume', command.resume, {
    'lipsoid certify': version,
    network: network.source?.sha256 ?? null,
    // A file that leaves sides open is another function for each of them.
    shape: network.tensors[network.input]!.shape,
    data: await digest(),
    arrays: [command.inputs ?? null, command.labels ?? null],
    output: output ?? null,
    radii: radius,
    norm: command.norm ?? CERTIFY_DEFAULTS.norm,
    maxRadius,
    pixels: mean && std ? { mean, std, normalized } : null,
    clip: clip ?? null,
    regions: command.regions,
    certificates: command.certificate !== undefined,
    evaluations: evaluations ?? CERTIFY_DEFAULTS.evaluations,
    starts: starts ?? CERTIFY_DEFAULTS.attackStarts,
    seed: seed ?? CERTIFY_DEFAULTS.seed,
  });
}

/** The reports that a journal holds, of those that are asked for now. @throws InputError where it holds others */
function resumed(journal: Journal | undefined, { radius = [], maxRadius }: CertifyCommand, count: number) {
  const reports: SampleReport[] = [];
  for (const [k, entry] of (journal?.entries ?? []).entries()) {
    if (!isReport(entry, radius, maxRadius) || entry.index > reports.length) {
      throw new InputError(
        `--resume: must be left as it was, line ${k + 2} is not what is said of sample ${reports.length}`,
      );
    }
    // Two runs at a time say the same twice.
    if (entry.index === reports.length) reports.push(entry);
  }
  return reports.slice(0, count);
}

/** Certificates of samples that are certified now, and those that an earlier run has left. */
interface Certificates {
  /** Whether there is one now. @throws OutputError */
  add(index: number, make: () => Promise<RegionCertificate>): Promise<boolean>;
  finish(network: Network, set: OpenSamples, reports: readonly SampleReport[]): Promise<CertificatesAnswer>;
}

/** @throws InputError where the folder cannot be written to, or holds something else */
async function certificatesOf(
  { certificate: path, data, radius = [] }: CertifyCommand,
  earlier: readonly SampleReport[],
): Promise<Certificates | undefined> {
  if (path === undefined) return undefined;
  const folder = await CertificateFolder.open('--certificate', path, earlier.length > 0);
  for (const report of earlier) await folder.resume(report.index);
  /** Of samples, what the checker said of their largest radius. */
  const refused = new Map<number, string>();
  return {
    async add(index, make) {
      try {
        await folder.add(index, await make());
        return true;
      } catch (error) {
        if (!(error instanceof UnsupportedError)) throw error;
        if (!refused.has(index)) refused.set(index, error.items.map(({ reason }) => reason).join('; '));
        return false;
      }
    },
    async finish(network, set, reports) {
      const { tensors, input, output, name, source } = network;
      const samples = await folder.finish({
        network: {
          name,
          sha256: source!.sha256,
          input: tensors[input]!.shape,
          output: tensors[output]!.name,
        },
        data: { file: basename(data), sha256: await set.digest(), samples: set.count },
        radii: radius,
      });
      const written = new Map(samples.map((sample) => [sample.index, sample.radius]));
      const lacking = reports.flatMap((report) => {
        const { index } = report;
        const largest = Math.max(report.radius ?? 0, ...radius.filter((r) => report.certified[String(r)]));
        const own = written.get(index) ?? null;
        if (largest === 0 || own === largest) return [];
        const reason = refused.get(index) ?? 'there is no proof around the input alone';
        return [{ index, certified: largest, radius: own, reason }];
      });
      return { folder: path, samples: samples.length, lacking };
    },
  };
}
