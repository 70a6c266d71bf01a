/** Every operation on WebGPU in Node against the oracle. */
import { afterAll, beforeAll, describe, it } from 'vitest';
import { requestAdapter } from '../../../src/engine/webgpu/host.ts';
import { openWebGpu } from '../../../src/engine/webgpu/open.ts';
import type { WebGpuEngine } from '../../../src/engine/webgpu/webgpuEngine.ts';
import { type Case, cases } from '../operations.ts';
import { checks, checkTwin } from './check.ts';
import { useSwiftShader, withoutGpu } from './hosts.ts';

const products = ['product', 'product with adjoints', 'congruence', 'congruenceAdjoint', 'radii'];

/** Every batch in several buffers: a binding holds two or three of the larger matrices. */
const smallBindings = (given: Case) => given.batch > 1 && given.n >= 17 && given.n <= 64;
/** Large enough for the tiles that real GPUs use; barriers are slow in software. */
const tiles = ({ n, batch }: Case) => n >= 64 && (n <= 65 || batch === 1);

const variants = [
  { name: 'as it is', software: true, limits: {}, checks, cases },
  {
    name: 'batches in several buffers',
    software: true,
    limits: { largestBinding: 3 * 64 * 66 * 8 },
    checks,
    cases: cases.filter(smallBindings),
  },
  {
    name: 'as if it were a real GPU',
    software: false,
    limits: {},
    checks: products,
    cases: cases.filter(tiles),
  },
];

describe.skipIf(withoutGpu).each(variants)('WebGPU in Node, $name', (variant) => {
  let engine: WebGpuEngine;
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
