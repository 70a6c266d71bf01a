/** Models that TensorFlow.js makes and evaluates: what Lipsoid reads of them has the same values. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import * as tf from '@tensorflow/tfjs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { InputError, UnsupportedError } from '../../../src/errors.ts';
import { loadNetwork as loadInPage } from '../../../src/formats/load.browser.ts';
import { fromLayersModel } from '../../../src/formats/tensorflowJs/layersModel.ts';
import { loadNetwork } from '../../../src/index.ts';
import { evaluate } from '../../../src/network/evaluation/evaluate.ts';
import type { Network } from '../../../src/network/network.ts';
import { product } from '../../../src/network/size.ts';
import { cnn, entries, MLP_LAYERS, mlp } from '../files/networks.ts';
import { expectSame } from '../same.ts';

const { layers } = tf;
type Layer = tf.layers.Layer;

beforeAll(async () => {
  await tf.setBackend('cpu');
});

/** Weights are drawn anew: fresh ones are zeros and ones in part. */
function filled(model: tf.LayersModel): tf.LayersModel {
  const values = model.getWeights().map((weight, k) => {
    const numbers = entries(20 + k, weight.size).map(
      (x) => x + (/variance|gamma/.test(model.weights[k]!.name) ? 1 : 0),
    );
    return tf.tensor(numbers, weight.shape);
  });
  model.setWeights(values);
  return model;
}

function sequential(inputShape: readonly number[], ...list: Layer[]): tf.LayersModel {
  const input = tf.input({ shape: [...inputShape] });
  const output = list.reduce((x, layer) => layer.apply(x) as tf.SymbolicTensor, input);
  return filled(tf.model({ inputs: input, outputs: output }));
}

function expectValues(network: Network, model: tf.LayersModel): void {
  const { shape } = network.tensors[network.input]!;
  for (const seed of [1, 2, 3]) {
    const x = Float32Array.from({ length: product(shape) }, (_, k) => 2 * Math.sin(seed * 7.3 + k));
    const y = (model.predict(tf.tensor(x, [1, ...shape])) as tf.Tensor).dataSync();
    const own = evaluate(network, Float64Array.from(x));
    expect(own.length).toBe(y.length);
    for (const [k, value] of own.entries())
      expect(Math.abs(value - y[k]!)).toBeLessThan(1e-4 * (1 + Math.abs(value)));
  }
}

const same = 'same' as const;
const IMAGE = [7, 6, 3];

async function artifactsOf(model: tf.LayersModel): Promise<tf.io.ModelArtifacts> {
  let artifacts: tf.io.ModelArtifacts | undefined;
  await model.save({
    save: async (given) => {
      artifacts = given;
      return { modelArtifactsInfo: { dateSaved: new Date(), modelTopologyType: 'JSON' } };
    },
  });
  return artifacts!;
}

describe('layers have the values that TensorFlow.js gives them', () => {
  it.each<[string, readonly number[], () => Layer[]]>([
    ['conv2d', IMAGE, () => [layers.conv2d({ filters: 4, kernelSize: [3, 2] })]],
    [
      'conv2d, same, strides',
      IMAGE,
      () => [layers.conv2d({ filters: 4, kernelSize: 3, strides: 2, padding: same })],
    ],
    ['conv2d, same, even kernel', IMAGE, () => [layers.conv2d({ filters: 2, kernelSize: 4, padding: same })]],
    [
      'conv2d, dilation',
      IMAGE,
      () => [layers.conv2d({ filters: 2, kernelSize: 2, dilationRate: 2, useBias: false })],
    ],
    [
      'conv1d',
      [9, 2],
      () => [layers.conv1d({ filters: 3, kernelSize: 3, strides: 2, padding: same, activation: 'tanh' })],
    ],
    ['conv3d', [4, 3, 3, 2], () => [layers.conv3d({ filters: 2, kernelSize: 2, padding: same })]],
    [
      'depthwise',
      IMAGE,
      () => [layers.depthwiseConv2d({ kernelSize: 3, depthMultiplier: 2, padding: same })],
    ],
    [
      'separable',
      IMAGE,
      () => [layers.separableConv2d({ filters: 5, kernelSize: 3, depthMultiplier: 2, activation: 'relu' })],
    ],
    [
      'transposed, same',
      [3, 4, 2],
      () => [layers.conv2dTranspose({ filters: 3, kernelSize: 4, strides: 2, padding: same })],
    ],
    [
      'transposed, odd',
      [3, 4, 2],
      () => [layers.conv2dTranspose({ filters: 3, kernelSize: 3, strides: 2, padding: same })],
    ],
    [
      'transposed, valid',
      [3, 4, 2],
      () => [layers.conv2dTranspose({ filters: 3, kernelSize: 3, strides: 2 })],
    ],
    [
      'transposed, small kernel',
      [3, 4, 2],
      () => [layers.conv2dTranspose({ filters: 3, kernelSize: 2, strides: 3 })],
    ],
    [
      'padding before a convolution',
      IMAGE,
      () => [
        layers.zeroPadding2d({
          padding: [
            [1, 2],
            [0, 1],
          ],
        }),
        layers.conv2d({ filters: 2, kernelSize: 3, strides: 2 }),
      ],
    ],
    ['padding alone', IMAGE, () => [layers.zeroPadding2d({ padding: 1 })]],
    ['max pooling', IMAGE, () => [layers.maxPooling2d({ poolSize: 2 })]],
    ['max pooling, same', IMAGE, () => [layers.maxPooling2d({ poolSize: 3, strides: 2, padding: same })]],
    [
      'average pooling, same',
      IMAGE,
      () => [layers.averagePooling2d({ poolSize: 3, strides: 2, padding: same })],
    ],
    [
      'pooling of signals',
      [9, 2],
      () => [layers.maxPooling1d({ poolSize: 2 }), layers.globalAveragePooling1d()],
    ],
    ['global pooling', IMAGE, () => [layers.globalMaxPooling2d({})]],
    ['upsampling', IMAGE, () => [layers.upSampling2d({ size: [2, 3] })]],
    ['dense at every position', IMAGE, () => [layers.dense({ units: 4, activation: 'elu' })]],
    ['flatten', IMAGE, () => [layers.flatten(), layers.dense({ units: 4 })]],
    [
      'reshape',
      [12],
      () => [layers.reshape({ targetShape: [2, -1, 3] }), layers.conv2d({ filters: 2, kernelSize: 2 })],
    ],
    [
      'reshape of an image',
      IMAGE,
      () => [layers.reshape({ targetShape: [14, 9] }), layers.conv1d({ filters: 2, kernelSize: 2 })],
    ],
    ['normalisation', IMAGE, () => [layers.batchNormalization({ epsilon: 0.01 }), layers.reLU()]],
    ['normalisation without scale', IMAGE, () => [layers.batchNormalization({ scale: false })]],
    ['normalisation without centre', [5], () => [layers.batchNormalization({ center: false })]],
    ['relu6', [5], () => [layers.reLU({ maxValue: 6 })]],
    ['leaky relu', [5], () => [layers.leakyReLU({ alpha: 0.2 }), layers.leakyReLU()]],
    ['prelu', IMAGE, () => [layers.prelu({ sharedAxes: [1, 2] })]],
    ['elu', [5], () => [layers.elu()]],
    ['dropout', [5], () => [layers.dropout({ rate: 0.5 }), layers.gaussianNoise({ stddev: 1 })]],
    ['softmax', [5], () => [layers.dense({ units: 3, activation: 'softmax' })]],
    ['softmax of channels', IMAGE, () => [layers.softmax({ axis: -1 })]],
    ...(
      [
        'elu',
        'hardSigmoid',
        'relu',
        'relu6',
        'selu',
        'sigmoid',
        'softplus',
        'softsign',
        'tanh',
        'swish',
        'mish',
        'gelu',
      ] as const
    ).map((activation): [string, readonly number[], () => Layer[]] => [
      `activation ${activation}`,
      [5],
      () => [layers.activation({ activation })],
    ]),
  ])('%s', async (_, shape, list) => {
    const model = sequential(shape, ...list());
    expectValues(await fromLayersModel(model), model);
  });

  it('conv1d, causal, which Keras alone has', async () => {
    const conv = (shape: readonly number[]) =>
      sequential(shape, layers.conv1d({ filters: 3, kernelSize: 3, dilationRate: 2 }));
    const [before, given] = [4, 9];
    const padded = conv([before + given, 2]);
    const saved = await artifactsOf(conv([given, 2]));
    const text = JSON.stringify(saved.modelTopology).replace('"padding":"valid"', '"padding":"causal"');
    const network = await fromLayersModel({
      save: (handler) => handler.save({ ...(saved as object), modelTopology: JSON.parse(text) }),
    });
    const x = Float64Array.from({ length: 2 * given }, (_, k) => Math.sin(k));
    const whole = new Float32Array(2 * (before + given));
    whole.set(x, 2 * before);
    const y = (padded.predict(tf.tensor(whole, [1, before + given, 2])) as tf.Tensor).dataSync();
    const own = evaluate(network, x);
    expect(own.length).toBe(y.length);
    for (const [k, value] of own.entries()) expect(Math.abs(value - y[k]!)).toBeLessThan(1e-5);
  });

  it.each(['null', 'left out'])('pooling without strides, which goes by its own size: %s', async (how) => {
    const model = sequential(IMAGE, layers.maxPooling2d({ poolSize: [2, 3] }), layers.averagePooling2d({}));
    const saved = await artifactsOf(model);
    const text = JSON.stringify(saved.modelTopology);
    const other = text.replaceAll(/"strides":\[\d,\d\],/g, how === 'null' ? '"strides":null,' : '');
    expect(other.length).toBeLessThan(text.length);
    const network = await fromLayersModel({
      save: (handler) => handler.save({ ...(saved as object), modelTopology: JSON.parse(other) }),
    });
    expectValues(network, model);
  });

  it('in branches', async () => {
    const x = tf.input({ shape: IMAGE });
    const conv = () => layers.conv2d({ filters: 3, kernelSize: 3, padding: same });
    const a = layers.reLU().apply(conv().apply(x)) as tf.SymbolicTensor;
    const b = layers.add().apply([conv().apply(a) as tf.SymbolicTensor, x]) as tf.SymbolicTensor;
    const y = layers.concatenate().apply([a, b]) as tf.SymbolicTensor;
    const model = filled(tf.model({ inputs: x, outputs: y }));
    expectValues(await fromLayersModel(model), model);
  });
});

describe('layers without a bound, or not read, are refused', () => {
  it.each<[string, readonly number[], () => Layer[], RegExp]>([
    ['recurrence', [5, 2], () => [layers.lstm({ units: 3 })], /LSTM/],
    ['layer normalisation', [5], () => [layers.layerNormalization()], /LayerNormalization/],
    ['a threshold', [5], () => [layers.thresholdedReLU({ theta: 1 })], /ThresholdedReLU/],
    ['slopes for every position', IMAGE, () => [layers.prelu()], /slopes for every position/],
    [
      'bilinear upsampling',
      IMAGE,
      () => [layers.upSampling2d({ interpolation: 'bilinear' })],
      /interpolation bilinear/,
    ],
    ['normalisation of another axis', IMAGE, () => [layers.batchNormalization({ axis: 1 })], /another axis/],
  ])('%s', async (_, shape, list, message) => {
    const reading = fromLayersModel(sequential(shape, ...list()));
    await expect(reading).rejects.toThrow(UnsupportedError);
    await expect(reading).rejects.toThrow(message);
  });

  it('and so is an option that is not known', async () => {
    await expect(fromLayersModel(sequential([5], layers.reLU()), { shape: [5] } as never)).rejects.toThrow(
      InputError,
    );
  });
});

/** What `model.save('file://…')` writes: the model in JSON, its weights in a file beside it. */
async function written(model: tf.LayersModel): Promise<{ json: Uint8Array; weights: Uint8Array }> {
  const { weightData, weightSpecs, modelTopology } = await artifactsOf(model);
  const weights = new Uint8Array(weightData as ArrayBuffer);
  const json = {
    modelTopology,
    format: 'layers-model',
    generatedBy: 'TensorFlow.js',
    weightsManifest: [{ paths: ['./model.weights.bin'], weights: weightSpecs }],
  };
  return { json: new TextEncoder().encode(JSON.stringify(json)), weights };
}

function mlpModel(): tf.LayersModel {
  const model = tf.sequential();
  for (const [k, { weight, bias }] of MLP_LAYERS.entries()) {
    const inputs = weight.length / bias.length;
    const layer = layers.dense({
      units: bias.length,
      inputShape: [inputs],
      activation: k < 2 ? 'relu' : 'linear',
    });
    model.add(layer);
    layer.setWeights([tf.tensor(weight, [bias.length, inputs]).transpose(), tf.tensor(bias)]);
  }
  return model;
}

function cnnModel(): tf.LayersModel {
  const model = tf.sequential();
  const one = (seed: number) => tf.tensor(entries(seed, 3).map((x) => x + 1));
  model.add(layers.zeroPadding2d({ padding: 1, inputShape: [6, 6, 2] }));
  model.add(layers.conv2d({ filters: 3, kernelSize: 3, strides: 2 }));
  model.add(layers.batchNormalization());
  model.add(layers.reLU());
  model.add(layers.flatten());
  model.add(layers.dense({ units: 4 }));
  const [, conv, norm, , , dense] = model.layers;
  conv!.setWeights([
    tf.tensor(entries(7, 54), [3, 2, 3, 3]).transpose([2, 3, 1, 0]),
    tf.tensor(entries(8, 3)),
  ]);
  norm!.setWeights([one(9), tf.tensor(entries(10, 3)), tf.tensor(entries(11, 3)), one(12)]);
  const kernel = tf
    .tensor(entries(13, 108), [4, 3, 3, 3])
    .transpose([0, 2, 3, 1])
    .reshape([4, 27])
    .transpose();
  dense!.setWeights([kernel, tf.tensor(entries(14, 4))]);
  return model;
}

const CHANNELS_LAST = Array.from({ length: 72 }, (_, k) => 2 * (k % 36) + Math.floor(k / 36));

describe('model.json with its weights', () => {
  let folder = '';
  beforeAll(async () => {
    folder = await mkdtemp(`${tmpdir()}/lipsoid-`);
  });
  afterAll(() => rm(folder, { recursive: true }));

  it('is one network with those of other formats', async () => {
    await expectSame(await fromLayersModel(mlpModel()), mlp());
    await expectSame(await fromLayersModel(cnnModel()), cnn(), CHANNELS_LAST);
  });

  it('from a folder', async () => {
    const { json, weights } = await written(cnnModel());
    await writeFile(`${folder}/model.json`, json);
    await writeFile(`${folder}/model.weights.bin`, weights);
    const network = await loadNetwork(`${folder}/model.json`);
    expect(network.source).toMatchObject({ file: 'model.json', external: ['model.weights.bin'] });
    await expectSame(network, cnn(), CHANNELS_LAST);
  });

  const changed = async (
    change: (model: {
      weightsManifest: { paths: string[]; weights: { shape: number[]; dtype: string }[] }[];
      [key: string]: unknown;
    }) => void,
  ) => {
    const { json, weights } = await written(mlpModel());
    const model = JSON.parse(new TextDecoder().decode(json));
    change(model);
    const external = new Map([
      ['model.weights.bin', weights],
      ['short.bin', weights.slice(0, -4)],
      ['a.bin', weights.slice(0, 100)],
      ['b.bin', weights.slice(100)],
    ]);
    return loadInPage(new TextEncoder().encode(JSON.stringify(model)), { external });
  };

  it('in several shards', async () => {
    const network = await changed(({ weightsManifest }) => {
      weightsManifest[0]!.paths = ['a.bin', 'b.bin'];
    });
    expect(network.source?.external).toEqual(['a.bin', 'b.bin']);
    await expectSame(network, mlp());
  });

  it.each<[string, Parameters<typeof changed>[0], RegExp]>([
    [
      'a shard in another folder',
      (model) => {
        model.weightsManifest[0]!.paths = ['../a.bin'];
      },
      /files beside the model/,
    ],
    [
      'a shard that is not there',
      (model) => {
        model.weightsManifest[0]!.paths = ['c.bin'];
      },
      /got no such file/,
    ],
    [
      'a shard twice',
      (model) => {
        model.weightsManifest[0]!.paths = ['a.bin', './a.bin'];
      },
      /paths must be unique, got a\.bin twice/,
    ],
    [
      'a shard in two groups',
      (model) => {
        model.weightsManifest.push({ paths: ['model.weights.bin'], weights: [] });
      },
      /group 2 of weightsManifest: paths must be unique/,
    ],
    [
      'a very long name of a weight',
      (model) => {
        Object.assign(model.weightsManifest[0]!.weights[0]!, { name: 'k'.repeat(4097) });
      },
      /at most 4096 characters/,
    ],
    [
      'too few bytes',
      (model) => {
        model.weightsManifest[0]!.paths = ['short.bin'];
      },
      /ends at byte/,
    ],
    ['too many bytes', (model) => void model.weightsManifest[0]!.weights.pop(), /behind the last weight/],
    [
      'another shape',
      (model) => {
        model.weightsManifest[0]!.weights[0]!.shape = [6, 4];
      },
      /its kernel must be \[4, 6\]/,
    ],
    [
      'another type',
      (model) => {
        model.weightsManifest[0]!.weights[0]!.dtype = 'complex64';
      },
      /dtype must be one of/,
    ],
    [
      'a graph',
      (model) => {
        model.format = 'graph-model';
      },
      /graph of operations is not read/,
    ],
  ])('with %s is refused', async (_, change, message) => {
    await expect(changed(change)).rejects.toThrow(message);
  });

  it('with quantised weights has the values that TensorFlow.js decodes', async () => {
    const model = tf.sequential({ layers: [layers.dense({ units: 2, inputShape: [2], useBias: false })] });
    const { json } = await written(model);
    const document = JSON.parse(new TextDecoder().decode(json));
    const [spec] = document.weightsManifest[0].weights;
    spec.quantization = { dtype: 'uint8', scale: 0.013, min: -1.7 };
    const data = Uint8Array.of(0, 100, 200, 255);
    const decoded = tf.io.decodeWeights(data.buffer as ArrayBuffer, [spec])[spec.name]!.dataSync();
    const external = new Map([['model.weights.bin', data]]);
    const network = await loadInPage(new TextEncoder().encode(JSON.stringify(document)), { external });
    const { operator } = network.nodes[0]!;
    expect(operator.kind === 'affine' && [...operator.weight]).toEqual([0, 2, 1, 3].map((k) => decoded[k]));
  });
});
