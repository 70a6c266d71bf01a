/** `lipsoid report`: what lines of sweeps come to. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { runCommandLine } from '../../../src/cli/program.ts';
import type { SweepLine } from '../../../src/cli/sweep/line.ts';
import { seriesOf, stepOf } from '../../../src/cli/sweep/series.ts';
import { recorder } from '../recorder.ts';

let folder = '';
const path = (name: string) => join(folder, name);
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'lipsoid-report-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

async function report(...argv: string[]) {
  const [stdout, stderr] = [recorder(), recorder()];
  const code = await runCommandLine(['report', ...argv], {
    library: () => Promise.reject(new Error('the library is not needed')),
    ...{ terminal: { stdout, stderr }, version: '1.2.3', signal: new AbortController().signal },
  });
  return { code, out: stdout.text, err: stderr.text };
}

/** A line whose bound is ten times its lower bound, and a tenth of its product. */
function line(file: string, bound: number, options: SweepLine['options'] = { method: 'all' }): SweepLine {
  const of = (value: number) => ({ bound: value, log10: Math.log10(value) });
  return {
    ...{ file, sha256: 'ab', key: `${file} ${bound}`, options, version: '1.2.3', ...of(bound) },
    ...{ product: of(10 * bound), method: 'refined', evaluations: 7, seconds: 1.5 },
    lower: { value: bound / 10, log10: Math.log10(bound / 10), assurance: 'rounding-safe' },
  };
}

it('lines of somebody else are refused, or drawn in no time', async () => {
  const written = (...lines: readonly object[]) => {
    writeFileSync(path('lines.jsonl'), lines.map((one) => `${JSON.stringify(one)}\n`).join(''));
    return report(path('lines.jsonl'), '--plot', path('plot.svg'));
  };
  const foreign: readonly object[] = [{ log10: 1e308 }, { seconds: 'abc' }, { method: {} }, { lower: true }];
  for (const change of foreign) {
    const { code, err } = await written({ ...line('a.onnx', 1), ...change });
    expect(code, err).toBe(1);
  }
  const [low, high] = [-9e5, 9e5].map((log10, k) => ({ ...line(`step-${k}.onnx`, 1), bound: null, log10 }));
  expect((await written(low!, high!)).code).toBe(0);
  const many = Array.from({ length: 20_000 }, (_, k) => line(`run/step-${k}.onnx`, 1 + k));
  expect(seriesOf(many).series).toHaveLength(1);
  expect(stepOf(`${'1'.repeat(40_000)}x.onnx`).run).toBe('*x.onnx');
});

const broken: SweepLine = {
  ...{ file: 'run/step-3.onnx', sha256: null, key: null, options: { method: 'all' }, version: '1.2.3' },
  error: { kind: 'input', message: 'the option inputShape: <missing>' },
};

function write(name: string, lines: readonly object[], end = ''): string {
  writeFileSync(path(name), lines.map((each) => `${JSON.stringify(each)}\n`).join('') + end);
  return path(name);
}

describe('lipsoid report', () => {
  it('prints the last line of each network, rounded outward, from several files', async () => {
    const a = write(
      'a.jsonl',
      [line('run/step-10.onnx', 3.0000001), line('run/step-9.onnx', 5)],
      '{"file":"ha',
    );
    const b = write('b.jsonl', [broken, line('run/step-9.onnx', 4)]);
    const { code, out } = await report(a, b);
    expect(code).toBe(0);
    expect(out.split('\n')).toEqual([
      'file                bound  at least  product  method   evaluations  seconds',
      'run/step-3.onnx         –',
      'run/step-9.onnx   4.00000  0.400000  40.0000  refined            7    1.500',
      'run/step-10.onnx  3.00001  0.300000  30.0001  refined            7    1.500',
      '',
      'run/step-3.onnx: --input-shape: <missing>',
      '',
    ]);
  });

  it('says what was asked where that differs', async () => {
    const file = write('a.jsonl', [line('x.onnx', 3), line('x.onnx', 2, { method: 'all', norm: 'inf' })]);
    const rows = (await report(file)).out.split('\n');
    expect(rows[1]).toMatch(/^x\.onnx {2}norm=default {2}3\.00000/);
    expect(rows[2]).toMatch(/^x\.onnx {2}norm=inf {6}2\.00000/);
  });

  it('draws bounds against steps with products above and lower bounds below, and writes rows', async () => {
    const lines = [1, 2, 4].map((step) => line(`run<a>/step-${step}.onnx`, step));
    const file = write('a.jsonl', lines);
    const { code } = await report(file, '--plot', path('p.svg'), '--csv', path('p.csv'));
    expect(code).toBe(0);
    const svg = readFileSync(path('p.svg'), 'utf8');
    const curves = [...svg.matchAll(/<path fill="none"[^>]* d="M([^"]*)"/g)].map(([, d]) =>
      d!.split('L').map((point) => point.split(' ').map(Number)),
    );
    expect(curves.map((points) => points.length)).toEqual([3, 3, 3]);
    const [product, bound, lower] = curves as [number[][], number[][], number[][]];
    for (let k = 0; k < 3; k++) {
      // Logarithms: ten times as much lies as far above as a tenth lies below.
      expect(lower[k]![1]! - bound[k]![1]!).toBeCloseTo(bound[k]![1]! - product[k]![1]!, 0);
      expect(lower[k]![1]!).toBeGreaterThan(bound[k]![1]! + 10);
    }
    expect(bound[2]![0]! - bound[1]![0]!).toBeCloseTo(2 * (bound[1]![0]! - bound[0]![0]!), 0);
    expect(svg).toContain('run&lt;a&gt;/step-*.onnx');
    expect(svg).not.toContain('<a>');
    expect(readFileSync(path('p.csv'), 'utf8').split('\n')).toHaveLength(5);
  });

  it('prints all of it with --json', async () => {
    const file = write('a.jsonl', [line('s1.onnx', 3), line('s2.onnx', 2)]);
    const document = JSON.parse((await report(file, '--json')).out);
    expect(document.networks).toHaveLength(2);
    expect(document).toMatchObject({
      unit: 'step',
      series: [{ name: 's*.onnx', points: [{ step: 1, bound: 3 }, {}] }],
    });
  });

  it.each([
    ['no JSON', 'text\n'],
    ['another document', '{"a":1}\n'],
    ['a bound that is none', `${JSON.stringify({ ...line('a', 1), bound: 'NaN' })}\n`],
  ])('refuses %s', async (_, text) => {
    writeFileSync(path('a.jsonl'), text);
    const { code, err } = await report(path('a.jsonl'));
    expect({ code, err }).toMatchObject({ code: 1, err: expect.stringContaining('line 1') });
  });
});

describe('steps', () => {
  it.each([
    ['runs/7/epoch=3-step=1200.ckpt', 'runs/7/epoch=*-step=*.ckpt', 1200],
    ['runs/lr1e-3/epoch_12.onnx', 'runs/lr1e-3/epoch_*.onnx', 12],
    ['resnet18/w000250.pth', 'resnet18/w*.pth', 250],
    ['run/step-20/model.onnx', 'run/step-*/model.onnx', 20],
    ['model.h5', 'model.h5', undefined],
  ])('of %s', (file, run, step) => {
    expect(stepOf(file)).toEqual(step === undefined ? { run } : { run, step });
  });

  it('count for nothing where they tell nothing', () => {
    const { unit, series } = seriesOf(['a1.onnx', 'b1.onnx', 'c.onnx'].map((file) => line(file, 1)));
    expect(unit).toBe('network');
    expect(series.map(({ points }) => points.map(({ x }) => x))).toEqual([[1, 2, 3]]);
  });
});
