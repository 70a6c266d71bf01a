/** The encoder of the attack against a protocol-buffer decoder and the reader. */
import { fromBinary } from '@bufbuild/protobuf';
import { describe, expect, it } from 'vitest';
import type { ModelDescription } from '../../attack/model/description.ts';
import { encode } from '../../attack/model/encode.ts';
import { ModelProtoSchema } from '../../src/formats/onnx/protobuf/onnx_pb.ts';
import { evaluateBatch, read } from '../formats/onnx/build.ts';

const MODEL: ModelDescription = {
  opset: 13,
  input: { name: 'x', type: 'double', dims: ['N', 2] },
  output: 'y',
  initializers: {
    w: { type: 'double', dims: [2, 2], values: [1e-300, -2, 3, 0.1] },
    half: { type: 'float16', dims: [1], values: [-0.5] },
    wide: { type: 'int64', dims: [2], values: [-1, 2 ** 40] },
    bytes: { type: 'uint8', dims: [2], values: [0, 255] },
  },
  nodes: [
    { op: 'Shift', domain: 'own', inputs: ['x'], outputs: ['s'], attributes: {} },
    { op: 'MatMul', inputs: ['s', 'w'], outputs: ['m'], attributes: {} },
    {
      op: 'LeakyRelu',
      inputs: ['m'],
      outputs: ['y'],
      attributes: {
        alpha: { f: 0.25 },
        text: { s: 'é' },
        list: { is: [-3, 300] },
        floats: { fs: [0.5, -1] },
      },
    },
  ],
  functions: [
    {
      name: 'Shift',
      domain: 'own',
      inputs: ['a'],
      outputs: ['b'],
      nodes: [{ op: 'Neg', inputs: ['a'], outputs: ['b'], attributes: {} }],
    },
  ],
};

describe('encoded models', () => {
  it('decode to what was described', () => {
    const { graph, opsetImport, functions } = fromBinary(ModelProtoSchema, encode(MODEL));
    expect(opsetImport.map(({ domain, version }) => [domain, Number(version)])).toEqual([
      ['', 13],
      ['own', 1],
    ]);
    expect(functions[0]).toMatchObject({ name: 'Shift', domain: 'own', input: ['a'], output: ['b'] });
    expect(functions[0]!.node[0]).toMatchObject({ opType: 'Neg', input: ['a'] });
    expect(graph!.node.map(({ opType, input, output }) => [opType, input, output])).toEqual(
      MODEL.nodes.map(({ op, inputs, outputs }) => [op, inputs, outputs]),
    );
    const [alpha, text, list, numbers] = graph!.node[2]!.attribute;
    expect(alpha!.f).toBe(0.25);
    expect(new TextDecoder().decode(text!.s)).toBe('é');
    expect(list!.ints).toEqual([-3n, 300n]);
    expect(numbers!.floats).toEqual([0.5, -1]);
    const raw = Object.fromEntries(graph!.initializer.map(({ name, rawData }) => [name, [...rawData]]));
    expect(new Float64Array(Uint8Array.from(raw.w!).buffer)).toEqual(Float64Array.of(1e-300, -2, 3, 0.1));
    expect(raw.half).toEqual([0x00, 0xb8]);
    expect(new BigInt64Array(Uint8Array.from(raw.wide!).buffer)).toEqual(BigInt64Array.of(-1n, 2n ** 40n));
    expect(raw.bytes).toEqual([0, 255]);
  });

  it('are read as what they are', async () => {
    const { functions: _, ...rest } = MODEL;
    const nodes = [
      MODEL.nodes[1]!,
      { op: 'LeakyRelu', inputs: ['m'], outputs: ['y'], attributes: { alpha: { f: 0.25 } } },
    ].map((node) => ({ ...node, inputs: node.inputs.map((name) => (name === 's' ? 'x' : name)) }));
    const network = await read(encode({ ...rest, functions: [], nodes }));
    expect(evaluateBatch(network, Float64Array.of(1, -1))).toEqual([0.25 * (1e-300 - 3), 0.25 * (-2 - 0.1)]);
  });
});
