/** Scripts in Chromium, on SwiftShader. */
import { build } from 'esbuild';
import { chromium as browserType } from 'playwright-core';
import { chromium } from './webgpu/hosts.ts';

/** A module with all that it needs, as one script that defines `remote`. */
export async function bundled(entry: string): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [entry],
    ...{ bundle: true, write: false, format: 'iife', globalName: 'remote', target: 'es2022' },
    define: { 'process.env.LIPSOID_WITHOUT_BLAS': '"1"' },
  });
  return outputFiles[0]!.text;
}

/** What an expression on `remote` yields in a page of its own. @param headers that the page comes with */
export async function inChromium(
  entry: string,
  expression: string,
  args: readonly string[],
  headers: Readonly<Record<string, string>> = {},
): Promise<unknown> {
  const browser = await browserType.launch({
    executablePath: chromium,
    args: ['--no-sandbox', ...args],
  });
  try {
    const page = await browser.newPage();
    page.setDefaultTimeout(0);
    // WebGPU and WebCrypto want a secure context; nothing leaves the machine.
    await page.route('https://lipsoid.test/', (route) =>
      route.fulfill({ contentType: 'text/html', body: '<title>Lipsoid</title>', headers }),
    );
    await page.goto('https://lipsoid.test/');
    return await page.evaluate(`${await bundled(entry)}\n${expression}`);
  } finally {
    await browser.close();
  }
}
