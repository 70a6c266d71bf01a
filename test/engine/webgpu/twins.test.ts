/** Every operation on WebGPU in Node against the oracle. */
import { afterAll, beforeAll, describe, it } from 'vitest';
import type { Engine } from '../../../src/engine/engine.ts';
import { requestAdapter } from '../../../src/engine/webgpu/host.ts';
import { openWebGpu } from '../../../src/engine/webgpu/open.ts';
import { runs } from '../../support/runs.ts';
import { type Case, cases, quickCases } from '../operations/cases.ts';
import { checks, checkTwin } from './check.ts';
import { useSwiftShader, withoutGpu } from './hosts.ts';

const products = ['product', 'product with adjoints', 'congruence', 'congruenceAdjoint', 'radii'];

const thorough = runs(1) > 1;
const looked = thorough ? cases : quickCases;

/** Batches of matrices of which a binding of 10 kB holds from one to eight. */
const severalBuffers = ({ n, batch }: Case) => batch > 1 && n === 17;
/** A little more than a tile of those that real GPUs use, and with LIPSOID_RUNS exactly one and three, and real ones too. One matrix at a
 *  time: their barriers take seconds in software. */
const tiles = ({ n, batch, complex }: Case) => (thorough ? n >= 64 : n === 65 && complex) && batch === 1;

const variants = [
  { name: 'as it is', software: true, limits: {}, checks, cases: looked },
  {
    name: 'batches in several buffers',
    software: true,
    limits: { largestBinding: 10_000 },
    checks,
    cases: cases.filter(severalBuffers),
  },
  {
    name: 'as if it were a real GPU',
    software: false,
    limits: {},
    checks: products,
    cases: cases.filter(tiles),
  },
  {
    name: 'as if it were a real GPU, in blocks',
    software: false,
    limits: {},
    checks: ['inverse'],
    cases: cases.filter((given) => tiles(given) && given.n > 64 && given.complex),
  },
];

describe.skipIf(withoutGpu).each(variants)('WebGPU in Node, $name', (variant) => {
  let engine: Engine;
  beforeAll(async () => {
    useSwiftShader();
    const adapter = await requestAdapter();
    engine = await openWebGpu({ ...adapter, software: variant.software }, variant.limits);
  });
  afterAll(() => engine.close());

  describe.each(variant.checks)('%s', (name) => {
    it.each(variant.cases)('n = $n, batch = $batch, complex = $complex', async (given) => {
      await checkTwin(engine, name, given);
    });
  });
});
