/** Scales (batch norm, constant factors and terms) are folded into the operators next to them. */
import type { Network, Node, TensorId } from '../network.ts';
import type { Operator, Scale } from '../operator.ts';
import { composedScales, scaledInput, scaledOutput, scaledTerms, takesScaledInput } from './fold.ts';
import { consumers, Rewriter } from './rewriter.ts';

/**
 * A scale goes into the operator that makes its input, if nothing else reads that; otherwise into all the operators
 * that read it, if all can take it; otherwise it stays. Consecutive scales become one. Whatever could vanish or overflow on the way
 * stays as it is.
 */
export function foldScales(network: Network): Network {
  const rewriter = new Rewriter(network);
  const readers = consumers(network);
  /** Scales that are gone, for their readers to take in, by their output. */
  const pending = new Map<TensorId, Scale>();

  const stayOrPass = (node: Node, scale: Scale, input: TensorId) => {
    const passes =
      node.output !== network.output &&
      readers[node.output]!.every((reader) =>
        takesScaledInput(reader.operator, scale, network.tensors[reader.inputs[0]!]!.shape),
      );
    if (passes) {
      rewriter.stand(node.output, input);
      pending.set(node.output, scale);
    } else {
      rewriter.replace(node, scale, [input]);
    }
  };

  for (const node of network.nodes) {
    const inputs = rewriter.inputs(node);
    const { operator } = node;
    if (operator.kind !== 'scale') {
      rewriter.replace(node, withPending(operator, node.inputs, pending, rewriter.shape(inputs[0]!)), inputs);
      continue;
    }
    const before = rewriter.producer(inputs[0]!);
    const alone = readers[node.inputs[0]!]!.length === 1 && node.inputs[0] !== network.output;
    const merged = before && alone ? scaledOutput(before.operator, before.inputs, operator) : undefined;
    const composed =
      before?.operator.kind === 'scale'
        ? composedScales(before.operator, operator, rewriter.shape(inputs[0]!))
        : undefined;
    if (merged) {
      rewriter.replace({ ...node, name: before!.name }, merged, before!.inputs);
    } else if (composed) {
      stayOrPass(node, composed, before!.inputs[0]!);
    } else {
      stayOrPass(node, operator, inputs[0]!);
    }
  }
  return rewriter.finish();
}

/** The operator with the scales that its inputs used to go through. */
function withPending(
  operator: Operator,
  tensors: readonly TensorId[],
  pending: ReadonlyMap<TensorId, Scale>,
  input: readonly number[],
): Operator {
  const scales = tensors.map((tensor) => pending.get(tensor));
  if (operator.kind === 'add') return scaledTerms(operator, scales);
  const scale = scales[0];
  if (!scale) return operator;
  switch (operator.kind) {
    case 'affine':
    case 'convolution':
    case 'transposed-convolution':
      return scaledInput(operator, scale, input)!;
    default:
      throw new Error(`scale folding: ${operator.kind} was to take in a scale`);
  }
}
