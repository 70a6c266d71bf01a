/** Workers that end when nobody expects it, or never come: an error or a right answer, never a wrong one, and never a wait without end. */
import { syncBuiltinESMExports } from 'node:module';
import threads from 'node:worker_threads';
import { afterEach, describe, expect, it } from 'vitest';
import { joinHeap, leaveHeap } from '../../../src/engine/cpu/storage.ts';
import { WasmKernels } from '../../../src/engine/cpu/wasm/kernels.ts';
import { createEngine } from '../../../src/engine/create.ts';
import { engineOf } from '../../../src/engine/engineOf.ts';
import { Turns } from '../../../src/engine/queued/turns.ts';
import { matrices } from '../operations/cases.ts';
import { openCrew } from './engine.ts';

const { Worker } = threads;

function use(workers: typeof Worker): void {
  threads.Worker = workers;
  syncBuiltinESMExports();
}

afterEach(() => use(Worker));

/** The workers that are started from now on. */
function watched(): threads.Worker[] {
  const started: threads.Worker[] = [];
  use(
    class extends Worker {
      constructor(...given: ConstructorParameters<typeof Worker>) {
        super(...given);
        started.push(this);
      }
    },
  );
  return started;
}

describe('a team', () => {
  it('ends no worker that still loads OpenBLAS, which would take the process with it', async () => {
    const order: string[] = [];
    use(
      class extends Worker {
        constructor(...given: ConstructorParameters<typeof Worker>) {
          super(...given);
          this.once('message', () => order.push('ready'));
        }

        override terminate(): Promise<number> {
          order.push('ended');
          return super.terminate();
        }
      },
    );
    const engine = await createEngine({ engine: 'cpu-blas', threads: 2 });
    const w = matrices(engineOf(engine), 1, 2, 300, 300, false);
    engine.product(w, w);
    await engine.settle();
    await engine.close();
    expect(order).toEqual(['ready', 'ended']);
  });

  it('gives back all memory that it held, once, however often it is closed', async () => {
    const heap = joinHeap()!;
    const room = () => {
      const blocks: Float64Array[] = [];
      for (let length = 2 ** 28; length >= 2 ** 14; length /= 2)
        for (let block = heap.take(length); block; block = heap.take(length)) blocks.push(block);
      for (const block of blocks) heap.give(block.byteOffset, block.length);
      return blocks.reduce((sum, { length }) => sum + length, 0);
    };
    const before = room();
    for (let k = 0; k < 5; k++) {
      const engine = await createEngine({ engine: 'cpu-wasm', threads: 4 });
      await Promise.all([engine.close(), engine.close()]);
      await engine.close();
    }
    // Had one of them left twice, the memory would be another one now.
    expect(joinHeap()).toBe(heap);
    expect(room()).toBeGreaterThanOrEqual(before);
    leaveHeap();
    leaveHeap();
  });

  it('that has lost a worker computes nothing any more', async () => {
    const workers = watched();
    const { engine, team } = await openCrew('cpu-wasm', 3);
    const [n, batch] = [64, 40];
    const ones = engine.matrices(new Float64Array(batch * n * n).fill(1), batch, n, n, false);
    const [before] = await engine.read(engine.product(ones, ones));
    expect(before!.every((x) => x === n)).toBe(true);
    await workers[1]!.terminate();
    for (let round = 0; round < 20; round++) {
      const product = engine.product(ones, ones);
      await expect(engine.settle()).rejects.toThrow(/worker: must not end in a call/);
      await expect(engine.read(product)).rejects.toThrow(/got one from a failed product/);
      engine.release(product);
    }
    const task = { kernel: 'product', numbers: new Array(12).fill(0), count: 4, cost: 1e9 } as const;
    expect(() => team.run(task)).toThrow(/worker: must not end/);
    await engine.close();
  });

  it('in whose middle a worker is lost ends the others before their memory is used again', async () => {
    for (let round = 0; round < 5; round++) {
      const workers = watched();
      const { engine } = await openCrew('cpu-wasm', 3);
      const [n, batch] = [200, 60];
      const ones = engine.matrices(new Float64Array(batch * n * n).fill(1), batch, n, n, false);
      const product = engine.product(ones, ones);
      const read = engine.read(product).then(
        ([values]) => values!.every((x) => x === n),
        (error: Error) => /worker: must not end|failed product/.test(error.message),
      );
      await new Promise((resolve) => setTimeout(resolve, 1 + round));
      await workers[0]!.terminate();
      expect(await read).toBe(true);
      await engine.close();
    }
  });

  it('does all by itself where no worker can be started', async () => {
    use(
      class extends Worker {
        constructor() {
          super('', { eval: true });
          this.unref();
          throw new Error('no threads left');
        }
      },
    );
    const engine = engineOf(await createEngine({ engine: 'cpu-wasm', threads: 2 }));
    const n = 1500;
    const { definite, inverse } = engine.inverse(
      engine.vector(new Float64Array(n).fill(1e6)),
      engine.matrices(new Float64Array(n * n).fill(1), 1, n, n, false),
    );
    const [values] = await engine.read(inverse, definite);
    expect(values!.every(Number.isFinite)).toBe(true);
    await engine.close();
  });

  it('is done without where the memory is full', async () => {
    const heap = joinHeap()!;
    const blocks: Float64Array[] = [];
    for (let length = 2 ** 28; length >= 1; length = Math.floor(length / 2))
      for (let block = heap.take(length); block; block = heap.take(length)) blocks.push(block);
    const engine = engineOf(await createEngine({ engine: 'cpu-wasm', threads: 2 }));
    const a = matrices(engine, 3, 4, 8, 8, true);
    const [product] = await engine.read(engine.product(a, a));
    expect(product!.every(Number.isFinite)).toBe(true);
    await engine.close();
    expect(joinHeap()).toBe(heap);
    for (const block of blocks) heap.give(block.byteOffset, block.length);
    leaveHeap();
    leaveHeap();
  });
});

describe('a pool', () => {
  it('that has lost a worker says so', async () => {
    const workers = watched();
    const kernels = await WasmKernels.open(2, new Turns());
    const [n, batch] = [120, 8];
    const [a, out] = [new Float64Array(batch * n * n).fill(1), new Float64Array(batch * n * n)];
    const sides = { m: n, n, k: n, strideA: n * n, strideB: n * n };
    const flags = { complex: false, adjointA: false, adjointB: false, lower: false };
    const product = () => kernels.product({ batch, a, b: a, ...sides, ...flags }, out);
    await product();
    expect(out.every((x) => x === n)).toBe(true);
    await workers[1]!.terminate();
    for (let round = 0; round < 3; round++) await expect(product()).rejects.toThrow(/worker: must not end/);
    await kernels.close();
  });
});
