/** The built page in Firefox: that it always comes to an end, and that what it offers works there too. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Browser, Page } from 'puppeteer-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { glipsdpCnn } from '../../bench/networks.ts';
import { drawDigits, SIDE } from '../../examples/digits.ts';
import { bound } from '../../src/bounds/bound.ts';
import type { BoundOptions } from '../../src/bounds/result.ts';
import { certifySamples } from '../../src/certify/certify.ts';
import { createEngine } from '../../src/engine/create.ts';
import { loadNetwork } from '../../src/formats/load.browser.ts';
import { writeOnnx } from '../../src/formats/onnx/writing/write.ts';
import { labelsNpy, npy } from '../certify/data/files.ts';
import { runs } from '../support/runs.ts';
import { drop, eventually, type Host, host, launchFirefox, PATIENCE, type Upload } from './host.ts';

/** What was wrong was so in every second run; with LIPSOID_RUNS=5 they are twenty. */
const RUNS = runs(4);

/** Its products are large enough for workers inside the worker, and many, so that a collection of garbage falls into one of them. */
const SHARED: Upload = { name: 'cnn.onnx', bytes: writeOnnx(glipsdpCnn(2, 24)) };

const RESNET: Upload = {
  name: 'resnet.onnx',
  bytes: readFileSync(fileURLToPath(new URL('../../examples/resnet.onnx', import.meta.url))),
};

const MLP: Upload = {
  name: 'mlp.onnx',
  bytes: readFileSync(fileURLToPath(new URL('../../examples/mlp.onnx', import.meta.url))),
};

async function expectedOf({ bytes }: Upload, options: BoundOptions): Promise<number> {
  const engine = await createEngine({ engine: 'cpu-wasm' });
  try {
    return (await bound(await loadNetwork(bytes), { ...options, engine, lower: false })).bound!;
  } finally {
    await engine.close();
  }
}

async function fill(page: Page, name: string, value: string): Promise<void> {
  await page.$eval(
    `form.settings [name=${name}]`,
    (field, text) => {
      (field as HTMLInputElement | HTMLSelectElement).value = text;
      field.dispatchEvent(new Event('change', { bubbles: true }));
    },
    value,
  );
}

/** Clicks on the button with this text once it is there and not disabled. */
async function press(page: Page, text: string): Promise<void> {
  await eventually(() =>
    page.$$eval(
      'button',
      (buttons, wanted) => {
        const found = buttons.find((b) => b.textContent === wanted && !b.disabled && b.checkVisibility());
        found?.click();
        return found !== undefined;
      },
      text,
    ),
  ).toBe(true);
}

function textOf(page: Page, selector: string): Promise<string> {
  return page.$$eval(selector, (elements) => elements.map((e) => e.textContent).join(' '));
}

function shown(page: Page): Promise<number> {
  return page.$$eval('#bound', (elements) => Number((elements[0] as HTMLDataElement | undefined)?.value));
}

describe('the page in Firefox', () => {
  const folder = mkdtempSync(join(tmpdir(), 'lipsoid-firefox-'));
  let site: Host;
  let browser: Browser;
  const errors: string[] = [];
  beforeAll(async () => {
    site = await host();
    browser = await launchFirefox(folder);
  });
  afterEach(() => expect(errors.splice(0)).toEqual([]));
  afterAll(async () => {
    await browser?.close();
    site?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  /** A page that shares nothing with those before. */
  async function visited(look: (page: Page) => Promise<void>): Promise<void> {
    const context = await browser.createBrowserContext();
    try {
      const page = await context.newPage();
      page.setDefaultTimeout(PATIENCE);
      page.on('pageerror', (error) => errors.push(String(error)));
      await page.goto(site.url);
      await look(page);
    } finally {
      await context.close();
    }
  }

  // Workers inside the worker were collected while they were at work, or blocked it as they started, and the page waited for ever.
  it(
    `comes to an end ${RUNS} times out of ${RUNS}`,
    async () => {
      const expected = await expectedOf(SHARED, { rule: 'GC(1.5)' });
      for (let k = 1; k <= RUNS; k++) {
        await visited(async (page) => {
          await fill(page, 'rule', 'GC(1.5)');
          // Nested workers can block for good there: whatever is asked for, none is started.
          await fill(page, 'threads', '2');
          await drop(page, SHARED);
          await page.waitForSelector('#bound').catch(async () => {
            throw new Error(
              `run ${k} of ${RUNS}: got no bound, only ${await textOf(page, '#progress .what')}`,
            );
          });
          expect(Math.abs((await shown(page)) / expected - 1)).toBeLessThan(1e-9);
          expect(await textOf(page, '.facts')).toMatch(/Wasm SIMD, 1 thread\b/);
        });
      }
    },
    RUNS * PATIENCE,
  );

  it('bounds, draws, cancels, bounds again, certifies and verifies', async () => {
    const expected = await expectedOf(RESNET, { evaluations: 10 });
    await visited(async (page) => {
      await fill(page, 'evaluations', '10');
      await drop(page, RESNET);
      await page.waitForSelector('#bound');
      // One thread without shared memory has kernels of its own, and a search makes more of their last digits.
      expect(Math.abs((await shown(page)) / expected - 1)).toBeLessThan(1e-3);
      for (const name of ['search', 'methods', 'growth', 'multipliers', 'spectrum', 'margins'])
        await page.waitForSelector(`.figure.${name} svg`);

      // A search that does not end by itself.
      await fill(page, 'method', 'refined');
      await fill(page, 'evaluations', '1000000');
      await fill(page, 'time-limit', '100000');
      await press(page, 'Bound again');
      await eventually(() => textOf(page, '#progress .what')).toMatch(/^refined: evaluation \d+$/);
      await press(page, 'Cancel');
      await eventually(() => textOf(page, '.notice')).toMatch(/Cancelled\./);
      await fill(page, 'evaluations', '20');
      await press(page, 'Bound again');
      await eventually(() => textOf(page, '.facts')).toMatch(/stopped at 20 evaluations/);

      await press(page, 'Certificate');
      const saved = 'resnet.certificate.json';
      await eventually(async () => readdirSync(folder)).toContain(saved);
      const certificate = () => readFileSync(join(folder, saved));
      await eventually(async () => certificate().toString().endsWith('}\n')).toBe(true);
      await drop(page, { name: saved, bytes: certificate() });
      await eventually(() => textOf(page, '.verdict')).toMatch(/Certificate accepted/);
    });
  });

  it('certifies samples, and shows where one can be moved to', async () => {
    const { values, labels, size } = drawDigits(3, 2);
    const samples = Array.from(labels, (label, index) => ({
      ...{ index, label },
      input: Float64Array.from(values.subarray(index * size, (index + 1) * size)),
    }));
    await visited(async (page) => {
      const images = { name: 'digits.npy', bytes: npy([3, SIDE, SIDE], values) };
      await drop(page, MLP, images, { name: 'labels.npy', bytes: labelsNpy([...labels]) });
      await press(page, 'Certify');
      await page.waitForSelector('.tile.counterexample canvas');
      await page.waitForSelector('.figure.accuracy svg');
      const network = await loadNetwork(MLP.bytes);
      for await (const report of certifySamples(network, samples, { maxRadius: true, global: false })) {
        const row = `.results tr[data-index="${report.index}"] td`;
        const cells = await page.$$eval(row, (all) => all.map((cell) => cell.textContent));
        expect(cells.slice(0, 2)).toEqual([String(report.label), String(report.predicted)]);
        const radius = Number(cells[3]);
        expect(radius).toBeGreaterThan(0);
        expect(Math.abs(radius / report.radius! - 1)).toBeLessThan(0.02);
        expect(Math.abs(Number(cells[5]) / report.attack! - 1)).toBeLessThan(1e-5);
      }
    });
  });
});
