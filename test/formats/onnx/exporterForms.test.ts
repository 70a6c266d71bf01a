/** Attributes and forms that exporters write where others do without: values as ONNX Runtime computes them, or a refusal. */
import { describe, expect, it } from 'vitest';
import type { TensorProto } from '../../../src/formats/onnx/protobuf/onnx_pb.ts';
import { product } from '../../../src/network/size.ts';
import { Random, relativeDifference } from '../../network/arbitrary.ts';
import { evaluateBatch, floats, integers, model, node, read } from './build.ts';
import { runOnnx } from './onnxRuntime.ts';

type Last = ReturnType<typeof node>;

function bytesOf(last: Last, dims: readonly number[], initializers: readonly TensorProto[]): Uint8Array {
  return model([last], { inputs: { x: dims }, initializers, opset: 19 });
}

/** The operator last of a network, at some inputs, as both have it. */
async function expectEqual(
  last: Last,
  dims: readonly number[],
  initializers: readonly TensorProto[] = [],
): Promise<void> {
  const bytes = bytesOf(last, dims, initializers);
  const x = Float32Array.from(new Random(7).vector(product(dims)), (value) => 4 * value);
  const own = evaluateBatch(await read(bytes), Float64Array.from(x));
  expect(relativeDifference(own, await runOnnx(bytes, x, dims))).toBeLessThan(1e-5);
}

async function expectRefused(
  reason: RegExp,
  last: Last,
  dims: readonly number[],
  initializers: readonly TensorProto[] = [],
): Promise<void> {
  await expect(read(bytesOf(last, dims, initializers))).rejects.toThrow(reason);
}

describe('Resize', () => {
  const image = [1, 2, 7, 5];
  const to = (...sides: number[]) => integers('s', [sides.length], sides);
  const resized = (attributes: Parameters<typeof node>[3]) => node('Resize', 'x   s', 'y', attributes);
  const half = { mode: 'linear', antialias: 1n };

  it.each([
    ['a smaller image of means', half, [3, 2]],
    ['one side smaller, one larger', half, [3, 9]],
    ['one pixel', half, [1, 1]],
    ['of pixels inside alone', { ...half, exclude_outside: 1n }, [3, 4]],
    ['from corner to corner', { ...half, coordinate_transformation_mode: 'align_corners' }, [4, 3]],
    ['asymmetric', { ...half, coordinate_transformation_mode: 'asymmetric' }, [4, 3]],
    ['cubic of pixels inside alone', { mode: 'cubic', exclude_outside: 1n }, [4, 9]],
    [
      'cubic of pixels inside alone, another kernel',
      { mode: 'cubic', exclude_outside: 1n, cubic_coeff_a: -0.5 },
      [13, 3],
    ],
  ] as const)('%s', async (_, attributes, [height, width]) => {
    await expectEqual(resized({ ...attributes }), image, [to(1, 2, height, width)]);
  });

  it.each(['not_larger', 'not_smaller'])('keeps the ratio of its sides: %s', async (policy) => {
    for (const mode of ['nearest', 'linear']) {
      const attributes = { mode, axes: [2n, 3n], keep_aspect_ratio_policy: policy };
      for (const sides of [
        [8, 8],
        [14, 5],
        [3, 4],
      ])
        await expectEqual(resized(attributes), [1, 2, 7, 5], [to(...sides)]);
    }
  });

  it('by a factor that float32 rounds has its first entry at the first', async () => {
    const scales = floats('s', [3], [1, 1, 1.7]);
    const nearest = (coordinates: string, rounding: string) =>
      node('Resize', 'x  s', 'y', {
        ...{ mode: 'nearest', coordinate_transformation_mode: coordinates, nearest_mode: rounding },
      });
    await expectEqual(nearest('asymmetric', 'floor'), [1, 1, 4], [scales]);
    // Terms cancel, and what is above a whole number by rounding would be the next.
    const by = floats('s', [3], [1, 1, 1.5]);
    await expectRefused(/left to rounding/, nearest('half_pixel_symmetric', 'ceil'), [1, 1, 3], [by]);
  });

  it('refuses what implementations do not share', async () => {
    const cubic = resized({ mode: 'cubic', antialias: 1n });
    await expectRefused(/antialias = 1 with mode cubic/, cubic, image, [to(1, 2, 3, 2)]);
    const linear = resized({ mode: 'linear', exclude_outside: 1n });
    await expectRefused(/exclude_outside = 1 with mode linear/, linear, image, [to(1, 2, 3, 2)]);
  });
});

describe('Clip', () => {
  it.each([
    [2, 1],
    [1, 1],
  ])('from %i to %i is constant', async (min, max) => {
    const limits = [floats('a', [], [min]), floats('b', [], [max])];
    await expectEqual(node('Clip', 'x a b', 'y'), [1, 4], limits);
  });
});

describe('AveragePool with dilations', () => {
  const dilated = { kernel_shape: [2n, 3n], dilations: [2n, 2n], strides: [1n, 2n] };
  it.each([
    ['padding that is not counted', { ...dilated, pads: [1n, 2n, 1n, 1n] }],
    ['windows that reach beyond', { ...dilated, ceil_mode: 1n }],
    ['padding that is counted', { ...dilated, pads: [1n, 2n, 1n, 1n], count_include_pad: 1n }],
  ])('and %s', async (_, attributes) => {
    await expectEqual(node('AveragePool', 'x', 'y', attributes), [1, 2, 5, 8]);
  });

  it('and windows beside the image is refused', async () => {
    const beside = { kernel_shape: [2n], dilations: [3n], pads: [2n, 2n] };
    await expectRefused(/a window beside the image/, node('AveragePool', 'x', 'y', beside), [1, 1, 1]);
  });
});

describe('Einsum of several constants', () => {
  const random = new Random(3);
  const w = (name: string, ...dims: number[]) =>
    floats(name, dims, [...random.vector(product(dims))].map(Math.fround));

  it.each([
    ['one after the other', 'bi,ij,jk->bk', [w('v', 3, 2), w('w', 2, 4)]],
    ['entry by entry', 'bi,i,i->bi', [w('v', 3), w('w', 3)]],
    ['an axis of its own', 'bi,ij,kj->bk', [w('v', 3, 2), w('w', 4, 2)]],
  ])('%s', async (_, equation, initializers) => {
    await expectEqual(node('Einsum', 'x v w', 'y', { equation }), [1, 3], initializers);
  });

  it('whose product float64 rounds is refused', async () => {
    const constants = ['u', 'v', 'w'].map((name) => w(name, 3));
    const last = node('Einsum', 'x u v w', 'y', { equation: 'bi,i,i,i->bi' });
    await expectRefused(/whose product is rounded/, last, [1, 3], constants);
  });
});
