import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bound } from '../../src/bounds/bound.ts';
import { layerSpectrum } from '../../src/bounds/spectrum.ts';
import { createEngine } from '../../src/engine/create.ts';
import type { Engine } from '../../src/engine/engine.ts';
import { InputError } from '../../src/errors.ts';
import { loadNetwork } from '../../src/formats/load.node.ts';
import { NetworkBuilder } from '../../src/network/builder.ts';
import type { Network } from '../../src/network/network.ts';
import type { Operator } from '../../src/network/operator.ts';
import { Random } from '../support/random.ts';

/** One circular convolution of two channels on 5×6 samples, kernel 3×2. */
function circular(weight: Float64Array, stride: readonly number[] = [1, 1]): Network {
  const builder = new NetworkBuilder('one');
  const operator: Operator = {
    kind: 'convolution',
    outputs: 2,
    inputs: 2,
    groups: 1,
    kernel: [3, 2],
    stride,
    dilation: [1, 1],
    padding: { mode: 'circular', before: [1, 0], after: [1, 1] },
    weight,
  };
  return builder.build(builder.add('conv', operator, [builder.input('x', [2, 5, 6])]));
}

/** λ_max(W(ω) W(ω)ᴴ) of the same, by the definition of the symbol. */
function expected(weight: Float64Array, omega: readonly [number, number]): number {
  // W(ω) as [output][input] of [re, im].
  const w = [0, 1].map((o) =>
    [0, 1].map((i) => {
      let [re, im] = [0, 0];
      for (let a = 0; a < 3; a++) {
        for (let b = 0; b < 2; b++) {
          const angle = 2 * Math.PI * ((omega[0] * (a - 1)) / 5 + (omega[1] * b) / 6);
          const k = weight[((o * 2 + i) * 3 + a) * 2 + b]!;
          re += k * Math.cos(angle);
          im += k * Math.sin(angle);
        }
      }
      return [re, im] as const;
    }),
  );
  const inner = (p: number, q: number) => {
    let [re, im] = [0, 0];
    for (let i = 0; i < 2; i++) {
      const [[a, b], [c, d]] = [w[p]![i]!, w[q]![i]!];
      re += a * c + b * d;
      im += b * c - a * d;
    }
    return [re, im] as const;
  };
  const [[first], [second], [re, im]] = [inner(0, 0), inner(1, 1), inner(0, 1)];
  return (first + second) / 2 + Math.hypot((first - second) / 2, re, im);
}

describe('spectrum of a convolution', () => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await createEngine({ engine: 'cpu', threads: 1 });
  });
  afterAll(() => engine.close());

  it.each([1, 1e-30, 1e30])('is that of its symbol (weights of size %d)', async (scale) => {
    const weight = new Random(3).normals(24, scale);
    const { torus, values } = await layerSpectrum(circular(weight), 'conv', { engine });
    expect(torus).toEqual([5, 6]);
    for (let a = 0; a < 5; a++) {
      for (let b = 0; b < 6; b++) {
        expect(values[a * 6 + b]! / expected(weight, [a, b])).toBeCloseTo(1, 8);
      }
    }
  });

  it('has the squared norm for its maximum, with stride too', async () => {
    const network = circular(new Random(4).normals(24, 1), [1, 2]);
    const { torus, values } = await layerSpectrum(network, 'conv', { engine });
    expect(torus).toEqual([5, 3]);
    const norm = await bound(network, { engine, method: 'spectral-product' });
    expect(Math.sqrt(Math.max(...values)) / norm.bound!).toBeCloseTo(1, 8);
  });

  it('is there for every convolution of an example, and for nothing else', async () => {
    const network = await loadNetwork(new URL('../../examples/resnet.onnx', import.meta.url).pathname);
    const names = network.nodes.filter((n) => n.operator.kind === 'convolution').map((n) => n.name);
    expect(names.length).toBeGreaterThan(3);
    for (const name of names) {
      const { values } = await layerSpectrum(network, name, { engine });
      expect(values.every((v) => v >= 0 && v < Infinity)).toBe(true);
    }
    await expect(layerSpectrum(network, 'nothing', { engine })).rejects.toThrow(InputError);
  });

  it('can be cancelled', async () => {
    const reason = new Error('enough');
    const options = { engine, signal: AbortSignal.abort(reason) };
    await expect(layerSpectrum(circular(new Float64Array(24).fill(1)), 'conv', options)).rejects.toBe(reason);
  });
});
