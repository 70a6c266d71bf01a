/** A point of a region at which two networks are far apart, found by climbing: what no bound there can be below. */
import { normals } from '../bounds/lower/normals.ts';
import { PreparedNetwork } from '../network/evaluation/preparedNetwork.ts';
import { ValueEnclosure } from '../network/evaluation/valueEnclosure.ts';
import type { Network } from '../network/network.ts';
import { type BallNorm, type Norm, normOf, steepest } from '../network/norms/norm.ts';

const STARTS = 4;
const STEPS = 40;

export interface FarPoint {
  readonly input: Float64Array;
  /** The norm of the difference there, rounded down: proven. */
  readonly value: number;
}

/**
 * Climbs from the centre and from points around it.
 * @param difference A − B
 * @param seed of the starting points
 */
export function farthestPoint(
  difference: Network,
  centre: Float64Array,
  radius: number,
  norm: BallNorm,
  outputNorm: Norm,
  seed: number,
): FarPoint {
  const prepared = new PreparedNetwork(difference);
  const enclosure = new ValueEnclosure(difference);
  const random = normals(seed);
  let best: FarPoint = { input: centre, value: normFromBelow(enclosure, centre, outputNorm) };
  for (let start = 0; start < STARTS && radius > 0; start++) {
    let x = centre;
    if (start > 0) {
      const offset = random(centre.length);
      x = within(
        centre.map((c, n) => c + offset[n]! * radius),
        centre,
        radius,
        norm,
      );
    }
    for (let step = 0; step < STEPS; step++) {
      const at = prepared.linearise(x);
      const gradient = at.pull(gradientOf(at.value, outputNorm));
      const towards = steepest(gradient, norm);
      if (towards.every((entry) => entry === 0)) break;
      // All the way at first, then less and less.
      const length = (2 * radius) / (1 + step);
      x = within(
        x.map((entry, n) => entry + length * towards[n]!),
        centre,
        radius,
        norm,
      );
      if (isOutside(x, centre, radius, norm)) continue;
      const value = normFromBelow(enclosure, x, outputNorm);
      if (value > best.value) best = { input: x, value };
    }
  }
  return best;
}

/** The gradient of the norm, but for its length. */
function gradientOf(value: Float64Array, norm: Norm): Float64Array {
  if (norm === '2') return value.some((entry) => entry !== 0) ? value : value.map(() => 1);
  if (norm === '1') return value.map((entry) => (entry < 0 ? -1 : 1));
  return steepest(value.some((entry) => entry !== 0) ? value : value.map(() => 1), '1');
}

/** The point of the ball that lies in the same direction, a little inside. */
function within(x: Float64Array, centre: Float64Array, radius: number, norm: BallNorm): Float64Array {
  const inside = radius * (1 - 2 ** -40);
  const offset = x.map((entry, n) => entry - centre[n]!);
  const length = normOf(offset, norm);
  const scale = length > inside ? inside / length : 1;
  return offset.map((entry, n) => centre[n]! + entry * scale);
}

/** Or not certainly inside: entries of the centre may be large beside the radius. */
function isOutside(x: Float64Array, centre: Float64Array, radius: number, norm: BallNorm): boolean {
  const distance = normOf(
    x.map((entry, n) => entry - centre[n]!),
    norm,
  );
  return !(distance * (1 + (x.length + 8) * 2 ** -52) <= radius);
}

function normFromBelow(enclosure: ValueEnclosure, x: Float64Array, norm: Norm): number {
  const ball = enclosure.at(x);
  if (!ball) return 0;
  const least = ball.middle.map((value, n) => Math.max(0, Math.abs(value) - ball.radius[n]!));
  const value = normOf(least, norm) * (1 - (least.length + 8) * 2 ** -52);
  return Number.isFinite(value) ? value : 0;
}
