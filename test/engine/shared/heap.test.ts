/** The memory that threads share, as an allocator. */
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { Heap } from '../../../src/engine/cpu/shared/heap.ts';
import { allocate, dropIdle, joinHeap, leaveHeap, recycle } from '../../../src/engine/cpu/storage.ts';

describe('the heap', () => {
  it('never hands out a byte twice, and joins what is given back', () => {
    const step = fc.record({ length: fc.integer({ min: 1, max: 5000 }), give: fc.nat() });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
        const heap = Heap.open()!;
        const taken: Float64Array[] = [];
        for (const { length, give } of steps) {
          if (give % 3 === 0 && taken.length > 0) {
            const [array] = taken.splice(give % taken.length, 1);
            heap.give(array!.byteOffset, array!.length);
          }
          const array = heap.take(length)!;
          expect(array.length).toBe(length);
          expect(array.byteOffset % 64).toBe(0);
          taken.push(array);
        }
        const sorted = taken.toSorted((a, b) => a.byteOffset - b.byteOffset);
        for (let k = 1; k < sorted.length; k++) {
          const before = sorted[k - 1]!;
          expect(before.byteOffset + before.byteLength).toBeLessThanOrEqual(sorted[k]!.byteOffset);
        }
        const first = sorted[0]?.byteOffset ?? 64;
        for (const array of taken) heap.give(array.byteOffset, array.length);
        // All of it is one piece again.
        const whole = heap.take(200_000)!;
        expect(whole.byteOffset).toBeLessThanOrEqual(first);
      }),
      { numRuns: 60 },
    );
  });

  it('grows, and knows what lies in it before and after', () => {
    const heap = Heap.open()!;
    const small = heap.take(100)!.fill(3);
    const large = heap.take(2 ** 24)!;
    const again = heap.take(100)!;
    expect([small, large, again, large.subarray(5, 9)].every((array) => heap.holds(array))).toBe(true);
    expect(heap.holds(new Float64Array(9))).toBe(false);
    expect(new Float64Array(heap.memory.buffer, small.byteOffset, 100)).toEqual(small);
  });

  it('says where there is no room', () => {
    const heap = Heap.open()!;
    expect(heap.take(2 ** 29)).toBeUndefined();
    expect(heap.take(100)).toBeDefined();
  });
});

describe('storage on the heap', () => {
  const joined: Heap[] = [];
  const join = () => {
    const heap = joinHeap()!;
    joined.push(heap);
    return heap;
  };
  afterEach(() => {
    for (const _ of joined.splice(0)) leaveHeap();
  });

  it('lies there while somebody has joined', () => {
    expect(join()).toBe(join());
    expect(joined[0]!.holds(allocate(1000))).toBe(true);
    joined.pop();
    leaveHeap();
    expect(joined[0]!.holds(allocate(1000))).toBe(true);
    const heap = joined.pop()!;
    leaveHeap();
    expect(heap.holds(allocate(1000))).toBe(false);
  });

  it('gives up what lies idle before it says that there is no room', () => {
    const heap = join();
    const idle = Array.from({ length: 6 }, () => allocate(2 ** 26));
    expect(idle.every((array) => heap.holds(array))).toBe(true);
    expect(heap.holds(allocate(2 ** 27))).toBe(false);
    for (const array of idle) recycle(array);
    expect(heap.holds(allocate(2 ** 28))).toBe(true);
    dropIdle();
  });
});
