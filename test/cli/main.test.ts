/** The executable itself, in a process of its own. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { executable } from './sweep/executable.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));

const home = mkdtempSync(join(tmpdir(), 'lipsoid-executable-'));
let program: string;
beforeAll(async () => {
  // Native libraries are found from there.
  symlinkSync(join(root, 'node_modules'), join(home, 'node_modules'));
  program = await executable(home);
});
afterAll(() => rmSync(home, { recursive: true, force: true }));

/** Runs the command line. A process that does not end by itself is killed and has status null. */
function lipsoid(...args: string[]) {
  return spawnSync(process.execPath, [program, ...args], {
    cwd: root,
    encoding: 'utf8',
    timeout: 200_000,
  });
}

describe('lipsoid', () => {
  it('prints the version of the package', () => {
    const { version } = JSON.parse(readFileSync(`${root}package.json`, 'utf8')) as { version: string };
    expect(lipsoid('--version')).toMatchObject({ status: 0, stdout: `${version}\n`, stderr: '' });
  });

  it.each(['mlp', 'cnn', 'resnet', 'beats'])('bounds examples/%s.onnx and ends by itself', (name) => {
    const { status, stdout, stderr } = lipsoid(
      'bound',
      `examples/${name}.onnx`,
      '--method',
      'closed-form',
      '--json',
    );
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    const { bound, log10, methods, assurance, network } = JSON.parse(stdout);
    expect(bound).toBeGreaterThan(1);
    expect(bound).toBeLessThan(1e4);
    expect(log10).toBeCloseTo(Math.log10(bound), 9);
    expect(bound).toBe(Math.min(...methods.map((row: { bound: number }) => row.bound)));
    expect(assurance).toBe('rounding-safe');
    expect(network.sha256).toMatch(/^[0-9a-f]{64}$/);
  });

  it('writes the bound of examples/beats.onnx down for CSDP and lets it solve', () => {
    const folder = mkdtempSync(join(tmpdir(), 'lipsoid-main-'));
    try {
      const problem = join(folder, 'beats.dat-s');
      const from = ['examples/beats.onnx', '--formulation', 'dissipativity', '--out', problem, '--json'];
      const written = lipsoid('export-sdp', ...from);
      expect({ status: written.status, stderr: written.stderr }).toEqual({ status: 0, stderr: '' });
      const solved = lipsoid('solve-sdp', problem, '--json');
      expect({ status: solved.status, stderr: solved.stderr }).toEqual({ status: 0, stderr: '' });
      const { bound, status, network, scale, assurance } = JSON.parse(solved.stdout);
      expect({ status, assurance, scale }).toEqual({
        status: 'solved',
        assurance: 'nominal',
        scale: JSON.parse(written.stdout).scale,
      });
      expect(bound).toBeGreaterThan(1);
      expect(network.sha256).toBe(JSON.parse(written.stdout).network.sha256);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  it('refuses a file that is no network with exit code 1', () => {
    const { status, stdout, stderr } = lipsoid('bound', 'package.json');
    expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
    expect(stderr).toMatch(/^error: package.json: .*weightsManifest/);
  });

  it('says in JSON that a file does not exist', () => {
    const { status, stdout, stderr } = lipsoid('inspect', 'no-such-file.onnx', '--json');
    expect({ status, stderr }).toEqual({ status: 1, stderr: '' });
    expect(JSON.parse(stdout).error).toMatchObject({ kind: 'input' });
    expect(stdout).toContain('no-such-file.onnx');
  });

  /** In a shell, `$LIPSOID` being the command and `$FOLDER` an empty folder; what it leaves there is in `files`. */
  function shell(script: string) {
    const folder = mkdtempSync(join(tmpdir(), 'lipsoid-shell-'));
    try {
      const LIPSOID = `${process.execPath} ${program}`;
      const env = { ...process.env, LIPSOID, FOLDER: folder };
      const answer = spawnSync('bash', ['-c', script], {
        cwd: root,
        encoding: 'utf8',
        timeout: 200_000,
        env,
      });
      const { status, stdout, stderr } = answer;
      return { status, stdout, stderr, files: readdirSync(folder) };
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }

  const quick = 'bound examples/mlp.onnx --rule "SN(1)" --engine cpu-wasm --threads 1 --no-lower';

  describe.skipIf(process.platform !== 'linux')('ends in one sentence and exit code 1', () => {
    it.each([
      ['a full disk behind stdout', `$LIPSOID ${quick} > /dev/full`, /stdout cannot be written: ENOSPC/],
      ['the same, in JSON', `$LIPSOID ${quick} --json > /dev/full`, /stdout cannot be written: ENOSPC/],
      [
        'a reader that has gone',
        `$LIPSOID ${quick} | true; exit \${PIPESTATUS[0]}`,
        /stdout cannot be written: EPIPE/,
      ],
      [
        'a pipe as multipliers',
        'mkfifo $FOLDER/p; $LIPSOID bound examples/mlp.onnx --multipliers $FOLDER/p',
        /got a pipe/,
      ],
      [
        'a pipe as a certificate',
        'mkfifo $FOLDER/p; $LIPSOID verify $FOLDER/p examples/mlp.onnx',
        /got a pipe/,
      ],
      ['a pipe as a problem', 'mkfifo $FOLDER/p; $LIPSOID solve-sdp $FOLDER/p', /got a pipe/],
    ])('%s', (_, script, why) => {
      const { status, stderr } = shell(script);
      expect(status).toBe(1);
      expect(stderr).toMatch(why);
      expect(stderr).toMatch(/^error: [^\n]*\n$/);
    });

    it('a file that may not grow: nothing of it is left, and the bound is printed', () => {
      // A kilobyte: less than a certificate. stdout is a pipe.
      const limited = `ulimit -f 1; $LIPSOID ${quick} --certificate $FOLDER/c.json`;
      const { status, stdout, stderr, files } = shell(limited);
      expect({ status, files }).toEqual({ status: 1, files: [] });
      expect(stdout).toContain('‖f(x) − f(y)‖₂ ≤');
      expect(stderr).toMatch(/^error: --certificate: [^\n]* cannot be written: EFBIG[^\n]*\n$/);
    });
  });

  it.skipIf(process.platform !== 'linux')('gives a certificate to a pipe that is read', () => {
    const script = `$LIPSOID ${quick} --quiet --certificate >(cat > $FOLDER/c.json); sleep 1; cat $FOLDER/c.json`;
    const { status, stdout } = shell(script);
    expect(status).toBe(0);
    expect(JSON.parse(stdout.split('\n').at(-2)!)).toMatchObject({ format: 'lipsoid-certificate' });
  });
});
