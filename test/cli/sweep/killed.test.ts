/** Processes of a sweep that are killed: what they leave is gone on from, and comes to what one that was never killed says. */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Random } from '../../support/random.ts';
import { executable } from './executable.ts';
import { writeCheckpoints } from './networks.ts';

let folder = '';
let program = '';
const path = (name: string) => join(folder, name);
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'lipsoid-killed-'));
  program = await executable(folder);
  writeCheckpoints(path('run'), 200);
});
afterAll(() => rmSync(folder, { recursive: true }));

const OPTIONS = ['--rule', 'SN(1)', '--no-lower', '--engine', 'cpu-wasm', '--threads', '1', '--json'];

function start(
  files: string,
  out: string,
  ...argv: string[]
): { readonly child: ChildProcess; readonly ended: Promise<string> } {
  const child = spawn(process.execPath, [program, 'sweep', files, '--out', out, ...OPTIONS, ...argv], {
    ...{ cwd: folder, stdio: ['ignore', 'pipe', 'inherit'] },
  });
  let text = '';
  child.stdout!.on('data', (piece) => {
    text += piece;
  });
  return { child, ended: new Promise((resolve) => child.on('close', () => resolve(text))) };
}

/** Whole lines, in order of files, without what a clock says. */
function lines(out: string): object[] {
  const text = existsSync(path(out)) ? readFileSync(path(out), 'utf8') : '';
  const whole = text.split('\n').slice(0, -1);
  return whole.sort().map((line) => ({ ...JSON.parse(line), seconds: 0 }));
}

/** How many there are. */
const count = (out: string) =>
  existsSync(path(out)) ? readFileSync(path(out)).filter((byte) => byte === 10).length : 0;

it('a sweep of 200 files that is killed ten times ends with the same lines as one that never is', async () => {
  const never = await start('run/*.onnx', 'never.jsonl').ended;
  expect(JSON.parse(never)).toMatchObject({ networks: 200, bounds: 200, found: 0 });
  const random = new Random(17);
  const counts = [0];
  for (let kill = 0; kill < 10; kill++) {
    const { child, ended } = start('run/*.onnx', 'killed.jsonl');
    // It has begun to work, on something new, where there is anything new left.
    while (count('killed.jsonl') <= counts.at(-1)! && child.exitCode === null) await pause(2);
    await pause(random.between(0, 20));
    child.kill('SIGKILL');
    await ended;
    counts.push(count('killed.jsonl'));
  }
  // Each has done some of the work, and none of them all.
  expect(counts[10]).toBeLessThan(200);
  expect(new Set(counts).size).toBe(11);
  const { found } = JSON.parse(await start('run/*.onnx', 'killed.jsonl').ended);
  expect(found).toBeGreaterThanOrEqual(counts[10]!);
  expect(lines('killed.jsonl')).toEqual(lines('never.jsonl'));
});

it('processes side by side say the same, one that dies is a line, and the next run does its network', async () => {
  const some = 'run/step-??.onnx';
  const { child, ended } = start(some, 'beside.jsonl', '--jobs', '2');
  while (count('beside.jsonl') < 5 && child.exitCode === null) await pause(2);
  const [victim] = readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8').trim().split(' ');
  process.kill(Number(victim), 'SIGKILL');
  expect(JSON.parse(await ended)).toMatchObject({ networks: 90, bounds: 89, without: 1 });
  const [broken] = lines('beside.jsonl').filter((line) => 'error' in line);
  const error = { kind: 'system', message: expect.stringMatching(/SIGKILL/) };
  expect(broken).toMatchObject({ key: null, error });
  const again = await start(some, 'beside.jsonl', '--jobs', '2').ended;
  expect(JSON.parse(again)).toMatchObject({ bounds: 90, found: 89 });
  const bounds = lines('beside.jsonl').filter((line) => !('error' in line));
  const same = lines('never.jsonl').filter((line) => /step-..\.onnx/.test((line as { file: string }).file));
  expect(bounds).toEqual(same);
});
