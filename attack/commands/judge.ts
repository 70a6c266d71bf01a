/** What must hold of a command that has ended. */
import { EXIT } from '../../src/cli/failure.ts';
import { hiddenCharacter } from '../mutation/text.ts';
import type { Command } from './generate.ts';
import type { Ended } from './run.ts';

const INTERNAL = EXIT.internal;
const DOCUMENTED = new Set<number>(Object.values(EXIT).filter((code) => code !== INTERNAL));
/** A search that finds no way down has converged, whatever its last steps gained before; not while they gained as much as this. */
const GAINING = 1e-3;
/** A line of a stack trace. */
const TRACE = /^\s+at .*:\d+:\d+\)?$/m;

/** Of the process: exit code, what it wrote where. */
export function processFaults({ argv, around, heard }: Command, ended: Ended): string[] {
  const { code, signal, stdout, stderr, late } = ended;
  if (late) return [`does not end within ${around.seconds} s`];
  const faults: string[] = [];
  const beginning = (stderr || stdout).slice(0, 300);
  // Node itself ends so where it gets no memory, or before it listens to signals.
  const ownEnd = around.signal !== undefined || around.limits?.includes('-v');
  if (signal !== null && !ownEnd) faults.push(`is ended by ${signal}: ${beginning}`);
  if (code !== null && !DOCUMENTED.has(code) && !(ownEnd && code > 128))
    faults.push(`exit code ${code}: ${beginning}`);
  if (code === INTERNAL) faults.push(`exit code ${code}: ${beginning}`);
  if (around.stdout === 'full' && code === EXIT.success)
    faults.push('exit code 0, but nothing of the answer could be written');
  const nodesOwn = ownEnd && (signal !== null || (code ?? 0) > 128);
  if (TRACE.test(stderr) && !nodesOwn) faults.push(`a stack trace: ${beginning}`);
  for (const text of [stdout, stderr]) {
    const hidden = hiddenCharacter(text);
    if (hidden) faults.push(`prints ${hidden}`);
  }
  const complete = heard && signal === null && !nodesOwn;
  if (argv.includes('--json') && complete && !argv.includes('--help') && !argv.includes('--version')) {
    const document = parsed(stdout);
    if (document === undefined) faults.push(`must print one JSON document, got ${stdout.slice(0, 200)}`);
    else if (argv[0] === 'bound' && code === EXIT.success)
      faults.push(...documentFaults(document as Document, argv));
  }
  return faults;
}

export function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

interface Row {
  readonly method: string;
  readonly rule?: string;
  readonly bound: number | null;
  readonly log10: number | null;
  readonly seconds: number;
  readonly search?: { readonly status: string; readonly evaluations: number; readonly gap: number };
}

export interface Document extends Omit<Row, 'search'> {
  readonly target?: readonly number[];
  readonly lower?: { readonly value: number | null; readonly log10: number | null };
  readonly methods: readonly Row[];
  readonly margins?: readonly (readonly number[])[];
}

/** Of the answer: it must not contradict itself. */
export function documentFaults(document: Document, argv: readonly string[]): string[] {
  const faults: string[] = [];
  const { lower, methods, margins } = document;
  const size = sizeOf(document);
  if (size === undefined) return ['exit code 0 without a bound'];
  if (document.bound !== null && document.bound > 0 && Math.abs(Math.log10(document.bound) - size) > 1e-9)
    faults.push(`bound ${document.bound} and log10 ${document.log10} differ`);
  if (lower?.log10 !== undefined && lower.log10 !== null && lower.log10 > size)
    faults.push(`the lower bound 10^${lower.log10} is above the bound 10^${size}`);
  const rows = methods.flatMap((row) => {
    const own = sizeOf(row);
    return own === undefined ? [] : [{ row, own }];
  });
  const best = Math.min(...rows.map(({ own }) => own));
  if (best !== size) faults.push(`the bound is 10^${size}, the best row 10^${best}`);
  if (
    !rows.some(({ row, own }) => own === size && row.method === document.method && row.rule === document.rule)
  )
    faults.push(`no row ${document.method} ${document.rule ?? ''} has the bound 10^${size}`);
  for (const { row } of rows) faults.push(...searchFaults(row, argv));
  if (margins) faults.push(...marginFaults(margins, size));
  return faults;
}

/** log10; −∞ for 0. */
export function sizeOf({ bound, log10 }: Pick<Row, 'bound' | 'log10'>): number | undefined {
  if (bound === 0) return -Infinity;
  return log10 ?? (bound === null ? undefined : Math.log10(bound));
}

function searchFaults({ method, search }: Row, argv: readonly string[]): string[] {
  if (!search) return [];
  const asked = Number(argv[argv.lastIndexOf('--evaluations') + 1]);
  const most = argv.includes('--evaluations') ? asked : 150;
  const tolerance = argv.includes('--tolerance') ? Number(argv[argv.lastIndexOf('--tolerance') + 1]) : 1e-5;
  const { status, evaluations, gap } = search;
  const faults: string[] = [];
  // 0 evaluations take the multipliers as they are, which takes one.
  if (evaluations > Math.max(1, most))
    faults.push(`${method}: ${evaluations} evaluations, ${most} asked for`);
  const stopped = /^stopped at (\d+)/.exec(status)?.[1];
  if (stopped !== undefined && Number(stopped) !== evaluations)
    faults.push(`${method}: "${status}" after ${evaluations} evaluations`);
  if (status === 'converged' && !(gap <= Math.max(tolerance, GAINING)))
    faults.push(`${method}: converged, but the last ten evaluations gained ${gap}`);
  if (!(gap >= 0)) faults.push(`${method}: a gain of ${gap}`);
  return faults;
}

function marginFaults(margins: readonly (readonly number[])[], size: number): string[] {
  const most = Math.SQRT2 * 10 ** size * (1 + 1e-9);
  for (const [i, row] of margins.entries())
    for (const [j, margin] of row.entries()) {
      if (margin !== margins[j]![i]) return [`margins ${i},${j} and ${j},${i} differ`];
      if (i === j ? margin !== 0 : !(margin >= 0 && margin <= most))
        return [`margin ${i},${j} is ${margin}, the bound 10^${size}`];
    }
  return [];
}

/** Text and JSON of the same options say the same. */
export function textFaults(text: string, document: Document, argv: readonly string[]): string[] {
  const faults: string[] = [];
  const { bound } = document;
  const shown = /≤ ([\d.e+-]+) · ‖x − y‖₂/.exec(text)?.[1];
  if (
    shown !== undefined &&
    bound !== null &&
    !(Number(shown) >= bound && Number(shown) <= bound * (1 + 1.1e-5))
  )
    faults.push(`prints the bound ${shown}, in JSON ${bound}`);
  const below = /^At least ([\d.e+-]+)/m.exec(text)?.[1];
  // Its search takes a share of measured time: two runs need not find the same one.
  if (below !== undefined && bound !== null && Number(below) > bound * (1 + 1.1e-5))
    faults.push(`prints the lower bound ${below}, in JSON the bound is ${bound}`);
  const advice = /^Tighter.*$/m.exec(text)?.[0] ?? '';
  for (const name of ['--method', '--target']) {
    const given = argv.includes(name) ? argv[argv.lastIndexOf(name) + 1]! : undefined;
    if (given !== undefined && advice.includes(`${name} ${given}`))
      faults.push(`advises ${name} ${given}, which was given`);
  }
  return faults;
}
