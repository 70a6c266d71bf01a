/** Every operation on WebGPU in Deno (llvmpipe) and in Chromium (SwiftShader) against the oracle. */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { chromium as browserType } from 'playwright-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { checks } from './check.ts';
import { chromium, denoEnvironment, withoutGpu } from './hosts.ts';
import type { Report } from './remote.ts';

/** remote.ts with all that it needs, as one script that defines `remote`. */
async function bundled(): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(new URL('remote.ts', import.meta.url))],
    ...{ bundle: true, write: false, format: 'iife', globalName: 'remote', target: 'es2022' },
    define: { 'process.env.LIPSOID_WITHOUT_BLAS': '"1"' },
  });
  return outputFiles[0]!.text;
}

async function inDeno(): Promise<Report> {
  const script = `${await bundled()}\nconsole.log(JSON.stringify(await remote.report()));`;
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

async function inChromium(): Promise<Report> {
  const browser = await browserType.launch({
    executablePath: chromium,
    args: ['--no-sandbox', '--enable-unsafe-webgpu', '--use-webgpu-adapter=swiftshader'],
  });
  try {
    const page = await browser.newPage();
    page.setDefaultTimeout(0);
    // WebGPU wants a secure context; nothing leaves the machine.
    await page.route('https://lipsoid.test/', (route) =>
      route.fulfill({ contentType: 'text/html', body: '<title>Lipsoid</title>' }),
    );
    await page.goto('https://lipsoid.test/');
    const script = `${await bundled()}\nremote.report()`;
    return (await page.evaluate(script)) as Report;
  } finally {
    await browser.close();
  }
}

const hosts = [
  { host: 'Deno', run: inDeno, adapter: /llvmpipe/i },
  { host: 'Chromium', run: inChromium, adapter: /swiftshader/i },
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
