/** Networks of convolutions and poolings for signals of any length, by the length of their input. */
import { NetworkBuilder } from '../../src/network/builder.ts';
import type { Elementwise } from '../../src/network/elementwise/elementwise.ts';
import type { Network } from '../../src/network/network.ts';
import type { Operator, PaddingMode } from '../../src/network/operator.ts';
import { Random } from './random.ts';

export const RELU: Operator = { kind: 'nonlinearity', function: { name: 'relu' } };
export const nonlinearity = (f: Elementwise): Operator => ({ kind: 'nonlinearity', function: f });

interface Geometry {
  readonly stride?: number;
  readonly dilation?: number;
  readonly before?: number;
  readonly after?: number;
  readonly mode?: PaddingMode;
}

export function convolution(
  random: Random,
  outputs: number,
  inputs: number,
  kernel: number,
  geometry: Geometry = {},
): Operator {
  const { stride = 1, dilation = 1, mode = 'zero' } = geometry;
  const half = (dilation * (kernel - 1)) >> 1;
  return {
    ...{ kind: 'convolution', outputs, inputs, groups: 1 },
    kernel: [kernel],
    stride: [stride],
    dilation: [dilation],
    padding: { mode, before: [geometry.before ?? half], after: [geometry.after ?? half] },
    weight: random.normals(outputs * inputs * kernel, 1.2 / Math.sqrt(inputs * kernel)),
  };
}

export const maxPool = (kernel: number, stride: number): Operator => ({
  ...{ kind: 'max-pool', kernel: [kernel], stride: [stride], dilation: [1], before: [0], after: [0] },
});

export const averagePool = (kernel: number, stride: number, pad = 0): Operator => ({
  kind: 'average-pool',
  kernel: [kernel],
  stride: [stride],
  padding: { mode: 'zero', before: [pad], after: [pad] },
  countIncludesPadding: pad === 0,
});

export const MEAN: Operator = { kind: 'global-average-pool', sum: false };

export type Body = (builder: NetworkBuilder, input: number, random: Random) => number;

export function chain(operators: (random: Random) => readonly Operator[]): Body {
  return (builder, input, random) =>
    operators(random).reduce((last, operator) => builder.add('', operator, [last]), input);
}

/** Networks of two input channels, by the length of their input. */
export function family(seed: number, body: Body): (length: number) => Network {
  return (length) => {
    const builder = new NetworkBuilder('signal');
    return builder.build(body(builder, builder.input('x', [2, length]), new Random(seed)));
  };
}

export const CAUSAL = { before: 4, after: 0 };

export const SIGNAL_FAMILIES: Readonly<Record<string, (length: number) => Network>> = {
  'chain with a stride': family(
    1,
    chain((r) => [
      convolution(r, 4, 2, 5),
      RELU,
      convolution(r, 4, 4, 3, { stride: 2 }),
      RELU,
      convolution(r, 2, 4, 5),
    ]),
  ),
  'causal, dilated, slopes of both signs': family(
    2,
    chain((r) => [
      convolution(r, 4, 2, 3, { dilation: 2, ...CAUSAL }),
      nonlinearity({ name: 'silu' }),
      convolution(r, 4, 4, 5, CAUSAL),
      nonlinearity({ name: 'silu' }),
      convolution(r, 2, 4, 5, CAUSAL),
    ]),
  ),
  'circular, leaky': family(
    3,
    chain((r) => [
      convolution(r, 4, 2, 5, { mode: 'circular' }),
      nonlinearity({ name: 'leaky-relu', slope: 0.1 }),
      convolution(r, 4, 4, 5, { mode: 'circular' }),
    ]),
  ),
  pooled: family(
    4,
    chain((r) => [
      convolution(r, 4, 2, 5),
      RELU,
      maxPool(2, 2),
      convolution(r, 4, 4, 3),
      RELU,
      averagePool(2, 2),
      convolution(r, 2, 4, 3),
    ]),
  ),
  'two linear layers in a row, a padded average': family(
    5,
    chain((r) => [
      convolution(r, 4, 2, 5),
      RELU,
      convolution(r, 4, 4, 5, { before: 0, after: 0 }),
      averagePool(4, 2, 1),
      convolution(r, 2, 4, 3),
    ]),
  ),
  'residual block with two convolutions': family(6, (b, input, r) => {
    const x = b.add('', RELU, [b.add('', convolution(r, 4, 2, 3, { before: 2, after: 0 }), [input])]);
    const y = b.add('', RELU, [b.add('', convolution(r, 4, 4, 3, { before: 2, after: 0 }), [x])]);
    const z = b.add('', convolution(r, 4, 4, 3, { before: 2, after: 0 }), [y]);
    const sum = b.add('', { kind: 'add', coefficients: [1, 1] }, [x, z]);
    return b.add('', convolution(r, 3, 4, 3), [b.add('', RELU, [sum])]);
  }),
  'residual block with a shortcut of stride 2': family(7, (b, input, r) => {
    const x = b.add('', RELU, [b.add('', convolution(r, 4, 2, 3), [input])]);
    const y = b.add('', RELU, [b.add('', convolution(r, 4, 4, 3, { stride: 2 }), [x])]);
    const short = b.add('', convolution(r, 4, 4, 1, { stride: 2 }), [x]);
    const long = b.add('', convolution(r, 4, 4, 3), [y]);
    const sum = b.add('', { kind: 'add', coefficients: [1, 1] }, [short, long]);
    return b.add('', convolution(r, 3, 4, 3), [b.add('', RELU, [sum])]);
  }),
  'residual stream': family(8, (b, input, r) => {
    let x = b.add('', convolution(r, 4, 2, 3), [input]);
    for (let k = 0; k < 2; k++) {
      const y = b.add('', convolution(r, 4, 4, 3), [b.add('', RELU, [x])]);
      x = b.add('', { kind: 'add', coefficients: [1, 0.5] }, [x, y]);
    }
    return b.add('', convolution(r, 3, 4, 3), [b.add('', RELU, [x])]);
  }),
  'max pooling beside a skip, joined as channels': family(9, (b, input, r) => {
    const x = b.add('', RELU, [b.add('', convolution(r, 4, 2, 3), [input])]);
    const y = b.add('', maxPool(2, 2), [x]);
    const z = b.add('', convolution(r, 4, 4, 4, { stride: 2, before: 1, after: 1 }), [x]);
    const both = b.add('', { kind: 'concat' }, [y, z]);
    return b.add('', convolution(r, 3, 8, 3), [both]);
  }),
};
