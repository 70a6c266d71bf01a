/** The WebGL engine, in a Chromium that this process drives. */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { InputError } from '../src/errors.ts';
import type { BoundMeasurement } from './bounds.ts';
import type { Contender } from './engines.ts';
import type { OperationResult } from './operations.ts';

const chromium = process.env.CHROMIUM ?? '/usr/bin/chromium';

/** Chromium finds a real GPU by itself, and takes SwiftShader where there is none. */
const args = ['--no-sandbox', '--ignore-gpu-blocklist', '--enable-unsafe-swiftshader'];

/** @throws InputError where there is no Chromium, no WebGL in it, or nothing to bundle the page with. */
export async function browserContender(): Promise<Contender> {
  if (!existsSync(chromium)) {
    throw new InputError(`webgl: Chromium must be at ${chromium} or where CHROMIUM says, got none`);
  }
  const { build } = await tool<typeof import('esbuild')>('esbuild');
  const playwright = await tool<typeof import('playwright-core')>('playwright-core');
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(new URL('page.ts', import.meta.url))],
    ...{ bundle: true, write: false, format: 'iife', globalName: 'bench', target: 'es2022' },
  });
  const browser = await playwright.chromium.launch({ executablePath: chromium, args });
  try {
    const page = await browser.newPage();
    page.setDefaultTimeout(0);
    await page.evaluate(`${outputFiles[0]!.text}\nglobalThis.bench = bench; undefined`);
    const call = <T>(name: string, ...values: readonly unknown[]) =>
      page.evaluate(`bench.${name}(...${JSON.stringify(values)})`) as Promise<T>;
    const described = await call<Pick<Contender, 'information' | 'software' | 'rate'>>('describe').catch(
      (error: Error) => {
        throw new InputError(`webgl: ${error.message.split('\n')[0]}`);
      },
    );
    return {
      ...described,
      operation: (task, effort) => call<OperationResult>('operation', task.name, effort),
      bound: (task, _, flops, effort) => call<BoundMeasurement>('bound', task.name, flops, effort),
      close: () => browser.close(),
    };
  } catch (error) {
    await browser.close();
    throw error;
  }
}

/** A development tool, which a bundled bench does without. */
async function tool<T>(name: string): Promise<T> {
  try {
    return (await import(name)) as T;
  } catch {
    throw new InputError(`webgl: the package ${name} must be there, got none; run npm ci`);
  }
}
