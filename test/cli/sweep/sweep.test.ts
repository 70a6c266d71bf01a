/** `lipsoid sweep`: lines, what is found again, what is broken. */
import {
  appendFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { runCommandLine } from '../../../src/cli/program.ts';
import type { SweepLine } from '../../../src/cli/sweep/line.ts';
import { shardOf } from '../../../src/cli/sweep/networkFiles.ts';
import { writeOnnx } from '../../../src/formats/onnx/writing/write.ts';
import { npy, zip } from '../../certify/data/files.ts';
import { recorder } from '../recorder.ts';
import { tinyNetwork, writeCheckpoints } from './networks.ts';

let folder = '';
const path = (name: string) => join(folder, name);
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'lipsoid-sweep-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** Bounds that were computed since the last look, and after how many somebody presses Ctrl-C. */
let computed = 0;
let last = Infinity;

async function run(...argv: string[]) {
  const [stdout, stderr] = [recorder(), recorder()];
  const library = await import('../../../src/node.ts');
  computed = 0;
  const interruption = new AbortController();
  const code = await runCommandLine(argv, {
    library: async () => ({
      ...library,
      bound: (network, options) => {
        computed++;
        if (computed > last) interruption.abort(new Error('cancelled'));
        return library.bound(network, options);
      },
    }),
    terminal: { stdout, stderr },
    version: '1.2.3',
    signal: interruption.signal,
  });
  return { code, out: stdout.text, err: stderr.text };
}

const OPTIONS = ['--no-lower', '--engine', 'cpu-wasm', '--threads', '1'];
const FEW = ['--evaluations', '5'];
const RULE = ['--rule', 'SN(1)', ...OPTIONS];

const sweep = (...argv: string[]) => run('sweep', path('**/*.onnx'), '--out', path('b.jsonl'), ...argv);

function lines(name = 'b.jsonl'): SweepLine[] {
  const text = readFileSync(path(name), 'utf8');
  expect(text.endsWith('\n')).toBe(true);
  return text
    .slice(0, -1)
    .split('\n')
    .map((line) => JSON.parse(line) as SweepLine);
}

describe('lipsoid sweep', () => {
  it('writes a line for each network in natural order, broken ones with their error', async () => {
    writeCheckpoints(path('run'), 10);
    for (const k of [4, 5, 6, 7, 8]) rmSync(path(`run/step-${k}.onnx`));
    writeFileSync(path('run/step-3.onnx'), 'no model');
    const { code, out } = await sweep(...OPTIONS, ...FEW, '--csv', path('b.csv'));
    expect(code).toBe(0);
    expect(out).toBe(
      `5 networks: 4 bounds in ${path('b.jsonl')}.\n1 network without: their lines say why.\n`,
    );
    const all = lines();
    expect(all.map(({ file }) => file)).toEqual([1, 2, 3, 9, 10].map((k) => path(`run/step-${k}.onnx`)));
    for (const [k, line] of all.entries()) {
      if (k === 2) {
        expect(line.error).toMatchObject({ kind: 'input', message: expect.stringContaining('serialized') });
        continue;
      }
      const { bound } = JSON.parse((await run('bound', line.file, ...OPTIONS, ...FEW, '--json')).out);
      expect(line).toMatchObject({ bound, version: '1.2.3', options: { method: 'all', lower: false } });
      expect(line.sha256).toMatch(/^[0-9a-f]{64}$/);
      expect(line.product!.bound).toBeGreaterThanOrEqual(bound);
      expect(line.closedForm!.bound).toBeGreaterThanOrEqual(bound);
    }
    const network = path('run/step-1.onnx');
    const bytes = readFileSync(network);
    const again = await sweep(...OPTIONS, ...FEW, '--csv', network);
    expect([again.code, again.err]).toEqual([1, expect.stringContaining('must be new or such a table')]);
    expect(readFileSync(network)).toEqual(bytes);
    const rows = readFileSync(path('b.csv'), 'utf8').split('\n');
    expect(rows).toHaveLength(7);
    expect(rows[1]).toContain(`${all[0]!.file},${all[0]!.sha256},${all[0]!.bound},`);
    expect(rows[3]).toContain('serialized');
  });

  it('finds work again by what is in a file and by what is asked, and does the rest', async () => {
    writeCheckpoints(path('run'), 3);
    await sweep(...RULE);
    expect(computed).toBe(3);
    expect(await sweep(...RULE, '--json')).toMatchObject({
      code: 0,
      out: expect.stringContaining('"found": 3'),
    });
    expect(computed).toBe(0);
    expect(lines()).toHaveLength(3);
    // A copy under another name is a line of its own, without another computation; another file under an old name is computed.
    writeFileSync(path('run/last.onnx'), readFileSync(path('run/step-3.onnx')));
    writeFileSync(path('run/step-1.onnx'), writeOnnx(tinyNetwork(77)));
    await sweep(...RULE);
    expect(computed).toBe(1);
    const all = lines();
    expect(all).toHaveLength(5);
    const of = (name: string) => all.filter(({ file }) => file === path(name));
    expect(of('run/last.onnx')[0]).toEqual({ ...of('run/step-3.onnx')[0], file: path('run/last.onnx') });
    expect(of('run/step-1.onnx').map(({ bound }) => bound)).toHaveLength(2);
    expect(of('run/step-1.onnx')[0]!.bound).not.toBe(of('run/step-1.onnx')[1]!.bound);
    // Other options are other work, in the same file.
    await sweep('--rule', 'GC(1.5)', ...OPTIONS);
    expect(computed).toBe(3);
    expect(lines()).toHaveLength(9);
    // The lines are made of what was kept.
    rmSync(path('b.jsonl'));
    await sweep(...RULE);
    expect(computed).toBe(0);
    expect(lines()).toHaveLength(4);
  });

  it('knows weights beside a model, whichever file of the two has changed', async () => {
    const weights = (value: number) => zip({ 'w.npy': npy([2, 2], [value, 0, 0, value]) });
    writeFileSync(path('w.npz'), weights(2));
    writeFileSync(
      path('net.json'),
      JSON.stringify({
        ...{ format: 'lipsoid-architecture', version: 1, weights: 'w.npz', input: [2] },
        layers: [{ layer: 'linear', weight: 'w' }],
      }),
    );
    const json = () => run('sweep', path('*.json'), '--out', path('b.jsonl'), ...RULE);
    await json();
    const [first] = lines();
    expect(first!.bound).toBeCloseTo(2, 6);
    await json();
    expect(computed).toBe(0);
    writeFileSync(path('w.npz'), weights(3));
    await json();
    expect(computed).toBe(1);
    expect(lines()[1]!.bound).toBeCloseTo(3, 6);
  });

  it('takes off a line that was not finished, computes again what is damaged, and leaves other files alone', async () => {
    writeCheckpoints(path('run'), 2);
    await sweep(...RULE);
    const before = lines();
    appendFileSync(path('b.jsonl'), '{"file":"half');
    const kept = readdirSync(path('b.jsonl.cache'), { recursive: true, encoding: 'utf8' }).filter((name) =>
      name.endsWith('.json'),
    );
    for (const name of kept) writeFileSync(path(`b.jsonl.cache/${name}`), '{"format":"lipso');
    await sweep(...RULE);
    expect(computed).toBe(2);
    expect(lines()).toEqual(before);
    for (const other of ['some text', 'some text\n', '{"a":1}\n{"file":"x"']) {
      writeFileSync(path('b.jsonl'), other);
      const { code, err } = await sweep(...RULE);
      expect({ code, err }).toMatchObject({ code: 1, err: expect.stringContaining('--out') });
      expect(readFileSync(path('b.jsonl'), 'utf8')).toBe(other);
    }
  });

  it('deals files out to shards, the same ones whatever else there is', async () => {
    const files = Array.from({ length: 100 }, (_, k) => `run/step-${k}.onnx`);
    const shards = [1, 2, 3].map((index) => shardOf(files, { index, count: 3 }));
    expect(shards.flat().sort()).toEqual(files.toSorted());
    for (const shard of shards) expect(shard.length).toBeGreaterThan(15);
    expect(shardOf(files.slice(50), { index: 2, count: 3 })).toEqual(
      shards[1]!.filter((file) => files.indexOf(file) >= 50),
    );
    writeCheckpoints(path('run'), 6);
    for (const index of [1, 2]) {
      const own = ['sweep', path('run/*.onnx'), '--out', path(`b${index}.jsonl`), '--shard', `${index}/2`];
      expect((await run(...own, ...RULE)).out).toContain(`(shard ${index} of 2)`);
    }
    // The folder's name is random: all six may be of one shard, and the other has nothing to write.
    const names = [1, 2].flatMap((index) => {
      const out = `b${index}.jsonl`;
      const isEmpty = !existsSync(path(out)) || readFileSync(path(out), 'utf8') === '';
      return isEmpty ? [] : lines(out).map(({ file }) => file);
    });
    expect(names.sort()).toEqual(Array.from({ length: 6 }, (_, k) => path(`run/step-${k + 1}.onnx`)));
  });

  it('Ctrl-C leaves the lines of what was done, and nothing of what was not', async () => {
    writeCheckpoints(path('run'), 4);
    last = 2;
    expect(await sweep(...RULE)).toEqual({ code: 130, out: '', err: 'cancelled\n' });
    last = Infinity;
    expect(lines()).toHaveLength(2);
    expect((await sweep(...RULE)).out).toContain('4 bounds in');
    expect(computed).toBe(2);
    expect(lines()).toHaveLength(4);
  });

  it.each([
    [['sweep', 'none-*.onnx', '--out', 'b.jsonl'], /none-\*\.onnx: must mean some files/],
    [['sweep', 'a.onnx', '--out', 'b', '--shard', '3/2'], /which part of how many, such as 2\/8/],
    [['sweep', 'a.onnx', '--out', 'b', '--jobs', '0'], /whole number of at least 1/],
    [['sweep', 'a.onnx', '--out', 'b', '--warm', '--rule', 'SN(1)'], /--warm: goes with a search/],
    [['sweep', 'a.onnx', '--out', 'b', '--rule', 'SN(1)', '--method', 'refined'], /--rule: goes with/],
    [
      ['sweep', 'a.onnx', '--out', 'b', '--queue', 'redis://h', '--warm'],
      /--warm: starts from networks in their order/,
    ],
    [['sweep', 'a.onnx', '--out', 'b', '--queue', 'redis://h', '--jobs', '2'], /--jobs: is for each worker/],
    [['sweep', 'a.onnx'], /--out/],
  ])('refuses %j', async (argv, message) => {
    const { code, err } = await run(...argv);
    expect({ code, err }).toMatchObject({ code: 1, err: expect.stringMatching(message) });
  });
});
