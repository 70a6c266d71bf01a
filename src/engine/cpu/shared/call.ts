/** One operation on shared memory: where its operands lie, and what it needs beside them while it runs. */
import type { Eventually } from '../../queued/operations.ts';
import { allocate, recycle } from '../storage.ts';
import type { Task, Team } from './team.ts';

export class Call {
  readonly #team: Team;
  readonly #held: Float64Array[] = [];
  #result: Float64Array | undefined;
  /** Whether all that was placed lies in the shared memory, which may be full. */
  possible = true;

  constructor(team: Team) {
    this.#team = team;
  }

  /** Address of the matrices in an array. */
  matrices(array: Float64Array): number {
    if (!this.#team.heap.holds(array)) this.possible = false;
    return array.byteOffset;
  }

  /** Address of a copy of a vector, which lives as long as the call; 0 for none. */
  vector(vector: Float64Array | undefined): number {
    if (vector === undefined) return 0;
    if (this.#team.heap.holds(vector)) return vector.byteOffset;
    const copy = this.room(vector.length);
    copy.set(vector);
    return copy.byteOffset;
  }

  /** Address of 32-bit integers. */
  integers(values: readonly number[]): number {
    const words = this.room((values.length + 1) >> 1);
    new Int32Array(words.buffer, words.byteOffset, values.length).set(values);
    return words.byteOffset;
  }

  /** An array that lives as long as the call. */
  room(length: number): Float64Array {
    // Shorter ones lie elsewhere.
    const array = allocate(Math.max(64, length));
    this.#held.push(array);
    this.matrices(array);
    return array;
  }

  /** Room for every thread: its address, and the bytes that each has. */
  work(length: number): [address: number, bytes: number] {
    const array = this.#team.work(length);
    this.#held.push(array);
    return [this.matrices(array), this.#team.workBytes(length)];
  }

  /** An array for the result. */
  result(length: number): Float64Array {
    this.#result = allocate(length);
    this.matrices(this.#result);
    return this.#result;
  }

  run(task: Task | readonly Task[]): Promise<void> | undefined {
    return 'kernel' in task ? this.#team.run(task) : this.#all(task);
  }

  async #all(tasks: readonly Task[]): Promise<void> {
    for (const task of tasks) await this.#team.run(task);
  }

  /** Gives back what was held, and the result too where there is none. */
  end(outcome: 'done' | 'failed'): void {
    for (const array of this.#held) recycle(array);
    if (outcome === 'failed' && this.#result) recycle(this.#result);
  }
}

/** What an operation comes down to. */
export interface Plan<R> {
  /** One, or several one after another. */
  readonly task: Task | readonly Task[];
  readonly result: () => R;
}

/**
 * An operation by a team where all it works on lies in shared memory; else as `plain` does it.
 * @param plan undefined where the team is not worth calling
 */
export function shared<P extends readonly unknown[], R>(
  team: Team,
  plan: (call: Call, ...parameters: P) => Plan<R> | undefined,
  plain: (...parameters: P) => Eventually<R>,
): (...parameters: P) => Eventually<R> {
  return (...parameters) => {
    const call = new Call(team);
    const planned = plan(call, ...parameters);
    if (planned === undefined || !call.possible) {
      call.end('failed');
      return plain(...parameters);
    }
    return carriedOut(call, planned);
  };
}

function carriedOut<R>(call: Call, { task, result }: Plan<R>): Eventually<R> {
  const finish = (): R => {
    const found = result();
    call.end('done');
    return found;
  };
  const fail = (error: unknown): never => {
    call.end('failed');
    throw error;
  };
  try {
    const running = call.run(task);
    return running ? running.then(finish, fail) : finish();
  } catch (error) {
    return fail(error);
  }
}
