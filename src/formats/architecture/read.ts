/** From an architecture in JSON and the file of weights that it names to a network. */
import { InputError } from '../../errors.ts';
import { NetworkBuilder } from '../../network/builder.ts';
import type { Network, TensorId, Tie } from '../../network/network.ts';
import { stored } from '../../network/weights/origin.ts';
import { Fields, isObject, type Json, parsedJson, shown } from '../fields.ts';
import type { FetchExternal } from '../format.ts';
import type { Weight } from '../layers/arranged.ts';
import { isPlainName } from '../onnx/values/tensors.ts';
import type { NamedArrays } from '../weights/namedArrays.ts';
import { openWeights } from '../weights/open.ts';
import { ARCHITECTURE_NAME, QUESTION, questionsIn, VERSION } from './questions.ts';
import { readLayer } from './rows.ts';

/** Beyond these, messages about a file say nothing more. */
const MOST_LAYERS = 1e5;

/**
 * @param file its plain name
 * @param external gives the file of weights
 * @throws InputError for what is malformed, left open, or does not fit the weights
 */
export async function readArchitecture(
  bytes: Uint8Array,
  file: string,
  external: FetchExternal,
  given: readonly number[] | undefined,
): Promise<Network> {
  const document = parsedJson(bytes, file);
  const fields = new Fields(document, file);
  fields.text('format', [ARCHITECTURE_NAME]);
  if (fields.raw('version') !== VERSION) fields.refuse('version', String(VERSION), fields.raw('version'));
  const layers = fields.raw('layers');
  if (!Array.isArray(layers) || layers.length === 0 || layers.length > MOST_LAYERS) {
    return fields.refuse(
      'layers',
      `a list of 1 to ${MOST_LAYERS} layers`,
      Array.isArray(layers) ? layers.length : layers,
    );
  }
  refuseQuestions(file, { ...(document as object), ...(given && { input: given }) });
  const weights = await weightsOf(fields, external);
  const builder = new NetworkBuilder(file.replace(/\.json$/i, ''));
  const stated = fields.raw('input');
  const tensors = new Map<string, TensorId>([
    ['input', builder.input('input', given ?? fields.shape('input'))],
  ]);
  if (given && stated === undefined) fields.refuse('input', 'a list of whole numbers of at least 1', stated);
  const unused = new Set(weights.keys());
  for (const name of fields.optional('unused', [], (key) => names(fields, key))) {
    if (!unused.delete(name))
      throw new InputError(`${file}: unused: ${name} must be an array of the weights, got no such`);
  }
  fields.finish();
  const ties: Tie[] = [];
  let last = tensors.get('input')!;
  for (const [k, value] of layers.entries()) {
    const layer = new Fields(value, `${file}: layer ${k + 1}${nameSuffix(value)}`);
    const kind = layer.text('layer');
    const name = layer.optional('name', `${kind} ${k + 1}`, (key) => layer.text(key));
    if (tensors.has(name)) throw new InputError(`${layer.where}: names must be unique, got ${name} twice`);
    const inputs = layer.optional('from', [last], (key) => sources(layer, key, tensors));
    const array = (key: string) => arrayOf(layer, key, weights, unused);
    last = await readLayer(kind, { builder, name, fields: layer, inputs, ties, array });
    layer.finish();
    tensors.set(name, last);
  }
  refuseUnused(file, weights, unused);
  return builder.build(last, undefined, ties);
}

function nameSuffix(value: Json): string {
  return isObject(value) && typeof value.name === 'string' ? ` (${value.name.slice(0, 100)})` : '';
}

async function weightsOf(fields: Fields, external: FetchExternal): Promise<NamedArrays> {
  if (!fields.has('weights')) return new Map();
  const location = fields.text('weights');
  if (!isPlainName(location)) fields.refuse('weights', 'the name of a file beside it', location);
  const bytes = await external(location);
  if (!bytes)
    throw new InputError(`${fields.where}: the weights ${location} must be given with it, got no such file`);
  return openWeights(bytes, location);
}

async function arrayOf(
  layer: Fields,
  key: string,
  weights: NamedArrays,
  unused: Set<string>,
): Promise<Weight> {
  const name = layer.text(key);
  const array = weights.get(name);
  if (!array) {
    const some = [...weights.keys()].slice(0, 20).join(', ');
    throw new InputError(
      `${layer.where}: ${key} must be an array of the weights (${some || 'there are none'}), got ${name}`,
    );
  }
  unused.delete(name);
  const numbers = await array.numbers();
  stored(numbers, name, array.shape);
  return { shape: array.shape, numbers };
}

function names(fields: Fields, key: string): string[] {
  const value = fields.raw(key);
  const list = Array.isArray(value) && value.every((name) => typeof name === 'string');
  return list ? (value as unknown as string[]) : fields.refuse(key, 'a list of names', value);
}

function sources(layer: Fields, key: string, tensors: ReadonlyMap<string, TensorId>): TensorId[] {
  const value = layer.raw(key);
  const list = typeof value === 'string' ? [value] : names(layer, key);
  if (list.length === 0) layer.refuse(key, 'one name or more', value ?? null);
  return list.map(
    (name) => tensors.get(name) ?? layer.refuse(key, 'names of layers before it, or input', name),
  );
}

/** @throws InputError naming everything that a proposal has left open */
function refuseQuestions(file: string, document: object): void {
  const questions = questionsIn(document);
  if (questions.length === 0) return;
  throw new InputError(
    `${file}: must say what weights do not tell, got "${QUESTION}" for ${questions.slice(0, 40).join('; ')}${questions.length > 40 ? `; and ${questions.length - 40} more` : ''}`,
  );
}

/** Weights that no layer reads are a layer that was forgotten, unless the architecture says otherwise. */
function refuseUnused(file: string, weights: NamedArrays, unused: ReadonlySet<string>): void {
  // What PyTorch counts while it trains.
  const left = [...unused].filter(
    (name) => !(weights.get(name)!.whole && /(^|\.)num_batches_tracked$/.test(name)),
  );
  if (left.length === 0) return;
  throw new InputError(
    `${file}: must have layers for all arrays of the weights, got none for ${left.slice(0, 20).join(', ')}${left.length > 20 ? ', …' : ''}; where they belong to no layer, "unused": ${shown(left.slice(0, 3))} says so`,
  );
}
