/** The Jacobian of a network of float64 weights where all of its nonlinearities are linear, without any rounding. */
import type { Network } from '../../src/network/network.ts';
import type { Scaled } from '../../src/scaled.ts';
import { Dyadic } from './dyadic.ts';
import { volume } from './grid.ts';
import { linearNode } from './linearNode.ts';

/** Columns of the Jacobian, for nonlinearities that are the identity at the point in question. */
export function exactJacobian(network: Network): Dyadic[][] {
  const inputs = volume(network.tensors[network.input]!.shape);
  return Array.from({ length: inputs }, (_, column) => {
    const known = new Map<number, Dyadic[]>();
    const start = Array.from({ length: inputs }, (_, i) => (i === column ? Dyadic.of(1) : Dyadic.ZERO));
    known.set(network.input, start);
    for (const node of network.nodes) {
      const linear = linearNode(network, node);
      const out = new Array<Dyadic>(volume(network.tensors[node.output]!.shape)).fill(Dyadic.ZERO);
      if (!linear) {
        known.set(node.output, known.get(node.inputs[0]!)!);
        continue;
      }
      linear.matrices.forEach(({ row, column: from, value }, k) => {
        const x = known.get(node.inputs[k]!)!;
        value.forEach((v, e) => {
          out[row[e]!] = out[row[e]!]!.plus(Dyadic.of(v).times(x[from[e]!]!));
        });
      });
      known.set(node.output, out);
    }
    return known.get(network.output)!;
  });
}

const squared = (x: readonly Dyadic[]) => x.reduce((sum, y) => sum.plus(y.times(y)), Dyadic.ZERO);

/** The square of the most that one direction is stretched: a column, or the sum of all with signs. */
export function squaredSlope(columns: readonly (readonly Dyadic[])[]): Dyadic {
  const rows = columns[0]!.length;
  const all = Array.from({ length: rows }, (_, r) =>
    columns.reduce((sum, column) => sum.plus(column[r]!), Dyadic.ZERO),
  );
  const count = BigInt(columns.length);
  // Rounded down: the mean over the directions, of length √n.
  const mean = squared(all);
  const directions = [...columns.map(squared), new Dyadic((mean.n << 64n) / count, mean.e - 64)];
  return directions.reduce((most, x) => (most.isBelow(x) ? x : most), Dyadic.ZERO);
}

/** Whether a bound is below the root of that. */
export function isBelowSlope({ mantissa, exponent }: Scaled, slope: Dyadic): boolean {
  const bound = Dyadic.of(mantissa).times(new Dyadic(1n, exponent));
  return bound.times(bound).isBelow(slope);
}
