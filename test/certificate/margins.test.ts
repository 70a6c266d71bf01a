/** Margins in certificates: what they claim of every difference of two outputs is proven, or the certificate is refused. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bound } from '../../src/bounds/bound.ts';
import { certify } from '../../src/certificate/certify.ts';
import { decodeValues, encodeValues } from '../../src/certificate/fields.ts';
import type { Certificate } from '../../src/certificate/format.ts';
import { verify } from '../../src/certificate/verify.ts';
import { createEngine } from '../../src/engine/create.ts';
import type { Engine } from '../../src/engine/engine.ts';
import { loadNetwork } from '../../src/formats/load.node.ts';
import { NetworkBuilder } from '../../src/network/builder.ts';
import type { Network } from '../../src/network/network.ts';
import { Random } from '../support/random.ts';
import { sourced } from './networks.ts';

let engine: Engine;
let network: Network;
let margins: readonly (readonly number[])[];
let certificate: Certificate;

/** 6-8-8-4, so that six pairs have their own multipliers. */
function small(): Network {
  const random = new Random(3);
  const b = new NetworkBuilder('small');
  let x = b.input('x', [6]);
  for (const [k, [outputs, inputs]] of (
    [
      [8, 6],
      [8, 8],
      [4, 8],
    ] as const
  ).entries()) {
    const weight = random.normals(outputs * inputs, 0.5);
    x = b.add(`linear_${k}`, { kind: 'affine', outputs, inputs, weight }, [x]);
    if (k < 2) x = b.add(`relu_${k}`, { kind: 'nonlinearity', function: { name: 'relu' } }, [x]);
  }
  return sourced(b.build(x));
}

beforeAll(async () => {
  engine = await createEngine({ engine: 'cpu' });
  network = small();
  const result = await bound(network, { engine, lower: false, target: 'margins' });
  margins = result.margins!;
  certificate = await certify(network, result);
});
afterAll(() => engine.close());

function pairs(outputs: number): [i: number, j: number, k: number][] {
  let k = 0;
  return Array.from({ length: outputs }, (_, i) =>
    Array.from({ length: i }, (_, j): [number, number, number] => [i, j, k++]),
  ).flat();
}

/** The certificate with something else in it. */
function changed(
  change: (copy: { -readonly [N in keyof Certificate]: Certificate[N] }) => void,
): Certificate {
  const copy = structuredClone(certificate);
  change(copy);
  return copy;
}

describe('margins in a certificate', () => {
  it('claim about what the table says, and are accepted', async () => {
    const { bounds, sets } = certificate.margins!;
    expect(bounds).toHaveLength(6);
    expect(sets.length).toBeGreaterThan(3);
    for (const [i, j, k] of pairs(4)) expect(bounds[k]! / margins[i]![j]!).toBeCloseTo(1, 6);
    const verdict = await verify(network, JSON.parse(JSON.stringify(certificate)));
    expect(verdict).toMatchObject({ accepted: true });
    for (const [i, j, k] of pairs(4)) {
      expect(verdict.margins![i]![j]).toBe(bounds[k]);
      expect(verdict.margins![j]![i]).toBe(bounds[k]);
    }
  });

  it('are refused where one pair claims less, by whatever little', async () => {
    for (const [i, j, k] of pairs(4)) {
      const planted = changed(({ margins }) => {
        (margins!.bounds as number[])[k]! *= 1 - 2 ** -52;
      });
      const { accepted, reason } = await verify(network, planted);
      expect(accepted).toBe(false);
      expect(reason).toContain(`of output ${i} minus output ${j}`);
    }
  });

  it('are refused where the multipliers of one pair are others', async () => {
    for (let s = 0; s < certificate.margins!.sets.length; s++) {
      for (const factor of [0.5, 1.2]) {
        const planted = changed(({ margins }) => {
          const layer = margins!.sets[s]!.layers[0] as { values: string };
          layer.values = encodeValues(decodeValues(layer.values, 'layer').map((x) => factor * x));
        });
        expect(await verify(network, planted)).toMatchObject({ accepted: false });
      }
    }
  });

  it('are refused where one is missing, or a set, or something is added', async () => {
    const plants = [
      changed(({ margins }) => (margins!.bounds as number[]).pop()),
      changed(({ margins }) => (margins!.bounds as number[]).push(100)),
      changed(({ margins }) => (margins!.sets as unknown[]).pop()),
      changed(({ margins }) => ((margins!.bounds as unknown[])[0] = null)),
      changed(({ margins }) => ((margins as unknown as Record<string, number>).more = 1)),
    ];
    for (const planted of plants) expect(await verify(network, planted)).toMatchObject({ accepted: false });
    // Without any there is nothing that is not proven.
    const { margins, ...without } = certificate;
    const verdict = await verify(network, without);
    expect(verdict).toMatchObject({ accepted: true });
    expect(verdict.margins).toBeUndefined();
  });

  it('are none for outputs that cannot be told apart', async () => {
    const b = new NetworkBuilder('softmax');
    const weight = Float64Array.of(3, -1, 0.5, 2, 1, 1);
    const x = b.add('linear', { kind: 'affine', outputs: 3, inputs: 2, weight }, [b.input('x', [2])]);
    const soft = sourced(b.build(b.add('softmax', { kind: 'softmax', logarithm: false }, [x])));
    const result = await bound(soft, { engine, lower: false });
    const own = await certify(soft, result);
    expect(own.margins).toBeUndefined();
    const planted = { ...own, margins: { sets: [], bounds: [100, 100, 100] } };
    const { accepted, reason } = await verify(soft, planted);
    expect(accepted).toBe(false);
    expect(reason).toContain('cannot be told apart');
  });

  it('are refused where a set reads the network so that its outputs cannot be told apart', async () => {
    const b = new NetworkBuilder('flat');
    const padding = { mode: 'zero', before: [0, 0], after: [1, 1] } as const;
    const sides = { outputs: 1, inputs: 1, groups: 1, kernel: [2, 2], stride: [1, 1], dilation: [1, 1] };
    const weight = Float64Array.of(1, 0.5, -0.5, 1);
    const x = b.add('conv', { kind: 'convolution', ...sides, padding, weight }, [b.input('x', [1, 2, 2])]);
    const flat = sourced(
      b.build(b.add('flatten', { kind: 'reindex', permutation: [0, 1, 2], shape: [4] }, [x])),
    );
    const own = await certify(flat, await bound(flat, { engine, lower: false, method: 'unrolled' }));
    const verdict = async (tori: number[]) => {
      const sets = [{ unrolledFrom: tori.length > 0 ? null : 0, tori: [tori], layers: [] }];
      return verify(flat, { ...own, margins: { sets, bounds: new Array(6).fill(100) } });
    };
    expect(await verdict([])).toMatchObject({ accepted: true });
    const { accepted, reason } = await verdict([4, 4]);
    expect(accepted).toBe(false);
    expect(reason).toContain('do not tell its outputs apart');
  });

  it('of the example are those of the table, in less than a megabyte', async () => {
    const mlp = await loadNetwork('examples/mlp.onnx');
    const result = await bound(mlp, { engine, lower: false, target: 'margins', evaluations: 60 });
    const own = await certify(mlp, result);
    for (const [i, j, k] of pairs(10))
      expect(own.margins!.bounds[k]! / result.margins![i]![j]!).toBeCloseTo(1, 6);
    expect(JSON.stringify(own).length).toBeLessThan(1e6);
    expect(await verify(mlp, own)).toMatchObject({ accepted: true });
  });
});
