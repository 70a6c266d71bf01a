/** A queue in Redis, by BullMQ: tasks of sweeps that workers on any machine take. Both packages are loaded when they are asked for. */
import { createHash } from 'node:crypto';
import { resolve } from 'node:path';
import type { Job, Queue, QueueEvents, Worker } from 'bullmq';
import type { StoredMultipliers } from '../../bounds/result.ts';
import { InputError } from '../../errors.ts';
import { readRegularFile, reasonOf } from '../../files.node.ts';
import { MOST_BYTES } from '../../formats/given.ts';
import type { BoundQuestion } from '../commands/boundQuestion.ts';
import { UsageError } from '../failure.ts';
import type { Computed, Task } from './compute.ts';
import { type Answer, failureAnswer } from './line.ts';
import { type Hear, Processes, threadsOfEach, type Workforce } from './workforce.ts';

/** In Redis. */
const NAME = 'lipsoid';
/** Answers that nobody has fetched are kept so long, in seconds. */
const KEPT = 30 * 24 * 3600;
/** Workers that may die on one network before it counts as what kills them. */
const MOST_DEATHS = 10;
/** Tasks of one sweep in the queue at a time. */
const AT_ONCE = 1000;
/** Milliseconds between two words about how far a job is, and between two times that its multipliers are kept: megabytes, where it is large. */
const INTERVAL = 1000;
const TELLING = 5000;

/** What is to be done, for machines that see the same files under the same paths. */
interface Order {
  readonly task: Task;
  readonly question: BoundQuestion;
  readonly version: string;
}

type Ordered = Job<Order, Computed>;

interface Connection {
  readonly bullmq: typeof import('bullmq');
  /** What BullMQ connects by. */
  readonly connection: import('ioredis').Redis;
  close(): Promise<void>;
}

/** @throws UsageError where a package is missing, InputError where there is no Redis at the address */
async function connected(url: string): Promise<Connection> {
  const missing = (error: unknown) =>
    new UsageError(
      `--queue: needs the packages bullmq and ioredis, npm install bullmq@6.7.0 ioredis@5.9.2 beside lipsoid; got ${reasonOf(error).split('\n')[0]}`,
    );
  const bullmq = await import('bullmq').catch((error: unknown) => {
    throw missing(error);
  });
  const { Redis } = await import('ioredis').catch((error: unknown) => {
    throw missing(error);
  });
  // Whoever waits in Redis waits for as long as it takes; the first try alone has to succeed.
  let reached = false;
  const connection = new Redis(url, {
    ...{ lazyConnect: true, maxRetriesPerRequest: null },
    retryStrategy: (times) => (reached ? Math.min(100 * times, 5000) : null),
  });
  let reason = '';
  connection.on('error', (error) => {
    reason = error.message || String((error as NodeJS.ErrnoException).code);
  });
  await connection.connect().catch((error: unknown) => {
    connection.disconnect();
    // A password may be in the address.
    throw new InputError(
      `--queue: ${hostOf(url)} must be a Redis server, got an error: ${reason || reasonOf(error)}`,
    );
  });
  reached = true;
  return { bullmq, connection, close: async () => connection.disconnect() };
}

function hostOf(url: string): string {
  return URL.canParse(url) ? new URL(url).host : 'the address';
}

/** Workers of a queue, as a sweep sees them: what one has done before is there, whoever asked. */
export class Queued implements Workforce {
  readonly atOnce = AT_ONCE;
  readonly #question: BoundQuestion;
  readonly #version: string;
  readonly #connection: Connection;
  readonly #queue: Queue<Order, Computed>;
  readonly #events: QueueEvents;
  readonly #aborted: Promise<never>;
  readonly #hearing = new Map<string, Hear>();

  private constructor(question: BoundQuestion, version: string, connection: Connection, signal: AbortSignal) {
    this.#question = question;
    this.#version = version;
    this.#connection = connection;
    this.#aborted = new Promise<never>((_, reject) => {
      const abort = () => reject(signal.reason);
      if (signal.aborted) abort();
      else signal.addEventListener('abort', abort, { once: true });
    });
    this.#aborted.catch(() => {});
    const { bullmq } = connection;
    this.#queue = new bullmq.Queue<Order, Computed>(NAME, { connection: connection.connection });
    this.#events = new bullmq.QueueEvents(NAME, { connection: connection.connection });
    // Every job that somebody waits for listens.
    this.#events.setMaxListeners(0);
    this.#queue.setMaxListeners(0);
    // Connections come back by themselves.
    this.#queue.on('error', () => {});
    this.#events.on('error', () => {});
    this.#events.on('progress', ({ jobId, data }) => {
      if (typeof data === 'number') this.#hearing.get(jobId)?.share(data);
    });
  }

  /** @throws UsageError, InputError where there is no queue */
  static async open(
    url: string,
    question: BoundQuestion,
    version: string,
    signal: AbortSignal,
  ): Promise<Queued> {
    const queued = new Queued(absolute(question), version, await connected(url), signal);
    await queued.#events.waitUntilReady();
    return queued;
  }

  async compute(task: Task, hear: Hear): Promise<Computed> {
    const order = {
      task: { ...task, file: resolve(task.file) },
      question: this.#question,
      version: this.#version,
    };
    const id = await identityOf(order);
    this.#hearing.set(id, hear);
    const over = async () => {
      // One of the same identity is there already, or is this one.
      await this.#queue.add('bound', order, {
        ...{ jobId: id, removeOnComplete: { age: KEPT }, removeOnFail: { age: KEPT } },
      });
      const job: Ordered = (await this.#queue.getJob(id))!;
      if (await job.isFailed()) await job.retry('failed');
      const computed = await job
        .waitUntilFinished(this.#events)
        .catch((error: unknown) => lost(reasonOf(error)));
      // What may end otherwise is tried again by the next sweep.
      if (computed.passing || computed.sha256 === null) await job.remove().catch(() => {});
      return computed;
    };
    try {
      return await Promise.race([over(), this.#aborted]);
    } finally {
      this.#hearing.delete(id);
    }
  }

  async close(): Promise<void> {
    await Promise.all([this.#queue.close(), this.#events.close()]);
    await this.#connection.close();
  }
}

/** Of paths that mean the same on other machines. */
function absolute(question: BoundQuestion): BoundQuestion {
  return {
    ...question,
    ...(question.weights !== undefined && { weights: resolve(question.weights) }),
    ...(question.fix && { fix: question.fix.map(({ name, file }) => ({ name, file: resolve(file) })) }),
  };
}

/** The same for the same file, as it is now, and the same question. */
async function identityOf({ task: { file }, question, version }: Order): Promise<string> {
  const hash = createHash('sha256').update(JSON.stringify([file, question, version]));
  await readRegularFile(file, file, MOST_BYTES, (piece) => void hash.update(piece)).catch(
    (error: unknown) => {
      // What is wrong with it its line will say.
      if (!(error instanceof InputError)) throw error;
    },
  );
  return hash.digest('hex');
}

function lost(reason: string): Computed {
  const failure = { kind: 'system', message: `no worker has come to an end with it: ${reason}` } as const;
  return { sha256: null, structure: '', passing: true, answer: failureAnswer(failure) };
}

export interface WorkerOptions {
  /** Networks at a time, each in a process of its own. */
  readonly jobs: number;
  readonly threads?: number;
  /** Seconds without a sign of life after which a worker counts as dead. */
  readonly heartbeat: number;
  /** Seconds without work after which it ends; undefined: never. */
  readonly idle?: number;
  readonly version: string;
  /** Called once a network is done. */
  readonly onDone: (file: string, answer: Answer) => void;
}

/**
 * Takes networks from a queue until it is told to end, or nothing has come for long enough. Work that is not done then goes back, with what
 * its search has found.
 * @throws UsageError, InputError where there is no queue
 */
export async function work(url: string, options: WorkerOptions, signal: AbortSignal): Promise<void> {
  const { jobs, heartbeat, idle, version, onDone } = options;
  const threads = options.threads ?? (await threadsOfEach(jobs));
  const { bullmq, connection, close } = await connected(url);
  const milliseconds = Math.ceil(1000 * heartbeat);
  /** Processes by what they are asked. */
  const forces = new Map<string, { readonly force: Processes; running: number }>();
  let running = 0;
  let last = performance.now();
  const forceFor = (question: BoundQuestion) => {
    const asked = JSON.stringify(question);
    const known = forces.get(asked);
    if (known) return known;
    // Those of other questions that nobody works on.
    for (const [key, { force, running: own }] of forces) {
      if (own > 0) continue;
      forces.delete(key);
      void force.close();
    }
    const made = { force: new Processes(jobs, { ...question, threads }, signal), running: 0 };
    forces.set(asked, made);
    return made;
  };
  const done = async (job: Ordered, token: string | undefined): Promise<Computed> => {
    const { task, question, version: asked } = job.data;
    if (asked !== version) throw new Error(`the worker is lipsoid ${version}, the sweep ${asked}`);
    const force = forceFor(question);
    running++;
    force.running++;
    let said = performance.now();
    try {
      const computed = await force.force.compute(
        { ...task, tell: TELLING },
        {
          share(share) {
            if (performance.now() - said < INTERVAL) return;
            said = performance.now();
            job.updateProgress(share).catch(() => {});
          },
          searched: (searched: readonly StoredMultipliers[]) => {
            const from = { ...job.data, task: { ...task, from: searched } };
            job.updateData(from).catch(() => {});
          },
        },
      );
      // Nobody goes on from what has come to its end.
      await job.updateData({ ...job.data, task: { file: task.file } });
      onDone(task.file, computed.answer);
      const { searched: _, ...answer } = computed;
      return answer;
    } catch (error) {
      if (!signal.aborted) throw error;
      await job.moveToWait(token);
      throw new bullmq.WaitingError();
    } finally {
      running--;
      force.running--;
      last = performance.now();
    }
  };
  const worker: Worker<Order, Computed> = new bullmq.Worker<Order, Computed>(NAME, done, {
    ...{ connection, concurrency: jobs, lockDuration: milliseconds, stalledInterval: milliseconds },
    maxStalledCount: MOST_DEATHS,
  });
  worker.on('error', () => {});
  try {
    await new Promise<void>((resolveEnd) => {
      const timer = setInterval(() => {
        const isIdle = idle !== undefined && running === 0 && performance.now() - last > 1000 * idle;
        if (isIdle || signal.aborted) end();
      }, 100);
      const end = () => {
        clearInterval(timer);
        resolveEnd();
      };
      signal.addEventListener('abort', end, { once: true });
    });
  } finally {
    await worker.close();
    for (const { force } of forces.values()) await force.close();
    await close();
  }
}
