/** Keras's files: HDF5 and the archive of Keras 3. */
import { describe, expect, it } from 'vitest';
import { bytesSource } from '../../../src/arrays/stretch.ts';
import { zipEntries } from '../../../src/arrays/zip.ts';
import { loadNetwork } from '../../../src/formats/load.browser.ts';
import { wholeEntry } from '../../../src/formats/wholeEntry.ts';
import { evaluate } from '../../../src/network/evaluation/evaluate.ts';
import type { Network } from '../../../src/network/network.ts';
import { zip } from '../../certify/data/files.ts';
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

describe('a model that Keras wrote has the values that Keras computed', () => {
  it.each(['branches.keras', 'branches.h5'])(
    'with branches that were made out of order: %s',
    async (name) => {
      const { x, y } = JSON.parse(new TextDecoder().decode(file('branches.json'))) as Record<
        string,
        number[][]
      >;
      const network = await loadNetwork(named(name));
      expect(x!.length).toBe(3);
      for (const [k, input] of x!.entries()) {
        const output = evaluate(network, Float64Array.from(input));
        expect(output.length).toBe(y![k]!.length);
        for (const [j, value] of output.entries()) expect(Math.abs(value - y![k]![j]!)).toBeLessThan(1e-4);
      }
    },
  );
});

it.each([
  [
    'change places',
    (layers: unknown[]) => void layers.splice(5, 4, layers[8], layers[6], layers[7], layers[5]),
  ],
  [
    'are not on the way to the output',
    (layers: unknown[]) => void layers.push({ ...(layers[5] as object), name: 'idle' }),
  ],
])('an archive whose layers %s has other weights for Keras, and is refused', async (_, change) => {
  const archive = await rearchived((entries) => {
    const model = JSON.parse(entries['config.json']!.toString());
    change(model.config.layers);
    entries['config.json'] = Buffer.from(JSON.stringify(model));
  });
  await expect(loadNetwork(archive)).rejects.toThrow(/in the order in which Keras lists them/);
});

/** An archive of Keras 3 with other entries. */
async function rearchived(change: (entries: Record<string, Buffer>) => void): Promise<Uint8Array> {
  const entries: Record<string, Buffer> = {};
  for (const { name, stretch } of await zipEntries(bytesSource('a', file('branches.keras')))) {
    entries[name] = Buffer.from(await wholeEntry({ name, stretch }, 1e6));
  }
  change(entries);
  return new Uint8Array(zip(entries));
}

/** A model of Keras 3 with the weights of an `.h5` file, by the names of its layers. */
async function withConfig(config: object, version?: string | null, name = 'mlp.h5'): Promise<Uint8Array> {
  const { File: Hdf5File, ready } = await import('h5wasm');
  const { FS } = await ready;
  FS.writeFile('/changed.h5', file(name));
  const content = new Hdf5File('/changed.h5', 'a');
  content.delete_attribute('model_config');
  content.create_attribute('model_config', JSON.stringify(config));
  if (version !== undefined) content.delete_attribute('keras_version');
  if (version) content.create_attribute('keras_version', version);
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
    ...['training', 'mask', 'x2'].map(
      (key): [string, (layers: Record<string, unknown>[]) => void, RegExp] => [
        `the argument ${key}`,
        (layers) =>
          Object.assign(layer(layers, 'dense'), {
            inbound_nodes: [{ ...calls('in')[0], kwargs: { [key]: true } }],
          }),
        /without other arguments/,
      ],
    ),
    [
      'an argument as Keras 2 writes it',
      (layers) =>
        Object.assign(layer(layers, 'dense'), { inbound_nodes: [[['in', 0, 0, { training: true }]]] }),
      /without other arguments/,
    ],
    [
      'a class of somebody else',
      (layers) => Object.assign(layer(layers, 'dense'), { module: null, registered_name: 'Custom>Dense' }),
      /"Custom>Dense" of the module null/,
    ],
    [
      'a class of another module',
      (layers) => Object.assign(layer(layers, 'dense'), { module: 'kerasx.layers' }),
      /"Dense" of the module "kerasx\.layers"/,
    ],
    [
      'a class by another name',
      (layers) => Object.assign(layer(layers, 'dense'), { registered_name: 'mine>Dense' }),
      /"mine>Dense" of the module "keras\.layers"/,
    ],
    ...[
      { module: 'mine', registered_name: 'function' },
      { module: 'builtins', registered_name: 'mine>relu' },
    ].map((whose): [string, (layers: Record<string, unknown>[]) => void, RegExp] => [
      `a function of somebody else: ${whose.module}`,
      (layers) =>
        Object.assign(layer(layers, 'dense'), {
          config: dense('dense', 6, { class_name: 'function', config: 'relu', ...whose }).config,
        }),
      /the activation \{/,
    ]),
  ])('with %s is refused', async (_, change, message) => {
    await expect(loadNetwork(await withConfig(functional(change)))).rejects.toThrow(message);
  });

  it('with arguments that change nothing is read', async () => {
    const idle = functional((layers) => {
      const kwargs = { training: false, mask: null };
      Object.assign(layer(layers, 'dense'), { inbound_nodes: [{ ...calls('in')[0], kwargs }] });
      Object.assign(layer(layers, 'dense_1'), { inbound_nodes: [[['dense', 0, 0, { training: false }]]] });
      const relu = {
        module: 'builtins',
        class_name: 'function',
        config: 'relu',
        registered_name: 'function',
      };
      Object.assign(layer(layers, 'dense'), {
        registered_name: 'Dense',
        config: dense('dense', 6, relu).config,
      });
    });
    await expectSame(await loadNetwork(await withConfig(idle)), mlp());
  });

  it('of a class of somebody else is refused', async () => {
    const model = { ...functional(), module: 'mine' };
    await expect(loadNetwork(await withConfig(model))).rejects.toThrow(/of the module "mine"/);
  });
});

describe('hard_sigmoid', () => {
  const model = functional((layers) => {
    Object.assign(layers[0]!, { config: dense('dense_1', 5, 'hard_sigmoid').config });
  });
  const slopes = (network: Network) =>
    network.nodes.flatMap(({ operator }) =>
      operator.kind === 'nonlinearity' && operator.function.name === 'hard-sigmoid'
        ? [operator.function.alpha]
        : [],
    );

  it.each([
    ['2.15.0', 0.2],
    ['3.6.0', 1 / 6],
  ])('has the slope of Keras %s in both of its files', async (version, slope) => {
    // What else speaks of versions does not count.
    const config = { ...model, keras_version: version === '2.15.0' ? '3.0.0' : '2.0.0' };
    expect(slopes(await loadNetwork(await withConfig(config, version)))).toEqual([slope]);
    const archive = await rearchived((entries) => {
      entries['metadata.json'] = Buffer.from(JSON.stringify({ keras_version: version }));
    });
    expect(slopes(await loadNetwork(archive))).toEqual([slope]);
  });

  it('is refused where no version is known', async () => {
    const message = /hard_sigmoid: its slope is that of a version/;
    await expect(loadNetwork(await withConfig(model, null))).rejects.toThrow(message);
    await expect(loadNetwork(await withConfig(model, 'nightly'))).rejects.toThrow(message);
    const archive = await rearchived((entries) => delete entries['metadata.json']);
    await expect(loadNetwork(archive)).rejects.toThrow(message);
  });
});

describe('batch normalisation as Keras writes it with its fields for renormalisation', () => {
  const renormed = (on: boolean) =>
    rearchived((entries) => {
      const text = entries['config.json']!.toString();
      expect(text).toContain('"renorm": false');
      entries['config.json'] = Buffer.from(text.replace('"renorm": false', `"renorm": ${on}`));
    });

  it('is refused where it is renormalised, and only there', async () => {
    await loadNetwork(await renormed(false));
    await expect(loadNetwork(await renormed(true))).rejects.toThrow(/BatchNormalization with renorm/);
  });
});

it('HDF5 without a model is refused, with what to do', async () => {
  await expect(loadNetwork(named('weights.h5'))).rejects.toThrow(
    /no attribute model_config; `lipsoid describe weights\.h5/,
  );
});
