import { createEngine } from '../../src/engine/create.ts';
import type { Engine } from '../../src/engine/engine.ts';
import { InputError } from '../../src/errors.ts';

/** Both engines on the CPU, with one thread; OpenBLAS only where it is installed. */
export interface CpuEngines {
  readonly wasm: Engine;
  readonly blas: Engine | undefined;
}

export async function openCpuEngines(): Promise<CpuEngines> {
  const wasm = await createEngine({ engine: 'cpu-wasm', threads: 1 });
  const blas = await createEngine({ engine: 'cpu-blas', threads: 1 }).catch((error: unknown) => {
    if (error instanceof InputError) return undefined;
    throw error;
  });
  return { wasm, blas };
}

export async function closeCpuEngines({ wasm, blas }: CpuEngines): Promise<void> {
  await wasm.close();
  await blas?.close();
}
