/** Certificates for signals of any length. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bound } from '../../src/bounds/bound.ts';
import type { BoundOptions } from '../../src/bounds/result.ts';
import { certify } from '../../src/certificate/certify.ts';
import { claimOf } from '../../src/certificate/claim.ts';
import { type Certificate, FORMAT, VERSION } from '../../src/certificate/format.ts';
import { prove, verify } from '../../src/certificate/verify.ts';
import { createEngine } from '../../src/engine/create.ts';
import type { Engine } from '../../src/engine/engine.ts';
import { UnsupportedError } from '../../src/errors.ts';
import { NetworkBuilder } from '../../src/network/builder.ts';
import { model, node, read } from '../formats/onnx/build.ts';
import { sampledLowerBound } from '../support/forward.ts';
import { Random } from '../support/random.ts';
import { runs } from '../support/runs.ts';
import { chain, convolution, family, MEAN, RELU, SIGNAL_FAMILIES } from '../support/signals.ts';
import { sourced } from './networks.ts';

let engine: Engine;
beforeAll(async () => {
  engine = await createEngine({ engine: 'cpu', threads: 1 });
});
afterAll(() => engine.close());

const OPTIONS: BoundOptions = { length: 'any', method: 'closed-form', lower: false };

/** What cannot be certified for any length, and why. */
const REFUSED: Readonly<Record<string, RegExp>> = {
  'two linear layers in a row, a padded average': /depends on the length/,
};

/** max |W(θ)| of a filter of one channel. */
function peakOf(...filters: readonly ArrayLike<number>[]): number {
  let most = 0;
  for (let k = 0; k <= 2000; k++) {
    const theta = (Math.PI * k) / 2000;
    const size = filters.reduce((product, taps) => {
      const list = Array.from(taps);
      const re = list.reduce((sum, x, t) => sum + x * Math.cos(t * theta), 0);
      const im = list.reduce((sum, x, t) => sum + x * Math.sin(t * theta), 0);
      return product * Math.hypot(re, im);
    }, 1);
    most = Math.max(most, size);
  }
  return most;
}

describe('certificates for any length', () => {
  it.each(Object.entries(SIGNAL_FAMILIES))('%s', async (name, make) => {
    const network = sourced(make(24));
    const result = await bound(network, { engine, ...OPTIONS });
    const reason = REFUSED[name];
    if (reason) {
      await expect(certify(network, result)).rejects.toThrow(UnsupportedError);
      await expect(certify(network, result)).rejects.toThrow(reason);
      return;
    }
    const certificate = await certify(network, result);
    const claim = certificate.claim.bound!;
    // More frequencies than the engine wanted make up for norms of taps that are known less well.
    expect(claim).toBeLessThan(1.02 * result.bound!);
    expect(claim).toBeGreaterThan(result.bound! / (1 + 1.1 * result.length!.added!));
    const read: unknown = JSON.parse(JSON.stringify(certificate));
    expect(await verify(network, read)).toMatchObject({ accepted: true, bound: claim, lengths: 'any' });
    for (const length of [5, 24, 60]) {
      expect(claim).toBeGreaterThan(sampledLowerBound(make(length), 10, length));
    }
    const less: Certificate = { ...certificate, reach: 1.01 };
    expect(await verify(network, less)).toMatchObject({ accepted: false });
    // As if for the length in the file: the torus is too large for that.
    expect(await verify(network, { ...certificate, reach: null })).toMatchObject({ accepted: false });
  });

  it('refuse means over whole signals', async () => {
    const make = family(
      3,
      chain((r) => [convolution(r, 3, 2, 3), RELU, MEAN]),
    );
    const network = sourced(make(24));
    const result = await bound(network, { engine, ...OPTIONS, smallestLength: 12 });
    await expect(certify(network, result)).rejects.toThrow(/means over whole signals/);
  });

  it('refuse to wrap round what does not fit its circle, whoever asks', async () => {
    const random = new Random(5);
    const pair = convolution(random, 1, 2, 2, { mode: 'circular', stride: 2, before: 0, after: 1 });
    const network = sourced(
      family(
        1,
        chain(() => [pair]),
      )(24),
    );
    const multipliers = { unrolledFrom: null, tori: [[64]], layers: [], reach: 2 };
    await expect(prove(network, multipliers, {})).rejects.toThrow(/beside circular padding/);
  });

  it('refuse what the file ties to its length, whoever asks', async () => {
    const bytes = model(
      [node('AveragePool', 'x', 'y', { kernel_shape: [3n], strides: [3n], ceil_mode: 1n })],
      {
        inputs: { x: ['N', 1, 6] },
      },
    );
    const network = sourced(await read(bytes));
    const layers = { unrolledFrom: null, tori: [[192]], layers: [], reach: 2 };
    await expect(prove(network, layers, {})).rejects.toThrow(/y: AveragePool: ceil_mode/);
    // Without what the file says there would be a proof, of 1/√3: at length 4 the last window holds one sample.
    const { ties, ...untied } = network;
    expect(ties).toHaveLength(1);
    const claim = claimOf((await prove(untied, layers, {})).bound);
    expect(claim.bound!).toBeLessThan(0.58);
    const certificate: Certificate = {
      ...{ format: FORMAT, version: VERSION, found: { by: 'nobody', engine: 'none', method: 'none' } },
      network: {
        ...{ name: network.name, sha256: network.source!.sha256, input: [1, 6] },
        output: network.tensors[network.output]!.name,
      },
      ...{ ...layers, layers: [], claim },
    };
    expect(await verify(network, certificate)).toMatchObject({
      accepted: false,
      reason: expect.stringMatching(/ceil_mode/),
    });
  });

  it('hold between frequencies, however few: one filter, and two', async () => {
    const random = new Random(9);
    for (let k = 0; k < runs(200); k++) {
      const filters = Array.from({ length: 1 + (k % 2) }, () => {
        const kernel = random.integer(2, 6);
        const circular = convolution(random, 1, 1, kernel, {
          mode: 'circular',
          before: kernel - 1,
          after: 0,
        });
        return { ...circular, weight: random.normals(kernel) };
      });
      const builder = new NetworkBuilder('filters');
      const output = filters.reduce((last, f) => builder.add('', f, [last]), builder.input('y', [1, 40]));
      const network = sourced(builder.build(output));
      const frequencies = random.integer(2, 20);
      const multipliers = { unrolledFrom: null, tori: [[frequencies]], layers: [], reach: 2 };
      const { bound: proven } = claimOf((await prove(network, multipliers, {})).bound);
      const peak = peakOf(...filters.map(({ weight }) => weight));
      expect(proven!, `${frequencies} frequencies`).toBeGreaterThanOrEqual(peak * (1 - 1e-12));
    }
  });
});
