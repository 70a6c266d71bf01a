/** `lipsoid certify` in a process of its own: a person presses Ctrl-C, and goes on. */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { drawDigits } from '../../examples/digits.ts';
import { labelsNpy, npy, zip } from '../certify/data/files.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));

it('prints what it has on SIGINT, and the same command does the rest', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'lipsoid-process-'));
  try {
    const count = 40;
    const { values, labels } = drawDigits(count, 2);
    const data = join(folder, 'digits.npz');
    writeFileSync(data, zip({ 'x.npy': npy([count, 1, 14, 14], values), 'y.npy': labelsNpy([...labels]) }));
    const journal = join(folder, 'journal.jsonl');
    const args = ['--import', 'tsx', 'src/cli/main.ts', 'certify', 'examples/mlp.onnx', '--data', data];
    const options = ['--radius', '0.4', '--evaluations', '5', '--starts', '1', '--engine', 'cpu-wasm'];
    const line = [...args, ...options, '--resume', journal, '--json'];
    const child = spawn(process.execPath, line, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] });
    let out = '';
    child.stdout.on('data', (text) => {
      out += text;
    });
    const ended = new Promise<number | null>((resolve) => child.on('close', resolve));
    const lines = () => (existsSync(journal) ? readFileSync(journal, 'utf8').split('\n').length - 1 : 0);
    while (lines() < 2 && child.exitCode === null) await pause(20);
    child.kill('SIGINT');
    expect(await ended).toBe(0);
    const part = JSON.parse(out);
    expect(part.interrupted).toBe(true);
    expect(part.summary.samples).toBeGreaterThan(0);
    expect(part.summary.samples).toBeLessThan(count);
    expect(lines()).toBe(1 + part.summary.samples);

    const rest = spawnSync(process.execPath, line, { cwd: root, encoding: 'utf8', timeout: 200_000 });
    expect(rest.status).toBe(0);
    const whole = JSON.parse(rest.stdout);
    expect(whole.summary.samples).toBe(count);
    expect(whole.samples.slice(0, part.summary.samples)).toEqual(part.samples);
    expect(whole.summary.clean).toBeGreaterThan(35);
    expect(whole.summary.certified['0.4']).toBeGreaterThan(10);
    expect(whole.summary.attacked['0.4']).toBeGreaterThanOrEqual(whole.summary.certified['0.4']);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
