import { beforeEach, describe, expect, it } from 'vitest';
import { allocate, dropIdle, recycle } from '../../src/engine/cpu/storage.ts';

describe('storage', () => {
  beforeEach(dropIdle);

  it('reuses an array of the same length, once', () => {
    const array = allocate(5000);
    recycle(array);
    recycle(array);
    expect(allocate(5001) === array).toBe(false);
    expect(allocate(5000) === array).toBe(true);
    expect(allocate(5000) === array).toBe(false);
  });

  it('never lends what is in use', () => {
    const lent = new Set(Array.from({ length: 9 }, () => allocate(2000)));
    for (const array of lent) recycle(array);
    const again = Array.from({ length: 12 }, () => allocate(2000));
    expect(new Set(again).size).toBe(12);
    expect(again.every((array) => array.length === 2000)).toBe(true);
  });

  it('takes nothing that it did not lend', () => {
    const own = new Float64Array(5000);
    recycle(own);
    expect(allocate(5000) === own).toBe(false);
    const array = allocate(5000);
    recycle(array.subarray(0));
    expect(allocate(5000).buffer === array.buffer).toBe(false);
  });

  it('leaves small arrays alone', () => {
    const array = allocate(10);
    recycle(array);
    expect(allocate(10) === array).toBe(false);
  });

  it('gives up other lengths when much lies idle', () => {
    const [small, ...large] = [allocate(4000), allocate(2 ** 23), allocate(2 ** 23)];
    recycle(small!);
    for (const array of large) recycle(array);
    expect(allocate(4000) === small).toBe(false);
    expect(large.includes(allocate(2 ** 23))).toBe(true);
  });

  it('keeps nothing larger than all that may lie idle', () => {
    const array = allocate(2 ** 24 + 1);
    recycle(array);
    expect(allocate(2 ** 24 + 1) === array).toBe(false);
  });
});
