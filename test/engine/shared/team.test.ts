/** Threads that share memory: who does what, and how it ends. */
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { Team } from '../../../src/engine/cpu/shared/team.ts';
import { allocate, recycle } from '../../../src/engine/cpu/storage.ts';
import { choices } from '../engines.ts';
import { hermitian, matrices } from '../operations/cases.ts';
import { operations, radii } from '../operations.ts';
import { type Crew, openCrew } from './engine.ts';

const names = [...new Set(choices.map(({ engine }) => engine))];
const open: Crew[] = [];

async function crew(...given: Parameters<typeof openCrew>): Promise<Crew> {
  const opened = await openCrew(...given);
  open.push(opened);
  return opened;
}

afterEach(async () => {
  await Promise.all(open.splice(0).map(({ engine }) => engine.close()));
});

/** Products of real 2 × 2 matrices, each with all twos: their results, and how to ask for them. */
function twos(team: Team, count: number) {
  const [a, out] = [allocate(4 * count).fill(1), allocate(4 * count).fill(0)];
  const numbers = [a.byteOffset, a.byteOffset, out.byteOffset, 4, 4, 2, 2, 2, 0, 0, 0, 0];
  const run = (cost: number) => team.run({ kernel: 'product', numbers, count, cost });
  return { a, out, run };
}

const close = (x: number, y: number, tolerance: number) => Object.is(x, y) || Math.abs(x - y) <= tolerance;

describe('a team', () => {
  it('does every item once, whoever does it', async () => {
    const { team } = await crew('cpu-wasm', 3);
    for (const cost of [1, 1e3, 1e6]) {
      const { a, out, run } = twos(team, 500);
      for (let round = 0; round < 200; round++) {
        out.fill(0);
        await run(cost);
        expect(out.every((x) => x === 2)).toBe(true);
      }
      recycle(a);
      recycle(out);
    }
  });

  it('has workers that take part', async () => {
    const { team } = await crew('cpu-wasm', 2);
    const [w, out] = [allocate(4 * 64 * 64).fill(1), allocate(4 * 64 * 64)];
    const work = team.work(64 * 64);
    const bytes = team.workBytes(64 * 64);
    const byWorker = work.subarray(bytes / 8, bytes / 8 + 64 * 64).fill(Number.NaN);
    const scalars = [64, 64, 0, work.byteOffset, bytes];
    const numbers = [w.byteOffset, 64 * 64, w.byteOffset, 64 * 64, 0, out.byteOffset, ...scalars];
    // A machine may be busy.
    for (let round = 0; round < 1e5 && Number.isNaN(byWorker[0]); round++)
      await team.run({ kernel: 'congruence', numbers, count: 4, cost: 1e6 });
    expect(byWorker.every((x) => x === 64)).toBe(true);
  });

  it('leaves long items to workers, and the event loop turns', async () => {
    const { team } = await crew('cpu-wasm', 2);
    const { out, run } = twos(team, 20);
    let turned = 0;
    const timer = setInterval(() => turned++, 0);
    await run(1e9);
    clearInterval(timer);
    expect(out.every((x) => x === 2)).toBe(true);
    expect(turned).toBeGreaterThan(0);
  });

  it('says what a thread could not do', async () => {
    const { team } = await crew('cpu-wasm', 1);
    // Beyond the memory.
    const numbers = [2 ** 32 - 64, 2 ** 32 - 64, 2 ** 32 - 64, 4, 4, 2, 2, 2, 0, 0, 0, 0];
    const task = { kernel: 'product', numbers, count: 4, cost: 1e9 } as const;
    await expect(team.run(task)).rejects.toThrow('product: a thread must do its part, got an error');
    const { out, run } = twos(team, 20);
    await run(1e9);
    expect(out.every((x) => x === 2)).toBe(true);
  });
});

describe.each(names)('%s', (name) => {
  it('gives the same digits whatever the number of threads', async () => {
    const [one, three] = await Promise.all([crew(name, 1), crew(name, 3)]);
    for (const given of [
      { n: 65, batch: 7, complex: true },
      { n: 17, batch: 90, complex: true },
      { n: 130, batch: 2, complex: false },
    ]) {
      for (const [operation, , compute] of [...operations, ['radii', 'exact', radii] as const]) {
        const [x, y] = await Promise.all(
          [one, three].map(({ engine }) => engine.read(...compute(engine, given))),
        );
        expect(x!.length).toBeGreaterThan(0);
        for (const [k, values] of x!.entries()) {
          const differs = values.findIndex((value, i) => !Object.is(value, y![k]![i]));
          expect(differs, `${operation}, n = ${given.n}`).toBe(-1);
        }
      }
    }
  });

  it('deals out what only estimates a norm as it does what proves it', async () => {
    const { engine, team } = await crew(name, 2);
    const s = hermitian(engine, { n: 40, batch: 30, complex: true });
    const run = vi.spyOn(team, 'run');
    const kernelsOf = async (operation: 'spectralRadius' | 'estimatedRadius') => {
      run.mockClear();
      await engine.read(engine[operation](s));
      return run.mock.calls.map(([task]) => task.kernel);
    };
    const proof = await kernelsOf('spectralRadius');
    expect(proof).toContain('definite');
    expect(await kernelsOf('estimatedRadius')).toEqual(proof);
  });

  it('cuts large products into the same bands, whatever the number of threads', async () => {
    const [one, two] = await Promise.all([crew(name, 1), crew(name, 2)]);
    const product = ({ engine }: Crew, adjointA: boolean) => {
      const [a, b] = [matrices(engine, 3, 1, 300, 300, true), matrices(engine, 4, 1, 300, 300, true)];
      return engine.read(engine.product(a, b, { adjointA }), engine.congruence(a, b));
    };
    for (const adjointA of [false, true]) {
      const [x, y] = await Promise.all([product(one, adjointA), product(two, adjointA)]);
      for (const [k, values] of x.entries())
        expect(values.findIndex((value, i) => !Object.is(value, y[k]![i]))).toBe(-1);
    }
  });

  it('ends in the middle of an operation when it is aborted, and goes on with others', async () => {
    for (const threads of [1, 3]) {
      const { engine } = await crew(name, threads);
      const s = hermitian(engine, { n: 130, batch: 600, complex: true });
      await engine.settle();
      const stop = new AbortController();
      const product = engine.congruence(s, s);
      setTimeout(() => stop.abort(), 1);
      await expect(engine.settle(stop.signal)).rejects.toThrow(/abort/i);
      engine.release(product);
      const [sums] = await engine.read(engine.rowSums(s));
      expect(sums!.every((x) => x > 0)).toBe(true);
    }
  });

  it('computes elsewhere what the shared memory has no room for', async () => {
    const { engine, team } = await crew(name, 2);
    const given = { n: 64, batch: 7, complex: true };
    const compute = async () => {
      const results = operations.map(async ([, , operation]) => engine.read(...operation(engine, given)));
      return Promise.all(results);
    };
    const expected = await compute();
    const blocks: Float64Array[] = [];
    for (let length = 2 ** 28; length >= 64; length /= 2)
      for (let block = team.heap.take(length); block; block = team.heap.take(length)) blocks.push(block);
    const actual = await compute();
    for (const block of blocks) team.heap.give(block.byteOffset, block.length);
    for (const [k, values] of expected.entries()) {
      for (const [j, one] of values.entries()) {
        const scale = one.reduce((most, x) => Math.max(most, Math.abs(x) || 0), 0);
        const differs = one.findIndex((x, i) => !close(x, actual[k]![j]![i]!, 1e-11 * scale));
        expect(differs, operations[k]![0]).toBe(-1);
      }
    }
  });
});

describe.skipIf(!names.includes('cpu-blas'))('OpenBLAS in workers', () => {
  it('is not waited for where workers do not find it', async () => {
    const { engine, team } = await crew('cpu-blas', 3, { koffi: '/nowhere/koffi' });
    await team.ready();
    const { out, run } = twos(team, 20);
    await run(1e9);
    expect(out.every((x) => x === 2)).toBe(true);
    const a = matrices(engine, 3, 40, 64, 64, true);
    const [product] = await engine.read(engine.product(a, a));
    expect(product!.every(Number.isFinite)).toBe(true);
  });
});
