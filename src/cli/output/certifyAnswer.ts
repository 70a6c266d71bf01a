/** What `certify` prints and writes. */
import type { OpenSamples } from '../../certify/data/open.node.ts';
import { CERTIFY_DEFAULTS } from '../../certify/defaults.ts';
import { CERTIFY_STAGES, type SampleReport } from '../../certify/report.ts';
import { summaryOf } from '../../certify/summary.ts';
import type { EngineInformation } from '../../engine/engine.ts';
import type { Network } from '../../network/network.ts';
import { type BallNorm, NORM_NAMES } from '../../network/norms/norm.ts';
import { countParameters } from '../../network/parameters.ts';
import type { CertifyCommand } from '../commands/certifyCommand.ts';
import { accuracyCurves, accuracyPlot } from './accuracyPlot.ts';
import { formatBound, formatCount, formatDuration, formatSeconds } from './format.ts';
import { type Column, tableLines } from './table.ts';
import { dim, type Line } from './terminal.ts';

export interface Answer {
  readonly command: CertifyCommand;
  /** As its file has it. */
  readonly network: Network;
  readonly set: Pick<OpenSamples, 'inputs' | 'labels' | 'count' | 'shape' | 'full'>;
  readonly reports: readonly SampleReport[];
  readonly notes: readonly string[];
  readonly engine: EngineInformation;
  /** Where certificates were asked for. */
  readonly certificates?: CertificatesAnswer;
}

/** What became of certificates. */
export interface CertificatesAnswer {
  readonly folder: string;
  /** How many samples have one. */
  readonly samples: number;
  /** Samples that are certified for more than their certificate says, or have none (`radius` null). */
  readonly lacking: readonly {
    readonly index: number;
    readonly certified: number;
    readonly radius: number | null;
    readonly reason: string;
  }[];
}

/** What `--json` prints. */
export function answerDocument(answer: Answer): object {
  const { command, network, set, reports, notes, engine, certificates } = answer;
  const radii = command.radius ?? [];
  const { mean, std, normalized, clip } = command;
  return {
    network: {
      file: command.file,
      sha256: network.source?.sha256 ?? null,
      parameters: countParameters(network),
      layers: network.nodes.length,
    },
    data: {
      file: command.data,
      inputs: set.inputs,
      labels: set.labels ?? null,
      samples: set.count,
      shape: set.shape,
      divisor: set.full ?? 1,
      ...(mean && std && { mean, std, normalized }),
      ...(clip && { clip }),
    },
    engine,
    norm: NAMES[normOf(command)],
    unit: unitOf(command),
    radii,
    samples: reports,
    summary: summaryOf(reports, radii),
    ...(certificates && { certificates }),
    ...(reports.length < set.count && { interrupted: true }),
    ...(notes.length > 0 && { notes }),
  };
}

/** Of radii, in JSON. */
const NAMES: Readonly<Record<BallNorm, string>> = { '2': 'l2', inf: 'linf' };

function normOf({ norm }: CertifyCommand): BallNorm {
  return norm ?? CERTIFY_DEFAULTS.norm;
}

/** What radii are measured in: pixels where the command says how these become inputs. */
function unitOf({ std }: CertifyCommand): 'pixels' | 'network input' {
  return std ? 'pixels' : 'network input';
}

/** Samples that are a table for people. */
const MOST_SHOWN = 20;

/** A summary, samples in full where they are few, and what the numbers mean. */
export function answerLines(answer: Answer, quiet: boolean): Line[] {
  const { command, network, set, reports, notes, engine, certificates } = answer;
  const radii = command.radius ?? [];
  const summary = summaryOf(reports, radii);
  const { samples, clean, medianRadius, secondsPerSample } = summary;
  const unlabelled = clean === null;
  const columns: Column[] = [
    { title: 'radius', align: 'right' },
    { title: 'certified', align: 'right' },
    ...(hasAttack(command) ? [{ title: 'attack leaves', align: 'right' } as const] : []),
    ...CERTIFY_STAGES.map((title) => ({ title, align: 'right' }) as const),
  ];
  const share = (count: number) => `${count} (${percent(count, samples)})`;
  const cells = radii.map((radius) => {
    const key = String(radius);
    return [
      key,
      share(summary.certified[key]!),
      ...(hasAttack(command) ? [share(summary.attacked[key]!)] : []),
      ...CERTIFY_STAGES.map((stage) => String(summary.stages[key]![stage] ?? 0)),
    ];
  });
  const [titles, ...rows] = tableLines(columns, cells);
  const of = unlabelled ? 'predictions' : 'labels';
  const table: Line[] = [
    ...(radii.length > 0 ? [dim(titles!), ...rows] : []),
    ...(medianRadius === undefined
      ? []
      : [
          `Median of the largest radii certified: ${formatBound(medianRadius, null, 'down')}, wrong predictions counting as 0.`,
        ]),
    ...(reports.length <= MOST_SHOWN ? ['', ...sampleLines(answer)] : []),
  ];
  if (quiet) return table;
  const file = network.source?.file ?? network.name;
  const done = samples < set.count ? `${samples} of ${set.count} samples` : formatCount(samples, 'sample');
  return [
    `${file} on ${set.inputs}: ${done}, ${set.shape.join('×')}${set.full === undefined ? '' : `, divided by ${set.full}`}; ${engine.description}`,
    '',
    ...table,
    '',
    ...(unlabelled
      ? ['There are no labels: what is certified is that predictions stay.']
      : [`Predicted as labelled: ${share(clean)}.`]),
    `Certified: proven, rounding included, that ${of} stay the largest output at every input within the radius (${NORM_NAMES[normOf(command)]}).`,
    ...unitLines(command),
    ...(hasAttack(command) ? ['What an attack leaves is no proof: the truth lies between the two.'] : []),
    `${formatDuration(secondsPerSample)} a sample.`,
    ...(certificates ? certificateLines(certificates) : []),
    ...notes,
    ...(samples < set.count
      ? [
          `Interrupted.${command.resume === undefined ? '' : ` The same command goes on from ${command.resume}.`}`,
        ]
      : []),
  ];
}

function certificateLines({ folder, samples, lacking }: CertificatesAnswer): string[] {
  const line = `Certificates, checked: ${formatCount(samples, 'sample')}, in ${folder}.`;
  if (lacking.length === 0) return [line];
  const [{ index, reason }] = lacking as [CertificatesAnswer['lacking'][number]];
  const less = lacking.filter(({ radius }) => radius !== null).length;
  const counts = [
    ...(less > 0 ? [`${formatCount(less, 'certified sample')} for a smaller radius alone`] : []),
    ...(less < lacking.length ? [`${formatCount(lacking.length - less, 'certified sample')} without`] : []),
  ];
  return [line, `No certificate of all that is certified: ${counts.join(', ')}; sample ${index}: ${reason}.`];
}

function hasAttack({ starts }: CertifyCommand): boolean {
  return starts !== 0;
}

function unitLines({ std, clip }: CertifyCommand): string[] {
  const kept = clip ? ` Inputs keep to pixels from ${clip[0]} to ${clip[1]}.` : '';
  if (!std) return [`Radii are in the network's input.${kept.replace('pixels', 'values')}`];
  const [only, ...more] = std;
  const input = more.every((s) => s === only)
    ? `; divided by ${only} they are in the network's input`
    : ", whose channels the network's input divides by different numbers";
  return [`Radii are in pixels (1 is the whole range)${input}.${kept}`];
}

/** Rounded down: what is certified is not less. */
function percent(count: number, samples: number): string {
  return samples === 0 ? '–' : `${(Math.floor((1000 * count) / samples) / 10).toFixed(1)} %`;
}

function sampleLines({ command, reports }: Answer): Line[] {
  const radii = command.radius ?? [];
  const columns: Column[] = [
    ...['sample', 'label', 'predicted', 'margin'].map((title) => ({ title, align: 'right' }) as const),
    ...radii.map((radius) => ({ title: String(radius), align: 'left' }) as const),
    ...(command.maxRadius ? ['radius', 'by'].map((title) => ({ title, align: 'left' }) as const) : []),
    ...(hasAttack(command) ? [{ title: 'attack', align: 'left' } as const] : []),
    { title: 'seconds', align: 'right' },
  ];
  const cells = reports.map((report) => [
    String(report.index),
    String(report.label ?? '–'),
    String(report.predicted ?? '–'),
    report.margin === null ? '–' : signed(report.margin),
    ...radii.map((radius) => report.stages[String(radius)] ?? 'no'),
    ...(command.maxRadius ? [formatBound(report.radius!, null, 'down'), report.stages.radius ?? ''] : []),
    ...(hasAttack(command) ? [report.attack === null ? 'none' : formatBound(report.attack, null)] : []),
    formatSeconds(report.seconds),
  ]);
  const [titles, ...rows] = tableLines(columns, cells);
  return [dim(titles!), ...rows];
}

/** Rounded down. */
function signed(margin: number): string {
  return margin < 0 ? `-${formatBound(-margin, null, 'up')}` : formatBound(margin, null, 'down');
}

/** One line a sample. */
export function csvText({ command, reports }: Answer): string {
  const radii = (command.radius ?? []).map(String);
  const titles = [
    ...['index', 'label', 'predicted', 'margin'],
    ...radii.flatMap((radius) => [`certified ${radius}`, `stage ${radius}`]),
    ...(command.maxRadius ? ['radius', 'radius stage'] : []),
    ...['attack', 'seconds'],
  ];
  const rows = reports.map((report) => [
    ...[report.index, report.label ?? '', report.predicted ?? '', report.margin ?? ''],
    ...radii.flatMap((radius) => [report.certified[radius]!, report.stages[radius] ?? '']),
    ...(command.maxRadius ? [report.radius!, report.stages.radius ?? ''] : []),
    ...[report.attack ?? '', report.seconds],
  ]);
  return [titles, ...rows].map((row) => `${row.join(',')}\n`).join('');
}

export function plotText({ command, network, set, reports }: Answer): string {
  return accuracyPlot({
    title: `${network.source?.file ?? network.name} on ${set.inputs}, ${formatCount(reports.length, 'sample')}`,
    unit: `${NORM_NAMES[normOf(command)]} radius in ${unitOf(command) === 'pixels' ? 'pixels' : "the network's input"}`,
    ...accuracyCurves(reports, command.radius ?? []),
  });
}
