/** Every operation on WebGPU in Deno (llvmpipe) and in Chromium (SwiftShader) against the oracle. */
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { runs } from '../../support/runs.ts';
import { inChromium } from '../chromium.ts';
import { inDeno } from '../deno.ts';
import { checks } from './check.ts';
import { withoutGpu } from './hosts.ts';
import type { Report } from './remote.ts';

const expression = `remote.report(${runs(1) > 1})`;
const entry = fileURLToPath(new URL('remote.ts', import.meta.url));

async function inProcess(): Promise<Report> {
  return (await inDeno(entry, expression)) as Report;
}

async function inPage(): Promise<Report> {
  const args = ['--enable-unsafe-webgpu', '--use-webgpu-adapter=swiftshader'];
  return (await inChromium(entry, expression, args)) as Report;
}

const hosts = [
  { host: 'Deno', run: inProcess, adapter: /llvmpipe/i },
  { host: 'Chromium', run: inPage, adapter: /swiftshader/i },
];

describe.skipIf(withoutGpu).each(hosts)('WebGPU in $host', ({ run, adapter }) => {
  let report: Report;
  beforeAll(async () => {
    report = await run();
  }, 400_000);

  it('is computed in software', () => {
    expect(report.adapter).toMatch(adapter);
  });

  it('bounds a convolutional network as the CPU does', () => {
    const rows = Object.entries(report.bounds);
    expect(rows.length).toBe(4);
    for (const [name, [gpu, cpu]] of rows) {
      expect(cpu, name).toBeGreaterThan(0);
      expect(Math.abs(gpu! / cpu! - 1), name).toBeLessThan(1e-3);
    }
  });

  it.each(checks)('%s', (name) => {
    expect(report.failures[name]).toEqual([]);
  });
});
