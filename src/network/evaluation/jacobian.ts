/** The Jacobian as a matrix, for small networks; `PreparedNetwork` has products with it for all others. */

import type { DenseMatrix } from '../matrix.ts';
import type { Network } from '../network.ts';
import { PreparedNetwork } from './preparedNetwork.ts';

/**
 * ∂ output / ∂ input at `x`, [entries of the output, entries of the input]: one pass per input entry.
 * At a kink it is the Jacobian of one of the pieces that meet there.
 * @throws RangeError if `x` has not the input's number of entries
 */
export function jacobian(network: Network, x: Float64Array): DenseMatrix {
  const point = new PreparedNetwork(network).linearise(x);
  const rows = point.value.length;
  const columns = x.length;
  const data = new Float64Array(rows * columns);
  for (let column = 0; column < columns; column++) {
    const increment = point.push(new Float64Array(columns).fill(1, column, column + 1));
    for (const [row, value] of increment.entries()) data[row * columns + column] = value;
  }
  return { rows, columns, data };
}
