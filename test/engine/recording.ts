/** What every engine keeps to when it records: copies, order, handles that are no longer or never were its own, aborts. */
import { expect, it } from 'vitest';
import type { Engine } from '../../src/engine/engine.ts';

/** @param engine opens one */
export function recordingTests(engine: () => Promise<Engine>): void {
  it('copies data in and out', async () => {
    const e = await engine();
    const data = Float64Array.of(1, 2);
    const v = e.vector(data);
    const m = e.matrices(data, 1, 1, 2, false);
    data.fill(9);
    const [first] = await e.read(v);
    first!.fill(7);
    expect(await e.read(v, m)).toEqual([Float64Array.of(1, 2), Float64Array.of(1, 2)]);
  });

  it('uses operands that are released after the recording, whatever is uploaded before it runs', async () => {
    const e = await engine();
    const a = e.vector([2]);
    const b = e.multiply(a, a);
    e.release(a);
    const others = Array.from({ length: 20 }, (_, k) => e.vector([k]));
    expect(await e.read(b)).toEqual([Float64Array.of(4)]);
    expect((await e.read(...others)).map(([x]) => x)).toEqual(others.map((_, k) => k));
  });

  it('reads in the order of the calls', async () => {
    const e = await engine();
    const a = e.vector([1]);
    const first = e.read(a);
    e.release(a);
    const b = e.vector([2]);
    expect([...(await first), ...(await e.read(b))]).toEqual([Float64Array.of(1), Float64Array.of(2)]);
  });

  it('refuses released, foreign and late handles', async () => {
    const [e, other] = [await engine(), await engine()];
    const a = e.vector([1]);
    expect(() => other.squareRoot(a)).toThrow(
      'squareRoot: handles must come from this engine, got a foreign one',
    );
    expect(() => e.squareRoot({ ...a })).toThrow('got a foreign one');
    e.release(a);
    expect(() => e.squareRoot(a)).toThrow('squareRoot: handles must not be used after their release');
    expect(() => e.release(a)).toThrow('release');
    await expect(e.read(a)).rejects.toThrow('read: handles must not be used after their release');
    const b = e.vector([1]);
    await e.close();
    expect(() => e.squareRoot(b)).toThrow('squareRoot: the engine must be open, got a closed one');
    expect(() => e.vector([1])).toThrow('closed');
    await expect(e.settle()).rejects.toThrow('closed');
  });

  it('stops with the reason of an abort and can go on', async () => {
    const e = await engine();
    const a = e.multiply(e.vector([3]), e.vector([5]));
    const stop = new AbortController();
    stop.abort(new Error('enough'));
    await expect(e.settle(stop.signal)).rejects.toThrow('enough');
    expect(await e.read(a)).toEqual([Float64Array.of(15)]);
  });
}
