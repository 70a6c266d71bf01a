/** Inputs, outputs, and what the batch axis may be. */
import { describe, expect, it } from 'vitest';
import { InputError, UnsupportedError } from '../../../src/errors.ts';
import { evaluate } from '../../../src/network/evaluation/evaluate.ts';
import { floats, integers, kinds, model, node, outputShape, read } from './build.ts';

const relu = [node('Relu', 'x', 'y')];
const inputShape = async (bytes: Uint8Array, options = {}) => {
  const network = await read(bytes, options);
  return network.tensors[network.input]!.shape;
};

describe('the input', () => {
  it('loses its batch axis, open or fixed', async () => {
    expect(await inputShape(model(relu, { inputs: { x: ['N', 3, 8, 8] } }))).toEqual([3, 8, 8]);
    expect(await inputShape(model(relu, { inputs: { x: [1, 3, 8, 8] } }))).toEqual([3, 8, 8]);
    expect(await inputShape(model(relu, { inputs: { x: [16, 3, 8, 8] } }))).toEqual([3, 8, 8]);
  });

  it('may be a vector without a batch axis', async () => {
    expect(await inputShape(model(relu, { inputs: { x: [784] } }))).toEqual([784]);
  });

  it('takes open sides from inputShape, with or without the batch axis', async () => {
    const bytes = model(relu, { inputs: { x: ['N', 3, 'h', 'w'] } });
    expect(await inputShape(bytes, { inputShape: [3, 8, 6] })).toEqual([3, 8, 6]);
    expect(await inputShape(bytes, { inputShape: [1, 3, 8, 6] })).toEqual([3, 8, 6]);
    await expect(read(bytes)).rejects.toThrow(
      /input x: .*give inputShape without the batch axis, got \[N, 3, h, w\]/,
    );
    await expect(read(bytes, { inputShape: [1, 8, 6] })).rejects.toThrow(InputError);
    await expect(read(bytes, { inputShape: [3, 8] })).rejects.toThrow(InputError);
    await expect(read(bytes, { inputShape: [3, 8, Number.NaN] })).rejects.toThrow(InputError);
  });

  it('takes its whole shape from inputShape where the file has none', async () => {
    const bytes = model(relu, { inputs: { x: undefined } });
    expect(await inputShape(bytes, { inputShape: [2, 5] })).toEqual([2, 5]);
    await expect(read(bytes)).rejects.toThrow(/its shape must be known, got none; give inputShape/);
  });

  it('must agree with an inputShape', async () => {
    const bytes = model(relu, { inputs: { x: ['N', 3, 8, 8] } });
    await expect(read(bytes, { inputShape: [3, 8, 9] })).rejects.toThrow(
      /must agree with \[N, 3, 8, 8\], got \[3, 8, 9\]/,
    );
  });

  it('must be one', async () => {
    const two = { inputs: { x: ['N', 4], z: ['N', 4] } };
    await expect(read(model([node('Add', 'x z', 'y')], two))).rejects.toThrow(/one input, got 2: x, z/);
    await expect(read(model(relu, { inputs: {} }))).rejects.toThrow(/one input, got 0/);
  });

  it('is what is no initialiser', async () => {
    const weights = [floats('w', [4], [1, 2, 3, 4])];
    const bytes = model([node('Mul', 'x w', 'y')], {
      inputs: { w: [4], x: ['N', 4] },
      initializers: weights,
    });
    expect(await inputShape(bytes)).toEqual([4]);
  });

  it('must hold floats', async () => {
    await expect(read(model(relu, { inputType: 7 }))).rejects.toThrow(UnsupportedError);
  });
});

describe('the output', () => {
  const nodes = [node('Relu', 'x', 'a'), node('Tanh', 'a', 'b')];
  const bytes = model(nodes, { outputs: { a: undefined, b: undefined } });

  it('is chosen by name among several', async () => {
    await expect(read(bytes)).rejects.toThrow(/got 2: a, b; choose one with the option output/);
    expect(kinds(await read(bytes, { output: 'a' }))).toEqual(['relu']);
    expect(kinds(await read(bytes, { output: 'b' }))).toEqual(['relu', 'tanh']);
    await expect(read(bytes, { output: 'c' })).rejects.toThrow(/must be one of a, b, got c/);
  });

  it('must depend on the input', async () => {
    const bytes = model([node('Neg', 'w', 'y')], { initializers: [floats('w', [2], [1, 2])] });
    await expect(read(bytes)).rejects.toThrow(/must depend on the input/);
  });

  it('must have the shape that the file declares', async () => {
    await expect(read(model(relu, { outputs: { y: ['N', 5] } }))).rejects.toThrow(
      /must give \[N, 5\], got \[batch, 4\]/,
    );
    expect(outputShape(await read(model(relu, { outputs: { y: ['N', 4] } })))).toEqual([4]);
  });
});

describe('the batch axis', () => {
  it.each([
    ['Concat', [node('Concat', 'x x', 'y', { axis: 0n })], []],
    ['Transpose', [node('Transpose', 'x', 'y', { perm: [1n, 0n, 2n] })], []],
    ['Reshape', [node('Reshape', 'x s', 'y')], [integers('s', [2], [-1, 4])]],
    ['Reshape to one row', [node('Reshape', 'x s', 'y')], [integers('s', [1], [-1])]],
    ['Flatten', [node('Flatten', 'x', 'y', { axis: 2n })], []],
    ['Unsqueeze', [node('Unsqueeze', 'x a', 'y')], [integers('a', [1], [0])]],
    ['ReduceMean', [node('ReduceMean', 'x', 'y', { axes: [0n] })], []],
    ['ReduceSum of everything', [node('ReduceSum', 'x', 'y')], []],
    ['Squeeze', [node('Squeeze', 'x', 'y')], []],
    ['Gather', [node('Gather', 'x i', 'y', { axis: 0n })], [integers('i', [], [0])]],
    [
      'Slice',
      [node('Slice', 'x a b c', 'y')],
      [integers('a', [1], [0]), integers('b', [1], [1]), integers('c', [1], [0])],
    ],
    ['Softmax', [node('Softmax', 'x', 'y', { axis: 0n })], []],
  ] as const)('is not touched: %s', async (_, nodes, initializers) => {
    const bytes = model(nodes, { inputs: { x: ['N', 2, 4] }, initializers: [...initializers] });
    await expect(read(bytes)).rejects.toThrow(UnsupportedError);
  });

  it('may be lost and regained while it is 1', async () => {
    const nodes = [
      node('Reshape', 'x s', 'flat'),
      node('Unsqueeze', 'flat a', 'row'),
      node('MatMul', 'row w', 'y'),
    ];
    const initializers = [
      integers('s', [1], [-1]),
      integers('a', [1], [0]),
      floats('w', [4, 1], [1, 2, 3, 4]),
    ];
    const network = await read(model(nodes, { inputs: { x: [1, 2, 2] }, initializers }));
    expect([...evaluate(network, Float64Array.of(1, 1, 1, 1))]).toEqual([10]);
  });

  it('that has a fixed side may be an axis of the sample where the first reading fails', async () => {
    // A column vector: W x with x [3, 1].
    const bytes = model([node('MatMul', 'w x', 'y')], {
      inputs: { x: [3, 1] },
      initializers: [floats('w', [2, 3], [1, 2, 3, 4, 5, 6])],
    });
    const network = await read(bytes);
    expect(network.tensors[network.input]!.shape).toEqual([3, 1]);
    expect([...evaluate(network, Float64Array.of(1, 0, 2))]).toEqual([7, 16]);
  });

  it('is not guessed where inputShape leaves it out', async () => {
    const bytes = model([node('MatMul', 'w x', 'y')], {
      inputs: { x: [3, 1] },
      initializers: [floats('w', [2, 3], [1, 2, 3, 4, 5, 6])],
    });
    await expect(read(bytes, { inputShape: [1] })).rejects.toThrow(UnsupportedError);
  });

  it('cannot be squeezed away silently while it is open', async () => {
    const bytes = model([node('Squeeze', 'x', 'y')], { inputs: { x: ['N', 4, 1] } });
    await expect(read(bytes)).rejects.toThrow(/depends on the batch; give the axes/);
  });

  it('does not enter arithmetic', async () => {
    const nodes = [
      node('Shape', 'x', 'n', { start: 0n, end: 1n }),
      node('Cast', 'n', 'f', { to: 1n }),
      node('Div', 'x f', 'y'),
    ];
    await expect(read(model(nodes, { opset: 15 }))).rejects.toThrow(UnsupportedError);
    const sums = [
      nodes[0]!,
      node('Add', 'n n', 'm'),
      node('Concat', 'm k', 's', { axis: 0n }),
      node('Reshape', 'x s', 'y'),
    ];
    const bytes = model(sums, { opset: 15, initializers: [integers('k', [1], [2])] });
    await expect(read(bytes)).rejects.toThrow(/input 0 depends on the batch size/);
  });
});
