/** ONNX models for tests, written node by node. */
import { create, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import {
  type AttributeProto,
  AttributeProtoSchema,
  type FunctionProtoSchema,
  ModelProtoSchema,
  type NodeProto,
  NodeProtoSchema,
  type TensorProto,
  TensorProtoSchema,
} from '../../../src/formats/onnx/protobuf/onnx_pb.ts';
import { type ReadOptions, readOnnx } from '../../../src/formats/onnx/read.ts';
import { AttributeType } from '../../../src/formats/onnx/values/attributes.ts';
import { DataType } from '../../../src/formats/onnx/values/tensors.ts';
import { evaluate } from '../../../src/network/evaluation/evaluate.ts';
import type { Network } from '../../../src/network/network.ts';

/** A bigint or a list of them are integers, a number is a float. */
type AttributeValue = bigint | readonly bigint[] | number | readonly number[] | string | TensorProto;

export function attribute(name: string, value: AttributeValue): AttributeProto {
  const content = (): MessageInitShape<typeof AttributeProtoSchema> => {
    if (typeof value === 'bigint') return { type: AttributeType.INT, i: value };
    if (typeof value === 'number') return { type: AttributeType.FLOAT, f: value };
    if (typeof value === 'string') return { type: AttributeType.STRING, s: new TextEncoder().encode(value) };
    if (!Array.isArray(value)) return { type: AttributeType.TENSOR, t: value as TensorProto };
    if (typeof value[0] === 'number') return { type: AttributeType.FLOATS, floats: [...value] as number[] };
    return { type: AttributeType.INTS, ints: [...value] as bigint[] };
  };
  return create(AttributeProtoSchema, { name, ...content() });
}

/** `inputs` and `outputs` are names separated by single spaces; the node is called after its first output. */
export function node(
  opType: string,
  inputs: string,
  outputs: string,
  attributes: Readonly<Record<string, AttributeValue>> = {},
  domain = '',
): NodeProto {
  return create(NodeProtoSchema, {
    name: `make ${outputs.split(' ')[0]}`,
    opType,
    domain,
    input: inputs === '' ? [] : inputs.split(' '),
    output: outputs.split(' '),
    attribute: Object.entries(attributes).map(([name, value]) => attribute(name, value)),
  });
}

/** A float32 initialiser. */
export function floats(name: string, dims: readonly number[], values: readonly number[]): TensorProto {
  return create(TensorProtoSchema, {
    name,
    dims: dims.map(BigInt),
    dataType: DataType.FLOAT,
    floatData: [...values],
  });
}

/** A float64 initialiser. */
export function doubles(name: string, dims: readonly number[], values: readonly number[]): TensorProto {
  return create(TensorProtoSchema, {
    name,
    dims: dims.map(BigInt),
    dataType: DataType.DOUBLE,
    doubleData: [...values],
  });
}

/** An int64 initialiser. */
export function integers(name: string, dims: readonly number[], values: readonly number[]): TensorProto {
  return create(TensorProtoSchema, {
    name,
    dims: dims.map(BigInt),
    dataType: DataType.INT64,
    int64Data: values.map(BigInt),
  });
}

/** A string is an open side, undefined no shape at all. */
export type Dims = readonly (number | string)[] | undefined;

export interface ModelOptions {
  readonly inputs?: Readonly<Record<string, Dims>>;
  readonly outputs?: Readonly<Record<string, Dims>>;
  readonly initializers?: readonly TensorProto[];
  readonly opset?: number;
  readonly imports?: readonly string[];
  readonly functions?: readonly MessageInitShape<typeof FunctionProtoSchema>[];
  readonly inputType?: number;
  /** That of the input unless told otherwise. */
  readonly outputType?: number;
}

/** A model with an input x [N, 4] and an output y unless told otherwise. */
export function model(nodes: readonly NodeProto[], options: ModelOptions = {}): Uint8Array {
  const inputType = options.inputType ?? DataType.FLOAT;
  const rim =
    (elemType: number) =>
    ([name, dims]: [string, Dims]) => ({
      name,
      type: {
        value: {
          case: 'tensorType' as const,
          value: {
            elemType,
            ...(dims && {
              shape: {
                dim: dims.map((side) => ({
                  value:
                    typeof side === 'string'
                      ? { case: 'dimParam' as const, value: side }
                      : { case: 'dimValue' as const, value: BigInt(side) },
                })),
              },
            }),
          },
        },
      },
    });
  const imports = (options.imports ?? []).map((domain) => ({ domain, version: 1n }));
  return toBinary(
    ModelProtoSchema,
    create(ModelProtoSchema, {
      irVersion: 8n,
      opsetImport: [{ domain: '', version: BigInt(options.opset ?? 13) }, ...imports],
      functions: [...(options.functions ?? [])],
      graph: {
        name: 'test',
        node: [...nodes],
        initializer: [...(options.initializers ?? [])],
        input: Object.entries(options.inputs ?? { x: ['N', 4] }).map(rim(inputType)),
        output: Object.entries(options.outputs ?? { y: undefined }).map(rim(options.outputType ?? inputType)),
      },
    }),
  );
}

export function read(bytes: Uint8Array, options: Partial<ReadOptions> = {}): Promise<Network> {
  return readOnnx(bytes, { name: 'test', ...options });
}

export function kinds(network: Network): string[] {
  return network.nodes.map(({ operator }) =>
    operator.kind === 'nonlinearity' ? operator.function.name : operator.kind,
  );
}

export function outputShape(network: Network): readonly number[] {
  return network.tensors[network.output]!.shape;
}

/** All samples of a batch, one after the other. */
export function evaluateBatch(network: Network, x: Float64Array): number[] {
  const entries = network.tensors[network.input]!.shape.reduce((size, side) => size * side, 1);
  const result: number[] = [];
  for (let start = 0; start < x.length; start += entries) {
    result.push(...evaluate(network, x.subarray(start, start + entries)));
  }
  return result;
}

/** The largest |a − b| / (1 + |b|); infinite where lengths differ, NaN where a number is NaN. */
export function distance(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) return Number.POSITIVE_INFINITY;
  let worst = 0;
  for (let i = 0; i < a.length; i++) {
    const error = Math.abs(a[i]! - b[i]!) / (1 + Math.abs(b[i]!));
    if (!(error <= worst)) worst = error;
    if (Number.isNaN(error)) return error;
  }
  return worst;
}

/** The network with all its numbers in float32, which ONNX Runtime has kernels for. */
export function inFloat32(network: Network): Network {
  const rounded = (value: unknown): unknown => {
    if (value instanceof Float64Array) return value.map(Math.fround);
    if (value instanceof Int32Array) return value;
    if (typeof value === 'number') return Math.fround(value);
    if (Array.isArray(value)) return value.map(rounded);
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([key, entry]) => [key, rounded(entry)]));
  };
  const nodes = network.nodes.map((node) => ({
    ...node,
    operator: rounded(node.operator) as typeof node.operator,
  }));
  return { ...network, nodes };
}
