/** The ranges that dispatches are cut into, and the uniforms that tell kernels of them. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Device } from '../../../src/engine/webgpu/device.ts';
import { moduleText, rangeOf, threads, writeUniform } from '../../../src/engine/webgpu/kernel.ts';

const kernel = threads(
  'add',
  { a: 'read f32', out: 'write scalar' },
  { n: 'u32', sign: 'i32', alpha: 'f32' },
);

describe('rangeOf', () => {
  it('has every thread of a cut dispatch work exactly once', () => {
    const cut = fc.record({
      count: fc.integer({ min: 1, max: 70_000 * 8 }),
      share: fc.integer({ min: 1, max: 70_000 }),
    });
    fc.assert(
      fc.property(cut, ({ count, share }) => {
        const own = { per: 'thread', workgroupSize: 4 } as const;
        const groups = Math.ceil(count / own.workgroupSize);
        const times = new Uint8Array(count);
        for (let first = 0; first < groups; first += Math.max(share, groups / 5)) {
          const start = Math.floor(first);
          const end = Math.min(groups, Math.floor(first + Math.max(share, groups / 5)));
          const range = rangeOf(own, count, start, end - start);
          expect(range.groupsAcross).toBeLessThanOrEqual(65535);
          const down = Math.ceil((end - start) / range.groupsAcross);
          // As in the entry point of every kernel.
          for (let group = start; group < start + down * range.groupsAcross; group++) {
            for (let local = 0; local < own.workgroupSize; local++) {
              const index = group * own.workgroupSize + local;
              if (index < range.end) times[index]!++;
            }
          }
        }
        expect(times.every((n) => n === 1)).toBe(true);
      }),
      { numRuns: 40 },
    );
  });
});

describe('uniforms', () => {
  it('are laid out as they are declared', () => {
    const view = new DataView(new ArrayBuffer(512));
    const range = { firstGroup: 1, groupsAcross: 2, end: 3 };
    writeUniform(view, 256, kernel, range, { alpha: 0.5, sign: -1, n: 7 });
    const words = [0, 4, 8, 12].map((at) => view.getUint32(256 + at, true));
    expect(words).toEqual([1, 2, 3, 7]);
    expect(view.getInt32(256 + 16, true)).toBe(-1);
    expect(view.getFloat32(256 + 20, true)).toBe(0.5);
    expect(moduleText(kernel, false, {})).toContain(
      'struct Sizes { firstGroup: u32, groupsAcross: u32, end: u32, n: u32, sign: i32, alpha: f32 }',
    );
  });

  it('refuse what does not fit and what is missing', () => {
    const view = new DataView(new ArrayBuffer(256));
    const range = { firstGroup: 0, groupsAcross: 1, end: 1 };
    for (const n of [-1, 2 ** 32, Number.NaN]) {
      expect(() => writeUniform(view, 0, kernel, range, { n, sign: 1, alpha: 1 })).toThrow(RangeError);
    }
    expect(() => writeUniform(view, 0, kernel, range, { n: 1, sign: 1 })).toThrow('size alpha must be given');
  });
});

describe('variants of a kernel', () => {
  it('are others by every constant, its value included', async () => {
    const limits = {
      ...{ maxStorageBufferBindingSize: 2 ** 27, maxBufferSize: 2 ** 27 },
      ...{ maxStorageBuffersPerShaderStage: 8, maxComputeWorkgroupStorageSize: 2 ** 14 },
    };
    const gpu = {
      ...{ limits, lost: new Promise(() => {}) },
      createShaderModule: () => ({}),
      createBindGroupLayout: () => ({}),
      createPipelineLayout: () => ({}),
      createComputePipelineAsync: async () => ({}),
    };
    const adapter = { limits, requestDevice: async () => gpu } as unknown as GPUAdapter;
    const device = await Device.open({ adapter, name: 'none', software: true }, {});
    const constants = [{ depth: 8 }, { depth: 16 }, { whole: true }, { whole: false }, {}];
    const found = [true, false].flatMap((complex) =>
      constants.map((own) => device.variant(kernel, complex, own)),
    );
    expect(new Set(found).size).toBe(10);
    expect(device.variant(kernel, true, { depth: 8 })).toBe(found[0]);
  });
});
