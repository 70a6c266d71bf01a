/** One shard: an engine that carries out commands on its part of every batch. */
import type { Engine } from '../engine.ts';
import { type Handle, isHandle } from '../handles.ts';
import { withOperands } from '../operations.ts';
import type { Answer, Command, Id, Message, Reference } from './protocol.ts';

type Exchanged = Extract<Message, { readonly kind: 'exchanged' }>;

export class Shard {
  readonly #engine: Engine;
  readonly #answer: (answer: Answer) => void;
  readonly #handles = new Map<Id, Handle>();
  /** Of sums of rows that other shards attain as well: the part of each that is this one's. */
  readonly #shares = new Map<Id, Handle>();
  /** Who waits for what all shards have come to. */
  readonly #waiting = new Map<number, (exchanged: Exchanged) => void>();
  readonly #arrived = new Map<number, Exchanged>();
  readonly #aborts = new Map<number, AbortController>();
  #last: Promise<void> = Promise.resolve();
  #failed = false;

  constructor(engine: Engine, answer: (answer: Answer) => void) {
    this.#engine = engine;
    this.#answer = answer;
    answer({ kind: 'opened', information: engine.information });
  }

  hear(message: Message): void {
    switch (message.kind) {
      case 'commands': {
        for (const command of message.commands)
          if (command.kind === 'settle') this.#aborts.set(command.request, new AbortController());
        this.#last = this.#last.then(() => this.#carryOut(message.commands));
        return;
      }
      case 'exchanged': {
        const waiting = this.#waiting.get(message.turn);
        if (waiting) waiting(message);
        else this.#arrived.set(message.turn, message);
        return;
      }
      case 'abort':
        this.#aborts.get(message.request)?.abort();
        return;
      default:
        message satisfies never;
    }
  }

  close(): Promise<void> {
    return this.#engine.close();
  }

  async #carryOut(commands: readonly Command[]): Promise<void> {
    if (this.#failed) return;
    try {
      for (const command of commands) {
        const working = this.#do(command);
        if (working) await working;
      }
    } catch (error) {
      this.#failed = true;
      this.#answer({ kind: 'failed', reason: error instanceof Error ? error.message : String(error) });
    }
  }

  #do(command: Command): Promise<void> | undefined {
    const engine = this.#engine;
    switch (command.kind) {
      case 'matrices': {
        const { id, data, shape } = command;
        this.#handles.set(id, engine.matrices(data, shape.batch, shape.rows, shape.columns, shape.complex));
        return undefined;
      }
      case 'vector':
        this.#handles.set(command.id, engine.vector(command.data));
        return undefined;
      case 'operation':
        this.#operate(command);
        return undefined;
      case 'slice':
        return this.#slice(command);
      case 'exchange':
        return this.#exchange(command);
      case 'release':
        for (const id of command.ids) this.#release(id);
        return undefined;
      case 'read':
        return this.#read(command.request, command.ids);
      case 'settle':
        return this.#settle(command.request);
      default:
        return command satisfies never;
    }
  }

  #operate({ name, parameters, ids }: Extract<Command, { readonly kind: 'operation' }>): void {
    const given = withOperands(name, parameters, (one) =>
      this.#handle((one as unknown as Reference).reference),
    );
    // Of a row that other shards attain too, this one has its share.
    const shares = name === 'rowSumsAdjoint' && this.#shares.get((parameters[1] as Reference).reference);
    const part = shares && this.#engine.multiply(given[2] as never, shares as never);
    if (part) given[2] = part;
    const operation = this.#engine[name] as (
      ...given: unknown[]
    ) => Handle | Readonly<Record<string, Handle>>;
    const result = operation.apply(this.#engine, given);
    if (part) this.#engine.release(part);
    if (isHandle(result)) this.#handles.set(ids as Id, result);
    else
      for (const [key, handle] of Object.entries(result))
        this.#handles.set((ids as Readonly<Record<string, Id>>)[key]!, handle);
  }

  async #slice({ id, of, start, end }: Extract<Command, { readonly kind: 'slice' }>): Promise<void> {
    const whole = this.#handle(of);
    if (whole.kind !== 'matrices') throw new Error('slice: must be of matrices, got a vector');
    const [data] = await this.#engine.read(whole);
    const { rows, columns, complex } = whole;
    const length = rows * columns * (complex ? 2 : 1);
    const own = data!.subarray(start * length, end * length);
    this.#handles.set(id, this.#engine.matrices(own, end - start, rows, columns, complex));
  }

  async #exchange(command: Extract<Command, { readonly kind: 'exchange' }>): Promise<void> {
    const { turn, id, of, over, shape } = command;
    const [data] = await this.#engine.read(this.#handle(of));
    const entries = over === undefined ? 1 : entriesOf(this.#handle(over));
    const arrived = new Promise<Exchanged>((resolve) => this.#waiting.set(turn, resolve));
    this.#answer({ kind: 'part', turn, entries, data: data! });
    const exchanged = this.#arrived.get(turn) ?? (await arrived);
    this.#waiting.delete(turn);
    this.#arrived.delete(turn);
    this.#handles.set(
      id,
      shape
        ? this.#engine.matrices(exchanged.data, shape.batch, shape.rows, shape.columns, shape.complex)
        : this.#engine.vector(exchanged.data),
    );
    if (exchanged.shares) this.#shares.set(id, this.#engine.vector(exchanged.shares));
  }

  async #read(request: number, ids: readonly Id[]): Promise<void> {
    const values = await this.#engine.read(...ids.map((id) => this.#handle(id)));
    this.#answer({ kind: 'done', request, values, peakBytes: this.#engine.peakBytes });
  }

  async #settle(request: number): Promise<void> {
    const { signal } = this.#aborts.get(request)!;
    try {
      await this.#engine.settle(signal);
    } catch (error) {
      // What is left of it is done when it is needed.
      if (error !== signal.reason || !signal.aborted) throw error;
    } finally {
      this.#aborts.delete(request);
    }
    this.#answer({ kind: 'done', request, values: [], peakBytes: this.#engine.peakBytes });
  }

  #handle(id: Id): Handle {
    const handle = this.#handles.get(id);
    if (!handle) throw new Error(`shard: must hold ${id}, got no such handle`);
    return handle;
  }

  #release(id: Id): void {
    this.#engine.release(this.#handle(id));
    this.#handles.delete(id);
    const shares = this.#shares.get(id);
    if (!shares) return;
    this.#engine.release(shares);
    this.#shares.delete(id);
  }
}

/** Of a batch, or of a vector that has one for each of its entries. */
function entriesOf(handle: Handle): number {
  return handle.kind === 'matrices' ? handle.batch : handle.length;
}
