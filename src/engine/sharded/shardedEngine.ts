/**
 * An engine whose batches lie on several others: every shard holds its part of each batch and computes with it, as by itself; what is taken over
 * a whole batch (maxima of row sums, radii, sums) the shards tell each other through this one, a few kilobytes each time. Vectors, and
 * batches of fewer entries than there are shards, are on all of them.
 *
 * Maxima do not depend on where entries lie; sums are added up in the order of the shards. Of an entry that is missing nothing is computed:
 * a shard that is lost loses the engine, and every part says of how many entries it is.
 */

import { InputError } from '../../errors.ts';
import type { Data, Engine, EngineInformation } from '../engine.ts';
import type { Handle, Matrices, Shape, Vector } from '../handles.ts';
import { isShape, type Name, type ResultShape, recordedOperations, withOperands } from '../operations.ts';
import { checkDimension, dataLength } from '../shapes.ts';
import type { Channel, OpenChannel } from './channel.ts';
import { type Combine, joined, largestOf, leastOf, meanOf, sharesOf, sumOf } from './combine.ts';
import { isAligned, isSplit, startsOf } from './layout.ts';
import type { Answer, Command, Id, Reference } from './protocol.ts';

/** How what is taken over the entries of a shard becomes what it is over all of them. */
const OVER_BATCHES: Readonly<Partial<Record<Name, Combine>>> = {
  rowSums: largestOf,
  columnMaximum: largestOf,
  diagonal: largestOf,
  spectralRadius: largestOf,
  offDiagonalRadius: largestOf,
  estimatedRadius: largestOf,
  diagonalSum: sumOf,
  windowSum: sumOf,
};

/** Operations with a vector of one entry for every entry of the batch, and which parameter that is. */
const BY_ENTRY: Readonly<Partial<Record<Name, number>>> = { scaleBatch: 1, windowSum: 2 };

/** Commands that are sent together at most. */
const AT_ONCE = 128;

/** A handle that leads to what the shards know it by. */
class Sharded {
  readonly #owner: object;
  readonly #id: Id;
  #released = false;

  constructor(owner: object, id: Id) {
    this.#owner = owner;
    this.#id = id;
  }

  /** @throws Error if it is of another engine or was released */
  static idOf(handle: Handle, owner: object, operation: string, release = false): Id {
    const own = #id in handle ? (handle as unknown as Sharded) : undefined;
    if (!own || own.#owner !== owner)
      throw new Error(`${operation}: handles must come from this engine, got a foreign one`);
    if (own.#released)
      throw new Error(`${operation}: handles must not be used after their release, got one of ${own.#id}`);
    own.#released = release;
    return own.#id;
  }
}

class ShardedMatrices extends Sharded implements Matrices {
  readonly kind = 'matrices';
  readonly batch: number;
  readonly rows: number;
  readonly columns: number;
  readonly complex: boolean;

  constructor(owner: object, id: Id, { batch, rows, columns, complex }: Shape) {
    super(owner, id);
    [this.batch, this.rows, this.columns, this.complex] = [batch, rows, columns, complex];
    Object.freeze(this);
  }
}

class ShardedVector extends Sharded implements Vector {
  readonly kind = 'vector';
  readonly length: number;

  constructor(owner: object, id: Id, length: number) {
    super(owner, id);
    this.length = length;
    Object.freeze(this);
  }
}

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

/**
 * @param open opens a channel to a shard; each is opened at once
 * @returns once all are there
 * @throws InputError where one cannot be opened, or where they are of several kinds, whose vectors could differ
 */
export async function openShards(open: readonly OpenChannel[]): Promise<Engine> {
  const shards = new Shards(open);
  try {
    const information = await shards.opened;
    return engineOver(shards, information);
  } catch (error) {
    await shards.close();
    throw error;
  }
}

class Shards {
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

function engineOver(shards: Shards, each: readonly EngineInformation[]): Engine {
  const own = each[0]!;
  const other = each.find(({ description }) => description !== own.description);
  // All of them compute the same vectors.
  if (other)
    throw new InputError(
      `workers: must compute alike, got ${own.description} and ${other.description}: choose one with --engine`,
    );
  const { count } = shards;
  const idOf = (operation: string, handle: Handle) => Sharded.idOf(handle, shards, operation);
  const split = (handle: Handle) => handle.kind === 'matrices' && isSplit(handle.batch, count);
  const reference = (kind: Handle['kind'], id: Id): Reference => ({ kind, reference: id });
  const held = (k: number, batch: number) => {
    const starts = startsOf(batch, count);
    return starts[k + 1]! - starts[k]!;
  };

  /** Records an operation as the shards do it, each with its own parameters; the ids of what they hold then. */
  function operated<R extends Id | Readonly<Record<string, Id>>>(
    name: Name,
    ids: R,
    parameters: (shard: number) => readonly unknown[],
  ): R {
    shards.record((k) => ({ kind: 'operation', name, parameters: parameters(k), ids }));
    return ids;
  }

  /** What all of them make of what each has computed over its entries of a batch. */
  function exchanged(of: Id, over: Id, entries: number, combine: Combine, shape?: Shape, shares = false): Id {
    const id = shards.newId();
    const turn = shards.expect(combine, entries, shares);
    shards.record(() => ({ kind: 'exchange', turn, id, of, over, ...(shape && { shape }) }));
    return id;
  }

  const released = (...ids: Id[]) => shards.record(() => ({ kind: 'release', ids }));

  /** A part of each whole batch. */
  function sliced(whole: Id, batch: number): Id {
    const id = shards.newId();
    const starts = startsOf(batch, count);
    shards.record((k) => ({ kind: 'slice', id, of: whole, start: starts[k]!, end: starts[k + 1]! }));
    released(whole);
    return id;
  }

  /** For every shard the entries of a vector that belong to its part of a batch. */
  function sharedOut(vector: Id, batch: number): Id {
    const starts = startsOf(batch, count);
    return operated('maximumOver', shards.newId(), (k) => [
      reference('vector', vector),
      Array.from({ length: held(k, batch) }, (_, i) => Int32Array.of(starts[k]! + i)),
    ]);
  }

  /** `alias` or its adjoint, where what belongs together lies on several shards. */
  function aliased(name: 'alias' | 'aliasAdjoint', source: Matrices, of: number, shape: Shape): Id {
    const id = idOf(name, source);
    const whole = split(source)
      ? exchanged(id, id, source.batch, joined, {
          ...{ batch: source.batch, rows: source.rows, columns: source.columns, complex: source.complex },
        })
      : id;
    const result = operated(name, shards.newId(), () => [reference('matrices', whole), of]);
    if (whole !== id) released(whole);
    return isSplit(shape.batch, count) ? sliced(result, shape.batch) : result;
  }

  function recorded(name: Name, given: readonly unknown[], shape: ResultShape): unknown {
    const handles: Handle[] = [];
    const parameters = withOperands(name, given, (handle) => {
      handles.push(handle);
      return reference(handle.kind, idOf(name, handle));
    });
    const handleOf = (id: Id, one: Shape | number) =>
      typeof one === 'number' ? new ShardedVector(shards, id, one) : new ShardedMatrices(shards, id, one);
    if (!isShape(shape)) {
      const ids = Object.fromEntries(Object.keys(shape).map((key) => [key, shards.newId()]));
      operated(name, ids, () => parameters);
      const over = handles.find(split) as Matrices | undefined;
      return Object.fromEntries(
        Object.entries(shape).map(([key, one]) => {
          // Of several results the vectors are what all entries agree on: whether all are definite.
          if (!over || typeof one !== 'number') return [key, handleOf(ids[key]!, one)];
          const all = exchanged(ids[key]!, idOf(name, over), over.batch, leastOf);
          released(ids[key]!);
          return [key, handleOf(all, one)];
        }),
      );
    }
    return handleOf(computed(name, given, parameters, handles, shape), shape);
  }

  function computed(
    name: Name,
    given: readonly unknown[],
    parameters: readonly unknown[],
    handles: readonly Handle[],
    shape: Shape | number,
  ): Id {
    const batch = typeof shape === 'number' ? 1 : shape.batch;
    const over = handles.find(split) as Matrices | undefined;
    if (name === 'symbol' && isSplit(batch, count)) {
      // Frequencies are rows there.
      const starts = startsOf(batch, count);
      const phases = given[1] as Matrices;
      const own = operated('submatrix', shards.newId(), (k) => [
        parameters[1],
        [[starts[k]!, starts[k + 1]!]],
        [[0, phases.columns]],
      ]);
      const [taps, , ...rest] = parameters;
      const id = operated(name, shards.newId(), () => [taps, reference('matrices', own), ...rest]);
      released(own);
      return id;
    }
    if (name === 'alias' || name === 'aliasAdjoint') {
      const [source, of] = given as [Matrices, number];
      const smaller = name === 'alias' ? batch : source.batch;
      if (over && smaller === 1) {
        const local = operated(name, shards.newId(), (k) => [parameters[0], held(k, source.batch)]);
        const counts = Array.from({ length: count }, (_, k) => held(k, source.batch));
        const whole = shape as Shape;
        const id = exchanged(local, idOf(name, source), source.batch, meanOf(counts), whole);
        released(local);
        return id;
      }
      const aligned = isSplit(smaller, count) && isAligned(smaller, of, count);
      if (!aligned) return aliased(name, source, of, shape as Shape);
    }
    const at = BY_ENTRY[name];
    const entries = at === undefined ? undefined : (given[at] as Vector);
    if (at !== undefined && entries && isSplit(entries.length, count)) {
      const own = sharedOut(idOf(name, entries), entries.length);
      const changed = parameters.map((one, k) => (k === at ? reference('vector', own) : one));
      const local = operated(name, shards.newId(), () => changed);
      const combine = OVER_BATCHES[name];
      const id = combine ? exchanged(local, own, entries.length, combine, shape as Shape) : local;
      released(own, ...(id === local ? [] : [local]));
      return id;
    }
    const result = operated(name, shards.newId(), () => parameters);
    if (!over) return isSplit(batch, count) ? sliced(result, batch) : result;
    const combine = OVER_BATCHES[name];
    if (!combine) return result;
    const shares = name === 'rowSums';
    const id = exchanged(
      result,
      idOf(name, over),
      over.batch,
      combine,
      typeof shape === 'number' ? undefined : shape,
      shares,
    );
    released(result);
    return id;
  }

  const memory = each.every((one) => one.memory !== undefined)
    ? each.reduce((sum, one) => sum + one.memory!, 0)
    : undefined;
  return {
    information: {
      name: own.name,
      description: `${count} processes, each ${own.description}`,
      unitRoundoff: own.unitRoundoff,
      threads: count * own.threads,
      ...(memory !== undefined && { memory }),
    },

    ...recordedOperations(recorded),

    windowSumOperations: ({ columns, complex }, batch) =>
      // In whatever order all terms are added up, and then the parts.
      (complex ? 2 : 1) * columns * batch + 2 + count,

    get peakBytes() {
      return shards.peakBytes;
    },

    matrices(data, batch, rows, columns, complex) {
      const shape: Shape = { batch, rows, columns, complex };
      const values = valuesOf(data);
      dataLength(shape, values);
      const id = shards.newId();
      const entry = rows * columns * (complex ? 2 : 1);
      const starts = startsOf(batch, count);
      shards.record((k) =>
        isSplit(batch, count)
          ? {
              ...{ kind: 'matrices', id, shape: { ...shape, batch: held(k, batch) } },
              data: values.slice(starts[k]! * entry, starts[k + 1]! * entry),
            }
          : { kind: 'matrices', id, data: values, shape },
      );
      return new ShardedMatrices(shards, id, shape);
    },

    vector(data) {
      checkDimension('vector', 'length', data.length);
      const id = shards.newId();
      const copy = new Float64Array(data);
      shards.record(() => ({ kind: 'vector', id, data: copy }));
      return new ShardedVector(shards, id, data.length);
    },

    async read(...handles) {
      const ids = handles.map((handle) => idOf('read', handle));
      const values = await shards.ask((request, k) => {
        // What all of them hold the first one tells.
        const own = ids.filter((_, i) => k === 0 || split(handles[i]!));
        return k === 0 || own.length > 0 ? { kind: 'read', request, ids: own } : undefined;
      });
      const of = values.map((own) => (own ?? []).values());
      return handles.map((handle) =>
        split(handle) ? joined(of.map((own) => own.next().value!)) : of[0]!.next().value!,
      );
    },

    async settle(signal) {
      await shards.ask((request) => ({ kind: 'settle', request }), signal);
    },

    release(...handles) {
      const ids = handles.map((handle) => Sharded.idOf(handle, shards, 'release', true));
      if (ids.length > 0) released(...ids);
    },

    close: () => shards.close(),
  };
}

function valuesOf(data: Data): Float64Array | Float32Array {
  return typeof data === 'function' ? data() : data;
}
