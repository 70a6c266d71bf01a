/** Certificates where a vector becomes an image: its covariance must hold what is moved there. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bound } from '../../src/bounds/bound.ts';
import { certify } from '../../src/certificate/certify.ts';
import { createEngine } from '../../src/engine/create.ts';
import type { Engine } from '../../src/engine/engine.ts';
import { NetworkBuilder } from '../../src/network/builder.ts';
import type { Network } from '../../src/network/network.ts';
import { Random } from '../support/random.ts';
import { sourced } from './networks.ts';

let engine: Engine;
beforeAll(async () => {
  engine = await createEngine({ engine: 'cpu-wasm', threads: 1 });
});
afterAll(() => engine.close());

/** A dense layer, its neurons as an image, some of them twice, and a convolution. */
function decoder(repeats: boolean): Network {
  const random = new Random(3);
  const builder = new NetworkBuilder('decoder');
  const x = builder.input('x', [4]);
  const weight = random.normals(32);
  const dense = builder.add('dense', { kind: 'affine', outputs: 8, inputs: 4, weight }, [x]);
  const relu = builder.add('relu', { kind: 'nonlinearity', function: { name: 'relu' } }, [dense]);
  const sources = Int32Array.from([0, 5, 2, 7, 4, 1, 6, 3], (at) => (repeats ? Math.floor(at / 2) : at));
  const image = builder.add('image', { kind: 'gather', sources, shape: [2, 2, 2] }, [relu]);
  const conv = builder.add(
    'conv',
    {
      ...{ kind: 'convolution', outputs: 2, inputs: 2, groups: 1, kernel: [2, 2], stride: [1, 1] },
      ...{ dilation: [1, 1], padding: { mode: 'zero', before: [1, 1], after: [0, 0] } },
      weight: random.normals(16),
    },
    [image],
  );
  return sourced(
    builder.build(builder.add('bent', { kind: 'nonlinearity', function: { name: 'tanh' } }, [conv])),
  );
}

describe.each([false, true])('moved entries, some of them twice: %s', (repeats) => {
  it('are certified by a covariance that holds them, and not by a smaller one', async () => {
    const network = decoder(repeats);
    const result = await bound(network, { engine, method: 'closed-form', lower: false });
    const proof = result.proof!;
    const at = proof.layers.findIndex(({ role }) => role === 'maximum');
    expect(proof.layers[at]!.name).toBe('image');
    const times = (factor: number) => {
      const layers = proof.layers.with(at, {
        ...proof.layers[at]!,
        values: proof.layers[at]!.values.map((value) => factor * value),
      });
      return certify(network, { ...result, proof: { ...proof, layers } });
    };
    const claim = (await times(1)).claim.bound!;
    expect(claim).toBeLessThan(result.bound! * (1 + 1e-6));
    // A covariance that is larger proves less.
    expect((await times(1.5)).claim.bound!).toBeGreaterThan(claim);
    // Neurons that are nowhere in the image are held as well, so that there is some room.
    await expect(times(repeats ? 0.5 : 0.9)).rejects.toThrow(/do not dominate/);
  });
});
