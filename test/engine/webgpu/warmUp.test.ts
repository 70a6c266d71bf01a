/** Whether what is compiled beforehand is what a pass takes: on a device that does nothing. */
import { afterEach, describe, expect, it, vi } from 'vitest';
import { idleGpu } from '../../../bench/counts/idleGpu.ts';
import { glipsdpCnn } from '../../../bench/networks.ts';
import { bound } from '../../../src/bounds/bound.ts';
import { Device } from '../../../src/engine/webgpu/device.ts';
import { warmUp } from '../../../src/engine/webgpu/warmUp.ts';

/** The kernels of vectors are generated as they occur. */
const GENERATED = /^(elementwise|largest) /;

describe('warmUp', () => {
  afterEach(() => vi.restoreAllMocks());

  it('asks for most kernels of a pass, without a buffer or a dispatch', async () => {
    const variants = vi.spyOn(Device.prototype, 'variant');
    const asked = () => {
      const calls = variants.mock.calls.map(([{ name, uses }, ...others]) =>
        JSON.stringify([name, uses, others]),
      );
      return new Set(calls.filter((call) => !GENERATED.test(JSON.parse(call)[0])));
    };
    let dispatches = 0;
    const gpu = await idleGpu(2 ** 30, () => {
      dispatches++;
    });
    await bound(glipsdpCnn(3, 80), {
      ...{ engine: gpu.engine, method: 'closed-form', rule: 'GC(1.5)', lower: false },
    });
    const taken = asked();
    const device = variants.mock.contexts[0] as Device;
    variants.mockClear();
    const [before, held] = [dispatches, gpu.heldBytes()];
    warmUp(device);
    const warm = asked();
    const hits = [...taken].filter((kernel) => warm.has(kernel));
    expect(taken.size).toBeGreaterThan(20);
    expect(hits.length / taken.size).toBeGreaterThan(0.8);
    expect([dispatches, gpu.heldBytes()]).toEqual([before, held]);
    await gpu.engine.close();
  });
});
