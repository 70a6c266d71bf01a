/** Gates written out with any constants: the slopes of the function that is written lie in the interval that is used. */
import { describe, expect, it } from 'vitest';
import type { NodeProto, TensorProto } from '../../../src/formats/onnx/protobuf/onnx_pb.ts';
import { DataType } from '../../../src/formats/onnx/values/tensors.ts';
import { slopeInterval } from '../../../src/network/elementwise/elementwise.ts';
import { ERF_SLOPE, erf, exp, fixed, maximum, ONE, over, tanh, times } from '../../support/fixedFunctions.ts';
import { model, node, read } from './build.ts';
import { tensor } from './tensorProto.ts';

const double = (name: string, value: number) => tensor(name, 'double', [], [value]);

/** The interval of the slopes of a pattern: of its nonlinearity, times the scale behind it. */
async function interval(nodes: NodeProto[], initializers: TensorProto[]) {
  const bytes = model(nodes, { initializers, inputType: DataType.DOUBLE, opset: 18 });
  const [activation, scale, ...more] = (await read(bytes)).nodes.map(({ operator }) => operator);
  expect(more).toEqual([]);
  if (activation?.kind !== 'nonlinearity') throw new Error('must be a nonlinearity');
  const factor = scale?.kind === 'scale' ? fixed(scale.scale[0]!) : ONE;
  const { lower, upper } = slopeInterval(activation.function);
  return { lower: times(factor, fixed(lower[0]!)), upper: times(factor, fixed(upper[0]!)) };
}

/** The interval holds the slopes, and exceeds them by no more than a relative `excess`. */
function holds(
  { lower, upper }: { lower: bigint; upper: bigint },
  slope: (x: bigint) => bigint,
  reach: number,
  excess: number,
): void {
  const most = maximum(slope, 0, reach);
  const least = -maximum((x) => -slope(x), -reach, 0);
  const allowed = times(fixed(excess), most);
  expect(upper >= most && lower <= least, `[${lower}, ${upper}] against [${least}, ${most}]`).toBe(true);
  expect(upper - most <= allowed && least - lower <= allowed).toBe(true);
}

const PARTS = 2 ** -22;
const CORNERS = [-1, 1].flatMap((a) => [-1, 1].map((b) => [a * PARTS, b * PARTS] as const));

describe('GELU by tanh', () => {
  const pattern = [
    node('Mul', 'x x', 'q'),
    node('Mul', 'q x', 'u3'),
    node('Mul', 'u3 c', 'v'),
    node('Add', 'x v', 's'),
    node('Mul', 's k', 'a'),
    node('Tanh', 'a', 't'),
    node('Add', 't o', 'g'),
    node('Mul', 'x h', 'm'),
    node('Mul', 'm g', 'y'),
  ];

  /** h (1 + tanh a) + h x a′ (1 − tanh² a) for a = k (x + c x³) */
  const slope = (k: number, c: number, h: number) => {
    const [rate, cubic, half] = [fixed(k), fixed(c), fixed(h)];
    return (x: bigint) => {
      const t = tanh(times(rate, x + times(cubic, x, x, x)));
      const inner = times(rate, ONE + 3n * times(cubic, x, x));
      return times(half, ONE + t + times(x, inner, ONE - times(t, t)));
    };
  };

  const usual = [Math.sqrt(2 / Math.PI), 0.044715] as const;
  it.each([
    ['rounded to float32', Math.fround(usual[0]), Math.fround(usual[1]), 0.5, 1e-6],
    ['as float64', usual[0], usual[1], 0.5, 1e-12],
    ['as float16', 0.7978515625, 0.044708251953125, 0.5, 1e-3],
    ...CORNERS.map(
      ([a, b]) => [`off by ${a} and ${b}`, usual[0] * (1 + a), usual[1] * (1 + b), 0.5, 2e-6] as const,
    ),
    ...CORNERS.map(
      ([a, b]) => ['far off', usual[0] * (1 + 2 ** 14 * a), usual[1] * (1 + 2 ** 14 * b), 0.5, 0.02] as const,
    ),
    ['with another factor', usual[0], usual[1], 0.3, 1e-12],
  ] as const)('%s', async (_, k, c, h, excess) => {
    const initializers = [double('k', k), double('c', c), double('o', 1), double('h', h)];
    holds(await interval(pattern, initializers), slope(k, c, h), 4, excess);
  });

  it('is not seen with other constants', async () => {
    const initializers = [double('k', 1), double('c', 0.044715), double('o', 1), double('h', 0.5)];
    await expect(interval(pattern, initializers)).rejects.toThrow(/data by data/);
  });
});

describe('GELU by erf', () => {
  /** ½ (1 + erf z) + ½ z erf′ z for z = r x */
  const slope = (r: number) => {
    const rate = fixed(r);
    return (x: bigint) => {
      const z = times(rate, x);
      return (ONE + erf(z) + times(z, ERF_SLOPE, exp(-times(z, z)))) / 2n;
    };
  };

  it.each([
    Math.SQRT1_2,
    Math.fround(Math.SQRT1_2),
    Math.SQRT1_2 * (1 - PARTS),
    Math.SQRT1_2 * (1 + PARTS),
    0.5,
    3,
  ])('of rate %d', async (r) => {
    const nodes = [
      node('Mul', 'x r', 'z'),
      node('Erf', 'z', 'e'),
      node('Add', 'e o', 'g'),
      node('Mul', 'x g', 'm'),
      node('Mul', 'm h', 'y'),
    ];
    const initializers = [double('r', r), double('o', 1), double('h', 0.5)];
    holds(await interval(nodes, initializers), slope(r), 2.5 / r, 1e-12);
  });
});

describe('SiLU, Mish and hard swish', () => {
  it.each([1, 1.702, 1 - PARTS, -0.3])('x σ(%d x)', async (beta) => {
    const rate = fixed(beta);
    const slope = (x: bigint) => {
      const s = over(ONE, ONE + exp(-times(rate, x)));
      return s + times(rate, x, s, ONE - s);
    };
    const nodes = [node('Mul', 'x b', 'z'), node('Sigmoid', 'z', 's'), node('Mul', 'x s', 'y')];
    // Mirrored for negative rates, which makes the larger slope that of negative numbers.
    const own = beta < 0 ? (x: bigint) => slope(-x) : slope;
    holds(await interval(nodes, [double('b', beta)]), own, 4 / Math.abs(beta), 1e-12);
  });

  it('x tanh(softplus x)', async () => {
    // tanh(log(1 + e^x)) = (w² − 1) / (w² + 1), w = 1 + e^x
    const slope = (x: bigint) => {
      const e = exp(x);
      const square = times(ONE + e, ONE + e);
      const t = over(square - ONE, square + ONE);
      return t + times(x, ONE - times(t, t), over(e, ONE + e));
    };
    const nodes = [node('Softplus', 'x', 's'), node('Tanh', 's', 't'), node('Mul', 'x t', 'y')];
    holds(await interval(nodes, []), slope, 4, 1e-12);
  });

  const factors = Array.from({ length: 16 }, (_, k) => (k + 1) / 17);
  it.each([1 / 6, Math.fround(1 / 6), (1 / 6) * (1 + PARTS), ...factors])(
    'x ReLU6(x + 3) times %d',
    async (m) => {
      const nodes = [
        node('Add', 'x three', 'z'),
        node('Clip', 'z zero six', 'g'),
        node('Mul', 'x g', 'p'),
        node('Mul', 'p m', 'y'),
      ];
      const initializers = [double('three', 3), double('zero', 0), double('six', 6), double('m', m)];
      // (2 x + 3) m up to the kinks at ±3
      const { lower, upper } = await interval(nodes, initializers);
      expect(upper >= 9n * fixed(m) && lower <= -3n * fixed(m)).toBe(true);
      expect(upper - 9n * fixed(m) <= fixed(1e-13)).toBe(true);
    },
  );

  it.each([Math.fround(1 / 6), Math.fround(0.2), 0.25])('x HardSigmoid x of rate %d', async (alpha) => {
    const nodes = [node('HardSigmoid', 'x', 'g', { alpha, beta: 0.5 }), node('Mul', 'x g', 'y')];
    // 2 α x + ½ up to the kinks at ±1/(2 α)
    expect(await interval(nodes, [])).toEqual({ lower: -ONE / 2n, upper: (3n * ONE) / 2n });
  });
});

describe('factors of the file', () => {
  it('that leave float64 on the way are not multiplied', async () => {
    const nodes = [
      node('Sigmoid', 'x', 's'),
      node('Mul', 's x', 'a'),
      node('Mul', 'a tiny', 'b'),
      node('Mul', 'b tiny', 'c'),
      node('Mul', 'c huge', 'd'),
      node('Mul', 'd huge', 'y'),
    ];
    const initializers = [double('tiny', 1e-200), double('huge', 1e200)];
    const network = await read(model(nodes, { initializers, inputType: DataType.DOUBLE }));
    const scales = network.nodes.map(({ operator }) => (operator.kind === 'scale' ? operator.scale[0] : 1));
    expect(scales).toEqual([1, 1e-200, 1e-200, 1e200, 1e200]);
  });
});
