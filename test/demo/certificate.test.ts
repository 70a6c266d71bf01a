/** A certificate's round trip: made by the page, checked by the command line, and by the page again. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as lipsoid from '../../src/index.browser.ts';
import { eventually, type Host, host, launch, PATIENCE, searchBriefly } from './host.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const network = join(root, 'examples/resnet.onnx');

describe.runIf('verify' in lipsoid)('a certificate', () => {
  let site: Host;
  beforeAll(async () => {
    site = await host();
  });
  afterAll(() => site?.close());

  it('goes from the page to the command line and back', async () => {
    const browser = await launch(false);
    try {
      const page = await browser.newPage();
      page.setDefaultTimeout(PATIENCE);
      await page.goto(site.url);
      await searchBriefly(page);
      await page.setInputFiles('#choose', network);
      await page.waitForSelector('#bound');
      const download = page.waitForEvent('download');
      await page.getByRole('button', { name: 'Certificate', exact: true }).click();
      const text = readFileSync((await (await download).path())!, 'utf8');
      const file = join(site.folder, 'resnet.certificate.json');
      await writeFile(file, text);
      const verify = ['--import', 'tsx', 'src/cli/main.ts', 'verify', file, network];
      const { status, stdout } = spawnSync(process.execPath, verify, { cwd: root, encoding: 'utf8' });
      expect(stdout).toMatch(/^accepted/);
      expect(status).toBe(0);

      // Before its network: it waits.
      await page.reload();
      await page.setInputFiles('#choose', file);
      await eventually(() => page.locator('#notice').textContent()).toMatch(/now drop the network/);
      await page.setInputFiles('#choose', network);
      await eventually(() => page.locator('.verdict').textContent()).toMatch(/Certificate accepted/);

      const certificate = JSON.parse(text) as { claim: { bound: number; log10: number } };
      const claim = { bound: certificate.claim.bound / 2, log10: Math.log10(certificate.claim.bound / 2) };
      await writeFile(file, JSON.stringify({ ...certificate, claim }));
      await page.setInputFiles('#choose', file);
      await eventually(() => page.locator('.verdict').textContent()).toMatch(/Certificate rejected/);

      await page.setInputFiles('#choose', join(root, 'examples/mlp.onnx'));
      await page.getByRole('button', { name: 'Remove resnet.onnx' }).click();
      await writeFile(file, text);
      await page.setInputFiles('#choose', file);
      await eventually(() => page.locator('.verdict').textContent()).toMatch(/Certificate rejected/);
    } finally {
      await browser.close();
    }
  });
});
