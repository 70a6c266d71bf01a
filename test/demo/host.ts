/** The built page, served for tests. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Page } from 'playwright-core';
import { expect, inject } from 'vitest';
import { PATIENCE, type Server, serve } from './browsers.ts';

export { drop, launch, launchFirefox, PATIENCE, type Upload } from './browsers.ts';

export interface Host extends Server {
  /** What is served. */
  readonly folder: string;
  /** What the build printed. */
  readonly log: string;
}

/** The folder with the built page, and what the build printed; one of the test files builds, the others wait for it. */
async function built(): Promise<{ readonly folder: string; readonly log: string }> {
  const shared = inject('demoFolder');
  const [folder, outcome] = [join(shared, 'page'), join(shared, 'outcome.json')];
  try {
    mkdirSync(folder);
    const script = fileURLToPath(new URL('../../scripts/build-demo.mjs', import.meta.url));
    const { status, stdout, stderr } = spawnSync(process.execPath, [script, folder], { encoding: 'utf8' });
    writeFileSync(`${outcome}.new`, JSON.stringify({ status, stdout, stderr }));
    renameSync(`${outcome}.new`, outcome);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
  while (!existsSync(outcome)) await new Promise((resolve) => setTimeout(resolve, 100));
  const { status, stdout, stderr } = JSON.parse(readFileSync(outcome, 'utf8'));
  if (status !== 0) throw new Error(`build-demo: ended with ${status}: ${stdout}${stderr}`);
  return { folder, log: stdout };
}

/** Serves the page under a path that the build does not know of. */
export async function host(): Promise<Host> {
  const { folder, log } = await built();
  return { ...(await serve(folder)), folder, log };
}

/** Waits for what the page will show: machines may be busy, and nothing here measures time. */
export function eventually<T>(read: () => Promise<T>, timeout = PATIENCE) {
  return expect.poll(read, { timeout, interval: 100 });
}

/** Makes searches on a page short, where nothing that is looked at depends on how far they go. */
export async function searchBriefly(page: Page): Promise<void> {
  await page.locator('form.settings [name=evaluations]').evaluate((field) => {
    (field as HTMLInputElement).value = '10';
    field.dispatchEvent(new Event('change', { bubbles: true }));
  });
}
