/** Samples on the built page in Chromium: files and drawn digits, what is shown of them against the library in Node. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import type { Browser, BrowserContextOptions, Locator, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { pixelsOf } from '../../demo/src/certifying/strokes.ts';
import { drawDigits, SIDE } from '../../examples/digits.ts';
import { certifySamples } from '../../src/certify/certify.ts';
import type { SampleReport } from '../../src/certify/report.ts';
import { createEngine } from '../../src/engine/create.ts';
import { loadNetwork } from '../../src/formats/load.browser.ts';
import { labelsNpy, npy } from '../certify/data/files.ts';
import { drop, eventually, type Host, host, launch, PATIENCE, type Upload } from './host.ts';

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const MLP: Upload = {
  name: 'mlp.onnx',
  bytes: readFileSync(fileURLToPath(new URL('../../examples/mlp.onnx', import.meta.url))),
};

const COUNT = 5;
const { values, labels, size } = drawDigits(COUNT, 2);
const inputs = Array.from({ length: COUNT }, (_, k) =>
  Float64Array.from(values.subarray(k * size, (k + 1) * size)),
);
const IMAGES: Upload = { name: 'digits.npy', bytes: npy([COUNT, 1, SIDE, SIDE], values) };
/** The last is wrong. */
const KNOWN = [...labels.subarray(0, COUNT - 1), 9];
const LABELS: Upload = { name: 'digits-labels.npy', bytes: labelsNpy(KNOWN) };

async function expectedOf(
  samples: readonly { input: Float64Array; label?: number }[],
): Promise<SampleReport[]> {
  const engine = await createEngine({ engine: 'cpu-wasm' });
  try {
    const reports: SampleReport[] = [];
    const all = samples.map((sample, index) => ({ index, ...sample }));
    const options = { engine, maxRadius: true, global: false };
    for await (const report of certifySamples(await loadNetwork(MLP.bytes), all, options))
      reports.push(report);
    return reports;
  } finally {
    await engine.close();
  }
}

/** Numbers of a row: what is written in full digits is not far from what it was. */
async function rowOf(row: Locator) {
  const [index, label, largest, margin, radius, by, attack] = await row.locator('th, td').allTextContents();
  return {
    index,
    label,
    largest,
    margin: Number(margin),
    radius: Number(radius),
    by,
    attack: Number(attack),
  };
}

function expectSame(shown: Awaited<ReturnType<typeof rowOf>>, report: SampleReport): void {
  expect(shown.index).toBe(String(report.index));
  expect(shown.label).toBe(report.label === null ? '–' : String(report.label));
  expect(shown.largest).toBe(String(report.predicted));
  expect(Math.abs(shown.margin / report.margin! - 1)).toBeLessThan(1e-5);
  expect(Math.abs(shown.attack - report.attack!)).toBeLessThanOrEqual(1e-5 * report.attack!);
  // Searches differ in last digits between threads, and halvings then end elsewhere.
  expect(Math.abs(shown.radius - report.radius!)).toBeLessThanOrEqual(0.02 * report.radius!);
  expect(shown.by).toBe(report.stages.radius ?? '–');
}

/** The largest of the outputs that bars are drawn of. */
async function largestOf(tile: Locator): Promise<number> {
  const text = (await tile.locator('.bars').getAttribute('aria-label'))!;
  const outputs = [...text.matchAll(/(\d+): ([-\d.e+]+)/g)].map(([, , value]) => Number(value));
  expect(outputs).toHaveLength(10);
  return outputs.indexOf(Math.max(...outputs));
}

function pixels(canvas: Locator): Promise<number[]> {
  return canvas.evaluate((element) => {
    const { width, height } = element as HTMLCanvasElement;
    const { data } = (element as HTMLCanvasElement).getContext('2d')!.getImageData(0, 0, width, height);
    return [...data].filter((_, k) => k % 4 === 0);
  });
}

async function problems(page: Page): Promise<string[]> {
  await page.evaluate(axe);
  interface Violation {
    readonly id: string;
    readonly impact: string;
    readonly nodes: readonly { readonly html: string }[];
  }
  const { violations } = (await page.evaluate('axe.run()')) as { violations: Violation[] };
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(({ id, nodes }) => `${id}: ${nodes.map((n) => n.html).join(' ')}`);
}

describe('samples on the page', () => {
  let site: Host;
  let browser: Browser;
  const pages: Page[] = [];
  const errors: string[] = [];
  beforeAll(async () => {
    site = await host();
    browser = await launch(false);
  });
  afterEach(async () => {
    await Promise.all(pages.splice(0).map((page) => page.close()));
    expect(errors.splice(0)).toEqual([]);
  });
  afterAll(async () => {
    await browser?.close();
    site?.close();
  });

  async function visit(options: BrowserContextOptions = {}): Promise<Page> {
    const page = await browser.newPage(options);
    pages.push(page);
    page.setDefaultTimeout(PATIENCE);
    page.on('pageerror', (error) => errors.push(error.message));
    await page.goto(site.url);
    return page;
  }

  const press = (page: Page, name: string) => page.getByRole('button', { name, exact: true }).click();
  const rows = (page: Page) => page.locator('.results tbody tr');
  const settled = (page: Page) => page.waitForSelector('.tiles');

  it('of files are certified as by the library, drawn as a curve, and saved as the command line prints them', async () => {
    const page = await visit();
    await drop(page, MLP, IMAGES, LABELS);
    await eventually(() => page.locator('.outline-of-samples').textContent()).toBe(
      'digits.npy: 5 samples of 196; labels: digits-labels.npy.',
    );
    await press(page, 'Certify');
    await settled(page);
    const expected = await expectedOf(inputs.map((input, k) => ({ input, label: KNOWN[k]! })));
    expect(await rows(page).count()).toBe(COUNT);
    for (const [k, report] of expected.entries()) expectSame(await rowOf(rows(page).nth(k)), report);
    expect(expected.map(({ radius }) => radius! > 0)).toEqual([true, true, true, true, false]);
    expect(await page.locator('.summary').textContent()).toMatch(/Predicted as labelled: 4 of 5\./);

    // The curve of certified radii begins at four fifths, and has a step for each radius.
    const curve = page.locator('.figure.accuracy svg');
    expect(await curve.getAttribute('aria-label')).toBe('mlp.onnx on digits.npy, 5 samples');
    const steps = (await curve.locator('path[fill=none]').last().getAttribute('d'))!;
    expect(steps.match(/V/g)).toHaveLength(4);

    const download = page.waitForEvent('download');
    await press(page, 'Results (JSON)');
    const saved = JSON.parse(readFileSync((await (await download).path())!, 'utf8'));
    expect(Object.keys(saved)).toEqual([
      'network',
      'data',
      'engine',
      'norm',
      'unit',
      'radii',
      'samples',
      'summary',
    ]);
    expect(saved.summary).toMatchObject({ samples: COUNT, clean: 4 });
    expect(saved.samples.map(({ predicted }: SampleReport) => predicted)).toEqual(
      expected.map(({ predicted }) => predicted),
    );
  });

  it('are shown moved: to where the label still stays, and to where it does not', async () => {
    const page = await visit();
    await drop(page, MLP, IMAGES, LABELS);
    await press(page, 'Certify');
    await settled(page);
    await press(page, '2');
    await eventually(() => page.locator('#sample-title').textContent()).toMatch(/^Sample 2/);
    const tile = (kind: string) => page.locator(`.tile.${kind}`);
    await tile('counterexample').waitFor();
    const black = (x: number) => Math.min(255, Math.max(0, 255 * x));
    const image = await pixels(tile('input').locator('canvas'));
    expect(image).toHaveLength(SIDE * SIDE);
    for (const [k, x] of inputs[2]!.entries())
      expect(Math.abs(image[k]! - black(x))).toBeLessThanOrEqual(0.51);
    expect(await largestOf(tile('input'))).toBe(2);
    expect(await largestOf(tile('certified'))).toBe(2);
    const said = await tile('counterexample').locator('figcaption').textContent();
    const other = Number(/now (\d)/.exec(said!)![1]);
    expect(other).not.toBe(2);
    // Both have moved, the counterexample farther, and no more than they say.
    const moved = async (kind: string) => {
      const there = await pixels(tile(kind).locator('canvas'));
      return Math.hypot(...there.map((value, k) => (value - image[k]!) / 255));
    };
    const [near, far] = [await moved('certified'), await moved('counterexample')];
    const row = await rowOf(rows(page).nth(2));
    expect(near).toBeGreaterThan(0.5 * row.radius);
    // Pixels are rounded to bytes.
    expect(near).toBeLessThan(row.radius + SIDE / 510);
    expect(far).toBeLessThan(row.attack + SIDE / 510);
    await press(page, '4');
    await eventually(() => page.locator('.tiles').textContent()).toMatch(/wrong is never certified/);
  });

  it('are drawn with a pen, and certified when it rests', async () => {
    const page = await visit();
    await drop(page, MLP);
    await press(page, 'Draw a digit');
    const canvas = page.locator('.drawing canvas');
    await canvas.scrollIntoViewIfNeeded();
    const box = (await canvas.boundingBox())!;
    // Whole pixels of the screen: what the page hears is then what is reckoned with here.
    const stroke = [
      [0.28, 0.2],
      [0.72, 0.2],
      [0.45, 0.85],
    ].map(([x, y]) => [Math.round(box.x + x! * box.width), Math.round(box.y + y! * box.height)] as const);
    await page.mouse.move(...stroke[0]!);
    await page.mouse.down();
    for (const at of stroke.slice(1)) await page.mouse.move(...at);
    await page.mouse.up();
    await settled(page);
    const input = pixelsOf(
      [stroke.map(([x, y]) => [(x - box.x) / box.width, (y - box.y) / box.height])],
      SIDE,
    );
    const shown = await pixels(canvas);
    for (const [k, x] of input.entries()) expect(Math.abs(shown[k]! - 255 * x)).toBeLessThan(2);
    const [unlabelled] = await expectedOf([{ input }]);
    expect(unlabelled).toMatchObject({ predicted: 7, label: null });
    expectSame(await rowOf(rows(page).first()), unlabelled!);
    expect(await page.locator('.figure.accuracy').isVisible()).toBe(false);
    // Said to be another digit, it is a wrong prediction.
    await page.getByLabel('It is meant to be a').selectOption('3');
    await eventually(async () => (await rowOf(rows(page).first())).label).toBe('3');
    expect(await rowOf(rows(page).first())).toMatchObject({ largest: '7', radius: 0, by: '–', attack: 0 });
  });

  it('that cannot be read are refused with the file, and with what would do', async () => {
    const page = await visit();
    const evil = '\u001b[2J\u202e';
    const notice = page.locator('.request .notice');
    await drop(page, IMAGES);
    await eventually(() => page.locator('#notice').textContent()).toMatch(
      /digits\.npy: now drop the network/,
    );
    await drop(page, MLP);
    await eventually(() => notice.textContent()).toMatch(
      /digits\.npy: holds inputs alone; give the file of their labels together with it, or say that there are none/,
    );
    await drop(page, LABELS);
    await eventually(() => page.locator('.outline-of-samples').textContent()).toMatch(
      /labels: digits-labels/,
    );
    await drop(page, { name: `x${evil}.npz`, bytes: Uint8Array.of(1, 2, 3) });
    await eventually(() => notice.textContent()).toMatch(
      /x\\u001b\[2J\\u202e\.npz: must be a file of samples \(/,
    );
    await drop(page, { name: 'small.npy', bytes: npy([2, 9], Array(18).fill(0)) });
    await eventually(() => notice.textContent()).toMatch(/^small\.npy: holds inputs alone/);
    await page.getByLabel('There are no labels').check();
    await press(page, 'Read again');
    await eventually(() => notice.textContent()).toMatch(
      /small\.npy: must have samples of the network's input \[196\], got \[9\]/,
    );
    // Without labels the digits do.
    await drop(page, IMAGES);
    await eventually(() => notice.textContent()).toMatch(/^digits\.npy: holds inputs alone/);
    await page.getByLabel('There are no labels').check();
    await press(page, 'Read again');
    await eventually(() => page.locator('.outline-of-samples').textContent()).toMatch(/no labels: what is/);
    await page.getByLabel('Pixels lie between').fill('1,0');
    await press(page, 'Certify');
    await eventually(() => notice.textContent()).toMatch(/the smaller one first/);
    await page.getByLabel('Pixels lie between').fill('0,1');
    await press(page, 'Certify');
    await eventually(() => page.locator('.certify-progress').textContent()).toMatch(
      /digits\.npy: must keep to the limits of pixels, got -?[\d.]+ at entry \d+ of sample 0/,
    );
  });

  it('can be cancelled: what has been found stays, and the page goes on', async () => {
    const page = await visit();
    await drop(page, MLP);
    await press(page, 'Take 30 drawn digits');
    await eventually(() => page.locator('.certify .what').textContent()).toMatch(/^sample [2-9] of 30$/);
    await page.locator('.certify').getByRole('button', { name: 'Cancel' }).click();
    await eventually(() => page.locator('.certify-progress .notice').textContent()).toMatch(
      /^Cancelled\. \d+ of 30 samples are certified\.$/,
    );
    const count = await rows(page).count();
    expect(count).toBeGreaterThan(0);
    expect(count).toBeLessThan(30);
    await page.getByText('Arrays, pixels, effort').click();
    await page.getByLabel('Evaluations of the moving centre').fill('0');
    await press(page, 'Certify');
    await eventually(() => page.locator('.summary').textContent()).toMatch(
      /Predicted as labelled: 30 of 30.*Certified: 30 by anchored closed form/,
    );
  });

  it('are fetched for with the first bound of a network that classifies, and nothing leaves the host', async () => {
    const page = await visit();
    const asked: { url: string; method: string }[] = [];
    page.context().on('request', (request) => asked.push({ url: request.url(), method: request.method() }));
    const parts = () => asked.filter(({ url }) => /section|samples/.test(url)).length;
    expect(parts()).toBe(0);
    await drop(page, MLP);
    await page.waitForSelector('section.certify');
    expect(parts()).toBe(1);
    await drop(page, IMAGES, LABELS);
    await press(page, 'Certify');
    await settled(page);
    expect(parts()).toBe(2);
    const foreign = asked.filter(({ url }) => !/^(blob|data):/.test(url) && !url.startsWith(site.url));
    expect(foreign).toEqual([]);
    expect(asked.filter(({ method }) => method !== 'GET')).toEqual([]);
  });

  it.each([
    ['light', { colorScheme: 'light' }],
    ['dark, on a phone', { colorScheme: 'dark', viewport: { width: 360, height: 740 }, isMobile: true }],
  ] as const)('have no serious accessibility problem: %s', async (_, options) => {
    const page = await visit(options);
    await drop(page, MLP, IMAGES, LABELS);
    await press(page, 'Certify');
    await settled(page);
    await press(page, 'Draw a digit');
    await page.getByText('Arrays, pixels, effort').click();
    await page.waitForSelector('.figure.accuracy svg');
    expect(await problems(page)).toEqual([]);
    const width = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
    expect(width[0]).toBeLessThanOrEqual(width[1]!);
  });
});
