/** No point of a region beats what is proven of it: margins, enclosures and local bounds, on random networks of every kind. */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { localBound } from '../../src/certify/certify.ts';
import type { Limits } from '../../src/certify/limits.ts';
import { createRegionProver } from '../../src/certify/proofs/regionProver.ts';
import { createEngine } from '../../src/engine/create.ts';
import type { Engine } from '../../src/engine/engine.ts';
import { evaluate } from '../../src/network/evaluation/evaluate.ts';
import { PreparedNetwork } from '../../src/network/evaluation/preparedNetwork.ts';
import type { Network } from '../../src/network/network.ts';
import { product } from '../../src/network/size.ts';
import { type Ball, leastOf, projected, startsIn } from '../support/ball.ts';
import { FAMILIES } from '../support/families.ts';
import { Random } from '../support/random.ts';
import { networkOf } from '../support/randomNetwork.ts';
import { patience, runs } from '../support/runs.ts';

let engine: Engine;
beforeAll(async () => {
  engine = await createEngine({ engine: 'cpu-wasm', threads: 1 });
});
afterAll(() => engine.close());

/** What rounding of plain evaluation may be off by. */
const NOISE = 1e-9;

const RADII = [1e-6, 0.03, 0.3, 1, 4] as const;

/** Without the softmax at its end, which provers leave off. */
function withoutSoftmax(network: Network): Network {
  const last = network.nodes.find(({ output }) => output === network.output);
  return last?.operator.kind === 'softmax' ? { ...network, output: last.inputs[0]! } : network;
}

const region = fc.record({
  radius: fc.constantFrom(...RADII),
  seed: fc.integer({ min: 0, max: 2 ** 31 - 1 }),
});

describe.each(Object.entries(FAMILIES))('%s', (_, plans) => {
  it('keep their margins', { timeout: patience() }, async () => {
    await fc.assert(
      fc.asyncProperty(plans, region, async (plan, { radius, seed }) => {
        const whole = networkOf(plan);
        const network = withoutSoftmax(whole);
        const random = new Random(seed);
        const centre = random.normals(product(network.tensors[network.input]!.shape));
        const limits =
          random.uniform() < 0.3
            ? { low: Math.min(...centre) - 0.1, high: Math.max(...centre) + 0.1 }
            : undefined;
        const prover = await createRegionProver(whole, { engine });
        const [enclosed] = await prover.evaluate([centre]);
        const values = evaluate(network, centre);
        const label = values.indexOf(Math.max(...values));
        const question = { centre, label, radius, ...(limits && { limits }) };
        const [answer] = await prover.prove([question], { evaluations: 6 });
        const ball = { centre, radius, ...(limits && { limits }) };
        const size = 1 + Math.max(...values.map(Math.abs));
        const starts = startsIn(ball, random, 4);
        for (let j = 0; j < values.length; j++) {
          expect(values[j]!).toBeGreaterThanOrEqual(enclosed!.low[j]! - NOISE * size);
          expect(values[j]!).toBeLessThanOrEqual(enclosed!.high[j]! + NOISE * size);
          if (j === label || j > 6) continue;
          const weights = new Float64Array(values.length);
          [weights[label], weights[j]] = [1, -1];
          const least = leastOf(network, weights, ball, starts, 8);
          expect(answer!.margins[j]!).not.toBeNaN();
          expect(answer!.margins[j]!).toBeLessThanOrEqual(least.value + NOISE * size);
        }
        expect(answer!.certified).toBe([...answer!.margins].every((margin, j) => j === label || margin > 0));
      }),
      { numRuns: runs(6) },
    );
  });

  it.each(['ball', 'box', 'ball cut with a box'] as const)(
    'keep their local bounds in a %s',
    { timeout: patience() },
    async (shape) => {
      await fc.assert(
        fc.asyncProperty(plans, region, async (plan, { radius, seed }) => {
          const network = networkOf(plan);
          const random = new Random(seed);
          const where = regionOf(shape, product(network.tensors[network.input]!.shape), radius, random);
          const { centre } = where.ball;
          const { radius: reach, domain } = where;
          const options = { engine, ...(domain && { domain }) };
          const anchored = await localBound(network, centre, reach, {
            kind: 'anchored',
            evaluations: 4,
            ...options,
          });
          const from = domain && reach === Infinity ? undefined : centre;
          const incremental = await localBound(network, from, reach, {
            kind: 'incremental',
            evaluations: 4,
            ...options,
          });
          const prepared = new PreparedNetwork(network);
          const middle = evaluate(network, centre);
          for (const start of startsIn(where.ball, random, 5)) {
            const { x, slope } = climbed(prepared, where.ball, start, random);
            expect(slope).toBeLessThanOrEqual(incremental * (1 + NOISE) + NOISE);
            const value = evaluate(network, x);
            const distance = Math.hypot(...x.map((v, i) => v - centre[i]!));
            const noise = NOISE * (1 + Math.max(...value.map(Math.abs)));
            const moved = Math.hypot(...value.map((v, i) => v - middle[i]!));
            expect(moved).toBeLessThanOrEqual(anchored * distance + noise);
            const near = projected(
              where.ball,
              x.map((v) => v + 0.01 * radius * random.normal()),
            );
            const other = evaluate(network, near);
            const step = Math.hypot(...near.map((v, i) => v - x[i]!));
            expect(Math.hypot(...other.map((v, i) => v - value[i]!))).toBeLessThanOrEqual(
              incremental * step + noise,
            );
          }
        }),
        { numRuns: runs(5) },
      );
    },
  );
});

/** A region of this shape, and the ball that points are taken from. */
function regionOf(
  shape: 'ball' | 'box' | 'ball cut with a box',
  entries: number,
  radius: number,
  random: Random,
): { ball: Ball; radius: number; domain?: Limits } {
  const centre = random.normals(entries);
  if (shape === 'ball') return { ball: { centre, radius }, radius };
  if (shape === 'box') {
    const low = random.normal();
    const limits = { low, high: low + radius };
    const middle = centre.map(() => low / 2 + limits.high / 2);
    // The ball through its corners.
    const ball = { centre: middle, radius: (radius / 2) * Math.sqrt(entries), limits };
    return { ball, radius: Infinity, domain: limits };
  }
  const limits = {
    low: Math.min(...centre) - radius * random.uniform(),
    high: Math.max(...centre) + radius * random.uniform(),
  };
  return { ball: { centre, radius, limits }, radius, domain: limits };
}

/** Uphill on slopes by random steps; points where the network is differentiable almost surely. */
function climbed(
  prepared: PreparedNetwork,
  ball: Ball,
  start: Float64Array,
  random: Random,
): { x: Float64Array; slope: number } {
  let best = { x: start, slope: slopeAt(prepared, start, random) };
  for (let k = 0; k < 4; k++) {
    const by = (ball.radius / Math.sqrt(start.length)) * 0.5 ** k;
    const x = projected(
      ball,
      best.x.map((v) => v + by * random.normal()),
    );
    const slope = slopeAt(prepared, x, random);
    if (slope > best.slope) best = { x, slope };
  }
  return best;
}

/** The steepest direction, by power iteration. */
function slopeAt(prepared: PreparedNetwork, x: Float64Array, random: Random): number {
  const at = prepared.linearise(x);
  let v = random.normals(x.length);
  let slope = 0;
  for (let k = 0; k < 8; k++) {
    const norm = Math.hypot(...v);
    if (!(norm > 0)) break;
    const u = at.push(v.map((entry) => entry / norm));
    slope = Math.hypot(...u);
    v = at.pull(u);
  }
  return slope;
}
