/**
 * A child process that does one job after the other under limits of time and memory. It is killed where it goes beyond them and
 * replaced for the next job, so that whatever a job does to its process, the hunt goes on.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { PATIENCE, processorSeconds, residentBytes } from './usage.ts';

export interface Limits {
  /** Of the processor, so that a busy machine makes no faults; PATIENCE times as many of the clock. */
  readonly seconds: number;
  /** Resident, of the whole process. */
  readonly bytes: number;
}

/** What no file, certificate or command may take. */
export const LIMITS: Limits = { seconds: 60, bytes: 2e9 };

/** Of a hunt that has such a process. */
export interface LimitedOptions {
  readonly limits?: Limits | undefined;
  /** Another child instead of the hunt's own: one with a fault that is to be found. */
  readonly child?: URL | undefined;
}

/** What became of a job. */
export type Outcome<Value> =
  | { readonly kind: 'done'; readonly value: Value; readonly seconds: number; readonly bytes: number }
  /** Over the limit of time or memory, or the end of the process: in words. */
  | { readonly kind: 'failed'; readonly fault: string };

/** What a child sends for a job. */
export type Answer<Value> = { readonly value: Value } | { readonly error: string };

/** Milliseconds between two looks at time and memory of a child. */
const WATCH = 40;
/** A child that has kept so much is replaced: what it holds would count against the next job. */
const KEPT_BYTES = 5e8;
/** Characters of what a child wrote before its end. */
const LAST_WORDS = 2000;

export class LimitedProcess<Job, Value> {
  readonly #module: string;
  readonly #limits: Limits;
  #child: ChildProcess | undefined;
  #words = '';

  /** @param module of a file that calls `serve` */
  constructor(module: URL, limits: Limits | undefined = LIMITS) {
    this.#module = fileURLToPath(module);
    this.#limits = limits;
  }

  /** One at a time. */
  async run(job: Job): Promise<Outcome<Value>> {
    const child = this.#child ?? (await this.#start());
    const start = performance.now();
    let largest = 0;
    const answer = await new Promise<Answer<Value> | { readonly fault: string }>((resolve) => {
      const fail = (fault: string) => resolve({ fault });
      const late = `takes more than ${this.#limits.seconds} s`;
      const timer = setTimeout(() => fail(`${late} (of the clock)`), PATIENCE * 1000 * this.#limits.seconds);
      const before = processorSeconds(child.pid!);
      const watch = setInterval(() => {
        const bytes = residentBytes(child.pid!);
        largest = Math.max(largest, bytes);
        if (bytes > this.#limits.bytes) fail(`takes more than ${this.#limits.bytes / 1e9} GB`);
        if (processorSeconds(child.pid!) - before > this.#limits.seconds) fail(late);
      }, WATCH);
      const onExit = (code: number | null, signal: string | null) => {
        this.#child = undefined;
        const end = code === null ? `by signal ${signal}` : `with exit code ${code}`;
        fail(`ends the process ${end}: ${this.#words.trim()}`);
      };
      child.once('exit', onExit);
      child.once('message', (message) => resolve(message as Answer<Value>));
      child.send({ job });
      this.#settle = () => {
        clearTimeout(timer);
        clearInterval(watch);
        child.off('exit', onExit);
        child.removeAllListeners('message');
      };
    });
    this.#settle();
    const seconds = (performance.now() - start) / 1000;
    const bytes = this.#child ? Math.max(largest, residentBytes(child.pid!)) : largest;
    if ('fault' in answer) {
      await this.close();
      return { kind: 'failed', fault: answer.fault };
    }
    if ('error' in answer) return { kind: 'failed', fault: `throws ${answer.error}` };
    if (bytes > KEPT_BYTES) await this.close();
    return { kind: 'done', value: answer.value, seconds, bytes };
  }

  /** Ends the child; the next job gets a new one. */
  async close(): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    process.off('exit', this.#kill);
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const gone = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGKILL');
    await gone;
  }

  #settle: () => void = () => {};

  #kill = () => void this.#child?.kill('SIGKILL');

  /** Resolves once the child has loaded what it needs: that is not the job's time. */
  async #start(): Promise<ChildProcess> {
    const megabytes = Math.floor(this.#limits.bytes / 1e6);
    const child = fork(this.#module, {
      execArgv: ['--import', import.meta.resolve('tsx'), `--max-old-space-size=${megabytes}`],
      serialization: 'advanced',
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    });
    this.#words = '';
    child.stderr!.setEncoding('utf8').on('data', (text: string) => {
      this.#words = (this.#words + text).slice(-LAST_WORDS);
    });
    await new Promise<void>((resolve, reject) => {
      child.once('message', () => resolve());
      child.once('exit', () => reject(new Error(`${this.#module} does not start: ${this.#words}`)));
    });
    child.removeAllListeners('exit');
    process.on('exit', this.#kill);
    this.#child = child;
    return child;
  }
}
