/** Files that are no models, or models that make no sense: an InputError, soon. */
import { create, toBinary } from '@bufbuild/protobuf';
import { describe, expect, it } from 'vitest';
import { InputError, UnsupportedError } from '../../../src/errors.ts';
import { ModelProtoSchema } from '../../../src/formats/onnx/protobuf/onnx_pb.ts';
import { evaluate } from '../../../src/network/evaluation/evaluate.ts';
import { attribute, distance, floats, integers, kinds, model, node, read } from './build.ts';

describe('malformed', () => {
  it.each([
    ['nothing', new Uint8Array(0)],
    ['text', new TextEncoder().encode('This is not a model at all.')],
    ['zeros', new Uint8Array(1000)],
    ['a length beyond the end', Uint8Array.of(0x3a, 0xff, 0xff, 0xff, 0x7f, 1, 2)],
    ['a model without a graph', toBinary(ModelProtoSchema, create(ModelProtoSchema, { irVersion: 8n }))],
    ['no operator set', toBinary(ModelProtoSchema, create(ModelProtoSchema, { graph: { name: 'g' } }))],
  ])('%s', async (_, bytes) => {
    await expect(read(bytes)).rejects.toThrow(InputError);
  });

  it('every truncation', async () => {
    const whole = model([node('Mul', 'x w', 'y')], { initializers: [floats('w', [4], [1, 2, 3, 4])] });
    for (let end = 0; end < whole.length; end++) {
      const outcome = await read(whole.subarray(0, end)).catch((error: unknown) => error);
      expect(outcome, `${end} bytes`).toBeInstanceOf(InputError);
    }
  });

  it('nesting deeper than any network', async () => {
    // graph.node.attribute.g.node.attribute.g …: field 7, then 1, 5 and 6 in turn.
    let bytes = Uint8Array.of();
    const wrap = (field: number) => {
      const length: number[] = [];
      for (let rest = bytes.length; ; rest >>= 7) {
        length.push(rest > 127 ? (rest & 127) | 128 : rest);
        if (rest <= 127) break;
      }
      bytes = Uint8Array.of((field << 3) | 2, ...length, ...bytes);
    };
    for (let depth = 0; depth < 1000; depth++) wrap([6, 5, 1][depth % 3]!);
    wrap(7);
    await expect(read(bytes)).rejects.toThrow(InputError);
  });

  it.each([
    ['a cycle', [node('Add', 'x b', 'a'), node('Relu', 'a', 'b'), node('Relu', 'b', 'y')], /cycle/],
    ['a node that feeds itself', [node('Add', 'x y', 'y')], /cycle/],
    ['a value made twice', [node('Relu', 'x', 'y'), node('Tanh', 'x', 'y')], /made once, got "y"/],
    ['the input made again', [node('Relu', 'x', 'x'), node('Tanh', 'x', 'y')], /made once, got "x"/],
    ['an input that nothing makes', [node('Relu', 'z', 'y')], /inputs must exist, got "z"/],
    ['an output that nothing makes', [node('Relu', 'x', 'z')], /output y: must be made by a node/],
    ['an input that is missing', [node('Relu', '', 'y')], /input 0 must be given|must depend/],
  ])('%s', async (_, nodes, message) => {
    const error = await read(model(nodes)).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(InputError);
    expect((error as Error).message).toMatch(message);
  });

  it('constants of different rank, joined', async () => {
    const initializers = [floats('w', [1, 2], [1, 2]), floats('v', [1], [3])];
    const joined = [node('Concat', 'w v', 'c', { axis: 1n }), node('Mul', 'x c', 'y')];
    const message = /inputs must agree with \[1, 2\] but for axis 1, got \[1\]/;
    await expect(read(model(joined, { initializers }))).rejects.toThrow(message);
  });

  it('an equation of a million letters', async () => {
    // To try where each letter belongs to, for every start, would take minutes.
    const bytes = model([node('Einsum', 'x', 'y', { equation: `${'a'.repeat(1e6)}!` })]);
    await expect(read(bytes)).rejects.toThrow(/equation must name the axes of 1 operands/);
  });

  it('initialisers of one name', async () => {
    const initializers = [floats('w', [], [1]), floats('w', [], [2])];
    await expect(read(model([node('Mul', 'x w', 'y')], { initializers }))).rejects.toThrow(
      /w: names must be unique/,
    );
  });

  it('attributes of one name, or of another type', async () => {
    const twice = node('LeakyRelu', 'x', 'y', { alpha: 0.1 });
    twice.attribute.push(attribute('alpha', 0.2));
    await expect(read(model([twice]))).rejects.toThrow(/attribute names must be unique, got alpha twice/);
    await expect(read(model([node('LeakyRelu', 'x', 'y', { alpha: 1n })]))).rejects.toThrow(
      /alpha: must be a float/,
    );
    await expect(read(model([node('LeakyRelu', 'x', 'y', { alpha: Number.NaN })]))).rejects.toThrow(
      /got NaN/,
    );
  });

  it('names that objects have already', async () => {
    const nodes = [node('Mul', 'x __proto__', 'constructor'), node('Relu', 'constructor', 'toString')];
    const options = { initializers: [floats('__proto__', [], [2])], outputs: { toString: undefined } };
    const network = await read(model(nodes, options));
    expect([...evaluate(network, Float64Array.of(1, -1, 2, 0))]).toEqual([2, 0, 4, 0]);
    await expect(read(model([node('__proto__', 'x', 'y')]))).rejects.toThrow(UnsupportedError);
    await expect(read(model([node('Relu', 'x', 'y', JSON.parse('{"__proto__":1}'))]))).rejects.toThrow(
      /attribute __proto__/,
    );
  });

  it('nodes out of order are put in order', async () => {
    const nodes = [node('Relu', 'b', 'y'), node('Tanh', 'a', 'b'), node('Sin', 'x', 'a')];
    expect(kinds(await read(model(nodes)))).toEqual(['sin', 'tanh', 'relu']);
  });

  it('chains far longer than the stack are read', async () => {
    const length = 50_000;
    const nodes = Array.from({ length }, (_, k) =>
      node('Neg', k === 0 ? 'x' : `v${k}`, k === length - 1 ? 'y' : `v${k + 1}`),
    );
    expect((await read(model(nodes))).nodes).toHaveLength(length);
  });
});

describe('sizes', () => {
  it.each([
    ['ConstantOfShape', [node('ConstantOfShape', 's', 'w'), node('Mul', 'x w', 'y')], [2 ** 40]],
    [
      'ConstantOfShape of several sides',
      [node('ConstantOfShape', 's', 'w'), node('Mul', 'x w', 'y')],
      [2 ** 20, 2 ** 20],
    ],
    [
      'an empty one with huge sides',
      [node('ConstantOfShape', 's', 'w'), node('Mul', 'x w', 'y')],
      [2 ** 40, 0],
    ],
    ['Expand', [node('Expand', 'one s', 'w'), node('Mul', 'x w', 'y')], [2 ** 30, 2 ** 15]],
    ['Range', [node('Range', 'zero many unit', 'w'), node('Mul', 'x w', 'y')], [1]],
    ['Reshape', [node('Reshape', 'x s', 'y')], [-1, 2 ** 50]],
    ['Tile', [node('Tile', 'vector s', 'w'), node('Mul', 'x w', 'y')], [2 ** 50]],
    ['Tile of nothing', [node('Reshape', 'x square', 'i'), node('Tile', 'i s', 'y')], [1, 0, 2 ** 40]],
  ])('%s', async (_, nodes, sides) => {
    const initializers = [
      integers('s', [sides.length], sides),
      integers('square', [3], [-1, 2, 2]),
      floats('one', [], [1]),
      floats('vector', [1], [1]),
      floats('zero', [], [0]),
      floats('many', [], [1e30]),
      floats('unit', [], [1]),
    ];
    const error = await read(model(nodes, { initializers })).catch((reason: unknown) => reason);
    expect([InputError, UnsupportedError]).toContain((error as Error).constructor);
  });

  it('that double with every node', async () => {
    const nodes = Array.from({ length: 60 }, (_, k) =>
      node('Concat', `v${k} v${k}`, `v${k + 1}`, { axis: 0n }),
    );
    const bytes = model([...nodes, node('Mul', 'x v60', 'y')], { initializers: [floats('v0', [2], [1, 2])] });
    await expect(read(bytes)).rejects.toThrow(InputError);
  });

  it('of an input that no memory holds are only declared', async () => {
    const network = await read(model([node('Relu', 'x', 'y')], { inputs: { x: ['N', 2 ** 30] } }));
    expect(network.tensors[network.output]!.shape).toEqual([2 ** 30]);
    const more = model([node('Relu', 'x', 'y')], { inputs: { x: ['N', 2 ** 40] } });
    await expect(read(more)).rejects.toThrow(/at most 2\^31 − 1 entries/);
    const flat = model([node('Flatten', 'x', 'y')], { inputs: { x: ['N', 2 ** 40, 2 ** 40] } });
    await expect(read(flat)).rejects.toThrow(InputError);
  });

  it.each([
    ['a norm', [node('ReduceL2', 'x', 'y', { axes: [1n] })], [1, 1e9]],
    [
      'a chain of softmax',
      Array.from({ length: 60 }, (_, k) =>
        node('Softmax', k === 0 ? 'x' : `h${k}`, k === 59 ? 'y' : `h${k + 1}`, { axis: 1n }),
      ),
      [1, 2e7],
    ],
    ['many steps', [node('RNN', 'x w w', 'y', { hidden_size: 1n })], [3e5, 1, 1]],
    ['more steps', [node('RNN', 'x w w', 'y', { hidden_size: 1n })], [1e9, 1, 1]],
  ] as const)('of groups and steps that are listed: %s', async (_, nodes, dims) => {
    const bytes = model(nodes, { inputs: { x: dims }, initializers: [floats('w', [1, 1, 1], [1])] });
    const [start, before] = [performance.now(), process.memoryUsage().rss];
    const error = await read(bytes).catch((reason: unknown) => reason);
    expect([InputError, UnsupportedError]).toContain((error as Error).constructor);
    // Refused before anything is made: lists of 10⁷ entries take longer, and more.
    expect(performance.now() - start).toBeLessThan(1000);
    expect(process.memoryUsage().rss - before).toBeLessThan(1e8);
  });

  it('of kernels and pads that no image has', async () => {
    const weights = [floats('w', [1, 1, 1], [1])];
    const inputs = { x: ['N', 1, 8] };
    for (const attributes of [
      { pads: [2n ** 50n, 0n] },
      { strides: [0n] },
      { dilations: [-1n] },
      { group: 0n },
      { group: 2n },
      { kernel_shape: [2n] },
      { pads: [1n] },
    ]) {
      const bytes = model([node('Conv', 'x w', 'y', attributes)], { inputs, initializers: weights });
      await expect(read(bytes)).rejects.toThrow(InputError);
    }
    const pool = node('MaxPool', 'x', 'y', { kernel_shape: [2n ** 60n] });
    await expect(read(model([pool], { inputs }))).rejects.toThrow(InputError);
  });
});

describe('functions', () => {
  const leaf = { name: 'Leaf', domain: 'd', input: ['a'], output: ['b'], node: [node('Relu', 'a', 'b')] };
  const imports = ['d'];
  const opsetImport = [
    { domain: '', version: 13n },
    { domain: 'd', version: 1n },
  ];

  it('are inlined, nested ones too, without mixing their names', async () => {
    const body = [node('Leaf', 'a', 't', {}, 'd'), node('Neg', 't', 'b')];
    const outer = { name: 'Outer', domain: 'd', input: ['a'], output: ['b'], node: body, opsetImport };
    const nodes = [node('Outer', 'x', 't', {}, 'd'), node('Outer', 't', 'y', {}, 'd')];
    const network = await read(model(nodes, { imports, functions: [{ ...leaf, opsetImport }, outer] }));
    expect(kinds(network)).toEqual(['relu', 'scale', 'relu', 'scale']);
    expect(network.nodes.map(({ name }) => name)).toContain('make t/make t/make b');
    expect(distance(evaluate(network, Float64Array.of(3, -1, 0, 5)), [0, 0, 0, 0])).toBe(0);
  });

  it('take defaults for their attributes', async () => {
    const slope = { ...attribute('alpha', 9), refAttrName: 'slope' };
    const body = [{ ...node('LeakyRelu', 'a', 'b'), attribute: [slope] }];
    const function_ = { ...leaf, node: body, attributeProto: [attribute('slope', 0.25)] };
    const bytes = (given: Record<string, number>) =>
      model([node('Leaf', 'x', 'y', given, 'd')], { imports, functions: [function_] });
    const at = async (given: Record<string, number>) =>
      evaluate(await read(bytes(given)), Float64Array.of(-4, 0, 0, 0))[0];
    expect(await at({})).toBe(-1);
    expect(await at({ slope: 0.5 })).toBe(-2);
    await expect(read(bytes({ colour: 1 }))).rejects.toThrow(
      /Leaf: attribute colour: the function declares slope/,
    );
  });

  it('declare what their attributes refer to, and nothing outside of them refers to any', async () => {
    const refers = { ...attribute('alpha', 9), refAttrName: 'slope' };
    const leaky = (input: string, output: string) => ({
      ...node('LeakyRelu', input, output),
      attribute: [refers],
    });
    // Other readers take the 9: left out, the slope would be 0.01.
    await expect(read(model([leaky('x', 'y')]))).rejects.toThrow(
      /attribute alpha: may refer to an attribute that the function around declares, got "slope"/,
    );
    const function_ = { ...leaf, node: [leaky('a', 'b')], opsetImport };
    const called = (attribute: string[]) =>
      model([node('Leaf', 'x', 'y', {}, 'd')], { imports, functions: [{ ...function_, attribute }] });
    await expect(read(called([]))).rejects.toThrow(/attribute alpha: may refer/);
    // Declared and not given: LeakyRelu has its default.
    expect(evaluate(await read(called(['slope'])), Float64Array.of(-4, 0, 0, 0))[0]).toBeCloseTo(-0.04, 6);
  });

  it('that call themselves are refused', async () => {
    const loop = { ...leaf, node: [node('Leaf', 'a', 'b', {}, 'd')] };
    const call = node('Leaf', 'x', 'y', {}, 'd');
    await expect(read(model([call], { imports, functions: [loop] }))).rejects.toThrow(
      /32 deep, got Leaf deeper/,
    );
  });

  it('that multiply without end are refused', async () => {
    const functions = Array.from({ length: 30 }, (_, k) => ({
      name: `F${k}`,
      domain: 'd',
      input: ['a'],
      output: ['b'],
      node:
        k === 0
          ? [node('Relu', 'a', 'b')]
          : [node(`F${k - 1}`, 'a', 't', {}, 'd'), node(`F${k - 1}`, 't', 'b', {}, 'd')],
    }));
    const bytes = model([node('F29', 'x', 'y', {}, 'd')], { imports, functions });
    await expect(read(bytes)).rejects.toThrow(/functions may make at most \d+ nodes of a file of this size/);
  });

  it('must fit their calls', async () => {
    const many = node('Leaf', 'x x', 'y', {}, 'd');
    await expect(read(model([many], { imports, functions: [leaf] }))).rejects.toThrow(
      /has 1 inputs and 1 outputs/,
    );
    const call = node('Leaf', 'x', 'y', {}, 'd');
    await expect(read(model([call], { imports, functions: [leaf, leaf] }))).rejects.toThrow(/unique names/);
  });
});
