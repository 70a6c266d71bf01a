/** What Linux says of a GPU's memory. */
import { describe, expect, it } from 'vitest';
import { largestWindow } from '../../../src/engine/webgpu/host.ts';

describe('largestWindow', () => {
  it('reads the windows of a PCI device', () => {
    // Of a GPU with 16 MiB of registers and a window of 256 GiB.
    const resource = [
      '0x00000000fb000000 0x00000000fbffffff 0x0000000000040200',
      '0x0000010000000000 0x0000013fffffffff 0x000000000014220c',
      '0x0000000000000000 0x0000000000000000 0x0000000000000000',
      '',
    ].join('\n');
    expect(largestWindow(resource)).toBe(256 * 2 ** 30);
  });

  it('is 0 where there is none', () => {
    expect(largestWindow('')).toBe(0);
  });
});
