/** The engines of this machine. */
import { createEngine } from '../src/engine/create.ts';
import type { Engine, EngineInformation } from '../src/engine/engine.ts';
import { requestAdapter } from '../src/engine/webgpu/host.ts';
import { openWebGpu } from '../src/engine/webgpu/open.ts';
import { InputError } from '../src/errors.ts';
import { measure } from './measure.ts';

export interface Contender {
  readonly information: EngineInformation;
  /** A GPU that is none: only tiny sizes make sense on it. */
  readonly software: boolean;
  /** Floating-point operations per second in products of 64 complex 64 × 64 matrices: what estimates go by. */
  readonly rate: number;
  readonly open: () => Promise<Engine>;
}

export interface Absence {
  readonly name: string;
  readonly reason: string;
}

const NAMES = ['cpu-blas', 'cpu-wasm', 'webgpu'] as const;

/** Opens every engine once; those that do not open are named with the reason. */
export async function contenders(
  threads: number | undefined,
): Promise<{ present: Contender[]; absent: Absence[] }> {
  const present: Contender[] = [];
  const absent: Absence[] = [];
  for (const name of NAMES) {
    try {
      present.push(await contender(name, threads));
    } catch (error) {
      if (!(error instanceof InputError)) throw error;
      absent.push({ name, reason: error.message });
    }
  }
  return { present, absent };
}

async function contender(name: (typeof NAMES)[number], threads: number | undefined): Promise<Contender> {
  const { software, open } = await opener(name, threads);
  const engine = await open();
  try {
    return { information: engine.information, software, rate: await rateOf(engine), open };
  } finally {
    await engine.close();
  }
}

async function opener(
  name: (typeof NAMES)[number],
  threads: number | undefined,
): Promise<{ software: boolean; open: () => Promise<Engine> }> {
  if (name !== 'webgpu') {
    const open = () => createEngine({ engine: name, ...(threads !== undefined && { threads }) });
    return { software: false, open };
  }
  // An adapter gives one device, so each engine asks for one of its own.
  const { software } = await requestAdapter();
  return { software, open: async () => openWebGpu(await requestAdapter()) };
}

/**
 * Waits until all that was recorded has been computed. `settle` may come back when a GPU has been told what to do; a number that
 * is computed last and read back cannot.
 */
export async function finish(engine: Engine): Promise<void> {
  const one = engine.vector([1]);
  const last = engine.combine([[1, one]]);
  await engine.read(last);
  engine.release(one, last);
}

async function rateOf(engine: Engine): Promise<number> {
  const [batch, n] = [64, 64];
  const data = new Float64Array(2 * batch * n * n).map((_, k) => Math.sin(k));
  const a = engine.matrices(data, batch, n, n, true);
  const { median } = await measure(
    async () => {
      const result = engine.product(a, a);
      await finish(engine);
      engine.release(result);
    },
    { seconds: 0.2, repeats: 3 },
  );
  return (8 * batch * n ** 3) / median.seconds;
}
