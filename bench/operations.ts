/**
 * Speed of single operations. Figures are GFLOP/s of useful work (a complex multiply-add counts 8) or milliseconds, over whole
 * operations of the engine: copies included, data in and out not. GB/s count every operand and result once, however often it is read.
 */
import type { Engine, Handle, Matrices } from '../src/engine/engine.ts';
import { bytesPerNumber } from '../src/engine/precision.ts';
import { finish } from './finish.ts';
import { type Effort, measure, type Spread } from './measure.ts';
import { normals } from './networks.ts';

export interface OperationTask {
  readonly name: string;
  /** Operations of one run. */
  readonly flops: number;
  /** Numbers in operands and results. */
  readonly numbers: number;
  /** What it multiplies, for libraries that know products alone. */
  readonly product?: { readonly batch: number; readonly n: number; readonly complex: boolean };
  /** Milliseconds where the work depends on the numbers. */
  readonly unit: 'GFLOP/s' | 'ms';
  /** Makes the operands. What it returns records the operation once and yields the results. */
  readonly prepare: (engine: Engine) => () => readonly Handle[];
}

export interface OperationResult {
  readonly task: string;
  readonly engine: string;
  readonly unit: OperationTask['unit'];
  readonly median: number;
  readonly smallest: number;
  readonly largest: number;
  readonly repeats: number;
  /** Of the median run. */
  readonly flopsPerSecond: number;
  readonly bytesPerSecond: number;
  /** As flopsPerSecond, by the time that the device itself worked; null where it has no timestamps. */
  readonly deviceFlopsPerSecond: number | null;
}

/** What tells how long a device worked; see timestamps.ts. */
export interface Clock {
  take(): Promise<number | undefined>;
}

/** Short operations are recorded so often in a row that waiting for the device does not count. */
const LEAST_SECONDS_AT_ONCE = 0.02;
const MOST_AT_ONCE = 64;

/** @param rate of the engine in operations per second, roughly */
export async function measureOperation(
  engine: Engine,
  task: OperationTask,
  rate: number,
  effort: Effort,
  clock?: Clock,
): Promise<OperationResult> {
  const record = task.prepare(engine);
  // Compiles what it takes, which may be longer than the work itself.
  if (task.flops / rate <= effort.seconds) engine.release(...record());
  await finish(engine);
  const wanted = Math.ceil((LEAST_SECONDS_AT_ONCE * rate) / task.flops);
  const atOnce = Math.min(MOST_AT_ONCE, wanted);
  const run = async () => {
    for (let k = 0; k < atOnce; k++) engine.release(...record());
    await finish(engine);
  };
  const spread = await measure(run, effort);
  await clock?.take();
  if (clock) await run();
  const deviceSeconds = await clock?.take();
  const each = spread.median.seconds / atOnce;
  return {
    task: task.name,
    engine: engine.information.name,
    unit: task.unit,
    ...figures(task, spread, atOnce),
    repeats: spread.repeats,
    flopsPerSecond: task.flops / each,
    bytesPerSecond: (bytesPerNumber(engine) * task.numbers) / each,
    deviceFlopsPerSecond: deviceSeconds ? (task.flops * atOnce) / deviceSeconds : null,
  };
}

/** Median, smallest and largest in the unit of the task. */
export function figures(
  task: Pick<OperationTask, 'unit' | 'flops'>,
  { median, smallest, largest }: Spread,
  atOnce: number,
) {
  const all = [median, smallest, largest].map(({ seconds }) => {
    const each = seconds / atOnce;
    return task.unit === 'ms' ? 1000 * each : task.flops / each / 1e9;
  });
  const sorted = all.toSorted((a, b) => a - b);
  return { median: all[0]!, smallest: sorted[0]!, largest: sorted[2]! };
}

function product(batch: number, n: number, complex: boolean): OperationTask {
  return {
    name: `product, ${label(batch, n, complex)}`,
    flops: batch * n ** 3 * (complex ? 8 : 2),
    numbers: 3 * numbersIn(batch, n, complex),
    product: { batch, n, complex },
    unit: 'GFLOP/s',
    prepare: (engine) => {
      const [a, b] = [matrices(engine, batch, n, complex), matrices(engine, batch, n, complex)];
      return () => [engine.product(a, b)];
    },
  };
}

function congruence(batch: number, n: number, complex: boolean): OperationTask {
  return {
    name: `congruence W Q Wᴴ, ${label(batch, n, complex)}`,
    flops: 1.5 * batch * n ** 3 * (complex ? 8 : 2),
    numbers: 3 * numbersIn(batch, n, complex),
    unit: 'GFLOP/s',
    prepare: (engine) => {
      const [w, v] = [matrices(engine, batch, n, complex), matrices(engine, batch, n, complex)];
      const q = engine.congruence(v);
      return () => [engine.congruence(w, q)];
    },
  };
}

function inverse(batch: number, n: number, complex: boolean): OperationTask {
  return {
    name: `inverse, ${label(batch, n, complex)}`,
    flops: batch * n ** 3 * (complex ? 4 : 1),
    numbers: 2 * numbersIn(batch, n, complex),
    unit: 'GFLOP/s',
    prepare: (engine) => {
      const s = engine.congruence(matrices(engine, batch, n, complex));
      const d = engine.combine([[1.5, engine.rowSums(s)]]);
      return () => Object.values(engine.inverse(d, s));
    },
  };
}

function spectralRadius(batch: number, n: number, complex: boolean): OperationTask {
  return {
    name: `spectralRadius, ${label(batch, n, complex)}`,
    // Two Cholesky factorisations.
    flops: (batch * n ** 3 * (complex ? 8 : 2)) / 3,
    numbers: numbersIn(batch, n, complex),
    unit: 'ms',
    prepare: (engine) => {
      const s = engine.congruence(matrices(engine, batch, n, complex));
      return () => [engine.spectralRadius(s)];
    },
  };
}

/** Symbols of a 3×3 kernel between n channels. */
function symbol(batch: number, n: number): OperationTask {
  const taps = 9;
  return {
    name: `symbol, 9 taps, ${label(batch, n, true)}`,
    flops: 4 * batch * taps * n * n,
    numbers: taps * n * n + 2 * batch * taps + numbersIn(batch, n, true),
    unit: 'GFLOP/s',
    prepare: (engine) => {
      const kernel = engine.matrices(random(taps * n * n), 1, taps, n * n, false);
      const phases = engine.matrices(random(2 * batch * taps), 1, batch, taps, true);
      return () => [engine.symbol(kernel, phases, n, n)];
    },
  };
}

function numbersIn(batch: number, n: number, complex: boolean): number {
  return batch * n * n * (complex ? 2 : 1);
}

function matrices(engine: Engine, batch: number, n: number, complex: boolean): Matrices {
  return engine.matrices(random(batch * n * n * (complex ? 2 : 1)), batch, n, n, complex);
}

/** Numbers to compute with. A prime many of them, over and over, so that no two matrices are alike: a gigabyte is soon filled. */
function random(length: number): Float64Array {
  return new Float64Array(length).map((_, k) => NUMBERS[k % NUMBERS.length]!);
}

const NUMBERS = Float64Array.from({ length: 65_537 }, normals(7));

function label(batch: number, n: number, complex: boolean): string {
  return `${batch === 1 ? '' : `${batch} × `}${n}, ${complex ? 'complex' : 'real'}`;
}

/** Half the frequencies of a 29 × 29 torus: 28 × 28 images. */
const FREQUENCIES = 421;

/** Tasks of a run that is to end within two minutes anywhere. */
export const QUICK_OPERATIONS: readonly string[] = [
  'product, 64, real',
  'product, 64, complex',
  'congruence W Q Wᴴ, 421 × 3, complex',
  'inverse, 421 × 3, complex',
  'symbol, 9 taps, 421 × 16, complex',
  'spectralRadius, 421 × 8, complex',
];

export const operationTasks: readonly OperationTask[] = [
  ...[64, 256, 1024, 4096].flatMap((n) => [product(1, n, false), product(1, n, true)]),
  ...[3, 8, 16, 32, 64].flatMap((n) => [
    product(FREQUENCIES, n, true),
    congruence(FREQUENCIES, n, true),
    inverse(FREQUENCIES, n, true),
  ]),
  product(16_384, 64, true),
  inverse(16_384, 64, true),
  product(130, 256, true),
  product(34, 512, true),
  inverse(130, 256, true),
  inverse(34, 512, true),
  ...[64, 128, 256, 1024].flatMap((n) => [inverse(1, n, false), inverse(1, n, true)]),
  symbol(FREQUENCIES, 16),
  symbol(FREQUENCIES, 64),
  spectralRadius(FREQUENCIES, 8, true),
  spectralRadius(FREQUENCIES, 64, true),
  spectralRadius(1, 256, false),
  spectralRadius(1, 1000, false),
  spectralRadius(130, 256, true),
  spectralRadius(34, 512, true),
  spectralRadius(1, 1024, true),
  spectralRadius(1, 4096, false),
];
