/** Small networks as if from files, and certificates of them. */
import { createHash } from 'node:crypto';
import { bound } from '../../src/bounds/bound.ts';
import type { BoundOptions } from '../../src/bounds/result.ts';
import { certify } from '../../src/certificate/certify.ts';
import type { Certificate } from '../../src/certificate/format.ts';
import type { Engine } from '../../src/engine/engine.ts';
import { NetworkBuilder } from '../../src/network/builder.ts';
import type { Network, TensorId } from '../../src/network/network.ts';
import type { Operator } from '../../src/network/operator.ts';
import { Random } from '../support/random.ts';

/** The network with a source, which only a file would give it. */
export function sourced(network: Network): Network {
  const sha256 = createHash('sha256').update(network.name).digest('hex');
  return { ...network, source: { file: `${network.name}.onnx`, sha256, bytes: 1e6 } };
}

/** Convolutions with padding and stride, a residual sum, max pooling, and a fully connected layer. */
export function smallCnn(seed = 1): Network {
  const random = new Random(seed);
  const b = new NetworkBuilder('small-cnn');
  const relu = (name: string, t: TensorId) =>
    b.add(name, { kind: 'nonlinearity', function: { name: 'leaky-relu', slope: 0.1 } }, [t]);
  const conv = (outputs: number, inputs: number, stride: number): Operator => ({
    kind: 'convolution',
    ...{ outputs, inputs, groups: 1, kernel: [3, 3], stride: [stride, stride], dilation: [1, 1] },
    padding: { mode: 'zero', before: [1, 1], after: [1, 1] },
    weight: random.normals(9 * outputs * inputs, 0.4),
  });
  let x = b.input('image', [2, 6, 6]);
  x = relu('relu_1', b.add('conv_1', conv(4, 2, 1), [x]));
  const branch = b.add('conv_3', conv(4, 4, 1), [relu('relu_2', b.add('conv_2', conv(4, 4, 1), [x]))]);
  x = b.add('sum', { kind: 'add', coefficients: [1, 1] }, [x, branch]);
  x = relu('relu_3', b.add('conv_4', conv(4, 4, 2), [x]));
  const pool = { kernel: [2, 2], stride: [1, 1], dilation: [1, 1], before: [0, 0], after: [0, 0] };
  x = b.add('pool', { kind: 'max-pool', ...pool }, [x]);
  x = b.add('dense', { kind: 'affine', outputs: 3, inputs: 16, weight: random.normals(48, 0.5) }, [x]);
  return sourced(b.build(x));
}

/** 4-3-3-2 with leaky ReLU and weights of few bits, so that it can be followed in rational numbers. */
export function smallMlp(seed = 1): Network {
  const random = new Random(seed);
  const b = new NetworkBuilder('small-mlp');
  let x = b.input('x', [4]);
  for (const [k, [outputs, inputs]] of (
    [
      [3, 4],
      [3, 3],
      [2, 3],
    ] as const
  ).entries()) {
    const weight = random.normals(outputs * inputs).map((w) => Math.round(8 * w) / 8);
    x = b.add(`linear_${k}`, { kind: 'affine', outputs, inputs, weight }, [x]);
    if (k < 2)
      x = b.add(`relu_${k}`, { kind: 'nonlinearity', function: { name: 'leaky-relu', slope: 0.1 } }, [x]);
  }
  return sourced(b.build(x));
}

export async function certified(
  network: Network,
  engine: Engine,
  options: BoundOptions = { method: 'refined', evaluations: 15 },
): Promise<{ certificate: Certificate; bound: number; inflation: number }> {
  const result = await bound(network, { ...options, engine, lower: false });
  const rows = result.methods.filter((m) => m.method !== 'spectral-product' && m.bound !== null);
  return {
    certificate: await certify(network, result, { by: 'test' }),
    bound: Math.min(...rows.map((m) => m.bound!)),
    inflation: result.inflation?.factor ?? 1,
  };
}
