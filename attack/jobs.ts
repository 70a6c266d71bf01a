/** Worker processes under limits of time and memory: one that exceeds them is killed, and that is a finding. */
import { type ChildProcess, fork } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Finding } from './hunt.ts';
import { PATIENCE, processorSeconds, residentBytes } from './limited/usage.ts';
import type { Answer, Question } from './messages.ts';

/** Of one trial, of the processor: a busy machine makes no faults. */
const SECONDS = 60;
const BYTES = 2e9;
/** Of what earlier trials have left, garbage for the most part, that is no fault of the next. */
const LEFT = 8e8;
/** Milliseconds between two looks at a worker's memory. */
const LOOKS = 250;

const SOFTWARE_GPU = '/usr/lib/chromium/vk_swiftshader_icd.json';

export interface Outcome {
  readonly finding?: Finding;
  readonly tally?: Answer['tally'];
  readonly seconds: number;
}

/** Workers that run, of all jobs. */
const running = new Set<ChildProcess>();

/** Ends every worker at once. */
export function killWorkers(): void {
  for (const child of running) child.kill('SIGKILL');
}

export class Job {
  #child: ChildProcess | undefined;
  /** Counts workers, whose tallies start anew. */
  generation = 0;

  async trial(hunt: string, seed: number, seconds = SECONDS): Promise<Outcome> {
    if (this.#child && residentBytes(this.#child.pid!) > LEFT) {
      await this.end();
      this.#child = undefined;
    }
    const child = this.#running();
    const start = performance.now();
    const since = () => (performance.now() - start) / 1000;
    return new Promise((resolve) => {
      const ended = (fault: string) =>
        finish({ finding: { hunt, seed, fault, files: new Map(), reproduce: '' }, seconds: since() }, true);
      const onMessage = ({ finding, tally }: Answer) => {
        const files = new Map(finding?.files.map(([name, text]) => [name, Buffer.from(text, 'base64')]));
        finish({ ...(finding ? { finding: { ...finding, files } } : {}), tally, seconds: since() }, false);
      };
      const onExit = (code: number | null, signal: string | null) =>
        ended(`a trial must not end its process, got ${signal ?? `exit code ${code}`}`);
      const before = processorSeconds(child.pid!);
      const look = setInterval(() => {
        const late = processorSeconds(child.pid!) - before > seconds || since() > PATIENCE * seconds;
        if (late) ended(`a trial must end within ${seconds} s, it did not`);
        else if (residentBytes(child.pid!) > BYTES)
          ended(`a trial must stay within ${BYTES / 1e9} GB, it did not`);
      }, LOOKS);
      const finish = (outcome: Outcome, kill: boolean) => {
        clearInterval(look);
        child.off('message', onMessage).off('exit', onExit);
        if (kill) this.kill();
        resolve(outcome);
      };
      child.on('message', onMessage).on('exit', onExit);
      child.send({ kind: 'trial', hunt, seed } satisfies Question);
    });
  }

  /** Lets a worker close what it has open. */
  async end(): Promise<void> {
    const child = this.#child;
    if (!child) return;
    const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()));
    child.send({ kind: 'end' } satisfies Question);
    const late = setTimeout(() => this.kill(), 5000);
    await gone;
    clearTimeout(late);
  }

  kill(): void {
    this.#child?.kill('SIGKILL');
    this.#child = undefined;
  }

  #running(): ChildProcess {
    if (this.#child) return this.#child;
    this.generation++;
    const environment: NodeJS.ProcessEnv = { XDG_RUNTIME_DIR: '/tmp', ...process.env };
    if (!environment.VK_DRIVER_FILES && existsSync(SOFTWARE_GPU)) environment.VK_DRIVER_FILES = SOFTWARE_GPU;
    this.#child = fork(fileURLToPath(new URL('./worker.ts', import.meta.url)), [], {
      execArgv: ['--import', 'tsx', '--max-old-space-size=3000'],
      env: environment,
      // Drivers talk.
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    });
    const child = this.#child;
    running.add(child);
    child.once('exit', () => running.delete(child));
    return child;
  }
}
