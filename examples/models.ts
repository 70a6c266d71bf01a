/** The example architectures, as TensorFlow.js models: three for 14×14 images, one for signals of 128 samples. */
import * as tf from '@tensorflow/tfjs';
import { LENGTH } from './beats.ts';
import { SIDE } from './digits.ts';

/** Every weight is pulled towards zero, batch-norm gains included: it keeps the Lipschitz constants moderate. */
const decay = (amount: number) => tf.regularizers.l2({ l2: amount });

/** Hands out the seeds of one model's initial weights. */
function initialisers(seed: number) {
  let next = seed;
  return () => tf.initializers.heNormal({ seed: next++ });
}

/** 196-64-64-10, ReLU. */
export function perceptron(): tf.LayersModel {
  const initial = initialisers(100);
  const dense = (name: string, units: number, inputs?: number) =>
    tf.layers.dense({
      name,
      units,
      kernelInitializer: initial(),
      kernelRegularizer: decay(1e-3),
      ...(inputs === undefined ? {} : { inputShape: [inputs] }),
    });
  return tf.sequential({
    layers: [
      dense('dense_1', 64, SIDE * SIDE),
      tf.layers.reLU({ name: 'relu_1' }),
      dense('dense_2', 64),
      tf.layers.reLU({ name: 'relu_2' }),
      dense('dense_3', 10),
    ],
  });
}

/** Convolution, max pooling, a convolution of stride 2, and two fully connected layers. */
export function convolutional(): tf.LayersModel {
  const initial = initialisers(200);
  const shared = () => ({ kernelInitializer: initial(), kernelRegularizer: decay(1e-3) });
  return tf.sequential({
    layers: [
      tf.layers.conv2d({
        name: 'conv_1',
        inputShape: [SIDE, SIDE, 1],
        filters: 8,
        kernelSize: 3,
        padding: 'same',
        ...shared(),
      }),
      tf.layers.reLU({ name: 'relu_1' }),
      tf.layers.maxPooling2d({ name: 'pool', poolSize: 2, strides: 2 }),
      tf.layers.conv2d({
        name: 'conv_2',
        filters: 16,
        kernelSize: 3,
        strides: 2,
        padding: 'same',
        ...shared(),
      }),
      tf.layers.reLU({ name: 'relu_2' }),
      // Flattening in the order of ONNX, channels first.
      tf.layers.permute({ name: 'channels_first', dims: [3, 1, 2] }),
      tf.layers.flatten({ name: 'flatten' }),
      tf.layers.dense({ name: 'dense_1', units: 32, ...shared() }),
      tf.layers.reLU({ name: 'relu_3' }),
      tf.layers.dense({ name: 'dense_2', units: 10, ...shared() }),
    ],
  });
}

/** A stem of stride 2 and two residual blocks with batch norm, then the mean over positions and a linear layer. */
export function residual(): tf.LayersModel {
  const initial = initialisers(300);
  const apply = (layer: tf.layers.Layer, x: tf.SymbolicTensor) => layer.apply(x) as tf.SymbolicTensor;
  const relu = (name: string, x: tf.SymbolicTensor) => apply(tf.layers.reLU({ name }), x);
  /** Convolution without bias, then batch norm. */
  const convolution = (name: string, strides: number, x: tf.SymbolicTensor) => {
    const convolved = apply(
      tf.layers.conv2d({
        name,
        filters: 8,
        kernelSize: 3,
        strides,
        padding: 'same',
        useBias: false,
        kernelInitializer: initial(),
        kernelRegularizer: decay(1e-3),
      }),
      x,
    );
    const norm = { name: `${name}_norm`, momentum: 0.9, gammaRegularizer: decay(2e-3) };
    return apply(tf.layers.batchNormalization(norm), convolved);
  };

  const input = tf.input({ shape: [SIDE, SIDE, 1] });
  let x = relu('stem_relu', convolution('stem', 2, input));
  for (let block = 1; block <= 2; block++) {
    const inner = relu(`block${block}_relu_1`, convolution(`block${block}_conv_1`, 1, x));
    const branch = convolution(`block${block}_conv_2`, 1, inner);
    const sum = tf.layers.add({ name: `block${block}_add` }).apply([x, branch]) as tf.SymbolicTensor;
    x = relu(`block${block}_relu_2`, sum);
  }
  const pooled = apply(tf.layers.globalAveragePooling2d({ name: 'mean', dataFormat: 'channelsLast' }), x);
  const logits = apply(
    tf.layers.dense({
      name: 'dense',
      units: 10,
      kernelInitializer: initial(),
      kernelRegularizer: decay(1e-3),
    }),
    pooled,
  );
  return tf.model({ inputs: input, outputs: logits });
}

/** On signals: two convolutions, max and average pooling, and two fully connected layers. */
export function oneDimensional(): tf.LayersModel {
  const initial = initialisers(400);
  const shared = () => ({ kernelInitializer: initial(), kernelRegularizer: decay(1e-3) });
  return tf.sequential({
    layers: [
      tf.layers.conv1d({
        name: 'conv_1',
        inputShape: [LENGTH, 1],
        filters: 6,
        kernelSize: 7,
        padding: 'same',
        ...shared(),
      }),
      tf.layers.reLU({ name: 'relu_1' }),
      tf.layers.maxPooling1d({ name: 'max_pool', poolSize: 2, strides: 2 }),
      tf.layers.conv1d({
        name: 'conv_2',
        filters: 8,
        kernelSize: 5,
        strides: 2,
        padding: 'same',
        ...shared(),
      }),
      tf.layers.reLU({ name: 'relu_2' }),
      tf.layers.averagePooling1d({ name: 'average_pool', poolSize: 2, strides: 2 }),
      // Flattening in the order of ONNX, channels first.
      tf.layers.permute({ name: 'channels_first', dims: [2, 1] }),
      tf.layers.flatten({ name: 'flatten' }),
      tf.layers.dense({ name: 'dense_1', units: 24, ...shared() }),
      tf.layers.reLU({ name: 'relu_3' }),
      tf.layers.dense({ name: 'dense_2', units: 4, ...shared() }),
    ],
  });
}
