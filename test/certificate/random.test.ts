/** Certificates of random networks of every family: true, and near what the engine says. */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bound } from '../../src/bounds/bound.ts';
import type { BoundOptions } from '../../src/bounds/result.ts';
import { certify } from '../../src/certificate/certify.ts';
import { verify } from '../../src/certificate/verify.ts';
import { RULE_NAMES } from '../../src/ellipsoid/multipliers/closedForms.ts';
import { createEngine } from '../../src/engine/create.ts';
import type { Engine } from '../../src/engine/engine.ts';
import { UnsupportedError } from '../../src/errors.ts';
import { product } from '../../src/network/size.ts';
import { FAMILIES } from '../support/families.ts';
import { sampledLowerBound } from '../support/forward.ts';
import { networkOf } from '../support/randomNetwork.ts';
import { residueOf } from '../support/residue.ts';
import { patience, runs } from '../support/runs.ts';
import { sourced } from './networks.ts';

let engine: Engine;
beforeAll(async () => {
  engine = await createEngine({ engine: 'cpu-wasm', threads: 1 });
});
afterAll(() => engine.close());

const rule = fc.constantFrom(...RULE_NAMES);
const method: fc.Arbitrary<BoundOptions> = fc.oneof(
  rule.map((name) => ({ method: 'closed-form' as const, rule: name })),
  rule.map((name) => ({ method: 'unrolled' as const, rule: name })),
  fc.constant({ method: 'refined' as const, evaluations: 6 }),
);

/** What the checker may refuse, seldom: branches that are zero beside others, D nearer to S than float64 can tell. */
const REFUSED = [/do not dominate the covariance/];

/** In the checker's plain loops more take many seconds, unrolled. */
const MOST_ENTRIES = 200;

/** What a network that is not covered is told; other errors pass through. */
function reasonOf(error: unknown): string {
  if (!(error instanceof UnsupportedError)) throw error;
  return error.message;
}

describe.each(Object.entries(FAMILIES))('certificates of %s', (_, plans) => {
  it(
    'are accepted, true and tight',
    async () => {
      let [made, refused] = [0, 0];
      await fc.assert(
        fc.asyncProperty(plans, method, fc.nat(), async (plan, options, seed) => {
          const network = sourced(networkOf(plan));
          fc.pre(network.tensors.every(({ shape }) => product(shape) <= MOST_ENTRIES));
          const result = await bound(network, { ...options, engine, lower: false }).catch(reasonOf);
          if (typeof result === 'string' || !result.proof) return;
          const rows = result.methods.filter((m) => m.method !== 'spectral-product' && m.bound !== null);
          const best = Math.min(...rows.map((m) => m.bound!));
          made++;
          const certificate = await certify(network, result).catch(reasonOf);
          if (typeof certificate === 'string') {
            refused++;
            expect(
              REFUSED.filter((known) => known.test(certificate)),
              certificate,
            ).toHaveLength(1);
            return;
          }
          expect((await verify(network, certificate)).accepted).toBe(true);
          const claim = certificate.claim.bound!;
          expect(claim).toBeGreaterThanOrEqual(sampledLowerBound(network, 4, seed));
          // A network that is constant has a bound that is almost 0, by another definition of almost.
          if (best > residueOf(network)) expect(claim / best).toBeLessThan(1 + 1e-2);
        }),
        { numRuns: runs(15) },
      );
      expect(refused).toBeLessThan(2 + 0.2 * made);
    },
    patience(),
  );
});
