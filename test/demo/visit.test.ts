/** What the built page shows of a network: one visit, one load, many looks. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Browser, Locator, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { glipsdpCnn } from '../../bench/networks.ts';
import { writeOnnx } from '../../src/formats/onnx/writing/write.ts';
import { model, node } from '../formats/onnx/build.ts';
import { drop, eventually, type Host, host, launch, searchBriefly, type Upload } from './host.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const DESK = { width: 1280, height: 860 };
const PHONE = { width: 375, height: 740 };

function example(name: string): Upload {
  return { name, bytes: readFileSync(join(root, 'examples', name)) };
}

interface Box {
  readonly text: string;
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
}

/** Where the texts of a drawing lie, in pixels from its own left and top; its size comes first. */
function textsOf(svg: Locator): Promise<[Box, ...Box[]]> {
  return svg.evaluate((element) => {
    const { left, top, right, bottom } = element.getBoundingClientRect();
    const whole = { text: '', left: 0, top: 0, right: right - left, bottom: bottom - top };
    const texts = [...element.querySelectorAll('text')].filter((text) => text.textContent !== '');
    const boxes = texts.map((text) => {
      const at = text.getBoundingClientRect();
      return {
        text: text.textContent ?? '',
        ...{ left: at.left - left, right: at.right - left, top: at.top - top, bottom: at.bottom - top },
      };
    });
    return [whole, ...boxes] as [Box, ...Box[]];
  });
}

function overlaps(a: Box, b: Box): boolean {
  return a.left < b.right && b.left < a.right && a.top < b.bottom - 2 && b.top < a.bottom - 2;
}

describe('a visit', () => {
  let site: Host;
  let browser: Browser;
  let page: Page;
  const errors: string[] = [];
  beforeAll(async () => {
    site = await host();
    browser = await launch(false);
    page = await browser.newPage({ viewport: DESK });
    page.setDefaultTimeout(60_000);
    page.on('pageerror', (error) => errors.push(error.message));
    await page.goto(site.url);
    await searchBriefly(page);
    await drop(page, example('resnet.onnx'));
    await page.waitForSelector('#bound');
    for (const name of ['search', 'methods', 'growth', 'multipliers', 'spectrum', 'margins'])
      await page.waitForSelector(`.figure.${name} svg`);
    await page.waitForSelector('.figure.growth summary');
  });
  afterEach(() => expect(errors.splice(0)).toEqual([]));
  afterAll(async () => {
    await browser?.close();
    site?.close();
  });

  const figure = (name: string) => page.locator(`.figure.${name}`);
  const drawing = (name: string) => figure(name).locator('.canvas svg').first();
  const title = () => page.locator('.title h2').textContent();
  const setTarget = async (target: string) => {
    const field = page.locator('form.settings [name=target]');
    if (!(await field.isVisible())) await page.getByText('More', { exact: true }).click();
    await field.fill(target);
    await page.getByRole('button', { name: 'Bound again' }).click();
  };

  it('lists the layers with shapes and torus sizes', async () => {
    const rows = page.locator('#layers tbody tr');
    expect(await rows.count()).toBe(15);
    // What the layer does to the bound stands between.
    expect(await rows.nth(1).textContent()).toMatch(/^convolutionstem×[\d.]+ · gap ×[\d.]+8×7×78016×16$/);
    expect(await page.locator('#layers .graph .mark').count()).toBe(15);
    const [whole, seen] = await page
      .locator('#layers .scroll')
      .evaluate((element) => [element.scrollWidth, element.clientWidth]);
    expect(whole).toBeLessThanOrEqual(seen!);
  });

  it('says what each layer does to the bound, and draws what it costs', async () => {
    const effects = await page.locator('#layers .effect:visible').allTextContents();
    const factors = effects.map((text) => /^×(\S+) · gap ×(\S+)$/.exec(text)!.slice(1).map(Number));
    const [bound, gap] = [0, 1].map((k) => factors.reduce((product, each) => product * each[k]!, 1));
    const shown = async (selector: string) => Number(await page.locator(selector).textContent());
    const closed = await shown('.rung.closedForm .value');
    // Three digits each.
    expect(bound! / closed).toBeCloseTo(1, 1);
    expect(gap).toBeGreaterThan(1);
    const bars = drawing('tightness').locator('[aria-label="bar"] rect, g rect');
    expect(await bars.count()).toBe(effects.length);
  });

  it('leads from a layer to its chart', async () => {
    const row = page.locator('#layers tbody tr', { hasText: 'block2_conv_1' });
    await row.getByRole('button').click();
    await eventually(() => figure('spectrum').locator('select').inputValue()).toBe('block2_conv_1');
    await eventually(() => figure('spectrum').locator('.extra').textContent()).toMatch(/the largest, at ω/);
  });

  it('says which engines there are none of', async () => {
    expect(
      await page.getByLabel('Engine', { exact: true }).locator('option[value=webgpu]').isDisabled(),
    ).toBe(true);
    expect(await page.locator('.offers').textContent()).toMatch(/WebGPU.*is not offered: /);
    expect(await page.locator('.facts').textContent()).toMatch(/Wasm SIMD.*no GPU/);
  });

  it('saves charts as SVG that stands alone', async () => {
    for (const [name, label] of [
      ['margins', 'Margins'],
      ['spectrum', 'Spectrum of a convolution'],
    ]) {
      const download = page.waitForEvent('download');
      await page.getByRole('button', { name: `Save ${label} as SVG` }).click();
      const svg = readFileSync((await (await download).path())!, 'utf8');
      expect(svg, name).toMatch(/^<svg /);
      expect(svg, name).toContain('http://www.w3.org/2000/svg');
      expect(svg, name).not.toMatch(/(fill|stroke)="[^"]*var\(/);
    }
  });

  it('opens help above everything else, and nothing moves', async () => {
    const buttons = page.locator('main button.help:visible');
    const count = await buttons.count();
    expect(count).toBeGreaterThan(15);
    for (let k = 0; k < count; k++) {
      const button = buttons.nth(k);
      await button.scrollIntoViewIfNeeded();
      const name = (await button.getAttribute('aria-label'))!;
      const heights = () => page.evaluate(() => [document.body.scrollHeight, scrollY]);
      const before = await heights();
      // A click of the mouse: what lies over the button would get it.
      await button.click({ timeout: 3000 });
      const text = page.locator('.help-text:visible');
      expect(await text.count(), name).toBe(1);
      const { x, width } = (await text.boundingBox())!;
      expect(x, name).toBeGreaterThanOrEqual(0);
      expect(x + width, name).toBeLessThanOrEqual(DESK.width);
      expect(await heights(), name).toEqual(before);
      await page.keyboard.press('Escape');
      expect(await text.count(), name).toBe(0);
    }
  });

  it.each([
    ['a desk', DESK],
    ['a phone', PHONE],
  ])('draws charts that hold all of their words, on %s', async (_, viewport) => {
    await page.setViewportSize(viewport);
    try {
      for (const name of ['search', 'methods', 'growth', 'multipliers', 'spectrum', 'margins']) {
        await eventually(async () => (await textsOf(drawing(name)))[0].right).toBeLessThanOrEqual(
          viewport.width,
        );
        const [whole, ...texts] = await textsOf(drawing(name));
        expect(texts.length, name).toBeGreaterThan(2);
        for (const { text, left, right, top, bottom } of texts) {
          expect(Math.min(left, top), `${name}: ${text}`).toBeGreaterThanOrEqual(-1);
          expect(right - whole.right, `${name}: ${text}`).toBeLessThanOrEqual(1);
          expect(bottom - whole.bottom, `${name}: ${text}`).toBeLessThanOrEqual(1);
        }
      }
    } finally {
      await page.setViewportSize(DESK);
    }
  });

  it.each(['search', 'growth', 'multipliers', 'spectrum'])(
    'says the values under a pointer, in %s',
    async (name) => {
      await drawing(name).hover();
      await eventually(() => drawing(name).locator('[aria-label=tip]').textContent()).toMatch(/\d/);
    },
  );

  it('ends the growth with the best closed form of the whole network', async () => {
    const last = figure('growth').locator('tbody tr').last().locator('td').first();
    expect(await last.textContent()).toBe(await page.locator('.rung.closedForm .value').textContent());
  });

  it('says of growth what the headline is, with labels that can be read', async () => {
    const texts = (await textsOf(drawing('growth'))).slice(1);
    const labels = texts.filter(({ text }) => /^(product of norms|closed form|refined)$/.test(text));
    expect(labels.map(({ text }) => text).sort()).toEqual(['closed form', 'product of norms', 'refined']);
    for (const [k, a] of labels.entries())
      for (const b of labels.slice(k + 1)) expect(overlaps(a, b), `${a.text}, ${b.text}`).toBe(false);
    // Inside residual blocks nothing is bounded: what goes across them is no line of values.
    const across = await drawing('growth').locator('[stroke-dasharray="2 4"]').count();
    const rows = await figure('growth').locator('tbody tr').count();
    const layers = await page.locator('#layers tbody tr:not(.input)').count();
    expect(rows).toBeLessThan(layers);
    expect(across).toBeGreaterThan(0);
  });

  it('says what colours of a spectrum stand for, and where its peak is on the axes', async () => {
    const words = (await figure('spectrum').locator('.extra').textContent())!;
    const numbers = await drawing('spectrum').locator('.ramp text').allTextContents();
    expect(numbers).toHaveLength(3);
    const [, most] = /and (\S+); the largest/.exec(words)!;
    expect(Number(numbers[2]) / Number(most)).toBeCloseTo(1, 2);
    const [, omega] = /ω = \((.*)\)/.exec(words)!;
    for (const turn of omega!.split(', ')) {
      const [above, below = '1'] = turn.replace('−', '-').split('/');
      expect(Math.abs(Number(above) / Number(below)), turn).toBeLessThanOrEqual(0.5);
    }
  });

  it('writes numbers on the axis of a search that gained little', async () => {
    await drop(page, example('cnn.onnx'));
    await eventually(title).toBe('cnn.onnx');
    await page.waitForSelector('#bound');
    await page.waitForSelector('.figure.search svg');
    const ticks = (await textsOf(drawing('search')))
      .slice(1)
      .filter(({ right, text }) => right < 56 && /^\d/.test(text));
    expect(ticks.length).toBeGreaterThanOrEqual(2);
  });

  it('compares networks, a pair of outputs marked as one, and shows the bounds on a phone', async () => {
    await setTarget('3,5');
    await eventually(() => page.locator('#answer h3').textContent()).toMatch(/one margin/);
    const rows = page.locator('#models tbody tr');
    await eventually(() => rows.nth(1).locator('.best').textContent()).toMatch(/^\d/);
    expect(await rows.nth(1).locator('th').textContent()).toBe('cnn.onnxoutput 3 − output 5');
    expect(await rows.nth(0).locator('th').textContent()).toBe('resnet.onnx');
    await page.setViewportSize(PHONE);
    try {
      for (const k of [0, 1]) {
        const { x, width } = (await rows.nth(k).locator('.best').boundingBox())!;
        expect(x + width).toBeLessThanOrEqual(PHONE.width);
      }
    } finally {
      await page.setViewportSize(DESK);
    }
  });

  it('ends the growth of a pair of outputs with the bound of the pair', async () => {
    const summary = figure('growth').locator('summary');
    await summary.waitFor();
    const closed = await page.locator('.rung.closedForm .value').textContent();
    const last = figure('growth').locator('tbody tr').last().locator('td').first();
    expect(await last.textContent()).toBe(closed);
    expect(await figure('growth').locator('.extra').textContent()).toMatch(/output 3 minus output 5/);
  });

  it('starts a search from multipliers that it has saved', async () => {
    await setTarget('global');
    await eventually(() => page.locator('#answer h3').textContent()).toMatch(/Lipschitz bound/);
    const [, found] = [
      await page.waitForSelector('#bound'),
      Number(await page.getAttribute('#bound', 'value')),
    ];
    const download = page.waitForEvent('download');
    await page.getByRole('button', { name: 'Multipliers (JSON)' }).click();
    const bytes = readFileSync((await (await download).path())!);
    await drop(page, { name: 'kept.json', bytes });
    const notice = page.locator('#notice');
    await eventually(() => notice.textContent()).toBe('The search starts from the multipliers in kept.json.');
    expect(await notice.getAttribute('class')).toMatch(/plain/);
    expect(await page.locator('.verdict').count()).toBe(0);
    await page.waitForSelector('.answer:not(.interim) #bound');
    expect(Number(await page.getAttribute('#bound', 'value'))).toBeLessThanOrEqual(found * (1 + 1e-9));
  });

  it('says of a saved result what it is', async () => {
    const document = { network: { sha256: 'ab' }, engine: {}, methods: [], bound: 1 };
    await drop(page, { name: 'cnn.bound.json', bytes: new TextEncoder().encode(JSON.stringify(document)) });
    await eventually(() => page.locator('#notice').textContent()).toMatch(
      /holds results, in which nothing proves/,
    );
    expect(await page.locator('.verdict').count()).toBe(0);
  });

  it('starts with large networks as well, and takes being cancelled for no error', async () => {
    await drop(page, { name: 'large.onnx', bytes: writeOnnx(glipsdpCnn(3, 64)) });
    await eventually(title).toBe('large.onnx');
    await page.locator('#progress .progress').waitFor();
    await eventually(() => page.locator('#layers').textContent()).toMatch(/Tflop|Gflop/);
    await page.getByRole('button', { name: 'Cancel' }).click();
    const ended = page.locator('#progress .notice');
    await eventually(() => ended.textContent()).toBe('Cancelled.');
    expect(await ended.getAttribute('class')).toBe('notice plain');
  });

  it('lets networks be chosen and removed', async () => {
    await page.locator('#models').getByRole('button', { name: 'cnn.onnx', exact: true }).click();
    await eventually(title).toBe('cnn.onnx');
    await page.getByRole('button', { name: 'Remove large.onnx' }).click();
    await page.getByRole('button', { name: 'Remove cnn.onnx' }).click();
    await eventually(title).toBe('resnet.onnx');
    expect(await page.locator('#comparison').isVisible()).toBe(false);
  });

  it('prints the answer and its charts, and nothing to click', async () => {
    await page.emulateMedia({ media: 'print' });
    try {
      expect(await page.locator('#answer .hero').isVisible()).toBe(true);
      expect(await drawing('growth').isVisible()).toBe(true);
      for (const selector of ['.intake', '#settings', 'button.help >> nth=0'])
        expect(await page.locator(selector).isVisible(), selector).toBe(false);
    } finally {
      await page.emulateMedia({ media: 'screen' });
    }
  });

  it('asks of files only for what would help', async () => {
    const refusal = page.locator('.refusal');
    await drop(page, { name: 'letter.txt', bytes: new TextEncoder().encode('Dear network') });
    await eventually(title).toBe('letter.txt');
    await refusal.waitFor();
    expect(await refusal.textContent()).toMatch(/must be a model/);
    expect(await refusal.locator('input').count()).toBe(0);
    const open = model([node('Relu', 'x', 'y')], { inputs: { x: ['N', 'features'] } });
    await drop(page, { name: 'open.onnx', bytes: open });
    await eventually(title).toBe('open.onnx');
    await refusal.waitFor();
    expect(await refusal.locator('input').count()).toBe(1);
    expect(await refusal.locator('p').textContent()).toMatch(/“Input shape without the batch axis”/);
  });

  it('is reached by addresses that carry network and settings', async () => {
    await page.goto(`${site.url}?example=mlp.onnx&rule=GC(1.5)&evaluations=7`);
    await page.waitForSelector('#bound');
    expect(await page.locator('.facts').textContent()).toMatch(/closed-form, GC\(1\.5\)/);
    await eventually(async () => new URL(page.url()).searchParams.get('evaluations')).toBe('7');
    await page.locator('form.settings [name=method]').selectOption('spectral-product');
    await page.locator('form.settings [name=rule]').evaluate((field) => {
      (field as HTMLSelectElement).value = '';
      field.dispatchEvent(new Event('change', { bubbles: true }));
    });
    const { search } = new URL(page.url());
    expect(search).toBe('?example=mlp.onnx&method=spectral-product&evaluations=7');
    const asset = readdirSync(join(site.folder, 'assets')).find((name) => /^beats-.*\.onnx$/.test(name))!;
    await page.goto(`${site.url}?url=assets/${asset}&evaluations=3`);
    await page.waitForSelector('#bound');
    expect(await title()).toBe(asset);
    await page.goto(`${site.url}?url=https://example.org/net.onnx`);
    await eventually(() => page.locator('#notice').textContent()).toMatch(
      /reaches no other host than its own/,
    );
    await page.goto(`${site.url}?url=http://[`);
    await eventually(() => page.locator('#notice').textContent()).toMatch(/is no address/);
    await page.goto(`${site.url}?url=assets/%25E0%25.onnx`);
    await eventually(() => page.locator('#notice').textContent()).toMatch(/could not be fetched/);
  });
});
