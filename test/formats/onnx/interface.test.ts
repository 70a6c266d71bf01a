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
      /input x: .*give them without the batch axis \(the option inputShape\), got \[N, 3, h, w\]/,
    );
    await expect(read(bytes, { inputShape: [1, 8, 6] })).rejects.toThrow(InputError);
    await expect(read(bytes, { inputShape: [3, 8] })).rejects.toThrow(InputError);
    await expect(read(bytes, { inputShape: [3, 8, Number.NaN] })).rejects.toThrow(InputError);
  });

  it('takes its whole shape from inputShape where the file has none', async () => {
    const bytes = model(relu, { inputs: { x: undefined } });
    expect(await inputShape(bytes, { inputShape: [2, 5] })).toEqual([2, 5]);
    await expect(read(bytes)).rejects.toThrow(
      /its shape must be known, got none; give it \(the option inputShape\)/,
    );
  });

  it('must agree with an inputShape', async () => {
    const bytes = model(relu, { inputs: { x: ['N', 3, 8, 8] } });
    await expect(read(bytes, { inputShape: [3, 8, 9] })).rejects.toThrow(
      /must agree with \[N, 3, 8, 8\], got \[3, 8, 9\]/,
    );
  });

  it('of several is all of them together, one after the other', async () => {
    const bytes = model([node('Gemm', 'a w', 'p'), node('Sub', 'p b', 'y')], {
      inputs: { a: ['N', 3], b: ['N', 2] },
      initializers: [floats('w', [3, 2], [1, 2, 3, 4, 5, 6])],
    });
    const network = await read(bytes);
    expect(network.tensors[network.input]).toEqual({ name: 'a, b', shape: [5] });
    expect([...evaluate(network, Float64Array.of(1, 0, 2, 10, 20))]).toEqual([1, -6]);
  });

  it('of several images has the channels of all', async () => {
    const bytes = model([node('Concat', 'b a', 'y', { axis: 1n })], {
      inputs: { a: ['N', 1, 2, 2], b: ['N', 2, 2, 2] },
    });
    const network = await read(bytes);
    expect(network.tensors[network.input]!.shape).toEqual([3, 2, 2]);
    const x = Float64Array.from({ length: 12 }, (_, n) => n);
    expect([...evaluate(network, x)]).toEqual([4, 5, 6, 7, 8, 9, 10, 11, 0, 1, 2, 3]);
  });

  it('is one of several where the others are held at numbers', async () => {
    const bytes = model([node('Sub', 'a b', 'd'), node('Mul', 'd s', 'y')], {
      inputs: { a: ['N', 2], b: ['N', 2], s: [] },
    });
    const fixed = (...data: number[]) => ({ shape: [data.length], data });
    const fix = new Map([
      ['b', fixed(5, 7)],
      ['s', fixed(3)],
    ]);
    const network = await read(bytes, { fix });
    expect(network.tensors[network.input]).toEqual({ name: 'a', shape: [2] });
    expect([...evaluate(network, Float64Array.of(1, 2))]).toEqual([-12, -15]);
    expect(await read(bytes, { fix, input: 'a' })).toEqual(network);
    await expect(read(bytes, { input: 'a' })).rejects.toThrow(/must be fixed \(the option fix\), got b, s/);
    await expect(read(bytes, { input: 'c' })).rejects.toThrow(/must be one of a, b, s, got c/);
    await expect(read(bytes, { fix, input: 'b' })).rejects.toThrow(/not be fixed and chosen/);
    const wrong = new Map([...fix, ['b', fixed(1, 2, 3)] as const]);
    await expect(read(bytes, { fix: wrong })).rejects.toThrow(/must be of shape \[N, 2\], got \[3\]/);
    const bad = new Map([...fix, ['b', fixed(1, Number.NaN)] as const]);
    await expect(read(bytes, { fix: bad })).rejects.toThrow(
      /input b: must hold numbers of float, got NaN at 1/,
    );
    // float32 is what the file says.
    const coarse = await read(bytes, { fix: new Map([...fix, ['b', fixed(0.1, 0)] as const]) });
    expect(evaluate(coarse, Float64Array.of(0, 0))[0]).toBe(-3 * Math.fround(0.1));
  });

  it('that nothing needs is ignored', async () => {
    const bytes = model(relu, { inputs: { unused: ['N', 3], x: ['N', 4] } });
    expect(await inputShape(bytes)).toEqual([4]);
    await expect(read(model(relu, { inputs: {} }))).rejects.toThrow(/inputs must exist/);
  });

  it('of several must have one size of the batch', async () => {
    const nodes = [node('Add', 'x z', 'y')];
    const bytes = model(nodes, { inputs: { x: ['N', 4], z: [3, 4] } });
    await expect(read(bytes)).rejects.toThrow(/one batch size, got x \[N, 4\], z \[3, 4\]/);
  });

  it('is what is no initialiser', async () => {
    const weights = [floats('w', [4], [1, 2, 3, 4])];
    const bytes = model([node('Mul', 'x w', 'y')], {
      inputs: { w: [4], x: ['N', 4] },
      initializers: weights,
    });
    expect(await inputShape(bytes)).toEqual([4]);
  });

  it('may hold integers that are moved, compared and cast', async () => {
    const nodes = [
      ...[node('Transpose', 'x', 't', { perm: [0n, 2n, 1n] }), node('Min', 't most', 'm')],
      ...[node('Cast', 'm', 'f', { to: 1n }), node('Add', 'f f', 'y')],
    ];
    const options = {
      inputs: { x: ['N', 1, 2] },
      inputType: 7,
      outputType: 1,
      initializers: [integers('most', [], [9])],
    };
    const network = await read(model(nodes, options));
    expect([...evaluate(network, Float64Array.of(3, 200))]).toEqual([6, 18]);
  });

  it('may widen integers, which loses nothing, but not narrow them, and has the largest of them', async () => {
    const cast = (from: number, to: bigint) =>
      read(
        model([node('Cast', 'x', 'i', { to }), node('Cast', 'i', 'y', { to: 1n })], {
          ...{ inputs: { x: ['N', 1, 2] }, inputType: from, outputType: 1 },
        }),
      );
    // uint8 to int32, int8 to int16, uint8 to uint16.
    for (const [from, to] of [
      [2, 6n],
      [3, 5n],
      [2, 4n],
    ] as const)
      expect([...evaluate(await cast(from, to), Float64Array.of(3, 100))]).toEqual([3, 100]);
    // int8 to uint8 and uint16, int32 to int16, uint8 to int8.
    for (const [from, to] of [
      [3, 2n],
      [3, 4n],
      [6, 5n],
      [2, 3n],
    ] as const)
      await expect(cast(from, to)).rejects.toThrow(/Cast: data to/);
    const largest = [node('MaxPool', 'x', 'p', { kernel_shape: [2n] }), node('Cast', 'p', 'y', { to: 1n })];
    const pooled = model(largest, { inputs: { x: ['N', 1, 2] }, inputType: 2, outputType: 1 });
    expect([...evaluate(await read(pooled), Float64Array.of(3, 200))]).toEqual([200]);
  });

  it('must not hold integers that are computed with, which wrap around', async () => {
    const sums = [node('Identity', 'x', 'i'), node('Add', 'i i', 'a'), node('Cast', 'a', 'y', { to: 1n })];
    for (const inputType of [2, 6, 7]) {
      await expect(read(model(sums, { inputType, outputType: 1 }))).rejects.toThrow(
        /Add of u?int\d+: .* wraps around/,
      );
    }
    const powers = [node('Mul', 'x x', 'a'), node('Cast', 'a', 'f', { to: 1n }), node('Tanh', 'f', 'y')];
    await expect(read(model(powers, { inputType: 7, outputType: 1 }))).rejects.toThrow(/Mul of int64/);
  });

  it('must hold numbers', async () => {
    await expect(read(model([node('Cast', 'x', 'y', { to: 1n })], { inputType: 9 }))).rejects.toThrow(
      UnsupportedError,
    );
  });
});

describe('the output', () => {
  const nodes = [node('Relu', 'x', 'a'), node('Tanh', 'a', 'b')];
  const bytes = model(nodes, { outputs: { a: undefined, b: undefined } });

  it('is chosen by name among several', async () => {
    await expect(read(bytes)).rejects.toThrow(/got 2: a, b; choose one \(the option output\)/);
    expect(kinds(await read(bytes, { output: 'a' }))).toEqual(['relu']);
    expect(kinds(await read(bytes, { output: 'b' }))).toEqual(['relu', 'tanh']);
    await expect(read(bytes, { output: 'c' })).rejects.toThrow(/must be one of a, b, got c/);
  });

  it('may be a constant', async () => {
    const bytes = model([node('Neg', 'w', 'y')], {
      inputs: { x: ['N', 2, 2] },
      initializers: [floats('w', [2], [1, 2])],
    });
    const network = await read(bytes);
    expect(network.tensors[network.input]!.shape).toEqual([2, 2]);
    expect([...evaluate(network, Float64Array.of(1, 2, 3, 4))]).toEqual([-1, -2]);
  });

  it('is not a constant of an open batch', async () => {
    await expect(read(model([node('Shape', 'x', 'y')]))).rejects.toThrow(/input 0 depends on the batch size/);
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

  it('is 1 where that is said', async () => {
    const nodes = [
      node('Shape', 'x', 's'),
      node('Add', 's s', 't'),
      node('Cast', 't', 'f', { to: 1n }),
      node('Mul', 'x f', 'y'),
    ];
    const bytes = model(nodes, { inputs: { x: ['N', 2] } });
    await expect(read(bytes)).rejects.toThrow(/give the size of the batch \(the option batch\)/);
    expect([...evaluate(await read(bytes, { batch: 1 }), Float64Array.of(3, 5))]).toEqual([6, 20]);
    const fixed = model(relu, { inputs: { x: [4, 2] } });
    await expect(read(fixed, { batch: 1 })).rejects.toThrow(/batch size must be 1/);
  });

  it('is named where it stands in the way, and may be the second axis of a file where it is 1', async () => {
    const swapped = (x: readonly (string | number)[]) =>
      model([node('Transpose', 'x', 'a', { perm: [1n, 0n, 2n] }), node('Exp', 'a', 'y')], { inputs: { x } });
    await expect(read(swapped(['N', 2, 3]))).rejects.toThrow(/must not mix; or give the size of the batch/);
    // What stands in the way whatever the first axis is.
    await expect(read(swapped([5, 2, 3]))).rejects.toThrow(/Exp of data/);
    const steps = (x: readonly (string | number)[]) => model(relu, { inputs: { x } });
    await expect(read(steps([5, 'N', 3]))).rejects.toThrow(/its sides must be known/);
    expect(await inputShape(steps([5, 'N', 3]), { batch: 1 })).toEqual([5, 1, 3]);
    expect(await inputShape(steps(['T', 'N', 3]), { batch: 1, inputShape: [5, 1, 3] })).toEqual([5, 1, 3]);
    for (const x of [
      [5, 'N', 'C'],
      [1, 'C', 3],
    ])
      await expect(read(steps(x), { batch: 1 })).rejects.toThrow(/its sides must be known/);
    await expect(read(steps(['T', 'N', 3]), { batch: 1, inputShape: [5, 2, 3] })).rejects.toThrow(
      /batch size must be 1/,
    );
  });

  it('is 1 where an input that is read and whose batch is open is fixed with one row, and nowhere else', async () => {
    const sum = node('ReduceSum', 'h a', 'y');
    const initializers = [integers('a', [1], [0])];
    const row = { shape: [1, 4], data: [1, 2, 3, 4] };
    const fix = new Map([['t', row]]);
    const open = { inputs: { x: ['N', 4], t: ['N', 4] }, initializers };
    const network = await read(model([node('Add', 'x t', 'h'), sum], open), { fix });
    expect([...evaluate(network, Float64Array.of(1, 1, 1, 1))]).toEqual([2, 3, 4, 5]);
    const mixed = /the batch axis is not left alone/;
    const unread = model([node('Relu', 'x', 'h'), sum], open);
    await expect(read(unread)).rejects.toThrow(mixed);
    await expect(read(unread, { fix })).rejects.toThrow(mixed);
    const closed = { inputs: { x: ['N', 4], t: [1, 4] }, initializers };
    await expect(read(model([node('Add', 'x t', 'h'), sum], closed), { fix })).rejects.toThrow(mixed);
  });

  it('is the length of a signal that is read step by step from a fixed state', async () => {
    const nodes = [node('RNN', 'x W R   h', 'y', { hidden_size: 2n })];
    const initializers = [floats('W', [1, 2, 3], [1, 0, 0, 0, 1, 0]), floats('R', [1, 2, 2], [1, 0, 0, 1])];
    const steps = (length: number | string) =>
      model(nodes, { inputs: { x: [length, 1, 3], h: [1, 1, 2] }, initializers });
    const fix = new Map([['h', { shape: [1, 1, 2], data: [0, 0] }]]);
    // Steps are no samples, however many there are.
    await expect(read(steps('seq'), { fix })).rejects.toThrow(/the batch axis is not left alone/);
    for (const options of [{ fix }, { fix, inputShape: [8, 1, 3] }]) {
      const bytes = steps('inputShape' in options ? 'seq' : 8);
      expect(await inputShape(bytes, options)).toEqual([8, 1, 3]);
    }
  });

  it.each([
    ['RNN', 1],
    ['GRU', 3],
    ['LSTM', 4],
  ])('of %s may come first, open or not', async (op, gates) => {
    const values = (count: number) => Array.from({ length: count }, (_, k) => Math.sin(1 + 3 * k));
    const initializers = [
      floats('W', [1, 2 * gates, 2], values(4 * gates)),
      floats('R', [1, 2 * gates, 2], values(4 * gates)),
    ];
    const nodes = [node(op, 'x W R', ' y', { hidden_size: 2n, layout: 1n })];
    const bytes = (first: number | string) =>
      model(nodes, { inputs: { x: [first, 3, 2] }, initializers, opset: 14 });
    const results = [];
    for (const [first, options] of [
      ['N', {}],
      ['N', { batch: 1 }],
      [1, {}],
    ] as const) {
      const network = await read(bytes(first), options);
      results.push([...evaluate(network, Float64Array.from(values(6)))]);
    }
    expect(results[1]).toEqual(results[0]);
    expect(results[2]).toEqual(results[0]);
  });

  it('leaves sums of known states what they are where terms cancel', async () => {
    // R h is 1e16 + 1 − 1e16.
    const rows = (first: number[]) => [...first, 0, 0, 0, 0, 0, 0];
    const initializers = [
      floats('W', [1, 3, 1], [0.5, 0, 0]),
      floats('R', [1, 3, 3], rows([1e16, 1, -1e16])),
      floats('h', [1, 1, 3], [1, 1, 1]),
    ];
    const nodes = [node('RNN', 'x W R   h', ' y', { hidden_size: 3n })];
    const network = await read(model(nodes, { inputs: { x: [1, 1, 1] }, initializers }));
    const large = Math.fround(1e16);
    expect(large + 1 - large).toBe(0);
    expect(evaluate(network, Float64Array.of(0))[0]).toBe(Math.tanh(1));
  });

  it('is not blamed for what is wrong with the file', async () => {
    const initializers = [
      floats('W', [1, 8, 2], Array(16).fill(1)),
      floats('R', [1, 8, 2], Array(16).fill(1)),
    ];
    const bytes = model([node('GRU', 'x W R', 'y', { hidden_size: 2n })], {
      inputs: { x: [2, 1, 2] },
      initializers,
    });
    await expect(read(bytes)).rejects.toThrow(/W must be \[1, 6, 2\], got \[1, 8, 2\]/);
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
