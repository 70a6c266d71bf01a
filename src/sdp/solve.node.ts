/** Runs CSDP (Borchers 1999; Debian's coinor-csdp) on an exported problem, in a process of its own. */
import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { InputError } from '../errors.ts';
import { readTextFile } from '../files.node.ts';
import { type ProblemHeader, readHeader } from './sdpa.ts';
import { readExitCode, readOptimum, readReport, type SolverReport } from './solution.ts';

export interface SolveOptions {
  /** Path or name of the executable, default `csdp`. */
  readonly solver?: string;
  /** Seconds after which the solver is stopped; default: none. */
  readonly timeLimit?: number;
  /** Stops the solver; the promise is rejected with the signal's reason. */
  readonly signal?: AbortSignal;
}

export interface SdpSolution extends SolverReport, ProblemHeader {
  /** scale · √optimum; null where the solver found none. A solver's answer to within its tolerance, no proof. */
  readonly bound: number | null;
  /** What the solver says of its end, in words; `time limit` where it was stopped. */
  readonly status: string;
  /** Null where it was stopped. */
  readonly exitCode: number | null;
  /** False: of a solver's floating-point numbers nothing has been verified. */
  readonly assurance: 'nominal';
  readonly solver: string;
  readonly seconds: number;
}

const DEFAULT_SOLVER = 'csdp';
/** Bytes: what fits into one string. */
const LARGEST_PROBLEM = 2 ** 29 - 2 ** 10;

/**
 * Solves a file that `exportSdp` has written. Temporary files are removed, whatever happens.
 * @throws InputError where the file or the solver is missing, or the file is not ours
 */
export async function solveSdp(path: string, options: SolveOptions = {}): Promise<SdpSolution> {
  const { solver = DEFAULT_SOLVER, timeLimit, signal } = options;
  const problem = await readTextFile(path, path, LARGEST_PROBLEM);
  const header = readHeader(problem, basename(path));
  const folder = await mkdtemp(join(tmpdir(), 'lipsoid-sdp-'));
  try {
    // A copy: CSDP reads settings from the folder that it runs in, and takes no path with a long name.
    await writeFile(join(folder, 'problem.dat-s'), problem);
    const start = performance.now();
    const { code, output } = await run(solver, ['problem.dat-s', 'solution'], folder, timeLimit, signal);
    const seconds = (performance.now() - start) / 1000;
    const { solved, status } = readExitCode(code);
    const optimum = solved ? readOptimum(await readFile(join(folder, 'solution'), 'utf8')) : null;
    return {
      ...header,
      bound: optimum === null ? null : header.scale * Math.sqrt(Math.max(0, optimum)),
      status: code === null ? 'time limit' : status,
      exitCode: code,
      assurance: 'nominal',
      ...readReport(output),
      solver,
      seconds,
    };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Exit code and output; the code is null where the time limit ended it. */
function run(
  solver: string,
  args: readonly string[],
  folder: string,
  timeLimit: number | undefined,
  signal: AbortSignal | undefined,
): Promise<{ code: number | null; output: string }> {
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    const child = spawn(solver, args, { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    let late = false;
    const stop = () => child.kill('SIGKILL');
    const timer =
      timeLimit === undefined
        ? undefined
        : setTimeout(() => {
            late = true;
            stop();
          }, timeLimit * 1000);
    signal?.addEventListener('abort', stop);
    const finish = () => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', stop);
    };
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
    child.stderr.resume();
    child.on('error', (error: NodeJS.ErrnoException) => {
      finish();
      reject(missing(solver, error));
    });
    child.on('close', (code, killedBy) => {
      finish();
      if (signal?.aborted) reject(signal.reason);
      else if (code !== null || late) resolve({ code, output });
      else reject(new Error(`${solver}: killed by ${killedBy}`));
    });
  });
}

function missing(solver: string, error: NodeJS.ErrnoException): InputError {
  const install = 'install CSDP (apt-get install coinor-csdp) or give its path with --solver';
  if (error.code === 'ENOENT') return new InputError(`${solver}: no such program; ${install}`);
  return new InputError(`${solver}: cannot be started: ${error.message}; ${install}`);
}
