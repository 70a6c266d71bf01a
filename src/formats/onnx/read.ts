/** From an ONNX model to a network. */
import { Breath } from '../../breath.ts';
import { InputError, UnsupportedError } from '../../errors.ts';
import type { Network, Source } from '../../network/network.ts';
import { Budget } from '../budget.ts';
import type { FetchExternal } from '../format.ts';
import { MIXED_BATCH } from './call.ts';
import { flatNodes, type GraphNode, neededNodes, type Producers, producersOf } from './graph.ts';
import { chosenInputs, graphInputs, graphOutput, type InputChoice, readings } from './interface.ts';
import { interpret, type ResolvedGraph } from './interpretation.ts';
import { checkNodes } from './protobuf/conformance.ts';
import { decodeModel } from './protobuf/model.ts';
import type { ModelProto, TensorProto } from './protobuf/onnx_pb.ts';
import { fetchExternalFiles } from './values/external.ts';
import { type ExternalFiles, elementType } from './values/tensors.ts';

export interface ReadOptions extends InputChoice {
  /** What the network is called. */
  readonly name: string;
  /** Bytes of an external-data file by its plain name; undefined where there is none. */
  readonly external?: FetchExternal;
  /** Shape of one sample, [channels, ...spatial] or [features], where the file leaves it open. */
  readonly inputShape?: readonly number[];
  /** The batch size, where the file leaves it open and a node needs to know. */
  readonly batch?: 1;
  /** Name of the output, where the file has several. */
  readonly output?: string;
  readonly source?: Source;
  /** Whether the bytes are the reader's own: they may be moved about, and be no model afterwards. Else they must stay what they are as long as
   *  the network is in use, whose weights may be among them. */
  readonly owned?: boolean;
  /** Rejects with its reason. */
  readonly signal?: AbortSignal;
}

/**
 * Reads an ONNX model (operator sets 1 to 28) as it stands: nothing is merged or simplified, constants are
 * computed as ONNX defines it for their types, and the batch axis is dropped. Of several inputs the network has one:
 * their entries one after the other, channels stacked where their positions are alike.
 * @throws InputError for files that are malformed or do not say what is needed
 * @throws UnsupportedError for what has no bound or is not read, every such node at once
 */
export async function readOnnx(bytes: Uint8Array, options: ReadOptions): Promise<Network> {
  const model = decodeModel(bytes);
  const external = await fetchExternalFiles(model, options.external);
  const graph = resolve(model, external, bytes.length, options);
  const size = [...external.values()].reduce((sum, file) => sum + file.length, bytes.length);
  const batch = options.batch ?? (graph.single ? 1 : undefined);
  const { inputShape } = options;
  const [usual, ...others] = readings(graph.inputs, {
    ...(inputShape && { inputShape }),
    ...(batch && { batch }),
  });
  const breath = new Breath(options.signal);
  const read = (reading: NonNullable<typeof usual>) =>
    interpret(graph, reading, new Budget(size), options.source, breath);
  try {
    return await read(usual!);
  } catch (error) {
    options.signal?.throwIfAborted();
    for (const reading of others) {
      try {
        return await read(reading);
      } catch (other) {
        options.signal?.throwIfAborted();
        // The complaint about the usual reading is the one that helps, unless it is that the first axis is no batch.
        if (isAboutBatch(error) && (other instanceof UnsupportedError || other instanceof InputError))
          throw other;
      }
    }
    throw error;
  }
}

/** Whether all that it complains of is an axis that was taken for the batch. */
function isAboutBatch(error: unknown): boolean {
  return error instanceof UnsupportedError && error.items.every(({ found }) => found.includes(MIXED_BATCH));
}

/** Inputs, output and nodes by name. */
function resolve(
  model: ModelProto,
  external: ExternalFiles,
  bytes: number,
  options: ReadOptions,
): ResolvedGraph {
  const all = graphInputs(model);
  const output = graphOutput(model, options.output);
  const initializers = new Map<string, TensorProto>();
  const inputNames = new Set(all.map(({ name }) => name));
  for (const tensor of model.graph!.initializer) {
    if (tensor.name === '') throw new InputError('initializer: each must have a name, got one without');
    if (initializers.has(tensor.name) || inputNames.has(tensor.name)) {
      throw new InputError(`initializer ${tensor.name}: names must be unique, got it twice`);
    }
    initializers.set(tensor.name, tensor);
  }
  refuseSparse(model);
  const flat = flatNodes(model, bytes);
  const producers = producersOf(flat, [...inputNames, ...initializers.keys()]);
  if (!producers.has(output.name)) {
    throw new InputError(`output ${output.name}: must be made by a node, got none that makes it`);
  }
  const given = new Map([...initializers].map(([name, tensor]) => [name, elementType(tensor.dataType)]));
  for (const { name, type } of all) given.set(name, type);
  const types = checkNodes(ordered(flat, producers), given);
  const nodes = neededNodes([output.name], producers, (node) => node.inputs);
  const read = new Set(nodes.flatMap((node) => node.inputs));
  const { free: inputs, fixed } = chosenInputs(all, read, options);
  const needed = new Set(nodes);
  const unneeded = flat.filter((node) => !needed.has(node));
  const stores = { external, movable: options.owned === true };
  const { name } = options;
  // Numbers of one sample in an input whose batch is open say that there is one; others say nothing of it.
  const single = all.some(
    (rim) =>
      read.has(rim.name) &&
      rim.dims &&
      rim.dims.length > 1 &&
      rim.dims[0] === undefined &&
      fixed.get(rim.name)?.shape[0] === 1,
  );
  return { name, inputs, fixed, single, output, producers, initializers, stores, nodes, unneeded, types };
}

/** All nodes, each after those that it depends on. */
function ordered(nodes: readonly GraphNode[], producers: Producers): GraphNode[] {
  const outputs = nodes.flatMap((node) => node.outputs);
  const making = neededNodes(outputs, producers, (node) => node.inputs);
  return [...making, ...nodes.filter((node) => node.outputs.every((name) => name === ''))];
}

function refuseSparse(model: ModelProto): void {
  const items = model.graph!.sparseInitializer.map((tensor) => ({
    node: `initializer ${tensor.values?.name ?? ''}`,
    found: 'a sparse tensor',
    reason: 'weights must be stored densely',
  }));
  if (items.length > 0) throw new UnsupportedError(items);
}
