/**
 * What a GPU does for real networks, in one go: `node gpu.js [--files FOLDER] [--results FOLDER] [--seconds S] [step …]`, from the bundle that
 * `npm run bench:bundle` makes (README.md). Writes torchvision's networks where `python3` has PyTorch, else such of their sizes; times the
 * operations that they live on, PyTorch's beside them; then, each in a process of its own, the way from the file to the first certified
 * number, to the closed forms, and to the end of a run without options. The table comes last; results hold what all steps printed.
 * `step`: only those whose name holds one of these words. No step is begun that may not end before `--seconds` (360).
 */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

interface Step {
  readonly name: string;
  /** Of node, from the bundle on. */
  readonly command: readonly string[];
  /** Seconds after which it is ended. */
  readonly patience: number;
  /** The lines of its output that the table shows. */
  readonly shown: (output: string) => readonly string[];
}

interface Outcome {
  readonly step: string;
  readonly seconds: number;
  readonly output: string;
  readonly end: string;
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    files: { type: 'string', default: 'gpu-files' },
    results: { type: 'string', default: 'gpu-results' },
    seconds: { type: 'string', default: '360' },
  },
});
const here = fileURLToPath(new URL('.', import.meta.url));
const start = performance.now();
const left = () => Number(values.seconds) - (performance.now() - start) / 1000;

const tables = (output: string) => output.split('\n').filter((line) => line.startsWith('|'));
const phases = (output: string) =>
  output
    .split('\n')
    .filter((line) => / \| |^· /.test(line) && !line.startsWith('network') && !line.startsWith('---'));
const last = (output: string) =>
  output
    .trim()
    .split('\n')
    .slice(-12)
    .filter((line) => !line.includes('XDG_RUNTIME_DIR'));

const file = (name: string) => join(values.files, `${name}.onnx`);
const phasesOf = (name: string, patience: number, ...options: string[]): Step => ({
  name: `${name}: ${options.join(' ') || 'no options'}`,
  command: ['phases.js', '--engine', 'webgpu', ...options, file(name)],
  patience,
  shown: phases,
});
const whole = (name: string, ...options: string[]): Step => ({
  name: `lipsoid bound ${name}.onnx ${options.join(' ')}`.trim(),
  command: ['dist/cli/main.js', 'bound', file(name), ...options],
  patience: 75,
  shown: last,
});
const OPERATIONS = 'operations';
const FIRST = ['--method', 'closed-form', '--rule', 'GC(1.5)', '--no-lower'];
const ALL = ['--method', 'closed-form'];

const steps: readonly Step[] = [
  {
    name: OPERATIONS,
    command: [
      ...['bench.js', '--engine', 'webgpu', '--seconds', '2', '--results', values.results],
      ...['product, 4096', '16384', '421 × 64', 'inverse', '130 ×', '34 ×', 'spectralRadius'],
    ],
    patience: 100,
    shown: tables,
  },
  whole('resnet18', ...FIRST),
  whole('vgg16', ...FIRST),
  whole('resnet50', ...FIRST),
  whole('alexnet', ...FIRST),
  phasesOf('resnet18', 30, ...ALL),
  phasesOf('alexnet', 40, ...ALL),
  phasesOf('resnet50', 30, '--method', 'spectral-product'),
  whole('cnn_C9_CH32'),
  whole('resnet18'),
];

await mkdir(values.results, { recursive: true });
const outcomes: Outcome[] = [];
// The files are made while the GPU multiplies.
const files = outcome('files', () => makeFiles());
for (const step of steps) {
  if (step.name !== OPERATIONS) await files;
  if (positionals.length > 0 && !positionals.some((word) => step.name.includes(word))) continue;
  if (left() < 2) break;
  await outcome(step.name, () =>
    run([process.execPath, ...step.command.map(located)], Math.min(step.patience, left())),
  );
}
await files;
await writeFile(
  join(values.results, 'gpu.txt'),
  outcomes.map(({ step, output, end }) => `# ${step} (${end})\n\n${output}\n`).join('\n'),
);
const shown = new Map(steps.map((step) => [step.name, step.shown]));
const lines = outcomes.flatMap(({ step, seconds, output, end }) => [
  `\n## ${step}: ${seconds.toFixed(1)} s${end === 'exit 0' ? '' : `, ${end}`}`,
  ...(end === 'exit 0' ? (shown.get(step) ?? last)(output) : last(output)),
]);
console.log(lines.join('\n'));
await writeFile(join(values.results, 'gpu.md'), `${lines.join('\n')}\n`);

async function outcome(step: string, work: () => Promise<{ output: string; end: string }>): Promise<void> {
  const begin = performance.now();
  const done = await work();
  const seconds = (performance.now() - begin) / 1000;
  outcomes.push({ step, seconds, ...done });
  console.error(`${step}: ${seconds.toFixed(1)} s, ${done.end}`);
}

async function makeFiles(): Promise<{ output: string; end: string }> {
  const exported = await run(['python3', located('export_torchvision.py'), values.files], 120);
  if (exported.end === 'exit 0' || existsSync(file('resnet18'))) return exported;
  const made = await run([process.execPath, located('files.js'), values.files], 120);
  return { output: `${exported.output}\n${made.output}`, end: made.end };
}

/** Programs of the bundle lie beside this one. */
function located(word: string): string {
  return /\.(js|py)$/.test(word) ? join(here, word) : word;
}

/** Everything that a command says, and how it ended. */
function run(
  [program, ...rest]: readonly string[],
  patience: number,
): Promise<{ output: string; end: string }> {
  return new Promise((resolve) => {
    const child = spawn(program!, rest, { stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (chunk) => {
        output += chunk;
      });
    }
    const timer = setTimeout(() => child.kill('SIGKILL'), 1000 * patience);
    child.on('error', (error) => {
      clearTimeout(timer);
      resolve({ output: String(error), end: 'not started' });
    });
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      resolve({ output, end: signal ? `ended after ${patience.toFixed(0)} s` : `exit ${code}` });
    });
  });
}
