/** Named steps of a script: a heading, the command's own output, the time it took; the first failure ends it. */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('..', import.meta.url));

/** Runs `action` under a heading. What it throws is printed with the step's name, and the script exits with 1. */
export async function step(title, action) {
  const start = performance.now();
  console.log(`\n==> ${title}`);
  try {
    await action();
  } catch (error) {
    console.error(`\nFAILED at "${title}" after ${seconds(start)}: ${error.message}`);
    process.exit(1);
  }
  console.log(`    ${title}: done in ${seconds(start)}`);
}

/**
 * Runs a program in the repository's root with its output shown. Throws unless it exits with 0.
 * @param read gets what it printed, whatever it exits with
 */
export function run(program, args, { environment = {}, read } = {}) {
  const { status, signal, error, stdout } = spawnSync(program, args, {
    cwd: ROOT,
    stdio: ['ignore', read ? 'pipe' : 'inherit', 'inherit'],
    maxBuffer: Number.POSITIVE_INFINITY,
    env: { ...process.env, ...environment },
    // npm and npx are batch files on Windows, which only a shell can start.
    shell: process.platform === 'win32',
  });
  if (read) {
    process.stdout.write(stdout ?? '');
    read(String(stdout ?? ''));
  }
  if (error) throw new Error(`${program}: ${error.message}`);
  if (status !== 0) throw new Error(ending(program, args, status, signal));
}

function ending(program, args, status, signal) {
  return `${program} ${args.join(' ')}: ended with ${signal ?? `exit code ${status}`}`;
}

/**
 * Runs several programs in the repository's root at the same time, each a list that begins with its name, and shows what each printed once it
 * has ended. Throws, when all have ended, unless all exited with 0.
 */
export async function runTogether(...commands) {
  const failures = await Promise.all(commands.map(([program, ...args]) => failureOf(program, args)));
  const failed = failures.filter((failure) => failure !== undefined);
  if (failed.length > 0) throw new Error(failed.join('; '));
}

/** Resolves to what went wrong, if anything did. */
function failureOf(program, args) {
  return new Promise((resolve) => {
    const child = spawn(program, args, {
      cwd: ROOT,
      stdio: ['ignore', 'pipe', 'pipe'],
      shell: process.platform === 'win32',
    });
    const printed = [];
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (bytes) => printed.push(bytes));
    child.on('error', (error) => resolve(`${program}: ${error.message}`));
    child.on('close', (status, signal) => {
      process.stdout.write(Buffer.concat(printed));
      resolve(status === 0 ? undefined : ending(program, args, status, signal));
    });
  });
}

/** Whether a program exits with 0; its output is not shown. */
export function succeeds(program, args) {
  return spawnSync(program, args, { stdio: 'ignore' }).status === 0;
}

export function requireNode(major) {
  const have = Number(process.versions.node.split('.')[0]);
  if (!(have >= major))
    throw new Error(`Node.js: version ${major} or later is needed, got ${process.version}`);
}

/** `npm ci`, unless what is installed is newer than the lock file. */
export function installPackages() {
  const installed = `${ROOT}node_modules/.package-lock.json`;
  const lock = `${ROOT}package-lock.json`;
  if (existsSync(installed) && statSync(installed).mtimeMs >= statSync(lock).mtimeMs) {
    console.log('    node_modules is up to date with package-lock.json');
    return;
  }
  run('npm', ['ci', '--no-audit', '--no-fund']);
}

function seconds(start) {
  return `${((performance.now() - start) / 1000).toFixed(1)} s`;
}
