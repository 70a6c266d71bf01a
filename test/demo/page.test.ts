/** The built page in Chromium: what people do with it, and what it must never do. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { create } from '@bufbuild/protobuf';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { glipsdpCnn } from '../../bench/networks.ts';
import type { BoundResult } from '../../src/bounds/result.ts';
import { TensorProtoSchema } from '../../src/formats/onnx/protobuf/onnx_pb.ts';
import { DataType, EXTERNAL } from '../../src/formats/onnx/values/tensors.ts';
import { writeOnnx } from '../../src/formats/onnx/writing/write.ts';
import { withoutGpu } from '../engine/webgpu/hosts.ts';
import { floats, model, node } from '../formats/onnx/build.ts';
import { drop, eventually, type Host, host, launch, PATIENCE, searchBriefly, type Upload } from './host.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

function example(name: string): Upload {
  return { name, bytes: readFileSync(join(root, 'examples', name)) };
}

async function boundShown(page: Page): Promise<number> {
  await page.waitForSelector('#bound');
  return Number(await page.getAttribute('#bound', 'value'));
}

/** What the command line says of a file. */
function commandLine(file: string, ...options: readonly string[]): BoundResult {
  const { stdout, stderr, status } = spawnSync(
    process.execPath,
    ['--import', 'tsx', 'src/cli/main.ts', 'bound', file, '--json', ...options],
    { cwd: root, encoding: 'utf8' },
  );
  if (status !== 0) throw new Error(`lipsoid: ended with ${status}: ${stderr}`);
  return JSON.parse(stdout) as BoundResult;
}

async function open(browser: Browser, url: string, options: BrowserContextOptions = {}): Promise<Page> {
  const page = await browser.newPage(options);
  page.setDefaultTimeout(PATIENCE);
  await page.goto(url);
  return page;
}

let site: Host;
beforeAll(async () => {
  site = await host();
});
afterAll(() => site?.close());

describe('the page', () => {
  let browser: Browser;
  const pages: Page[] = [];
  const errors: string[] = [];
  beforeAll(async () => {
    browser = await launch(false);
  });
  afterEach(async () => {
    await Promise.all(pages.splice(0).map((page) => page.close()));
    expect(errors.splice(0)).toEqual([]);
  });
  afterAll(() => browser?.close());

  async function visit(options: BrowserContextOptions = {}): Promise<Page> {
    const page = await open(browser, site.url, options);
    pages.push(page);
    page.on('pageerror', (error) => errors.push(error.message));
    return page;
  }

  it('weighs no more than promised', () => {
    const bytes = Number(/^ *(\d+) +at once/m.exec(site.log)?.[1]);
    expect(bytes).toBeGreaterThan(50_000);
    expect(bytes).toBeLessThanOrEqual(300_000);
  });

  it('fetches what WebGL computes with only where that is chosen', async () => {
    const fetched: string[] = [];
    const page = await open(browser, 'about:blank', {});
    pages.push(page);
    page.context().on('request', (request) => fetched.push(request.url()));
    const ofWebGl = () => fetched.filter((url) => /\/library-[^/]*\.js$/.test(url));
    await page.goto(site.url);
    await drop(page, example('mlp.onnx'));
    await boundShown(page);
    // It is there to be chosen: what it is called has been asked for.
    const engine = page.getByLabel('Engine', { exact: true });
    await eventually(() => engine.locator('option[value=webgl]:enabled').count()).toBe(1);
    expect(fetched.some((url) => /worker/.test(url))).toBe(true);
    expect(ofWebGl()).toEqual([]);
    await engine.selectOption('webgl');
    await page.getByLabel('Method', { exact: true }).selectOption('spectral-product');
    await page.getByRole('button', { name: 'Bound again' }).click();
    await eventually(() => page.locator('.facts').textContent()).toMatch(/WebGL in float32/);
    expect(ofWebGl()).toHaveLength(1);
  });

  it("gives the command line's numbers for a dropped file, row by row", async () => {
    const page = await visit();
    await drop(page, example('mlp.onnx'));
    const shown = await boundShown(page);
    const expected = commandLine('examples/mlp.onnx', '--engine', 'cpu-wasm');
    expect(Math.abs(shown / expected.bound! - 1)).toBeLessThan(1e-9);
    const download = page.waitForEvent('download');
    await page.getByRole('button', { name: 'Result (JSON)' }).click();
    const document = JSON.parse(readFileSync((await (await download).path())!, 'utf8')) as BoundResult & {
      network: object;
    };
    expect(Object.keys(document.network)).toEqual(['file', 'sha256', 'parameters', 'layers']);
    const values = (rows: BoundResult['methods']) =>
      rows.map(({ method, rule, bound }) => [method, rule, bound] as const);
    const actual = values(document.methods);
    expect(actual.length).toBe(12);
    for (const [k, [method, rule, bound]] of values(expected.methods).entries()) {
      expect(actual[k]!.slice(0, 2)).toEqual([method, rule]);
      expect(Math.abs(actual[k]![2]! / bound! - 1), `${method} ${rule}`).toBeLessThan(1e-9);
    }
  });

  describe('while it works', () => {
    let page: Page;
    beforeAll(async () => {
      page = await open(browser, site.url);
      await searchBriefly(page);
      await drop(page, example('resnet.onnx'));
      await boundShown(page);
      await page.getByText('More', { exact: true }).click();
    });
    afterAll(() => page?.close());

    /** A search that does not end by itself. */
    async function endless(): Promise<void> {
      await page.getByLabel('Gradient evaluations at most').fill('1000000');
      await page.getByLabel('Seconds at most').fill('100000');
      await page.getByRole('button', { name: 'Bound again' }).click();
      await eventually(() => page.locator('#progress .what').textContent()).toMatch(
        /^refined: evaluation \d+$/,
      );
    }

    async function cancelled(): Promise<void> {
      await page.getByRole('button', { name: 'Cancel' }).click();
      await page.locator('#progress .notice:text("Cancelled.")').waitFor();
      await page.getByLabel('Gradient evaluations at most').fill('20');
      await page.getByRole('button', { name: 'Bound again' }).click();
      await eventually(() => page.locator('.facts').textContent()).toMatch(/stopped at 20 evaluations/);
    }

    it('shows where it is, and ends with the best so far', async () => {
      await endless();
      expect(await page.locator('#progress .time').textContent()).toMatch(/ s/);
      // What is there already stands beside the search.
      const rungs = await page.locator('.interim .rung .kind').allTextContents();
      expect(rungs.map((text) => text.replace('?', '').trim())).toEqual(
        expect.arrayContaining([
          expect.stringMatching(/^Product of norms/),
          expect.stringMatching(/^Closed form/),
        ]),
      );
      await page.getByRole('button', { name: 'Stop, keep the best' }).click();
      await eventually(() => page.locator('.facts').textContent()).toMatch(/interrupted/);
      expect(await boundShown(page)).toBeLessThan(428);
    });

    it('can be cancelled, and bounds again', async () => {
      await endless();
      await cancelled();
    });

    it('can be cancelled where the worker does not listen', async () => {
      await endless();
      const [worker] = page.workers();
      // Hangs for good; what it is told it never reads.
      worker!
        .evaluate(() => {
          for (;;);
        })
        .catch(() => {});
      await cancelled();
    });
  });

  it('refuses unsupported nodes before anything runs, with the reason, marked in the list, and corrupt files', async () => {
    const page = await visit();
    await drop(page, {
      name: 'recurrent.onnx',
      bytes: model([node('Relu', 'x', 'a'), node('Attention', 'a', 'b'), node('Mul', 'b b', 'y')]),
    });
    const message = page.locator('.refusal');
    await message.waitFor();
    expect(await message.textContent()).toMatch(/make b.*Attention/);
    const nodes = page.locator('.outline li');
    expect(await nodes.count()).toBe(3);
    expect(await nodes.nth(0).getAttribute('class')).toBe('');
    expect(await nodes.nth(1).getAttribute('class')).toBe('refused');
    expect(await nodes.nth(1).locator('.reason').textContent()).toMatch(/Attention: /);
    expect(await page.getByRole('button', { name: 'Bound' }).isVisible()).toBe(false);
    const { bytes } = example('mlp.onnx');
    await drop(page, { name: 'half.onnx', bytes: bytes.slice(0, bytes.length / 2) });
    await eventually(() => page.locator('.title h2').textContent()).toBe('half.onnx');
    await eventually(() => message.textContent()).toMatch(/cannot be read.*ONNX/s);
    await drop(page, { name: 'empty.onnx', bytes: new Uint8Array(0) });
    await eventually(() => page.locator('.title h2').textContent()).toBe('empty.onnx');
    await eventually(() => message.textContent()).toMatch(/cannot be read/);
  });

  it('shows no control characters, whatever names hold', async () => {
    const evil = '\u001b[2J\u0007\u009b\u202e\u2066\u200b\u{e0041}';
    const nodes = [
      { ...node('Relu', 'x', 'a'), name: `relu${evil}` },
      { ...node('Mul', 'a w', 'y'), name: `mul${evil}` },
    ];
    const initializers = [floats('w', [4], [1, 2, 3, 4])];
    const page = await visit();
    const unsafe = () =>
      page.evaluate(() => {
        const texts = [document.documentElement.textContent ?? '', document.title];
        for (const element of document.querySelectorAll('*'))
          for (const { value } of element.attributes) texts.push(value);
        const wanted = /(?![\t\n\r])[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u;
        return texts.filter((text) => wanted.test(text)).map((text) => JSON.stringify(text).slice(0, 200));
      });
    await drop(page, { name: `net${evil}.onnx`, bytes: model(nodes, { initializers }) });
    await boundShown(page);
    await page.waitForSelector('.figure.growth svg');
    expect(await page.locator('.layers').textContent()).toContain('relu\\u001b[2J');
    expect(await page.locator('.title h2').textContent()).toBe(
      'net\\u001b[2J\\u0007\\u009b\\u202e\\u2066\\u200b\\udb40\\udc41.onnx',
    );
    expect(await unsafe()).toEqual([]);
    const certificate = { format: evil, [evil]: 1 };
    const text = new TextEncoder().encode(JSON.stringify(certificate));
    await drop(page, { name: `c${evil}.json`, bytes: text });
    await eventually(() => page.locator('.verdict').textContent()).toMatch(/Certificate rejected/);
    expect(await unsafe()).toEqual([]);
    await drop(page, { name: `d${evil}.json`, bytes: text.subarray(0, 10) });
    await eventually(() => page.locator('#notice').textContent()).toMatch(/was not read: d.*must be JSON/);
    await drop(page, {
      name: 'lstm.onnx',
      bytes: model([{ ...node('Attention', 'x', 'y'), name: `lstm${evil}` }]),
    });
    await eventually(() => page.locator('.refusal').textContent()).toMatch(/lstm/);
    expect(await unsafe()).toEqual([]);
  });

  it('reads weights from files beside the model, dropped together or later', async () => {
    const external = (name: string, location: string) =>
      create(TensorProtoSchema, {
        name,
        dims: [4n],
        dataType: DataType.FLOAT,
        dataLocation: EXTERNAL,
        externalData: [{ key: 'location', value: location }],
      });
    const file = {
      name: 'scaled.onnx',
      bytes: model([node('Mul', 'x w', 'y')], { initializers: [external('w', 'scaled.data')] }),
    };
    const data = { name: 'scaled.data', bytes: new Uint8Array(Float32Array.of(1, -7, 3, 4).buffer) };
    const page = await visit();
    await drop(page, file);
    await eventually(() => page.locator('.refusal').textContent()).toMatch(/got no file scaled\.data/);
    await drop(page, data);
    expect(await boundShown(page)).toBeCloseTo(7, 6);
    await page.reload();
    await drop(page, file, data);
    expect(await boundShown(page)).toBeCloseTo(7, 6);
  });

  it('asks for the shape that a file leaves open', async () => {
    const page = await visit();
    await drop(page, {
      name: 'open.onnx',
      bytes: model([node('Relu', 'x', 'y')], { inputs: { x: ['N', 'features'] } }),
    });
    await page.getByLabel('Input shape without the batch axis').fill('5');
    await page.getByRole('button', { name: 'Read again' }).click();
    expect(await boundShown(page)).toBeCloseTo(1, 6);
  });

  it('is driven by the keyboard', async () => {
    const page = await visit();
    await searchBriefly(page);
    for (let k = 0; k < 12; k++) {
      await page.keyboard.press('Tab');
      const focused = await page.evaluate(() => document.activeElement?.textContent ?? '');
      if (focused.startsWith('mlp.onnx')) break;
    }
    await page.keyboard.press('Enter');
    expect(await boundShown(page)).toBeGreaterThan(1);
    expect(await page.locator('#announcer').textContent()).toMatch(/mlp\.onnx: done/);
  });

  it('reaches nothing but its host, in its worker neither', async () => {
    const page = await visit();
    const asked: string[] = [];
    page.on('request', (request) => asked.push(request.url()));
    let called = 0;
    const elsewhere = createServer((_, response) => {
      called++;
      response.writeHead(200, { 'Access-Control-Allow-Origin': '*' }).end('hello');
    });
    await new Promise<void>((resolve) => elsewhere.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(elsewhere.address() as AddressInfo).port}/`;
    const attempt = (target: string) =>
      fetch(target).then(
        () => 'reached',
        () => 'refused',
      );
    try {
      await searchBriefly(page);
      await drop(page, example('resnet.onnx'));
      await boundShown(page);
      expect(await page.evaluate(attempt, url)).toBe('refused');
      expect(page.workers().length).toBeGreaterThan(0);
      for (const worker of page.workers()) expect(await worker.evaluate(attempt, url)).toBe('refused');
      // The attempt itself is sound.
      expect(await attempt(url)).toBe('reached');
      expect(called).toBe(1);
      const foreign = asked.filter((u) => !/^(blob|data):/.test(u) && !u.startsWith(site.url) && u !== url);
      expect(foreign).toEqual([]);
    } finally {
      elsewhere.close();
      elsewhere.closeAllConnections();
    }
  });

  describe('has no serious accessibility problem', () => {
    interface Violation {
      readonly id: string;
      readonly impact: string;
      readonly nodes: readonly { readonly html: string }[];
    }
    async function problems(page: Page): Promise<string[]> {
      await page.evaluate(axe);
      const { violations } = (await page.evaluate('axe.run()')) as { violations: Violation[] };
      return violations
        .filter(({ impact }) => impact === 'serious' || impact === 'critical')
        .map(({ id, nodes }) => `${id}: ${nodes.map((n) => n.html).join(' ')}`);
    }

    it.each([
      ['light', { colorScheme: 'light' }],
      ['dark', { colorScheme: 'dark' }],
      ['on a phone', { viewport: { width: 360, height: 740 }, hasTouch: true, isMobile: true }],
    ] as const)('%s', async (_, options) => {
      const page = await visit(options);
      expect(await problems(page)).toEqual([]);
      await searchBriefly(page);
      await drop(page, example('resnet.onnx'), example('mlp.onnx'));
      await boundShown(page);
      for (const name of ['growth', 'spectrum', 'margins']) await page.waitForSelector(`.figure.${name} svg`);
      await page.evaluate(() => {
        for (const closed of document.querySelectorAll('details')) closed.open = true;
        document.querySelector<HTMLElement>('button.help')!.click();
      });
      expect(await problems(page)).toEqual([]);
      const width = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
      expect(width[0]).toBeLessThanOrEqual(width[1]!);
      await drop(page, { name: 'none.onnx', bytes: Uint8Array.of(1, 2, 3) });
      await page.locator('.refusal').waitFor();
      expect(await problems(page)).toEqual([]);
    });

    it('is found where there is one', async () => {
      const page = await visit();
      await page.evaluate(() => {
        document.querySelector('label.choose')!.replaceWith(document.createElement('input'));
      });
      expect(await problems(page)).not.toEqual([]);
    });
  });
});

describe.skipIf(withoutGpu)('the page with WebGPU', () => {
  it("gives the command line's number to 1e-3", async () => {
    const browser = await launch(true);
    try {
      const bytes = writeOnnx(glipsdpCnn(3, 3));
      const page = await open(browser, site.url);
      await drop(page, { name: 'small.onnx', bytes });
      await boundShown(page);
      // In software it is the slower choice, and not taken unasked.
      expect(await page.locator('.facts').textContent()).toMatch(/Wasm SIMD.*SwiftShader.*slower/i);
      await page.getByLabel('Engine', { exact: true }).selectOption('webgpu');
      await page.getByLabel('Method', { exact: true }).selectOption('closed-form');
      await page.getByText('More', { exact: true }).click();
      await page.getByLabel('Closed-form rule', { exact: true }).selectOption('SN(1)');
      await page.getByRole('button', { name: 'Bound again' }).click();
      await eventually(() => page.locator('.facts').textContent()).toMatch(
        /WebGPU in float32 on .*SwiftShader/i,
      );
      const shown = await boundShown(page);
      const file = join(site.folder, 'small.onnx');
      await writeFile(file, bytes);
      const expected = commandLine(file, '--engine', 'cpu-wasm', '--rule', 'SN(1)');
      expect(Math.abs(shown / expected.bound! - 1)).toBeLessThan(1e-3);
      // A device that is lost in the middle is no reason to have no bound.
      await page.workers()[0]!.evaluate(() => {
        interface Lost {
          destroy(): void;
        }
        const { prototype } = Reflect.get(globalThis, 'GPUAdapter') as {
          prototype: { requestDevice(...given: unknown[]): Promise<Lost> };
        };
        const { requestDevice } = prototype;
        prototype.requestDevice = async function (...given) {
          const device = await requestDevice.apply(this, given);
          setTimeout(() => device.destroy(), 100);
          return device;
        };
      });
      await page.getByRole('button', { name: 'Bound again' }).click();
      await eventually(() => page.locator('#answer .notice').textContent()).toMatch(
        /WebGPU in float32 .* failed \(.*lost.*\); computed on the CPU instead/,
      );
      expect(Math.abs((await boundShown(page)) / expected.bound! - 1)).toBeLessThan(1e-9);
    } finally {
      await browser.close();
    }
  });
});
