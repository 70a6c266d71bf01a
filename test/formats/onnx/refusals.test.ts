/** What has no bound is refused by name, all of it at once. */
import { create } from '@bufbuild/protobuf';
import { describe, expect, it } from 'vitest';
import { InputError, UnsupportedError } from '../../../src/errors.ts';
import { TensorProtoSchema } from '../../../src/formats/onnx/protobuf/onnx_pb.ts';
import { DataType } from '../../../src/formats/onnx/values/tensors.ts';
import { doubles, floats, integers, kinds, model, node, read } from './build.ts';

async function refusal(bytes: Uint8Array): Promise<UnsupportedError> {
  const error = await read(bytes).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(UnsupportedError);
  return error as UnsupportedError;
}

describe('refusals', () => {
  it('list every node, what has no bound at all first', async () => {
    const nodes = [
      node('LpNormalization', 'x', 'a'),
      node('Exp', 'a', 'b'),
      node('Mystery', 'b', 'c'),
      node('Relu', 'c', 'd', { colour: 1n }),
      node('Gadget', 'd', 'e', {}, 'com.example'),
      node('Sqrt', 'e', 'y'),
    ];
    const bytes = model(nodes, { initializers: [floats('s', [4], [1, 1, 1, 1])], imports: ['com.example'] });
    const { items } = await refusal(bytes);
    expect(items.map(({ node, found }) => [node, found])).toEqual([
      ['make a', 'LpNormalization'],
      ['make b', 'Exp of data'],
      ['make y', 'Sqrt of data'],
      ['make c', 'Mystery'],
      ['make d', 'Relu: attribute colour'],
      ['make e', 'com.example.Gadget'],
    ]);
  });

  it('name operators of a domain and a name that read as those of another', async () => {
    const nodes = [node('onnx.ml.Scaler', 'x', 'y', { scale: [0.001] }, 'ai')];
    const { items } = await refusal(model(nodes, { imports: ['ai', 'ai.onnx.ml'] }));
    expect(items.map(({ node }) => node)).toEqual(['make y']);
  });

  it('go on behind a node that is refused', async () => {
    const nodes = [
      node('LpNormalization', 'x', 'a'),
      node('Sigmoid', 'a', 'b'),
      node('Mul', 'a b', 'c'),
      node('Tanh', 'a', 'd'),
      node('Mul', 'c d', 'y'),
    ];
    const { items } = await refusal(model(nodes, { initializers: [floats('s', [4], [1, 1, 1, 1])] }));
    expect(items.map(({ node }) => node)).toEqual(['make a', 'make y']);
  });

  it.each([
    ['Mul', [node('Relu', 'x', 'a'), node('Mul', 'x a', 'y')], []],
    ['a square', [node('Mul', 'x x', 'y')], []],
    ['Div', [node('Relu', 'x', 'a'), node('Div', 'x a', 'y')], []],
    ['Div of a constant', [node('Div', 'w x', 'y')], [floats('w', [4], [1, 1, 1, 1])]],
    ['MatMul', [node('Relu', 'x', 'a'), node('MatMul', 'x a', 'y')], []],
    ['Conv', [node('Unsqueeze', 'x a', 'i'), node('Conv', 'i i', 'y')], [integers('a', [1], [2])]],
    ['Gemm', [node('Gemm', 'x x', 'y')], []],
    ['Pow', [node('Pow', 'x w', 'y')], [floats('w', [], [2])]],
    ['Exp', [node('Exp', 'x', 'y')], []],
    ['Reciprocal', [node('Reciprocal', 'x', 'y')], []],
    ['Attention', [node('Attention', 'x x x', 'y')], []],
    ['LpNormalization', [node('LpNormalization', 'x', 'y')], []],
  ] as const)('%s: no global bound exists', async (_, nodes, initializers) => {
    const { message } = await refusal(model(nodes, { initializers: [...initializers] }));
    expect(message).toMatch(/no global bound exists/);
  });

  it.each([
    ['training BatchNormalization', node('BatchNormalization', 'x w w w w', 'y', { training_mode: 1n }), 14],
    ['statistics of BatchNormalization', node('BatchNormalization', 'x w w w w', 'y m v'), 9],
    ['a constant that repeats the tensor', node('Add', 'x table', 'y'), 13],
    ['casts to integers', node('Cast', 'x', 'y', { to: 7n }), 13],
    [
      'ceil_mode that counts padding',
      node('AveragePool', 'i', 'y', {
        kernel_shape: [2n],
        strides: [2n],
        ceil_mode: 1n,
        count_include_pad: 1n,
      }),
      13,
    ],
    [
      'ceil_mode with auto_pad VALID',
      node('AveragePool', 'i', 'y', { kernel_shape: [2n], strides: [2n], ceil_mode: 1n, auto_pad: 'VALID' }),
      13,
    ],
    ['an If', node('If', 'x', 'y'), 13],
  ])('%s', async (_, last, opset) => {
    const initializers = [
      floats('w', [4], [1, 2, 1, 1]),
      floats('table', [3, 4], new Array<number>(12).fill(1)),
    ];
    const images = [node('Reshape', 'x s', 'i')];
    const shape = integers('s', [3], last.opType === 'AveragePool' ? [0, 1, 5] : [0, 2, 2]);
    const grid = floats('grid', [2, 2], [1, 2, 3, 4]);
    const inputs = { x: ['N', last.opType === 'AveragePool' ? 5 : 4] };
    const { items } = await refusal(
      model([...images, last], { inputs, initializers: [...initializers, shape, grid], opset }),
    );
    expect(items.map((item) => item.node)).toEqual(['make y']);
  });

  it('training dropout', async () => {
    const training = create(TensorProtoSchema, { name: 't', dataType: DataType.BOOL, int32Data: [1] });
    const bytes = model([node('Dropout', 'x  t', 'y')], { initializers: [training] });
    const { message } = await refusal(bytes);
    expect(message).toMatch(/training_mode/);
    expect(kinds(await read(model([node('Dropout', 'x', 'd'), node('Relu', 'd', 'y')])))).toEqual(['relu']);
  });

  it('of what is made of constants alone say nothing of slopes', async () => {
    const initializers = [floats('w', [4], [1, 2, 1, 1])];
    const nodes = [node('Mystery', 'w', 'm'), node('LpNormalization', 'w', 'n'), node('Add', 'm n', 's')];
    const { items } = await refusal(model([...nodes, node('Mul', 'x s', 'y')], { initializers }));
    expect(items.map(({ node, found }) => [node, found])).toEqual([
      ['make m', 'Mystery: of constants'],
      ['make n', 'LpNormalization: of constants'],
    ]);
    for (const { reason } of items) expect(reason).toMatch(/export the model with constants folded/);
    const drawn = await refusal(
      model([node('Bernoulli', 'w', 'b'), node('Mul', 'x b', 'y')], { initializers }),
    );
    expect(drawn.message).toMatch(/draws random numbers/);
    const onData = await refusal(
      model([node('LpNormalization', 'x', 'n'), node('Add', 'n w', 'y')], { initializers }),
    );
    expect(onData.message).toMatch(/no global bound exists/);
  });

  it('of another domain say what is read of it', async () => {
    const nodes = [
      node('MeanVarianceNormalization', 'x', 'm'),
      node('LinearClassifier', 'm', 'y', { coefficients: [1] }, 'ai.onnx.ml'),
    ];
    const { items } = await refusal(model(nodes, { imports: ['ai.onnx.ml'] }));
    expect(items.map(({ reason }) => reason)).toEqual([
      expect.stringMatching(/^nothing but 1e-9 keeps it from dividing by 0/),
      expect.stringMatching(/^of ai\.onnx\.ml these are read: .*LinearRegressor.*Gemm/),
    ]);
  });

  it('the mask of a dropout', async () => {
    const { message } = await refusal(
      model([node('Dropout', 'x', 'd m'), node('Cast', 'm', 'y', { to: 1n })]),
    );
    expect(message).toMatch(/make d: Dropout: output 1: of this operator the first output is read/);
  });

  it.each([10, 11])(
    'the mask of a dropout of a known size in operator set %i, whatever it holds',
    async (opset) => {
      const nodes = [node('Dropout', 'x', 'd m'), node('Where', 'm d x', 'y')];
      const bytes = (set: number) => model(nodes, { inputs: { x: [1, 2] }, opset: set });
      await refusal(bytes(opset));
      expect((await read(bytes(12))).nodes.length).toBeGreaterThan(0);
    },
  );

  it('a Gaussian whose rate passes through numbers of less than full precision', async () => {
    const rates = (...factors: number[]) =>
      model(
        [
          node('Mul', 'x x', 's0'),
          ...factors.map((_, k) => node('Mul', `s${k} f${k}`, `s${k + 1}`)),
          node('Exp', `s${factors.length}`, 'y'),
        ],
        {
          inputType: DataType.DOUBLE,
          initializers: factors.map((factor, k) => doubles(`f${k}`, [], [factor])),
        },
      );
    // From the outside in: 1e-200 · 7e-124 has some three bits.
    await refusal(rates(-1e301, 7e-124, 1e-200));
    expect(kinds(await read(rates(-1e100, 7e-124)))).toHaveLength(1);
  });

  it.each(['MaxPool', 'AveragePool'])('%s with dilations and padding of its own', async (op) => {
    const attributes = (auto_pad: string) => ({ auto_pad, kernel_shape: [2n], dilations: [2n] });
    const bytes = (mode: string) =>
      model([node(op, 'x', 'y', attributes(mode))], { inputs: { x: ['N', 1, 5] }, opset: 20 });
    for (const mode of ['SAME_UPPER', 'SAME_LOWER']) {
      const { message } = await refusal(bytes(mode));
      expect(message).toMatch(/auto_pad SAME_\w+ with dilations \[2\]: implementations disagree/);
    }
    expect((await read(bytes('VALID'))).nodes).toHaveLength(1);
  });

  it.each([0, 29, 1000])('operator set %i', async (opset) => {
    const { message } = await refusal(model([node('Relu', 'x', 'y')], { opset }));
    expect(message).toMatch(/operator sets 1 to 28/);
  });

  it('are not made for nodes that the output does not need', async () => {
    const nodes = [node('Exp', 'x', 'e'), node('Mystery', 'e', 'm'), node('Relu', 'x', 'y')];
    expect(kinds(await read(model(nodes)))).toEqual(['relu']);
  });
});

describe('forms of another operator set are malformed', () => {
  const axes = integers('a', [1], [2]);
  it.each([
    ['Squeeze axes as attribute', node('Squeeze', 'x', 'y', { axes: [2n] }), 13],
    ['Squeeze axes as input', node('Squeeze', 'x a', 'y'), 11],
    ['Clip bounds as attributes', node('Clip', 'x', 'y', { min: 0 }), 11],
    ['Clip bounds as inputs', node('Clip', 'x c', 'y'), 9],
    ['ReduceMean axes as input', node('ReduceMean', 'x a', 'y'), 13],
    ['wrap padding', node('Pad', 'x p', 'y', { mode: 'wrap' }), 18],
  ])('%s', async (_, last, opset) => {
    const initializers = [axes, floats('c', [], [0]), integers('p', [6], [0, 0, 1, 0, 0, 1])];
    const bytes = model([last], { inputs: { x: ['N', 4, 1] }, initializers, opset });
    await expect(read(bytes)).rejects.toThrow(InputError);
  });

  it('an empty list of axes to squeeze may be none or all of them', async () => {
    const listed = (inputs: string, axes: Parameters<typeof node>[3], opset: number) =>
      read(
        model([node('Squeeze', inputs, 'y', axes)], {
          inputs: { x: ['N', 4, 1] },
          initializers: [integers('none', [0], [])],
          opset,
        }),
      );
    const left = /with an empty list of axes: whether it stands for none or all is left open/;
    await expect(listed('x', { axes: [] }, 11)).rejects.toThrow(left);
    await expect(listed('x none', {}, 13)).rejects.toThrow(left);
  });

  it('softmax runs over all axes from axis on before operator set 13', async () => {
    const inputs = { x: ['N', 4, 3] };
    const bytes = (opset: number) => model([node('Softmax', 'x', 'y', { axis: 1n })], { inputs, opset });
    const over = (opset: number) =>
      read(bytes(opset)).then(({ nodes, tensors }) => {
        const last = nodes.find(({ operator }) => operator.kind === 'softmax')!;
        return tensors[last.output]!.shape;
      });
    expect(await over(11)).toEqual([12]);
    expect(await over(13)).toEqual([4, 3]);
  });
});
