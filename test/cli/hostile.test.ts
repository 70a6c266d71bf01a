/** Names that write to terminals, in everything that a stranger can name: no command passes them on. */
import { readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { progressDisplay } from '../../src/cli/output/progress.ts';
import { runCommandLine } from '../../src/cli/program.ts';
import * as library from '../../src/node.ts';
import { floats, model, node } from '../formats/onnx/build.ts';
import { recorder } from './recorder.ts';

/** Clears the screen, rings, starts a line, turns the direction of text, and what C1 and Unicode have for the same. */
const EVIL = '\u001b[2J\u001b[1m\u0007\r\naccepted\u009b31m\u007f\u2028\u202e\u2066\u200b\ufeff\u{e0041}';
/** What is left of it. */
const TAMED = '\\u001b[2J';
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const OWN = /\u001b\[(1|2|22)m/g;
const UNSAFE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u;

/** A network of hostile names; `op` is the operator in its middle. */
function hostile(op = 'Relu'): Uint8Array {
  const { x, y, w } = { x: `x${EVIL}`, y: `y${EVIL}`, w: `w${EVIL}` };
  const nodes = [
    { ...node('Gemm', 'a b', 'c'), name: `gemm${EVIL}`, input: [x, w], output: [`a${EVIL}`] },
    { ...node(op, 'a', 'b'), name: `relu${EVIL}`, input: [`a${EVIL}`], output: [y] },
  ];
  const initializers = [floats(w, [2, 2], [1, 2, 3, 4])];
  return model(nodes, { inputs: { [x]: ['N', 2] }, outputs: { [y]: undefined }, initializers });
}

describe('hostile names', () => {
  let folder = '';
  const path = (name: string) => join(folder, name);
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'lipsoid-hostile-'));
    await writeFile(path(`${EVIL}.onnx`), hostile());
    await writeFile(path('plain.onnx'), hostile());
    await writeFile(path('refused.onnx'), hostile(`LSTM${EVIL}`));
    await writeFile(path('cut.onnx'), hostile().subarray(0, 60));
    await writeFile(path(`${EVIL}.json`), `{"${EVIL.replace(/\p{Cc}/gu, '')}`);
  });
  afterAll(() => rm(folder, { recursive: true }));

  async function run(...argv: string[]) {
    const looks = { colour: true, interactive: true } as const;
    const [stdout, stderr] = [recorder(looks), recorder({ ...looks, interactive: false })];
    const code = await runCommandLine(argv, {
      library: async () => library,
      terminal: { stdout, stderr },
      version: '1.2.3',
      signal: new AbortController().signal,
    });
    for (const text of [stdout.text, stderr.text]) {
      const lines = text.split('\n').map((line) => line.replace(OWN, ''));
      expect(lines.filter((line) => UNSAFE.test(line))).toEqual([]);
      // Styles come in pairs within a line: a name's own would not.
      for (const line of text.split('\n')) {
        const codes = [...line.matchAll(OWN)].map(([, code]) => code);
        expect(codes.map((code, k) => (k % 2 === 0 ? code !== '22' : code === '22'))).not.toContain(false);
      }
      const verdicts = lines.filter((line) => line.startsWith('accepted'));
      expect(verdicts.length).toBeLessThanOrEqual(argv[0] === 'verify' && code === 0 ? 1 : 0);
    }
    return { code, out: stdout.text, err: stderr.text };
  }

  const fast = ['--engine', 'cpu-wasm', '--threads', '1'];

  it.each([
    ['bound', () => ['bound', path(`${EVIL}.onnx`), ...fast]],
    ['bound --json', () => ['bound', path(`${EVIL}.onnx`), ...fast, '--json']],
    ['inspect', () => ['inspect', path(`${EVIL}.onnx`)]],
    ['inspect --json', () => ['inspect', path(`${EVIL}.onnx`), '--json']],
  ])('%s', async (_, argv) => {
    const { code, out } = await run(...argv());
    expect(code).toBe(0);
    expect(out).toContain(argv().includes('--json') ? '\\u001b[2J' : TAMED);
    if (argv().includes('--json'))
      expect(JSON.stringify(JSON.parse(out))).toContain(JSON.stringify(EVIL).slice(1, -1));
  });

  it('bound --certificate, --save-multipliers, verify and what they write', async () => {
    const [certificate, multipliers] = [path(`c${EVIL}.json`), path(`m${EVIL}.json`)];
    const files = ['--certificate', certificate, '--save-multipliers', multipliers];
    const found = await run('bound', path('plain.onnx'), ...fast, '--method', 'refined', ...files);
    expect(found).toMatchObject({ code: 0, err: '' });
    for (const file of [certificate, multipliers]) {
      expect(UNSAFE.test(readFileSync(file, 'utf8').trimEnd())).toBe(false);
    }
    const verdict = await run('verify', certificate, path('plain.onnx'));
    expect(verdict.code).toBe(0);
    const again = await run('bound', path('plain.onnx'), ...fast, '--multipliers', multipliers);
    expect(again.code).toBe(0);
    const other = JSON.parse(readFileSync(certificate, 'utf8'));
    for (const change of [
      { network: { ...other.network, output: `${EVIL}2` } },
      { network: { ...other.network, sha256: EVIL } },
      { layers: [{ ...other.layers[0], name: `${EVIL}2` }] },
      { layers: [{ ...other.layers[0], role: EVIL }] },
      { format: EVIL },
      { [EVIL]: 1 },
    ]) {
      await writeFile(path('other.json'), JSON.stringify({ ...other, ...change }));
      for (const json of [[], ['--json']]) {
        const rejected = await run('verify', path('other.json'), path('plain.onnx'), ...json);
        expect(rejected.code).toBe(4);
        expect(rejected.out).toMatch(/u001b|must be the members|64 hex/);
      }
    }
  });

  it('verify of a certificate of the constant', async () => {
    const certificate = path(`e${EVIL}.json`);
    const exact = ['--method', 'exact', '--certificate', certificate];
    expect(await run('bound', path('plain.onnx'), ...fast, ...exact)).toMatchObject({ code: 0, err: '' });
    expect((await run('verify', certificate, path('plain.onnx'))).code).toBe(0);
    const other = JSON.parse(readFileSync(certificate, 'utf8'));
    for (const change of [
      { network: { ...other.network, output: `${EVIL}2` } },
      { tree: [{ ...other.tree[0], kind: EVIL }] },
      { tree: [{ ...other.tree[0], [EVIL]: 1 }] },
      { format: EVIL },
      { [EVIL]: 1 },
    ]) {
      await writeFile(path('other.json'), JSON.stringify({ ...other, ...change }));
      for (const json of [[], ['--json']])
        expect((await run('verify', path('other.json'), path('plain.onnx'), ...json)).code).toBe(4);
    }
  });

  it('export-sdp and solve-sdp', async () => {
    const out = path(`p${EVIL}.dat-s`);
    const written = await run('export-sdp', path(`${EVIL}.onnx`), '--formulation', 'lipsdp', '--out', out);
    expect(written.code).toBe(0);
    // Without the solver a message names it; with it the answer names the network.
    for (const solver of ['csdp', `/no/${EVIL}`]) await run('solve-sdp', out, '--solver', solver);
  });

  it.each([
    ['a file that is not there', () => ['bound', path(`none${EVIL}.onnx`)], 1],
    ['a file that is cut off', () => ['bound', path('cut.onnx')], 1],
    ['an operator that is unknown', () => ['bound', path('refused.onnx')], 2],
    ['a certificate that is none', () => ['verify', path(`${EVIL}.json`), path('plain.onnx')], 1],
    ['an output that is unknown', () => ['inspect', path('plain.onnx'), '--output', EVIL], 1],
    ['an option', () => ['inspect', path('plain.onnx'), `--${EVIL}`], 1],
    ['a value', () => ['bound', path('plain.onnx'), '--seed', EVIL], 1],
    ['a command', () => [EVIL], 1],
  ])('errors: %s', async (_, argv, code) => {
    const text = await run(...argv());
    expect(text).toMatchObject({ code, out: '' });
    const json = await run(...argv(), '--json');
    expect(json.code).toBe(code);
    expect(JSON.parse(json.out)).toHaveProperty('error');
  });

  it('progress', () => {
    for (const interactive of [true, false]) {
      const out = recorder({ interactive });
      let time = 0;
      const display = progressDisplay(out, () => time);
      for (time = 0; time <= 60_000; time += 10_000) {
        display.show({ method: 'closed-form', layer: EVIL, done: time, total: 60_000 });
      }
      expect(out.text).toContain(TAMED);
      expect(UNSAFE.test(out.text.replaceAll('\r\u001b[2K', '').replaceAll('\n', ''))).toBe(false);
    }
  });
});

it('only src/cli/output/terminal.ts writes to terminals', () => {
  const root = fileURLToPath(new URL('../../src/', import.meta.url));
  const files = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter(
    (name) =>
      /^(cli|bounds|certificate|formats|sdp|network)\/.*\.ts$/.test(name) &&
      name !== 'cli/output/terminal.ts',
  );
  expect(files.length).toBeGreaterThan(50);
  for (const name of files) {
    const source = readFileSync(join(root, name), 'utf8');
    expect(source, name).not.toMatch(/console\.|process\.std(out|err)\.write|writeSync/);
    if (!name.startsWith('cli/')) continue;
    // The program notes that there was an answer.
    if (name !== 'cli/program.ts') expect(source, name).not.toMatch(/std(out|err)\.write\(/);
    // Journals are files; sweeps have files, queues, and keys by which they find lines again.
    const files = /^cli\/(program|output\/(journal|lineFile)|sweep\/\w+)\.ts$/;
    if (!files.test(name)) expect(source, name).not.toMatch(/JSON\.stringify/);
  }
});
