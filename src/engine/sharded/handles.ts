/** Handles of an engine over several shards. */
import type { Handle, Matrices, Shape, Vector } from '../handles.ts';
import type { Id } from './protocol.ts';

/** A handle that leads to what the shards know it by. */
export class Sharded {
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

export class ShardedMatrices extends Sharded implements Matrices {
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

export class ShardedVector extends Sharded implements Vector {
  readonly kind = 'vector';
  readonly length: number;

  constructor(owner: object, id: Id, length: number) {
    super(owner, id);
    this.length = length;
    Object.freeze(this);
  }
}
