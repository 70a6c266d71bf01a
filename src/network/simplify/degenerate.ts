/** Operators that do less than they could are replaced by simpler ones. */
import { linearMatrix, linearOffset } from '../matrix.ts';
import type { Network, Node } from '../network.ts';
import type { Add, AveragePool, Convolution, MaxPool, Operator, Scale } from '../operator.ts';
import { product, sameShape } from '../size.ts';
import { Rewriter } from './rewriter.ts';

type Shape = readonly number[];

/**
 * Drops what does nothing (scales by one, empty pads, 1×1 pools, sums and stacks of one tensor), adds up the
 * coefficients of a tensor that a sum takes twice, turns convolutions of single samples into affine operators and
 * pools over the whole image into global ones.
 */
export function replaceDegenerate(network: Network): Network {
  const rewriter = new Rewriter(network);
  for (const node of network.nodes) visit(rewriter, node);
  return rewriter.finish();
}

function visit(rewriter: Rewriter, node: Node): void {
  const inputs = rewriter.inputs(node);
  const input = rewriter.shape(inputs[0]!);
  const output = rewriter.old.tensors[node.output]!.shape;
  const { operator } = node;
  if (doesNothing(operator, input, output)) {
    rewriter.stand(node.output, inputs[0]!);
  } else if (operator.kind === 'add') {
    const [sum, terms] = distinctTerms(operator, inputs);
    rewriter.replace(node, sum, terms);
  } else {
    const simpler = onePosition(operator, input, output);
    if (!simpler) {
      rewriter.copy(node);
      return;
    }
    const flat = rewriter.add(node.name, simpler, inputs, `${node.name}_flat`);
    const permutation = rewriter.shape(flat).map((_, axis) => axis);
    rewriter.replace(node, { kind: 'reindex', permutation, shape: output }, [flat]);
  }
}

function doesNothing(operator: Operator, input: Shape, output: Shape): boolean {
  switch (operator.kind) {
    case 'scale':
      return operator.scale.every((a) => a === 1) && (operator.shift ?? NO_SHIFT).every((b) => b === 0);
    case 'pad':
      return sameShape(input, output);
    case 'average-pool':
    case 'max-pool':
      return sameShape(input, output) && [...operator.kernel, ...operator.stride].every((side) => side === 1);
    case 'add':
      return operator.coefficients.length === 1 && operator.coefficients[0] === 1;
    case 'concat':
      return sameShape(input, output);
    default:
      return false;
  }
}

const NO_SHIFT = new Float64Array();

/** A sum that takes every tensor once; of a single tensor it is a scale. */
function distinctTerms({ coefficients }: Add, inputs: readonly number[]): [Add | Scale, number[]] {
  const terms = new Map<number, number>();
  for (const [k, id] of inputs.entries()) terms.set(id, (terms.get(id) ?? 0) + coefficients[k]!);
  const sums = [...terms.values()];
  const operator: Add | Scale =
    sums.length === 1
      ? { kind: 'scale', scale: Float64Array.from(sums) }
      : { kind: 'add', coefficients: sums };
  return [operator, [...terms.keys()]];
}

/** An operator with a vector as its output that does the same, where the output image is a single sample. */
function onePosition(operator: Operator, input: Shape, output: Shape): Operator | undefined {
  if (product(output.slice(1)) > 1) return undefined;
  switch (operator.kind) {
    case 'convolution':
      return product(input.slice(1)) <= product(operator.kernel) ? asAffine(operator, input) : undefined;
    case 'average-pool':
      return coversImage(operator, operator.padding.before, input)
        ? { kind: 'global-average-pool', sum: false }
        : undefined;
    case 'max-pool':
      return coversImage(operator, operator.before, input) ? { kind: 'global-max-pool' } : undefined;
    case 'global-average-pool':
    case 'global-max-pool': {
      const permutation = input.map((_, axis) => axis);
      return product(input.slice(1)) === 1 ? { kind: 'reindex', permutation, shape: output } : undefined;
    }
    default:
      return undefined;
  }
}

function asAffine(operator: Convolution, input: Shape): Operator {
  const { rows: outputs, columns: inputs, data: weight } = linearMatrix(operator, input);
  return {
    kind: 'affine',
    outputs,
    inputs,
    weight,
    ...(operator.bias && { bias: linearOffset(operator, input) }),
  };
}

/** The first window is the image itself. */
function coversImage({ kernel, ...pool }: AveragePool | MaxPool, before: Shape, input: Shape): boolean {
  const dense = pool.kind === 'average-pool' || pool.dilation.every((d, a) => d === 1 || kernel[a] === 1);
  return dense && before.every((samples) => samples === 0) && sameShape(kernel, input.slice(1));
}
