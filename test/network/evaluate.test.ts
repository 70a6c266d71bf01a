import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { NetworkBuilder } from '../../src/network/builder.ts';
import { evaluate, evaluateOperator } from '../../src/network/evaluation/evaluate.ts';
import { jacobian } from '../../src/network/evaluation/jacobian.ts';
import { isLinear } from '../../src/network/linearOperator.ts';
import { linearMatrix, linearOffset, linearPart } from '../../src/network/matrix.ts';
import type {
  Convolution,
  Operator,
  PaddingMode,
  TransposedConvolution,
} from '../../src/network/operator.ts';
import { outputShape } from '../../src/network/shape.ts';
import { product } from '../../src/network/size.ts';
import { arbitraryNetwork, Random, relativeDifference } from './arbitrary.ts';

function run(operator: Operator, x: readonly number[] | Float64Array, shape: readonly number[]): number[] {
  const output = outputShape('test', operator, [shape]);
  return [...evaluateOperator(operator, [Float64Array.from(x)], [shape], output)];
}

describe('paddings, as the padded line they stand for', () => {
  test.each<[PaddingMode, number[]]>([
    ['zero', [0, 0, 1, 2, 3, 4, 0, 0, 0]],
    ['circular', [3, 4, 1, 2, 3, 4, 1, 2, 3]],
    ['reflect', [3, 2, 1, 2, 3, 4, 3, 2, 1]],
    ['replicate', [1, 1, 1, 2, 3, 4, 4, 4, 4]],
  ])('%s', (mode, padded) => {
    const padding = { mode, before: [2], after: [3] };
    expect(run({ kind: 'pad', padding }, [1, 2, 3, 4], [1, 4])).toEqual(padded);
    const weight = Float64Array.of(1, 10, 100);
    const one = { outputs: 1, inputs: 1, groups: 1, kernel: [3], stride: [2], dilation: [2], weight };
    const expected = [0, 2, 4].map((j) => padded[j]! + 10 * padded[j + 2]! + 100 * padded[j + 4]!);
    expect(run({ kind: 'convolution', ...one, padding }, [1, 2, 3, 4], [1, 4])).toEqual(expected);
  });
});

/** The definition in operator.ts, written out for two axes and zero padding. */
function convolutionByDefinition(k: Convolution, x: Float64Array, [, h, w]: readonly number[]): number[] {
  const [kh, kw] = k.kernel as [number, number];
  const side = (axis: number, n: number) =>
    Math.floor(
      (n + k.padding.before[axis]! + k.padding.after[axis]! - k.dilation[axis]! * (k.kernel[axis]! - 1) - 1) /
        k.stride[axis]!,
    ) + 1;
  const result: number[] = [];
  const perGroup = k.inputs / k.groups;
  for (let o = 0; o < k.outputs; o++)
    for (let u = 0; u < side(0, h!); u++)
      for (let v = 0; v < side(1, w!); v++) {
        let sum = k.bias?.[o] ?? 0;
        for (let i = 0; i < perGroup; i++)
          for (let s = 0; s < kh; s++)
            for (let t = 0; t < kw; t++) {
              const row = k.stride[0]! * u + k.dilation[0]! * s - k.padding.before[0]!;
              const column = k.stride[1]! * v + k.dilation[1]! * t - k.padding.before[1]!;
              if (row < 0 || row >= h! || column < 0 || column >= w!) continue;
              const channel = Math.floor(o / (k.outputs / k.groups)) * perGroup + i;
              sum +=
                k.weight[((o * perGroup + i) * kh + s) * kw + t]! * x[(channel * h! + row) * w! + column]!;
            }
        result.push(sum);
      }
  return result;
}

test('a convolution is its definition, a transposed one its adjoint', () => {
  fc.assert(
    fc.property(fc.nat(), (seed) => {
      const random = new Random(seed);
      const groups = random.integer(1, 2);
      const [inputs, outputs] = [groups * random.integer(1, 2), groups * random.integer(1, 2)];
      const pair = (least: number, most: number) => [
        random.integer(least, most),
        random.integer(least, most),
      ];
      const [kernel, stride, dilation] = [pair(1, 3), pair(1, 3), pair(1, 2)];
      const [before, after] = [pair(0, 2), pair(0, 2)];
      const weight = random.vector(outputs * (inputs / groups) * product(kernel));
      const common = { groups, kernel, stride, dilation, weight };
      const convolution: Convolution = {
        ...common,
        kind: 'convolution',
        inputs,
        outputs,
        padding: { mode: 'zero', before, after },
      };
      const shape = [inputs, random.integer(5, 7), random.integer(5, 7)];
      const x = random.vector(product(shape));
      const y = run(convolution, x, shape);
      expect(relativeDifference(y, convolutionByDefinition(convolution, x, shape))).toBeLessThan(1e-13);

      // ⟨K x, z⟩ = ⟨x, Kᵀ z⟩, with as much output padding as the strides left over.
      const image = outputShape('k', convolution, [shape]);
      const outputPadding = [1, 2].map((axis) => {
        const reach =
          (image[axis]! - 1) * stride[axis - 1]! + dilation[axis - 1]! * (kernel[axis - 1]! - 1) + 1;
        return shape[axis]! + before[axis - 1]! + after[axis - 1]! - reach;
      });
      const adjoint: TransposedConvolution = {
        ...common,
        kind: 'transposed-convolution',
        inputs: outputs,
        outputs: inputs,
        before,
        after,
        outputPadding,
      };
      const z = random.vector(product(image));
      const back = run(adjoint, z, image);
      expect(back.length).toBe(x.length);
      const inner = (a: ArrayLike<number>, b: ArrayLike<number>) =>
        Array.from(a).reduce((s, v, i) => s + v * b[i]!, 0);
      expect(Math.abs(inner(y, z) - inner(x, back))).toBeLessThan(1e-11);
    }),
    { numRuns: 300 },
  );
});

describe('small cases by hand', () => {
  const one = { kernel: [3], stride: [2] };
  const padding = { mode: 'zero' as const, before: [1], after: [1] };

  test('average pool, padding counted or not', () => {
    const counted = { kind: 'average-pool' as const, ...one, padding, countIncludesPadding: true };
    expect(run(counted, [3, 6, 9], [1, 3])).toEqual([3, 5]);
    expect(run({ ...counted, countIncludesPadding: false }, [3, 6, 9], [1, 3])).toEqual([4.5, 7.5]);
  });

  test('max pool: padding is never the maximum', () => {
    const pool: Operator = { kind: 'max-pool', ...one, dilation: [1], before: [1], after: [1] };
    expect(run(pool, [-3, -6, -9], [1, 3])).toEqual([-3, -6]);
  });

  test('max pool: a window far wider than the image costs what it sees', () => {
    const wide = { kernel: [1e8 + 1], stride: [2], dilation: [1], before: [5e7], after: [5e7] };
    expect(run({ kind: 'max-pool', ...wide }, [-3, -6, -9, -1], [1, 4])).toEqual([-1, -1]);
    const holes = { kernel: [1e4], stride: [3], dilation: [2], before: [9999], after: [10002] };
    // Windows begin at −9999, −9996 and −9993: odd, even and odd samples.
    expect(run({ kind: 'max-pool', ...holes }, [8, -3, 7, -6], [1, 4])).toEqual([-3, 8, -3]);
  });

  test('global pools', () => {
    expect(run({ kind: 'global-average-pool', sum: false }, [1, 2, 3, 6], [2, 1, 2])).toEqual([1.5, 4.5]);
    expect(run({ kind: 'global-average-pool', sum: true }, [1, 2, 3, 6], [2, 2])).toEqual([3, 9]);
    expect(run({ kind: 'global-max-pool' }, [1, 2, -3, -6], [2, 2])).toEqual([2, -3]);
  });

  test('reindex: transposed, then read row-major', () => {
    expect(run({ kind: 'reindex', permutation: [1, 0], shape: [6] }, [1, 2, 3, 4, 5, 6], [2, 3])).toEqual([
      1, 4, 2, 5, 3, 6,
    ]);
    const x = Float64Array.from({ length: 24 }, (_, n) => n);
    const y = run({ kind: 'reindex', permutation: [2, 0, 1], shape: [4, 2, 3] }, x, [2, 3, 4]);
    for (let a = 0; a < 4; a++)
      for (let b = 0; b < 2; b++)
        for (let c = 0; c < 3; c++) expect(y[(a * 2 + b) * 3 + c]).toBe(x[(b * 3 + c) * 4 + a]);
  });

  test('softmax over the channels of each position', () => {
    const y = run({ kind: 'softmax', logarithm: false }, [0, 1000, Math.log(3), 1000], [2, 2]);
    expect(relativeDifference(y, [0.25, 0.5, 0.75, 0.5])).toBeLessThan(1e-15);
    const logarithms = run({ kind: 'softmax', logarithm: true }, [0, 1000, Math.log(3), 1000], [2, 2]);
    expect(relativeDifference(logarithms, y.map(Math.log))).toBeLessThan(1e-15);
  });

  test('max-gather', () => {
    const windows = [Int32Array.of(0, 3), Int32Array.of(1), Int32Array.of(2, 1)];
    expect(run({ kind: 'max-gather', windows }, [1, 2, 3, 4], [2, 2])).toEqual([4, 2, 3]);
  });
});

test('the matrix of a linear operator is that operator', () => {
  let seen = 0;
  fc.assert(
    fc.property(arbitraryNetwork(4, false), fc.nat(), ({ network }, seed) => {
      for (const { operator, inputs, output } of network.nodes) {
        if (!isLinear(operator)) continue;
        seen++;
        const shape = network.tensors[inputs[0]!]!.shape;
        const x = new Random(seed).vector(product(shape));
        const { rows, columns, data } = linearMatrix(operator, shape);
        const offset = linearOffset(operator, shape);
        const y = offset.map((b, r) => x.reduce((sum, v, c) => sum + data[r * columns + c]! * v, b));
        expect([rows, columns]).toEqual([product(network.tensors[output]!.shape), x.length]);
        expect(relativeDifference(y, run(operator, x, shape))).toBeLessThan(1e-12);
        const zero = run(linearPart(operator), new Float64Array(x.length), shape);
        expect(zero.every((value) => value === 0)).toBe(true);
      }
    }),
    { numRuns: 500 },
  );
  expect(seen).toBeGreaterThan(300);
});

test('the Jacobian predicts small increments', () => {
  fc.assert(
    fc.property(arbitraryNetwork(5, false), fc.nat(), fc.boolean(), ({ network, x }, seed, logarithm) => {
      const builder = new NetworkBuilder('with softmax');
      const images = new Map([[network.input, builder.input('x', network.tensors[network.input]!.shape)]]);
      for (const node of network.nodes) {
        images.set(
          node.output,
          builder.add(
            node.name,
            node.operator,
            node.inputs.map((id) => images.get(id)!),
          ),
        );
      }
      const end = builder.add('softmax', { kind: 'softmax', logarithm }, [images.get(network.output)!]);
      const whole = builder.build(end);
      const { columns, data } = jacobian(whole, x);
      const direction = new Random(seed).vector(x.length);
      const h = 1e-7;
      const moved = (sign: number) =>
        evaluate(
          whole,
          x.map((v, i) => v + sign * h * direction[i]!),
        );
      const [up, here, down] = [moved(1), evaluate(whole, x), moved(-1)];
      for (let r = 0; r < here.length; r++) {
        const predicted = direction.reduce((sum, v, c) => sum + data[r * columns + c]! * v, 0);
        const oneSided = [(up[r]! - here[r]!) / h, (here[r]! - down[r]!) / h];
        // Near a kink the two sides differ and the Jacobian may be of either.
        if (Math.abs(oneSided[0]! - oneSided[1]!) > 1e-5 * (1 + Math.abs(oneSided[0]!))) continue;
        expect(Math.abs(predicted - oneSided[0]!)).toBeLessThan(1e-4 * (1 + Math.abs(predicted)));
      }
    }),
    { numRuns: 300 },
  );
});

test('refuses an input of another size', () => {
  const builder = new NetworkBuilder('n');
  const network = builder.build(builder.input('x', [2, 3]));
  expect(() => evaluate(network, new Float64Array(5))).toThrow('the input has 6 entries, got 5');
});
