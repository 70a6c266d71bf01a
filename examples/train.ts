/**
 * Trains the example networks and writes them as ONNX files beside this one: `npm run train` for all of them, `npm run train beats`
 * for those that are named. Seeds are fixed; a few minutes on two cores.
 */
import { writeFileSync } from 'node:fs';
import * as tf from '@tensorflow/tfjs';
import { writeOnnx } from '../src/formats/onnx/writing/write.ts';
import { evaluate } from '../src/network/evaluation/evaluate.ts';
import type { Network } from '../src/network/network.ts';
import { drawBeats } from './beats.ts';
import { toNetwork } from './convert.ts';
import { drawDigits } from './digits.ts';
import { convolutional, oneDimensional, perceptron, residual } from './models.ts';
import { randomNumbers, type Samples } from './samples.ts';

interface Example {
  readonly name: string;
  readonly build: () => tf.LayersModel;
  readonly draw: (count: number, seed: number) => Samples;
  readonly steps: number;
  /** Of Adam, at the start; it falls to zero along a cosine. */
  readonly learningRate: number;
}

const EXAMPLES: readonly Example[] = [
  { name: 'mlp', build: perceptron, draw: drawDigits, steps: 1500, learningRate: 3e-3 },
  { name: 'cnn', build: convolutional, draw: drawDigits, steps: 600, learningRate: 4e-3 },
  { name: 'resnet', build: residual, draw: drawDigits, steps: 300, learningRate: 1e-2 },
  { name: 'beats', build: oneDimensional, draw: drawBeats, steps: 1000, learningRate: 4e-3 },
];

const BATCH = 32;

/** Shape of a batch of `count` samples as the model's input layer wants it. */
function batchShape(model: tf.LayersModel, count: number): number[] {
  return [count, ...(model.inputs[0]!.shape.slice(1) as number[])];
}

/** Indices 0 … count−1 in random order, over and over. */
function* shuffledForever(count: number, random: () => number): Generator<number, never> {
  const order = Array.from({ length: count }, (_, k) => k);
  for (;;) {
    for (let k = count - 1; k > 0; k--) {
      const other = Math.floor(random() * (k + 1));
      [order[k], order[other]] = [order[other]!, order[k]!];
    }
    yield* order;
  }
}

async function train(model: tf.LayersModel, samples: Samples, example: Example): Promise<void> {
  const optimizer = tf.train.adam(example.learningRate);
  const loss = (labels: tf.Tensor, logits: tf.Tensor) => tf.losses.softmaxCrossEntropy(labels, logits);
  model.compile({ optimizer, loss });
  const { size, classes } = samples;
  const indices = shuffledForever(samples.labels.length, randomNumbers(11));
  const values = new Float32Array(BATCH * size);
  const labels = new Int32Array(BATCH);
  for (let step = 0; step < example.steps; step++) {
    for (let b = 0; b < BATCH; b++) {
      const k = indices.next().value;
      values.set(samples.values.subarray(k * size, (k + 1) * size), b * size);
      labels[b] = samples.labels[k]!;
    }
    // Adam keeps its rate in a field that its type calls protected; tfjs offers no schedule of its own.
    Reflect.set(
      optimizer,
      'learningRate',
      (example.learningRate * (1 + Math.cos((Math.PI * step) / example.steps))) / 2,
    );
    const x = tf.tensor(values, batchShape(model, BATCH));
    const y = tf.tidy(() => tf.oneHot(tf.tensor1d(labels, 'int32'), classes).toFloat());
    const value = (await model.trainOnBatch(x, y)) as number;
    tf.dispose([x, y]);
    if ((step + 1) % 100 === 0) {
      console.log(`${example.name}: step ${step + 1} of ${example.steps}, loss ${value.toFixed(4)}`);
    }
  }
}

/** Share of the samples whose largest logit is that of their label, by the network that is written, not the model. */
function accuracy(network: Network, { values, size, labels }: Samples): number {
  const correct = labels.filter((label, k) => {
    const logits = evaluate(network, Float64Array.from(values.subarray(k * size, (k + 1) * size)));
    return logits.indexOf(Math.max(...logits)) === label;
  });
  return correct.length / labels.length;
}

const named = process.argv.slice(2);
const unknown = named.filter((name) => !EXAMPLES.some((example) => example.name === name));
if (unknown.length > 0)
  throw new Error(`examples: ${EXAMPLES.map(({ name }) => name).join(', ')}, got ${unknown}`);
for (const example of EXAMPLES.filter(({ name }) => named.length === 0 || named.includes(name))) {
  const model = example.build();
  await train(model, example.draw(4000, 1), example);
  const file = `${example.name}.onnx`;
  const network = toNetwork(example.name, model);
  const bytes = writeOnnx(network);
  writeFileSync(new URL(file, import.meta.url), bytes);
  const percent = (100 * accuracy(network, example.draw(2000, 2))).toFixed(1);
  console.log(`${file}: ${bytes.length} bytes, test accuracy ${percent} %`);
}
