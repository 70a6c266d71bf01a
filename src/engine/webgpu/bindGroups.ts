/**
 * Bind groups, kept by what they bind: making one takes the host longer than all else that it does for a dispatch, and a search has the same
 * buffers again and again.
 */
import type { Device, Layout } from './device.ts';
import { uniformBytes } from './kernel.ts';
import type { Space } from './memory/arena.ts';

/** Those that are asked for are kept longest; no more than twice so many. */
const kept = 4096;

export class BindGroups {
  readonly #device: Device;
  readonly #uniforms: GPUBuffer;
  /** Those that were asked for last, and some that were not since. A destroyed buffer is in none that is asked for again. */
  #recent = new Map<string, GPUBindGroup>();
  #earlier = new Map<string, GPUBindGroup>();

  /** @param uniforms holds the uniform of every dispatch, at an offset that is given with it */
  constructor(device: Device, uniforms: GPUBuffer) {
    this.#device = device;
    this.#uniforms = uniforms;
  }

  /** The spaces in the order of a kernel's bindings. */
  of(layout: Layout, spaces: readonly Space[]): GPUBindGroup {
    let key = layout.accesses;
    for (const { id } of spaces) key += `,${id}`;
    const recent = this.#recent.get(key);
    if (recent) return recent;
    const group = this.#earlier.get(key) ?? this.#made(layout, spaces);
    if (this.#recent.size === kept) {
      this.#earlier = this.#recent;
      this.#recent = new Map();
    }
    this.#recent.set(key, group);
    return group;
  }

  #made({ group: layout }: Layout, spaces: readonly Space[]): GPUBindGroup {
    return this.#device.gpu.createBindGroup({
      layout,
      entries: [
        { binding: 0, resource: { buffer: this.#uniforms, size: uniformBytes } },
        ...spaces.map(({ buffer }, index) => ({ binding: index + 1, resource: { buffer } })),
      ],
    });
  }
}
