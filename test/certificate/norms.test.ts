/** Certificates in other norms: accepted for what they claim, above every slope, and worth nothing for another norm or other weights. */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bound } from '../../src/bounds/bound.ts';
import type { BoundOptions } from '../../src/bounds/result.ts';
import { certify } from '../../src/certificate/certify.ts';
import { encodeValues } from '../../src/certificate/fields.ts';
import type { Certificate } from '../../src/certificate/format.ts';
import { verify } from '../../src/certificate/verify.ts';
import { createEngine } from '../../src/engine/create.ts';
import type { Engine } from '../../src/engine/engine.ts';
import { UnsupportedError } from '../../src/errors.ts';
import { NetworkBuilder } from '../../src/network/builder.ts';
import type { Network } from '../../src/network/network.ts';
import type { NormPair } from '../../src/network/norms/norm.ts';
import { product } from '../../src/network/size.ts';
import { FAMILIES } from '../support/families.ts';
import { PAIRS, steepestSlope } from '../support/normSlopes.ts';
import { Random } from '../support/random.ts';
import { networkOf } from '../support/randomNetwork.ts';
import { patience, runs } from '../support/runs.ts';
import { smallCnn, sourced } from './networks.ts';

let engine: Engine;
beforeAll(async () => {
  engine = await createEngine({ engine: 'cpu-wasm', threads: 1 });
});
afterAll(() => engine.close());

async function certified(network: Network, { input, output }: NormPair, options: BoundOptions = {}) {
  const result = await bound(network, { engine, lower: false, norm: input, outputNorm: output, ...options });
  if (!result.proof) return undefined;
  // What single entries have of their own no certificate says: such rows have neither a search nor a closed form.
  const rows = result.methods.filter(
    ({ method, bound: value, rule, search }) =>
      !method.endsWith('product') && value !== null && (search || (rule !== undefined && rule !== 'refined')),
  );
  return { certificate: await certify(network, result), best: Math.min(...rows.map((row) => row.bound!)) };
}

const NAMES = [
  'multilayer perceptrons',
  'residual perceptrons',
  'one-dimensional convolutions',
  'pooling',
] as const;
const MOST_ENTRIES = 60;

describe.each(NAMES)('certificates of %s in every pair of norms', (name) => {
  it('are accepted, true and tight', { timeout: patience() }, async () => {
    let made = 0;
    const options = fc.constantFrom<BoundOptions>(
      { rule: 'SN(1.3)' },
      { evaluations: 6 },
      { method: 'unrolled', rule: 'GC(1.5)' },
    );
    await fc.assert(
      fc.asyncProperty(
        FAMILIES[name],
        fc.constantFrom(...PAIRS.slice(1)),
        options,
        fc.nat(),
        async (plan, norms, drawn, seed) => {
          const network = sourced(networkOf(plan));
          fc.pre(network.tensors.every(({ shape }) => product(shape) <= MOST_ENTRIES));
          let found: Awaited<ReturnType<typeof certified>>;
          try {
            found = await certified(network, norms, drawn);
          } catch (error) {
            if (!(error instanceof UnsupportedError)) throw error;
            return;
          }
          if (!found) return;
          made++;
          const { certificate, best } = found;
          const verdict = await verify(network, JSON.parse(JSON.stringify(certificate)));
          expect(verdict).toMatchObject({ accepted: true, norms });
          expect(certificate.norms).toEqual({ ...norms, weights: null });
          const claim = certificate.claim.bound!;
          expect(steepestSlope(network, norms, 5, seed)).toBeLessThanOrEqual(claim * (1 + 1e-9) + 1e-30);
          if (best > 1e-20) expect(claim / best).toBeLessThan(1 + 1e-6);
        },
      ),
      { numRuns: runs(12) },
    );
    expect(made).toBeGreaterThanOrEqual(runs(3));
  });
});

describe('a certificate in other norms', () => {
  const random = new Random(6);
  const dense = sourced(
    NetworkBuilder.fromDense([
      { weight: random.normals(40), bias: random.normals(8), activation: 'relu' },
      { weight: random.normals(24), bias: random.normals(3) },
    ]),
  );

  const rejected = async (network: Network, certificate: object) => {
    const verdict = await verify(network, JSON.parse(JSON.stringify(certificate)));
    expect(verdict.accepted).toBe(false);
    return verdict.reason!;
  };

  it('proves nothing in norms that say more', async () => {
    for (const norms of PAIRS.slice(1)) {
      const { certificate } = (await certified(dense, norms))!;
      const { norms: _, ...without } = certificate;
      // From ℓ2 to ℓ2 there are other layers, or the bound is larger.
      if (norms.input !== '2' || norms.output !== '1') await rejected(dense, without);
      const claim = {
        bound: certificate.claim.bound! * 0.999,
        log10: Math.log10(certificate.claim.bound! * 0.999),
      };
      expect(await rejected(dense, { ...certificate, claim })).toContain('its multipliers prove');
      for (const other of PAIRS) {
        if (other.input === norms.input && other.output === norms.output) continue;
        const verdict = await verify(
          dense,
          JSON.parse(JSON.stringify({ ...certificate, norms: { ...other, weights: null } })),
        );
        // What is accepted is true all the same.
        if (verdict.accepted)
          expect(steepestSlope(dense, other, 20, 3)).toBeLessThanOrEqual(certificate.claim.bound!);
      }
    }
  });

  it('has the weights that it is for', async () => {
    const weights = Float64Array.of(1, 0.5, 2, 0, 1);
    const norms: NormPair = { input: 'inf', output: '2' };
    const { certificate } = (await certified(dense, norms, { weights }))!;
    expect(certificate.norms!.weights).toBe(encodeValues(weights));
    expect(await verify(dense, certificate)).toMatchObject({ accepted: true, norms, weights: [...weights] });
    const withWeights = (values: Float64Array): Certificate => ({
      ...certificate,
      norms: { ...norms, weights: encodeValues(values) },
    });
    await rejected(dense, withWeights(weights.map((w) => 1.5 * w)));
    expect(await rejected(dense, withWeights(Float64Array.of(1, 2)))).toContain('must be 5 numbers');
    expect(await rejected(dense, withWeights(weights.map((w) => -w)))).toContain('from 0 on');
    expect(
      await rejected(dense, { ...certificate, norms: { ...norms, input: '3', weights: null } }),
    ).toContain('norms.input');
  });

  it('covers images on a torus and unrolled, and margins from ℓ∞', async () => {
    const network = smallCnn();
    const torus = (await certified(network, { input: 'inf', output: 'inf' }, { rule: 'GC(1.5)' }))!;
    expect(await verify(network, torus.certificate)).toMatchObject({ accepted: true });
    const margins = (await certified(
      dense,
      { input: 'inf', output: '2' },
      { target: 'margins', evaluations: 20 },
    ))!;
    expect(margins.certificate.margins!.bounds).toHaveLength(3);
    const verdict = await verify(dense, margins.certificate);
    expect(verdict).toMatchObject({ accepted: true });
    expect(verdict.margins).toHaveLength(3);
  });
});
