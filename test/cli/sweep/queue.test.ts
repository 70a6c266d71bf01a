/** Sweeps and workers on a queue: a real Redis server on the loopback, and workers that die. */
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { StoredMultipliers } from '../../../src/bounds/result.ts';
import { alone } from '../../../src/cli/sweep/workforce.ts';
import { writeOnnx } from '../../../src/formats/onnx/writing/write.ts';
import { executable } from './executable.ts';
import { tinyNetwork } from './networks.ts';

const NETWORKS = 10;
let folder = '';
let program = '';
let redis: ChildProcess;
let port = 0;
const path = (name: string) => join(folder, name);
const url = () => `redis://127.0.0.1:${port}`;
const client = (...argv: string[]) =>
  execFileSync('redis-cli', ['-p', String(port), ...argv], { encoding: 'utf8' });

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'lipsoid-queue-'));
  port = await freePort();
  redis = spawn(
    'redis-server',
    ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--dir', folder],
    {
      stdio: 'ignore',
    },
  );
  program = await executable(folder);
  symlinkSync(fileURLToPath(new URL('../../../node_modules', import.meta.url)), path('node_modules'));
  mkdirSync(path('run'));
  for (let k = 1; k <= NETWORKS; k++) {
    writeFileSync(path(`run/step-${k}.onnx`), writeOnnx(tinyNetwork(k, [6, 16, 3])));
  }
  writeFileSync(path(`run/step-5.onnx`), 'no model');
});
afterAll(() => {
  redis.kill('SIGKILL');
  rmSync(folder, { recursive: true });
});

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port: free } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return free;
}

const QUESTION = ['--method', 'refined', '--no-lower', '--engine', 'cpu-wasm', '--json'];

function start(...argv: string[]): {
  readonly child: ChildProcess;
  readonly ended: Promise<number | null>;
  text: string;
} {
  const child = spawn(process.execPath, [program, ...argv], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const started = {
    child,
    ended: new Promise<number | null>((resolve) => child.on('close', resolve)),
    text: '',
  };
  child.stdout!.on('data', (piece) => {
    started.text += piece;
  });
  return started;
}

const sweep = (out: string, ...argv: string[]) =>
  start('sweep', 'run/*.onnx', '--out', out, ...QUESTION, ...argv);
const worker = (...argv: string[]) =>
  start('worker', '--queue', url(), '--threads', '1', '--heartbeat', '1', '--quiet', ...argv);

/** By files, without what a clock says and what computes it. */
function lines(out: string): object[] {
  const text = existsSync(path(out)) ? readFileSync(path(out), 'utf8') : '';
  const whole = text.split('\n').slice(0, -1).sort();
  return whole.map((line) => ({ ...JSON.parse(line), seconds: 0, engine: '' }));
}

it('workers that are killed or told to end lose and double nothing, and what was done is there for the next sweep', async () => {
  const local = sweep('local.jsonl', '--threads', '1');
  expect(await local.ended).toBe(0);
  const queued = sweep('queued.jsonl', '--queue', url());
  const killed = worker('--jobs', '2');
  const told = worker();
  while (lines('queued.jsonl').length < 2 && queued.child.exitCode === null) await pause(5);
  killed.child.kill('SIGKILL');
  await killed.ended;
  const before = lines('queued.jsonl').length;
  while (lines('queued.jsonl').length === before && queued.child.exitCode === null) await pause(5);
  told.child.kill('SIGTERM');
  expect(await told.ended).toBe(0);
  expect(lines('queued.jsonl').length).toBeLessThan(NETWORKS);
  const last = worker('--idle', '2');
  expect(await queued.ended).toBe(0);
  expect(JSON.parse(queued.text)).toMatchObject({ networks: NETWORKS, bounds: NETWORKS - 1, found: 0 });
  expect(lines('queued.jsonl')).toEqual(lines('local.jsonl'));
  // The one that was killed had work to lose.
  expect(client('XRANGE', 'bull:lipsoid:events', '-', '+')).toContain('stalled');
  expect(await last.ended).toBe(0);
  // Without any worker: all but the broken file.
  rmSync(path('run/step-5.onnx'));
  const again = sweep('again.jsonl', '--queue', url());
  expect(await again.ended).toBe(0);
  expect(lines('again.jsonl')).toEqual(lines('local.jsonl').filter((line) => !('error' in line)));
});

it('a search goes on from what another one has told', async () => {
  const library = await import('../../../src/node.ts');
  const question = { method: 'refined', engine: 'cpu-wasm', threads: 1, lower: false } as const;
  const force = await alone(question, library, new AbortController().signal);
  try {
    const told: (readonly StoredMultipliers[])[] = [];
    const hear = {
      share: () => {},
      searched: (searched: readonly StoredMultipliers[]) => void told.push(searched),
    };
    const file = path('run/step-1.onnx');
    const cold = await force.compute({ file, tell: 0 }, hear);
    expect(told.length).toBeGreaterThan(3);
    const from = JSON.parse(JSON.stringify(told.at(-1)!)) as StoredMultipliers[];
    const warm = await force.compute({ file, from }, hear);
    expect(warm.answer.evaluations!).toBeLessThan(0.7 * cold.answer.evaluations!);
    expect(Math.abs(warm.answer.bound! / cold.answer.bound! - 1)).toBeLessThan(1e-3);
  } finally {
    await force.close();
  }
});

it('says what is missing: a server, a package', async () => {
  const run = (file: string, address: string) =>
    spawnSync(process.execPath, [file, 'worker', '--queue', address], { encoding: 'utf8', timeout: 50_000 });
  const refused = run(program, `redis://:secret@127.0.0.1:${await freePort()}`);
  expect(refused.status).toBe(1);
  expect(refused.stderr).toMatch(
    /^error: --queue: 127\.0\.0\.1:\d+ must be a Redis server, got an error: .*ECONNREFUSED/,
  );
  rmSync(path('node_modules'));
  const { status, stderr } = run(program, url());
  expect(status).toBe(1);
  expect(stderr).toMatch(/^error: --queue: needs the packages bullmq and ioredis, npm install bullmq@/);
});
