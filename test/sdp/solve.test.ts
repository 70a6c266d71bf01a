/** How the solver is run: found or missing, stopped, failing, and what is left behind. */
import { chmodSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { InputError } from '../../src/errors.ts';
import { exportSdp } from '../../src/sdp/export.ts';
import { readExitCode, readReport } from '../../src/sdp/solution.ts';
import { solveSdp } from '../../src/sdp/solve.node.ts';
import { ChainBuilder } from './networks.ts';

let folder: string;
let problem: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'lipsoid-solve-test-'));
  problem = join(folder, 'a problem; with a name.dat-s');
  const network = new ChainBuilder('mlp', 1, [3]).dense(4).activation().dense(2).build();
  writeFileSync(problem, exportSdp(network, 'lipsdp').text);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** An executable that does what the lines of this shell script say. */
function solver(name: string, ...lines: string[]): string {
  const path = join(folder, name);
  writeFileSync(path, ['#!/bin/sh', ...lines, ''].join('\n'));
  chmodSync(path, 0o755);
  return path;
}

describe('solveSdp', () => {
  it('gives bound, status and gap of CSDP', async () => {
    const solution = await solveSdp(problem);
    expect(solution).toMatchObject({
      status: 'solved',
      exitCode: 0,
      formulation: 'lipsdp',
      assurance: 'nominal',
    });
    expect(solution.bound! / (solution.scale * Math.sqrt(solution.dualObjective!))).toBeCloseTo(1, 6);
    expect(Math.abs(solution.relativeGap!)).toBeLessThan(1e-6);
    expect(solution.dualInfeasibility).toBeLessThan(1e-7);
  });

  it('names what to install where there is no solver', async () => {
    const missing = solveSdp(problem, { solver: '/no/such/csdp' });
    await expect(missing).rejects.toThrow(InputError);
    await expect(missing).rejects.toThrow(/\/no\/such\/csdp.*apt-get install coinor-csdp.*--solver/);
    await expect(solveSdp(problem, { solver: problem })).rejects.toThrow(/cannot be started/);
  });

  it('refuses files that are missing or not ours', async () => {
    await expect(solveSdp(join(folder, 'none.dat-s'))).rejects.toThrow(
      /none\.dat-s: must be readable, got an error: ENOENT/,
    );
    const foreign = join(folder, 'foreign.dat-s');
    writeFileSync(foreign, '1\n1\n1\n1\n1 1 1 1 1\n');
    await expect(solveSdp(foreign)).rejects.toThrow(InputError);
  });

  it('takes no number from a solver that did not end well', async () => {
    const stuck = solver('stuck', 'echo 0.25 > solution', 'exit 7');
    expect(await solveSdp(problem, { solver: stuck })).toMatchObject({
      bound: null,
      status: 'lack of progress',
      exitCode: 7,
    });
    const empty = solver('empty', 'echo nan > solution');
    expect((await solveSdp(problem, { solver: empty })).bound).toBeNull();
  });

  it('takes the bound of a rough solution, and says that it is rough', async () => {
    const rough = solver('rough', 'echo "0.25 1" > solution', 'exit 3');
    const { bound, scale, status } = await solveSdp(problem, { solver: rough });
    expect(bound).toBe(scale * 0.5);
    expect(status).toMatch(/reduced accuracy/);
  });

  it('stops the solver at the time limit and on Ctrl-C, and leaves nothing behind', async () => {
    // Other tests run the solver at the same time.
    const own = mkdtempSync(join(folder, 'temporary-'));
    vi.stubEnv('TMPDIR', own);
    const slow = solver('slow', 'exec sleep 60');
    expect(await solveSdp(problem, { solver: slow, timeLimit: 0.2 })).toMatchObject({
      bound: null,
      status: 'time limit',
      exitCode: null,
    });
    const controller = new AbortController();
    setTimeout(() => controller.abort(new Error('cancelled')), 200);
    await expect(solveSdp(problem, { solver: slow, signal: controller.signal })).rejects.toThrow('cancelled');
    await expect(solveSdp(problem, { signal: controller.signal })).rejects.toThrow('cancelled');
    await expect(solveSdp(problem, { solver: solver('killed', 'kill -9 $$') })).rejects.toThrow(/SIGKILL/);
    expect(readdirSync(own)).toEqual([]);
    vi.unstubAllEnvs();
  });
});

describe('what CSDP prints', () => {
  it('is null where it is missing or no number', () => {
    expect(readReport('Dual objective value: nan\nReal Relative Gap: -3.86e-09 \n')).toEqual({
      primalObjective: null,
      dualObjective: null,
      relativeGap: -3.86e-9,
      primalInfeasibility: null,
      dualInfeasibility: null,
    });
  });

  it('ends with codes of which two are solutions', () => {
    const solved = Array.from({ length: 10 }, (_, code) => readExitCode(code).solved);
    expect(solved).toEqual([true, false, false, true, ...new Array<boolean>(6).fill(false)]);
    expect(readExitCode(206)).toEqual({ solved: false, status: 'exit code 206' });
  });
});
