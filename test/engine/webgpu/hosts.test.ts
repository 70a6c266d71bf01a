/** Every operation on WebGPU in Deno (llvmpipe) and in Chromium (SwiftShader) against the oracle. */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { bundled, inChromium } from '../chromium.ts';
import { checks } from './check.ts';
import { denoEnvironment, withoutGpu } from './hosts.ts';
import type { Report } from './remote.ts';

const entry = fileURLToPath(new URL('remote.ts', import.meta.url));

async function inDeno(): Promise<Report> {
  const script = `${await bundled(entry)}\nconsole.log(JSON.stringify(await remote.report()));`;
  const launcher = fileURLToPath(new URL('../../../node_modules/deno/bin.cjs', import.meta.url));
  const deno = spawn(process.execPath, [launcher, 'run', '--allow-all', '--quiet', '-'], {
    env: { ...process.env, ...denoEnvironment() },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  let output = '';
  let complaints = '';
  deno.stdout.on('data', (text) => {
    output += text;
  });
  deno.stderr.on('data', (text) => {
    complaints += text;
  });
  deno.stdin.end(script);
  // It has to end by itself once its engine is closed.
  const code = await new Promise((resolve) => deno.on('close', resolve));
  if (code !== 0) throw new Error(`deno: ended with ${code}: ${complaints}`);
  return JSON.parse(output) as Report;
}

async function inPage(): Promise<Report> {
  const args = ['--enable-unsafe-webgpu', '--use-webgpu-adapter=swiftshader'];
  return (await inChromium(entry, 'remote.report()', args)) as Report;
}

const hosts = [
  { host: 'Deno', run: inDeno, adapter: /llvmpipe/i },
  { host: 'Chromium', run: inPage, adapter: /swiftshader/i },
];

describe.skipIf(withoutGpu).each(hosts)('WebGPU in $host', ({ run, adapter }) => {
  let report: Report;
  beforeAll(async () => {
    report = await run();
  }, 200_000);

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
