/** Command lines: valid ones, ones that make no sense, and what may stand around them. */

import { HOSTILE_NAMES } from '../mutation/choices.ts';
import type { Random } from '../random.ts';
import type { Surroundings } from './run.ts';

export interface Command {
  readonly argv: readonly string[];
  readonly around: Surroundings;
  /** Files that the command is asked to write, by name in its folder. */
  readonly outputs: readonly string[];
  /** Whether stdout is here to be read. */
  readonly heard: boolean;
}

/** What a folder holds besides the model: `fifo`, `folder`, `empty`, `existing.json`, `readonly.json`, `c.json`, `m.json`. */
export const MODEL = 'model.onnx';

/** Seconds of a search, which models as small as these end before. */
const TIME_LIMIT = 30;
/** For the start of a process and all that is not the search, on a busy machine. */
const MARGIN = 60;

const METHODS = ['all', 'spectral-product', 'closed-form', 'unrolled', 'refined', 'moduli-product'];
const RULES = ['SN(1)', 'GC(1.5)', 'Shift(1.5)', 'mixed', 'GC(1.99)'];

/** Values of the options of `bound`: what is allowed, and what is not. */
const OPTIONS: Readonly<
  Record<string, { readonly good: readonly string[]; readonly bad: readonly string[] }>
> = {
  '--method': { good: METHODS, bad: ['', 'ALL', 'best', '__proto__', 'toString'] },
  '--rule': { good: RULES, bad: ['SN', 'SN(2)', 'constructor'] },
  '--engine': { good: ['cpu', 'cpu-wasm', 'cpu-blas', 'auto'], bad: ['gpu', 'webgl', ''] },
  '--threads': { good: ['1', '2'], bad: ['0', '-1', '1.5', 'x', '99999999999999999999', ''] },
  '--workers': { good: ['1', '2'], bad: ['0', '-1', '1.5', '257', 'x', ''] },
  '--memory': { good: ['100', '1000', '0.001', '1'], bad: ['0', '-1', 'NaN', '1e400', '0x10'] },
  '--target': {
    good: ['global', 'margins', '0,1', '1,0'],
    bad: ['0,0', '9,1', '0', '-1,0', '1,99999999999999999999', 'all'],
  },
  '--evaluations': { good: ['0', '1', '2', '5', '20', '50'], bad: ['-1', '1.5', 'many', '1e3'] },
  '--tolerance': { good: ['0', '1e-5', '0.5', '1e300'], bad: ['-1', 'NaN', 'Infinity', ''] },
  '--norm': { good: ['2', 'inf', '1'], bad: ['', '0', 'INF', '2.0', 'Infinity'] },
  '--output-norm': { good: ['2', 'inf', '1'], bad: ['', '3', 'max', 'constructor'] },
  '--length': { good: ['any'], bad: ['8', 'ANY'] },
  '--smallest-length': { good: ['1', '5'], bad: ['0', '-3', '1.5'] },
  '--cell-tolerance': { good: ['0.01', '0.5', '1e9'], bad: ['0', '-1', 'x'] },
  '--inflation-limit': { good: ['0', '5', '1e9'], bad: ['-1', '5%'] },
  '--seed': { good: ['0', '1', '4294967295'], bad: ['-1', '4294967296', '9007199254740993', '1.5'] },
  '--input-shape': { good: [], bad: ['', '0', '1x', 'x1', '3x3x3x3x3x3', '99999999999', '1x-1', '4x1'] },
  '--output': {
    good: [],
    bad: ['nothing', ...HOSTILE_NAMES.filter((name) => !name.includes('\0') && name.length < 99)],
  },
};
const SWITCHES = ['--no-rigor', '--no-lower', '--quiet'];

/** Nothing that can be written is at the end of these. */
const BAD_OUTPUTS = [
  '/dev/full',
  'folder',
  'missing/out.json',
  'readonly/out.json',
  '',
  '.',
  'fifo',
  '/dev/null/x',
  'x'.repeat(300),
];
const GOOD_OUTPUTS = ['out.json', 'existing.json', 'folder/out.json', './out.json', 'spaced name.json'];
const BAD_INPUTS = [
  'fifo',
  'folder',
  'empty',
  'missing.onnx',
  '/dev/null',
  '/dev/zero',
  'c.json',
  '',
  'model.onnx/',
  '\u001b[2J.onnx',
  '-',
  '/proc/self/mem',
];

export function drawCommand(random: Random): Command {
  const kind = random.integer(0, 11);
  if (kind < 3)
    return heard(withJson(['bound', MODEL, ...drawOptions(random, 0.15), ...timed()], random), []);
  if (kind === 3) return drawOther(random);
  if (kind === 4) return drawInput(random);
  if (kind < 7) return drawOutput(random);
  if (kind === 7) return drawSignal(random);
  return drawSurroundings(random);
}

function timed(): string[] {
  return ['--time-limit', String(TIME_LIMIT)];
}

function heard(argv: readonly string[], outputs: readonly string[]): Command {
  return { argv, outputs, heard: true, around: { seconds: TIME_LIMIT + MARGIN } };
}

function withJson(argv: readonly string[], random: Random): string[] {
  return random.chance(0.5) ? [...argv, '--json'] : [...argv];
}

/** @param bad how often a value is one that must be refused */
function drawOptions(random: Random, bad: number): string[] {
  const names = Object.keys(OPTIONS);
  const argv: string[] = [];
  for (let k = random.integer(0, 4); k > 0; k--) {
    if (random.chance(0.25)) argv.push(random.pick(SWITCHES));
    else {
      const name = random.pick(names);
      const values =
        random.chance(bad) || OPTIONS[name]!.good.length === 0 ? OPTIONS[name]!.bad : OPTIONS[name]!.good;
      if (OPTIONS[name]!.good.length > 0 || random.chance(0.2)) argv.push(name, random.pick(values));
    }
  }
  return argv;
}

/** No command at all, unknown ones, missing and superfluous words; the other commands. */
function drawOther(random: Random): Command {
  const lines: readonly (readonly string[])[] = [
    [],
    ['--help'],
    ['--version'],
    ['bound', '--help'],
    ['bound'],
    ['bound', MODEL, MODEL],
    ['bound', MODEL, '--unknown'],
    ['bound', MODEL, '--method'],
    ['unknown\u001b[2J', MODEL],
    ['inspect', MODEL],
    ['inspect', MODEL, '--evaluations', '1'],
    ['verify', 'c.json', MODEL],
    ['verify', MODEL, 'c.json'],
    ['verify', 'c.json'],
    ['verify', 'm.json', MODEL],
    ['verify', 'fifo', MODEL],
    ['verify', '/dev/zero', MODEL],
    ['verify', 'empty', MODEL],
    ['difference', MODEL],
    ['difference', MODEL, MODEL],
    ['difference', MODEL, MODEL, '--radius', '1'],
    ['difference', MODEL, 'empty', '--json'],
    ['export-gradient', MODEL],
    ['export-gradient', 'empty', '--out', 'out.npz'],
    ['sweep'],
    ['sweep', MODEL],
    ['sweep', 'nothing*.onnx', '--out', 'out.jsonl'],
    ['report'],
    ['report', MODEL],
    ['report', 'fifo'],
    ['report', 'empty', '--out', 'folder'],
    ['worker'],
    ['worker', '--queue', 'nowhere'],
    ['export-sdp', MODEL],
    ['export-sdp', MODEL, '--formulation', 'lipsdp'],
    ['export-sdp', MODEL, '--formulation', 'other', '--out', 'out.dat-s'],
    ['solve-sdp', MODEL],
    ['solve-sdp', 'empty'],
    ['solve-sdp', 'fifo'],
    ['solve-sdp', 'c.json', '--solver', 'folder'],
    ['solve-sdp', 'c.json', '--time-limit', '0'],
    ['bound', MODEL, '--multipliers', 'fifo'],
    ['bound', MODEL, '--multipliers', '/dev/zero'],
    ['bound', MODEL, '--multipliers', 'c.json'],
    ['bound', MODEL, '--multipliers', 'folder'],
    ['bound', MODEL, '--method', 'exact', '--resume', 'fifo'],
    ['bound', MODEL, '--method', 'exact', '--resume', '/dev/zero'],
    ['bound', MODEL, '--method', 'exact', '--resume', 'm.json'],
    ['bound', MODEL, '--multipliers', 'm.json', '--evaluations', '1'],
  ];
  return heard(withJson(random.pick(lines), random), []);
}

function drawInput(random: Random): Command {
  const command = random.pick([['bound'], ['inspect'], ['verify', 'c.json']]);
  return heard(withJson([...command, random.pick(BAD_INPUTS)], random), []);
}

function drawOutput(random: Random): Command {
  const out = random.chance(0.6) ? random.pick(BAD_OUTPUTS) : random.pick(GOOD_OUTPUTS);
  const short = ['--evaluations', '2', '--no-lower', '--engine', 'cpu'];
  const argv = random.pick([
    ['bound', MODEL, '--method', 'closed-form', ...short, '--certificate', out],
    ['bound', MODEL, '--method', 'refined', ...short, '--save-multipliers', out],
    ['bound', MODEL, '--method', 'exact', ...short, '--certificate', out],
    ['bound', MODEL, '--method', 'refined', ...short, '--save-multipliers', 'm2.json', '--certificate', out],
    ['export-sdp', MODEL, '--formulation', 'lipsdp', '--out', out],
    // An archive is no document.
    ['export-gradient', MODEL, '--evaluations', '2', '--engine', 'cpu', '--out', random.pick(BAD_OUTPUTS)],
    ['bound', MODEL, '--method', 'closed-form', ...short, '--certificate', MODEL],
  ]);
  return heard(withJson(argv, random), [out, 'm2.json']);
}

function drawSignal(random: Random): Command {
  const search = ['--method', 'refined', '--evaluations', '100000', '--tolerance', '0', '--time-limit', '4'];
  const out = random.chance(0.5) ? ['--certificate', 'out.json'] : ['--save-multipliers', 'out.json'];
  const argv = withJson(
    ['bound', MODEL, '--engine', 'cpu', ...(random.chance(0.5) ? search : timed()), ...out],
    random,
  );
  const name = random.pick(['SIGINT', 'SIGINT', 'SIGTERM'] as const);
  const milliseconds = random.integer(0, 2500);
  return {
    argv,
    outputs: ['out.json'],
    heard: true,
    around: { signal: { name, milliseconds }, seconds: 4 + MARGIN },
  };
}

function drawSurroundings(random: Random): Command {
  const short = ['--evaluations', '2', '--engine', 'cpu', ...timed()];
  const argv = withJson(
    random.pick([
      ['bound', MODEL, ...short],
      ['bound', MODEL, ...short, '--method', 'refined', '--save-multipliers', 'out.json'],
      ['bound', MODEL, ...short, '--method', 'closed-form', '--certificate', 'out.json'],
      ['inspect', MODEL],
      ['describe', MODEL],
      ['inspect', MODEL, '--units', 'physical'],
      ['--help'],
      ['verify', 'c.json', MODEL],
      ['export-sdp', MODEL, '--formulation', 'lipsdp', '--out', 'out.dat-s'],
    ]),
    random,
  );
  const outputs = ['out.json', 'out.dat-s'];
  const seconds = TIME_LIMIT + MARGIN;
  if (random.chance(0.6)) {
    const stdout = random.pick(['full', 'closed', 'gone'] as const);
    return { argv, outputs, heard: false, around: { stdout, seconds } };
  }
  const kilobytes = random.pick([900_000, 1_200_000, 1_600_000, 2_400_000, 4_000_000]);
  const limits = random.chance(0.5) ? `ulimit -f ${random.pick([0, 1, 2])}` : `ulimit -v ${kilobytes}`;
  return { argv, outputs, heard: true, around: { limits, seconds } };
}
