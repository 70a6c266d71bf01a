/** The package as those have it who install it: packed, unpacked, its types read, and its worker built into an app. */
import { execFileSync, spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { build } from 'vite';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bound, createEngine, evaluate, loadNetwork } from '../../src/index.ts';
import { launch, serve } from '../demo/browsers.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** Made by `npm run generate`, at any time. */
const GENERATED = /\/(binary|kernelTexts|wgsl)\.ts$|\/library\.js$/;

/** Builds dist/ unless it is newer than all of src/. */
function buildPackage(): void {
  const sources = readdirSync(join(ROOT, 'src'), { recursive: true, encoding: 'utf8' });
  const times = sources
    .filter((name) => /\.\w+$/.test(name) && !GENERATED.test(`/${name}`))
    .map((name) => statSync(join(ROOT, 'src', name)).mtimeMs);
  const built = join(ROOT, 'dist/worker/worker.js');
  if (existsSync(built) && statSync(built).mtimeMs > Math.max(...times)) return;
  execFileSync(process.execPath, [join(ROOT, 'scripts/build-package.mjs')], { stdio: 'inherit' });
}

/** The examples in TypeScript of a document. */
function examplesOf(document: string): string[] {
  const text = readFileSync(join(ROOT, document), 'utf8');
  return [...text.matchAll(/```ts\n(.*?)```/gs)].map(([, code]) => code!);
}

/** Something of every entry. */
const ENTRIES = `
import { bound, type Network } from 'lipsoid';
import { loadNetwork, readPoint, solveSdp } from 'lipsoid/node';
import { LipsoidWorker } from 'lipsoid/worker';
const network: Network = await loadNetwork('a.onnx');
const point: Float64Array = await readPoint('x.npy', network.tensors[network.input]!.shape);
const result = await bound(network);
const there = new LipsoidWorker();
const remote = await there.loadNetwork(new Uint8Array());
const { bound: value } = await there.bound(remote, { engine: { engine: 'cpu' }, onProgress: ({ layer }) => layer });
export const all = [point, result.bound, value, solveSdp];
`;

/** Two errors. */
const WRONG = `
import { bound, loadNetwork } from 'lipsoid';
const result = await bound(await loadNetwork('a.onnx'), { evaluation: 3 });
const text: string = result.bound;
export { text };
`;

/** What the app's page finds by its worker. */
interface Found {
  readonly bound: number;
  readonly again: number;
}

describe('the package', () => {
  const folder = mkdtempSync(join(tmpdir(), 'lipsoid-consumer-'));
  const unpacked = join(folder, 'node_modules/lipsoid');
  beforeAll(() => {
    buildPackage();
    const packed = execFileSync(
      'npm',
      ['pack', '--silent', '--ignore-scripts', '--pack-destination', folder],
      {
        cwd: ROOT,
        encoding: 'utf8',
      },
    );
    mkdirSync(unpacked, { recursive: true });
    execFileSync('tar', ['xzf', join(folder, packed.trim()), '--strip-components=1', '-C', unpacked]);
    const { dependencies } = JSON.parse(readFileSync(join(unpacked, 'package.json'), 'utf8')) as {
      dependencies: Record<string, string>;
    };
    for (const name of Object.keys(dependencies)) {
      const place = join(folder, 'node_modules', name);
      mkdirSync(dirname(place), { recursive: true });
      symlinkSync(join(ROOT, 'node_modules', name), place);
    }
    writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
    writeFileSync(join(folder, 'example.ts'), examplesOf('README.md')[0]!);
    writeFileSync(join(folder, 'webApp.ts'), examplesOf('docs/library.md')[1]!);
    writeFileSync(join(folder, 'entries.ts'), ENTRIES);
    writeFileSync(join(folder, 'wrong.ts'), WRONG);
    cpSync(join(ROOT, 'examples/cnn.onnx'), join(folder, 'examples/cnn.onnx'));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('has all that its documents link to', () => {
    const documents = readdirSync(unpacked, { recursive: true, encoding: 'utf8' }).filter((name) =>
      name.endsWith('.md'),
    );
    expect(documents.length).toBeGreaterThan(5);
    const dead = documents.flatMap((document) =>
      [...readFileSync(join(unpacked, document), 'utf8').matchAll(/\]\(([^)\s#]+)(?:#[^)\s]*)?\)/g)]
        .map(([, target]) => target!)
        .filter((target) => !/^[a-z]+:/.test(target))
        .filter((target) => !existsSync(join(unpacked, normalize(join(dirname(document), target)))))
        .map((target) => `${document}: ${target}`),
    );
    expect(dead).toEqual([]);
  });

  it.each([
    ['bundler', ts.ModuleKind.ESNext, ts.ModuleResolutionKind.Bundler],
    ['nodenext', ts.ModuleKind.NodeNext, ts.ModuleResolutionKind.NodeNext],
  ] as const)(
    'has types for the examples in its documents and for all of its entries, under %s',
    (_, module, how) => {
      const options: ts.CompilerOptions = {
        ...{
          module,
          moduleResolution: how,
          target: ts.ScriptTarget.ES2022,
          types: [],
          preserveSymlinks: true,
        },
        ...{ strict: true, exactOptionalPropertyTypes: true, noUncheckedIndexedAccess: true, noEmit: true },
      };
      const files = ['example.ts', 'webApp.ts', 'entries.ts', 'wrong.ts'];
      const program = ts.createProgram(
        files.map((file) => join(folder, file)),
        options,
      );
      const found = ts.getPreEmitDiagnostics(program).map(({ messageText, file }) => {
        const text = ts.flattenDiagnosticMessageText(messageText, ' ');
        return `${file?.fileName.replace(`${folder}/`, '')}: ${text}`;
      });
      expect(found.filter((text) => !text.startsWith('wrong.ts: '))).toEqual([]);
      expect(found).toHaveLength(2);
    },
  );

  it('runs in Deno, types and all, without a stray word', () => {
    const deno = (...args: string[]) =>
      spawnSync(process.execPath, [join(ROOT, 'node_modules/deno/bin.cjs'), ...args], {
        cwd: folder,
        encoding: 'utf8',
        env: { ...process.env, NO_COLOR: '1' },
      });
    const { stdout, stderr, status } = deno(
      ...['run', '--check', '--quiet', '--node-modules-dir=manual', '--allow-all', 'example.ts'],
    );
    expect({
      status,
      stderr: stderr.split('\n').filter((line) => !/^(\w[\w ]*|)$/.test(line)),
    }).toEqual({
      status: 0,
      stderr: [],
    });
    const [first] = stdout.split('\n');
    expect(Number(first!.split(' ')[0])).toBeGreaterThan(1);
  });

  it('runs in a worker of an app that Vite builds for a path of its own', async () => {
    const app = join(folder, 'app');
    mkdirSync(app);
    const onnx = readFileSync(join(ROOT, 'examples/mlp.onnx'));
    cpSync(join(ROOT, 'examples/mlp.onnx'), join(app, 'public/mlp.onnx'));
    writeFileSync(join(app, 'index.html'), '<!doctype html><script type="module" src="./main.ts"></script>');
    writeFileSync(
      join(app, 'main.ts'),
      `import { LipsoidWorker } from 'lipsoid/worker';
       const lipsoid = new LipsoidWorker();
       const layers = [], reports = [];
       const network = await lipsoid.loadNetwork('mlp.onnx');
       const engine = { engine: 'cpu-wasm', threads: 1 };
       const rule = 'GC(1.5)';
       const result = await lipsoid.bound(network, { engine, rule, onProgress: ({ layer }) => layers.push(layer) });
       const certificate = await lipsoid.certify(network, result);
       const { accepted } = await lipsoid.verify(network, certificate);
       const input = new Float64Array(196).fill(0.5);
       const samples = [{ index: 0, input, label: 3 }];
       await lipsoid.certifySamples(network, samples, { engine, regions: false, onSample: (report) => reports.push(report) });
       const outputs = [...(await lipsoid.evaluate(network, input))];
       const refused = await lipsoid.bound(network, { rule: 'XY' }).catch((error) => error);
       const stop = new AbortController();
       const endless = lipsoid.bound(network, { engine, evaluations: 1e6, timeLimit: 1e6, signal: stop.signal });
       setTimeout(() => stop.abort(new Error('enough')), 50);
       const stopped = await endless.catch((error) => error);
       const again = await lipsoid.bound(network, { engine, rule });
       const unknown = await lipsoid.loadNetwork(new Uint8Array(9)).catch((error) => error);
       lipsoid.close();
       globalThis.found = {
         ...{ bound: result.bound, again: again.bound, input: network.input, layers, accepted, outputs, reports: reports.length },
         ...{ refused: refused.name, stopped: stopped.message, unknown: unknown.name },
       };`,
    );
    await build({
      ...{ root: app, base: '/some/where/', configFile: false, logLevel: 'error' },
      build: { outDir: 'dist', target: 'es2023', minify: false },
      worker: { format: 'es' },
    });
    const site = await serve(join(app, 'dist'));
    const browser = await launch(false);
    try {
      const page = await browser.newPage();
      const errors: string[] = [];
      page.on('pageerror', (error) => errors.push(error.message));
      await page.goto(site.url);
      const found = await page
        .waitForFunction('globalThis.found', undefined, { timeout: 300_000 })
        .then((handle) => handle.jsonValue() as Promise<Found>);
      expect(errors).toEqual([]);
      const network = await loadNetwork(onnx);
      const engine = await createEngine({ engine: 'cpu-wasm', threads: 1 });
      const expected = await bound(network, { engine, rule: 'GC(1.5)' });
      await engine.close();
      // Browsers and Node differ in the last digit of what is no basic operation.
      expect(found.bound / expected.bound!).toBeCloseTo(1, 12);
      expect(found).toEqual({
        ...{ bound: found.again, again: found.bound, input: [196], accepted: true, reports: 1 },
        ...{ refused: 'InputError', stopped: 'enough', unknown: 'InputError' },
        layers: expect.arrayContaining([expect.any(String)]),
        outputs: [...evaluate(network, new Float64Array(196).fill(0.5))],
      });
    } finally {
      await browser.close();
      site.close();
    }
  });
});
