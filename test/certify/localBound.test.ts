/** Local bounds at their ends: a point, and everywhere; and what residual networks gain. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { localBound } from '../../src/certify/certify.ts';
import type { Limits } from '../../src/certify/limits.ts';
import { createRegionProver } from '../../src/certify/proofs/regionProver.ts';
import { createEngine } from '../../src/engine/create.ts';
import type { Engine } from '../../src/engine/engine.ts';
import { InputError, UnsupportedError } from '../../src/errors.ts';
import { NetworkBuilder } from '../../src/network/builder.ts';
import type { Elementwise } from '../../src/network/elementwise/elementwise.ts';
import { PreparedNetwork } from '../../src/network/evaluation/preparedNetwork.ts';
import type { Network, TensorId } from '../../src/network/network.ts';
import { Random } from '../support/random.ts';

let engine: Engine;
beforeAll(async () => {
  engine = await createEngine({ engine: 'cpu-wasm', threads: 1 });
});
afterAll(() => engine.close());

/** x → relu(x + B φ(A x)), a few times, between two dense layers. */
function residualNetwork(random: Random, width: number, blocks: number, f: Elementwise): Network {
  const builder = new NetworkBuilder('residual');
  const dense = (x: TensorId, inputs: number, outputs: number, size: number) =>
    builder.add(
      '',
      {
        kind: 'affine',
        ...{ inputs, outputs },
        weight: random.normals(inputs * outputs, size / Math.sqrt(inputs)),
        bias: random.normals(outputs, 0.3),
      },
      [x],
    );
  const apply = (x: TensorId) => builder.add('', { kind: 'nonlinearity', function: f }, [x]);
  let x = apply(dense(builder.input('x', [8]), 8, width, 1));
  for (let k = 0; k < blocks; k++) {
    const branch = dense(apply(dense(x, width, width, 1)), width, width, 0.5);
    x = apply(builder.add('', { kind: 'add', coefficients: [1, 1] }, [x, branch]));
  }
  return builder.build(dense(x, width, 4, 1));
}

/** Largest singular value of the Jacobian, by power iteration. */
function slopeAt(network: Network, x: Float64Array): number {
  const at = new PreparedNetwork(network).linearise(x);
  let v = new Random(1).normals(x.length);
  let slope = 0;
  for (let k = 0; k < 300; k++) {
    const norm = Math.hypot(...v);
    const u = at.push(v.map((entry) => entry / norm));
    slope = Math.hypot(...u);
    v = at.pull(u);
  }
  return slope;
}

/** Where functions saturate, those behind them see bounded arguments in every region. */
const SATURATED = 0.5;

describe.each(['relu', 'tanh', 'gelu'] as const)('%s', (name) => {
  const network = residualNetwork(new Random(8), 12, 2, { name });
  const centre = new Random(9).normals(8);
  const bound = (radius: number, kind: 'anchored' | 'incremental') =>
    localBound(network, centre, radius, { kind, method: 'closed-form', engine });

  it('comes down to the norm of the Jacobian', async () => {
    const slope = slopeAt(network, centre);
    for (const kind of ['anchored', 'incremental'] as const) {
      const local = await bound(1e-9, kind);
      expect(local).toBeGreaterThanOrEqual(slope * (1 - 1e-7));
      expect(local).toBeLessThanOrEqual(slope * (1 + 1e-4));
    }
  });

  it('goes up to what holds everywhere', async () => {
    const everywhere = await bound(Infinity, 'incremental');
    const far = await bound(1e6, 'incremental');
    expect(far).toBeLessThanOrEqual(everywhere * (1 + 1e-9));
    expect(far).toBeGreaterThan(everywhere * (name === 'tanh' ? SATURATED : 1 - 1e-9));
    const near = await bound(0.1, 'incremental');
    expect(near).toBeLessThan(everywhere);
    expect(await bound(0.1, 'anchored')).toBeLessThanOrEqual(near * 1.05);
  });

  it('has boxes between the two', async () => {
    const box = (half: number) => {
      const domain = { low: centre.map((c) => c - half), high: centre.map((c) => c + half) };
      return localBound(network, undefined, Infinity, {
        kind: 'incremental',
        method: 'closed-form',
        engine,
        domain,
      });
    };
    const point = await box(0);
    expect(Math.abs(point / slopeAt(network, centre) - 1)).toBeLessThanOrEqual(1e-4);
    const small = await box(0.03);
    // The ball through its corners holds all of it.
    expect(small).toBeLessThan(await bound(0.03 * Math.sqrt(8), 'incremental'));
    expect(small).toBeGreaterThan(point);
    const everywhere = await bound(Infinity, 'incremental');
    const far = await box(1e6);
    expect(far).toBeLessThanOrEqual(everywhere * (1 + 1e-9));
    expect(far).toBeGreaterThan(everywhere * (name === 'tanh' ? SATURATED : 1 - 1e-9));
    for (const half of [0.3, 1, 10]) expect(await box(half)).toBeLessThanOrEqual(everywhere * (1 + 1e-9));
    expect(await box(1e307)).toBeLessThanOrEqual(everywhere * (1 + 1e-9));
  });
});

describe('a ball cut with a box', () => {
  const network = residualNetwork(new Random(8), 12, 2, { name: 'relu' });
  const centre = new Float64Array(8).fill(0.5);
  interface Question {
    readonly centre?: Float64Array;
    readonly radius: number;
    readonly domain?: Limits;
  }
  const of = ({ centre, radius, domain }: Question) =>
    localBound(network, centre, radius, {
      kind: 'incremental',
      method: 'closed-form',
      engine,
      ...(domain && { domain }),
    });

  it('has no more than either', async () => {
    const domain = { low: 0.45, high: 0.6 };
    const both = await of({ centre, radius: 0.12, domain });
    expect(both).toBeLessThan(await of({ centre, radius: 0.12 }));
    expect(both).toBeLessThan(await of({ centre, radius: Infinity, domain }));
  });

  it('may have a box without ends', async () => {
    const domain = { low: 0.5, high: Infinity };
    const ball = await of({ centre, radius: 0.2 });
    expect(await of({ centre, radius: 0.2, domain })).toBeLessThan(ball);
    expect(await of({ centre, radius: Infinity, domain })).toBe(await of({ centre, radius: Infinity }));
  });

  it.each<[string, Question, RegExp]>([
    ['no centre and no box', { radius: 1 }, /needs a centre or a domain/],
    [
      'no centre in a box without ends',
      { radius: Infinity, domain: { low: 0, high: Infinity } },
      /domain: finite/,
    ],
    ['a centre outside', { centre, radius: 1, domain: { low: 0.6, high: 1 } }, /in the domain, got 0\.5/],
    [
      'NaN',
      { centre, radius: 1, domain: { low: 0, high: Number.NaN } },
      /from below to above, got 0 and NaN/,
    ],
    [
      'ends the wrong way round',
      { radius: 1, domain: { low: 1, high: 0 } },
      /from below to above, got 1 and 0/,
    ],
    [
      'a box of another size',
      { radius: 1, domain: { low: new Float64Array(7), high: 1 } },
      /8 entries, got 7/,
    ],
    ['a centre of another size', { centre: new Float64Array(9), radius: 1 }, /8 entries, got 9/],
    ['a radius below 0', { centre, radius: -1 }, /radius: not negative/],
  ])('is refused with %s', async (_, question, why) => {
    await expect(of(question)).rejects.toThrow(why);
    await expect(of(question)).rejects.toThrow(InputError);
  });
});

describe('residual networks', () => {
  it('have radii beyond those of margins that hold everywhere', async () => {
    const network = residualNetwork(new Random(3), 16, 6, { name: 'relu' });
    const prover = await createRegionProver(network, { engine });
    const random = new Random(4);
    const gains: number[] = [];
    for (let k = 0; k < 3; k++) {
      const centre = random.normals(8);
      const [enclosed] = await prover.evaluate([centre]);
      const label = enclosed!.low.indexOf(Math.max(...enclosed!.low));
      const far = 1e7;
      const [everywhere] = await prover.prove([{ centre, label, radius: far }], { evaluations: 0 });
      // gap − r L, with the slopes of the whole line.
      const radii = [...everywhere!.margins].flatMap((margin, j) => {
        const gap = enclosed!.low[label]! - enclosed!.high[j]!;
        return j === label ? [] : [gap / ((gap - margin) / far)];
      });
      const globally = Math.min(...radii);
      let proven = 0;
      for (let factor = 1; factor <= 4; factor *= 1.25) {
        const question = { centre, label, radius: globally * factor };
        const [answer] = await prover.prove([question], { evaluations: 20 });
        if (answer!.certified) proven = factor;
      }
      gains.push(proven);
    }
    expect(gains.toSorted((a, b) => a - b)[1]!).toBeGreaterThanOrEqual(2);
  });
});

describe('what cannot be proven', () => {
  it('is refused with the name of the layer', async () => {
    const network = residualNetwork(new Random(3), 16, 1, { name: 'relu' });
    await expect(createRegionProver(network, { engine, memory: 1000 })).rejects.toThrow(UnsupportedError);
  });

  it('is refused where the question is none', async () => {
    const prover = await createRegionProver(residualNetwork(new Random(3), 4, 1, { name: 'relu' }), {
      engine,
    });
    const fine = { centre: new Float64Array(8), label: 0, radius: 1 };
    for (const wrong of [
      { ...fine, centre: new Float64Array(7) },
      { ...fine, centre: new Float64Array(8).fill(Number.NaN) },
      { ...fine, label: 4 },
      { ...fine, label: 0.5 },
      { ...fine, radius: -1 },
      { ...fine, radius: Number.NaN },
      { ...fine, radius: Infinity },
    ]) {
      await expect(prover.prove([wrong], { evaluations: 0 })).rejects.toThrow();
    }
  });
});
