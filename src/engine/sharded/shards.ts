/** All shards: what each is told, what they tell each other, and what becomes of all where one is lost. */
import { InputError } from '../../errors.ts';
import type { EngineInformation } from '../engine.ts';
import type { Channel, OpenChannel } from './channel.ts';
import { type Combine, sharesOf } from './combine.ts';
import type { Answer, Command } from './protocol.ts';

/** Commands that are sent together at most. */
const AT_ONCE = 128;

interface Exchange {
  readonly combine: Combine;
  /** Of the batch. */
  readonly entries: number;
  /** Whether ties between shards matter. */
  readonly shares: boolean;
  readonly parts: (Float64Array | undefined)[];
  counted: number;
}

interface Request {
  /** Values by shard. */
  readonly values: (readonly Float64Array[] | undefined)[];
  missing: number;
  readonly resolve: (values: readonly (readonly Float64Array[] | undefined)[]) => void;
  readonly reject: (error: unknown) => void;
}

/** @param open opens a channel to a shard; each is opened at once */
export class Shards {
  readonly opened: Promise<readonly EngineInformation[]>;
  readonly #channels: readonly Channel[];
  readonly #commands: Command[][];
  readonly #exchanges = new Map<number, Exchange>();
  readonly #requests = new Map<number, Request>();
  readonly #peaks: number[];
  #next = 1;
  #failure: Error | undefined;

  constructor(open: readonly OpenChannel[]) {
    const count = open.length;
    this.#commands = open.map(() => []);
    this.#peaks = open.map(() => 0);
    const information: EngineInformation[] = [];
    let missing = count;
    let [resolve, reject] = [(_: readonly EngineInformation[]) => {}, (_: unknown) => {}];
    this.opened = new Promise((done, failed) => {
      [resolve, reject] = [done, failed];
    });
    // It is awaited, or nobody asks any more.
    this.opened.catch(() => {});
    this.#channels = open.map((one, k) =>
      one({
        hear: (answer) => {
          if (answer.kind !== 'opened') {
            this.#hear(k, answer);
            // Before all are open there is no request that would tell of it.
            if (this.#failure) reject(this.#failure);
          } else {
            information[k] = answer.information;
            if (--missing === 0) resolve(information);
          }
        },
        lose: (reason) => {
          this.#fail(k, reason);
          reject(this.#failure);
        },
      }),
    );
  }

  get count(): number {
    return this.#channels.length;
  }

  get peakBytes(): number {
    return this.#peaks.reduce((sum, bytes) => sum + bytes, 0);
  }

  newId(): number {
    return this.#next++;
  }

  /** @throws the reason for which nothing is computed any more */
  assertOpen(): void {
    if (this.#failure) throw this.#failure;
  }

  /** A command for every shard. */
  record(command: (shard: number) => Command): void {
    this.assertOpen();
    for (const [k, list] of this.#commands.entries()) {
      list.push(command(k));
      if (list.length >= AT_ONCE) this.#flush(k);
    }
  }

  /** @returns the number of the exchange */
  expect(combine: Combine, entries: number, shares = false): number {
    const turn = this.newId();
    const parts = this.#channels.map(() => undefined);
    this.#exchanges.set(turn, { combine, entries, shares, parts, counted: 0 });
    return turn;
  }

  /**
   * What some shards answer to a request; the others get nothing.
   * @param signal after it nobody waits; the shards come to an end of it by themselves
   */
  async ask(
    command: (request: number, shard: number) => Command | undefined,
    signal?: AbortSignal,
  ): Promise<readonly (readonly Float64Array[] | undefined)[]> {
    this.assertOpen();
    signal?.throwIfAborted();
    const number = this.newId();
    const own = this.#channels.map((_, k) => command(number, k));
    const missing = own.filter((one) => one !== undefined).length;
    if (missing === 0) return own.map(() => undefined);
    const answered = new Promise<readonly (readonly Float64Array[] | undefined)[]>((resolve, reject) => {
      this.#requests.set(number, { values: own.map(() => undefined), missing, resolve, reject });
    });
    for (const [k, one] of own.entries()) {
      if (one) this.#commands[k]!.push(one);
      // Others may be waited for by these.
      this.#flush(k);
    }
    const aborted = () => {
      for (const channel of this.#channels) channel.send({ kind: 'abort', request: number });
      this.#requests.get(number)?.reject(signal!.reason);
      this.#requests.delete(number);
    };
    signal?.addEventListener('abort', aborted, { once: true });
    try {
      return await answered;
    } finally {
      signal?.removeEventListener('abort', aborted);
    }
  }

  async close(): Promise<void> {
    const closed = new Error('the engine must be open, got a closed one');
    this.#failure ??= closed;
    this.#reject(closed);
    await Promise.all(this.#channels.map((channel) => channel.close()));
  }

  #flush(k: number): void {
    const commands = this.#commands[k]!;
    if (commands.length === 0) return;
    this.#commands[k] = [];
    this.#channels[k]!.send({ kind: 'commands', commands });
  }

  #hear(k: number, answer: Answer): void {
    if (this.#failure) return;
    switch (answer.kind) {
      case 'part':
        this.#take(k, answer.turn, answer.entries, answer.data);
        break;
      case 'done': {
        this.#peaks[k] = answer.peakBytes;
        const request = this.#requests.get(answer.request);
        if (!request) return;
        request.values[k] = answer.values;
        if (--request.missing > 0) return;
        this.#requests.delete(answer.request);
        request.resolve(request.values);
        break;
      }
      case 'failed':
        this.#fail(k, answer.reason);
        break;
      default:
        this.#fail(k, `must answer what it was asked, got ${answer.kind}`);
    }
  }

  #take(k: number, turn: number, entries: number, data: Float64Array): void {
    const exchange = this.#exchanges.get(turn);
    if (!exchange || exchange.parts[k]) {
      this.#fail(k, 'must tell its part once, got it again');
      return;
    }
    exchange.parts[k] = data;
    exchange.counted += entries;
    const parts = exchange.parts.filter((part) => part !== undefined);
    if (parts.length < this.count) return;
    this.#exchanges.delete(turn);
    if (exchange.counted !== exchange.entries) {
      this.#fail(k, `all parts must be of ${exchange.entries} entries, got ${exchange.counted}`);
      return;
    }
    const result = exchange.combine(parts);
    const shares = exchange.shares ? sharesOf(parts, result) : undefined;
    for (const [shard, channel] of this.#channels.entries())
      channel.send({ kind: 'exchanged', turn, data: result, ...(shares && { shares: shares[shard]! }) });
  }

  #fail(k: number, reason: string): void {
    if (this.#failure) return;
    const failure = new InputError(
      `worker ${k + 1} of ${this.count}: ${reason}; without its part of the frequencies nothing is computed: start again`,
    );
    this.#failure = failure;
    this.#reject(failure);
  }

  #reject(error: Error): void {
    for (const { reject } of this.#requests.values()) reject(error);
    this.#requests.clear();
    this.#exchanges.clear();
  }
}
