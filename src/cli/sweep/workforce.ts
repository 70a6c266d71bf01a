/** Who computes the networks of a sweep: this process one after the other, or several processes beside it. */
import { type ChildProcess, fork } from 'node:child_process';
import { received } from '../../certify/groups/messages.ts';
import { usualThreads } from '../../engine/cpu/host.ts';
import { type BoundQuestion, engineOptions } from '../commands/boundQuestion.ts';
import type { Library } from '../library.ts';
import { type Computed, compute, type SweepLibrary, type Task } from './compute.ts';
import { failureAnswer } from './line.ts';
import type { FromProcess, ToProcess } from './messages.ts';

export interface Workforce {
  /** Tasks that it works on at a time. */
  readonly atOnce: number;
  /** @param onShare how much of it has been done. @throws the signal's reason when it is aborted; all else is an answer */
  compute(task: Task, onShare: (share: number) => void): Promise<Computed>;
  close(): Promise<void>;
}

/** This process. @throws where there is no such engine */
export async function alone(
  question: BoundQuestion,
  library: SweepLibrary & Pick<Library, 'createEngine'>,
  signal: AbortSignal,
): Promise<Workforce> {
  const engine = await library.createEngine(engineOptions(question));
  return {
    atOnce: 1,
    compute: (task, onShare) => compute(task, question, library, engine, signal, onShare),
    close: () => engine.close(),
  };
}

/** Processes of this program; one that dies takes its task with it, and another one takes its place. */
export class Processes implements Workforce {
  readonly atOnce: number;
  readonly #question: BoundQuestion;
  readonly #signal: AbortSignal;
  readonly #idle: ChildProcess[] = [];
  readonly #all = new Set<ChildProcess>();
  readonly #aborted = () => void this.close();

  private constructor(count: number, question: BoundQuestion, signal: AbortSignal) {
    this.atOnce = count;
    this.#question = question;
    this.#signal = signal;
    signal.addEventListener('abort', this.#aborted);
  }

  /** Processes start when they are needed; they share the threads that there are. */
  static async of(count: number, question: BoundQuestion, signal: AbortSignal): Promise<Processes> {
    const threads = question.threads ?? Math.max(1, Math.floor((await usualThreads()) / count));
    return new Processes(count, { ...question, threads }, signal);
  }

  async compute(task: Task, onShare: (share: number) => void): Promise<Computed> {
    const child = this.#idle.pop() ?? (await this.#started());
    const answer = await this.#asked(child, { kind: 'compute', task }, onShare);
    if (answer.kind === 'ended') {
      this.#signal.throwIfAborted();
      return {
        ...{ sha256: null, structure: '', passing: true },
        answer: failureAnswer({
          kind: 'system',
          message: `the process that worked on it has ended (${answer.how}): there may have been too little memory`,
        }),
      };
    }
    this.#idle.push(child);
    if (answer.kind !== 'computed') throw new Error(`process: must compute, got ${answer.kind}`);
    return answer.computed;
  }

  async close(): Promise<void> {
    this.#signal.removeEventListener('abort', this.#aborted);
    for (const child of this.#all) child.kill('SIGKILL');
  }

  /** @throws where there is no such engine */
  async #started(): Promise<ChildProcess> {
    this.#signal.throwIfAborted();
    const child = fork(ownModule(), { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
    this.#all.add(child);
    child.once('exit', () => this.#all.delete(child));
    // A message to one that has just ended is answered by its end.
    child.on('error', () => {});
    const answer = await this.#asked(child, { kind: 'begin', question: this.#question });
    this.#signal.throwIfAborted();
    if (answer.kind === 'failed') throw received(answer.error);
    if (answer.kind === 'ended') throw new Error(`process: must start, got its end (${answer.how})`);
    return child;
  }

  #asked(
    child: ChildProcess,
    message: ToProcess,
    onShare?: (share: number) => void,
  ): Promise<FromProcess | { readonly kind: 'ended'; readonly how: string }> {
    return new Promise((resolve) => {
      const heard = (answer: FromProcess) => {
        if (answer.kind === 'share') return onShare?.(answer.share);
        child.off('message', heard).off('exit', ended);
        resolve(answer);
      };
      const ended = (code: number | null, killed: NodeJS.Signals | null) =>
        resolve({ kind: 'ended', how: killed ?? `exit code ${code}` });
      child.on('message', heard).once('exit', ended);
      if (child.exitCode !== null || child.signalCode !== null) ended(child.exitCode, child.signalCode);
      else child.send(message);
    });
  }
}

/** Not written out where it is used: bundlers would take it for a file to be copied. */
function ownModule(): URL {
  const name = import.meta.url.endsWith('.ts') ? './process.ts' : './process.js';
  return new URL(name, import.meta.url);
}
