/** Points of a ball where a network's outputs are as adverse as can be found: corners, axes, kinks' neighbourhoods, and ascent from many starts. */
import { PreparedNetwork } from '../../src/network/evaluation/preparedNetwork.ts';
import type { Network } from '../../src/network/network.ts';
import type { Random } from './random.ts';

export interface Ball {
  readonly centre: Float64Array;
  readonly radius: number;
  readonly limits?: { readonly low: number; readonly high: number };
}

/** The nearest point of the ball, or of what limits leave of it. */
export function projected({ centre, radius, limits }: Ball, x: Float64Array): Float64Array {
  let y: Float64Array = x;
  for (let k = 0; k < (limits ? 12 : 1); k++) {
    if (limits) y = y.map((v) => Math.min(Math.max(v, limits.low), limits.high));
    const norm = Math.hypot(...y.map((v, i) => v - centre[i]!));
    // A little inside, so that rounding does not leave it.
    const most = radius * (1 - 1e-12);
    if (norm > most) y = y.map((v, i) => centre[i]! + ((v - centre[i]!) * most) / norm);
  }
  return y;
}

/** Along every axis, random corners and directions, on the sphere and halfway. */
export function startsIn(ball: Ball, random: Random, count: number): Float64Array[] {
  const { centre, radius } = ball;
  const directions: Float64Array[] = [];
  for (let i = 0; i < Math.min(centre.length, count); i++) {
    const axis = new Float64Array(centre.length);
    axis[centre.length <= count ? i : random.integer(0, centre.length - 1)] = random.uniform() < 0.5 ? -1 : 1;
    directions.push(axis);
  }
  for (let k = 0; k < count; k++) {
    directions.push(centre.map(() => (random.uniform() < 0.5 ? -1 : 1)));
    directions.push(random.normals(centre.length));
  }
  return directions.map((d) => {
    const norm = Math.hypot(...d);
    const reach = radius * (random.uniform() < 0.7 ? 1 : random.uniform());
    return projected(
      ball,
      centre.map((c, i) => c + (d[i]! * reach) / (norm || 1)),
    );
  });
}

/** The least of weights · f(x) that ascent from these starts finds. */
export function leastOf(
  network: Network,
  weights: Float64Array,
  ball: Ball,
  starts: readonly Float64Array[],
  steps: number,
): { value: number; x: Float64Array } {
  const prepared = new PreparedNetwork(network);
  let best = { value: Infinity, x: ball.centre };
  for (const start of starts) {
    let x = start;
    for (let k = 0; k <= steps; k++) {
      const { value, pull } = linearised(prepared, x);
      const here = value.reduce((sum, v, i) => sum + v * weights[i]!, 0);
      if (here < best.value) best = { value: here, x };
      const g = pull(weights);
      const norm = Math.hypot(...g);
      if (!(norm > 0) || k === steps) break;
      const step = ball.radius / (1 + k / 2);
      x = projected(
        ball,
        x.map((v, i) => v - (step * g[i]!) / norm),
      );
    }
  }
  return best;
}

function linearised(prepared: PreparedNetwork, x: Float64Array) {
  const at = prepared.linearise(x);
  return { value: at.value, pull: (u: Float64Array) => at.pull(u) };
}
