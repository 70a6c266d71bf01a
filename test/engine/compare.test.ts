import { describe, expect, it } from 'vitest';
import { assertClose } from './compare.ts';

const { NaN: nan, POSITIVE_INFINITY: infinity } = Number;

describe('assertClose', () => {
  it('accepts equal values, and NaN and infinity in place', () => {
    assertClose([1, nan, infinity, 0], [1, nan, infinity, 0], 0);
    assertClose([1 + 1e-13], [1], 1e-12);
    assertClose([], [], 1e-12);
  });

  it.each<[string, number[], number[], number]>([
    ['a planted mismatch', [1, 2.0001, 3], [1, 2, 3], 1e-9],
    ['a mismatch just beyond the tolerance', [1 + 3e-12], [1], 2e-12],
    ['NaN for a number', [1, nan], [1, 2], 1e-9],
    ['a number for NaN', [1, 2], [1, nan], 1e-9],
    ['infinity for a number', [infinity], [1], 1e-9],
    ['infinity of the wrong sign', [-infinity], [infinity], 1e-9],
    ['a missing entry', [1], [1, 1], 1e-9],
    ['an entry too many', [1, 1], [1], 1e-9],
    ['anything but zero where all is zero', [1e-300], [0], 1e-9],
    ['an absurd tolerance', [1], [1], 0.1],
    ['a negative tolerance', [1], [1], -1e-9],
    ['a tolerance that is NaN', [1], [1], nan],
  ])('refuses %s', (_, actual, expected, tolerance) => {
    expect(() => assertClose(actual, expected, tolerance)).toThrow();
  });
});
