/** Slopes of networks in ℓ2, ℓ∞ and ℓ1 from below, by other means than `src` has: enumerated corners where these are few, else climbing. */
import type { Network } from '../../src/network/network.ts';
import type { NormPair } from '../../src/network/norms/norm.ts';
import { jacobian } from './forward.ts';
import { volume } from './grid.ts';
import { Random } from './random.ts';

type Norm = NormPair['input'];

export const PAIRS: readonly NormPair[] = (['2', 'inf', '1'] as const).flatMap((input) =>
  (['2', 'inf', '1'] as const).map((output) => ({ input, output })),
);

/** ‖x‖ */
export function length(x: Float64Array, norm: Norm): number {
  if (norm === 'inf') return Math.max(...x.map(Math.abs));
  if (norm === '1') return x.reduce((sum, value) => sum + Math.abs(value), 0);
  return Math.hypot(...x);
}

/** A x: A [rows × x]. */
export function times(a: Float64Array, x: Float64Array): Float64Array {
  return new Float64Array(a.length / x.length).map((_, i) =>
    x.reduce((sum, value, j) => sum + a[i * x.length + j]! * value, 0),
  );
}

/** Corners that are tried one by one. */
const MOST_CORNERS = 12;

/** Not above max ‖A x‖ / ‖x‖; that where the largest is at one of few corners, and nearly where both norms are ℓ2. */
export function matrixNorm(
  a: Float64Array,
  columns: number,
  { input, output }: NormPair,
  random: Random,
): number {
  const rows = a.length / columns;
  const value = (x: Float64Array) => length(times(a, x), output) / length(x, input);
  const units = Array.from({ length: columns }, (_, j) =>
    new Float64Array(columns).map((_, k) => (k === j ? 1 : 0)),
  );
  const starts: Float64Array[] = [...units];
  for (let i = 0; i < rows; i++) starts.push(a.slice(i * columns, (i + 1) * columns));
  if (input === 'inf' && columns <= MOST_CORNERS) {
    for (let bits = 0; bits < 2 ** (columns - 1); bits++) {
      starts.push(new Float64Array(columns).map((_, k) => ((bits >> k) & 1 ? -1 : 1)));
    }
  }
  for (let k = 0; k < 8; k++) starts.push(random.normals(columns));
  let most = 0;
  for (const start of starts) {
    if (!(length(start, '2') > 0)) continue;
    for (let x = start, k = 0; k < 8; k++) {
      const found = value(x);
      most = Math.max(most, found);
      const image = times(a, x);
      const top = Math.max(...image.map(Math.abs));
      const u =
        output === '2'
          ? image
          : output === '1'
            ? image.map(Math.sign)
            : image.map((y) => (Math.abs(y) === top ? Math.sign(y) : 0));
      const g = new Float64Array(columns).map((_, j) =>
        u.reduce((sum, w, i) => sum + w * a[i * columns + j]!, 0),
      );
      if (!(length(g, '2') > 0)) break;
      const next = input === '2' ? g : input === 'inf' ? g.map((y) => (y < 0 ? -1 : 1)) : undefined;
      if (!next) break;
      x = next;
    }
  }
  return most;
}

/** Not above the constant of a network: norms of its Jacobian at some points. */
export function steepestSlope(network: Network, norms: NormPair, points: number, seed: number): number {
  const random = new Random(seed);
  const inputs = volume(network.tensors[network.input]!.shape);
  let most = 0;
  for (let k = 0; k < points; k++) {
    const x = random.normals(inputs, [1, 0.1, 10][k % 3]!);
    most = Math.max(most, matrixNorm(jacobian(network, x), inputs, norms, random));
  }
  return most;
}
