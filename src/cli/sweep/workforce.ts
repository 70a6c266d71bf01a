/** Who computes the networks of a sweep: this process one after the other, or several processes beside it. */
import { type ChildProcess, fork } from 'node:child_process';
import type { StoredMultipliers } from '../../bounds/result.ts';
import { received } from '../../certify/groups/messages.ts';
import { usualThreads } from '../../engine/cpu/host.ts';
import { type BoundQuestion, engineOptions } from '../commands/boundQuestion.ts';
import type { Library } from '../library.ts';
import { type Computed, compute, type SweepLibrary, type Task } from './compute.ts';
import { failureAnswer } from './line.ts';
import type { FromProcess, ToProcess } from './messages.ts';

/** What is heard on the way. */
export interface Hear {
  readonly share: (share: number) => void;
  /** Of tasks that are to tell: what their searches have found so far. */
  readonly searched?: (searched: readonly StoredMultipliers[]) => void;
}

export interface Workforce {
  /** Tasks that it works on at a time. */
  readonly atOnce: number;
  /** @throws the signal's reason when it is aborted; all else is an answer */
  compute(task: Task, hear: Hear): Promise<Computed>;
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
    compute(task, { share, searched }) {
      const { tell } = task;
      const latest = new Map<StoredMultipliers['path'], StoredMultipliers>();
      let told = performance.now();
      const found = (multipliers: StoredMultipliers) => {
        latest.set(multipliers.path, multipliers);
        if (performance.now() - told < tell!) return;
        searched?.([...latest.values()]);
        told = performance.now();
      };
      return compute(task, question, library, engine, signal, {
        share,
        ...(tell !== undefined && { found }),
      });
    },
    close: () => engine.close(),
  };
}

/** Threads of each of several processes that share what there are. */
export async function threadsOfEach(count: number): Promise<number> {
  return Math.max(1, Math.floor((await usualThreads()) / count));
}

/** Processes of this program, which start when they are needed; one that dies takes its task with it, and another one takes its place. */
export class Processes implements Workforce {
  readonly atOnce: number;
  readonly #question: BoundQuestion;
  readonly #signal: AbortSignal;
  readonly #idle: ChildProcess[] = [];
  readonly #all = new Set<ChildProcess>();
  readonly #aborted = () => void this.close();

  /** @param question with the threads of each */
  constructor(count: number, question: BoundQuestion, signal: AbortSignal) {
    this.atOnce = count;
    this.#question = question;
    this.#signal = signal;
    signal.addEventListener('abort', this.#aborted);
  }

  async compute(task: Task, hear: Hear): Promise<Computed> {
    const child = this.#idle.pop() ?? (await this.#started());
    const answer = await this.#asked(child, { kind: 'compute', task }, hear);
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
    hear?: Hear,
  ): Promise<FromProcess | { readonly kind: 'ended'; readonly how: string }> {
    return new Promise((resolve) => {
      const heard = (answer: FromProcess) => {
        if (answer.kind === 'share') return hear?.share(answer.share);
        if (answer.kind === 'searched') return hear?.searched?.(answer.searched);
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
