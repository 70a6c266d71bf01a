/** The taps of fully connected layers are those that a builder of taps would collect. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { byColumns } from '../../src/ellipsoid/rules/columns.ts';
import { DenseTaps } from '../../src/ellipsoid/rules/dense.ts';
import { TapBuilder } from '../../src/spectrum/taps.ts';

const finite = { noNaN: true, noDefaultInfinity: true } as const;

/** Weights of any size, some of them 0, and what their errors are relative to. */
const layers = fc
  .record({ rows: fc.integer({ min: 1, max: 5 }), columns: fc.integer({ min: 1, max: 6 }) })
  .chain(({ rows, columns }) => {
    const length = { minLength: rows * columns, maxLength: rows * columns };
    return fc.record({
      columns: fc.constant(columns),
      weight: fc.oneof(
        fc.float64Array({ ...finite, ...length }),
        fc.float32Array({ ...finite, ...length }),
        fc.constant(new Float32Array(rows * columns)),
        fc.float64Array({ ...finite, ...length, min: -1e-300, max: 1e-300 }),
      ),
      factors: fc.option(fc.array(fc.constantFrom(1, 1, 2, 1e12), length), { nil: undefined }),
    });
  })
  .filter(({ weight }) => weight.every((x) => Math.abs(x) < 1e290));

function collected(weight: ArrayLike<number>, columns: number, magnitude: Float64Array | undefined) {
  const builder = new TapBuilder(weight.length / columns, columns, 0);
  const matrix = builder.matrix([]);
  for (let k = 0; k < weight.length; k++) matrix.add(k, weight[k]!, magnitude?.[k]);
  return builder.build();
}

describe('taps of a fully connected layer', () => {
  it('are those of its entries one by one', () => {
    fc.assert(
      fc.property(layers, ({ weight, columns, factors }) => {
        const magnitude = factors && Float64Array.from(factors, (f, k) => f * Math.abs(weight[k]!));
        const dense = new DenseTaps(weight, columns, magnitude);
        const expected = collected(weight, columns, magnitude);
        const { rows, taps, exponent, vanishes, magnitudes } = dense;
        expect({ rows, columns, taps, exponent, vanishes }).toEqual({
          ...{ rows: expected.rows, columns, taps: expected.taps },
          ...{ exponent: expected.exponent, vanishes: expected.vanishes },
        });
        // −0 and 0 are one.
        const plain = (list: Float64Array | undefined) => list && [...list].map((x) => x + 0);
        expect(plain(dense.matrices)).toEqual(plain(expected.matrices));
        expect(plain(magnitudes)).toEqual(plain(expected.magnitudes));
      }),
    );
  });

  it('in slices are the columns of the whole', () => {
    fc.assert(
      fc.property(layers, fc.nat(), fc.nat(), ({ weight, columns }, a, b) => {
        const dense = new DenseTaps(weight, columns, undefined);
        const first = a % columns;
        const end = first + 1 + (b % (columns - first));
        const whole = dense.matrices;
        const expected = [...whole.keys()].filter((k) => k % columns >= first && k % columns < end);
        expect([...dense.slice(first, end)]).toEqual(expected.map((k) => whole[k]));
      }),
    );
  });

  it('vanish only where nothing uncertain has cancelled', () => {
    expect(new DenseTaps(new Float32Array(4), 2, undefined).vanishes).toBe(true);
    expect(new DenseTaps(new Float32Array(4), 2, Float64Array.of(0, 1, 0, 0)).vanishes).toBe(false);
    expect(new DenseTaps(new Float32Array(4), 2, Float64Array.of(0, 1e-320, 0, 0)).vanishes).toBe(false);
  });

  it('are uploaded slice by slice without the whole of them', () => {
    const uploaded: number[] = [];
    const engine = {
      information: { unitRoundoff: 2 ** -53 },
      matrices: (data: () => Float64Array) => {
        uploaded.push(data().length);
        return {};
      },
    };
    const dense = new DenseTaps(new Float32Array(3 * 10).fill(2), 10, undefined);
    Object.defineProperty(dense, 'matrices', {
      get: () => {
        throw new Error('must not be asked for');
      },
    });
    expect([...byColumns(engine as never, dense, 12)]).toHaveLength(3);
    expect(uploaded).toEqual([12, 12, 6]);
  });
});
