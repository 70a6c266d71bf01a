/** One command line as a process of its own, in a folder of its own. */
import { execFileSync, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** What stands around a command. */
export interface Surroundings {
  /** Limits that the shell sets before, such as `ulimit -f 1`. */
  readonly limits?: string;
  /** Where stdout goes; default: here. `gone`: whoever reads it has left. */
  readonly stdout?: 'full' | 'closed' | 'gone';
  readonly signal?: { readonly name: 'SIGINT' | 'SIGTERM'; readonly milliseconds: number };
  /** Until the process is killed. */
  readonly seconds: number;
}

export interface Ended {
  /** Null where a signal ended it. */
  readonly code: number | null;
  readonly signal: string | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly late: boolean;
  readonly seconds: number;
}

const BUILT = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));
const SOURCE = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));

/** The built program; the sources where nothing is built. */
export const PROGRAM: readonly string[] = existsSync(BUILT)
  ? [process.execPath, BUILT]
  : [process.execPath, '--import', import.meta.resolve('tsx'), SOURCE];

const REDIRECTIONS = { full: '> /dev/full', closed: '>&-', gone: '' } as const;

export function runCommand(
  folder: string,
  argv: readonly string[],
  around: Surroundings,
  program = PROGRAM,
): Promise<Ended> {
  const start = performance.now();
  const { limits = ':', stdout: target, signal, seconds } = around;
  const script = `${limits} && exec "$@" ${target ? REDIRECTIONS[target] : ''}`;
  const child = spawn('sh', ['-c', script, 'sh', ...program, ...argv], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, NO_COLOR: '1' },
  });
  const texts = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const)
    child[name].setEncoding('utf8').on('data', (text: string) => {
      texts[name] += text;
    });
  if (target === 'gone') child.stdout.destroy();
  let late = false;
  const timers = [
    setTimeout(() => {
      late = true;
      child.kill('SIGKILL');
    }, 1000 * seconds),
  ];
  if (signal) timers.push(setTimeout(() => child.kill(signal.name), signal.milliseconds));
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, by) => {
      for (const timer of timers) clearTimeout(timer);
      resolve({ code, signal: by, ...texts, late, seconds: (performance.now() - start) / 1000 });
    });
  });
}

export function makePipe(path: string): void {
  execFileSync('mkfifo', [path]);
}
