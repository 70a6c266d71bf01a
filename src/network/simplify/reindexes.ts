/** Reindexes (flatten, reshape, transpose) are carried along as views until an operator absorbs them. */
import { channelEntries } from '../elementwise/elementwise.ts';
import type { Network, Node, TensorId } from '../network.ts';
import type { Operator } from '../operator.ts';
import { prune } from '../prune.ts';
import { unknownOperator } from '../shape.ts';
import { sameShape } from '../size.ts';
import {
  permuteColumns,
  permuteDepthwise,
  permuteFunction,
  permuteInputs,
  permuteScale,
  permuteTransposedInputs,
  permuteWindows,
} from './permute.ts';
import { consumers, Rewriter } from './rewriter.ts';
import {
  asReindexes,
  channelImages,
  channelPermutation,
  channelwiseView,
  isRowMajor,
  permutesChannels,
  permutesChannelsOnly,
  reindexed,
  sameOrder,
  type View,
  wholeView,
} from './view.ts';

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

function withoutInputReindexes(network: Network): Network {
  const readers = consumers(network);
  const skipped = new Set<Node>();
  let input = network.input;
  for (;;) {
    const [reader, second] = readers[input]!;
    if (input === network.output || reader?.operator.kind !== 'reindex' || second) break;
    skipped.add(reader);
    input = reader.output;
  }
  const { name } = network.tensors[network.input]!;
  const tensors = network.tensors.with(input, { ...network.tensors[input]!, name });
  return prune({ ...network, tensors, nodes: network.nodes.filter((node) => !skipped.has(node)), input });
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
    let image = this.rewriter.image(tensor);
    for (const operator of asReindexes(this.views.get(tensor)!, this.rewriter.shape(image))) {
      image = this.rewriter.add(name, operator, [image], name);
    }
    this.reindexed.set(tensor, image);
    return image;
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
        const entries = channelEntries(f)?.length ?? 1;
        const channels = entries > 1 ? channelImages(view, source) : NO_CHANNELS;
        return (
          channels && { operator: { ...operator, function: permuteFunction(f, channels) }, inputs, view }
        );
      }
      case 'scale': {
        const uniform = operator.scale.length === 1 && (operator.shift?.length ?? 1) === 1;
        const channels = uniform ? NO_CHANNELS : channelImages(view, source);
        return channels && { operator: permuteScale(operator, channels), inputs, view };
      }
      case 'affine':
        return { operator: permuteColumns(operator, view), inputs };
      case 'max-gather':
        return { operator: permuteWindows(operator, view), inputs };
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
