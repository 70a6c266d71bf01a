/** The engines of this machine. */
import { createEngine } from '../src/engine/create.ts';
import type { Engine, EngineInformation } from '../src/engine/engine.ts';
import { requestAdapter } from '../src/engine/webgpu/host.ts';
import { openWebGpu } from '../src/engine/webgpu/open.ts';
import { InputError } from '../src/errors.ts';
import type { Network } from '../src/network/network.ts';
import { type BoundMeasurement, type BoundTask, measureBound } from './bounds.ts';
import { finish } from './finish.ts';
import { type Effort, measure } from './measure.ts';
import { measureOperation, type OperationResult, type OperationTask } from './operations.ts';
import { measurePeak, type Peak } from './peak.ts';
import { DeviceClock, withTimestamps } from './timestamps.ts';

/** An engine, here or in another process. */
export interface Contender {
  readonly information: EngineInformation;
  /** A GPU that is none: only tiny sizes make sense on it. */
  readonly software: boolean;
  /** Floating-point operations per second in products of complex 64 × 64 matrices: what estimates go by. */
  readonly rate: number;
  /** Of the device, where it could be measured apart from the engine. */
  readonly peak?: Peak;
  operation(task: OperationTask, effort: Effort): Promise<OperationResult>;
  bound(task: BoundTask, network: () => Network, flops: number, effort: Effort): Promise<BoundMeasurement>;
  close(): Promise<void>;
}

export interface Absence {
  readonly name: string;
  readonly reason: string;
}

export type LocalName = 'cpu-blas' | 'cpu-wasm' | 'webgpu' | 'webgl';

/** An engine of this process. Every task gets one of its own: what a task has made ends with it.
 *  @throws InputError where it does not open. */
export async function localContender(name: LocalName, threads?: number): Promise<Contender> {
  let clock: DeviceClock | undefined;
  const open = async (): Promise<Engine> => {
    if (name !== 'webgpu') return createEngine({ engine: name, ...(threads !== undefined && { threads }) });
    // An adapter gives one device, so each engine asks for one of its own.
    const adapter = withTimestamps(await requestAdapter(), (device) => {
      clock = new DeviceClock(device);
    });
    return openWebGpu(adapter);
  };
  const within = async <T>(work: (engine: Engine) => Promise<T>): Promise<T> => {
    const engine = await open();
    try {
      return await work(engine);
    } finally {
      await engine.close();
    }
  };
  const adapter = name === 'webgpu' ? await requestAdapter() : undefined;
  const peak = adapter && (await measurePeak(adapter));
  const { information, rate } = await within(async (engine) => ({
    information: engine.information,
    rate: await rateOf(engine),
  }));
  return {
    information,
    software: adapter?.software ?? /swiftshader|llvmpipe/i.test(information.description),
    rate,
    ...(peak && { peak }),
    operation: (task, effort) => within((engine) => measureOperation(engine, task, rate, effort, clock)),
    bound: (task, network, flops, effort) =>
      within((engine) => measureBound(engine, task, network(), flops, effort)),
    close: async () => {},
  };
}

/** Opens every engine once; those that do not open are named with the reason. */
export async function gathered(
  makers: Readonly<Record<string, () => Promise<Contender>>>,
): Promise<{ present: Contender[]; absent: Absence[] }> {
  const present: Contender[] = [];
  const absent: Absence[] = [];
  for (const [name, make] of Object.entries(makers)) {
    try {
      present.push(await make());
    } catch (error) {
      if (!(error instanceof InputError)) throw error;
      absent.push({ name, reason: error.message });
    }
  }
  return { present, absent };
}

/** On more matrices the faster it is: few of them do not keep a GPU busy, and many take software a minute. */
async function rateOf(engine: Engine): Promise<number> {
  const n = 64;
  let rate = 0;
  for (const batch of [4, 64, 1024]) {
    const data = new Float64Array(2 * batch * n * n).map((_, k) => Math.sin(k));
    const a = engine.matrices(data, batch, n, n, true);
    const run = async () => {
      const result = engine.product(a, a);
      await finish(engine);
      engine.release(result);
    };
    // Compiles what it takes.
    await run();
    // More than the first run takes where buffers have to be made for it.
    const { median } = await measure(run, { seconds: 0.3, repeats: 3 });
    engine.release(a);
    rate = (8 * batch * n ** 3) / median.seconds;
    if (median.seconds > 0.02) break;
  }
  return rate;
}
