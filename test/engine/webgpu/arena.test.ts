/** Device memory that is used again, on a device that only counts. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Device } from '../../../src/engine/webgpu/device.ts';
import { Arena, type Space, sizeClass } from '../../../src/engine/webgpu/memory/arena.ts';

const limit = 2 ** 27;

function counted(memory?: number, largestBinding = limit) {
  const live = new Set<object>();
  const device = {
    largestBinding,
    memory,
    buffer: (size: number) => {
      const buffer = { size, destroy: () => live.delete(buffer) };
      live.add(buffer);
      return buffer;
    },
  } as unknown as Device;
  return { arena: new Arena(device), live };
}

describe('sizeClass', () => {
  it('holds what is asked for, wastes a fifteenth at most and keeps to the limit', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: limit / 4 }), (numbers) => {
        const bytes = 4 * numbers;
        const size = sizeClass(bytes, limit);
        expect(size).toBeGreaterThanOrEqual(bytes);
        expect(size).toBeLessThanOrEqual(Math.max(256, Math.min(limit, bytes * (1 + 1 / 15))));
        expect(size % 4).toBe(0);
      }),
    );
  });
});

describe('Arena', () => {
  it('never hands out a buffer twice, nor one that is too small', () => {
    const action = fc.record({
      take: fc.boolean(),
      size: fc.integer({ min: 1, max: 2 ** 20 }),
      at: fc.nat(),
    });
    fc.assert(
      fc.property(fc.array(action, { maxLength: 60 }), (actions) => {
        const { arena } = counted();
        const held: Space[] = [];
        for (const { take, size, at } of actions) {
          if (take || held.length === 0) {
            const space = arena.take(4 * size);
            expect(space.bytes).toBeGreaterThanOrEqual(4 * size);
            expect(held.some((other) => other.buffer === space.buffer)).toBe(false);
            held.push(space);
          } else {
            arena.give(held.splice(at % held.length, 1)[0]!);
          }
        }
      }),
    );
  });

  it('gives the same buffer again, unless it may not have been used lately', () => {
    const { arena } = counted();
    const first = arena.take(1000);
    first.lastUse = 7;
    arena.give(first);
    const clean = arena.take(1000, 7);
    expect(clean.buffer).not.toBe(first.buffer);
    expect(arena.take(1000, 8).buffer).toBe(first.buffer);
  });

  it('counts its peak, and destroys what lies idle far beyond it', () => {
    const { arena, live } = counted();
    const block = 2 ** 24;
    // Twenty sizes, one at a time, of which none serves another.
    const sizes = [block, 3 * block, 8 * block];
    for (const size of sizes) arena.give(arena.take(size));
    for (let k = 0; k < 4; k++) arena.give(arena.take(block / 4 ** (k + 1)));
    expect(arena.peakBytes).toBe(8 * block);
    const before = live.size;
    arena.trim(0);
    expect(live.size).toBeLessThan(before);
    const idle = [...live].reduce((sum, buffer) => sum + (buffer as { size: number }).size, 0);
    expect(idle).toBeLessThanOrEqual(12 * block);
  });

  it('keeps on a real GPU what fits its memory, and gives it to whoever asks for half as much or more', () => {
    const block = 2 ** 24;
    const { arena, live } = counted(64 * block);
    for (const size of [block, 3 * block, 8 * block]) arena.give(arena.take(size));
    arena.trim(0);
    expect(live.size).toBe(3);
    const [large, half] = [arena.take(5 * block), arena.take(block / 2)];
    expect([large.bytes, half.bytes]).toEqual([8 * block, block]);
  });

  it('hands out the same buffers to who does the same again, in whatever order they came back', () => {
    const { arena } = counted();
    const rounds = [
      [0, 1, 2, 3],
      [2, 0, 3, 1],
      [3, 1, 0, 2],
    ].map((order) => {
      const spaces = order.map(() => arena.take(1000));
      for (const k of order) arena.give(spaces[k]!);
      arena.trim(0);
      return spaces.map(({ id }) => id);
    });
    expect(new Set(rounds[1]).size).toBe(4);
    expect(rounds[2]).toEqual(rounds[1]);
  });

  it('wastes no more in all than a planned run can bear', () => {
    const memory = 2 ** 33;
    const { arena } = counted(memory, 2 ** 31);
    // Large buffers lie idle, and then all of the memory is asked for in halves of them.
    const large = Array.from({ length: 4 }, () => arena.take(memory / 4));
    for (const space of large) arena.give(space);
    for (let k = 0; k < 8; k++) arena.take(memory / 8);
    expect(arena.peakBytes).toBeLessThanOrEqual(1.25 * memory);
  });

  it('keeps what the device has still to use', () => {
    const { arena, live } = counted();
    const spaces = [1, 3, 8].map((k) => arena.take(k * 2 ** 24));
    for (const space of spaces) {
      space.lastUse = 5;
      arena.give(space);
    }
    arena.trim(5);
    expect(live.size).toBe(3);
  });
});
