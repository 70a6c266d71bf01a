/** Every operation on WebGPU in Node against the oracle. */
import { afterAll, beforeAll, describe, it } from 'vitest';
import type { Engine } from '../../../src/engine/engine.ts';
import { requestAdapter } from '../../../src/engine/webgpu/host.ts';
import { openWebGpu } from '../../../src/engine/webgpu/open.ts';
import { runs } from '../../support/runs.ts';
import { type Case, cases, quickCases } from '../operations/cases.ts';
import { checks, checkTwin } from './check.ts';
import { useSwiftShader, withoutGpu } from './hosts.ts';

const thorough = runs(1) > 1;
const looked = thorough ? cases : quickCases;

/** Batches of matrices of which a binding of 10 kB holds from one to eight. */
const severalBuffers = ({ n, batch }: Case) => batch > 1 && n === 17;

const variants = [
  { name: 'as it is', limits: {}, cases: looked },
  {
    name: 'batches in several buffers',
    limits: { largestBinding: 10_000 },
    cases: cases.filter(severalBuffers),
  },
];

describe.skipIf(withoutGpu).each(variants)('WebGPU in Node, $name', (variant) => {
  let engine: Engine;
  beforeAll(async () => {
    useSwiftShader();
    engine = await openWebGpu(await requestAdapter(), variant.limits);
  });
  afterAll(() => engine.close());

  describe.each(checks)('%s', (name) => {
    it.each(variant.cases)('n = $n, batch = $batch, complex = $complex', async (given) => {
      await checkTwin(engine, name, given);
    });
  });
});
