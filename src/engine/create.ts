/** Making an engine. */
import { InputError } from '../errors.ts';
import { arrays } from './cpu/arrays.ts';
import { BlasKernels } from './cpu/blas/kernels.ts';
import { cpuOperations } from './cpu/cpuOperations.ts';
import { usualThreads } from './cpu/host.ts';
import type { Kernels } from './cpu/kernels.ts';
import { sharedOperations } from './cpu/shared/sharedOperations.ts';
import { Team } from './cpu/shared/team.ts';
import { TeamKernels } from './cpu/shared/teamKernels.ts';
import { joinHeap, leaveHeap } from './cpu/storage.ts';
import { WasmKernels } from './cpu/wasm/kernels.ts';
import { ENGINE_DEFAULTS } from './defaults.ts';
import type { Engine } from './engine.ts';
import { unitRoundoffs } from './precision.ts';
import type { QueuedOperations } from './queued/operations.ts';
import { queuedEngine } from './queued/queuedEngine.ts';
import { Turns } from './queued/turns.ts';
import { describeWebGl, openWebGl } from './webgl/open.ts';
import { type Adapter, mayHaveGpu, requestAdapter } from './webgpu/host.ts';

export interface EngineOptions {
  /** `webgpu`: a GPU in float32, or what software stands in for one. `webgl`: the same in browsers without WebGPU, slower. `cpu-blas`: the system's OpenBLAS. `cpu-wasm`: Wasm SIMD,
   *  anywhere. `cpu`: OpenBLAS where it loads, else Wasm; all on the CPU in float64. `auto` (the default): a real GPU where there is
   *  one, else as `cpu`; the engine's description says which and why. */
  readonly engine?: 'auto' | 'webgpu' | 'webgl' | 'cpu' | 'cpu-wasm' | 'cpu-blas';
  /** Threads of an engine on the CPU. Default: as many as the machine runs side by side, 8 at most. OpenBLAS has one setting
   *  for the whole process: each of its engines sets it anew. */
  readonly threads?: number;
  /** Processes, each with an engine of its own, that share out the frequencies (Node and Deno); on the CPU each has one thread where `threads`
   *  says nothing. Default: 1, this process alone. */
  readonly workers?: number;
}

/** Processes side by side. */
const MOST_WORKERS = 256;

/**
 * Makes an engine; `close` it when done, its threads or its device live until then.
 * @throws InputError for `cpu-blas` where OpenBLAS does not load and for `webgpu` and `webgl` where there is no adapter that will
 *   do (what was tried, what to install), for a number of workers that is none, and where they cannot be started.
 * @throws RangeError for a number of threads that is no positive integer.
 */
export async function createEngine(options: EngineOptions = {}): Promise<Engine> {
  const { workers = 1, ...own } = options;
  if (!(Number.isSafeInteger(workers) && workers > 0 && workers <= MOST_WORKERS)) {
    throw new InputError(`workers: an integer from 1 to ${MOST_WORKERS}, got ${workers}`);
  }
  if (workers > 1) {
    const { openProcesses } = await import('./sharded/processes.ts');
    return openProcesses(workers, own);
  }
  const threads = options.threads ?? (await usualThreads());
  if (!(Number.isSafeInteger(threads) && threads > 0)) {
    throw new RangeError(`createEngine: threads must be a positive integer, got ${threads}`);
  }
  const choice = options.engine ?? ENGINE_DEFAULTS.engine;
  switch (choice) {
    case 'webgpu':
      return openWebGpu(await requestAdapter());
    case 'webgl':
      return openWebGl();
    case 'cpu-wasm':
      return cpuEngine((turns) => WasmKernels.open(threads, turns));
    case 'cpu-blas':
      return cpuEngine((turns) => BlasKernels.open(threads, turns));
    case 'cpu':
      return cpuEngine((turns) => fastestKernels(threads, turns));
    case 'auto': {
      const gpu = await openRealGpu();
      return gpu.engine ?? cpuEngine((turns) => fastestKernels(threads, turns), gpu.reason);
    }
    default:
      choice satisfies never;
      throw new RangeError(
        `createEngine: engine must be auto, webgpu, webgl, cpu, cpu-wasm or cpu-blas, got ${choice}`,
      );
  }
}

/**
 * What the engine that `createEngine` would make says of itself (`information.description`). Cheap: what only computing needs is not loaded.
 * @throws as `createEngine`
 */
export async function describeEngine(options: EngineOptions = {}): Promise<string> {
  if (options.engine === 'webgl') return describeWebGl();
  const engine = await createEngine(options);
  await engine.close();
  return engine.information.description;
}

/** Its shaders are loaded where they are used. */
async function openWebGpu(adapter: Adapter): Promise<Engine> {
  const webgpu = await import('./webgpu/open.ts');
  return webgpu.openWebGpu(adapter);
}

/** An engine on a GPU that is one, or why there is none. */
async function openRealGpu(): Promise<{ readonly engine?: Engine; readonly reason?: string }> {
  if (!(await mayHaveGpu())) return { reason: 'no GPU found' };
  try {
    const adapter = await requestAdapter();
    if (adapter.software) return { reason: `no GPU found but ${adapter.name}, which is slower` };
    return { engine: await openWebGpu(adapter) };
  } catch (error) {
    if (error instanceof InputError) return { reason: `no GPU: ${error.message}` };
    throw error;
  }
}

async function fastestKernels(threads: number, turns: Turns): Promise<WasmKernels | BlasKernels> {
  try {
    return await BlasKernels.open(threads, turns);
  } catch (error) {
    if (error instanceof InputError) return WasmKernels.open(threads, turns);
    throw error;
  }
}

/** @param reason why it is not a GPU, where one was looked for. */
async function cpuEngine(
  open: (turns: Turns) => Promise<WasmKernels | BlasKernels>,
  reason?: string,
): Promise<Engine> {
  const turns = new Turns();
  const single = await open(turns);
  const { kernels, operations } = await withTeam(single, turns);
  const information = {
    name: kernels.name,
    description: reason === undefined ? kernels.description : `${kernels.description} (${reason})`,
    unitRoundoff: unitRoundoffs.double,
    threads: kernels.threads,
  };
  return queuedEngine(
    information,
    operations,
    arrays(() => kernels.close()),
    turns,
  );
}

/** The operations on memory that all threads share, where they can share any. */
async function withTeam(
  single: WasmKernels | BlasKernels,
  turns: Turns,
): Promise<{ readonly kernels: Kernels; readonly operations: QueuedOperations }> {
  const blas = single instanceof BlasKernels ? single.byAddress : undefined;
  const heap = single instanceof WasmKernels || blas ? joinHeap() : undefined;
  if (heap === undefined) return { kernels: single, operations: cpuOperations(single) };
  const team = await Team.open(heap, single.threads, turns, blas);
  if (team === undefined) {
    leaveHeap();
    return { kernels: single, operations: cpuOperations(single) };
  }
  const kernels = new TeamKernels(team, single);
  return { kernels, operations: sharedOperations(team, kernels) };
}
