/** From what Keras says of a model, and its weights, to a network. */
import { InputError, UnsupportedError } from '../../errors.ts';
import { NetworkBuilder } from '../../network/builder.ts';
import type { Network, TensorId, Tie } from '../../network/network.ts';
import { channelsFirst, channelsLast, type KerasWeights, Place } from './place.ts';
import { isKnown, readLayer } from './rows.ts';
import type { Topology } from './topology.ts';

const INPUT = 'InputLayer';

/**
 * The network reads and writes images as Keras does, with their channels last.
 * @param version of Keras, the first of its numbers; undefined where nothing says it
 * @param given the shape of the input, which the file may leave open
 * @throws InputError for what is malformed or does not fit
 * @throws UnsupportedError for what has no bound or is not read, every layer of a kind that is not known at once
 */
export async function buildKeras(
  topology: Topology,
  version: number | undefined,
  weights: KerasWeights,
  file: string,
  given: readonly number[] | undefined,
): Promise<Network> {
  refuseUnknown(topology);
  const builder = new NetworkBuilder(file.replace(/\.(keras|h5|hdf5|json)$/i, ''));
  const shape = inputShape(topology, file, given);
  const input = builder.input(topology.input || 'input', shape);
  const tensors = new Map<string, TensorId>([[topology.input, first(builder, input)]]);
  const ties: Tie[] = [];
  const reading = { builder, version, weights, ties, padded: new Map() };
  for (const layer of topology.layers) {
    if (layer.kind === INPUT) continue;
    const inputs = layer.inputs.map((name) => tensors.get(name)!);
    tensors.set(layer.name, await readLayer(new Place(reading, layer, inputs)));
  }
  const output = tensors.get(topology.output)!;
  const axes = builder.shape(output).length;
  if (axes === 1) return builder.build(output, undefined, ties);
  const permutation = channelsLast(axes);
  const sides = permutation.map((axis) => builder.shape(output)[axis]!);
  const last = builder.add('channels last', { kind: 'reindex', permutation, shape: sides }, [output]);
  return builder.build(last, undefined, ties);
}

function first(builder: NetworkBuilder, input: TensorId): TensorId {
  const shape = builder.shape(input);
  if (shape.length === 1) return input;
  const permutation = channelsFirst(shape.length);
  return builder.add(
    'channels first',
    { kind: 'reindex', permutation, shape: permutation.map((axis) => shape[axis]!) },
    [input],
  );
}

function inputShape(
  topology: Topology,
  file: string,
  given: readonly number[] | undefined,
): readonly number[] {
  const stated = topology.inputShape;
  const shown = stated.map((side) => side ?? 'open').join(', ');
  if (!given) {
    if (stated.every((side) => side !== null)) return stated as number[];
    throw new InputError(
      `${file}: the shape of the input must be given (inputShape), got [${shown}] in the file`,
    );
  }
  const fits =
    given.length === stated.length && given.every((side, k) => stated[k] === null || stated[k] === side);
  if (fits) return given;
  throw new InputError(
    `${file}: inputShape must fit that of the file, [${shown}], got [${given.join(', ')}]`,
  );
}

function refuseUnknown({ layers }: Topology): void {
  const items = layers
    .filter(({ kind }) => kind !== INPUT && !isKnown(kind))
    .map(({ name, kind }) => ({
      ...{ node: name, found: kind },
      reason: 'this layer is not read from Keras files, or has no global bound; export ONNX to learn which',
    }));
  if (items.length > 0) throw new UnsupportedError(items);
}
