/** Changes of a model: of single fields, of its structure, and of its bytes. */
import { create, fromBinary, ScalarType, toBinary } from '@bufbuild/protobuf';
import {
  type AttributeProto,
  AttributeProtoSchema,
  type FunctionProto,
  FunctionProtoSchema,
  type GraphProto,
  type ModelProto,
  ModelProtoSchema,
  type NodeProto,
  NodeProtoSchema,
  OperatorSetIdProtoSchema,
  SparseTensorProtoSchema,
  StringStringEntryProtoSchema,
  type TensorProto,
} from '../../src/formats/onnx/protobuf/onnx_pb.ts';
import { CONVERTERS } from '../../src/formats/onnx/registry.ts';
import { EXTREME_INTEGERS, FLOATS, HOSTILE_NAMES, PLAUSIBLE_INTEGERS } from '../mutation/choices.ts';
import { Random } from '../random.ts';
import { fitting, type ListPlace, placesOf, type ScalarPlace } from './places.ts';

/** A model file and the files with external data beside it. */
export interface Files {
  readonly model: Uint8Array;
  readonly external: ReadonlyMap<string, Uint8Array>;
}

/** One change, made again by the same seed. */
export interface Change {
  readonly name: string;
  readonly seed: number;
}

/** A model that is being changed. */
interface Draft {
  readonly model: ModelProto;
  readonly graph: GraphProto;
  readonly external: Map<string, Uint8Array>;
  readonly random: Random;
}

/** Lists grow by so many copies at most: enough for what is quadratic, not for a file that nobody would send. */
const MANY = 300;

const OPERATORS = [
  ...CONVERTERS.keys(),
  ...['Exp', 'LayerNormalization', 'Where', 'LSTM', 'If', 'Loop', 'Scan', 'Einsum', 'Nonsense', ''],
];

/** Attributes of the operators that are read. */
const INTEGER_ATTRIBUTES = [
  ...['axis', 'group', 'ceil_mode', 'count_include_pad', 'keepdims', 'transA', 'transB', 'to', 'allowzero'],
  ...[
    'storage_order',
    'noop_with_empty_axes',
    'training_mode',
    'num_outputs',
    'exclude_outside',
    'start',
    'end',
  ],
];
const LIST_ATTRIBUTES = ['pads', 'strides', 'dilations', 'kernel_shape', 'axes', 'perm', 'output_padding'];
const MORE_LISTS = ['output_shape', 'split', 'starts', 'ends', 'shape', 'value_ints'];
const FLOAT_ATTRIBUTES = [
  'alpha',
  'beta',
  'gamma',
  'epsilon',
  'momentum',
  'value',
  'min',
  'max',
  'value_float',
];
const TEXTS: Readonly<Record<string, readonly string[]>> = {
  auto_pad: ['NOTSET', 'VALID', 'SAME_UPPER', 'SAME_LOWER', 'same_upper', ''],
  mode: ['constant', 'reflect', 'edge', 'wrap', 'other'],
  approximate: ['none', 'tanh', 'erf'],
};

/** ModelProto, NodeProto and so on keep what they do not know; AttributeProto.g and .graphs are what matters. */
const GRAPH_FIELD = 6;
const GRAPH_TYPE = 5;
const LENGTH_DELIMITED = 2;

type Mutation = (draft: Draft) => void;

const MUTATIONS: Readonly<Record<string, Mutation>> = {
  integer({ model, random }) {
    const place = pickScalar(model, random, [ScalarType.INT64, ScalarType.INT32, ScalarType.UINT64]);
    place?.set(fitting(place.type, integer(random, BigInt(place.get() as number | bigint))));
  },
  attributeInteger({ graph, random }) {
    const attributes = graph.node
      .flatMap((n) => n.attribute)
      .filter((a) => a.ints.length > 0 || a.type === 2);
    if (attributes.length === 0) return;
    const attribute = random.pick(attributes);
    if (attribute.ints.length === 0) attribute.i = integer(random, attribute.i);
    else {
      const k = random.integer(0, attribute.ints.length - 1);
      attribute.ints[k] = integer(random, attribute.ints[k]!);
    }
  },
  float({ model, random }) {
    const place = pickScalar(model, random, [ScalarType.FLOAT, ScalarType.DOUBLE]);
    place?.set(random.chance(0.3) ? random.normal() * 10 ** random.integer(-8, 8) : random.pick(FLOATS));
  },
  text({ model, random }) {
    const place = pickScalar(model, random, [ScalarType.STRING]);
    const others = placesOf(ModelProtoSchema, model).scalars.filter((p) => p.type === ScalarType.STRING);
    place?.set(random.chance(0.6) ? random.pick(others).get() : random.pick(HOSTILE_NAMES));
  },
  /** The same name everywhere, so that the file stays one that is read. */
  rename({ model, random }) {
    const places = placesOf(ModelProtoSchema, model).scalars.filter(
      (p) => p.type === ScalarType.STRING && ['name', 'input', 'output'].includes(p.field),
    );
    if (places.length === 0) return;
    const before = random.pick(places).get();
    const after = random.pick(HOSTILE_NAMES);
    for (const place of places) if (place.get() === before) place.set(after);
  },
  bytes({ model, random }) {
    const place = pickScalar(model, random, [ScalarType.BYTES]);
    const bytes = place?.get() as Uint8Array | undefined;
    if (place && bytes) place.set(changedBytes(bytes, random));
  },
  list({ model, random }) {
    const lists = placesOf(ModelProtoSchema, model).lists.filter((l) => l.entries.length > 0);
    if (lists.length > 0) changeList(random.pick(lists), lists, random);
  },
  node({ graph, random }) {
    if (graph.node.length > 0) changeList({ field: 'node', kind: 'node', entries: graph.node }, [], random);
  },
  operator({ graph, random }) {
    if (graph.node.length > 0) random.pick(graph.node).opType = random.pick(OPERATORS);
  },
  attribute({ graph, random }) {
    if (graph.node.length === 0) return;
    const node = random.pick(graph.node);
    const made = madeAttribute(random);
    const known = node.attribute.findIndex((a) => a.name === made.name);
    if (known >= 0 && random.chance(0.9)) node.attribute[known] = made;
    else node.attribute.push(made);
  },
  attributeType({ graph, random }) {
    const attributes = graph.node.flatMap((n) => n.attribute);
    if (attributes.length > 0) random.pick(attributes).type = random.integer(0, 14);
  },
  /** A node reads another tensor: one from before it, itself, or one from behind, which makes a cycle. */
  rewire({ graph, random }) {
    const node = graph.node.length > 0 ? random.pick(graph.node) : undefined;
    const names = tensorNames(graph);
    if (!node || names.length === 0) return;
    if (node.input.length === 0 || random.chance(0.15)) node.input.push(random.pick(names));
    else node.input[random.integer(0, node.input.length - 1)] = random.pick(names);
  },
  /** A new node behind a tensor, that all who read the tensor now read instead. */
  insert({ graph, random }) {
    const between = random.pick(graph.node.length > 0 ? graph.node : [undefined]);
    if (!between || between.output.length === 0) return;
    const opType = random.pick([
      'Identity',
      'Relu',
      'Neg',
      'Add',
      'Sub',
      'Concat',
      'Sum',
      'Transpose',
      'Flatten',
    ]);
    const read = between.output[0]!;
    const inner = `${read}/inner`;
    between.output[0] = inner;
    const input = ['Add', 'Sub', 'Concat', 'Sum'].includes(opType) ? [inner, inner] : [inner];
    const attribute = opType === 'Concat' ? [integerAttribute('axis', 1n)] : [];
    const node = create(NodeProtoSchema, { opType, input, output: [read], attribute });
    graph.node.splice(graph.node.indexOf(between) + 1, 0, node);
  },
  /** Each doubles what is there: paths, or sides. */
  doubling({ graph, random }) {
    const output = graph.node.at(-1)?.output[0];
    if (!output) return;
    const opType = random.pick(['Add', 'Add', 'Concat', 'Sum']);
    graph.node.at(-1)!.output[0] = `${output}/0`;
    const count = random.pick([2, 5, 12, 25, 60]);
    for (let k = 0; k < count; k++) {
      const name = `${output}/${k}`;
      const attribute = opType === 'Concat' ? [integerAttribute('axis', 1n)] : [];
      const next = k === count - 1 ? output : `${output}/${k + 1}`;
      graph.node.push(create(NodeProtoSchema, { opType, input: [name, name], output: [next], attribute }));
    }
  },
  /** A node becomes a call of a function that holds it; functions call the one before twice. */
  functions({ model, graph, random }) {
    if (graph.node.length === 0) return;
    const called = random.pick(graph.node);
    const depth = random.pick([1, 1, 2, 3, 8, 20, 70]);
    const inner = functionOf('f0', [create(NodeProtoSchema, { ...plain(called), name: '' })], called, model);
    model.functions.push(inner);
    const twice = called.input.length === 1 && called.output.length === 1 && random.chance(0.5);
    for (let k = 1; k < depth; k++) {
      const call = (input: string[], output: string[]) =>
        create(NodeProtoSchema, { opType: `f${k - 1}`, domain: 'local', input, output });
      const body = twice
        ? [call([...called.input], ['between']), call(['between'], [...called.output])]
        : [call([...called.input], [...called.output])];
      model.functions.push(functionOf(`f${k}`, body, called, model));
    }
    if (random.chance(0.1))
      random.pick(model.functions).node.push(create(NodeProtoSchema, { opType: 'f0', domain: 'local' }));
    model.opsetImport.push(create(OperatorSetIdProtoSchema, { domain: 'local', version: 1n }));
    called.opType = `f${depth - 1}`;
    called.domain = 'local';
    called.attribute = [];
  },
  opset({ model, random }) {
    if (model.opsetImport.length > 0)
      random.pick(model.opsetImport).version = random.chance(0.9)
        ? BigInt(random.integer(6, 29))
        : random.pick(EXTREME_INTEGERS);
  },
  dataType({ model, graph, random }) {
    const tensors = [
      ...graph.initializer,
      ...graph.node.flatMap((n) => n.attribute.flatMap((a) => (a.t ? [a.t] : []))),
    ];
    if (tensors.length > 0) random.pick(tensors).dataType = random.integer(0, 24);
    if (random.chance(0.2) && model.graph) setInputType(model.graph, random.pick([1, 10, 11, 16]));
  },
  dims({ graph, random }) {
    if (graph.initializer.length === 0) return;
    const { dims } = random.pick(graph.initializer);
    if (random.chance(0.3) && dims.length > 1) dims.reverse();
    else if (random.chance(0.3)) dims.splice(random.integer(0, dims.length), 0, 1n);
    else if (dims.length > 0) dims[random.integer(0, dims.length - 1)] = integer(random, dims[0]!);
  },
  /** A weight moves into a file; or its reference says something else. */
  external({ graph, external, random }) {
    const tensors = graph.initializer.filter((t) => t.rawData.length > 0 || t.dataLocation === 1);
    if (tensors.length === 0) return;
    externalise(random.pick(tensors), external, random);
  },
  externalFile({ external, random }) {
    const names = [...external.keys()];
    if (names.length === 0) return;
    const name = random.pick(names);
    if (random.chance(0.2)) external.delete(name);
    else external.set(name, changedBytes(external.get(name)!, random));
  },
  sparse({ graph, random }) {
    if (graph.initializer.length === 0) return;
    const k = random.integer(0, graph.initializer.length - 1);
    const [values] = graph.initializer.splice(k, 1);
    graph.sparseInitializer.push(create(SparseTensorProtoSchema, { values: values! }));
  },
  /** The model's graph, or the bytes of anything, as the attribute of a node. */
  subgraph({ model, graph, random }) {
    if (graph.node.length === 0) return;
    const data = random.chance(0.7)
      ? toBinary(ModelProtoSchema, model).slice()
      : changedBytes(new Uint8Array(20), random);
    const attribute = create(AttributeProtoSchema, {
      name: random.pick(['body', 'then_branch', 'g']),
      type: GRAPH_TYPE,
    });
    attribute.$unknown = [{ no: GRAPH_FIELD, wireType: LENGTH_DELIMITED, data: lengthPrefixed(data) }];
    random.pick(graph.node).attribute.push(attribute);
  },
  inputShape({ graph, random }) {
    const types = [...graph.input, ...graph.output].flatMap((v) =>
      v.type?.value.case === 'tensorType' ? [v.type.value.value] : [],
    );
    if (types.length === 0) return;
    const dims = random.pick(types).shape?.dim;
    if (!dims || dims.length === 0) return;
    const dim = random.pick(dims);
    dim.value = random.chance(0.2)
      ? { case: 'dimParam', value: 'open' }
      : { case: 'dimValue', value: integer(random, dim.value.case === 'dimValue' ? dim.value.value : 1n) };
  },
  /** Weights of other sizes, so that numbers cancel, underflow and overflow. */
  weights({ graph, random }) {
    const floats = graph.initializer.filter(
      (t) => t.dataType === 1 && t.rawData.length > 0 && t.rawData.length % 4 === 0,
    );
    if (floats.length === 0) return;
    const tensor = random.pick(floats);
    const view = new DataView(tensor.rawData.slice().buffer);
    const factor = random.pick([0, -1, 2 ** -60, 2 ** 60, 1e-20, 1e20, 2 ** -126, 0.1, 10]);
    for (let at = 0; at < view.byteLength; at += 4)
      if (random.chance(0.7)) view.setFloat32(at, view.getFloat32(at, true) * factor, true);
    tensor.rawData = new Uint8Array(view.buffer);
  },
};

/** Of the file, after everything else. */
const BYTES = 'flips';

/** Changes that leave most files readable stand here more than once. */
const USUAL = [
  ...[
    'attributeInteger',
    'attributeInteger',
    'attributeInteger',
    'attribute',
    'attribute',
    'insert',
    'rewire',
  ],
  ...['opset', 'weights', 'inputShape', 'integer', 'operator', 'list', 'rename'],
];

/** What a trial does to its model: one to four changes. */
export function drawChanges(random: Random): Change[] {
  const names = Object.keys(MUTATIONS);
  const count = random.pick([1, 1, 1, 2, 2, 3, 4]);
  const changes = Array.from({ length: count }, () => ({
    name: random.chance(0.5) ? random.pick(USUAL) : random.pick(names),
    seed: random.integer(0, 2 ** 32 - 1),
  }));
  if (random.chance(0.08)) changes.push({ name: BYTES, seed: random.integer(0, 2 ** 32 - 1) });
  return changes;
}

/** The files after these changes, in their order. */
export function mutated(original: Files, changes: readonly Change[]): Files {
  const model = fromBinary(ModelProtoSchema, original.model);
  const external = new Map(original.external);
  const flips: Change[] = [];
  for (const change of changes) {
    if (change.name === BYTES) {
      flips.push(change);
      continue;
    }
    if (!model.graph) break;
    MUTATIONS[change.name]!({ model, graph: model.graph, external, random: new Random(change.seed) });
  }
  let bytes: Uint8Array = toBinary(ModelProtoSchema, model);
  for (const { seed } of flips) bytes = changedBytes(bytes, new Random(seed));
  return { model: bytes, external };
}

function pickScalar(
  model: ModelProto,
  random: Random,
  types: readonly ScalarType[],
): ScalarPlace | undefined {
  const places = placesOf(ModelProtoSchema, model).scalars.filter((p) => types.includes(p.type));
  return places.length > 0 ? random.pick(places) : undefined;
}

function integer(random: Random, old: bigint): bigint {
  if (random.chance(0.25)) return random.pick(EXTREME_INTEGERS);
  if (random.chance(0.4)) return old + random.pick([1n, -1n, 2n, -2n]);
  return BigInt(random.pick(PLAUSIBLE_INTEGERS));
}

function changeList({ kind, entries }: ListPlace, lists: readonly ListPlace[], random: Random): void {
  const k = random.integer(0, entries.length - 1);
  const j = random.integer(0, entries.length - 1);
  const copies = (count: number) => Array.from({ length: count }, () => structuredClone(entries[k]));
  switch (random.integer(0, 6)) {
    case 0:
      entries.splice(k, 1);
      break;
    case 1:
      entries.splice(j, 0, ...copies(1));
      break;
    case 2:
      [entries[j], entries[k]] = [entries[k], entries[j]];
      break;
    case 3:
      entries.reverse();
      break;
    case 4:
      entries.splice(k, 0, ...copies(random.pick([2, 8, MANY])));
      break;
    case 5:
      entries.length = 0;
      break;
    default: {
      const other = random.pick([...lists.filter((l) => l.kind === kind), { entries }]);
      entries.splice(k, random.integer(0, 1), structuredClone(random.pick(other.entries)));
    }
  }
}

/** Some bytes less, more, or others. */
export function changedBytes(bytes: Uint8Array, random: Random): Uint8Array {
  if (bytes.length === 0) return Uint8Array.of(random.integer(0, 255));
  const at = random.integer(0, bytes.length - 1);
  switch (random.integer(0, 5)) {
    case 0:
      return bytes.slice(0, at);
    case 1: {
      const end = Math.min(bytes.length, at + random.integer(1, 40));
      return joined(bytes.subarray(0, at), bytes.subarray(end));
    }
    case 2: {
      const end = Math.min(bytes.length, at + random.integer(1, 40));
      return joined(bytes.subarray(0, end), bytes.subarray(at));
    }
    case 3:
      return joined(
        bytes,
        Uint8Array.from({ length: random.pick([1, 4, 8, 1000]) }, () => random.integer(0, 255)),
      );
    default: {
      const result = bytes.slice();
      for (let k = random.pick([1, 1, 2, 8]); k > 0; k--)
        result[random.integer(0, result.length - 1)] = random.pick([
          random.integer(0, 255),
          0,
          0x7f,
          0x80,
          0xff,
        ]);
      return result;
    }
  }
}

function joined(...parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts));
}

function lengthPrefixed(data: Uint8Array): Uint8Array {
  const prefix: number[] = [];
  let left = data.length;
  for (; left >= 0x80; left >>>= 7) prefix.push((left & 0x7f) | 0x80);
  return joined(Uint8Array.from([...prefix, left]), data);
}

function madeAttribute(random: Random): AttributeProto {
  const small = () => integer(random, BigInt(random.integer(0, 3)));
  switch (random.integer(0, 3)) {
    case 0:
      return integerAttribute(random.pick(INTEGER_ATTRIBUTES), small());
    case 1: {
      const ints = Array.from({ length: random.pick([0, 1, 2, 2, 3, 4, 4, 6]) }, small);
      return create(AttributeProtoSchema, {
        name: random.pick([...LIST_ATTRIBUTES, ...MORE_LISTS]),
        type: 7,
        ints,
      });
    }
    case 2:
      return create(AttributeProtoSchema, {
        name: random.pick(FLOAT_ATTRIBUTES),
        type: 1,
        f: random.pick(FLOATS),
      });
    default: {
      const name = random.pick(Object.keys(TEXTS));
      return create(AttributeProtoSchema, {
        name,
        type: 3,
        s: new TextEncoder().encode(random.pick(TEXTS[name]!)),
      });
    }
  }
}

function integerAttribute(name: string, i: bigint): AttributeProto {
  return create(AttributeProtoSchema, { name, type: 2, i });
}

function tensorNames(graph: GraphProto): string[] {
  return [
    ...graph.input.map((v) => v.name),
    ...graph.initializer.map((t) => t.name),
    ...graph.node.flatMap((n) => n.output),
  ];
}

/** The members of a message, to make another like it. */
function plain({ opType, input, output, domain, attribute }: NodeProto) {
  return { opType, domain, attribute, input: [...input], output: [...output] };
}

function functionOf(name: string, node: NodeProto[], like: NodeProto, model: ModelProto): FunctionProto {
  const opsetImport = [
    ...model.opsetImport,
    create(OperatorSetIdProtoSchema, { domain: 'local', version: 1n }),
  ];
  const { input, output } = like;
  return create(FunctionProtoSchema, {
    name,
    domain: 'local',
    node,
    opsetImport,
    input: [...input],
    output: [...output],
  });
}

function setInputType(graph: GraphProto, elemType: number): void {
  for (const { type } of graph.input)
    if (type?.value.case === 'tensorType') type.value.value.elemType = elemType;
}

function externalise(tensor: TensorProto, external: Map<string, Uint8Array>, random: Random): void {
  const hostile = random.chance(0.4);
  const location = hostile
    ? random.pick([...HOSTILE_NAMES, ...OUTSIDE, 'missing.bin', 'C:\\x', 'weights.bin/', './weights.bin'])
    : random.pick(['weights.bin', 'weights.bin', 'a.bin', 'b.bin']);
  const entries: Record<string, string> = { location };
  if (tensor.dataLocation !== 1) {
    const before = external.get(location) ?? new Uint8Array();
    entries.offset = String(before.length);
    entries.length = String(tensor.rawData.length);
    if (isFileName(location)) external.set(location, joined(before, tensor.rawData));
  }
  const odd = [
    '-1',
    '0',
    '1',
    '1e3',
    '0x10',
    '9007199254740993',
    '18446744073709551616',
    ' 4',
    '4.5',
    '\u0664',
  ];
  if (random.chance(0.3)) entries[random.pick(['offset', 'length'])] = random.pick(odd);
  if (random.chance(0.1)) entries[random.pick(['checksum', '__proto__', 'basepath'])] = '/';
  tensor.dataLocation = 1;
  tensor.rawData = new Uint8Array();
  tensor.externalData = Object.entries(entries).map(([key, value]) =>
    create(StringStringEntryProtoSchema, { key, value }),
  );
}

/** What lies beside the model in the folder of a trial but leads out of it, and a folder. */
export const OUTSIDE = ['link.bin', 'folder', 'folder/inside.bin', '../outside.bin'] as const;

/** Names that a trial writes as files. */
function isFileName(name: string): boolean {
  return /^[a-z0-9.]{1,40}$/i.test(name) && !name.startsWith('.') && !OUTSIDE.some((other) => other === name);
}
