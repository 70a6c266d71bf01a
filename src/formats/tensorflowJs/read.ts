/** From TensorFlow.js's models of layers to a network: what they say in JSON, as Keras 2 does, and weights in files beside it. */
import { exactNumbers, NUMBER_TYPES, type NumberTypeName } from '../../arrays/numberType.ts';
import { InputError, UnsupportedError } from '../../errors.ts';
import type { Network } from '../../network/network.ts';
import { product } from '../../network/size.ts';
import { Budget } from '../budget.ts';
import { Fields, isObject, type Json, parsedJson, shown } from '../fields.ts';
import type { FetchExternal } from '../format.ts';
import { buildKeras } from '../keras/build.ts';
import { topologyOf } from '../keras/topology.ts';
import { grouped, namedWeights } from '../keras/weights.ts';
import { isPlainName } from '../onnx/values/tensors.ts';
import { demandName, isWhole, type NamedArray } from '../weights/namedArrays.ts';

const MOST_WEIGHTS = 1e5;
/** What layers compute is what they did in Keras 2, whichever version a model was converted from. */
const ITS_KERAS = 2;

const TYPES: Readonly<Record<string, NumberTypeName>> = {
  float32: 'float32',
  float16: 'float16',
  int32: 'int32',
  uint8: 'uint8',
  bool: 'bool',
};

/**
 * @param external gives the files of weights
 * @param given the shape of the input, with channels last, which the file may leave open
 * @throws InputError for what is malformed, and files of weights that are not there or of another length
 * @throws UnsupportedError for graphs of TensorFlow, which are no layers, and for what has no bound or is not read
 */
export async function readTensorFlowJs(
  bytes: Uint8Array,
  file: string,
  external: FetchExternal,
  given: readonly number[] | undefined,
): Promise<Network> {
  const fields = new Fields(parsedJson(bytes, file), file);
  const topology = fields.raw('modelTopology');
  refuseGraphs(fields, topology, file);
  const manifest = fields.raw('weightsManifest');
  if (!Array.isArray(manifest)) return fields.refuse('weightsManifest', 'a list', manifest);
  const arrays = new Map<string, NamedArray>();
  const taken = new Set<string>();
  for (const [k, value] of manifest.entries()) {
    const group = new Fields(value, `${file}: group ${k + 1} of weightsManifest`);
    const data = await joinedShards(group, external, taken);
    addArrays(arrays, group.raw('weights') ?? null, data, group.where);
  }
  return networkOf(topology ?? null, arrays, file, given);
}

/**
 * A model of layers whose weights are at hand.
 * @param specs name, shape and format of each weight, as they lie one behind the other
 */
export async function networkOfArtifacts(
  topology: Json,
  specs: Json,
  data: Uint8Array,
  name: string,
  given: readonly number[] | undefined,
): Promise<Network> {
  refuseGraphs(new Fields({}, name), topology, name);
  const arrays = new Map<string, NamedArray>();
  addArrays(arrays, specs, data, name);
  return networkOf(topology, arrays, name, given);
}

function networkOf(
  topology: Json,
  arrays: ReadonlyMap<string, NamedArray>,
  file: string,
  given: readonly number[] | undefined,
): Promise<Network> {
  // Of `a/b/kernel` the layer is b, whatever model it lies in.
  const byLayer = grouped(arrays, (name) => name.split('/').at(-2));
  return buildKeras(topologyOf(topology, file), ITS_KERAS, namedWeights(byLayer), file, given);
}

function refuseGraphs(fields: Fields, topology: Json | undefined, file: string): void {
  const graph = fields.raw('format') === 'graph-model' || (isObject(topology) && 'node' in topology);
  if (!graph) return;
  const reason = 'a graph of operations is not read; save a model of layers (tf.LayersModel), or export ONNX';
  throw new UnsupportedError([{ node: file, found: 'a graph model of TensorFlow', reason }]);
}

/** @param taken files of weights so far: each is named once, however often that would multiply it */
async function joinedShards(group: Fields, external: FetchExternal, taken: Set<string>): Promise<Uint8Array> {
  const paths = group.raw('paths');
  const plain =
    Array.isArray(paths) &&
    paths.every((path) => typeof path === 'string' && isPlainName(path.replace(/^\.\//, '')));
  if (!plain) return group.refuse('paths', 'names of files beside the model', paths);
  const shards: Uint8Array[] = [];
  for (const path of paths as readonly string[]) {
    const name = path.replace(/^\.\//, '');
    if (taken.has(name)) throw new InputError(`${group.where}: paths must be unique, got ${name} twice`);
    taken.add(name);
    const shard = await external(name);
    if (!shard)
      throw new InputError(
        `${group.where}: the weights ${name} must be given with the model, got no such file`,
      );
    shards.push(shard);
  }
  if (shards.length === 1) return shards[0]!;
  const data = new Uint8Array(shards.reduce((size, shard) => size + shard.length, 0));
  let at = 0;
  for (const shard of shards) {
    data.set(shard, at);
    at += shard.length;
  }
  return data;
}

/** @throws InputError where weights and bytes do not come out even */
function addArrays(arrays: Map<string, NamedArray>, specs: Json, data: Uint8Array, where: string): void {
  if (!Array.isArray(specs) || specs.length > MOST_WEIGHTS) {
    throw new InputError(`${where}: weights must be a list of at most ${MOST_WEIGHTS}, got ${shown(specs)}`);
  }
  const budget = new Budget(data.length);
  let at = 0;
  for (const value of specs) {
    const spec = new Fields(value, where);
    const key = spec.text('name');
    demandName(key, where, budget);
    const shape = shapeOf(spec);
    const dtype = spec.text('dtype');
    const { stored, decode } = storageOf(spec, dtype);
    const count = product(shape);
    const length = count * NUMBER_TYPES[stored].bytes;
    if (!(at + length <= data.length)) {
      throw new InputError(`${where}: broken, ${key} ends at byte ${at + length} of ${data.length}`);
    }
    if (arrays.has(key)) throw new InputError(`${where}: names of weights must be unique, got ${key} twice`);
    const own = data.subarray(at, at + length);
    at += length;
    arrays.set(key, {
      ...{ name: key, shape, whole: isWhole(stored) },
      async numbers() {
        budget.allocate(key, count);
        return decode(exactNumbers(stored, true, own, count));
      },
    });
  }
  if (at !== data.length)
    throw new InputError(`${where}: broken, ${data.length - at} bytes are behind the last weight`);
}

function shapeOf(spec: Fields): number[] {
  const shape = spec.raw('shape');
  const fits =
    Array.isArray(shape) &&
    shape.length <= 16 &&
    shape.every((side) => Number.isSafeInteger(side) && (side as number) >= 0);
  return fits
    ? (shape as unknown as number[])
    : spec.refuse('shape', 'a list of at most 16 whole numbers', shape);
}

type Decode = (numbers: Float32Array | Float64Array) => Float32Array | Float64Array;

/** Quantised weights stand for min + scale · q, computed in float32 as TensorFlow.js does. */
function storageOf(spec: Fields, dtype: string): { stored: NumberTypeName; decode: Decode } {
  const typeOf = (name: string) => (Object.hasOwn(TYPES, name) ? TYPES[name] : undefined);
  const type = typeOf(dtype);
  if (!type) return spec.refuse('dtype', `one of ${Object.keys(TYPES).join(', ')}`, dtype);
  if (!spec.raw('quantization')) return { stored: type, decode: (numbers) => numbers };
  const how = new Fields(spec.raw('quantization'), `${spec.where}: quantization`);
  const stored = how.text('dtype', ['uint8', 'uint16', 'float16']);
  if (stored === 'float16') return { stored, decode: (numbers) => numbers };
  if (type !== 'float32') spec.refuse('dtype', 'float32 for quantised weights', dtype);
  const [scale, least] = [how.number('scale'), how.number('min')];
  return { stored, decode: (numbers) => Float32Array.from(numbers, (q) => q * scale + least) };
}
