/** Nodes are as ONNX defines their operators, or refused: also those that the output does not need. */
import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { describe, expect, it } from 'vitest';
import { InputError, UnsupportedError } from '../../../src/errors.ts';
import {
  type NodeProto,
  type TensorProto,
  TensorProtoSchema,
} from '../../../src/formats/onnx/protobuf/onnx_pb.ts';
import { SCHEMAS } from '../../../src/formats/onnx/protobuf/schemas.ts';
import { CONVERTERS } from '../../../src/formats/onnx/registry.ts';
import { DataType } from '../../../src/formats/onnx/values/tensors.ts';
import { floats, integers, kinds, model, node, read } from './build.ts';
import { tensor } from './tensorProto.ts';

const w = floats('w', [4], [1, 2, 3, 4]);
const k = integers('k', [1], [1]);
const d = tensor('d', 'double', [4], [1, 2, 3, 4]);
const m = floats('m', [4, 4], new Array<number>(16).fill(1));

const NODES: readonly [string, NodeProto, number, RegExp][] = [
  ['three inputs of Add', node('Add', 'x w w', 'z'), 13, /at most 2 inputs, got 3/],
  ['two inputs of Relu', node('Relu', 'x w', 'z'), 13, /at most 1 inputs/],
  ['one input of Mul', node('Mul', 'x', 'z'), 13, /input 1 must be given/],
  ['two outputs of Relu', node('Relu', 'x', 'z v'), 13, /at most 1 outputs/],
  ['Gemm without C before operator set 11', node('Gemm', 'x m', 'z'), 9, /input 2 must be given/],
  ['a nameless input of Sum', node('Sum', 'x  w', 'z'), 13, /each input must be given/],
  ['float plus double', node('Add', 'x d', 'z'), 13, /of one type, float, got double/],
  ['float times int64', node('Mul', 'x k', 'z'), 13, /of one type, float, got int64/],
  ['a product with a double matrix', node('MatMul', 'x d', 'z'), 13, /of one type/],
  ['axes that are floats', node('ReduceSum', 'x w', 'z'), 13, /input 1 must be of type int64/],
  ['the root of an integer', node('Sqrt', 'k', 'z'), 13, /input 0 must be of type/],
  ['an input that nothing makes', node('Relu', 'nothing', 'z'), 13, /inputs must exist, got "nothing"/],
  ['an attribute of another type', node('Softmax', 'x', 'z', { axis: 1 }), 13, /axis: must be an integer/],
  ['a missing attribute', node('Concat', 'x x', 'z'), 13, /attribute axis must be given/],
  ['an attribute of another operator set', node('Shape', 'x', 'z', { start: 1n }), 13, /no attribute start/],
  ['an operator of a later operator set', node('Gelu', 'x', 'z'), 19, /since operator set 20/],
  ['itself', node('Add', 'x z', 'z'), 13, /got a cycle/],
];

describe('a node that is not as ONNX says', () => {
  const nodes = [node('Relu', 'x', 'y')];
  const initializers = [w, k, d, m];

  it.each(NODES)('%s', async (_, last, opset, message) => {
    const needed = [last, node('Add', 'x z', 'y')];
    await expect(read(model(needed, { initializers, opset }))).rejects.toThrow(InputError);
    await expect(read(model([...nodes, last], { initializers, opset }))).rejects.toThrow(message);
  });

  it('an attribute that ONNX does not have', async () => {
    const dead = node('Exp', 'x', 'z', { colour: 1n });
    const error = await read(model([...nodes, dead])).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(UnsupportedError);
    expect((error as UnsupportedError).items).toMatchObject([
      { node: 'make z', found: 'Exp: attribute colour' },
    ]);
  });

  it('two nodes in a circle beside the network', async () => {
    const circle = [node('Relu', 'a', 'b'), node('Relu', 'b', 'a')];
    await expect(read(model([...nodes, ...circle]))).rejects.toThrow(/got a cycle/);
  });

  it('does not hide behind operators that are not read', async () => {
    const unread = [node('Mystery', 'x', 'u'), node('Add', 'u u u', 'z')];
    await expect(read(model([...nodes, ...unread]))).rejects.toThrow(/at most 2 inputs/);
    expect(kinds(await read(model([...nodes, unread[0]!])))).toEqual(['relu']);
  });
});

describe('types', () => {
  it('are those of the nodes on the way', async () => {
    const nodes = [node('Cast', 'x', 'h', { to: BigInt(DataType.DOUBLE) }), node('Mul', 'h d', 'z')];
    const whole = [...nodes, node('Cast', 'z', 'y', { to: BigInt(DataType.FLOAT) })];
    expect(kinds(await read(model(whole, { initializers: [d] })))).toEqual(['scale']);
    const asDouble = [...nodes, node('Relu', 'z', 'y')];
    await expect(read(model(asDouble, { initializers: [d] }))).rejects.toThrow(/must give float, got double/);
    const back = [...nodes.slice(0, 1), node('Mul', 'h w', 'y')];
    await expect(read(model(back, { initializers: [w] }))).rejects.toThrow(/of one type, double, got float/);
  });

  it('of all operators are known', () => {
    expect([...SCHEMAS.keys()].sort()).toEqual([...CONVERTERS.keys()].sort());
  });
});

describe('attributes and inputs that would be passed over', () => {
  const image = { x: ['N', 1, 4, 4] } as const;
  const weight = floats('w', [1, 1, 3, 3], new Array<number>(9).fill(1));
  it.each<[string, NodeProto, TensorProto[], RegExp]>([
    [
      'pads beside auto_pad',
      node('Conv', 'x w', 'y', { auto_pad: 'SAME_UPPER', pads: [1n, 1n, 1n, 1n] }),
      [weight],
      /auto_pad/,
    ],
    [
      'windows that leave samples out, without pads',
      node('Conv', 'x w', 'y', { auto_pad: 'SAME_LOWER', strides: [9n, 1n] }),
      [floats('w', [1, 1, 2, 2], [1, 1, 1, 1])],
      /auto_pad SAME_LOWER with strides \[9, 1\] over sides \[4, 4\].*disagree/,
    ],
    ['another kernel_shape', node('Conv', 'x w', 'y', { kernel_shape: [2n, 2n] }), [weight], /kernel_shape/],
    [
      'a bias with two axes',
      node('Conv', 'x w b', 'y'),
      [weight, floats('b', [1, 1], [1])],
      /bias must be a vector/,
    ],
    [
      'an unknown mode of no padding',
      node('Pad', 'x p', 'y', { mode: 'odd' }),
      [integers('p', [8], new Array<number>(8).fill(0))],
      /mode must be/,
    ],
    [
      'a mode behind a mark of the byte order',
      node('Pad', 'x p', 'y', { mode: '\ufeffreflect' }),
      [integers('p', [8], new Array<number>(8).fill(0))],
      /mode must be/,
    ],
    [
      'fewer outputs than parts',
      node('Split', 'x s', 'y', { axis: 3n }),
      [integers('s', [2], [2, 2])],
      /split must have 1 entries/,
    ],
    ['parts that do not divide', node('Split', 'x', 'y a b', { axis: 3n }), [], /must divide 4/],
  ])('%s', async (_, last, initializers, message) => {
    await expect(read(model([last], { inputs: image, initializers }))).rejects.toThrow(message);
  });

  it('a C of Gemm that is larger than the product', async () => {
    const bytes = model([node('Gemm', 'x m c', 'y')], {
      inputs: { x: [1, 4] },
      initializers: [m, floats('c', [1, 1, 4], [1, 2, 3, 4])],
    });
    await expect(read(bytes)).rejects.toThrow(/C must broadcast/);
  });

  it('a constant that is a string', async () => {
    const bytes = model([node('Constant', '', 'c', { value_string: 'a' }), node('Relu', 'x', 'y')]);
    expect(kinds(await read(bytes))).toEqual(['relu']);
    const used = model([node('Constant', '', 'c', { value_string: 'a' }), node('Add', 'x c', 'y')]);
    await expect(read(used)).rejects.toThrow(/attribute value_string/);
  });
});

describe('entries that a type does not have', () => {
  const field = (dataType: number, fields: MessageInitShape<typeof TensorProtoSchema>, dims = [1n]) =>
    create(TensorProtoSchema, { name: 'w', dataType, dims, ...fields });

  it.each<[string, TensorProto]>([
    ['−1 of uint8', field(DataType.UINT8, { int32Data: [-1] })],
    ['256 of uint8', field(DataType.UINT8, { int32Data: [256] })],
    ['128 of int8', field(DataType.INT8, { int32Data: [128] })],
    ['−32769 of int16', field(DataType.INT16, { int32Data: [-32769] })],
    ['65536 of uint16', field(DataType.UINT16, { int32Data: [65536] })],
    ['2 of bool', field(DataType.BOOL, { int32Data: [2] })],
    ['a byte of 2 of bool', field(DataType.BOOL, { rawData: Uint8Array.of(2) })],
    ['17 bits of float16', field(DataType.FLOAT16, { int32Data: [0x13c00] })],
    ['−1 of bfloat16', field(DataType.BFLOAT16, { int32Data: [-1] })],
    ['33 bits of uint32', field(DataType.UINT32, { uint64Data: [2n ** 32n] })],
    ['the field of another type', field(DataType.FLOAT, { doubleData: [1] })],
    ['int32 in the field of int64', field(DataType.INT32, { int64Data: [1n] })],
    ['two fields', field(DataType.FLOAT, { floatData: [1], int32Data: [1] })],
    ['a field and bytes', field(DataType.FLOAT, { floatData: [1], rawData: Uint8Array.of(0, 0, 128, 63) })],
    [
      'bytes here and elsewhere',
      field(DataType.FLOAT, { rawData: Uint8Array.of(0, 0, 128, 63), externalData: [], dataLocation: 1 }),
    ],
    ['a place that is none', field(DataType.FLOAT, { floatData: [1], dataLocation: 2 })],
  ])('%s', async (_, initializer) => {
    const nodes = [node('Cast', 'w', 'c', { to: 1n }), node('Mul', 'x c', 'y')];
    await expect(read(model(nodes, { initializers: [initializer] }))).rejects.toThrow(/^initializer w: /);
  });
});
