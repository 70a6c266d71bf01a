/** What the site of the documentation is made of: pages, results of benches as pages, the style of formulas. */
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { formulaStyle } from '../../scripts/docs/formulas.ts';
import { pagesOf, titleOf } from '../../scripts/docs/pages.ts';
import { resultPage } from '../../scripts/docs/results.ts';

const operation = {
  ...{ task: 'product, 64, real', engine: 'cpu-wasm', unit: 'GFLOP/s', repeats: 2 },
  ...{ median: 9.21, smallest: 7, largest: 14.1, flopsPerSecond: 9.21e9 },
  ...{ bytesPerSecond: 1.7e9, deviceFlopsPerSecond: null },
};
const sample = (seconds: number) => ({ seconds, cpuSeconds: seconds / 2 });
const spread = { median: sample(2), smallest: sample(1.5), largest: sample(3), repeats: 3, warmedUp: true };
const bound = {
  ...{ task: 'cnn_C3_CH4, GC(1.5)', engine: 'cpu-wasm', log10: -0.121934, spread, flops: 4e9 },
  ...{ peakBytes: 1e6, residentBytes: 2e8 },
};
const report = {
  ...{ date: '2026-11-28T10:00:00.000Z', processor: 'Some Processor', cores: 2, node: 'v20' },
  ...{ packages: { lipsoid: '0.1.0' }, engines: [{ name: 'cpu-wasm', description: 'Wasm SIMD' }], peers: [] },
  ...{ operations: [operation], bounds: [bound], goals: [] },
};

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

describe('the site', () => {
  it('has every document once, each with a title', () => {
    const documents = readdirSync(`${ROOT}docs`, { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.md'))
      .map((name) => `docs/${name.replaceAll('\\', '/')}`);
    const paths = pagesOf(documents).map(({ path }) => path);
    expect([...paths].sort()).toEqual([...documents].sort());
    for (const path of paths) expect(titleOf(path, readFileSync(`${ROOT}${path}`, 'utf8'))).not.toBe('');
  });

  it('puts documents that no part names where their folder belongs, and leaves out what is not there', () => {
    expect(pagesOf(['docs/new.md', 'docs/tutorials/new.md', 'docs/limits.md'])).toEqual([
      { path: 'docs/tutorials/new.md', part: 'Tutorials' },
      { path: 'docs/new.md', part: 'Use' },
      { path: 'docs/limits.md', part: 'Understand' },
    ]);
    expect(() => titleOf('docs/new.md', 'no heading')).toThrow(/must begin with a heading/);
  });

  it('sets formulas with fonts of its own', () => {
    const fonts = [...formulaStyle().matchAll(/url\(([^)]*)\)/g)].map(([, url]) => url!);
    expect(fonts.length).toBeGreaterThan(10);
    for (const font of fonts) expect(font).toMatch(/^fonts\/[\w-]+\.woff2$/);
  });
});

describe('a page of results', () => {
  it('says what was measured, where and when', () => {
    const lines = resultPage('some.json', JSON.stringify({ ...report, note: 'Beside other work.' })).split(
      '\n',
    );
    expect(lines[0]).toBe('# Some Processor, 2 cores');
    expect(lines[1]).toContain('2026-11-28; node v20, lipsoid 0.1.0. Made from `bench/results/some.json`');
    expect(lines).toContain('Beside other work.');
    expect(lines).toContain('- cpu-wasm: Wasm SIMD');
    expect(lines).toContain(
      '| product, 64, real | cpu-wasm | 9.21 | 7.00 to 14.1 | GFLOP/s |  | 1.70 | 100 % |',
    );
    expect(lines).toContain(
      '| cnn_C3_CH4, GC(1.5) | cpu-wasm | -0.121934 | 2.00 (1.50 to 3.00, 3 runs) | 1.00 | 2.00 | 1 | 200 |',
    );
  });

  it('leaves out what was not measured', () => {
    const page = resultPage('some.json', JSON.stringify({ ...report, operations: [], bounds: [] }));
    expect(page).not.toMatch(/^## |undefined/m);
  });
});
