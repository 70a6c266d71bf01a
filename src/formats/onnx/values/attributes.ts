/** Typed access to a node's attributes. */
import { InputError } from '../../../errors.ts';
import type { AttributeProto, TensorProto } from '../protobuf/onnx_pb.ts';

/** AttributeProto.type */
export const AttributeType = {
  FLOAT: 1,
  INT: 2,
  STRING: 3,
  TENSOR: 4,
  GRAPH: 5,
  FLOATS: 6,
  INTS: 7,
  STRINGS: 8,
  SPARSE_TENSOR: 11,
} as const;

/** What messages call a value of some type. */
const TYPE_NAMES: ReadonlyMap<number, string> = new Map([
  [AttributeType.FLOAT, 'a float'],
  [AttributeType.INT, 'an integer'],
  [AttributeType.STRING, 'a string'],
  [AttributeType.TENSOR, 'a tensor'],
  [AttributeType.FLOATS, 'a list of floats'],
  [AttributeType.INTS, 'a list of integers'],
  [AttributeType.STRINGS, 'a list of strings'],
  [AttributeType.SPARSE_TENSOR, 'a sparse tensor'],
]);

/** The attributes of one node, by name. Values of another type than asked for are an `InputError`. */
export class Attributes {
  private readonly node: string;
  private readonly byName = new Map<string, AttributeProto>();

  constructor(node: string, attributes: readonly AttributeProto[]) {
    this.node = node;
    for (const attribute of attributes) {
      if (this.byName.has(attribute.name)) {
        throw new InputError(`${node}: attribute names must be unique, got ${attribute.name} twice`);
      }
      this.byName.set(attribute.name, attribute);
    }
  }

  names(): string[] {
    return [...this.byName.keys()];
  }

  get(name: string): AttributeProto | undefined {
    return this.byName.get(name);
  }

  /** At most 2^53 in magnitude. */
  integer<D extends number | undefined>(name: string, absent: D): number | D {
    const attribute = this.ofType(name, AttributeType.INT);
    return attribute ? this.safe(name, attribute.i) : absent;
  }

  /** 0 or 1. */
  flag(name: string, absent = false): boolean {
    const value = this.integer(name, absent ? 1 : 0);
    if (value !== 0 && value !== 1) {
      throw new InputError(`${this.node}: attribute ${name}: must be 0 or 1, got ${value}`);
    }
    return value === 1;
  }

  integers(name: string): number[] | undefined {
    const attribute = this.ofType(name, AttributeType.INTS);
    return attribute?.ints.map((value) => this.safe(name, value));
  }

  /** The float32 value of the file; infinities pass, NaN does not. */
  float<D extends number | undefined>(name: string, absent: D): number | D {
    const attribute = this.ofType(name, AttributeType.FLOAT);
    if (!attribute) return absent;
    return this.number(name, attribute.f);
  }

  floats(name: string): number[] | undefined {
    const attribute = this.ofType(name, AttributeType.FLOATS);
    return attribute?.floats.map((value) => this.number(name, value));
  }

  text<D extends string | undefined>(name: string, absent: D): string | D {
    const attribute = this.ofType(name, AttributeType.STRING);
    return attribute ? new TextDecoder('utf-8', { ignoreBOM: true }).decode(attribute.s) : absent;
  }

  strings(name: string): string[] | undefined {
    const attribute = this.ofType(name, AttributeType.STRINGS);
    return attribute?.strings.map((text) => new TextDecoder('utf-8', { ignoreBOM: true }).decode(text));
  }

  tensor(name: string): TensorProto | undefined {
    const attribute = this.ofType(name, AttributeType.TENSOR);
    if (attribute && !attribute.t) {
      throw new InputError(`${this.node}: attribute ${name}: must hold a tensor, got none`);
    }
    return attribute?.t;
  }

  /** @throws InputError where the attribute is there and of another type */
  demandType(name: string, type: number): void {
    this.ofType(name, type);
  }

  private ofType(name: string, type: number): AttributeProto | undefined {
    const attribute = this.byName.get(name);
    if (attribute && attribute.type !== type) {
      const what = TYPE_NAMES.get(type);
      throw new InputError(`${this.node}: attribute ${name}: must be ${what}, got type ${attribute.type}`);
    }
    return attribute;
  }

  private safe(name: string, value: bigint): number {
    const number = Number(value);
    if (!Number.isSafeInteger(number)) {
      throw new InputError(`${this.node}: attribute ${name}: must be below 2^53, got ${value}`);
    }
    return number;
  }

  private number(name: string, value: number): number {
    if (Number.isNaN(value)) {
      throw new InputError(`${this.node}: attribute ${name}: must be a number, got NaN`);
    }
    return value;
  }
}
