/** What Keras and TensorFlow.js say in JSON of a model: its layers, and which reads which. */
import { InputError, UnsupportedError } from '../../errors.ts';
import { Fields, isObject, type Json, shown } from '../fields.ts';
import { isOwnModule } from './modules.ts';

export interface KerasLayer {
  readonly name: string;
  /** Its class: `Conv2D`. */
  readonly kind: string;
  readonly config: Fields;
  /** Names of the layers that it reads; empty for an input. */
  readonly inputs: readonly string[];
}

export interface Topology {
  readonly name: string;
  /** Each after those that it reads. */
  readonly layers: readonly KerasLayer[];
  /** The same in the order of the file, in which Keras numbers their weights. */
  readonly listed: readonly KerasLayer[];
  /** Without the batch, in Keras's order of axes; null for what the file leaves open. */
  readonly inputShape: readonly (number | null)[];
  readonly input: string;
  readonly output: string;
}

const MOST_LAYERS = 1e5;
const INPUT = 'InputLayer';
/** Fields in which a layer says the shape of what it reads. */
const SHAPES = ['batch_shape', 'batch_input_shape'];

/**
 * @param file for messages
 * @throws InputError for what is malformed
 * @throws UnsupportedError for models of several inputs or outputs, layers that are called several times, and classes that are not Keras's
 */
export function topologyOf(document: Json, file: string): Topology {
  const whole = new Fields(document, file);
  const outer = isObject(whole.raw('model_config')) ? new Fields(whole.raw('model_config'), file) : whole;
  const kind = outer.text('class_name');
  const config = outer.raw('config');
  const fields = Array.isArray(config)
    ? new Fields({ layers: config }, `${file}: config`)
    : new Fields(config, `${file}: config`);
  const name = typeof fields.raw('name') === 'string' ? fields.text('name') : kind;
  refuseForeign(outer, name);
  const layers = fields.raw('layers');
  if (!Array.isArray(layers) || layers.length === 0 || layers.length > MOST_LAYERS) {
    return fields.refuse(
      'layers',
      `a list of 1 to ${MOST_LAYERS} layers`,
      Array.isArray(layers) ? layers.length : layers,
    );
  }
  switch (kind) {
    case 'Sequential':
      return { name, ...sequential(layers, file) };
    case 'Functional':
    case 'Model':
      return { name, ...functional(fields, layers, file) };
    default: {
      const reason =
        'models made of layers one after the other (Sequential) or by calls (Functional) are read; export ONNX';
      throw new UnsupportedError([{ node: name, found: kind, reason }]);
    }
  }
}

function layerOf(
  value: Json,
  file: string,
  k: number,
): { name: string; kind: string; config: Fields; outer: Fields } {
  const outer = new Fields(value, `${file}: layer ${k + 1}`);
  const kind = outer.text('class_name');
  const inner = outer.raw('config');
  const stated = outer.raw('name') ?? (isObject(inner) ? inner.name : undefined);
  const name = typeof stated === 'string' ? stated : `${kind} ${k + 1}`;
  refuseForeign(outer, name);
  return { name, kind, config: new Fields(inner, `${file}: layer ${k + 1} (${name})`), outer };
}

/** @throws UnsupportedError for a class of somebody else, which computes what it likes whatever it is called */
function refuseForeign(outer: Fields, name: string): void {
  const kind = outer.text('class_name');
  const module = outer.raw('module');
  const registered = outer.raw('registered_name') ?? kind;
  const own = isOwnModule(module);
  if (own && registered === kind) return;
  const found = `${shown(registered)} of the module ${shown(module)}`;
  const reason = `a class that is not Keras's own is not read, also where it is called ${kind}; export ONNX`;
  throw new UnsupportedError([{ node: name, found, reason }]);
}

function sequential(list: readonly Json[], file: string): Omit<Topology, 'name'> {
  const read = list.map((value, k) => layerOf(value, file, k));
  const first = read[0]!;
  const inputShape = shapeIn(first.config, file);
  const layers = unique(
    read.map(({ name, kind, config }, k) => ({
      ...{ name, kind, config },
      inputs: k > 0 ? [read[k - 1]!.name] : kind === INPUT ? [] : [''],
    })),
    file,
  );
  const input = first.kind === INPUT ? first.name : '';
  return { layers, listed: layers, inputShape, input, output: layers.at(-1)!.name };
}

function functional(fields: Fields, list: readonly Json[], file: string): Omit<Topology, 'name'> {
  const read = list.map((value, k) => {
    const { name, kind, config, outer } = layerOf(value, file, k);
    return { name, kind, config, inputs: inboundOf(outer, name) };
  });
  const listed = unique(read, file);
  const layers = sorted(listed, file);
  const input = onlyName(fields, 'input_layers');
  const output = onlyName(fields, 'output_layers');
  const own = layers.find(({ name }) => name === input);
  if (own?.kind !== INPUT || !layers.some(({ name }) => name === output)) {
    throw new InputError(
      `${file}: input_layers and output_layers must be among the layers, got ${input} and ${output}`,
    );
  }
  const other = layers.find(({ kind, name }) => kind === INPUT && name !== input);
  if (other) {
    const reason = 'a network has one input; export ONNX to bound one of several with the others fixed';
    throw new UnsupportedError([{ node: other.name, found: 'a second input', reason }]);
  }
  return { layers, listed, inputShape: shapeIn(own.config, file), input, output };
}

/** The one layer of a list of [name, node, tensor], or of one such. */
function onlyName(fields: Fields, key: string): string {
  const value = fields.raw(key);
  const list = Array.isArray(value) && typeof value[0] !== 'string' ? value : [value];
  if (list.length > 1) {
    const reason = 'a network has one input and one output; make a model of these and save it';
    throw new UnsupportedError([{ node: fields.where, found: `${list.length} ${key}`, reason }]);
  }
  const [entry] = list;
  const fits = Array.isArray(entry) && typeof entry[0] === 'string' && entry[1] === 0 && entry[2] === 0;
  return fits ? (entry[0] as string) : fields.refuse(key, 'a layer by its name, node 0 and tensor 0', value);
}

function shapeIn(config: Fields, file: string): (number | null)[] {
  const key = SHAPES.find((name) => config.raw(name));
  const shape = key === undefined ? undefined : config.raw(key);
  const fits =
    Array.isArray(shape) &&
    shape.slice(1).every((side) => side === null || (Number.isSafeInteger(side) && (side as number) >= 1));
  if (!fits || shape.length < 2) {
    throw new InputError(
      `${file}: the first layer must say the shape of its input with the batch first, got ${shown(shape)}`,
    );
  }
  return shape.slice(1) as (number | null)[];
}

/** Names of the layers that a layer reads, as Keras 2 and TensorFlow.js or Keras 3 write its calls. */
function inboundOf(outer: Fields, name: string): string[] {
  const nodes = outer.raw('inbound_nodes');
  if (!Array.isArray(nodes)) return outer.refuse('inbound_nodes', 'a list', nodes);
  if (nodes.length === 0) return [];
  if (nodes.length > 1) {
    const reason = 'layers that share weights are not read; export ONNX';
    throw new UnsupportedError([{ node: name, found: 'a layer that is called several times', reason }]);
  }
  const [call] = nodes;
  const sources: (string | undefined)[] = Array.isArray(call)
    ? call.map((source) => (isPlainSource(source) ? (source[0] as string) : undefined))
    : tensorsIn(isObject(call) ? call.args : undefined, 0);
  const idle = Array.isArray(call) || (isObject(call) && areIdle(call.kwargs));
  if (!idle || sources.length === 0 || sources.includes(undefined)) {
    throw new InputError(
      `${outer.where}: inbound_nodes must be calls on outputs of layers without other arguments, got ${shown(call)}`,
    );
  }
  return sources as string[];
}

/** Arguments of a call that change nothing: none, and that it is not for training. */
function areIdle(value: Json | undefined): boolean {
  if (value === undefined) return true;
  return (
    isObject(value) &&
    Object.entries(value).every(([key, own]) => own === null || (key === 'training' && own === false))
  );
}

/** [layer, node 0, tensor 0, idle arguments] */
function isPlainSource(source: Json): source is readonly Json[] {
  if (!Array.isArray(source) || typeof source[0] !== 'string' || source[1] !== 0 || source[2] !== 0)
    return false;
  return areIdle(source[3]);
}

/** Names in arguments that are tensors, or lists of these, as Keras 3 writes them. */
function tensorsIn(value: Json | undefined, depth: number): (string | undefined)[] {
  if (Array.isArray(value) && depth < 3) return value.flatMap((part) => tensorsIn(part, depth + 1));
  if (!isObject(value) || value.class_name !== '__keras_tensor__' || !isObject(value.config))
    return [undefined];
  const history = value.config.keras_history;
  return [isPlainSource(history ?? null) ? ((history as readonly Json[])[0] as string) : undefined];
}

function unique(layers: readonly KerasLayer[], file: string): readonly KerasLayer[] {
  const seen = new Set<string>();
  for (const { name } of layers) {
    if (seen.has(name)) throw new InputError(`${file}: names of layers must be unique, got ${name} twice`);
    seen.add(name);
  }
  return layers;
}

/** Each after those that it reads. */
function sorted(layers: readonly KerasLayer[], file: string): readonly KerasLayer[] {
  const readers = new Map<string, KerasLayer[]>();
  const open = new Map<KerasLayer, number>();
  const names = new Set(layers.map(({ name }) => name));
  for (const layer of layers) {
    const sources = new Set(layer.inputs);
    open.set(layer, sources.size);
    for (const source of sources) {
      if (!names.has(source))
        throw new InputError(`${file}: ${layer.name} must read layers that are there, got ${source}`);
      const known = readers.get(source);
      if (known) known.push(layer);
      else readers.set(source, [layer]);
    }
  }
  const order = layers.filter(({ inputs }) => inputs.length === 0);
  for (let k = 0; k < order.length; k++) {
    for (const reader of readers.get(order[k]!.name) ?? []) {
      const left = open.get(reader)! - 1;
      open.set(reader, left);
      if (left === 0) order.push(reader);
    }
  }
  if (order.length < layers.length) throw new InputError(`${file}: layers must not go round in a circle`);
  return order;
}
