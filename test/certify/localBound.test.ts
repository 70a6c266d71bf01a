/** Local bounds at their ends: a point, and everywhere; and what residual networks gain. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { localBound } from '../../src/certify/localBound.ts';
import { createRegionProver } from '../../src/certify/regionProver.ts';
import { createEngine } from '../../src/engine/create.ts';
import type { Engine } from '../../src/engine/engine.ts';
import { UnsupportedError } from '../../src/errors.ts';
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

describe.each(['relu', 'tanh', 'gelu'] as const)('%s', (name) => {
  const network = residualNetwork(new Random(8), 12, 2, { name });
  const centre = new Random(9).normals(8);
  const bound = (radius: number, kind: 'anchored' | 'incremental') =>
    localBound(network, centre, radius, kind, { engine });

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
    expect(Math.abs(far / everywhere - 1)).toBeLessThanOrEqual(1e-9);
    const near = await bound(0.1, 'incremental');
    expect(near).toBeLessThan(everywhere);
    expect(await bound(0.1, 'anchored')).toBeLessThanOrEqual(near * 1.05);
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
