/** `lipsoid bound --at` and `--domain`: the bound within a ball or a box, and what does not go with it. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { runCommandLine } from '../../src/cli/program.ts';
import * as library from '../../src/node.ts';
import { sourced } from '../certificate/networks.ts';
import { npy, zip } from '../certify/data/files.ts';
import { stepNetwork } from '../certify/step.ts';
import { recorder } from './recorder.ts';

const folder = mkdtempSync(join(tmpdir(), 'lipsoid-at-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const at = join(folder, 'x.npy');
writeFileSync(at, npy([1, 2], [0, 0]));

function run(options: string, signal = new AbortController().signal, own: Partial<typeof library> = {}) {
  return call(`bound step.onnx ${options} --engine cpu-wasm --threads 1`, signal, own);
}

async function call(line: string, signal = new AbortController().signal, own: Partial<typeof library> = {}) {
  const [stdout, stderr] = [recorder(), recorder()];
  const code = await runCommandLine(line.split(' '), {
    library: async () => ({ ...library, loadNetwork: async () => sourced(stepNetwork()), ...own }),
    terminal: { stdout, stderr },
    version: '1.2.3',
    signal,
  });
  return { code, out: stdout.text, err: stderr.text };
}

const bound = async (radius: number, kind = 'incremental') =>
  JSON.parse((await run(`--at ${at} --radius ${radius} --kind ${kind} --json`)).out).bound as number;

describe('lipsoid bound --at', () => {
  it('knows the slope on either side of the edge', async () => {
    // Up to x₀ = 2 it is 10 / 100, beyond it 10.
    expect(await bound(1)).toBeGreaterThanOrEqual(0.1);
    expect(await bound(1)).toBeLessThan(0.1001);
    expect(await bound(3)).toBeGreaterThanOrEqual(10);
    expect(await bound(3)).toBeLessThan(12);
    // From 0 to 3 the output grows from −0.2 to 10: by 3.4 a unit.
    expect(await bound(3, 'anchored')).toBeGreaterThanOrEqual(3.4);
    expect(await bound(3, 'anchored')).toBeLessThan(5);
  });

  it('says what it bounds', async () => {
    const both = await run(`--at ${at} --radius 1`);
    expect([both.code, both.err]).toEqual([0, '']);
    expect(both.out).toMatch(/^‖f\(x\) − f\(y\)‖₂ ≤ 0\.10000\d · .* within 1 \(ℓ2\) of .*x\.npy\./);
    expect((await run(`--at ${at} --radius 1 --kind anchored`)).out).toMatch(/^‖f\(x\) − f\(c\)‖₂/);
  });

  it('finds the constant in a region, and takes what goes with that', async () => {
    const exact = async (options: string) => JSON.parse((await run(`${options} --method exact --json`)).out);
    const below = await exact('--domain -3,1.9');
    expect(below).toMatchObject({ method: 'exact', kind: 'incremental', exact: { status: 'exact' } });
    expect(below.bound).toBeGreaterThanOrEqual(0.1);
    expect(below.bound).toBeLessThan(0.1 * (1 + 1e-6));
    expect((await exact(`--at ${at} --radius 3 --gap 0.1 --time-limit 20`)).bound).toBeCloseTo(10, 4);
    const said = await run(`--at ${at} --radius 1 --method exact`);
    expect(said.out).toMatch(/within 1 \(ℓ2\) of .*\nThis is the constant/);
    expect((await run(`--at ${at} --radius 1 --kind anchored --method exact`)).err).toMatch(
      /--kind: incremental/,
    );
    expect((await run(`--at ${at} --radius 1 --gap 0.1`)).err).toMatch(/--gap: does not go with --at/);
  });

  it('shows methods beside each other, and what holds for all inputs', async () => {
    const said = await run(`--at ${at} --radius 3`);
    expect(said.out).toMatch(/\nThere: closed-form \d.*, refined \d.*; for all inputs: \S+ \d.*\.\n/);
    const { bound: least, methods, global } = JSON.parse((await run(`--at ${at} --radius 3 --json`)).out);
    expect(methods.map(({ method }: { method: string }) => method)).toEqual(['closed-form', 'refined']);
    expect(least).toBe(Math.min(...methods.map((row: { bound: number }) => row.bound), global.bound));
    const closed = JSON.parse((await run(`--at ${at} --radius 3 --method closed-form --json`)).out);
    expect(closed.methods).toEqual([methods[0]]);
    expect(closed.global.method).toBe('closed-form');
  });

  it('says so where its time was over', async () => {
    const localBound: typeof library.localBound = (_, __, ___, { interrupt } = {}) =>
      new Promise((_, reject) => {
        interrupt!.addEventListener('abort', () => reject(interrupt!.reason));
      });
    const over = await run(`--at ${at} --radius 3 --time-limit 0.02`, undefined, { localBound });
    expect(over).toMatchObject({ code: 2, out: expect.stringMatching(/^No bound: 0\.02 s were over/) });
  });

  it('certifies the constant, everywhere and in a region', async () => {
    const file = join(folder, 'proof.json');
    for (const [where, of] of [
      ['--lower', 'for all inputs, the'],
      [`--at ${at} --radius 3`, 'within 3 (ℓ2) of (0, …)'],
      ['--domain -3,1.9', 'with entries from (-3, …) to (1.9, …)'],
    ]) {
      const made = await run(`${where} --method exact --certificate ${file}`.replace('--lower ', ''));
      expect([made.code, made.err]).toEqual([0, '']);
      expect(made.out).toMatch(
        /\nCertificate .*proof.json: checked, the constant is at most [\d.]+, and at least/,
      );
      const verdict = await call(`verify ${file} step.onnx`);
      expect(verdict).toMatchObject({ code: 0, err: '' });
      expect(verdict.out).toContain(of);
      const proof = JSON.parse(readFileSync(file, 'utf8'));
      proof.claim.bound *= 0.999;
      writeFileSync(file, JSON.stringify(proof));
      expect(await call(`verify ${file} step.onnx`)).toMatchObject({
        code: 4,
        out: expect.stringMatching(/^rejected\ntree: node \d+: its multipliers do not prove/),
      });
    }
    const box = { low: Float64Array.of(-3, -1e-9), high: Float64Array.of(1.9, 1e-9) };
    const network = sourced(stepNetwork());
    const found = await library.exactConstant(network, { box });
    writeFileSync(file, JSON.stringify(await library.certifyExact(network, found, { box })));
    expect((await call(`verify ${file} step.onnx`)).out).toContain('(the narrowest side is 2e-9 wide)');
    const document = JSON.parse((await run(`--domain -1,1 --method exact --json --certificate ${file}`)).out);
    expect(document.certificate).toMatchObject({ file, assurance: 'checked', bound: document.bound });
    // Not asked for, and found.
    expect((await run(`--certificate ${file}`)).out).toContain('checked, the constant is at most');
  });

  it('goes on from the certificate of a search that was stopped', async () => {
    const file = join(folder, 'stopped.json');
    for (const where of [`--at ${at} --radius 3 `, '']) {
      const exact = `${where}--method exact --certificate ${file}`;
      expect((await run(`${exact} --time-limit 0`)).out).toContain('Certificate');
      const done = await run(`${exact} --resume ${file}`);
      expect([done.code, done.err]).toEqual([0, '']);
      expect(done.out).toContain('This is the constant');
      expect((await call(`verify ${file} step.onnx`)).code).toBe(0);
      const elsewhere = await run(`--domain -1,1 --method exact --resume ${file}`);
      expect(elsewhere.err).toMatch(/certificate: of another domain/);
      const pair = await run(`--method exact --target 0,1 --resume ${file}`);
      expect(pair.err).toMatch(/of the whole output, and output 0 minus output 1 asked for/);
    }
    writeFileSync(file, '{}');
    expect(await run(`--method exact --resume ${file}`)).toMatchObject({
      code: 1,
      err: expect.stringMatching(/certificate/),
    });
  });

  it('says in which norms', async () => {
    const box = await run(`--at ${at} --radius 1 --norm inf --output-norm 1`);
    expect(box.out).toMatch(/^‖f\(x\) − f\(y\)‖₁ ≤ .* · ‖x − y‖∞ for all inputs x and y within 1 \(ℓ∞\) of/);
    const document = JSON.parse((await run(`--at ${at} --radius 1 --norm inf --json`)).out);
    expect(document.norms).toEqual({ input: 'inf', output: '2' });
    expect(document.bound).toBeGreaterThanOrEqual(0.1);
    expect(JSON.parse((await run(`--at ${at} --radius 1 --json`)).out).norms).toEqual({
      input: '2',
      output: '2',
    });
  });

  it('knows boxes, and balls cut with them', async () => {
    const inBox = async (options: string) => JSON.parse((await run(`${options} --json`)).out);
    // Up to x₀ = 2 it is 10 / 100, beyond it 10.
    const below = await inBox('--domain -3,1.9');
    expect(below).toMatchObject({ at: null, radius: null, domain: [-3, 1.9], kind: 'incremental' });
    expect(below.bound).toBeGreaterThanOrEqual(0.1);
    expect(below.bound).toBeLessThan(0.1001);
    const over = await inBox('--domain -3,2.1');
    expect(over.bound).toBeGreaterThanOrEqual(10);
    expect(over.bound).toBeLessThan(12);
    expect(await bound(3)).toBeGreaterThanOrEqual(10);
    const cut = await inBox(`--at ${at} --radius 3 --domain -1,1.9`);
    expect(cut).toMatchObject({ at, radius: 3, domain: [-1, 1.9] });
    expect(cut.bound).toBeGreaterThanOrEqual(0.1);
    expect(cut.bound).toBeLessThan(0.1001);
    const anchored = await inBox(`--at ${at} --domain -1,3 --kind anchored`);
    expect(anchored).toMatchObject({ at, radius: null, kind: 'anchored' });
    expect(anchored.bound).toBeGreaterThanOrEqual(3.4);
    expect(anchored.bound).toBeLessThan(5);
  });

  it('says where a box is', async () => {
    expect((await run('--domain 0,1')).out).toMatch(
      /for all inputs x and y with all entries from 0 to 1\.\n/,
    );
    expect((await run(`--at ${at} --radius 1 --domain 0,1`)).out).toMatch(
      /within 1 \(ℓ2\) of .*x\.npy, with all entries from 0 to 1\.\n/,
    );
    expect((await run(`--at ${at} --domain 0,1 --kind anchored`)).out).toMatch(
      /‖x − c‖₂ for all inputs x with all entries from 0 to 1, c being the input in .*x\.npy\.\n/,
    );
  });

  it('ends where it is cancelled', async () => {
    const line = `--at ${at} --radius 1`;
    expect(await run(line, AbortSignal.abort())).toMatchObject({ code: 130, out: '' });
  });

  it('reads the point from an archive too', async () => {
    const archive = join(folder, 'x.npz');
    writeFileSync(archive, zip({ 'x.npy': npy([2], [0, 0]), 'y.npy': npy([1], [0]) }));
    expect((await run(`--at ${archive} --radius 1`)).code).toBe(0);
  });

  it.each([
    [`--at ${at}`, /--at: goes with --radius/],
    ['--radius 1', /goes with --at/],
    ['--kind anchored', /goes with --at/],
    ['--domain 0,1 --kind anchored', /--kind: goes with --at/],
    ['--domain 0,1 --radius 1', /--radius: goes with --at/],
    ['--domain 1,0', /the smaller one first/],
    ['--domain 0', /two numbers/],
    ['--domain 0,1 --method spectral-product', /--method: all, closed-form, refined, exact with --domain/],
    [`--at ${at} --radius 1 --domain 0.5,1`, /must be in the domain, got 0 at entry 0/],
    [`--at ${at} --radius 1 --method unrolled`, /--method: all, closed-form, refined, exact with --at/],
    [
      `--at ${at} --radius 1 --method closed-form --evaluations 3`,
      /--evaluations: does not go with --at and/,
    ],
    [`--at ${at} --radius 1 --no-lower`, /--no-lower: does not go with --at/],
    [`--at ${at} --radius 1 --norm 1`, /--norm: 2 or inf in a region, got 1/],
    [`--at ${at} --radius 1 --weights ${at}`, /--weights: does not go with --at/],
    [`--at ${at} --radius 1 --sensitivities`, /--sensitivities: does not go with --at/],
    [`--at ${at} --radius -1`, /at least 0/],
    [`--at ${at} --radius 1 --kind both`, /incremental, anchored/],
    [`--at ${folder}/none.npy --radius 1`, /none\.npy: must be readable/],
  ])('refuses %s', async (options, why) => {
    const { code, out, err } = await run(options);
    expect([code, out]).toEqual([1, '']);
    expect(err).toMatch(why);
    expect(err).toMatch(/^error: [^\n]*\n$/);
  });

  it('refuses a point of another shape, and one that is none', async () => {
    writeFileSync(join(folder, 'wide.npy'), npy([3], [0, 0, 0]));
    expect((await run(`--at ${folder}/wide.npy --radius 1`)).err).toMatch(/network's input \[2\], got \[3\]/);
    writeFileSync(join(folder, 'nan.npy'), npy([2], [0, Number.NaN]));
    expect((await run(`--at ${folder}/nan.npy --radius 1`)).err).toMatch(
      /finite numbers, got NaN at entry 1/,
    );
  });
});
