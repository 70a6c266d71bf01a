/** Keras's files: HDF5 and the archive of Keras 3. */
import { describe, expect, it } from 'vitest';
import { loadNetwork } from '../../../src/formats/load.browser.ts';
import { cnn, file, mlp } from '../files/networks.ts';
import { expectSame } from '../same.ts';

const named = (name: string) => new File([file(name) as BlobPart], name);

/** Where each entry of an image of 6×6 with two channels last lies when they are first. */
const CHANNELS_LAST = Array.from({ length: 72 }, (_, k) => {
  const [channel, pixel] = [Math.floor(k / 36), k % 36];
  return 2 * pixel + channel;
});

describe('one network', () => {
  it('of fully connected layers', async () => {
    await expectSame(await loadNetwork(named('mlp.h5')), mlp());
  });

  it.each(['cnn.h5', 'cnn.keras'])('with images that have their channels last: %s', async (name) => {
    const network = await loadNetwork(named(name));
    expect(network.tensors[network.input]!.shape).toEqual([6, 6, 2]);
    await expectSame(network, cnn(), CHANNELS_LAST);
  });
});

/** A model of Keras 3 with the weights of an `.h5` file, by the names of its layers. */
async function withConfig(config: object, name = 'mlp.h5'): Promise<Uint8Array> {
  const { File: Hdf5File, ready } = await import('h5wasm');
  const { FS } = await ready;
  FS.writeFile('/changed.h5', file(name));
  const content = new Hdf5File('/changed.h5', 'a');
  content.delete_attribute('model_config');
  content.create_attribute('model_config', JSON.stringify(config));
  content.close();
  return (FS.readFile('/changed.h5') as Uint8Array).slice();
}

const dense = (name: string, units: number, activation: unknown) => ({
  ...{ module: 'keras.layers', class_name: 'Dense', registered_name: null },
  config: { name, units, activation, use_bias: true, quantization_config: null },
});
const tensor = (layer: string) => ({
  class_name: '__keras_tensor__',
  config: { shape: [null, 4], dtype: 'float32', keras_history: [layer, 0, 0] },
});
const calls = (...layers: string[]) => [{ args: layers.map(tensor), kwargs: {} }];
const input = {
  ...{ module: 'keras.layers', class_name: 'InputLayer', name: 'in', inbound_nodes: [] },
  config: { batch_shape: [null, 4], dtype: 'float32', sparse: false, name: 'in' },
};

/** The layers out of order, calls as Keras 3 writes them. */
const functional = (change: (layers: Record<string, unknown>[]) => void = () => {}) => {
  const layers: Record<string, unknown>[] = [
    { ...dense('dense_1', 5, 'relu'), name: 'dense_1', inbound_nodes: calls('dense') },
    {
      ...dense('dense_2', 3, { class_name: 'function', config: 'linear' }),
      name: 'dense_2',
      inbound_nodes: calls('dense_1'),
    },
    input,
    { ...dense('dense', 6, 'relu'), name: 'dense', inbound_nodes: calls('in') },
  ];
  change(layers);
  return {
    ...{ module: 'keras', class_name: 'Functional', registered_name: 'Functional' },
    config: { name: 'f', layers, input_layers: [['in', 0, 0]], output_layers: ['dense_2', 0, 0] },
  };
};

describe('a model made by calls, as Keras 3 writes it', () => {
  it('is that of its layers in their order', async () => {
    await expectSame(await loadNetwork(await withConfig(functional())), mlp());
  });

  const layer = (layers: Record<string, unknown>[], name: string) => layers.find((own) => own.name === name)!;
  it.each<[string, (layers: Record<string, unknown>[]) => void, RegExp]>([
    [
      'a circle',
      (layers) => Object.assign(layer(layers, 'dense'), { inbound_nodes: calls('dense_2') }),
      /circle/,
    ],
    [
      'a layer that is not there',
      (layers) => Object.assign(layer(layers, 'dense'), { inbound_nodes: calls('x') }),
      /got x/,
    ],
    [
      'a layer that is called twice',
      (layers) => Object.assign(layer(layers, 'dense'), { inbound_nodes: [...calls('in'), ...calls('in')] }),
      /called several times/,
    ],
    [
      'two layers of one name',
      (layers) => Object.assign(layer(layers, 'dense_1'), { name: 'dense' }),
      /unique, got dense twice/,
    ],
    ['a second input', (layers) => layers.push({ ...input, name: 'other' }), /a second input/],
    [
      'a layer that is not known',
      (layers) => Object.assign(layer(layers, 'dense'), { class_name: 'LSTM' }),
      /dense: LSTM/,
    ],
    [
      'another number of units',
      (layers) => Object.assign(layer(layers, 'dense'), { config: dense('dense', 7, 'relu').config }),
      /its kernel must be \[4, 7\], got \[4, 6\]/,
    ],
    [
      'a bias that the file has and the layer has not',
      (layers) =>
        Object.assign(layer(layers, 'dense'), {
          config: { ...dense('dense', 6, 'relu').config, use_bias: false },
        }),
      /must have the weights kernel, got bias, kernel/,
    ],
    [
      'a field that is not known',
      (layers) =>
        Object.assign(layer(layers, 'dense'), {
          config: { ...dense('dense', 6, 'relu').config, lora_rank: 4 },
        }),
      /Dense with lora_rank/,
    ],
    [
      'an activation without a bounded slope',
      (layers) => Object.assign(layer(layers, 'dense'), { config: dense('dense', 6, 'exponential').config }),
      /activation exponential/,
    ],
  ])('with %s is refused', async (_, change, message) => {
    await expect(loadNetwork(await withConfig(functional(change)))).rejects.toThrow(message);
  });
});

describe('hard_sigmoid', () => {
  it.each([
    ['2.15.0', { alpha: 0.2, beta: 0.5 }],
    ['3.6.0', { alpha: 1 / 6, beta: 0.5 }],
  ])('of Keras %s', async (version, parameters) => {
    const model = functional((layers) => {
      Object.assign(layers[0]!, { config: dense('dense_1', 5, 'hard_sigmoid').config });
    });
    const network = await loadNetwork(await withConfig({ ...model, keras_version: version }));
    const found = network.nodes.flatMap(({ operator }) =>
      operator.kind === 'nonlinearity' && operator.function.name !== 'relu' ? [operator.function] : [],
    );
    expect(found).toEqual([{ name: 'hard-sigmoid', ...parameters }]);
  });
});

it('HDF5 without a model is refused, with what to do', async () => {
  await expect(loadNetwork(named('weights.h5'))).rejects.toThrow(
    /no attribute model_config; `lipsoid describe weights\.h5/,
  );
});
