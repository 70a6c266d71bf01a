/** Bind groups that are kept, on a device that only makes them. */
import { describe, expect, it } from 'vitest';
import { BindGroups } from '../../../src/engine/webgpu/bindGroups.ts';
import type { Device, Layout } from '../../../src/engine/webgpu/device.ts';
import type { Space } from '../../../src/engine/webgpu/memory/arena.ts';

function counted() {
  let made = 0;
  const createBindGroup = (descriptor: GPUBindGroupDescriptor) => {
    made++;
    return { descriptor };
  };
  const device = { gpu: { createBindGroup } } as unknown as Device;
  const uniforms = { label: 'uniforms' } as GPUBuffer;
  return { groups: new BindGroups(device, uniforms), uniforms, made: () => made };
}

const layout = (accesses: string) => ({ accesses, group: { label: accesses } }) as unknown as Layout;
const space = (id: number) => ({ id, buffer: { label: `${id}` } }) as unknown as Space;

describe('BindGroups', () => {
  it('are made once for the same buffers in the same places', () => {
    const { groups, uniforms, made } = counted();
    const [a, b] = [space(1), space(12)];
    const first = groups.of(layout('rw'), [a, b]);
    expect((first as unknown as { descriptor: GPUBindGroupDescriptor }).descriptor).toEqual({
      layout: { label: 'rw' },
      entries: [
        { binding: 0, resource: { buffer: uniforms, size: 256 } },
        { binding: 1, resource: { buffer: a.buffer } },
        { binding: 2, resource: { buffer: b.buffer } },
      ],
    });
    expect(groups.of(layout('rw'), [a, b])).toBe(first);
    expect(made()).toBe(1);
    // Ids that read alike without what is between them are not the same.
    for (const [accesses, spaces] of [
      ['rr', [a, b]],
      ['rw', [b, a]],
      ['rw', [space(11), space(2)]],
    ] as const) {
      expect(groups.of(layout(accesses), spaces)).not.toBe(first);
    }
    expect(made()).toBe(4);
  });

  it('are forgotten where others are asked for, but not while they are', () => {
    const { groups, made } = counted();
    const [often, once] = [[space(0)], [space(1)]];
    const first = groups.of(layout('w'), often);
    groups.of(layout('w'), once);
    const others = 20_000;
    for (let k = 0; k < others; k++) {
      groups.of(layout('w'), [space(2 + k)]);
      expect(groups.of(layout('w'), often)).toBe(first);
    }
    expect(made()).toBe(others + 2);
    groups.of(layout('w'), once);
    expect(made()).toBe(others + 3);
  });
});
