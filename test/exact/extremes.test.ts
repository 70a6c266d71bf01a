/** Numbers that overflow, vanish or are not told apart in float64 on the way: no bound below the constant, no slope above it. */
import { describe, expect, it } from 'vitest';
import { Prover } from '../../src/exact/above/proven.ts';
import { provenSlope } from '../../src/exact/below/provenSlope.ts';
import { type ExactOptions, exactConstant } from '../../src/exact/exact.ts';
import { formOf } from '../../src/exact/form/translate.ts';
import { openState } from '../../src/exact/state.ts';
import { type DenseLayer, NetworkBuilder } from '../../src/network/builder.ts';
import type { Elementwise } from '../../src/network/elementwise/elementwise.ts';

const relu: Elementwise = { name: 'relu' };
const abs: Elementwise = { name: 'abs' };
const leaky = (slope: number): Elementwise => ({ name: 'leaky-relu', slope });

function layer(rows: readonly (readonly number[])[], f?: Elementwise, bias?: readonly number[]): DenseLayer {
  return {
    weight: rows.map((row) => [...row]),
    bias: [...(bias ?? rows.map(() => 0))],
    ...(f && { activation: f }),
  };
}

const times = (count: number, own: DenseLayer) => Array.from({ length: count }, () => own);
const vector = (...values: number[]) => Float64Array.from(values);
const [small, large] = [Math.fround(1e-38), Math.fround(1e38)];

type Row = readonly [what: string, layers: DenseLayer[], domain: ExactOptions, constant: number];

const ROWS: readonly Row[] = [
  [
    'ranges overflow, everywhere',
    [
      layer([[1]], abs),
      ...times(9, layer([[large]], relu, [Math.fround(3e38)])),
      ...times(9, layer([[small]], relu)),
      layer([[1]]),
    ],
    {},
    1,
  ],
  [
    'ranges overflow, in a box',
    [layer([[1]], abs, [1e200]), layer([[1e150]], relu), layer([[1e-150]])],
    { box: { low: vector(-1), high: vector(1) } },
    1,
  ],
  [
    'products of bounds vanish',
    [...times(9, layer([[small]], relu)), ...times(9, layer([[large]], relu)), layer([[1]])],
    {},
    1,
  ],
  [
    'a branch vanishes beside another',
    [
      layer([[1], [1]], relu),
      ...times(
        9,
        layer(
          [
            [small, 0],
            [0, 1],
          ],
          relu,
        ),
      ),
      ...times(
        9,
        layer(
          [
            [large, 0],
            [0, 1],
          ],
          relu,
        ),
      ),
      layer([[1, 0.5]]),
    ],
    { box: { low: vector(1), high: vector(2) } },
    1.5,
  ],
  [
    'powers of two vanish in a linear network',
    [...times(11, layer([[2 ** -100]])), ...times(11, layer([[2 ** 100]]))],
    {},
    1,
  ],
  [
    'ends of ranges round where the others are infinite',
    [layer([[1, 1, 1, 1]], leaky(10)), layer([[1]])],
    { box: { low: vector(1e16, -1, -1e16, 0.25), high: new Float64Array(4).fill(Infinity) } },
    20,
  ],
  [
    'an argument is no number',
    [layer([[1e60, -1e60]], leaky(3)), layer([[1]])],
    { box: { low: vector(3e250, 1e250), high: vector(4e250, 2e250) } },
    Math.SQRT2 * 1e60,
  ],
  [
    'an argument is no number behind units that are 0',
    [
      layer(
        [
          [-1e60, 0],
          [0, 1e-5],
        ],
        relu,
      ),
      layer([[1, 1]], leaky(3), [1]),
      layer([[1]]),
    ],
    { box: { low: vector(1e250, 1), high: vector(2e250, 2) } },
    1e-5,
  ],
  [
    'squares of a row vanish in a ball',
    [layer([[1e-170]], relu, [-0.5e-170]), layer([[1e170]])],
    { ball: { centre: vector(0), radius: 1 } },
    1,
  ],
  [
    'multipliers leave the range of the prover',
    [layer([[1e-160]], abs), layer([[1], [1]], abs, [-1e-160, -2e-160]), layer([[1e160, 1e160]])],
    {},
    2,
  ],
];

describe('exact constants', () => {
  it.each(ROWS)('hold where %s', async (_, layers, domain, constant) => {
    for (const most of [1, 40]) {
      let asked = 0;
      const result = await exactConstant(NetworkBuilder.fromDense(layers), {
        ...domain,
        isOver: () => ++asked > most,
      });
      expect(result.upper).toBeGreaterThanOrEqual(constant * (1 - 1e-6));
      expect(result.lower).toBeLessThanOrEqual(constant * (1 + 1e-6));
    }
  });

  it('are asked for where there are inputs', async () => {
    const network = NetworkBuilder.fromDense([layer([[1, 1]], relu), layer([[1]])]);
    const domain = {
      ball: { centre: vector(0, 0), radius: 1 },
      box: { low: vector(0.9, 0.9), high: vector(2, 2) },
    };
    await expect(exactConstant(network, domain)).rejects.toThrow(/no input is in both/);
  });
});

describe('a slope that is attained', () => {
  it.each([1e-162, 3e-162, 1e-170])(
    'is not above the one there is where its square has lost digits: %d',
    (w) => {
      const form = formOf(NetworkBuilder.fromDense([layer([[w]])]));
      expect(provenSlope(form, vector(1), vector(1))).toBeLessThanOrEqual(w);
    },
  );

  it('is not above it along a direction whose square has', () => {
    const form = formOf(NetworkBuilder.fromDense([layer([[1e160]])]));
    expect(provenSlope(form, vector(1), vector(3e-162))).toBeLessThanOrEqual(1e160);
  });
});

describe('the prover', () => {
  const form = formOf(NetworkBuilder.fromDense([layer([[1]], abs)]));
  it.each([
    ['of 0', 0, 0],
    ['with a multiplier that is 0', -1500, 1e-6],
  ])('does not prove a bound %s of |x|', (_, logarithm, squared) => {
    expect(new Prover(form).boundOf(openState(form), vector(logarithm), squared)).toBe(Infinity);
  });
});

it('of outputs beyond count are none of a small network, which is said before they are made', () => {
  const builder = new NetworkBuilder('doubled');
  let x = builder.add('relu', { kind: 'nonlinearity', function: { name: 'relu' } }, [
    builder.input('x', [4]),
  ]);
  for (let k = 0; k < 25; k++) x = builder.add('twice', { kind: 'concat' }, [x, x]);
  expect(() => formOf(builder.build(x))).toThrow(/exact constants are of small networks/);
});

it('of products that leave float64 on the way nothing is said, least of all 0', () => {
  const builder = new NetworkBuilder('vanishing');
  let x = builder.add('relu', { kind: 'nonlinearity', function: relu }, [builder.input('x', [2])]);
  // 1e-330, which is 0 in float64, and so far off as that times all that follows.
  for (const factor of [1e-165, 1e-165, 1e284, 1e166, 1e276, 1e165])
    x = builder.add('scale', { kind: 'scale', scale: vector(factor) }, [x]);
  expect(() => formOf(builder.build(x))).toThrow(/products of weights that leave the range of float64/);
});
