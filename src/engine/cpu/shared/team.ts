/**
 * A team of threads that computes side by side on shared memory: who calls it, and workers. Nothing is sent to and fro (task.ts), so that work of
 * a tenth of a millisecond is worth sharing. Workers come when they are ready; nobody waits for them, and items that they do not take the
 * caller does.
 */
import type { Turns } from '../../queued/turns.ts';
import type { TeamBlas } from '../blas/addresses.ts';
import { mayStartWorkers } from '../host.ts';
import { allocate } from '../storage.ts';
import { type Listener, type Thread, threadStarter } from '../thread.ts';
import { sharedBinary, teamWorkerSource } from '../wasm/binary.ts';
import type { Heap } from './heap.ts';
import { KERNELS, type KernelName, kernelNames } from './kernels.ts';
import { type Machine, openMachine, ownBytes } from './machine.ts';
import { type Answer, BOARD_LENGTH, type Board, boardAt, type Introduction, WORDS } from './task.ts';

/** What a kernel is to do. */
export interface Task {
  readonly kernel: KernelName;
  readonly numbers: readonly number[];
  readonly count: number;
  /** Nanoseconds that an item takes, roughly. */
  readonly cost: number;
}

/** Nanoseconds from which it is worth calling others, and which one of them should work on what it takes at once. */
const WORTH_SHARING = 4e4;
const LEAST_AT_ONCE = 2e4;
const MOST_AT_ONCE = 4e6;
/** Items that take longer would keep the caller from the event loop: workers alone do these. */
const MOST_FOR_CALLER = 2e7;
/** How long the caller waits for the others' last items before it lets the event loop turn, in looks and in milliseconds. */
const LOOKS = 2000;
const PATIENCE = 10;
/** Milliseconds in which a worker that is to be ended will have loaded what it loads, on a busy machine too. */
const LATEST = 20_000;

/** Workers that have not been ended: Firefox takes nested ones that nothing else holds for garbage (pool.ts). */
const live = new Set<Thread<Introduction>>();

export class Team {
  readonly heap: Heap;
  readonly threads: number;
  readonly #machine: Machine;
  readonly #board: Board;
  readonly #turns: Turns;
  readonly #introduce: (index: number) => Introduction;
  #starter: Promise<(listener: Listener<Answer>) => Thread<Introduction>> | undefined;
  readonly #workers: Thread<Introduction>[] = [];
  /** Ends when a worker has come, or will not. */
  readonly #arrivals: Promise<void>[] = [];
  /** How many workers have come, and how many will not: for them, or without them, somebody may wait. */
  #present = 0;
  #absent = 0;
  /** Why a worker that was there is gone. */
  #lost: Error | undefined;
  #closed = false;
  /** What it holds of the memory. */
  readonly #blocks: readonly Float64Array[];

  private constructor(
    heap: Heap,
    threads: number,
    machine: Machine,
    board: Board,
    turns: Turns,
    introduce: (index: number) => Introduction,
    blocks: readonly Float64Array[],
  ) {
    this.#blocks = blocks;
    this.heap = heap;
    this.threads = threads;
    this.#machine = machine;
    this.#board = board;
    this.#turns = turns;
    this.#introduce = introduce;
  }

  /**
   * @param threads as many as work side by side, the caller among them
   * @returns undefined where the memory has no room for them
   */
  static async open(heap: Heap, threads: number, turns: Turns, blas?: TeamBlas): Promise<Team | undefined> {
    const bytes = Uint8Array.from(atob(sharedBinary), (character) => character.charCodeAt(0));
    const module = await WebAssembly.compile(bytes);
    const { memory } = heap;
    const instance = await WebAssembly.instantiate(module, { env: { memory } });
    const own = ownBytes(instance);
    const most = Math.max(1, (blas?.mostThreads ?? Number.POSITIVE_INFINITY) - 1);
    const members = mayStartWorkers() ? Math.min(threads, most) : 1;
    // The place after the last member's is for whom the caller leaves long items to.
    const held = heap.take(((members + 1) * own) / 8);
    const words = heap.take(BOARD_LENGTH);
    if (held === undefined || words === undefined) {
      for (const block of [held, words]) if (block) heap.give(block.byteOffset, block.length);
      return undefined;
    }
    const board = boardAt(memory, words.byteOffset);
    board.words.fill(0);
    const base = blas ? blas.addressOf(new Uint8Array(memory.buffer)) : 0;
    const place = (index: number) => held.byteOffset + index * own;
    const machine = openMachine(instance, memory, 0, place(0), blas?.routines, base);
    const location = blas && { koffi: blas.koffi, library: blas.library };
    const introduce = (index: number): Introduction => ({
      ...{ module, memory, board: words.byteOffset, index, place: place(index), blas: location, base },
    });
    return new Team(heap, members, machine, board, turns, introduce, [held, words]);
  }

  get withBlas(): boolean {
    return this.#machine.blas !== undefined;
  }

  /** Does all items of a task; at once, where nothing is returned. */
  run(task: Task): Promise<void> | undefined {
    if (task.count === 0) return undefined;
    if (this.#lost) throw this.#lost;
    // Threads of its own would be too many beside these.
    this.#machine.blas?.setThreads(1);
    const total = task.count * task.cost;
    if (task.cost > MOST_FOR_CALLER && mayStartWorkers()) return this.#leave(task);
    if (total < WORTH_SHARING) {
      this.#do(task, 0, task.count);
      return this.#turns.breathe();
    }
    if (this.threads === 1) return this.#alone(task);
    this.#start(this.threads - 1);
    return this.#share(task);
  }

  /** When all workers that share tasks with the caller are there. */
  async ready(): Promise<void> {
    const count = this.threads - 1;
    this.#start(count);
    // Those that cannot come, OpenBLAS being out of their reach, are not waited for.
    while (this.#present + this.#absent < count && !this.#closed) await pause();
  }

  /** Doubles for every thread that may work on a task, `length` each. */
  work(length: number): Float64Array {
    return allocate((this.threads + 1) * roundedUp(length));
  }

  /** Bytes of a thread's part of `work`. */
  workBytes(length: number): number {
    return 8 * roundedUp(length);
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#endWorkers();
    for (const block of this.#blocks) this.heap.give(block.byteOffset, block.length);
  }

  async #endWorkers(): Promise<void> {
    await Promise.all(
      this.#workers.map(async (worker, k) => {
        try {
          if (this.withBlas) {
            // A thread that is ended while it loads a native library takes the whole process with it.
            worker.hold(true);
            await withinReason(this.#arrivals[k]!);
          }
          await worker.end();
        } finally {
          live.delete(worker);
        }
      }),
    );
  }

  /** Has that many workers come, sooner or later. */
  #start(count: number): void {
    if (this.#workers.length >= count) return;
    this.#starter ??= threadStarter<Introduction, Answer>(teamWorkerSource);
    this.#starter
      .then((start) => {
        while (this.#workers.length < count && !this.#closed) this.#workers.push(this.#worker(start));
      })
      // Without them the caller does all.
      .catch(() => {
        this.#absent = Number.POSITIVE_INFINITY;
      });
  }

  #worker(start: (listener: Listener<Answer>) => Thread<Introduction>): Thread<Introduction> {
    let state: 'awaited' | 'present' | 'gone' = 'awaited';
    let arrived = () => {};
    this.#arrivals.push(
      new Promise((resolve) => {
        arrived = resolve;
      }),
    );
    const thread = start({
      answer: () => {
        state = 'present';
        this.#present++;
        arrived();
      },
      fail: (error) => {
        if (state === 'present') this.#lost ??= error;
        if (state === 'awaited') this.#absent++;
        state = 'gone';
        arrived();
      },
    });
    live.add(thread);
    thread.post(this.#introduce(this.#workers.length + 1), []);
    thread.hold(false);
    return thread;
  }

  async #alone(task: Task): Promise<void> {
    const grain = this.#grain(task, 1);
    for (let from = 0; from < task.count; from += grain) {
      this.#do(task, from, Math.min(task.count, from + grain));
      const turning = this.#turns.breathe();
      if (turning) await turning;
    }
  }

  async #share(task: Task): Promise<void> {
    const { words } = this.#board;
    const grain = this.#grain(task, this.threads);
    this.#publish(task, grain, this.threads);
    try {
      for (;;) {
        const from = Atomics.add(words, WORDS.next, grain);
        if (from >= task.count) break;
        this.#do(task, from, Math.min(task.count, from + grain));
        const turning = this.#turns.breathe();
        if (turning) await turning;
      }
    } finally {
      const leaving = this.#conclude(task);
      if (leaving) await leaving;
    }
    this.#check(task);
  }

  /** Leaves a task to the workers. */
  async #leave(task: Task): Promise<void> {
    this.#start(this.threads);
    // One will do; others join when they are there.
    while (this.#present === 0 && this.#absent < this.threads && !this.#closed) {
      await pause();
      this.#turns.check();
    }
    if (this.#present === 0) return this.#alone(task);
    const { words } = this.#board;
    this.#publish(task, 1, this.threads + 1);
    try {
      while (Atomics.load(words, WORDS.next) < task.count && Atomics.load(words, WORDS.failed) === 0) {
        await pause();
        this.#turns.check();
        if (this.#lost) throw this.#lost;
      }
    } finally {
      const leaving = this.#conclude(task);
      if (leaving) await leaving;
    }
    this.#check(task);
  }

  #do(task: Task, from: number, to: number): void {
    const kernel = KERNELS[task.kernel] as (machine: Machine, ...rest: number[]) => void;
    kernel(this.#machine, from, to, ...task.numbers);
  }

  #grain({ count, cost }: Task, threads: number): number {
    const each = Math.min(MOST_AT_ONCE, Math.max(LEAST_AT_ONCE, (count * cost) / (4 * threads)));
    return Math.max(1, Math.round(each / cost));
  }

  #publish(task: Task, grain: number, limit: number): void {
    const { words, numbers } = this.#board;
    numbers.set(task.numbers);
    words[WORDS.next] = 0;
    words[WORDS.count] = task.count;
    words[WORDS.grain] = grain;
    words[WORDS.kernel] = kernelNames.indexOf(task.kernel);
    words[WORDS.numbers] = task.numbers.length;
    words[WORDS.failed] = 0;
    Atomics.store(words, WORDS.limit, limit);
    Atomics.store(words, WORDS.open, 1);
    Atomics.add(words, WORDS.task, 1);
    Atomics.notify(words, WORDS.task);
  }

  /** Closes the board and waits until nobody works on the task any more, ended or not. */
  #conclude(task: Task): Promise<void> | undefined {
    const { words } = this.#board;
    Atomics.store(words, WORDS.next, task.count);
    Atomics.store(words, WORDS.open, 0);
    for (let look = 0; look < LOOKS; look++) if (Atomics.load(words, WORDS.inside) === 0) return undefined;
    return this.#othersLeave();
  }

  async #othersLeave(): Promise<void> {
    const { words } = this.#board;
    const start = performance.now();
    for (;;) {
      const inside = Atomics.load(words, WORDS.inside);
      if (inside === 0) return;
      if (this.#lost) {
        // Others may still write to what is given back when this throws.
        await this.#endWorkers();
        throw this.#lost;
      }
      if (mayBlock && performance.now() - start < PATIENCE) Atomics.wait(words, WORDS.inside, inside, 1);
      else await pause();
    }
  }

  #check(task: Task): void {
    if (this.#board.words[WORDS.failed] !== 0)
      throw new Error(`${task.kernel}: a thread must do its part, got an error`);
  }
}

/** Whether this thread may wait for others: a page's own may not. */
const mayBlock = typeof document === 'undefined';

function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 1));
}

/** Waits for what comes within milliseconds, if it comes at all. */
async function withinReason(arrival: Promise<void>): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, LATEST);
  });
  await Promise.race([arrival, late]);
  clearTimeout(timer);
}

function roundedUp(length: number): number {
  return Math.ceil(length / 8) * 8;
}
