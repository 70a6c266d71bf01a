/** Operator sets before 7, and models that import several. */
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { describe, expect, it } from 'vitest';
import { UnsupportedError } from '../../../src/errors.ts';
import { ModelProtoSchema, OperatorSetIdProtoSchema } from '../../../src/formats/onnx/protobuf/onnx_pb.ts';
import { evaluate } from '../../../src/network/evaluation/evaluate.ts';
import { floats, integers, kinds, model, node, read } from './build.ts';

describe('before operator set 7', () => {
  const vector = floats('v', [2], [10, 20]);
  const inputs = { x: [1, 2, 3] as number[] };
  const x = Float64Array.of(1, 2, 3, 4, 5, 6);
  const add = (attributes: Record<string, bigint>) =>
    read(model([node('Add', 'x v', 'y', attributes)], { inputs, initializers: [vector], opset: 6 }));

  it('sums repeat their second input along the axes after those that it is said to have', async () => {
    expect([...evaluate(await add({ broadcast: 1n, axis: 1n }), x)]).toEqual([11, 12, 13, 24, 25, 26]);
  });

  it('sums repeat nothing unasked', async () => {
    await expect(add({})).rejects.toThrow(/without broadcast inputs must be of one shape, \[1, 2, 3\]/);
    await expect(add({ broadcast: 1n, axis: 2n })).rejects.toThrow(/must broadcast|constants may be/);
  });

  it('what only runs in training is refused', async () => {
    const bytes = (test: bigint) => model([node('Dropout', 'x', 'y', { is_test: test })], { opset: 6 });
    await expect(read(bytes(0n))).rejects.toThrow(UnsupportedError);
    const { nodes } = await read(model([node('Relu', 'x', 'r')], { opset: 6, outputs: { r: undefined } }));
    expect(nodes).toHaveLength(1);
  });

  it('slopes of PRelu are those of channels', async () => {
    const options = { inputs: { x: [1, 2, 2] }, initializers: [floats('s', [2], [0.5, 0.25])] };
    const network = await read(model([node('PRelu', 'x s', 'y')], { ...options, opset: 6 }));
    expect([...evaluate(network, Float64Array.of(-8, 1, -8, 2))]).toEqual([-4, 1, -2, 2]);
  });

  it('slopes of PRelu are those of axis 1 where the batch has been reshaped away', async () => {
    const shaped = (sides: bigint[] | number[], kept: string) =>
      model([node('Reshape', 'x s', 'r'), node('PRelu', 'r k', kept)], {
        ...{ opset: 6, inputs: { x: [1, 4] } },
        initializers: [integers('s', [sides.length], sides.map(Number)), floats('k', [2], [10, 100])],
      });
    const network = await read(shaped([2, 2], 'y'));
    expect([...evaluate(network, Float64Array.of(-1, -2, -3, -4))]).toEqual([-10, -200, -30, -400]);
    await expect(read(shaped([4], 'y'))).rejects.toThrow(/a tensor of one axis has no channels/);
  });

  it('hints of the oldest operator sets say nothing', async () => {
    const nodes = [
      node('Gemm', 'x w b', 'g', { broadcast: 1n }),
      node('Relu', 'g', 'r', { consumed_inputs: [0n] }),
      node('Clip', 'r', 'y', { max: 4, consumed_inputs: [0n] }),
    ];
    const initializers = [floats('w', [4, 1], [1, 2, 3, 4]), floats('b', [1], [-9])];
    for (const opset of [1, 5]) {
      expect(kinds(await read(model(nodes, { opset, initializers })))).toEqual(['affine', 'relu', 'clip']);
    }
    await expect(read(model(nodes, { opset: 6, initializers }))).rejects.toThrow(/consumed_inputs/);
  });

  it('what has changed since is refused by name', async () => {
    const bytes = model([node('Selu', 'x', 'y')], { opset: 5 });
    await expect(read(bytes)).rejects.toThrow(/Selu of operator set 5: it is read from operator set 6 on/);
  });
});

describe('a domain that is imported twice', () => {
  function imported(bytes: Uint8Array, versions: readonly number[]): Uint8Array {
    const decoded = fromBinary(ModelProtoSchema, bytes);
    decoded.opsetImport = versions.map((version) =>
      create(OperatorSetIdProtoSchema, { domain: '', version: BigInt(version) }),
    );
    return toBinary(ModelProtoSchema, decoded);
  }

  it('is one where every node means the same', async () => {
    const bytes = model([node('Gemm', 'x w', 'a'), node('Relu', 'a', 'y')], {
      initializers: [floats('w', [4, 1], [1, 2, 3, 4])],
    });
    expect(kinds(await read(imported(bytes, [12, 12, 9])))).toEqual(['affine', 'relu']);
    expect(kinds(await read(imported(bytes, [9, 12])))).toEqual(['affine', 'relu']);
  });

  it('is refused where a node does not', async () => {
    const bytes = model([node('Softmax', 'x', 'y')]);
    await expect(read(imported(bytes, [13, 12]))).rejects.toThrow(
      /make y: Softmax: must mean the same in all operator sets imported, got 12 and 13/,
    );
    expect(kinds(await read(imported(bytes, [13, 14])))).toEqual(['softmax']);
  });

  it('is refused where one version is unknown', async () => {
    await expect(read(imported(model([node('Relu', 'x', 'y')]), [13, 99]))).rejects.toThrow(
      /operator set 99/,
    );
  });
});
