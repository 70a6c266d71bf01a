/**
 * Trains the example networks and writes them as ONNX files beside this one: `npm run train`.
 * Seeds are fixed; a few minutes on two cores.
 */
import { writeFileSync } from 'node:fs';
import * as tf from '@tensorflow/tfjs';
import { serialize } from 'node:v8'; const writeOnnx = (n: any) => serialize(n);
import { evaluate } from '../src/network/evaluate.ts';
import type { Network } from '../src/network/network.ts';
import { toNetwork } from './convert.ts';
import { type Digits, drawDigits, randomNumbers, SIDE } from './digits.ts';
import { convolutional, perceptron, residual } from './models.ts';

interface Example {
  readonly name: string;
  readonly build: () => tf.LayersModel;
  readonly steps: number;
  /** Of Adam, at the start; it falls to zero along a cosine. */
  readonly learningRate: number;
}

const EXAMPLES: readonly Example[] = [
  { name: 'mlp', build: perceptron, steps: 1500, learningRate: 3e-3 },
  { name: 'cnn', build: convolutional, steps: 600, learningRate: 4e-3 },
  { name: 'resnet', build: residual, steps: 300, learningRate: 1e-2 },
];

const BATCH = 32;
const PIXELS = SIDE * SIDE;

/** Shape of a batch of `count` images as the model's input layer wants it. */
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

async function train(model: tf.LayersModel, digits: Digits, example: Example): Promise<void> {
  const optimizer = tf.train.adam(example.learningRate);
  const loss = (labels: tf.Tensor, logits: tf.Tensor) => tf.losses.softmaxCrossEntropy(labels, logits);
  model.compile({ optimizer, loss });
  const indices = shuffledForever(digits.labels.length, randomNumbers(11));
  const pixels = new Float32Array(BATCH * PIXELS);
  const labels = new Int32Array(BATCH);
  for (let step = 0; step < example.steps; step++) {
    for (let b = 0; b < BATCH; b++) {
      const k = indices.next().value;
      pixels.set(digits.images.subarray(k * PIXELS, (k + 1) * PIXELS), b * PIXELS);
      labels[b] = digits.labels[k]!;
    }
    // Adam keeps its rate in a field that its type calls protected; tfjs offers no schedule of its own.
    Reflect.set(
      optimizer,
      'learningRate',
      (example.learningRate * (1 + Math.cos((Math.PI * step) / example.steps))) / 2,
    );
    const x = tf.tensor(pixels, batchShape(model, BATCH));
    const y = tf.tidy(() => tf.oneHot(tf.tensor1d(labels, 'int32'), 10).toFloat());
    const value = (await model.trainOnBatch(x, y)) as number;
    tf.dispose([x, y]);
    if ((step + 1) % 100 === 0) {
      console.log(`${example.name}: step ${step + 1} of ${example.steps}, loss ${value.toFixed(4)}`);
    }
  }
}

/** Share of the images whose largest logit is that of their label, by the network that is written, not the model. */
function accuracy(network: Network, { images, labels }: Digits): number {
  const correct = labels.filter((label, k) => {
    const logits = evaluate(network, Float64Array.from(images.subarray(k * PIXELS, (k + 1) * PIXELS)));
    return logits.indexOf(Math.max(...logits)) === label;
  });
  return correct.length / labels.length;
}

const training = drawDigits(4000, 1);
const test = drawDigits(2000, 2);
for (const example of EXAMPLES) {
  const model = example.build();
  await train(model, training, example);
  const file = `${example.name}.onnx`;
  const network = toNetwork(example.name, model);
  const bytes = writeOnnx(network);
  writeFileSync('/tmp/'+file+'.v8', bytes);
  const percent = (100 * accuracy(network, test)).toFixed(1);
  console.log(`${file}: ${bytes.length} bytes, test accuracy ${percent} %`);
}
