/**
 * How far tensors move, roughly, when the input moves by one. Measured in these units all increments are of one size, which is
 * what an interior-point method needs to have digits left for a bound of 10⁻⁶ or 10⁶. Estimates: they decide about digits, never
 * about validity.
 */
import { slopeInterval } from '../network/elementwise/elementwise.ts';
import { largest } from '../network/extremes.ts';
import type { Network, Node } from '../network/network.ts';
import type { Numbers } from '../network/numbers.ts';
import { unknownOperator } from '../network/shape.ts';
import { product } from '../network/size.ts';

const POWER_STEPS = 20;

/** One power of two per tensor, so that dividing by it rounds nothing; 1 for the input. */
export function incrementScales(network: Network): Float64Array {
  const scales = new Float64Array(network.tensors.length).fill(1);
  for (const node of network.nodes) {
    const sources = node.inputs.map((id) => scales[id]!);
    const size = gain(node, network) * norm(weighted(node, sources));
    scales[node.output] = size > 0 ? 2 ** Math.round(Math.log2(size)) : 1;
  }
  return scales;
}

function weighted({ operator }: Node, sources: readonly number[]): number[] {
  return operator.kind === 'add' ? sources.map((s, k) => s * operator.coefficients[k]!) : [...sources];
}

/** How much larger the operator's output is than its input. */
function gain({ operator, inputs }: Node, network: Network): number {
  const positions = product(network.tensors[inputs[0]!]!.shape.slice(1));
  switch (operator.kind) {
    case 'affine':
    case 'convolution':
      // Of the convolution the norm of its kernel as a matrix [outputs, inputs · taps].
      return spectralNorm(operator.weight, operator.outputs);
    case 'scale':
      return largest(operator.scale.map(Math.abs));
    case 'nonlinearity': {
      const { lower, upper } = slopeInterval(operator.function);
      const squares = (values: Float64Array) => largest(values.map((value) => value ** 2));
      return Math.sqrt((squares(lower) + squares(upper)) / 2);
    }
    case 'average-pool':
      return product(operator.stride) ** -0.5;
    case 'global-average-pool':
      return operator.sum ? Math.sqrt(positions) : 1 / Math.sqrt(positions);
    case 'transposed-convolution':
    case 'max-pool':
    case 'max-gather':
    case 'global-max-pool':
    case 'pad':
    case 'reindex':
    case 'gather':
    case 'add':
    case 'concat':
    case 'grouped':
    case 'softmax':
      return 1;
    default:
      throw unknownOperator(operator);
  }
}

/** The spectral norm by power iteration, from below. `matrix` is row-major. */
function spectralNorm(matrix: Numbers, rows: number): number {
  const columns = matrix.length / rows;
  // Nothing in a trained matrix is orthogonal to this.
  let direction = Float64Array.from({ length: columns }, (_, k) => 1 + Math.sin(k + 1));
  let size = 0;
  for (let step = 0; step < POWER_STEPS; step++) {
    const length = norm(direction);
    if (length === 0) return 0;
    const image = new Float64Array(rows);
    const back = new Float64Array(columns);
    for (let i = 0; i < rows; i++) {
      for (let j = 0; j < columns; j++) image[i]! += (matrix[i * columns + j]! * direction[j]!) / length;
    }
    for (let i = 0; i < rows; i++) {
      for (let j = 0; j < columns; j++) back[j]! += matrix[i * columns + j]! * image[i]!;
    }
    size = norm(image);
    direction = back;
  }
  return size;
}

/** ‖x‖₂, of entries of any size; `Math.hypot` takes them as arguments, of which there may be too many. */
function norm(x: ArrayLike<number>): number {
  let most = 0;
  for (let k = 0; k < x.length; k++) most = Math.max(most, Math.abs(x[k]!));
  if (!(most > 0 && most < Infinity)) return most;
  let sum = 0;
  for (let k = 0; k < x.length; k++) sum += (x[k]! / most) ** 2;
  return most * Math.sqrt(sum);
}
