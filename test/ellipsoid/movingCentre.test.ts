/** What a search for a moving centre goes by: gradients, curvatures, and the way along the limit of what dominates. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Algebra } from '../../src/ellipsoid/region/algebra.ts';
import { anchoredPass, PreparedChain } from '../../src/ellipsoid/region/anchoredPass.ts';
import { dimension, evaluate, type Problem } from '../../src/ellipsoid/region/centre/evaluation.ts';
import { neuronsOf, PER_NEURON, writeStart } from '../../src/ellipsoid/region/centre/parameters.ts';
import { minimise, type Sample } from '../../src/ellipsoid/region/centre/search.ts';
import { chainOf } from '../../src/ellipsoid/region/chain.ts';
import { covarianceOfInputs } from '../../src/ellipsoid/region/covariance.ts';
import { slackOf } from '../../src/ellipsoid/region/limits.ts';
import { startOf } from '../../src/ellipsoid/region/state.ts';
import { createEngine } from '../../src/engine/create.ts';
import type { Engine } from '../../src/engine/engine.ts';
import { NetworkBuilder } from '../../src/network/builder.ts';
import { Random } from '../support/random.ts';

let engine: Engine;
beforeAll(async () => {
  engine = await createEngine({ engine: 'cpu-wasm', threads: 1 });
});
afterAll(() => engine.close());

interface Case {
  readonly algebra: Algebra;
  readonly problem: Problem;
  readonly start: Float64Array;
}

/** f_1 − f_0 of a perceptron on a ball, with limits of the input or without. */
async function caseOf(seed: number, radius: number, limited: boolean): Promise<Case> {
  const random = new Random(seed);
  const builder = new NetworkBuilder('perceptron');
  const widths = [5, 9, 8, 7, 2];
  let tensor = builder.input('x', [5]);
  for (const [k, outputs] of widths.slice(1).entries()) {
    const inputs = widths[k]!;
    if (k > 0) tensor = builder.add('', { kind: 'nonlinearity', function: { name: 'relu' } }, [tensor]);
    const weight = random.normals(outputs * inputs, 1.4 / Math.sqrt(inputs));
    tensor = builder.add(
      '',
      { kind: 'affine', outputs, inputs, weight, bias: random.normals(outputs, 0.3) },
      [tensor],
    );
  }
  const prepared = new PreparedChain(chainOf(builder.build(tensor)));
  const { first, chain } = prepared;
  const algebra = new Algebra(engine);
  const covariance = await covarianceOfInputs(algebra, first);
  const centre = random.normals(5);
  const begin = startOf(first, covariance, centre, new Float64Array(5), radius * radius);
  const pass = (await anchoredPass(algebra, prepared, begin))!;
  const stages = pass.stages.map(neuronsOf);
  const { anchor } = pass.output;
  const problem: Problem = {
    linear: chain.stages.map(({ linear }) => linear),
    ...{ covariance, stages, radius },
    readOut: chain.last.transpose(Float64Array.of(-1, 1)),
    difference: anchor[1]! - anchor[0]!,
    ...(limited && { slack: slackOf(centre, radius, { low: centre.map((x) => x - 0.3 * radius), high: 2 }) }),
  };
  const start = new Float64Array(dimension(problem));
  let at = 0;
  for (const neurons of stages) {
    writeStart(neurons, start, at);
    at += PER_NEURON * neurons.uncertain.length;
  }
  expect(at).toBeGreaterThan(30);
  return { algebra, problem, start };
}

/** Somewhere inside the box. */
function moved({ problem, start }: Case, seed: number): Float64Array {
  const random = new Random(seed);
  const x = start.map((value) => value + 0.2);
  let at = 0;
  for (const { uncertain } of problem.stages) {
    const count = uncertain.length;
    for (let k = 0; k < count; k++) {
      x[at + k] = random.uniform();
      x[at + count + k] = 0.9 * random.uniform();
      x[at + 2 * count + k] = -1.5 * random.uniform();
    }
    at += PER_NEURON * count;
  }
  return x.map((value, i) => (i < at ? value : 0.1 * random.uniform()));
}

describe.each([false, true])('with limits: %s', (limited) => {
  it('gradients are those of differences, curvatures are positive', async () => {
    for (let seed = 1; seed <= 5; seed++) {
      const own = await caseOf(seed, 0.8, limited);
      const value = async (x: Float64Array) => (await evaluate(own.algebra, own.problem, x))!.value;
      const x = moved(own, seed);
      const here = (await evaluate(own.algebra, own.problem, x))!;
      expect(here.x).toEqual(x);
      for (const share of [1, 0.1]) for (const c of here.curvature(share)) expect(c).toBeGreaterThan(0);
      const size = Math.hypot(...here.gradient);
      for (let i = 0; i < x.length; i++) {
        const step = 1e-5;
        const at = (by: number) => x.with(i, x[i]! + by);
        const slope = ((await value(at(step))) - (await value(at(-step)))) / (2 * step);
        expect(Math.abs(slope - here.gradient[i]!), `entry ${i}`).toBeLessThan(1e-6 * size + 1e-8);
      }
    }
  });
});

it('points at which D does not dominate are raised to ones at which it does', async () => {
  let raises = 0;
  for (let seed = 1; seed <= 6; seed++) {
    const own = await caseOf(seed, 0.8, false);
    const x = moved(own, seed);
    const first = own.problem.stages[0]!.uncertain.length;
    for (let by = 0.2; by < 9; by += 0.2) {
      const low = x.map((value, i) => (i < first ? value - by : value));
      const found = await evaluate(own.algebra, own.problem, low);
      if (!found) break;
      for (const [i, value] of found.x.entries()) expect(value).toBeGreaterThanOrEqual(low[i]!);
      if (found.x.some((value, i) => value > low[i]!)) raises++;
      // Where it is, it is as it says.
      expect((await evaluate(own.algebra, own.problem, found.x))!.value).toBe(found.value);
    }
    const far = x.map((value, i) => (i < first ? value - 10 : value));
    expect(await evaluate(own.algebra, own.problem, far)).toBeUndefined();
  }
  expect(raises).toBeGreaterThan(3);
});

it('a search goes on from where evaluations were, beside what it asked for', async () => {
  // The least of |x − 2|² where x₀ ≥ 3 + x₁, which evaluations move points to.
  const evaluateBeside = async (asked: Float64Array): Promise<Sample> => {
    const x = Float64Array.of(Math.max(asked[0]!, 3 + asked[1]!), asked[1]!);
    const gradient = x.map((value) => 2 * (value - 2));
    return {
      x,
      gradient,
      value: (x[0]! - 2) ** 2 + (x[1]! - 2) ** 2,
      curvature: () => Float64Array.of(2, 2),
    };
  };
  const box = { least: Float64Array.of(-10, -10), most: Float64Array.of(10, 10) };
  const asked = { ...box, evaluations: 100, target: -1 };
  const found = (await minimise(evaluateBeside, Float64Array.of(8, -5), asked))!;
  expect(found.x[0]).toBeGreaterThanOrEqual(3 + found.x[1]! - 1e-12);
  // It is 4½ where the two conditions meet best.
  expect(found.value).toBeLessThanOrEqual(5);
});
