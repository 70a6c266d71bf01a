/** What multipliers prove, in numbers that do not round and by other code than the checker's. */
import type { Network } from '../../src/network/network.ts';
import type { Nonlinearity } from '../../src/network/operator.ts';
import { simplify } from '../../src/network/simplify/simplify.ts';
import { product } from '../../src/network/size.ts';
import { exactOracle } from '../../test/support/exactOracle.ts';
import { difference, fixed, identity, isPositiveDefinite, times } from '../../test/support/fixedPoint.ts';

export interface ExactLayer {
  readonly name: string;
  readonly role: string;
  readonly period: readonly number[];
  readonly exponent: number;
  readonly values: Float64Array;
}

/** Entries of a tensor beyond which exact inverses take too long. */
const MOST_ENTRIES = 16;
/** Layers of which it is open whether 0 is among the slopes. */
const MOST_WIDENED = 4;
/** The numbers end at 2^-1280; what their operations lose is below this. */
const BLUR = 1n << 64n;

/**
 * Whether the multipliers prove ‖f(x) − f(y)‖ ≤ bound ‖x − y‖ on inputs of the network's own length. Undefined where this cannot say: poolings,
 * multipliers that change from sample to sample, wide tensors, nonlinearities whose slopes are no plain numbers.
 *
 * A certificate on a torus, or for any length, claims at least as much as its multipliers prove here: samples outside the window
 * vary there, and covariances grow with them. What holds samples outside at zero counts 0 among the slopes of its layer, and multipliers
 * may prove less or more with wider slopes: layers are taken either way.
 */
export function provesExactly(
  network: Network,
  layers: readonly ExactLayer[],
  bound: number,
): boolean | undefined {
  const simple = simplify(network);
  if (simple.tensors.some(({ shape }) => product(shape) > MOST_ENTRIES)) return undefined;
  const known = ['affine', 'convolution', 'nonlinearity', 'add', 'scale', 'concat', 'flatten'];
  if (!simple.nodes.every(({ operator }) => known.includes(operator.kind))) return undefined;
  const nonlinear = simple.nodes.filter(({ operator }) => operator.kind === 'nonlinearity');
  const sectors = nonlinear.map(({ name, operator }) => ({ name, slopes: slopes(operator as Nonlinearity) }));
  if (sectors.some((sector) => !sector.slopes)) return undefined;
  const wider = sectors.filter(({ slopes }) => slopes![0] > 0).map(({ name }) => name);
  if (wider.length > MOST_WIDENED) return undefined;
  const same = (layer: ExactLayer) => layer.role === 'nonlinearity' && layer.period.every((n) => n === 1);
  if (layers.length !== nonlinear.length || !layers.every(same)) return undefined;
  const multipliers = new Map(layers.map(({ name, values, exponent }) => [name, scaled(values, exponent)]));
  if ([...multipliers.values()].some((values) => !values.every((x) => x > 1e-150 && x < 1e150)))
    return undefined;
  const limit = times(fixed(bound), fixed(bound));
  return subsets(wider).some((widened) => {
    const covariance = exactOracle(simple, {
      multiplier: (name) => multipliers.get(name),
      sector: (name) => {
        const [lower, upper] = sectors.find((sector) => sector.name === name)!.slopes!;
        return { lower: Float64Array.of(widened.includes(name) ? 0 : lower), upper: Float64Array.of(upper) };
      },
      gain: () => Float64Array.of(1),
    });
    if (!covariance) return false;
    const { data, rows, columns } = identity(covariance.rows);
    const multiple = { rows, columns, data: data.map((entry) => times(entry, limit)) };
    return isPositiveDefinite(difference(multiple, covariance), BLUR);
  });
}

function subsets(names: readonly string[]): string[][] {
  const all: string[][] = [[]];
  for (const name of names) all.push(...all.map((set) => [...set, name]));
  return all;
}

function scaled(values: Float64Array, exponent: number): Float64Array {
  return values.map((x) => x * 2 ** exponent);
}

function slopes({ function: phi }: Nonlinearity): readonly [number, number] | undefined {
  switch (phi.name) {
    case 'relu':
      return [0, 1];
    case 'leaky-relu':
      return phi.slope >= 0 && phi.slope <= 1 ? [phi.slope, 1] : undefined;
    default:
      return undefined;
  }
}
