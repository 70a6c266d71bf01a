/** From an ONNX model to a network. */
import { InputError, type Unsupported, UnsupportedError } from '../../errors.ts';
import { NetworkBuilder } from '../../network/builder.ts';
import type { Network, Source } from '../../network/network.ts';
import { Budget } from './budget.ts';
import { fetchExternalFiles } from './external.ts';
import { flatNodes, type GraphNode, neededNodes, type Producers, producersOf } from './graph.ts';
import { type GraphInput, graphInput, graphOutput, type OutputShape, type Reading, readings } from './interface.ts';
import { Interpretation } from './interpretation.ts';
import { decodeModel } from './model.ts';
import type { ModelProto, TensorProto } from './onnx_pb.ts';
import { CONVERTERS, reasonAgainst } from './operators/registry.ts';
import type { ExternalFiles } from './tensors.ts';

export interface ReadOptions {
  /** What the network is called. */
  readonly name: string;
  /** Bytes of an external-data file by its plain name; undefined where there is none. */
  readonly external?: (location: string) => Promise<Uint8Array> | undefined;
  /** Shape of one sample, [channels, ...spatial] or [features], where the file leaves it open. */
  readonly inputShape?: readonly number[];
  /** Name of the output, where the file has several. */
  readonly output?: string;
  readonly source?: Source;
}

/**
 * Reads an ONNX model (operator sets 7 to 28) as it stands: nothing is merged or simplified, constants are
 * computed in float64 from the stored values, and the batch axis is dropped.
 * @throws InputError for files that are malformed or do not say what is needed
 * @throws UnsupportedError for what has no bound or is not read, every such node at once
 */
export async function readOnnx(bytes: Uint8Array, options: ReadOptions): Promise<Network> {
  const model = decodeModel(bytes);
  const external = await fetchExternalFiles(model, options.external);
  const size = [...external.values()].reduce((sum, file) => sum + file.length, bytes.length);
  const input = graphInput(model);
  const output = graphOutput(model, options.output);
  const graph = resolved(model, input.name, output.name);
  let refusal: unknown;
  for (const reading of readings(input, options.inputShape)) {
    try {
      return interpret(graph, reading, output, external, size, options);
    } catch (error) {
      // The first reading is the usual one; its complaint is the one that helps.
      refusal ??= error;
      if (!(error instanceof UnsupportedError)) break;
    }
  }
  throw refusal;
}

/** A graph whose names are resolved, with the nodes that the output needs. */
interface Graph {
  readonly producers: Producers;
  readonly initializers: ReadonlyMap<string, TensorProto>;
  readonly nodes: readonly GraphNode[];
  readonly input: string;
}

function resolved(model: ModelProto, input: string, output: string): Graph {
  const graph = model.graph!;
  const initializers = new Map<string, TensorProto>();
  for (const tensor of graph.initializer) {
    if (initializers.has(tensor.name)) {
      throw new InputError(`initializer ${tensor.name}: names must be unique, got it twice`);
    }
    initializers.set(tensor.name, tensor);
  }
  const nodes = flatNodes(model);
  const producers = producersOf(nodes, [input, ...initializers.keys()]);
  if (!producers.has(output)) {
    throw new InputError(`output ${output}: must be computed from the input, got no node that makes it`);
  }
  const needed = neededNodes(output, producers, (node) => node.inputs);
  const sparse = new Set(graph.sparseInitializer.map((tensor) => tensor.values?.name ?? ''));
  const refused = needed.flatMap((node) => [...objections(node), ...sparseInputs(node, sparse)]);
  // What cannot be interpreted is listed together with what the interpretation objects to.
  return { producers, initializers, nodes: needed.map((node) => withObjections(node, refused)), input };
}
