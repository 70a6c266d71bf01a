/** Certificates of real networks: accepted, and their claims next to what the engines compute. */
import { existsSync, readdirSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { BoundOptions } from '../../src/bounds/result.ts';
import { verify } from '../../src/certificate/verify.ts';
import { createEngine } from '../../src/engine/create.ts';
import type { Engine } from '../../src/engine/engine.ts';
import { loadNetwork } from '../../src/formats/load.node.ts';
import { runs } from '../support/runs.ts';
import { certified } from './networks.ts';

/** The models stay where they are; without them these tests are skipped. */
const models = new URL('../../../shared/models/', import.meta.url);
/** The largest takes its time: with LIPSOID_RUNS only. */
const files = existsSync(models)
  ? readdirSync(models).filter((f) => f.endsWith('.onnx') && (runs(1) > 1 || f !== 'cnn_C9_CH32.onnx'))
  : [];
const examples = ['mlp.onnx', 'cnn.onnx', 'resnet.onnx'].map(
  (f) => new URL(`../../examples/${f}`, import.meta.url),
);

let engine: Engine;
beforeAll(async () => {
  engine = await createEngine({ engine: 'cpu', threads: 1 });
});
afterAll(() => engine.close());

async function expectCertified(path: string, options: BoundOptions): Promise<void> {
  const network = await loadNetwork(path);
  const { certificate, bound, inflation } = await certified(network, engine, options);
  const { bound: claim } = certificate.claim;
  // Engines bound their rounding as well, by more; how much that adds is estimated to first order.
  expect(claim! / bound).toBeGreaterThan(1 - 1.5 * (inflation - 1) - 1e-9);
  expect(claim! / bound).toBeLessThan(1 + 1e-6);
  if (path.includes('C9_CH32')) return;
  // What is written is what is read.
  const verdict = await verify(network, JSON.parse(JSON.stringify(certificate)));
  expect(verdict).toEqual({
    accepted: true,
    bound: claim,
    log10: certificate.claim.log10,
    claimed: certificate.claim,
    norms: { input: '2', output: '2' },
  });
}

describe('certificates of examples', () => {
  it.each(examples.map((url) => [url.pathname.split('/').at(-1)!, url.pathname]))('%s', async (_, path) => {
    await expectCertified(path, { evaluations: 10 });
  });
});

describe.skipIf(files.length === 0)('certificates of networks that others trained', () => {
  it.each(files)(
    '%s',
    async (file) => {
      const closedForm = { method: 'closed-form', rule: 'GC(1.5)' } as const;
      const refined = { method: 'refined', evaluations: 4 } as const;
      const small = !/cnn_|stack_C9|stack_C5_CH16/.test(file);
      await expectCertified(new URL(file, models).pathname, small ? refined : closedForm);
    },
    200_000,
  );
});
