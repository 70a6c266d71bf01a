/** `lipsoid certify` from its options to its files, with a library whose samples are certified at once. */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { type CertifySamplesOptions, certifyWith } from '../../src/certify/certifySamples.ts';
import type { Sample } from '../../src/certify/data/samples.ts';
import { runCommandLine } from '../../src/cli/program.ts';
import { createEngine } from '../../src/engine/create.ts';
import type { Network } from '../../src/network/network.ts';
import * as library from '../../src/node.ts';
import { labelsNpy, npy, zip } from '../certify/data/files.ts';
import { stepNetwork, stepProver } from '../certify/step.ts';
import { recorder } from './recorder.ts';

const folder = mkdtempSync(join(tmpdir(), 'lipsoid-certify-'));
const engine = await createEngine({ engine: 'cpu-wasm', threads: 1 });
afterAll(async () => {
  await engine.close();
  rmSync(folder, { recursive: true, force: true });
});
const path = (name: string) => join(folder, name);

/** At x₀ = 0 the true radius is 2.1, at 1.9 it is 0.2; the last is labelled wrongly. */
const POINTS = [0, 1.9, 0.5, 3, 0];
const LABELS = [0, 0, 0, 1, 1];

beforeEach(() => {
  writeFileSync(path('d.npz'), data(POINTS, LABELS));
});

function data(points: readonly number[], labels: readonly number[]): Buffer {
  const rows = npy(
    [points.length, 2],
    points.flatMap((x) => [x, 0]),
  );
  return zip({ 'x.npy': rows, 'y.npy': labelsNpy(labels) });
}

interface Calls {
  network?: Network;
  options?: CertifySamplesOptions;
  samples: Sample[];
}

async function run(line: string, { stopAfter = Infinity, signal = new AbortController() } = {}) {
  const [stdout, stderr] = [recorder(), recorder()];
  const calls: Calls = { samples: [] };
  const network = { ...stepNetwork(), source: { file: 'step.onnx', sha256: 'ab12', bytes: 1 } };
  async function* certifySamples(
    asked: Network,
    samples: AsyncIterable<Sample> | Iterable<Sample>,
    options: CertifySamplesOptions = {},
  ) {
    Object.assign(calls, { network: asked, options });
    async function* noted() {
      for await (const sample of samples) {
        calls.samples.push(sample);
        yield sample;
      }
    }
    let done = 0;
    // One sample at a time, so that what is done is known.
    for await (const report of certifyWith(stepProver(), asked, noted(), { ...options, timeLimit: 100 })) {
      yield report;
      if (++done === stopAfter) signal.abort(new Error('cancelled'));
    }
  }
  const code = await runCommandLine(line.split(' ').filter(Boolean), {
    library: async () => ({
      ...library,
      loadNetwork: async () => network,
      createEngine: async () => ({ ...engine, close: async () => {} }),
      certifySamples,
    }),
    terminal: { stdout, stderr },
    version: '1.2.3',
    signal: signal.signal,
  });
  return { code, out: stdout.text, err: stderr.text, calls };
}

const base = `certify step.onnx --data ${path('d.npz')}`;

describe('lipsoid certify', () => {
  it('--json prints one document with the promised members', async () => {
    const { code, out, err } = await run(`${base} --radius 0.05 1 --radius 2.2 --json`);
    expect([code, err]).toEqual([0, '']);
    const document = JSON.parse(out);
    expect(Object.keys(document)).toEqual([
      ...['network', 'data', 'engine', 'norm', 'unit', 'radii', 'samples', 'summary'],
    ]);
    expect(document).toMatchObject({
      network: { file: 'step.onnx', sha256: 'ab12' },
      data: {
        file: path('d.npz'),
        inputs: 'x.npy in d.npz',
        labels: 'y.npy in d.npz',
        samples: 5,
        divisor: 1,
      },
      unit: 'network input',
      radii: [0.05, 1, 2.2],
      summary: {
        samples: 5,
        clean: 4,
        certified: { '0.05': 4, '1': 2, '2.2': 0 },
        attacked: { '0.05': 4, '1': 2, '2.2': 0 },
      },
    });
    expect(document.samples.map((s: { index: number }) => s.index)).toEqual([0, 1, 2, 3, 4]);
    const [first] = document.samples;
    expect(Object.keys(first)).toEqual([
      ...['index', 'label', 'predicted', 'margin', 'stages', 'certified', 'attack', 'seconds'],
    ]);
    expect(first).toMatchObject({
      label: 0,
      predicted: 0,
      certified: { '0.05': true, '1': true, '2.2': false },
    });
    expect(first.stages).toEqual({ '0.05': 'global', '1': 'anchored closed form' });
    expect(document.samples[4]).toMatchObject({ label: 1, predicted: 0, attack: 0 });
  });

  it('says of what norm radii are', async () => {
    const { out } = await run(`${base} --radius 1 --norm inf --plot ${path('inf.svg')}`);
    expect(out).toContain('at every input within the radius (ℓ∞).');
    expect(readFileSync(path('inf.svg'), 'utf8')).toContain('ℓ∞ radius in the network');
    expect(JSON.parse((await run(`${base} --radius 1 --norm inf --json`)).out).norm).toBe('linf');
    expect(JSON.parse((await run(`${base} --radius 1 --json`)).out).norm).toBe('l2');
  });

  it('prints a table, what it means and in which unit; the largest radius where no other is given', async () => {
    const { code, out } = await run(`${base} --radius 1`);
    expect(code).toBe(0);
    expect(out).toContain('step.onnx on x.npy in d.npz: 5 samples, 2;');
    expect(out).toMatch(/\n +1 +2 \(40\.0 %\) +2 \(40\.0 %\) +0 +1 +1\n/);
    expect(out).toContain('Predicted as labelled: 4 (80.0 %).');
    expect(out).toContain("Radii are in the network's input.");
    expect(out).toMatch(/\n +4 +1 +0 +-/);
    const largest = await run(`${base} --quiet`);
    expect(largest.calls.options).toMatchObject({ radii: [], maxRadius: true });
    expect(largest.out).toMatch(/^Median of the largest radii certified: 0\.8999/);
    expect(largest.out).not.toContain('Predicted');
  });

  it('passes every option on', async () => {
    const { calls } = await run(
      `${base} --radius 8/255 --max-radius --evaluations 7 --time-limit 2.5 --starts 3 --seed 9 --memory 100 --clip 0,4 --first 2`,
    );
    expect(calls.options).toMatchObject({
      ...{ radii: [8 / 255], maxRadius: true, evaluations: 7, attackStarts: 3, seed: 9, memory: 100e6 },
      ...{ timeLimit: 2.5, limits: { low: 0, high: 4 } },
    });
    expect(calls.samples).toHaveLength(2);
  });

  it.each([
    ['--threads 2 --first 4', 2],
    ['--threads 9 --first 3', 3],
    ['--threads 1', 1],
  ])('%s: on so many threads', async (line, workers) => {
    const { calls } = await run(`${base} --radius 1 ${line}`);
    expect(calls.options!.workers).toBe(workers);
  });

  it('puts the division of pixels before the network, and says so', async () => {
    const line = `${base} --radius 1 --mean 0.5 --std 0.25 --clip 0,3`;
    const { out, calls } = await run(line);
    expect([...calls.samples[2]!.input]).toEqual([0, -0.5]);
    expect(library.evaluate(calls.network!, Float64Array.of(0.25, 0))).toEqual(
      library.evaluate(stepNetwork(), Float64Array.of(1, 0)),
    );
    const { limits, attackLimits } = calls.options!;
    expect(attackLimits).toEqual({ low: Float64Array.of(-0.5, -0.5), high: Float64Array.of(2.5, 2.5) });
    // Wider by what rounding has moved the samples: proofs hold for these.
    const { low, high } = limits as { low: Float64Array; high: Float64Array };
    expect([low[0]! < -0.5 && low[0]! > -0.5 - 1e-14, high[1]! > 2.5 && high[1]! < 2.5 + 1e-14]).toEqual([
      true,
      true,
    ]);
    expect(out).toContain(
      "Radii are in pixels (1 is the whole range); divided by 0.25 they are in the network's input.",
    );
    const stored = await run(`${line} --normalized`);
    expect([...stored.calls.samples[3]!.input]).toEqual([0.75, 0]);
    const channels = await run(`${base} --radius 1 --mean 0,1 --std 1 2 --json`);
    expect(JSON.parse(channels.out)).toMatchObject({ unit: 'pixels', data: { mean: [0, 1], std: [1, 2] } });
  });

  it('writes CSV and a plot', async () => {
    const { code } = await run(`${base} --radius 1 --csv ${path('o.csv')} --plot ${path('o.svg')}`);
    expect(code).toBe(0);
    const lines = readFileSync(path('o.csv'), 'utf8').trim().split('\n');
    expect(lines[0]).toBe('index,label,predicted,margin,certified 1,stage 1,attack,seconds');
    expect(lines).toHaveLength(6);
    expect(lines[1]).toMatch(/^0,0,0,1\.19\d*,true,anchored closed form,,/);
    const svg = readFileSync(path('o.svg'), 'utf8');
    expect(svg).toMatch(/^<svg [^>]*aria-label="step\.onnx on x\.npy in d\.npz, 5 samples">/);
    expect(svg).not.toContain('NaN');
    const without = await run(`${base} --radius 1 --starts 0 --no-labels --csv ${path('o.csv')}`);
    expect(without.out).not.toContain('attack');
    expect(without.out).toContain('There are no labels');
  });
});

describe('a run that is stopped', () => {
  const line = `${base} --radius 1 --resume ${path('j.jsonl')}`;
  beforeEach(() => rmSync(path('j.jsonl'), { force: true }));

  it('prints what it has, and the same command goes on from there', async () => {
    const stopped = await run(`${line} --json`, { stopAfter: 2 });
    expect([stopped.code, stopped.err]).toEqual([0, '']);
    expect(JSON.parse(stopped.out)).toMatchObject({
      interrupted: true,
      summary: { samples: 2 },
      data: { samples: 5 },
    });
    expect(readFileSync(path('j.jsonl'), 'utf8').trim().split('\n')).toHaveLength(3);
    // What a process that was killed leaves: half a line.
    writeFileSync(path('j.jsonl'), '{"index":2,"lab', { flag: 'a' });
    const rest = await run(`${line} --json`);
    expect(rest.calls.samples.map(({ index }) => index)).toEqual([2, 3, 4]);
    const document = JSON.parse(rest.out);
    expect(document).not.toHaveProperty('interrupted');
    const whole = JSON.parse((await run(`${base} --radius 1 --json`)).out);
    const bare = (samples: { seconds: number }[]) => samples.map(({ seconds: _, ...sample }) => sample);
    expect(bare(document.samples)).toEqual(bare(whole.samples));
    expect(document.summary).toMatchObject({ samples: 5, certified: { '1': 2 } });
    const again = await run(line);
    expect([again.code, again.calls.samples]).toEqual([0, []]);
  });

  it('without a journal says what it has', async () => {
    const { code, out } = await run(`${base} --radius 1 --csv ${path('part.csv')}`, { stopAfter: 1 });
    expect(code).toBe(0);
    expect(out).toContain('1 of 5 samples');
    expect(out).toContain('Interrupted.');
    expect(readFileSync(path('part.csv'), 'utf8').trim().split('\n')).toHaveLength(2);
  });

  it('before there is anything is cancelled', async () => {
    const signal = new AbortController();
    signal.abort(new Error('cancelled'));
    expect(await run(line, { signal })).toMatchObject({ code: 130, out: '', err: 'cancelled\n' });
  });

  it('does not go on with other data, radii or files, which stay as they are', async () => {
    await run(line, { stopAfter: 2 });
    const before = readFileSync(path('j.jsonl'), 'utf8');
    const other = await run(`${base} --radius 2 --resume ${path('j.jsonl')}`);
    expect(other).toMatchObject({ code: 1, out: '' });
    expect(other.err).toMatch(/--resume: .*must be of the same run, got one that differs in radii\n/);
    writeFileSync(path('d.npz'), data(POINTS, [0, 0, 0, 1, 0]));
    expect((await run(line)).err).toMatch(/differs in data\n/);
    expect(readFileSync(path('j.jsonl'), 'utf8')).toBe(before);
    writeFileSync(path('text.txt'), 'a file of somebody\n');
    expect((await run(`${base} --radius 1 --resume ${path('text.txt')}`)).err).toMatch(/got another file\n/);
    expect(readFileSync(path('text.txt'), 'utf8')).toBe('a file of somebody\n');
  });

  it('does not go on with a file at another shape', async () => {
    await run(line, { stopAfter: 2 });
    const [head, ...rest] = readFileSync(path('j.jsonl'), 'utf8').split('\n');
    const heading = JSON.parse(head!);
    expect(heading.shape).toEqual([2]);
    writeFileSync(path('j.jsonl'), [JSON.stringify({ ...heading, shape: [2, 1] }), ...rest].join('\n'));
    expect((await run(line)).err).toMatch(/differs in shape\n/);
  });

  it('takes nothing for a report that is none, and the same sample of two runs once', async () => {
    const whole = await run(`${line} --json`);
    const [head, first, second, ...rest] = readFileSync(path('j.jsonl'), 'utf8').split('\n');
    const journal = (...lines: unknown[]) =>
      writeFileSync(path('j.jsonl'), `${[head, ...lines].join('\n')}\n`);
    const report = JSON.parse(first!);
    for (const changed of [
      { certified: { '1': 'yes' } },
      { certified: {} },
      { stages: { '1': 'by hand' } },
      { stages: {} },
      { radius: 3 },
      { index: 1 },
      { predicted: 'cat' },
    ]) {
      journal(JSON.stringify({ ...report, ...changed }), second);
      const { code, err } = await run(line);
      expect([code, err], JSON.stringify(changed)).toEqual([
        1,
        expect.stringMatching(/--resume: .*line 2 is not/),
      ]);
    }
    journal(first, first, second, second, ...rest.filter(Boolean));
    expect(JSON.parse((await run(`${line} --json`)).out).samples).toEqual(JSON.parse(whole.out).samples);
  });

  it('by an error keeps what was found, in its files too', async () => {
    const once = { ...library };
    const points = npy([2, 2], [0, 0, 1, 0]);
    writeFileSync(path('d.npz'), zip({ 'x.npy': points, 'y.npy': labelsNpy([0, 0]) }));
    const [stdout, stderr] = [recorder(), recorder()];
    const code = await runCommandLine(`${line} --csv ${path('e.csv')}`.split(' '), {
      library: async () => ({
        ...once,
        loadNetwork: async () => stepNetwork(),
        createEngine: async () => ({ ...engine, close: async () => {} }),
        async *certifySamples(network, samples, options) {
          for await (const report of certifyWith(stepProver(), network, samples, {
            ...options,
            timeLimit: 9,
          })) {
            yield report;
            throw new RangeError('Array buffer allocation failed');
          }
        },
      }),
      terminal: { stdout, stderr },
      version: '1.2.3',
      signal: new AbortController().signal,
    });
    expect(code).toBe(1);
    expect(stdout.text).toContain('1 of 2 samples');
    expect(stderr.text).toBe('error: not enough memory on this machine: Array buffer allocation failed\n');
    expect(readFileSync(path('e.csv'), 'utf8').trim().split('\n')).toHaveLength(2);
    expect(readFileSync(path('j.jsonl'), 'utf8').trim().split('\n')).toHaveLength(2);
  });
});

describe('what makes no sense ends in one sentence before anything is computed', () => {
  it.each([
    ['certify step.onnx', /required option '--data <file>' not specified/],
    [`${base} --radius 0`, /numbers above 0/],
    [`${base} --radius 1,x`, /numbers above 0/],
    [`${base} --radius 1/0`, /numbers above 0/],
    [`${base} --radius 1,1`, /--radius: must differ from each other/],
    [`${base} --mean 0.5`, /--mean: goes with --std/],
    [`${base} --std 0.5`, /--std: goes with --mean/],
    [`${base} --no-regions --evaluations 3`, /--evaluations: .*got --no-regions/],
    [`${base} --normalized`, /--normalized: goes with --mean and --std/],
    [`${base} --mean 0 --std 0`, /--std: above 0/],
    [`${base} --mean 0,0,0 --std 1`, /mean: one number, or one for each of 2/],
    [`${base} --clip 1,0`, /the smaller one first/],
    [`${base} --time-limit 0`, /a number above 0/],
    [`${base} --norm 1`, /Allowed choices are 2, inf/],
    [
      `${base} --norm inf --certificate ${path('certificates')}`,
      /--certificate: is of ℓ2 balls .*got --norm inf/,
    ],
    [`${base} --first 9`, /must hold the 9 samples that are asked for, got 5/],
    [`${base} --inputs z`, /must hold the array z \(--inputs names another\), got x, y/],
    [`${base} --clip 0,1`, /x\.npy in d\.npz: must keep to --clip, got 1\.899\d* at entry 0 of sample 1/],
    [`${base} --csv ${path('d.npz')}`, /--csv: .*must be a file of its own, got that of --data/],
    [`${base} --csv ${path('a')} --resume ${path('a')}`, /must be a file of its own/],
    [`${base} --plot ${path('no/where.svg')}`, /--plot: .*must be a file that can be written/],
    [`certify step.onnx --data ${path('nothing.npz')}`, /nothing\.npz: must be readable/],
  ])('%s', async (line, why) => {
    const { code, out, err, calls } = await run(line);
    expect({ code, out, samples: calls.samples }).toEqual({ code: 1, out: '', samples: [] });
    expect(err).toMatch(why);
    expect(err).toMatch(/^error: [^\n]*\n$/);
    const json = await run(`${line} --json`);
    expect(JSON.parse(json.out).error.message).toMatch(why);
  });

  it('NaN in the last sample is found before the first is worked on', async () => {
    writeFileSync(
      path('d.npz'),
      zip({ 'x.npy': npy([2, 2], [0, 0, 0, Number.NaN]), 'y.npy': labelsNpy([0, 0]) }),
    );
    const { code, err, calls } = await run(`${base} --radius 1 --resume ${path('never.jsonl')}`);
    expect([code, calls.samples]).toEqual([1, []]);
    expect(err).toMatch(
      /^error: x\.npy in d\.npz: must hold finite numbers, got NaN at entry 1 of sample 1\n$/,
    );
    expect(existsSync(path('never.jsonl'))).toBe(false);
  });
});
