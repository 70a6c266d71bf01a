/** What the handles of a WebGPU engine stand for. */
import type { Handle, Matrices, Vector } from '../../handles.ts';
import type { StoredMatrices, StoredVector } from './stored.ts';

interface Holding {
  /** Operation that made it, for messages. */
  readonly origin: string;
  readonly stored: StoredMatrices | StoredVector;
  released: boolean;
}

export class Holdings {
  readonly #holdings = new WeakMap<Handle, Holding>();
  #closed = false;

  /** A handle for what an operation made. */
  held(origin: string, stored: StoredMatrices): Matrices;
  held(origin: string, stored: StoredVector): Vector;
  held(origin: string, stored: StoredMatrices | StoredVector): Handle;
  held(origin: string, stored: StoredMatrices | StoredVector): Handle {
    const handle = handleOf(stored);
    this.#holdings.set(handle, { origin, stored, released: false });
    return handle;
  }

  /** @throws Error if the handle is of another engine or was released */
  stored(operation: string, handle: Handle): StoredMatrices | StoredVector {
    return this.#holding(operation, handle).stored;
  }

  /** What a handle stood for, which is not to be used any more.
   *  @throws Error if it is of another engine or was released before */
  released(handle: Handle): StoredMatrices | StoredVector {
    const holding = this.#holding('release', handle);
    holding.released = true;
    return holding.stored;
  }

  /** Handles cannot be used any more. */
  close(): void {
    this.#closed = true;
  }

  /** @throws Error once it is closed */
  assertOpen(operation: string): void {
    if (this.#closed) throw new Error(`${operation}: the engine must be open, got a closed one`);
  }

  #holding(operation: string, handle: Handle): Holding {
    this.assertOpen(operation);
    const holding = this.#holdings.get(handle);
    if (holding === undefined)
      throw new Error(`${operation}: handles must come from this engine, got a foreign one`);
    if (holding.released) {
      throw new Error(
        `${operation}: handles must not be used after their release, got one from ${holding.origin}`,
      );
    }
    return holding;
  }
}

function handleOf(stored: StoredMatrices | StoredVector): Handle {
  switch (stored.kind) {
    case 'matrices': {
      const { kind, batch, rows, columns, complex } = stored;
      return Object.freeze({ kind, batch, rows, columns, complex });
    }
    case 'vector':
      return Object.freeze({ kind: stored.kind, length: stored.length });
    default:
      return stored satisfies never;
  }
}
