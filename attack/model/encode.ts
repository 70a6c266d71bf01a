/** From descriptions to the bytes of ONNX files: protocol buffers written by hand. */
import {
  type Attribute,
  type FunctionDescription,
  type ModelDescription,
  type NodeDescription,
  type Tensor,
  TYPES,
} from './description.ts';

/** A message that grows field by field. */
class Message {
  readonly #bytes: number[] = [];

  integer(field: number, value: number | bigint): this {
    this.#varint((field << 3) | 0);
    this.#varint(BigInt.asUintN(64, BigInt(value)));
    return this;
  }

  float(field: number, value: number): this {
    this.#varint((field << 3) | 5);
    this.#bytes.push(...new Uint8Array(Float32Array.of(value).buffer));
    return this;
  }

  bytes(field: number, content: Uint8Array | readonly number[]): this {
    this.#varint((field << 3) | 2);
    this.#varint(content.length);
    for (const byte of content) this.#bytes.push(byte);
    return this;
  }

  text(field: number, content: string): this {
    return this.bytes(field, new TextEncoder().encode(content));
  }

  message(field: number, content: Message): this {
    return this.bytes(field, content.#bytes);
  }

  each<T>(items: Iterable<T>, write: (message: Message, item: T) => unknown): this {
    for (const item of items) write(this, item);
    return this;
  }

  finish(): Uint8Array {
    return Uint8Array.from(this.#bytes);
  }

  #varint(value: number | bigint): void {
    let rest = BigInt(value);
    do {
      const more = rest > 0x7fn;
      this.#bytes.push(Number(rest & 0x7fn) | (more ? 0x80 : 0));
      rest >>= 7n;
    } while (rest > 0n);
  }
}

/** The file of a model. */
export function encode(model: ModelDescription): Uint8Array {
  const imports = [['', model.opset] as const, ...domainsOf(model).map((domain) => [domain, 1] as const)];
  return new Message()
    .integer(1, 9)
    .each(imports, (m, [domain, version]) => m.message(8, opset(domain, version)))
    .message(7, graph(model))
    .each(model.functions, (m, f) => m.message(25, definition(f, model.opset)))
    .finish();
}

function domainsOf({ functions, nodes }: ModelDescription): string[] {
  const own = nodes.flatMap(({ domain }) => (domain ? [domain] : []));
  return [...new Set([...functions.map((f) => f.domain), ...own])];
}

function opset(domain: string, version: number): Message {
  return new Message().text(1, domain).integer(2, version);
}

function graph({ nodes, initializers, input, output }: ModelDescription): Message {
  const shape = new Message().each(input.dims, (m, side) =>
    m.message(1, typeof side === 'number' ? new Message().integer(1, side) : new Message().text(2, side)),
  );
  return new Message()
    .each(nodes, (m, n) => m.message(1, node(n)))
    .text(2, 'attack')
    .each(Object.entries(initializers), (m, [name, value]) => m.message(5, tensor(value, name)))
    .message(11, valueInfo(input.name, TYPES[input.type], shape))
    .message(12, valueInfo(output, TYPES[input.type]));
}

function valueInfo(name: string, type: number, shape?: Message): Message {
  const content = new Message().integer(1, type);
  if (shape) content.message(2, shape);
  return new Message().text(1, name).message(2, new Message().message(1, content));
}

function node({ op, inputs, outputs, attributes, domain = '' }: NodeDescription): Message {
  return new Message()
    .each(inputs, (m, name) => m.text(1, name))
    .each(outputs, (m, name) => m.text(2, name))
    .text(3, outputs.find((name) => name !== '') ?? op)
    .text(4, op)
    .each(Object.entries(attributes), (m, [name, value]) => m.message(5, attribute(name, value)))
    .text(7, domain);
}

function attribute(name: string, value: Attribute): Message {
  const message = new Message().text(1, name);
  if ('i' in value) return message.integer(3, value.i).integer(20, 2);
  if ('is' in value) return message.each(value.is, (m, i) => m.integer(8, i)).integer(20, 7);
  if ('f' in value) return message.float(2, value.f).integer(20, 1);
  if ('fs' in value) return message.each(value.fs, (m, f) => m.float(7, f)).integer(20, 6);
  if ('s' in value) return message.text(4, value.s).integer(20, 3);
  return message.message(5, tensor(value.t)).integer(20, 4);
}

function tensor({ type, dims, values }: Tensor, name?: string): Message {
  const message = new Message().each(dims, (m, side) => m.integer(1, side)).integer(2, TYPES[type]);
  if (name !== undefined) message.text(8, name);
  return message.bytes(9, raw(type, values));
}

/** Little-endian, as `raw_data` has it. */
function raw(type: Tensor['type'], values: readonly number[]): Uint8Array {
  const view = (array: ArrayBufferView) => new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
  switch (type) {
    case 'float':
      return view(Float32Array.from(values));
    case 'double':
      return view(Float64Array.from(values));
    case 'int64':
      return view(BigInt64Array.from(values, BigInt));
    case 'uint64':
      return view(BigUint64Array.from(values, BigInt));
    case 'int32':
      return view(Int32Array.from(values));
    case 'uint32':
      return view(Uint32Array.from(values));
    case 'int16':
      return view(Int16Array.from(values));
    case 'uint16':
      return view(Uint16Array.from(values));
    case 'int8':
      return view(Int8Array.from(values));
    case 'uint8':
    case 'bool':
      return view(Uint8Array.from(values));
    case 'float16':
      return view(Uint16Array.from(values, halfBits));
    default:
      throw new Error(`unknown type ${type satisfies never}`);
  }
}

/** The bits of a number that is a float16. */
function halfBits(value: number): number {
  const sign = value < 0 || Object.is(value, -0) ? 0x8000 : 0;
  const size = Math.abs(value);
  if (size === Infinity) return sign | 0x7c00;
  if (size < 2 ** -14) return sign | (size / 2 ** -24);
  const exponent = Math.floor(Math.log2(size));
  return sign | ((exponent + 15) << 10) | ((size / 2 ** exponent - 1) * 1024);
}

function definition(f: FunctionDescription, version: number): Message {
  return new Message()
    .text(1, f.name)
    .each(f.inputs, (m, name) => m.text(4, name))
    .each(f.outputs, (m, name) => m.text(5, name))
    .each(f.nodes, (m, n) => m.message(7, node(n)))
    .message(9, opset('', version))
    .text(10, f.domain);
}
