/** Products and inverses by the kernels that real GPUs take, in Deno (llvmpipe). */
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { inDeno } from '../deno.ts';
import { withoutGpu } from './hosts.ts';
import { type TilesReport, tiledChecks } from './remoteTiles.ts';

const entry = fileURLToPath(new URL('remoteTiles.ts', import.meta.url));

describe.skipIf(withoutGpu)('as if it were a real GPU', () => {
  let report: TilesReport;
  beforeAll(async () => {
    report = (await inDeno(entry, 'remote.tiles()')) as TilesReport;
  }, 400_000);

  it('is computed in software', () => {
    expect(report.adapter).toMatch(/llvmpipe/i);
  });

  it.each(tiledChecks)('%s', (name) => {
    expect(report.failures[name]).toEqual([]);
  });

  it('products in the largest tiles', () => {
    expect(report.products).toHaveLength(10);
    for (const { name, error, hermitian } of report.products) {
      expect(error, name).toBeLessThan(1e-4);
      if (name.startsWith('W')) expect(hermitian, name).toBe(true);
    }
  });
});
