/**
 * Trains one network twice, from the same weights on the same digits, without the bound of its Lipschitz constant in the loss and with it, and
 * prints how many digits each has certified, by radius: `npx tsx examples/train-robust.ts`, a few minutes on two cores. Seeds are fixed.
 */
import * as tf from '@tensorflow/tfjs';
import {
  certifySamples,
  createEngine,
  type Engine,
  evaluate,
  fromLayersModel,
  lipschitzPenalty,
  type Network,
  type SampleReport,
} from '../src/index.ts';
import { drawDigits } from './digits.ts';
import { perceptron } from './models.ts';
import { randomNumbers, type Samples } from './samples.ts';

const STEPS = 800;
const BATCH = 32;
/** Of Adam, at the start; it falls to zero along a cosine. */
const RATE = 3e-3;
/** Of ln L in the loss, L the root of the sum of squares of the bounds of all margins. */
const WEIGHT = 0.4;
/** Steps that share a gradient of the bound. */
const EVERY = 2;
const RADII = [0.2, 0.4, 0.6, 0.8] as const;
const CERTIFIED = 50;
/** Of the moving centre, for a pair of outputs. */
const EVALUATIONS = 20;

/** @param engine that bounds the model; absent: its Lipschitz constant is no part of the loss */
async function train(model: tf.LayersModel, engine: Engine | undefined): Promise<void> {
  const { values, labels, size, classes } = drawDigits(4000, 1);
  const random = randomNumbers(11);
  const penalty = engine && lipschitzPenalty(model, tf, { engine, target: 'margins' });
  const optimizer = tf.train.adam(RATE);
  const loss = (truth: tf.Tensor, logits: tf.Tensor) => {
    const own = tf.losses.softmaxCrossEntropy(truth, logits);
    return penalty ? own.add(penalty.term().mul(WEIGHT)) : own;
  };
  model.compile({ optimizer, loss });
  for (let step = 0; step < STEPS; step++) {
    if (step % EVERY === 0) await penalty?.update();
    const chosen = Array.from({ length: BATCH }, () => Math.floor(random() * labels.length));
    const images = new Float32Array(BATCH * size);
    for (const [b, k] of chosen.entries()) images.set(values.subarray(k * size, (k + 1) * size), b * size);
    const x = tf.tensor(images, [BATCH, size]);
    const own = chosen.map((k) => labels[k]!);
    const y = tf.tidy(() => tf.oneHot(tf.tensor1d(own, 'int32'), classes).toFloat());
    // Adam keeps its rate in a field that its type calls protected; tfjs offers no schedule of its own.
    Reflect.set(optimizer, 'learningRate', (RATE * (1 + Math.cos((Math.PI * step) / STEPS))) / 2);
    const value = (await model.trainOnBatch(x, y)) as number;
    tf.dispose([x, y]);
    if ((step + 1) % 100 === 0) console.error(`step ${step + 1} of ${STEPS}, loss ${value.toFixed(3)}`);
  }
  penalty?.dispose();
}

/** Share of the samples whose largest logit is that of their label. */
function accuracy(network: Network, { values, labels, size }: Samples): number {
  const right = labels.filter((label, k) => {
    const logits = evaluate(network, Float64Array.from(values.subarray(k * size, (k + 1) * size)));
    return logits.indexOf(Math.max(...logits)) === label;
  });
  return right.length / labels.length;
}

async function certified(network: Network, engine: Engine): Promise<SampleReport[]> {
  const { values, labels, size } = drawDigits(CERTIFIED, 2);
  const samples = Array.from(labels, (label, index) => ({
    ...{ index, label },
    input: Float64Array.from(values.subarray(index * size, (index + 1) * size)),
  }));
  const options = { engine, radii: RADII, attackStarts: 0, evaluations: EVALUATIONS };
  const reports: SampleReport[] = [];
  for await (const report of certifySamples(network, samples, options)) reports.push(report);
  return reports;
}

const percent = (share: number) => `${(100 * share).toFixed(1)} %`.padStart(9);

await tf.setBackend('cpu');
const engine = await createEngine({ threads: 1 });
const lines: string[] = [];
for (const [name, bounded] of [
  ['with', engine],
  ['without', undefined],
] as const) {
  const model = perceptron();
  await train(model, bounded);
  const network = await fromLayersModel(model);
  const clean = accuracy(network, drawDigits(2000, 3));
  const reports = await certified(network, engine);
  const shares = RADII.map((r) => reports.filter((report) => report.certified[r]).length / reports.length);
  lines.push(`${name.padEnd(8)}${[clean, ...shares].map(percent).join('')}`);
  console.error(lines.at(-1));
}
await engine.close();
console.log(`bound in the loss   clean${RADII.map((r) => `${r}`.padStart(9)).join('')}`);
for (const line of lines) console.log(line);
