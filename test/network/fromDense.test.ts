/** Networks from plain numbers. */
import { describe, expect, it } from 'vitest';
import { InputError } from '../../src/errors.ts';
import { type DenseLayer, NetworkBuilder } from '../../src/network/builder.ts';
import { evaluate } from '../../src/network/evaluation/evaluate.ts';
import { MLP_LAYERS, mlp } from '../formats/files/networks.ts';
import { expectSame } from '../formats/same.ts';

const rows = ({ weight, bias }: (typeof MLP_LAYERS)[number]) =>
  Array.from(bias, (_, k) => [
    ...weight.subarray((k * weight.length) / bias.length, ((k + 1) * weight.length) / bias.length),
  ]);
const relu = (k: number) => (k < 2 ? { activation: 'relu' as const } : {});

describe('fromDense', () => {
  it.each<[string, readonly DenseLayer[]]>([
    [
      'arrays of rows',
      MLP_LAYERS.map((layer, k) => ({ weight: rows(layer), bias: [...layer.bias], ...relu(k) })),
    ],
    ['float32 arrays', MLP_LAYERS.map((layer, k) => ({ ...layer, ...relu(k) }))],
    [
      'rows of float64',
      MLP_LAYERS.map((layer, k) => ({
        weight: rows(layer).map((row) => Float64Array.from(row)),
        bias: layer.bias,
        ...relu(k),
      })),
    ],
  ])('takes %s', async (_, layers) => {
    await expectSame(NetworkBuilder.fromDense(layers), mlp());
  });

  it('takes functions with parameters, and weights without biases', () => {
    const network = NetworkBuilder.fromDense(
      [
        { weight: Float64Array.of(1, 2, 3, 4), activation: { name: 'leaky-relu', slope: 0.5 } },
        { weight: [[1, -1]] },
      ],
      2,
    );
    // [1, −1] ↦ [−1, −1] ↦ [−½, −½], and [−1, 1] ↦ [1, 1].
    expect([...evaluate(network, Float64Array.of(1, -1))]).toEqual([0]);
    expect([...evaluate(network, Float64Array.of(-2, 1))]).toEqual([0 - -1]);
  });

  it.each<[string, readonly unknown[], RegExp]>([
    ['no layers', [], /must have layers/],
    [
      'another field',
      [{ weight: [[1]], weights: [[1]] }],
      /layer 1: must have weight, bias, activation, got weights/,
    ],
    ['another function', [{ weight: [[1]], activation: 'lstm' }], /activation must be one of .*got lstm/],
    [
      'a function without its parameter',
      [{ weight: [[1]], activation: 'prelu' }],
      /given with its parameters/,
    ],
    ['ragged rows', [{ weight: [[1, 2], [3]] }], /rows must be of one length, got 2 and 1/],
    ['no rows', [{ weight: [] }], /layer 1|sides/],
    ['weights that do not fit', [{ weight: [[1, 2]] }, { weight: [[1, 2]] }], /layer 2/],
    ['biases that do not fit', [{ weight: [[1, 2]], bias: [1, 2] }], /layer 1/],
    ['weights of an unknown number of rows', [{ weight: Float32Array.of(1, 2, 3) }], /whole number of rows/],
    [
      'weights that are no rows',
      [{ weight: Float32Array.of(1, 2, 3), bias: [1, 2] }],
      /whole number of rows/,
    ],
    ['numbers that are none', [{ weight: [[Number.NaN]] }], /must be finite/],
  ])('refuses %s', (_, layers, message) => {
    const build = () => NetworkBuilder.fromDense(layers as DenseLayer[]);
    expect(build).toThrow(InputError);
    expect(build).toThrow(message);
  });
});
