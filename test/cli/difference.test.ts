/** `lipsoid difference A B`: what it says, certificates that name both files, and what does not go together. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { runCommandLine } from '../../src/cli/program.ts';
import { NetworkBuilder } from '../../src/network/builder.ts';
import * as library from '../../src/node.ts';
import { npy } from '../certify/data/files.ts';
import { recorder } from './recorder.ts';

const folder = mkdtempSync(join(tmpdir(), 'lipsoid-difference-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const path = (name: string) => join(folder, name);

/** tanh of 2 x₀ + x₁ and of x₁, read with weights 1 and `second`. */
const model = (second: number) =>
  NetworkBuilder.fromDense([
    {
      weight: [
        [2, 1],
        [0, 1],
      ],
      activation: 'tanh',
    },
    { weight: [[1, second]] },
  ]);
writeFileSync(path('a.onnx'), library.writeOnnx(model(0.5)));
writeFileSync(path('b.onnx'), library.writeOnnx(model(0.25)));
writeFileSync(path('wide.onnx'), library.writeOnnx(NetworkBuilder.fromDense([{ weight: [[1, 1, 1]] }])));
writeFileSync(path('x.npy'), npy([1, 2], [0, 1]));

async function run(line: string) {
  const [stdout, stderr] = [recorder(), recorder()];
  const words = line.split(' ').map((word) => (/\.(onnx|npy|json)$/.test(word) ? path(word) : word));
  const code = await runCommandLine(words, {
    library: async () => library,
    terminal: { stdout, stderr },
    version: '1.2.3',
    signal: new AbortController().signal,
  });
  return { code, out: stdout.text, err: stderr.text };
}
const OPTIONS = '--engine cpu-wasm --threads 1 --evaluations 5 --no-lower';

describe('lipsoid difference', () => {
  it('says the constant of the difference, and how far both are apart', async () => {
    const { code, out, err } = await run(
      `difference a.onnx b.onnx ${OPTIONS} --at x.npy --radius 0.5 --json`,
    );
    expect([code, err]).toEqual([0, '']);
    const { bound, region, a, b, identical } = JSON.parse(out);
    // 0.25 tanh x₁, x₁ within 0.5 of 1.
    expect(bound).toBeCloseTo(0.25, 5);
    expect(identical).toBe(false);
    expect(a.sha256).not.toBe(b.sha256);
    const most = 0.25 * Math.tanh(1.5);
    expect(region.largest).toBeGreaterThanOrEqual(most);
    expect(region.largest).toBeLessThan(most * 1.02);
    expect(region.attained.value).toBeGreaterThan(most * 0.99);
    expect(region.lipschitz).toBeLessThan(0.25 * (1 - Math.tanh(0.5) ** 2) * 1.001);
    expect(region).toMatchObject({ at: path('x.npy'), radius: 0.5 });
  });

  it('is read by people', async () => {
    const { out } = await run(`difference a.onnx b.onnx ${OPTIONS} --at x.npy --radius 0.5`);
    expect(out).toMatch(
      /^‖\(A − B\)\(x\) − \(A − B\)\(y\)‖₂ ≤ 0\.25\d* · ‖x − y‖₂ for all inputs x and y\.\n/,
    );
    expect(out).toMatch(
      /\n‖A\(x\) − B\(x\)‖₂ ≤ 0\.2\d+ there; at c it is 0\.19\d+ at most\.\nAt least 0\.22/,
    );
    expect((await run(`difference a.onnx a.onnx ${OPTIONS}`)).out).toBe(
      'A and B are the same: the difference is 0 everywhere.\n',
    );
  });

  it('has a certificate, which is of both files in their order', async () => {
    const made = await run(`difference a.onnx b.onnx ${OPTIONS} --certificate proof.json`);
    expect([made.code, made.err]).toEqual([0, '']);
    expect(made.out).toMatch(/Certificate .*proof\.json: checked, the bound is at most 0\.25/);
    expect((await run('verify proof.json a.onnx b.onnx')).out).toMatch(/^accepted\n/);
    for (const files of ['b.onnx a.onnx', 'a.onnx', 'a.onnx wide.onnx']) {
      const { code, out, err } = await run(`verify proof.json ${files}`);
      expect([1, 4]).toContain(code);
      expect(`${out}${err}`).toMatch(/another network|one shape/);
    }
    // A claim that is less than what is proven.
    const certificate = JSON.parse(readFileSync(path('proof.json'), 'utf8'));
    certificate.claim = { bound: 0.2, log10: Math.log10(0.2) };
    writeFileSync(path('less.json'), JSON.stringify(certificate));
    expect((await run('verify less.json a.onnx b.onnx')).code).toBe(4);
    const same = await run(`difference a.onnx a.onnx ${OPTIONS} --certificate same.json`);
    expect([same.code, same.out]).toEqual([2, expect.stringContaining('No certificate: both networks are')]);
    expect((await run('verify proof.json a.onnx a.onnx')).err).toMatch(/do the same/);
  });

  it('refuses what does not go together', async () => {
    const refused = async (line: string) => {
      const { code, err, out } = await run(`difference ${line}`);
      expect([code, out]).toEqual([1, '']);
      return err;
    };
    expect(await refused('a.onnx wide.onnx')).toMatch(
      /inputs of both networks must have one shape, got 2 and 3/,
    );
    expect(await refused('a.onnx b.onnx --at x.npy')).toMatch(/--at: goes with --radius/);
    expect(await refused('a.onnx b.onnx --radius 1')).toMatch(/--radius: goes with --at/);
    expect(await refused('a.onnx b.onnx --at x.npy --radius 1 --norm 1')).toMatch(/--norm: 2 or inf/);
    expect(await refused('a.onnx b.onnx --at x.npy --radius 1 --certificate c.json')).toMatch(
      /--certificate: is of the bound for all inputs/,
    );
    expect(await refused('a.onnx b.onnx --certificate a.onnx')).toMatch(/--certificate/);
  });
});
