/** `lipsoid sweep --warm`: checkpoints of one training start each other's search. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { bound } from '../../../src/bounds/bound.ts';
import type { StoredMultipliers } from '../../../src/bounds/result.ts';
import { runCommandLine } from '../../../src/cli/program.ts';
import type { SweepLine } from '../../../src/cli/sweep/line.ts';
import { structureOf } from '../../../src/cli/sweep/structure.ts';
import { writeOnnx } from '../../../src/formats/onnx/writing/write.ts';
import { recorder } from '../recorder.ts';
import { tinyNetwork } from './networks.ts';
import { checkpoints } from './training.ts';

let folder = '';
const path = (name: string) => join(folder, name);
const steps = [200, 400, 600, 800, 1000];
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'lipsoid-warm-'));
  for (const [k, network] of checkpoints(steps, 1000).entries()) {
    writeFileSync(path(`step-${steps[k]}.onnx`), writeOnnx(network));
  }
});
afterAll(() => rmSync(folder, { recursive: true }));

async function sweep(out: string, ...argv: string[]): Promise<SweepLine[]> {
  const [stdout, stderr] = [recorder(), recorder()];
  const options = [
    '--method',
    'refined',
    '--engine',
    'cpu-wasm',
    '--threads',
    '1',
    '--evaluations',
    '400',
    '--quiet',
  ];
  const code = await runCommandLine(['sweep', path('*.onnx'), '--out', path(out), ...options, ...argv], {
    library: () => import('../../../src/node.ts'),
    ...{ terminal: { stdout, stderr }, version: '1.2.3', signal: new AbortController().signal },
  });
  expect({ code, err: stderr.text }).toEqual({ code: 0, err: '' });
  const lines = readFileSync(path(out), 'utf8').split('\n').slice(0, -1);
  return lines.map((line) => ({ ...(JSON.parse(line) as SweepLine), seconds: 0 }));
}

it('saves 30 % of the evaluations over five checkpoints, finds as much, and goes on as if it had not been stopped', async () => {
  const cold = await sweep('cold.jsonl', '--no-lower');
  const warm = await sweep('warm.jsonl', '--warm', '--no-lower');
  const count = (lines: readonly SweepLine[]) =>
    lines.reduce((sum, { evaluations }) => sum + evaluations!, 0);
  expect(count(warm)).toBeLessThan(0.7 * count(cold));
  expect(warm[0]!.evaluations).toBe(cold[0]!.evaluations);
  for (const [k, { bound }] of warm.entries()) {
    expect(Math.abs(bound! / cold[k]!.bound! - 1)).toBeLessThan(1e-3);
  }
  // All that is left is a part of the cache.
  const kept = readdirSync(path('warm.jsonl.cache'), { recursive: true, encoding: 'utf8' });
  for (const { key } of warm.slice(2)) {
    for (const name of kept.filter((each) => each.includes(key!))) rmSync(path(`warm.jsonl.cache/${name}`));
  }
  rmSync(path('warm.jsonl'));
  expect(await sweep('warm.jsonl', '--warm', '--no-lower')).toEqual(warm);
});

it('is a matter of structure alone', () => {
  const structure = structureOf(tinyNetwork(1));
  expect(structureOf(tinyNetwork(2))).toBe(structure);
  expect(structureOf(tinyNetwork(1, [2, 4, 2]))).not.toBe(structure);
  expect(structureOf(tinyNetwork(1, [3, 3, 2]))).not.toBe(structure);
});

it('bounds hold whatever the start, and multipliers of other layers are none', async () => {
  const network = tinyNetwork(3, [3, 6, 2]);
  const options = { method: 'refined', evaluations: 1 } as const;
  const { lower, bound: cold } = await bound(network, options);
  const start = (theta: number[], path: StoredMultipliers['path'] = 'torus'): StoredMultipliers => ({
    ...{ version: 2, network: 'of another', path, layers: [{ name: 'another', theta }] },
  });
  for (const theta of [[-9, 9, 0, 3, -3, 1], Array(6).fill(-50), Array(6).fill(60)]) {
    const { bound: found, methods } = await bound(network, {
      ...options,
      lower: false,
      warm: [start(theta)],
    });
    expect(found!).toBeGreaterThanOrEqual(lower!.value!);
    expect(methods.some(({ method }) => method === 'closed-form' || method === 'refined')).toBe(true);
  }
  for (const other of [start([1, 2, 3]), start([1, 2, 3, 4, 5, 6], 'unrolled')]) {
    expect((await bound(network, { ...options, lower: false, warm: [other] })).bound).toBe(cold);
  }
  const wrong = { ...start([1]), version: 1 } as unknown as StoredMultipliers;
  await expect(bound(network, { ...options, warm: [wrong] })).rejects.toThrow(
    'warm: must be of version 2, got 1',
  );
});
