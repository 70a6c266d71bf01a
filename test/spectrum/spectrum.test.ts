import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { chooseTorus, TorusConflict } from '../../src/program/torus.ts';
import { aliasesOf, halfTorus, phases } from '../../src/spectrum/frequencies.ts';
import { rootsOfUnity } from '../../src/spectrum/twiddles.ts';

const sides = fc.array(fc.integer({ min: 1, max: 7 }), { minLength: 1, maxLength: 3 });

describe('roots of unity', () => {
  it('are e^{2πik/n} to the last bits', () => {
    for (const n of [1, 2, 3, 4, 5, 7, 8, 12, 29, 224, 899]) {
      const roots = rootsOfUnity(n);
      for (let k = 0; k < n; k++) {
        expect(roots[2 * k]).toBeCloseTo(Math.cos((2 * Math.PI * k) / n), 13);
        expect(roots[2 * k + 1]).toBeCloseTo(Math.sin((2 * Math.PI * k) / n), 13);
      }
    }
  });

  it('are exact at quarters, and conjugates of one another to the bit', () => {
    const n = 24;
    const roots = rootsOfUnity(n);
    expect([...roots.subarray(0, 2)]).toEqual([1, 0]);
    expect(roots[12]).toBeCloseTo(0, 300);
    expect(roots[13]).toBe(1);
    for (let k = 1; k < n; k++) {
      expect(roots[2 * k]).toBe(roots[2 * (n - k)]);
      expect(roots[2 * k + 1]).toBe(0 - roots[2 * (n - k) + 1]!);
    }
  });
});

describe('frequencies', () => {
  it('hold one of every pair ±ω, weighted so that all are counted', () => {
    fc.assert(
      fc.property(sides, (torus) => {
        const half = halfTorus(torus);
        const counted = new Map<string, number>();
        for (let k = 0; k < half.count; k++) {
          const omega = [...half.indices.subarray(k * torus.length, (k + 1) * torus.length)];
          const opposite = omega.map((w, a) => (torus[a]! - w) % torus[a]!);
          const names = new Set([omega.join(), opposite.join()]);
          expect(half.weights[k]).toBe(names.size);
          for (const name of names) counted.set(name, (counted.get(name) ?? 0) + 1);
        }
        expect(counted.size).toBe(torus.reduce((p, n) => p * n, 1));
        expect([...counted.values()].every((n) => n === 1)).toBe(true);
      }),
    );
  });

  it('of a finer grid alias to their coarse neighbour', () => {
    fc.assert(
      fc.property(
        sides,
        fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 3, maxLength: 3 }),
        (torus, ratios) => {
          const ratio = torus.map((_, a) => ratios[a]!);
          const copies = ratio.reduce((p, r) => p * r, 1);
          const coarse = halfTorus(torus);
          const fine = aliasesOf(coarse, ratio);
          expect(fine.count).toBe(coarse.count * copies);
          const seen = new Set<string>();
          for (let k = 0; k < fine.count; k++) {
            const omega = [...fine.indices.subarray(k * torus.length, (k + 1) * torus.length)];
            seen.add(omega.join());
            const parent = Math.floor(k / copies);
            torus.forEach((n, a) => {
              expect(omega[a]! % n).toBe(coarse.indices[parent * torus.length + a]);
              expect(omega[a]).toBeLessThan(n * ratio[a]!);
            });
          }
          expect(seen.size).toBe(fine.count);
        },
      ),
    );
  });

  it('give a box of samples the sum of the phases of its samples', () => {
    fc.assert(
      fc.property(
        sides,
        fc.array(fc.integer({ min: -5, max: 5 }), { minLength: 3, maxLength: 3 }),
        fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 3, maxLength: 3 }),
        (torus, offsets, extents) => {
          const offset = torus.map((_, a) => offsets[a]!);
          const extent = torus.map((_, a) => extents[a]!);
          const frequencies = halfTorus(torus);
          const box = phases(frequencies, [{ offset, extent }]);
          let samples: number[][] = [[]];
          torus.forEach((_, a) => {
            samples = samples.flatMap((s) =>
              Array.from({ length: extent[a]! }, (__, u) => [...s, offset[a]! + u]),
            );
          });
          const single = phases(
            frequencies,
            samples.map((s) => ({ offset: s, extent: s.map(() => 1) })),
          );
          for (let k = 0; k < frequencies.count; k++) {
            for (const part of [0, 1]) {
              let sum = 0;
              for (let t = 0; t < samples.length; t++) sum += single[2 * (k * samples.length + t) + part]!;
              expect(box[2 * k + part]).toBeCloseTo(sum, 9);
            }
          }
        },
      ),
    );
  });

  it('have one sign: a tap at +u turns with e^{+2πiωu/N}', () => {
    const frequencies = halfTorus([8]);
    const [re, im] = phases(frequencies, [{ offset: [1], extent: [1] }]).subarray(2, 4);
    expect(re).toBeCloseTo(Math.SQRT1_2, 12);
    expect(im).toBeCloseTo(Math.SQRT1_2, 12);
  });
});

describe('torus', () => {
  const demand = (samples: number, spacing: number, exactly = false) => ({
    name: 'conv',
    axis: 0,
    spacing,
    samples,
    exactly,
  });

  it('is the smallest that fits window and padding at every stride', () => {
    expect(chooseTorus(1, [[1]], [demand(29, 1)])).toEqual([29]);
    expect(chooseTorus(1, [[1], [2], [4]], [demand(29, 1), demand(15, 2)])).toEqual([32]);
    expect(chooseTorus(1, [[1], [2]], [demand(28, 1), demand(16, 2)])).toEqual([32]);
  });

  it('is the window itself under circular padding, or nothing', () => {
    expect(chooseTorus(1, [[1]], [demand(28, 1, true), demand(28, 1)])).toEqual([28]);
    expect(() => chooseTorus(1, [[1]], [demand(28, 1, true), demand(29, 1)])).toThrow(TorusConflict);
    expect(() => chooseTorus(1, [[1], [3]], [demand(28, 1, true)])).toThrow(TorusConflict);
  });
});
