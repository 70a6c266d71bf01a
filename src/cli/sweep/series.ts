/** Lines of a sweep as curves: checkpoints of one run behind each other. */

import type { SweepLine } from './line.ts';
import { byName } from './networkFiles.ts';

export interface Point {
  /** The step of a training, or the place among all networks, from 1 on. */
  readonly x: number;
  readonly line: SweepLine;
}

export interface Series {
  /** Files of the run, `*` for the step, and what was asked where that differs. */
  readonly name: string;
  readonly points: readonly Point[];
}

export interface AllSeries {
  readonly unit: 'step' | 'network';
  readonly series: readonly Series[];
}

/** The last line of each file, set of options and version, in the natural order of files. */
export function lastLines(lines: readonly SweepLine[]): SweepLine[] {
  const last = new Map<string, SweepLine>();
  for (const line of lines) last.set(JSON.stringify([line.file, line.options, line.version]), line);
  return [...last.values()].sort((a, b) => byName(a.file, b.file));
}

/** What was asked in a line, as far as it was not the same in all; empty where it was. */
export function differingOptions(lines: readonly SweepLine[]): (line: SweepLine) => string {
  const asked = ({ options, version }: SweepLine) =>
    new Map(Object.entries({ ...options, version }).map(([name, value]) => [name, JSON.stringify(value)]));
  const all = lines.map(asked);
  const names = [...new Set(all.flatMap((options) => [...options.keys()]))];
  const differ = names.filter((name) => new Set(all.map((options) => options.get(name))).size > 1);
  return (line) => {
    const own = asked(line);
    return differ.map((name) => `${name}=${own.get(name)?.replaceAll('"', '') ?? 'default'}`).join(' ');
  };
}

/** Curves by the steps that names of files tell, if they tell different ones throughout; else one by the order of files. */
export function seriesOf(lines: readonly SweepLine[]): AllSeries {
  const asked = differingOptions(lines);
  const runs = new Map<string, Point[]>();
  for (const line of lines) {
    const { run, step } = stepOf(line.file);
    const name = [run, asked(line)].filter((text) => text !== '').join(', ');
    const point = { x: step ?? Number.NaN, line };
    const points = runs.get(name);
    if (points) points.push(point);
    else runs.set(name, [point]);
  }
  const tell = [...runs.values()].every(
    (points) => points.every(({ x }) => x >= 0) && new Set(points.map(({ x }) => x)).size === points.length,
  );
  if (tell && lines.length > runs.size) {
    const series = [...runs].map(([name, points]) => ({ name, points: points.sort((a, b) => a.x - b.x) }));
    return { unit: 'step', series };
  }
  const curves = new Map<string, Point[]>();
  for (const line of lines) {
    const points = curves.get(asked(line)) ?? [];
    curves.set(asked(line), points);
    points.push({ x: points.length + 1, line });
  }
  return { unit: 'network', series: [...curves].map(([name, points]) => ({ name, points })) };
}

/** `step=1200`, `epoch_3`, `iter-7`, `ckpt5`. */
const SAID = /(step|epoch|iter(?:ation)?|ckpt|checkpoint)([-_= ]?)(\d+)/gi;

/** The step that the name of a file tells, and the name without it: the last one called a step, else an epoch or the like, else the last number. */
export function stepOf(file: string): { readonly run: string; readonly step?: number } {
  const said = [...file.matchAll(SAID)];
  const step = said.findLast(([, what]) => what!.toLowerCase() === 'step') ?? said.at(-1);
  if (step) return { run: file.replace(SAID, '$1$2*'), step: Number(step[3]) };
  // What follows the last point says what kind of file it is.
  const kind = /\.[^./\\]*$/.exec(file)?.[0] ?? '';
  const name = file.slice(0, file.length - kind.length);
  // From the end: a pattern that looks for it from the front tries every place.
  const [, rest, digits] = /^(\D*)(\d+)/.exec([...name].reverse().join('')) ?? [];
  if (rest === undefined || digits === undefined) return { run: file };
  const [before, after] = [
    name.slice(0, name.length - rest.length - digits.length),
    name.slice(name.length - rest.length),
  ];
  return { run: `${before}*${after}${kind}`, step: Number([...digits].reverse().join('')) };
}
