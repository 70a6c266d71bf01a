/** Channels that nothing reads are not computed: those of a layer that only a gather of other channels reads. */
import { channelEntries, mapChannelEntries } from '../elementwise/elementwise.ts';
import type { Network, Node, TensorId } from '../network.ts';
import type { Gather, Operator } from '../operator.ts';
import { consumers, Rewriter } from '../simplify/rewriter.ts';
import { hasBlocks, restricted } from './operators.ts';

/** The same network, where gathers of channels are moved through functions into the layers that make these channels, if nothing else reads them. */
export function withoutUnread(network: Network): Network {
  const rewriter = new Rewriter(network);
  const readers = consumers(network);
  const makers = new Map(network.nodes.map((node) => [node.output, node]));
  const shape = (id: TensorId) => network.tensors[id]!.shape;

  /** The channels of an old tensor, as a new one. */
  const channelsOf = (tensor: TensorId, operator: Gather, name: string): TensorId => {
    const node = makers.get(tensor);
    const alone = readers[tensor]!.length === 1 && tensor !== network.output;
    const narrow = node && alone ? narrowed(node, operator, shape) : undefined;
    if (!node || !narrow) return rewriter.add(name, operator, [rewriter.image(tensor)], name);
    const from = node.inputs[0]!;
    const input = narrow.passes ? channelsOf(from, operator, name) : rewriter.image(from);
    return rewriter.add(node.name, narrow.operator, [input], node.name);
  };

  for (const node of network.nodes) {
    const { operator, inputs, output, name } = node;
    const picks = operator.kind === 'gather' && !operator.shape && operator.sources.every((k) => k >= 0);
    if (picks) rewriter.stand(output, channelsOf(inputs[0]!, operator, name));
    else rewriter.copy(node);
  }
  return rewriter.finish();
}

/** A node that makes these channels alone; `passes`: of the same channels of its input. Undefined where it must make all. */
function narrowed(
  { operator, inputs }: Node,
  { sources }: Gather,
  shape: (id: TensorId) => readonly number[],
): { readonly operator: Operator; readonly passes: boolean } | undefined {
  const input = shape(inputs[0]!);
  if (hasBlocks(operator, input))
    return { operator: restricted(operator, sources, undefined), passes: false };
  if (operator.kind !== 'nonlinearity') return undefined;
  const entries = channelEntries(operator.function)?.length ?? 1;
  if (entries !== 1 && entries !== input[0]) return undefined;
  const f = mapChannelEntries(operator.function, (values) =>
    values.length === 1 ? values : Float64Array.from(sources, (channel) => values[channel]!),
  );
  return { operator: { kind: 'nonlinearity', function: f }, passes: true };
}
