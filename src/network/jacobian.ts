/** The Jacobian by forward mode, for sampling lower bounds and for tests; small networks only. */
import { derivative } from './elementwise.ts';
import { evaluateOperator, evaluateTensors } from './evaluate.ts';
import { maximumSources } from './gather.ts';
import { type DenseMatrix, linearPart } from './matrix.ts';
import type { Network, TensorId } from './network.ts';
import type { Operator, Softmax } from './operator.ts';
import { unknownOperator } from './shape.ts';
import { product } from './size.ts';

type Shape = readonly number[];

/** The increment of an operator's output, to first order, for increments of its inputs. */
type Differential = (increments: readonly Float64Array[]) => Float64Array;

/**
 * ∂ output / ∂ input at `x`, [entries of the output, entries of the input]: one pass per input entry.
 * At a kink it is the Jacobian of one of the pieces that meet there.
 * @throws RangeError if `x` has not the input's number of entries
 */
export function jacobian(network: Network, x: Float64Array): DenseMatrix {
  const values = evaluateTensors(network, x);
  const shape = (id: TensorId) => network.tensors[id]!.shape;
  const steps = network.nodes.map(({ operator, inputs, output }) => ({
    inputs,
    output,
    differential: differential(
      operator,
      inputs.map((id) => values[id]!),
      inputs.map(shape),
      shape(output),
    ),
  }));
  const rows = values[network.output]!.length;
  const columns = x.length;
  const data = new Float64Array(rows * columns);
  for (let column = 0; column < columns; column++) {
    const increments: Float64Array[] = [];
    increments[network.input] = new Float64Array(columns).fill(1, column, column + 1);
    for (const step of steps)
      increments[step.output] = step.differential(step.inputs.map((id) => increments[id]!));
    for (const [row, value] of increments[network.output]!.entries()) data[row * columns + column] = value;
  }
  return { rows, columns, data };
}

function differential(
  operator: Operator,
  values: readonly Float64Array[],
  shapes: readonly Shape[],
  outputShape: Shape,
): Differential {
  const x = values[0]!;
  const shape = shapes[0]!;
  switch (operator.kind) {
    case 'affine':
    case 'convolution':
    case 'transposed-convolution':
    case 'scale':
    case 'average-pool':
    case 'global-average-pool':
    case 'pad':
    case 'reindex': {
      const linear = linearPart(operator);
      return (increments) => evaluateOperator(linear, increments, shapes, outputShape);
    }
    case 'add':
    case 'concat':
      return (increments) => evaluateOperator(operator, increments, shapes, outputShape);
    case 'nonlinearity': {
      const perChannel = product(shape) / shape[0]!;
      const slopes = x.map((value, i) => derivative(operator.function, value, Math.floor(i / perChannel)));
      return ([dx]) => dx!.map((increment, i) => slopes[i]! * increment);
    }
    case 'max-pool':
    case 'max-gather':
    case 'global-max-pool': {
      const sources = maximumSources(operator, x, shape, outputShape);
      return ([dx]) => Float64Array.from(sources, (index) => dx![index]!);
    }
    case 'softmax':
      return softmaxDifferential(operator, x, shape, outputShape);
    default:
      throw unknownOperator(operator);
  }
}

/** Softmax p: dp = p ∘ (dx − ⟨p, dx⟩); its logarithm: dx − ⟨p, dx⟩, position by position. */
function softmaxDifferential(
  operator: Softmax,
  x: Float64Array,
  shape: Shape,
  outputShape: Shape,
): Differential {
  const p = evaluateOperator({ ...operator, logarithm: false }, [x], [shape], outputShape);
  const positions = x.length / shape[0]!;
  return ([dx]) => {
    const mean = new Float64Array(positions);
    for (const [i, increment] of dx!.entries()) mean[i % positions]! += p[i]! * increment;
    return dx!.map((increment, i) => (operator.logarithm ? 1 : p[i]!) * (increment - mean[i % positions]!));
  };
}
