/** Making an engine. */
import { InputError } from '../errors.ts';
import { BlasKernels } from './cpu/blas/kernels.ts';
import { CpuEngine } from './cpu/cpuEngine.ts';
import { cpuOperations } from './cpu/cpuOperations.ts';
import { availableThreads } from './cpu/host.ts';
import type { Kernels } from './cpu/kernels.ts';
import { WasmKernels } from './cpu/wasm/kernels.ts';
import type { Engine } from './engine.ts';

export interface EngineOptions {
  /** `cpu-blas`: the system's OpenBLAS. `cpu-wasm`: Wasm SIMD, anywhere. `auto` (the default) and `cpu`: OpenBLAS where it
   *  loads, else Wasm. All compute in float64. */
  readonly engine?: 'auto' | 'cpu' | 'cpu-wasm' | 'cpu-blas';
  /** Threads to compute with. Default: as many as the machine runs side by side, 8 at most. OpenBLAS has one setting
   *  for the whole process: each of its engines sets it anew. */
  readonly threads?: number;
}

const mostThreadsByDefault = 8;

/**
 * Makes an engine; `close` it when done, its threads live until then.
 * @throws InputError for `cpu-blas` where OpenBLAS does not load (what was tried, what to install).
 * @throws RangeError for a number of threads that is no positive integer.
 */
export async function createEngine(options: EngineOptions = {}): Promise<Engine> {
  const threads = options.threads ?? Math.min(await availableThreads(), mostThreadsByDefault);
  if (!(Number.isSafeInteger(threads) && threads > 0)) {
    throw new RangeError(`createEngine: threads must be a positive integer, got ${threads}`);
  }
  const kernels = await openKernels(options.engine ?? 'auto', threads);
  const information = {
    name: kernels.name,
    description: kernels.description,
    unitRoundoff: 2 ** -53,
    threads: kernels.threads,
  };
  return new CpuEngine(information, cpuOperations(kernels), () => kernels.close());
}

async function openKernels(choice: NonNullable<EngineOptions['engine']>, threads: number): Promise<Kernels> {
  switch (choice) {
    case 'cpu-wasm':
      return WasmKernels.open(threads);
    case 'cpu-blas':
      return BlasKernels.open(threads);
    case 'auto':
    case 'cpu':
      try {
        return await BlasKernels.open(threads);
      } catch (error) {
        if (error instanceof InputError) return WasmKernels.open(threads);
        throw error;
      }
    default:
      choice satisfies never;
      throw new RangeError(`createEngine: engine must be auto, cpu, cpu-wasm or cpu-blas, got ${choice}`);
  }
}
