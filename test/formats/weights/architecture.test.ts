/** Weights of PyTorch, NumPy and safetensors with an architecture in JSON. */
import { beforeAll, describe, expect, it } from 'vitest';
import { InputError } from '../../../src/errors.ts';
import { describeWeights, loadNetwork } from '../../../src/formats/load.browser.ts';
import { openWeights } from '../../../src/formats/weights/open.ts';
import { loadNetwork as loadInNode } from '../../../src/index.ts';
import type { Network } from '../../../src/network/network.ts';
import { cnn, entries, FOLDER, file, MLP_LAYERS, mlp } from '../files/networks.ts';
import { safetensorsFile } from '../files/safetensors.ts';
import { expectSame } from '../same.ts';

type Layer = Readonly<Record<string, unknown>>;

const text = (document: unknown) => new TextEncoder().encode(JSON.stringify(document));
const architecture = (weights: string, input: readonly number[], layers: readonly Layer[], more = {}) => ({
  ...{ format: 'lipsoid-architecture', version: 1, weights, input, layers },
  ...more,
});

/** The names of arrays with a dot or an underscore between. */
const mlpLayers = (dot: string): Layer[] =>
  [1, 2, 3].flatMap((k) => [
    ...(k > 1 ? [{ layer: 'relu' }] : []),
    { layer: 'linear', weight: `fc${k}${dot}weight`, bias: `fc${k}${dot}bias` },
  ]);

const cnnLayers: Layer[] = [
  { layer: 'conv', weight: 'conv.weight', bias: 'conv.bias', stride: 2, padding: 1 },
  {
    ...{ layer: 'batch-norm', weight: 'bn.weight', bias: 'bn.bias' },
    ...{ mean: 'bn.running_mean', variance: 'bn.running_var', eps: 1e-3 },
  },
  { layer: 'relu' },
  { layer: 'flatten' },
  { layer: 'linear', weight: 'fc.weight', bias: 'fc.bias' },
];

/** Reads an architecture with the file that it names. */
const read = (document: { readonly weights: string }, bytes = file(document.weights)) =>
  loadNetwork(text(document), { external: new Map([[document.weights, bytes]]) });

const mlpTensors = Object.fromEntries(
  MLP_LAYERS.flatMap(({ weight, bias }, k) => [
    [`fc${k + 1}.weight`, { shape: [bias.length, weight.length / bias.length], numbers: weight }],
    [`fc${k + 1}.bias`, { shape: [bias.length], numbers: bias }],
  ]),
);

describe('one network', () => {
  let nets: { readonly mlp: Network; readonly cnn: Network };
  beforeAll(() => {
    nets = { mlp: mlp(), cnn: cnn() };
  });

  it.each(['mlp.onnx', 'cnn.onnx'])('that PyTorch exported to ONNX, %s', async (name) => {
    await expectSame(await loadNetwork(file(name)), name === 'mlp.onnx' ? nets.mlp : nets.cnn);
  });

  it.each(['mlp.pth', 'checkpoint.ckpt'])('of PyTorch in %s', async (name) => {
    await expectSame(await read(architecture(name, [4], mlpLayers('.'))), nets.mlp);
  });

  it('of NumPy', async () => {
    await expectSame(await read(architecture('mlp.npz', [4], mlpLayers('_'))), nets.mlp);
  });

  it('in safetensors', async () => {
    const bytes = safetensorsFile(mlpTensors);
    await expectSame(await read(architecture('mlp.safetensors', [4], mlpLayers('.')), bytes), nets.mlp);
  });

  it.each(['cnn.pth', 'cnn.npz'])('with a convolution in %s', async (name) => {
    await expectSame(await read(architecture(name, [2, 6, 6], cnnLayers)), nets.cnn);
  });

  it('of MATLAB in cells, version 7', async () => {
    const layers = [1, 2, 3].flatMap((k) => [
      ...(k > 1 ? [{ layer: 'relu' }] : []),
      { layer: 'linear', weight: `weights{${k}}`, bias: `biases{${k}}` },
    ]);
    await expectSame(await read(architecture('mlp.mat', [4], layers)), nets.mlp);
  });

  it('of MATLAB in structures, with its order of axes', async () => {
    const [conv, bn, relu, flatten] = cnnLayers;
    const layers = [
      { ...conv, weight: 'conv.W', bias: 'conv.b', order: 'outputs-last' },
      ...[bn!, relu!, flatten!],
      { layer: 'linear', weight: 'fc.W', bias: 'fc.b' },
    ];
    await expectSame(await read(architecture('cnn.mat', [2, 6, 6], layers)), nets.cnn);
  });

  it.each([
    ['MATLAB 7.3', 'mlp73.mat', '_'],
    ['HDF5', 'weights.h5', '/'],
  ])('of %s', async (_, name, dot) => {
    await expectSame(await read(architecture(name, [4], mlpLayers(dot))), nets.mlp);
  });

  it('from a folder, with the hash of both files', async () => {
    const { mkdtemp, rm, writeFile, copyFile } = await import('node:fs/promises');
    const { tmpdir } = await import('node:os');
    const folder = await mkdtemp(`${tmpdir()}/lipsoid-`);
    try {
      await copyFile(`${FOLDER}mlp.pth`, `${folder}/mlp.pth`);
      await writeFile(`${folder}/net.json`, text(architecture('mlp.pth', [4], mlpLayers('.'))));
      const network = await loadInNode(`${folder}/net.json`);
      expect(network.source).toMatchObject({ file: 'net.json', external: ['mlp.pth'] });
      await expectSame(network, nets.mlp);
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});

describe('state dictionaries', () => {
  it('hold views, parts and other formats of numbers', async () => {
    const arrays = await openWeights(file('views.pt'), 'views.pt');
    const numbers = async (name: string) => [...(await arrays.get(name)!.numbers())];
    expect(await numbers('fc1.weight')).toEqual([...entries(1, 24)]);
    expect(await numbers('fc1.bias')).toEqual([...entries(2, 6)]);
    expect(await arrays.get('fc2.weight')!.numbers()).toBeInstanceOf(Float64Array);
    expect(await numbers('half')).toEqual([1.5, -0.25]);
    expect(await numbers('bfloat')).toEqual([1.5, -0.25]);
    expect(await numbers('long')).toEqual([3, -4]);
  });

  it.each([
    ['legacy.pth', /must be a zip archive as torch.save writes it since PyTorch 1.6/],
    ['module.pt', /got __main__\.Mlp, which is never unpickled; torch\.save\(model\.state_dict/],
  ])('%s is refused', async (name, message) => {
    await expect(openWeights(file(name), name)).rejects.toThrow(message);
  });
});

describe('MAT-files', () => {
  it('with another order of bytes and whole numbers in few bytes', async () => {
    const bytes = file('cnn.mat');
    const arrays = await openWeights(bytes, 'cnn.mat');
    expect(await arrays.get('fc.W')!.numbers()).toBeInstanceOf(Float64Array);
    expect(await arrays.get('conv.b')!.numbers()).toBeInstanceOf(Float32Array);
    const big = matlabFile(false, 'w', [2, 3], [1, 2, 3, 4, 5, 6]);
    const w = (await openWeights(big, 'big.mat')).get('w')!;
    expect([w.shape, [...(await w.numbers())]]).toEqual([
      [2, 3],
      [1, 3, 5, 2, 4, 6],
    ]);
  });

  it('whose array is shorter than its dimensions is refused', async () => {
    const arrays = await openWeights(matlabFile(true, 'w', [2, 4], [1, 2, 3, 4, 5, 6]), 'short.mat');
    await expect(arrays.get('w')!.numbers()).rejects.toThrow(/do not take 6 bytes/);
  });
});

/** A file of one matrix of class double, whose numbers are stored as bytes. */
function matlabFile(little: boolean, name: string, shape: number[], numbers: number[]): Uint8Array {
  const bytes = new Uint8Array(128 + 8 + 48 + 8 * Math.ceil(numbers.length / 8) + 8);
  const view = new DataView(bytes.buffer);
  const word = (at: number, ...words: number[]) =>
    words.forEach((value, k) => void view.setUint32(at + 4 * k, value, little));
  view.setUint16(124, 0x0100, little);
  view.setUint16(126, 0x4d49, little);
  word(128, 14, bytes.length - 136, 6, 8, 6, 0, 5, 8, ...shape);
  word(168, 1, name.length);
  bytes.set(new TextEncoder().encode(name), 176);
  word(184, 2, numbers.length);
  bytes.set(numbers, 192);
  return bytes;
}

/** What nothing tells of a convolution. */
const SIDES = { stride: '?', padding: '?', dilation: '?' };

describe('a file of weights alone', () => {
  it('is refused, with what to do', async () => {
    await expect(loadNetwork(file('mlp.pth'))).rejects.toThrow(/lipsoid describe .*proposes an architecture/);
  });

  it('is described from its names and shapes', async () => {
    const { proposal, questions } = await describeWeights(new File([file('cnn.pth') as BlobPart], 'cnn.pth'));
    expect(proposal).toEqual({
      ...{ format: 'lipsoid-architecture', version: 1, weights: 'cnn.pth', input: [2, '?', '?'] },
      layers: [
        {
          ...{ layer: 'conv', name: 'conv', weight: 'conv.weight', bias: 'conv.bias' },
          ...{ stride: '?', padding: '?', dilation: '?' },
        },
        { layer: '?', name: 'after conv' },
        {
          ...{ layer: 'batch-norm', name: 'bn', weight: 'bn.weight', bias: 'bn.bias' },
          ...{ mean: 'bn.running_mean', variance: 'bn.running_var', eps: '?' },
        },
        { layer: '?', name: 'after bn' },
        { layer: 'flatten' },
        { layer: 'linear', name: 'fc', weight: 'fc.weight', bias: 'fc.bias' },
        { layer: '?', name: 'after fc' },
      ],
    });
    expect(questions).toEqual([
      ...['input', 'stride, padding, dilation of conv', 'after conv'],
      ...['eps of bn', 'after bn', 'after fc'],
    ]);
    await expect(read(proposal)).rejects.toThrow(
      /got "\?" for input; stride, padding, dilation of conv; after conv; eps of bn/,
    );
  });

  it('once described and completed is the network', async () => {
    const { proposal } = await describeWeights(new File([file('mlp.npz') as BlobPart], 'mlp.npz'));
    const answers: Readonly<Record<string, string>> = { 'after fc3': 'none' };
    const layers = proposal.layers.map((layer) =>
      layer.layer === '?' ? { ...layer, layer: answers[String(layer.name)] ?? 'relu' } : layer,
    );
    await expectSame(await read({ ...proposal, layers } as never), mlp());
  });

  it.each([
    // Six outputs and four inputs: the number of biases tells which are which.
    [
      { W1: [6, 4], b1: [6] },
      { layer: 'linear', name: 'layer 1', weight: 'W1', bias: 'b1' },
    ],
    [
      { W1: [4, 6], b1: [6] },
      { layer: 'linear', name: 'layer 1', weight: 'W1', bias: 'b1', order: 'outputs-last' },
    ],
    [
      { W1: [6, 6], b1: [6] },
      { layer: 'linear', name: 'layer 1', weight: 'W1', bias: 'b1', order: '?' },
    ],
    // As PyTorch has the transpose: 16 inputs, 3 outputs, as many as the kernel has samples.
    [
      { 'up.weight': [16, 3, 3, 3], 'up.bias': [3] },
      { layer: 'transposed-conv', name: 'up', weight: 'up.weight', bias: 'up.bias', ...SIDES },
    ],
    [
      { W1: [16, 3, 3, 3], b1: [3] },
      { layer: '?', name: 'layer 1', weight: 'W1', bias: 'b1', order: '?', ...SIDES },
    ],
    [
      { 'up.weight': [16, 16, 3, 3], 'up.bias': [16] },
      { layer: '?', name: 'up', weight: 'up.weight', bias: 'up.bias', ...SIDES },
    ],
    [{ 'up.weight': [16, 8, 3, 3] }, { layer: '?', name: 'up', weight: 'up.weight', ...SIDES }],
    [
      { 'c.weight': [8, 3, 5, 5], 'c.bias': [8] },
      { layer: 'conv', name: 'c', weight: 'c.weight', bias: 'c.bias', ...SIDES },
    ],
    [
      { 'a/kernel': [3, 3, 4, 8], 'a/bias': [8] },
      { layer: 'conv', name: 'a', weight: 'a/kernel', bias: 'a/bias', order: 'outputs-last', ...SIDES },
    ],
    [
      { 'a/kernel': [3, 3, 4, 8], 'a/bias': [4] },
      {
        layer: 'transposed-conv',
        name: 'a',
        weight: 'a/kernel',
        bias: 'a/bias',
        order: 'outputs-last',
        ...SIDES,
      },
    ],
    [
      { 'n.running_mean': [6], 'n.weight': [6, 6] },
      { layer: '?', name: 'n (n.running_mean, n.weight)' },
    ],
    [{ 'a/kernel': [6, 6] }, { layer: 'linear', name: 'a', weight: 'a/kernel', order: 'outputs-last' }],
    [
      { 'ln.weight': [6], 'ln.bias': [6] },
      { layer: '?', name: 'ln (ln.bias, ln.weight)' },
    ],
  ])('%j', async (shapes, layer) => {
    const tensors = Object.fromEntries(
      Object.entries(shapes).map(([name, shape]) => [
        name,
        { shape, numbers: new Float32Array(shape.reduce((size, side) => size * side, 1)) },
      ]),
    );
    const { proposal } = await describeWeights(safetensorsFile(tensors));
    expect(proposal.layers[0]).toEqual(layer);
  });
});

it('a convolution that fits the channels before it is proposed as one, and another is asked for', async () => {
  const weight = (...shape: number[]) => ({
    shape,
    numbers: new Float32Array(shape.reduce((a, b) => a * b, 1)),
  });
  const before = { 'a.bias': weight(8), 'a.weight': weight(8, 3, 3, 3) };
  const kinds = async (...shape: number[]) => {
    const { proposal, questions } = await describeWeights(
      safetensorsFile({ ...before, 'b.weight': weight(...shape) }),
    );
    return [proposal.layers[2]!.layer, questions[3]];
  };
  expect(await kinds(16, 8, 3, 3)).toEqual(['conv', 'stride, padding, dilation of b']);
  expect(await kinds(8, 16, 3, 3)).toEqual(['transposed-conv', 'stride, padding, dilation of b']);
  expect(await kinds(8, 8, 3, 3)).toEqual(['?', 'layer, stride, padding, dilation of b']);
});

describe('an architecture is refused', () => {
  const good = architecture('mlp.pth', [4], mlpLayers('.'));
  const layer = (index: number, change: Layer) => ({
    ...good,
    layers: good.layers.map((own, k) => (k === index ? { ...own, ...change } : own)),
  });
  it.each<[string, { readonly weights: string }, RegExp]>([
    ['with another field', { ...good, inputs: [4] } as never, /no other fields than .*, got inputs/],
    ['of another version', { ...good, version: 2 } as never, /version must be 1, got 2/],
    [
      'with a field that its layer has not',
      layer(0, { stride: 1 }),
      /layer 1: must have no other fields.*got stride/,
    ],
    ['with a layer that is not known', layer(1, { layer: 'lstm' }), /layer must be one of .*relu.*got lstm/],
    [
      'without a layer for weights',
      { ...good, layers: good.layers.slice(0, 3) },
      /got none for fc3\.weight, fc3\.bias/,
    ],
    [
      'with weights that are not there',
      layer(0, { weight: 'fc9.weight' }),
      /must be an array of the weights.*fc9\.weight/,
    ],
    [
      'with weights in another folder',
      { ...good, weights: '../mlp.pth' },
      /weights must be the name of a file beside it/,
    ],
    ['with a branch from nowhere', layer(2, { from: 'later' }), /from must be names of layers before it/],
    ['with a wrong order', layer(0, { order: 'outputs-last' }), /must|shape|inputs/],
  ])('%s', async (_, document, message) => {
    const reading = loadNetwork(text(document), { external: new Map([['mlp.pth', file('mlp.pth')]]) });
    await expect(reading).rejects.toThrow(InputError);
    await expect(
      loadNetwork(text(document), { external: new Map([['mlp.pth', file('mlp.pth')]]) }),
    ).rejects.toThrow(message);
  });

  it('unless weights without a layer are named', async () => {
    const network = await read({
      ...good,
      layers: good.layers.slice(0, 3),
      unused: ['fc3.weight', 'fc3.bias'],
    } as never);
    expect(network.tensors[network.output]!.shape).toEqual([5]);
  });

  it('with an option that says nothing of it', async () => {
    await expect(loadNetwork(text(good), { output: 'y' })).rejects.toThrow(/option output says nothing/);
    await expect(loadNetwork(text(good), { inputShap: [4] } as never)).rejects.toThrow(/got inputShap/);
  });
});

describe('branches', () => {
  it('are summed and stacked', async () => {
    const document = architecture(
      'mlp.pth',
      [4],
      [
        { layer: 'linear', name: 'a', weight: 'fc1.weight', bias: 'fc1.bias' },
        { layer: 'relu', name: 'b' },
        { layer: 'add', from: ['a', 'b'], coefficients: [1, -2] },
        { layer: 'concat', from: ['a', 'add 3'] },
      ],
      { unused: ['fc2.weight', 'fc2.bias', 'fc3.weight', 'fc3.bias'] },
    );
    const network = await read(document);
    expect(network.tensors[network.output]!.shape).toEqual([12]);
  });
});
