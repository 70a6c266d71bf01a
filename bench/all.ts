/**
 * All benches on every engine that opens: `npm run bench -- [--seconds s] [--threads n] [name …]`.
 *
 * `name`: only tasks whose name holds one of these words; `operations` and `bounds` stand for their kind. A task is left out on an
 * engine where a run of it would take longer than `--seconds` (20) by the engine's speed at products; on a software adapter of
 * WebGPU, which is far slower still at all else, longer than a sixteenth of a second. Prints Markdown, writes results/operations.json and results/bounds.json beside this file.
 */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { type BoundMeasurement, boundTasks, measureBound, operationsOf } from './bounds.ts';
import { type Absence, type Contender, contenders } from './engines.ts';
import { measureOperation, type OperationResult, operationTasks } from './operations.ts';

const SOFTWARE_SECONDS = 1 / 16;

interface Skipped {
  readonly task: string;
  readonly engine: string;
  readonly estimatedSeconds: number;
}

class Bench {
  readonly #engines: readonly Contender[];
  readonly #seconds: number;
  readonly #words: readonly string[];
  /** Of the kind of task at work. */
  #skipped: Skipped[] = [];

  constructor(engines: readonly Contender[], seconds: number, words: readonly string[]) {
    this.#engines = engines;
    this.#seconds = seconds;
    this.#words = words;
  }

  async operations() {
    this.#skipped = [];
    const tasks = operationTasks.filter((task) => this.#wants('operations', task.name));
    const results: OperationResult[] = [];
    heading('operation', 'engine', 'median', 'smallest to largest', 'unit');
    for (const task of tasks) {
      for (const contender of this.#engines) {
        if (!this.#fits(contender, task.name, task.flops)) continue;
        // One engine for each task: what a task has made ends with it.
        const engine = await contender.open();
        try {
          const result = await measureOperation(engine, task, contender.rate);
          results.push(result);
          const [median, smallest, largest] = [result.median, result.smallest, result.largest].map(short);
          row(task.name, result.engine, median!, `${smallest} to ${largest}`, result.unit);
        } finally {
          await engine.close();
        }
      }
    }
    return { results, skipped: this.#skipped };
  }

  async bounds() {
    this.#skipped = [];
    const tasks = boundTasks.filter((task) => this.#wants('bounds', task.name));
    const results: BoundMeasurement[] = [];
    heading('network', 'engine', 'log10', 'seconds', 'CPU seconds', 'GFLOP/s', 'matrices, MB', 'process, MB');
    for (const task of tasks) {
      const network = task.network();
      const flops = operationsOf(task, network);
      for (const contender of this.#engines) {
        if (!this.#fits(contender, task.name, flops)) continue;
        const engine = await contender.open();
        try {
          const result = await measureBound(engine, task, network, flops);
          results.push(result);
          boundRow(result);
        } finally {
          await engine.close();
        }
      }
    }
    return { results, skipped: this.#skipped };
  }

  #wants(kind: string, name: string): boolean {
    return this.#words.length === 0 || this.#words.some((word) => word === kind || name.includes(word));
  }

  #fits({ information, software, rate }: Contender, task: string, flops: number): boolean {
    const estimatedSeconds = flops / rate;
    if (estimatedSeconds <= (software ? SOFTWARE_SECONDS : this.#seconds)) return true;
    this.#skipped.push({ task, engine: information.name, estimatedSeconds });
    return false;
  }
}

function boundRow({ task, engine, log10, spread, flops, peakBytes, residentBytes }: BoundMeasurement): void {
  const { median, smallest, largest, repeats, warmedUp } = spread;
  const range = warmedUp
    ? ` (${short(smallest.seconds)} to ${short(largest.seconds)}, ${repeats} runs)`
    : ' (one run)';
  row(
    task,
    engine,
    log10 === null ? '' : log10.toFixed(6),
    short(median.seconds) + range,
    short(median.cpuSeconds),
    short(flops / median.seconds / 1e9),
    (peakBytes / 1e6).toFixed(0),
    (residentBytes / 1e6).toFixed(0),
  );
}

function heading(...columns: string[]): void {
  console.log('');
  row(...columns);
  row(...columns.map((_, k) => (k < 2 ? '---' : '---:')));
}

function row(...cells: string[]): void {
  console.log(`| ${cells.join(' | ')} |`);
}

/** Three significant digits. */
function short(x: number): string {
  return x >= 100 ? x.toFixed(0) : x.toPrecision(3);
}

function tellSkipped(skipped: readonly Skipped[]): void {
  if (skipped.length === 0) return;
  console.log('\nLeft out, as one run would take too long:\n');
  for (const { task, engine, estimatedSeconds } of skipped) {
    console.log(`- ${task} on ${engine}: about ${short(estimatedSeconds)} s`);
  }
}

async function versionOf(manifest: string): Promise<string> {
  const text = await readFile(new URL(manifest, import.meta.url), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}

/** What a figure means nothing without. */
async function environment(present: readonly Contender[], absent: readonly Absence[]) {
  const packages = {
    lipsoid: await versionOf('../package.json'),
    ...(present.some((c) => c.information.name === 'webgpu')
      ? { webgpu: await versionOf('../node_modules/webgpu/package.json') }
      : {}),
  };
  return {
    date: new Date().toISOString(),
    processor: cpus()[0]?.model ?? 'unknown',
    cores: cpus().length,
    node: process.version,
    packages,
    engines: present.map(({ information, software, rate }) => ({ ...information, software, rate })),
    absent,
  };
}

function tellEnvironment({ processor, cores, node, packages, engines, absent }: Environment): void {
  const versions = Object.entries({ node, ...packages }).map(([name, version]) => `${name} ${version}`);
  console.log(`${processor}, ${cores} cores; ${versions.join(', ')}\n`);
  for (const { name, description, software } of engines) {
    console.log(`- ${name}: ${description}${software ? '; tiny sizes only' : ''}`);
  }
  for (const { name, reason } of absent) console.log(`- ${name}: left out: ${reason}`);
}

type Environment = Awaited<ReturnType<typeof environment>>;

async function write(name: string, report: object): Promise<void> {
  const folder = new URL('results/', import.meta.url);
  await mkdir(folder, { recursive: true });
  await writeFile(new URL(`${name}.json`, folder), `${JSON.stringify(report, undefined, 2)}\n`);
}

/** @throws RangeError for what is no positive number */
function positive(name: string, text: string): number {
  const value = Number(text);
  if (!(value > 0)) throw new RangeError(`--${name}: a positive number, got ${text}`);
  return value;
}

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    options: { seconds: { type: 'string', default: '20' }, threads: { type: 'string' } },
    allowPositionals: true,
  });
  const threads = values.threads === undefined ? undefined : positive('threads', values.threads);
  const { present, absent } = await contenders(threads);
  const described = await environment(present, absent);
  tellEnvironment(described);
  const bench = new Bench(present, positive('seconds', values.seconds), positionals);
  for (const name of ['operations', 'bounds'] as const) {
    const found = await bench[name]();
    tellSkipped(found.skipped);
    if (found.results.length > 0) await write(name, { ...described, ...found });
  }
}

await main();
