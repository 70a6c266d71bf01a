/** The checker prints the same digits in Node, Deno and Chromium. */
import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { chromium as browserType } from 'playwright-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { createEngine } from '../../src/engine/create.ts';
import { loadNetwork } from '../../src/formats/load.node.ts';
import { chromium } from '../engine/webgpu/hosts.ts';
import { certified } from './networks.ts';
import { report } from './remote.ts';

const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url));

/** remote.ts with all that it needs, called with the arguments. */
async function script(parameters: readonly unknown[]): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [path('remote.ts')],
    ...{ bundle: true, write: false, format: 'iife', globalName: 'remote', target: 'es2022' },
  });
  return `${outputFiles[0]!.text}\nremote.report(...${JSON.stringify(parameters)})`;
}

async function inDeno(code: string): Promise<string> {
  const launcher = path('../../node_modules/deno/bin.cjs');
  const deno = spawn(process.execPath, [launcher, 'run', '--quiet', '-'], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  let output = '';
  deno.stdout.on('data', (text) => {
    output += text;
  });
  const call = code.lastIndexOf('remote.report(');
  deno.stdin.end(`${code.slice(0, call)}console.log(await ${code.slice(call)});`);
  const exit = await new Promise((resolve) => deno.on('close', resolve));
  if (exit !== 0) throw new Error(`deno: ended with ${exit}`);
  return output.trim();
}

async function inChromium(code: string): Promise<string> {
  const browser = await browserType.launch({ executablePath: chromium, args: ['--no-sandbox'] });
  try {
    const page = await browser.newPage();
    page.setDefaultTimeout(0);
    // Hashing wants a secure context; nothing leaves the machine.
    await page.route('https://lipsoid.test/', (route) =>
      route.fulfill({ contentType: 'text/html', body: '<title>Lipsoid</title>' }),
    );
    await page.goto('https://lipsoid.test/');
    return (await page.evaluate(code)) as string;
  } finally {
    await browser.close();
  }
}

describe.each(['mlp.onnx', 'resnet.onnx'])('verify of %s', (name) => {
  let code: string;
  let here: string;

  beforeAll(async () => {
    const file = path(`../../examples/${name}`);
    const engine = await createEngine({ engine: 'cpu-wasm', threads: 1 });
    const { certificate } = await certified(await loadNetwork(file), engine, { evaluations: 5 });
    await engine.close();
    const parameters = [(await readFile(file)).toString('base64'), certificate] as const;
    code = await script(parameters);
    here = await report(...parameters);
  });

  it('accepts in Node', () => {
    expect(JSON.parse(here)).toMatchObject({ accepted: true });
  });

  it('prints the same digits in Deno', async () => {
    expect(await inDeno(code)).toBe(here);
  });

  it('prints the same digits in Chromium', async () => {
    expect(await inChromium(code)).toBe(here);
  });
});
