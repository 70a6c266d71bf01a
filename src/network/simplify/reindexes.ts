/** Reindexes (flatten, reshape, transpose) are carried along as views until an operator absorbs them. */
import { channelEntries, mapChannelEntries } from '../elementwise/elementwise.ts';
import { groupDefinitionOf } from '../groups/table.ts';
import type { Network, Node, TensorId } from '../network.ts';
import type { Operator } from '../operator.ts';
import { prune } from '../prune.ts';
import { unknownOperator } from '../shape.ts';
import { perEntry, sameShape } from '../size.ts';
import { numbersOf, scalePerEntry } from './fold.ts';
import {
  entriesBefore,
  permuteColumns,
  permuteDepthwise,
  permuteEntries,
  permuteFunction,
  permuteGroups,
  permuteInputs,
  permuteScale,
  permuteSources,
  permuteTransposedInputs,
  permuteWindows,
} from './permute.ts';
import { consumers, Rewriter } from './rewriter.ts';
import {
  asOperator,
  channelImages,
  channelPermutation,
  channelwiseView,
  inverse,
  isRowMajor,
  permutesChannels,
  permutesChannelsOnly,
  reindexed,
  sameOrder,
  type View,
  wholeView,
} from './view.ts';

/** Channels that are listed one by one where no operator has as many weights. */
const MOST_CHANNELS = 2 ** 20;

/**
 * Reindexes move down the network: they compose and cancel, pass elementwise functions, scales, pools and sums
 * where these cannot tell, and end in the order of the columns of an affine operator or of the input channels of
 * a convolution. Those at the network's input and output are dropped: the input gets the shape and the order of
 * entries that the first operator wants, the output those of the last one. What nothing absorbs stays.
 */
export function absorbReindexes(network: Network): Network {
  const pass = new ReindexPass(withoutInputReindexes(network));
  return pass.run();
}

/**
 * The reindexes that the input goes through first are left out. Where it is a vector, functions of single entries may stand before: they act
 * on the image that the vector becomes.
 */
function withoutInputReindexes(network: Network): Network {
  const readers = consumers(network);
  const tensors = [...network.tensors];
  const skipped = new Set<Node>();
  /** Outputs of functions of single entries on the way, and the input. */
  const passed = [network.input];
  const operators = new Map<Node, Operator>();
  /** Where the output of a reindex that is left out is found. */
  const images = new Map<TensorId, TensorId>();
  const isVector = tensors[network.input]!.shape.length === 1;
  for (let at = network.input; at !== network.output; ) {
    const [reader, second] = readers[at]!;
    if (!reader || second) break;
    const { operator, output } = reader;
    if (operator.kind === 'reindex') {
      const inOrder = operator.permutation.every((axis, position) => axis === position);
      if (!inOrder && passed.length > 1) break;
      for (const node of operators.keys()) operators.set(node, perEntryOf(node.operator, tensors[at]!.shape));
      for (const id of passed) tensors[id] = { ...tensors[id]!, shape: operator.shape };
      skipped.add(reader);
      images.set(output, passed.at(-1)!);
    } else if (isVector && (operator.kind === 'scale' || operator.kind === 'nonlinearity')) {
      operators.set(reader, operator);
      passed.push(output);
    } else break;
    at = output;
  }
  if (skipped.size === 0) return network;
  const image = (id: TensorId) => images.get(id) ?? id;
  const nodes = network.nodes.flatMap((node) => {
    if (skipped.has(node)) return [];
    return [{ ...node, operator: operators.get(node) ?? node.operator, inputs: node.inputs.map(image) }];
  });
  return prune({ ...network, tensors, nodes, output: image(network.output) });
}

/** A function of single entries, with numbers for entries where it had numbers for channels. */
function perEntryOf(operator: Operator, shape: readonly number[]): Operator {
  if (operator.kind === 'scale') return scalePerEntry(operator, shape);
  if (operator.kind !== 'nonlinearity') return operator;
  return { ...operator, function: mapChannelEntries(operator.function, (own) => perEntry(own, shape)) };
}

/** What a node becomes: an operator on new tensors, and how its old output is read from the new one. */
interface Carried {
  readonly operator: Operator;
  readonly inputs: readonly TensorId[];
  /** Absent: the new output is the old one. */
  readonly view?: View;
}

class ReindexPass {
  private readonly rewriter: Rewriter;
  /** How each old tensor is read from its image. */
  private readonly views = new Map<TensorId, View>();
  /** Name of the last reindex in the view of each old tensor. */
  private readonly origins = new Map<TensorId, string>();
  /** New tensors that hold old ones entry by entry, where one had to be made. */
  private readonly reindexed = new Map<TensorId, TensorId>();

  constructor(network: Network) {
    this.rewriter = new Rewriter(network);
    const { name, shape } = network.tensors[network.input]!;
    this.views.set(network.input, wholeView(shape));
    this.origins.set(network.input, name);
  }

  run(): Network {
    for (const node of this.rewriter.old.nodes) {
      if (node.operator.kind === 'reindex') {
        const image = this.rewriter.image(node.inputs[0]!);
        const view = reindexed(this.views.get(node.inputs[0]!)!, node.operator);
        if (view) {
          this.rewriter.stand(node.output, image);
          this.views.set(node.output, view);
          this.origins.set(node.output, node.name);
          continue;
        }
      }
      const { operator, inputs, view } = this.carried(node) ?? this.kept(node);
      const output = this.rewriter.replace(node, operator, inputs);
      this.views.set(node.output, view ?? wholeView(this.rewriter.shape(output)));
      this.origins.set(node.output, this.origins.get(node.inputs[0]!) ?? node.name);
    }
    return this.rewriter.finish();
  }

  /** The node with reindexes in front of it wherever its inputs are not what they were. */
  private kept(node: Node): Carried {
    return { operator: node.operator, inputs: node.inputs.map((id) => this.materialized(id)) };
  }

  private materialized(tensor: TensorId): TensorId {
    const made = this.reindexed.get(tensor);
    if (made !== undefined) return made;
    const name = this.origins.get(tensor)!;
    const source = this.rewriter.image(tensor);
    const operator = asOperator(this.views.get(tensor)!, this.rewriter.shape(source));
    const image = operator ? this.rewriter.add(name, operator, [source], name) : source;
    this.reindexed.set(tensor, image);
    return image;
  }

  /** Where the numbers of an operator of a view, so many, are found by the source of the view; undefined where they cannot be. */
  private numbersFor(count: number, view: View, source: readonly number[]): Int32Array | undefined {
    if (count === 1) return NO_CHANNELS;
    return count > view.shape[0]! ? entriesBefore(view) : channelImages(view, source);
  }

  /** The node on the images of its inputs, with the reindex absorbed or passed on; undefined where it cannot be. */
  private carried(node: Node): Carried | undefined {
    const { operator } = node;
    const inputs = this.rewriter.inputs(node);
    const view = this.views.get(node.inputs[0]!)!;
    const source = this.rewriter.shape(inputs[0]!);
    const shape = this.rewriter.old.tensors[node.output]!.shape;
    switch (operator.kind) {
      case 'nonlinearity': {
        const f = operator.function;
        const channels = this.numbersFor(channelEntries(f)?.length ?? 1, view, source);
        return (
          channels && { operator: { ...operator, function: permuteFunction(f, channels) }, inputs, view }
        );
      }
      case 'scale': {
        const numbers = numbersOf(operator);
        const channels = this.numbersFor(numbers, view, source);
        const own = numbers > view.shape[0]! ? scalePerEntry(operator, view.shape) : operator;
        return channels && { operator: permuteScale(own, channels), inputs, view };
      }
      case 'affine':
        return { operator: permuteColumns(operator, view), inputs };
      case 'max-gather':
        return { operator: permuteWindows(operator, view), inputs };
      case 'gather': {
        if (operator.shape) return { operator: permuteSources(operator, view), inputs };
        // A few may be picked of more than can be listed.
        if (source[0]! > MOST_CHANNELS) return undefined;
        const channels = channelPermutation(view, source);
        if (!channels) return undefined;
        const back = inverse(channels);
        const sources = operator.sources.map((channel) => (channel < 0 ? -1 : back[channel]!));
        return { operator: { ...operator, sources }, inputs };
      }
      case 'convolution': {
        const channels = channelPermutation(view, source);
        if (!channels) return undefined;
        if (operator.groups === 1) return { operator: permuteInputs(operator, channels), inputs };
        if (operator.groups !== operator.inputs) return undefined;
        const after = channelwiseView(view, source, operator.outputs / operator.inputs, shape);
        return { operator: permuteDepthwise(operator, channels), inputs, view: after };
      }
      case 'transposed-convolution': {
        const channels = operator.groups === 1 ? channelPermutation(view, source) : undefined;
        return channels && { operator: permuteTransposedInputs(operator, channels), inputs };
      }
      case 'average-pool':
      case 'max-pool':
      case 'pad':
        if (!permutesChannelsOnly(view, source)) return undefined;
        return { operator, inputs, view: channelwiseView(view, source, 1, shape) };
      case 'global-average-pool':
      case 'global-max-pool':
        if (source.length < 2 || !permutesChannels(view, source)) return undefined;
        return { operator, inputs, view: channelwiseView(view, source, 1, shape) };
      case 'grouped': {
        const { scalar } = groupDefinitionOf(operator.function);
        if (source.length === 1) {
          // Groups of the entries of a vector, whatever they were arranged as.
          const grouped = permuteEntries(operator, view);
          return { operator: grouped, inputs, view: scalar ? wholeView(shape) : view };
        }
        // The image of a norm has other channels.
        if (scalar || !permutesChannels(view, source)) return undefined;
        const channels = channelImages(view, source);
        return channels && { operator: permuteGroups(operator, channels), inputs, view };
      }
      case 'softmax':
        return permutesChannels(view, source) ? { operator, inputs, view } : undefined;
      case 'add': {
        const alike = node.inputs.every(
          (id, k) =>
            sameOrder(this.views.get(id)!, view) && sameShape(this.rewriter.shape(inputs[k]!), source),
        );
        return alike ? { operator, inputs, view } : undefined;
      }
      case 'concat': {
        // Row-major tensors stacked along the first axis are their flat entries one after the other.
        const alike = node.inputs.every(
          (id, k) =>
            isRowMajor(this.views.get(id)!) &&
            sameShape(this.rewriter.shape(inputs[k]!).slice(1), source.slice(1)),
        );
        return alike ? { operator, inputs, view: wholeView(shape) } : undefined;
      }
      case 'reindex':
        return undefined;
      default:
        throw unknownOperator(operator);
    }
  }
}

/** For functions that are the same in every channel. */
const NO_CHANNELS = new Int32Array();
