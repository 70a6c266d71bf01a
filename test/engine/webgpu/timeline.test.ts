/** When recorded work is submitted, on a device that does nothing. */
import { describe, expect, it } from 'vitest';
import { type Dispatch, idleGpu } from '../../../bench/counts/idleGpu.ts';
import type { Engine } from '../../../src/engine/engine.ts';

async function opened() {
  const dispatches: Dispatch[] = [];
  const { engine } = await idleGpu(2 ** 27, (dispatch) => dispatches.push(dispatch));
  // Its kernel is compiled from here on.
  record(engine, 1);
  await engine.settle();
  dispatches.length = 0;
  return { engine, dispatches };
}

/** Sums of more and more numbers, from which their order is seen. */
function record(engine: Engine, count: number, first = 1): void {
  for (let k = 0; k < count; k++) {
    const a = engine.matrices(new Float64Array(first + k), 1, 1, first + k, false);
    engine.release(a, engine.add(a, a));
  }
}

const numbers = (from: number, count: number) => Array.from({ length: count }, (_, k) => from + k);
const lengths = (dispatches: readonly Dispatch[]) => dispatches.map(({ sizes }) => sizes.end);

describe('Timeline', () => {
  it('submits while more is recorded, each dispatch once and in its turn', async () => {
    const { engine, dispatches } = await opened();
    record(engine, 1000);
    expect(dispatches.length).toBeGreaterThan(800);
    expect(dispatches.length).toBeLessThan(1000);
    await engine.settle();
    expect(lengths(dispatches)).toEqual(numbers(1, 1000));
    await engine.close();
  });

  it('leaves that to a run while there is one', async () => {
    const { engine, dispatches } = await opened();
    record(engine, 100);
    const first = engine.settle();
    record(engine, 1000, 101);
    expect(dispatches).toEqual([]);
    await Promise.all([first, engine.settle()]);
    expect(lengths(dispatches)).toEqual(numbers(1, 1100));
    record(engine, 300);
    expect(dispatches.length).toBeGreaterThan(1100);
    await engine.close();
  });

  it('keeps to the time that submissions may take', async () => {
    const { engine, dispatches } = await opened();
    // Of 3e9 operations each.
    const a = engine.matrices(() => new Float64Array(2 ** 20), 1, 2 ** 10, 2 ** 10, false);
    engine.release(engine.product(a, a));
    await engine.settle();
    dispatches.length = 0;
    for (let k = 0; k < 1000; k++) engine.release(engine.product(a, a));
    expect(dispatches.length).toBeGreaterThan(0);
    expect(dispatches.length).toBeLessThan(300);
    await engine.settle();
    expect(dispatches.length).toBe(1000);
    await engine.close();
  });

  it('waits for data whose turn is later', async () => {
    const { engine, dispatches } = await opened();
    let asked = 0;
    const make = () => {
      asked++;
      return new Float64Array(2 ** 17);
    };
    const late = engine.matrices(make, 1, 1, 2 ** 17, false);
    record(engine, 500);
    engine.release(late, engine.add(late, late));
    expect([asked, dispatches.length]).toEqual([0, 0]);
    await engine.settle();
    expect([asked, dispatches.length]).toEqual([1, 501]);
    await engine.close();
  });
});
