/** Plain forward evaluation in float64, for tests, sampling and comparing networks before and after a rewrite. */

import type { Network } from '../network.ts';
import type { Operator } from '../operator.ts';
import { PreparedNetwork } from './preparedNetwork.ts';
import { prepare } from './preparedOperator.ts';

type Shape = readonly number[];

/**
 * The network's output at `x`, both flattened row-major.
 * @throws RangeError if `x` has not the input's number of entries
 */
export function evaluate(network: Network, x: Float64Array): Float64Array {
  return new PreparedNetwork(network).evaluate(x)[network.output]!;
}

/** One operator on flattened inputs of the given shapes. */
export function evaluateOperator(
  operator: Operator,
  inputs: readonly Float64Array[],
  inputShapes: readonly Shape[],
  outputShape: Shape,
): Float64Array {
  return prepare(operator, inputShapes, outputShape).evaluate(inputs);
}
