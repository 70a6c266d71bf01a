/**
 * All benches on every engine that opens, in one run: `npm run bench -- [--quick] [--seconds s] [--threads n] [--engine name …] [--results folder] [name …]`.
 *
 * `--engine`: these alone. `name`: only tasks whose name holds one of these words; `operations` and `bounds` stand for their kind. A task is left out on an
 * engine where a run of it would take longer than `--seconds` (20) by the engine's speed at products, a goal of the project longer than
 * ten times that; on a software adapter, which is far slower still at all else, longer than a sixteenth of a second. `--quick` takes a
 * few small tasks, and the goals where there is a GPU, sets `--seconds` to 0.5 and repeats less. Prints Markdown; writes it to bench.md, and all figures to bench.json, into the folder
 * (results/ beside this file). See README.md.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { InputError } from '../src/errors.ts';
import { type BoundMeasurement, boundTasks, operationsOf, QUICK_BOUNDS } from './bounds.ts';
import { browserContender } from './browser.ts';
import { type Absence, type Contender, gathered, type LocalName, localContender } from './engines.ts';
import { GOAL_TASKS, goals } from './goals.ts';
import type { Effort } from './measure.ts';
import { type OperationResult, operationTasks, QUICK_OPERATIONS } from './operations.ts';
import type { Peer } from './peers/peer.ts';
import { tensorflow } from './peers/tensorflow.ts';
import { torch } from './peers/torch.ts';
import {
  boundHeading,
  boundRow,
  goalTable,
  operationHeading,
  operationRow,
  short,
  sideBySide,
} from './tables.ts';
import { versions } from './versions.ts';

const SOFTWARE_SECONDS = 1 / 16;
/** What a goal may take more. */
const GOAL_PATIENCE = 10;

const QUICK: readonly string[] = [...QUICK_OPERATIONS, ...QUICK_BOUNDS];
const GOALS: readonly string[] = Object.values(GOAL_TASKS);

interface Plan {
  readonly quick: boolean;
  readonly seconds: number;
  readonly operations: Effort;
  readonly bounds: Effort;
}

interface Skipped {
  readonly task: string;
  readonly engine: string;
  readonly estimatedSeconds: number;
}

const lines: string[] = [];

function tell(line: string): void {
  console.log(line);
  lines.push(line);
}

class Bench {
  readonly #engines: readonly Contender[];
  readonly #plan: Plan;
  readonly #words: readonly string[];
  readonly operations: OperationResult[] = [];
  readonly bounds: BoundMeasurement[] = [];
  readonly skipped: Skipped[] = [];

  constructor(engines: readonly Contender[], plan: Plan, words: readonly string[]) {
    this.#engines = engines;
    this.#plan = plan;
    this.#words = words;
  }

  async runOperations(peers: readonly Peer[]): Promise<void> {
    const tasks = operationTasks.filter((task) => this.#wants('operations', task.name));
    if (tasks.length === 0) return;
    for (const task of tasks) {
      for (const contender of this.#engines) {
        if (!this.#fits(contender, task.name, task.flops)) continue;
        const result = await contender.operation(task, this.#plan.operations);
        this.operations.push(result);
        console.error(`${result.task}, ${result.engine}: ${short(result.median)} ${result.unit}`);
      }
      for (const peer of peers) {
        // On a device of the engines, it can do what they can.
        const alike = this.#engines.find(
          (c) => c.information.name === (peer.software ? 'cpu-wasm' : 'webgpu'),
        );
        const rate = alike?.rate ?? 1e9;
        if (task.flops / rate > this.#limit(task.name, peer.software)) continue;
        const result = await peer.product(task, this.#plan.operations);
        if (result) this.operations.push(result);
      }
    }
    // The best product is what tells the peak of a processor, so that nothing is told before it is known.
    tell(operationHeading);
    for (const result of this.operations) tell(operationRow(result, this.#peakOf(result.engine)));
  }

  async runBounds(): Promise<void> {
    const tasks = boundTasks.filter((task) => this.#wants('bounds', task.name));
    if (tasks.length === 0) return;
    tell(boundHeading);
    for (const task of tasks) {
      const network = task.network();
      const flops = operationsOf(task, network);
      for (const contender of this.#engines) {
        if (!this.#fits(contender, task.name, flops)) continue;
        const result = await contender.bound(task, () => network, flops, this.#plan.bounds);
        this.bounds.push(result);
        tell(boundRow(result));
      }
    }
    tell(
      sideBySide(
        this.bounds,
        this.#engines.map((c) => c.information.name),
      ),
    );
  }

  /** Operations a second: measured apart on WebGPU, on which TensorFlow.js runs too; the best product on the CPU. */
  #peakOf(engine: string): number | undefined {
    const own = engine === 'tfjs' ? 'webgpu' : engine;
    const peak = this.#engines.find((c) => c.information.name === own)?.peak;
    if (peak) return peak.flops;
    if (!engine.startsWith('cpu-')) return undefined;
    const products = this.operations.filter((r) => r.engine === engine && r.task.startsWith('product'));
    return products.length === 0 ? undefined : Math.max(...products.map((r) => r.flopsPerSecond));
  }

  #wants(kind: string, name: string): boolean {
    if (this.#plan.quick && !QUICK.includes(name) && !(this.#hasGpu && GOALS.includes(name))) return false;
    return this.#words.length === 0 || this.#words.some((word) => word === kind || name.includes(word));
  }

  #fits({ information, software, rate }: Contender, task: string, flops: number): boolean {
    const estimatedSeconds = flops / rate;
    if (estimatedSeconds <= this.#limit(task, software)) return true;
    this.skipped.push({ task, engine: information.name, estimatedSeconds });
    return false;
  }

  /** Goals are a GPU's: without one, a quick run does without them. */
  get #hasGpu(): boolean {
    return this.#engines.some(({ information, software }) => information.name === 'webgpu' && !software);
  }

  #limit(task: string, software: boolean): number {
    if (software) return SOFTWARE_SECONDS;
    return this.#plan.seconds * (GOALS.includes(task) ? GOAL_PATIENCE : 1);
  }
}

function tellSkipped(skipped: readonly Skipped[]): void {
  if (skipped.length === 0) return;
  tell('\nLeft out, as one run would take too long:\n');
  for (const { task, engine, estimatedSeconds } of skipped) {
    tell(`- ${task} on ${engine}: about ${short(estimatedSeconds)} s`);
  }
}

/** What a figure means nothing without. */
async function environment(
  present: readonly Contender[],
  peers: readonly Peer[],
  absent: readonly Absence[],
) {
  return {
    date: new Date().toISOString(),
    processor: cpus()[0]?.model ?? 'unknown',
    cores: cpus().length,
    node: process.version,
    packages: await versions(),
    engines: present.map(({ information, software, rate, peak }) => ({
      ...information,
      software,
      rate,
      peak,
    })),
    peers: peers.map(({ name, description }) => ({ name, description })),
    absent,
  };
}

type Environment = Awaited<ReturnType<typeof environment>>;

function tellEnvironment({
  date,
  processor,
  cores,
  node,
  packages,
  engines,
  peers,
  absent,
}: Environment): void {
  const named = Object.entries({ node, ...packages }).map(([name, version]) => `${name} ${version}`);
  tell(`${date.slice(0, 10)}; ${processor}, ${cores} cores; ${named.join(', ')}\n`);
  for (const { name, description, software, peak } of engines) {
    const most = peak ? `; peak ${short(peak.flops / 1e9)} GFLOP/s, ${short(peak.bytes / 1e9)} GB/s` : '';
    tell(`- ${name}: ${description}${most}${software ? '; tiny sizes only' : ''}`);
  }
  for (const { name, description } of peers) tell(`- ${name}: ${description}`);
  for (const { name, reason } of absent) tell(`- ${name}: left out: ${reason}`);
}

async function gatheredPeers(): Promise<{ peers: Peer[]; missing: Absence[] }> {
  const peers: Peer[] = [];
  const missing: Absence[] = [];
  for (const [name, make] of Object.entries({ tfjs: tensorflow, torch })) {
    try {
      peers.push(await make());
    } catch (error) {
      if (!(error instanceof InputError)) throw error;
      missing.push({ name, reason: error.message });
    }
  }
  return { peers, missing };
}

/** @throws RangeError for what is no positive number */
function positive(name: string, text: string): number {
  const value = Number(text);
  if (!(value > 0)) throw new RangeError(`--${name}: a positive number, got ${text}`);
  return value;
}

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    options: {
      quick: { type: 'boolean', default: false },
      seconds: { type: 'string' },
      threads: { type: 'string' },
      engine: { type: 'string', multiple: true, default: [] },
      results: { type: 'string', default: fileURLToPath(new URL('results/', import.meta.url)) },
    },
    allowPositionals: true,
  });
  const threads = values.threads === undefined ? undefined : positive('threads', values.threads);
  const seconds = positive('seconds', values.seconds ?? (values.quick ? '0.5' : '20'));
  const plan: Plan = values.quick
    ? {
        quick: true,
        seconds,
        operations: { seconds: 0.1, repeats: 2 },
        bounds: { seconds: 0.2, repeats: 1 },
      }
    : { quick: false, seconds, operations: { seconds: 0.4, repeats: 5 }, bounds: { seconds: 5, repeats: 3 } };

  const local = (name: LocalName) => () => localContender(name, threads);
  const engines = {
    'cpu-blas': local('cpu-blas'),
    'cpu-wasm': local('cpu-wasm'),
    webgpu: local('webgpu'),
    webgl: browserContender,
  };
  const asked = Object.entries(engines).filter(
    ([name]) => values.engine.length === 0 || values.engine.includes(name),
  );
  const { present, absent } = await gathered(Object.fromEntries(asked));
  const { peers, missing } = await gatheredPeers();
  const described = await environment(present, peers, [...absent, ...missing]);
  tellEnvironment(described);

  const bench = new Bench(present, plan, positionals);
  await bench.runOperations(peers);
  await bench.runBounds();
  tellSkipped(bench.skipped);
  const peak = present.find((c) => c.information.name === 'webgpu')?.peak;
  const reached = goals(bench.operations, bench.bounds, peak);
  tell(goalTable(reached));
  for (const contender of present) await contender.close();

  await mkdir(values.results, { recursive: true });
  const { operations, bounds, skipped } = bench;
  const report = { ...described, plan, operations, bounds, skipped, goals: reached };
  await writeFile(`${values.results}/bench.json`, `${JSON.stringify(report, undefined, 2)}\n`);
  await writeFile(`${values.results}/bench.md`, `${lines.join('\n')}\n`);
}

await main();
// TensorFlow.js keeps its device, and Dawn the process with it.
process.exit();
