/** Numbers in float32 and float64: what is moved keeps its format, what is computed is not rounded to it. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { NetworkBuilder } from '../../src/network/builder.ts';
import {
  firstNotFinite,
  gatheredBlocks,
  inDouble,
  mapped,
  moduli,
  transposedNumbers,
} from '../../src/network/numbers.ts';
import { foldScales } from '../../src/network/simplify/scales.ts';

const singles = fc.float32Array({ minLength: 1, maxLength: 40, noNaN: true, noDefaultInfinity: true });
const doubles = fc.float64Array({ minLength: 1, maxLength: 40, noNaN: true, noDefaultInfinity: true });
const numbers = fc.oneof(singles, doubles);

describe('numbers', () => {
  it('that are computed are float64', () => {
    fc.assert(
      fc.property(numbers, (values) => {
        const thirds = mapped(values, (value) => value / 3);
        expect(thirds).toBeInstanceOf(Float64Array);
        expect([...thirds]).toEqual([...values].map((value) => value / 3));
      }),
    );
  });

  it('that are moved keep their format and are the same', () => {
    fc.assert(
      fc.property(numbers, fc.nat(), (values, k) => {
        const own = values.constructor;
        const rows = [...values.keys()].map((n) => n + 1).filter((n) => values.length % n === 0);
        const columns = values.length / rows[k % rows.length]!;
        const turned = transposedNumbers(values, columns);
        expect(turned).toBeInstanceOf(own);
        expect([...transposedNumbers(turned, values.length / columns)]).toEqual([...values]);
        expect(turned[1 % turned.length]).toBe(
          values[(1 % (values.length / columns)) * columns + Math.floor(1 / (values.length / columns))] ??
            values[0],
        );
        const blocks = gatheredBlocks(values, [0, 0], columns);
        expect(blocks).toBeInstanceOf(own);
        expect([...blocks]).toEqual([...values.subarray(0, columns), ...values.subarray(0, columns)]);
        expect(moduli(values)).toBeInstanceOf(own);
        expect([...moduli(values)]).toEqual([...values].map(Math.abs));
      }),
    );
  });

  it('in float64 are themselves, and in float32 the same', () => {
    fc.assert(
      fc.property(numbers, (values) => {
        expect([...inDouble(values)]).toEqual([...values]);
        expect(inDouble(values) === values).toBe(values instanceof Float64Array);
      }),
    );
  });

  it.each([Number.NaN, Infinity, -Infinity])('that are not finite are found: %s', (bad) => {
    fc.assert(
      fc.property(numbers, fc.nat(), (values, k) => {
        expect(firstNotFinite(values)).toBe(-1);
        const at = k % values.length;
        const spoiled = values.with(at, bad);
        expect(firstNotFinite(spoiled)).toBe(at);
      }),
    );
  });

  it('whose sum overflows are finite all the same', () => {
    expect(firstNotFinite(new Float64Array(9).fill(Number.MAX_VALUE))).toBe(-1);
    expect(firstNotFinite(new Float64Array(9).fill(Number.MAX_VALUE).with(8, Infinity))).toBe(8);
  });
});

describe('folding', () => {
  it('multiplies weights of a file in float64', () => {
    const weight = Float32Array.of(1, 2, 3, 4);
    const builder = new NetworkBuilder('folded');
    const x = builder.input('x', [2]);
    const y = builder.add('fc', { kind: 'affine', outputs: 2, inputs: 2, weight }, [x]);
    const scale = Float64Array.of(1 / 3, 1 / 7);
    const network = foldScales(builder.build(builder.add('scale', { kind: 'scale', scale }, [y])));
    const [{ operator }] = network.nodes as [(typeof network.nodes)[number]];
    expect(network.nodes).toHaveLength(1);
    if (operator.kind !== 'affine') throw new Error('must be affine');
    expect([...operator.weight]).toEqual([1 * (1 / 3), 2 * (1 / 3), 3 * (1 / 7), 4 * (1 / 7)]);
    expect([...weight]).toEqual([1, 2, 3, 4]);
  });
});
