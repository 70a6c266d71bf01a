/** The penalty on models of TensorFlow.js: value and gradient of its term against the bound of the model itself. */
import * as tf from '@tensorflow/tfjs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createEngine } from '../../src/engine/create.ts';
import type { Engine } from '../../src/engine/engine.ts';
import { InputError } from '../../src/errors.ts';
import { lipschitzPenalty } from '../../src/training/lipschitzPenalty.ts';
import { Random } from '../support/random.ts';

let engine: Engine;
beforeAll(async () => {
  await tf.setBackend('cpu');
  engine = await createEngine({ engine: 'cpu-wasm', threads: 1 });
});
afterAll(() => engine.close());

function model(): tf.LayersModel {
  const kernelInitializer = tf.initializers.heNormal({ seed: 5 });
  return tf.sequential({
    layers: [
      tf.layers.conv1d({ inputShape: [4, 2], filters: 3, kernelSize: 3, padding: 'same', kernelInitializer }),
      tf.layers.batchNormalization({}),
      tf.layers.reLU({}),
      tf.layers.flatten(),
      tf.layers.dense({ units: 2, kernelInitializer }),
    ],
  });
}

it('the term has the value of the bound, and its gradient in the layout of the model', async () => {
  const own = model();
  const penalty = lipschitzPenalty(own, tf, { engine, evaluations: 0 });
  expect(() => penalty.term()).toThrow(InputError);
  const { smooth, weights } = await penalty.update();
  const trained = own.trainableWeights.filter(({ originalName }) => /kernel|gamma/.test(originalName));
  expect(weights.map(({ name, shape }) => [name, shape])).toEqual(
    trained.map(({ originalName, shape }) => [originalName, shape]),
  );
  expect(penalty.term().dataSync()[0]).toBeCloseTo(smooth, 4);
  const { grads } = tf.variableGrads(() => penalty.term() as tf.Scalar);
  const random = new Random(4);
  const start = own.getWeights().map((weight) => weight.dataSync().slice());
  const directions = own.weights.map(({ originalName }, k) =>
    random.normals(/kernel|gamma/.test(originalName) ? start[k]!.length : 0),
  );
  const at = async (by: number) => {
    const values = own.getWeights().map((weight, k) =>
      tf.tensor(
        start[k]!.map((x, n) => x + by * (directions[k]![n] ?? 0)),
        weight.shape,
      ),
    );
    own.setWeights(values);
    tf.dispose(values);
    return (await penalty.update()).smooth;
  };
  const step = 1e-3;
  const difference = ((await at(step)) - (await at(-step))) / (2 * step);
  const found = own.weights.reduce((sum, weight, k) => {
    const gradient = grads[(weight.read() as tf.Variable).name]?.dataSync();
    return sum + directions[k]!.reduce((part, d, n) => part + d * (gradient?.[n] ?? 0), 0);
  }, 0);
  expect(Math.abs(found - difference)).toBeLessThan(1e-3 * (1 + Math.abs(difference)));
  tf.dispose(grads);
  const before = tf.memory().numTensors;
  await penalty.update();
  expect(tf.memory().numTensors).toBe(before);
  penalty.dispose();
});
