/** Threads that are: in Node and in Deno, started from this library's own module, and gone in the end. */
import { execFile } from 'node:child_process';
import { cp, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const run = promisify(execFile);
const path = (name: string) => fileURLToPath(new URL(name, import.meta.url));

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lipsoid-workers-'));
  await build({
    entryPoints: { script: path('script.ts'), worker: path('../../../src/certify/groups/worker.ts') },
    ...{ bundle: true, format: 'esm', platform: 'node', target: 'es2023', packages: 'external' },
    outdir: folder,
  });
  await writeFile(join(folder, 'package.json'), '{ "type": "module" }');
  await symlink(path('../../../node_modules'), join(folder, 'node_modules'));
});
afterAll(() => rm(folder, { recursive: true }));

const DENO = [path('../../../node_modules/deno/bin.cjs'), 'run', '--allow-all', '--quiet'];

describe.each([
  ['Node', []],
  ['Deno', DENO],
])('%s', (_, launcher) => {
  it('starts two threads, whose reports are those of one', async () => {
    const { stdout } = await run(process.execPath, [...launcher, join(folder, 'script.js')]);
    expect(JSON.parse(stdout)).toEqual({ same: true, alone: 0, started: 2 });
  });

  it('works in its own thread where the module of threads is missing', async () => {
    const without = `${folder}/without`;
    await cp(join(folder, 'script.js'), join(without, 'script.js'));
    const { stdout } = await run(process.execPath, [...launcher, join(without, 'script.js')]);
    expect(JSON.parse(stdout)).toMatchObject({ same: true, alone: 0 });
  });
});
