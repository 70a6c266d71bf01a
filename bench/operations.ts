/**
 * Speed of the CPU engines' operations: `npx tsx bench/operations.ts [threads]`.
 * Prints a Markdown table and writes bench/results/operations.json. Every figure is a GFLOP/s of useful work (a complex
 * multiply-add counts 8) over whole operations of the engine, copies included: median (smallest to largest).
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import { createEngine } from '../src/engine/create.ts';
import type { Engine, Handle, Matrices } from '../src/engine/engine.ts';
import { InputError } from '../src/errors.ts';

/** Repeats go on for at least this many seconds and this many times. */
const least = { seconds: 0.4, repeats: 5 };

interface Task {
  readonly name: string;
  /** Operations of one run; absent where milliseconds say more. */
  readonly flops?: number;
  readonly prepare: (engine: Engine) => () => readonly Handle[];
}

interface Result {
  readonly task: string;
  readonly engine: string;
  readonly unit: 'GFLOP/s' | 'ms';
  readonly median: number;
  readonly smallest: number;
  readonly largest: number;
  readonly repeats: number;
}

function matrices(engine: Engine, batch: number, n: number, complex: boolean): Matrices {
  const data = new Float64Array(batch * n * n * (complex ? 2 : 1)).map(() => Math.random() - 0.5);
  return engine.matrices(data, batch, n, n, complex);
}

function product(batch: number, n: number, complex: boolean): Task {
  return {
    name: `product, ${label(batch, n, complex)}`,
    flops: batch * n ** 3 * (complex ? 8 : 2),
    prepare: (engine) => {
      const [a, b] = [matrices(engine, batch, n, complex), matrices(engine, batch, n, complex)];
      return () => [engine.product(a, b)];
    },
  };
}

function congruence(batch: number, n: number, complex: boolean): Task {
  return {
    name: `congruence W Q Wᴴ, ${label(batch, n, complex)}`,
    flops: 1.5 * batch * n ** 3 * (complex ? 8 : 2),
    prepare: (engine) => {
      const [w, v] = [matrices(engine, batch, n, complex), matrices(engine, batch, n, complex)];
      const q = engine.congruence(v);
      return () => [engine.congruence(w, q)];
    },
  };
}

function inverse(batch: number, n: number, complex: boolean): Task {
  return {
    name: `inverse, ${label(batch, n, complex)}`,
    flops: batch * n ** 3 * (complex ? 4 : 1),
    prepare: (engine) => {
      const s = engine.congruence(matrices(engine, batch, n, complex));
      const d = engine.combine([[1.5, engine.rowSums(s)]]);
      return () => Object.values(engine.inverse(d, s));
    },
  };
}

function spectralRadius(batch: number, n: number, complex: boolean): Task {
  return {
    name: `spectralRadius, ${label(batch, n, complex)}`,
    prepare: (engine) => {
      const s = engine.congruence(matrices(engine, batch, n, complex));
      return () => [engine.spectralRadius(s)];
    },
  };
}

const label = (batch: number, n: number, complex: boolean) =>
  `${batch === 1 ? '' : `${batch} × `}${n}, ${complex ? 'complex' : 'real'}`;

const tasks: readonly Task[] = [
  ...[64, 256, 1024].flatMap((n) => [product(1, n, false), product(1, n, true)]),
  ...[3, 8, 16, 32, 64].flatMap((n) => [
    product(421, n, true),
    congruence(421, n, true),
    inverse(421, n, true),
  ]),
  ...[64, 128, 256, 1024].flatMap((n) => [inverse(1, n, false), inverse(1, n, true)]),
  spectralRadius(421, 8, true),
  spectralRadius(421, 64, true),
  spectralRadius(1, 256, false),
  spectralRadius(1, 1000, false),
];

async function measure(engine: Engine, task: Task): Promise<Result> {
  const run = task.prepare(engine);
  const once = async () => {
    const start = performance.now();
    const outputs = run();
    await engine.settle();
    const seconds = (performance.now() - start) / 1000;
    engine.release(...outputs);
    return seconds;
  };
  for (let warmUp = 0; warmUp < 3; warmUp++) await once();
  const times: number[] = [];
  for (let total = 0; total < least.seconds || times.length < least.repeats; total += times.at(-1)!) {
    times.push(await once());
  }
  const figures = times
    .map((t) => (task.flops === undefined ? t * 1000 : task.flops / t / 1e9))
    .sort((a, b) => a - b);
  return {
    task: task.name,
    engine: engine.information.name,
    unit: task.flops === undefined ? 'ms' : 'GFLOP/s',
    median: figures[figures.length >> 1]!,
    smallest: figures[0]!,
    largest: figures.at(-1)!,
    repeats: figures.length,
  };
}

async function open(): Promise<Engine[]> {
  const threads = process.argv[2] === undefined ? {} : { threads: Number(process.argv[2]) };
  const engines = [await createEngine({ engine: 'cpu-wasm', ...threads })];
  try {
    engines.push(await createEngine({ engine: 'cpu-blas', ...threads }));
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    console.log(`${error.message}\n`);
  }
  return engines;
}

const engines = await open();
const machine = `${cpus()[0]?.model}, Node ${process.version}`;
console.log(`${machine}\n`);
for (const { information } of engines) console.log(`- ${information.name}: ${information.description}`);
console.log(`\n| operation | ${engines.map((engine) => engine.information.name).join(' | ')} |`);
console.log(`| --- |${engines.map(() => ' ---: |').join('')}`);
const results: Result[] = [];
for (const task of tasks) {
  const row: string[] = [];
  for (const engine of engines) {
    const result = await measure(engine, task);
    results.push(result);
    const [median, smallest, largest] = [result.median, result.smallest, result.largest].map((x) =>
      x.toFixed(1),
    );
    row.push(`${median} (${smallest} to ${largest}) ${result.unit}`);
  }
  console.log(`| ${task.name} | ${row.join(' | ')} |`);
}
const folder = new URL('results/', import.meta.url);
await mkdir(folder, { recursive: true });
const report = {
  date: new Date().toISOString(),
  machine,
  engines: engines.map((e) => e.information),
  results,
};
await writeFile(new URL('operations.json', folder), `${JSON.stringify(report, undefined, 2)}\n`);
await Promise.all(engines.map((engine) => engine.close()));
