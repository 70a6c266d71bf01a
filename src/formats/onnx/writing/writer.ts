/** A graph under construction: unique names, attributes and tensors as ONNX wants them. */

import { create, toBinary } from '@bufbuild/protobuf';
import type { Numbers } from '../../../network/numbers.ts';
import { everyAxis } from '../../../network/size.ts';
import { UniqueNames } from '../names.ts';
import {
  type AttributeProto,
  AttributeProtoSchema,
  ModelProtoSchema,
  type NodeProto,
  NodeProtoSchema,
  type TensorProto,
  TensorProtoSchema,
  type ValueInfoProto,
  ValueInfoProtoSchema,
} from '../protobuf/onnx_pb.ts';
import { AttributeType } from '../values/attributes.ts';
import { DataType } from '../values/tensors.ts';

/** Gelu came with operator set 20, circular padding with 19. */
const OPSET = 20n;
/** The version of the intermediate representation that came with it. */
const IR_VERSION = 9n;

/** Integers, lists of them, text, or a float. */
export type AttributeValue = number | readonly number[] | string | { readonly float: number };

export class GraphWriter {
  private readonly dataType: number;
  private readonly nodes: NodeProto[] = [];
  private readonly tensors: TensorProto[] = [];
  private readonly values = new UniqueNames();
  private readonly nodeNames = new UniqueNames();
  /** The operator that is being written: its name and that of its output. */
  private operator = '';
  private output = '';

  /** @param dataType of all weights and of input and output */
  constructor(dataType: typeof DataType.FLOAT | typeof DataType.DOUBLE) {
    this.dataType = dataType;
  }

  /** A name like the given one that no value has yet. */
  name(wanted: string): string {
    return this.values.claim(wanted || 'value');
  }

  /** What follows belongs to the operator `node`, whose result is to be called `output`. */
  within(node: string, output: string): void {
    this.operator = node;
    this.output = output;
  }

  /** The node that makes the operator's output. */
  last(opType: string, inputs: readonly string[], attributes: Record<string, AttributeValue> = {}): void {
    this.push(this.operator, opType, inputs, this.output, attributes);
  }

  /** A node before the last; returns the name of its output. */
  node(
    part: string,
    opType: string,
    inputs: readonly string[],
    attributes: Record<string, AttributeValue> = {},
  ): string {
    const output = this.name(`${this.output}.${part}`);
    this.push(`${this.operator} (${part})`, opType, inputs, output, attributes);
    return output;
  }

  /** A weight of the operator; returns its name. */
  constant(what: string, dims: readonly number[], values: Numbers): string {
    const bytes = this.dataType === DataType.FLOAT ? 4 : 8;
    const rawData = new Uint8Array(bytes * values.length);
    const view = new DataView(rawData.buffer);
    for (const [i, value] of values.entries()) {
      if (bytes === 4) view.setFloat32(4 * i, value, true);
      else view.setFloat64(8 * i, value, true);
    }
    return this.tensor(what, dims, this.dataType, rawData);
  }

  /** Shapes, axes, pads, indices. */
  integers(what: string, dims: readonly number[], values: readonly number[]): string {
    const rawData = new Uint8Array(8 * values.length);
    const view = new DataView(rawData.buffer);
    for (const [i, value] of values.entries()) view.setBigInt64(8 * i, BigInt(value), true);
    return this.tensor(what, dims, DataType.INT64, rawData);
  }

  /** The file. Shapes are without the batch axis, which is left open. */
  model(
    name: string,
    input: { name: string; shape: readonly number[] },
    output: { name: string; shape: readonly number[] },
  ): Uint8Array {
    const model = create(ModelProtoSchema, {
      irVersion: IR_VERSION,
      producerName: 'lipsoid',
      opsetImport: [{ domain: '', version: OPSET }],
      graph: {
        name,
        node: this.nodes,
        initializer: this.tensors,
        input: [this.rim(input)],
        output: [this.rim(output)],
      },
    });
    return toBinary(ModelProtoSchema, model);
  }

  private tensor(what: string, dims: readonly number[], dataType: number, rawData: Uint8Array): string {
    const name = this.name(`${this.output}.${what}`);
    this.tensors.push(create(TensorProtoSchema, { name, dims: dims.map(BigInt), dataType, rawData }));
    return name;
  }

  private push(
    name: string,
    opType: string,
    input: readonly string[],
    output: string,
    attributes: Record<string, AttributeValue>,
  ): void {
    const attribute = Object.entries(attributes).map(([key, value]) => attributeProto(key, value));
    this.nodes.push(
      create(NodeProtoSchema, {
        name: this.nodeNames.claim(name),
        opType,
        input: [...input],
        output: [output],
        attribute,
      }),
    );
  }

  private rim({ name, shape }: { name: string; shape: readonly number[] }): ValueInfoProto {
    const sides = shape.map((side) => ({ value: { case: 'dimValue' as const, value: BigInt(side) } }));
    const dim = [{ value: { case: 'dimParam' as const, value: 'N' } }, ...sides];
    const value = { case: 'tensorType' as const, value: { elemType: this.dataType, shape: { dim } } };
    return create(ValueInfoProtoSchema, { name, type: { value } });
  }
}

/** Per channel, broadcast over the spatial axes that follow. */
export function perChannel(writer: GraphWriter, what: string, values: Float64Array, spatial: number): string {
  return writer.constant(what, values.length === 1 ? [] : [values.length, ...everyAxis(spatial, 1)], values);
}

function attributeProto(name: string, value: AttributeValue): AttributeProto {
  if (typeof value === 'number') {
    return create(AttributeProtoSchema, { name, type: AttributeType.INT, i: BigInt(value) });
  }
  if (typeof value === 'string') {
    return create(AttributeProtoSchema, {
      name,
      type: AttributeType.STRING,
      s: new TextEncoder().encode(value),
    });
  }
  if ('float' in value)
    return create(AttributeProtoSchema, { name, type: AttributeType.FLOAT, f: value.float });
  return create(AttributeProtoSchema, { name, type: AttributeType.INTS, ints: value.map(BigInt) });
}
