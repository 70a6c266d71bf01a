/** What is written computes the same again. */
import { fromBinary } from '@bufbuild/protobuf';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ModelProtoSchema } from '../../../src/formats/onnx/protobuf/onnx_pb.ts';
import { DataType } from '../../../src/formats/onnx/values/tensors.ts';
import { writeOnnx } from '../../../src/formats/onnx/writing/write.ts';
import { NetworkBuilder } from '../../../src/network/builder.ts';
import { evaluate } from '../../../src/network/evaluation/evaluate.ts';
import type { Network } from '../../../src/network/network.ts';
import type { Operator } from '../../../src/network/operator.ts';
import { arbitraryNetwork } from '../../network/arbitrary.ts';
import { distance, kinds, read } from './build.ts';

function single(shape: readonly number[], operator: Operator) {
  const builder = new NetworkBuilder('single');
  return builder.build(builder.add('layer', operator, [builder.input('x', shape)]));
}

function weightTypes(bytes: Uint8Array): number[] {
  const { graph } = fromBinary(ModelProtoSchema, bytes);
  return [...new Set(graph!.initializer.map((tensor) => tensor.dataType))];
}

/** Padding that wraps round more than once is refused, as ONNX Runtime reads beyond its tensor there. */
function wrapsTwice({ nodes, tensors }: Network): boolean {
  return nodes.some(({ operator, inputs }) => {
    if (operator.kind !== 'convolution' && operator.kind !== 'pad') return false;
    const { mode, before, after } = operator.padding;
    const sides = tensors[inputs[0]!]!.shape.slice(1);
    return mode === 'circular' && sides.some((side, a) => Math.max(before[a]!, after[a]!) > side);
  });
}

const x = Float64Array.from({ length: 12 }, (_, i) => Math.sin(1 + 5 * i) * 2);

describe('a network that is written and read', () => {
  it('computes the same: random networks', async () => {
    await fc.assert(
      fc.asyncProperty(arbitraryNetwork(8, false), async ({ network, x }) => {
        fc.pre(!wrapsTwice(network));
        const again = await read(writeOnnx(network));
        expect(again.tensors[again.input]!.shape).toEqual(network.tensors[network.input]!.shape);
        expect(again.tensors[again.output]!.shape).toEqual(network.tensors[network.output]!.shape);
        expect(distance(evaluate(again, x), evaluate(network, x))).toBeLessThanOrEqual(1e-12);
      }),
      { numRuns: 300 },
    );
  });

  it.each<[string, readonly number[], Operator]>([
    ['max-gather', [12], { kind: 'max-gather', windows: [Int32Array.of(3, 1, 5), Int32Array.of(11)] }],
    ['max-gather', [3, 4], { kind: 'max-gather', windows: [Int32Array.of(3, 1, 5), Int32Array.of(11)] }],
    ['softmax', [12], { kind: 'softmax', logarithm: false }],
    ['softmax', [3, 4], { kind: 'softmax', logarithm: true }],
    ['global-average-pool', [3, 4], { kind: 'global-average-pool', sum: true }],
    ['global-max-pool', [3, 2, 2], { kind: 'global-max-pool' }],
  ])('has the same %s of %o', async (kind, shape, operator) => {
    const network = single(shape, operator);
    const again = await read(writeOnnx(network));
    expect(kinds(again)).toContain(kind);
    expect(distance(evaluate(again, x), evaluate(network, x))).toBe(0);
  });

  it('keeps names', async () => {
    const builder = new NetworkBuilder('named');
    const image = builder.input('pixels', [3, 4]);
    const hidden = builder.add('features.0', { kind: 'nonlinearity', function: { name: 'relu' } }, [image]);
    const network = builder.build(builder.add('head', { kind: 'global-average-pool', sum: false }, [hidden]));
    const again = await read(writeOnnx(network));
    expect(again.nodes.map(({ name }) => name)).toEqual(['features.0', 'head']);
    expect(again.tensors[again.input]!.name).toBe('pixels');
  });

  it('tells values of one name apart', async () => {
    const builder = new NetworkBuilder('x');
    let value = builder.input('x', [12]);
    for (let k = 0; k < 3; k++)
      value = builder.add('x', { kind: 'nonlinearity', function: { name: 'sin' } }, [value]);
    const network = builder.build(value);
    expect(distance(evaluate(await read(writeOnnx(network)), x), evaluate(network, x))).toBe(0);
  });
});

describe('numbers', () => {
  const scale = (...values: number[]) =>
    single([values.length, 2], { kind: 'scale', scale: Float64Array.from(values) });

  it('are float32 where that is exact', () => {
    expect(weightTypes(writeOnnx(scale(0.5, Math.fround(0.1))))).toEqual([DataType.FLOAT]);
  });

  it('are float64 elsewhere, all of them', async () => {
    const bytes = writeOnnx(scale(0.5, 0.1));
    expect(weightTypes(bytes)).toEqual([DataType.DOUBLE]);
    expect([...evaluate(await read(bytes), Float64Array.of(1, 1, 1, 1))]).toEqual([0.5, 0.5, 0.1, 0.1]);
  });

  it('are refused where ONNX has float32 alone', () => {
    const network = single([4], { kind: 'nonlinearity', function: { name: 'elu', alpha: 0.1 } });
    expect(() => writeOnnx(network)).toThrow(/layer: elu: ONNX holds its parameters in float32, got 0.1/);
  });
});
