/** The pictures of the page in docs/: `npx tsx scripts/screenshots.ts`. They show whatever the examples give at the time. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { BrowserContextOptions, Page } from 'playwright-core';
import { launch, serve } from '../test/demo/browsers.ts';

const desktop = { viewport: { width: 1280, height: 860 } };

/** What each shows, from the top of which element on. */
const PICTURES: readonly {
  name: string;
  from?: string;
  options: BrowserContextOptions;
  act?: (page: Page) => Promise<void>;
}[] = [
  { name: 'page-light', options: { ...desktop, colorScheme: 'light' } },
  { name: 'page-dark', from: '.figure.growth', options: { ...desktop, colorScheme: 'dark' } },
  { name: 'page-phone', options: { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true } },
  {
    name: 'page-certify',
    from: '.figure.accuracy',
    options: { viewport: { width: 800, height: 1290 }, colorScheme: 'light' },
    act: certifyDigits,
  },
];

async function certifyDigits(page: Page): Promise<void> {
  await page.getByRole('button', { name: 'mlp.onnx' }).click();
  await page.waitForSelector('.title h2:text("mlp.onnx")');
  await page.getByRole('button', { name: /^Take .* drawn digits$/ }).click();
  await page.waitForSelector('.tile.counterexample');
}

const script = fileURLToPath(new URL('./build-demo.mjs', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'lipsoid-page-'));
execFileSync(process.execPath, [script, folder], { stdio: 'inherit' });
const site = await serve(folder);
const browser = await launch(false);
for (const { name, from, options, act } of PICTURES) {
  const page = await browser.newPage(options);
  page.setDefaultTimeout(120_000);
  await page.goto(site.url);
  await page.getByRole('button', { name: 'resnet.onnx' }).click();
  await page.waitForSelector('#bound');
  await page.waitForSelector('.figure.growth summary');
  await page.waitForSelector('.figure.spectrum svg');
  await page.waitForSelector('section.certify');
  await act?.(page);
  if (from)
    await page.locator(from).evaluate((element) => {
      element.scrollIntoView();
      scrollBy(0, -24);
    });
  // Fonts and charts settle.
  await page.waitForTimeout(1000);
  await page.screenshot({ path: fileURLToPath(new URL(`../docs/${name}.png`, import.meta.url)) });
  await page.close();
}
await browser.close();
site.close();
rmSync(folder, { recursive: true, force: true });
