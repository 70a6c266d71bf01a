/** One network in every format but ONNX, and one with a convolution where the format has them. */
import { bytesSource } from '../../src/arrays/stretch.ts';
import { zipEntries } from '../../src/arrays/zip.ts';
import { wholeEntry } from '../../src/formats/wholeEntry.ts';
import { file, MLP_LAYERS } from '../../test/formats/files/networks.ts';
import { nnetFile } from '../../test/formats/files/nnet.ts';
import { safetensorsFile } from '../../test/formats/files/safetensors.ts';

/** A model and what lies beside it. */
export interface Model {
  readonly name: string;
  /** The file that is read first. */
  readonly main: string;
  readonly files: ReadonlyMap<string, Uint8Array>;
  /** Entries of those that are archives, which have check sums. */
  readonly archives: ReadonlyMap<string, ReadonlyMap<string, Uint8Array>>;
}

const json = (document: unknown) => new TextEncoder().encode(JSON.stringify(document));

const mlpLayers = (weight: (k: number) => string, bias: (k: number) => string) =>
  [1, 2, 3].flatMap((k) => [
    ...(k > 1 ? [{ layer: 'relu' }] : []),
    { layer: 'linear', weight: weight(k), bias: bias(k) },
  ]);
const dotted = (dot: string) =>
  mlpLayers(
    (k) => `fc${k}${dot}weight`,
    (k) => `fc${k}${dot}bias`,
  );

const cnnLayers = [
  { layer: 'conv', weight: 'conv.weight', bias: 'conv.bias', stride: 2, padding: 1 },
  {
    ...{ layer: 'batch-norm', weight: 'bn.weight', bias: 'bn.bias' },
    ...{ mean: 'bn.running_mean', variance: 'bn.running_var', eps: 1e-3 },
  },
  { layer: 'relu' },
  { layer: 'flatten' },
  { layer: 'linear', weight: 'fc.weight', bias: 'fc.bias' },
];

async function model(name: string, main: string, files: ReadonlyMap<string, Uint8Array>): Promise<Model> {
  const archives = new Map<string, ReadonlyMap<string, Uint8Array>>();
  for (const [key, bytes] of files) {
    if (bytes[0] !== 0x50 || bytes[1] !== 0x4b) continue;
    const entries = new Map<string, Uint8Array>();
    for (const entry of await zipEntries(bytesSource(key, bytes))) {
      entries.set(entry.name, (await wholeEntry(entry, 2 ** 24)).slice());
    }
    archives.set(key, entries);
  }
  return { name, main, files, archives };
}

function weights(
  file: string,
  bytes: Uint8Array,
  input: readonly number[],
  layers: readonly object[],
): Promise<Model> {
  const document = { format: 'lipsoid-architecture', version: 1, weights: file, input, layers };
  return model(
    file,
    'net.json',
    new Map([
      ['net.json', json(document)],
      [file, bytes],
    ]),
  );
}

/** As TensorFlow.js saves it. */
function tensorflowJs(): Promise<Model> {
  const layers = MLP_LAYERS.map(({ weight, bias }, k) => ({
    class_name: 'Dense',
    config: {
      ...{ name: `dense_${k}`, units: bias.length, activation: k < 2 ? 'relu' : 'linear', use_bias: true },
      ...(k === 0 && { batch_input_shape: [null, weight.length / bias.length] }),
    },
  }));
  const specs = MLP_LAYERS.flatMap(({ weight, bias }, k) => [
    { name: `dense_${k}/kernel`, shape: [weight.length / bias.length, bias.length], dtype: 'float32' },
    { name: `dense_${k}/bias`, shape: [bias.length], dtype: 'float32' },
  ]);
  const data = Buffer.concat(
    MLP_LAYERS.flatMap(({ weight, bias }) => [weight, bias]).map((x) => Buffer.from(x.slice().buffer)),
  );
  const document = {
    modelTopology: { class_name: 'Sequential', config: { name: 'sequential', layers } },
    format: 'layers-model',
    weightsManifest: [{ paths: ['group1-shard1of1.bin'], weights: specs }],
  };
  return model(
    'model.json',
    'model.json',
    new Map([
      ['model.json', json(document)],
      ['group1-shard1of1.bin', new Uint8Array(data)],
    ]),
  );
}

const tensors = Object.fromEntries(
  MLP_LAYERS.flatMap(({ weight, bias }, k) => [
    [`fc${k + 1}.weight`, { shape: [bias.length, weight.length / bias.length], numbers: weight }],
    [`fc${k + 1}.bias`, { shape: [bias.length], numbers: bias }],
  ]),
);
const nnet = new TextEncoder().encode(nnetFile(MLP_LAYERS, [1, 0, 0, 0, 2], [2, 1, 1, 1, 4]));
const alone = (name: string, bytes = file(name)) => model(name, name, new Map([[name, bytes]]));
const matlab = mlpLayers(
  (k) => `weights{${k}}`,
  (k) => `biases{${k}}`,
);

export const MODELS: readonly Model[] = await Promise.all([
  weights('mlp.pth', file('mlp.pth'), [4], dotted('.')),
  weights('cnn.pth', file('cnn.pth'), [2, 6, 6], cnnLayers),
  weights('mlp.safetensors', safetensorsFile(tensors), [4], dotted('.')),
  weights('mlp.npz', file('mlp.npz'), [4], dotted('_')),
  weights('cnn.npz', file('cnn.npz'), [2, 6, 6], cnnLayers),
  weights('mlp.mat', file('mlp.mat'), [4], matlab),
  weights('mlp73.mat', file('mlp73.mat'), [4], dotted('_')),
  weights('weights.h5', file('weights.h5'), [4], dotted('/')),
  alone('mlp.nnet', nnet),
  alone('mlp.h5'),
  alone('cnn.h5'),
  alone('cnn.keras'),
  tensorflowJs(),
]);
