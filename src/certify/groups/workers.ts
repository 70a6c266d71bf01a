/** Groups of samples on several threads, whole groups each: the results are those of one thread, to the last digit. */
import type { RegionProof } from '../../certificate/certifyRegion.ts';
import { type Listener, moduleStarter, type Thread } from '../../engine/cpu/thread.ts';
import type { Sample } from '../data/samples.ts';
import type { CertifiedGroup, Certifier } from './certifier.ts';
import { type Answer, type Introduction, type Request, received } from './messages.ts';

export type StartThread = (listener: Listener<Answer>) => Thread<Request>;

/** Groups for each thread, of which it works on one. */
const GROUPS_EACH = 2;

interface Task {
  readonly request: Request;
  readonly answered: (answer: Answer) => void;
  readonly failed: (error: unknown) => void;
}

interface Worker {
  readonly thread: Thread<Request>;
  /** What it works on. */
  task: Task | undefined;
}

export class Workers implements Certifier {
  readonly atOnce: number;
  readonly #workers: Worker[] = [];
  /** What nobody works on yet. */
  readonly #tasks: Task[] = [];
  readonly #signal: AbortSignal | undefined;
  readonly #aborted = () => this.#fail(this.#signal!.reason);
  /** Why no more is done. */
  #failure: { readonly error: unknown } | undefined;

  private constructor(count: number, signal: AbortSignal | undefined) {
    this.atOnce = GROUPS_EACH * count;
    this.#signal = signal;
    signal?.addEventListener('abort', this.#aborted);
  }

  /**
   * @param start starts a thread; default: this library's own module
   * @returns undefined where threads cannot be started, or not to their end
   * @throws the signal's reason when it is aborted
   */
  static async start(
    count: number,
    introduction: Introduction,
    signal?: AbortSignal,
    start?: StartThread,
  ): Promise<Workers | undefined> {
    signal?.throwIfAborted();
    const starting = start ?? (await moduleStarter<Request, Answer>(ownModule()));
    if (!starting) return undefined;
    const workers = new Workers(count, signal);
    try {
      const ready: Promise<Answer>[] = [];
      for (let k = 0; k < count; k++) ready.push(workers.#introduced(starting, introduction));
      await Promise.all(ready);
      return workers;
    } catch {
      await workers.close();
      signal?.throwIfAborted();
      return undefined;
    }
  }

  async certify(samples: readonly Sample[]): Promise<CertifiedGroup> {
    const answer = await this.#queued({ kind: 'certify', samples });
    if (answer.kind !== 'certified') throw new Error(`worker: must certify, got ${answer.kind}`);
    return answer.group;
  }

  async proof(sample: Sample, label: number, radius: number): Promise<RegionProof | undefined> {
    // Somebody waits for it.
    const answer = await this.#queued({ kind: 'proof', sample, label, radius }, true);
    if (answer.kind !== 'proof') throw new Error(`worker: must prove, got ${answer.kind}`);
    return answer.proof;
  }

  async close(): Promise<void> {
    this.#signal?.removeEventListener('abort', this.#aborted);
    this.#fail(new Error('workers: closed'));
    await Promise.all(this.#workers.map(({ thread }) => thread.end()));
  }

  #queued(request: Request, first = false): Promise<Answer> {
    if (this.#failure) return Promise.reject(this.#failure.error);
    return new Promise((answered, failed) => {
      const task = { request, answered, failed };
      if (first) this.#tasks.unshift(task);
      else this.#tasks.push(task);
      this.#share();
    });
  }

  #share(): void {
    for (const worker of this.#workers) {
      if (worker.task) continue;
      const task = this.#tasks.shift();
      if (!task) return;
      this.#give(worker, task);
    }
  }

  #introduced(start: StartThread, request: Introduction): Promise<Answer> {
    const thread = start({
      answer: (answer) => this.#answered(worker, answer),
      fail: (error) => this.#fail(error),
    });
    const worker: Worker = { thread, task: undefined };
    this.#workers.push(worker);
    return new Promise((answered, failed) => this.#give(worker, { request, answered, failed }));
  }

  #give(worker: Worker, task: Task): void {
    worker.task = task;
    worker.thread.hold(true);
    worker.thread.post(task.request, []);
  }

  #answered(worker: Worker, answer: Answer): void {
    const { task } = worker;
    if (!task || this.#failure) return;
    worker.task = undefined;
    // Who waits for nothing keeps no process alive.
    worker.thread.hold(false);
    if (answer.kind === 'failed') task.failed(received(answer.error));
    else task.answered(answer);
    this.#share();
  }

  /** Of all threads: which samples one that is lost had would be a guess. */
  #fail(error: unknown): void {
    if (this.#failure) return;
    this.#failure = { error };
    const tasks = [...this.#workers.flatMap(({ task }) => task ?? []), ...this.#tasks];
    for (const { failed } of tasks) failed(error);
  }
}

/** Not written out where it is used: bundlers would take it for a file to be copied. */
function ownModule(): URL {
  const name = './worker.js';
  return new URL(name, import.meta.url);
}
