/** What operations work with: storage for matrices and vectors, and dispatches in the order of their recording. */

import { InputError } from '../../errors.ts';
import type { Shape } from '../handles.ts';
import { describe } from '../shapes.ts';
import type { Device } from './device.ts';
import type { Kernel } from './kernel.ts';
import type { Space } from './memory/arena.ts';
import { componentsOf, type Slab, type StoredMatrices } from './memory/stored.ts';
import { StoredVector } from './memory/vector.ts';
import type { Task, Timeline } from './timeline.ts';

const bytesPerNumber = 4;

/** What a recorder asks of a timeline. */
export type Recording = Pick<Timeline, 'take' | 'upload' | 'uploadLater' | 'give' | 'dispatch'> & {
  readonly device: Pick<Device, 'software' | 'largestBinding'>;
};

export class Recorder {
  readonly #timeline: Recording;
  readonly #constants = new Map<number, Space>();

  constructor(timeline: Recording) {
    this.#timeline = timeline;
  }

  /** Its kernels run one thread after another, so that what needs a barrier is slow. */
  get software(): boolean {
    return this.#timeline.device.software;
  }

  /** Matrices of a shape that one slab holds, at least 1.
   *  @throws InputError for a matrix that no binding can hold. */
  capacity(shape: Omit<Shape, 'batch'>): number {
    const matrix = { ...shape, batch: 1 };
    const bytes = componentsOf(matrix) * bytesPerNumber;
    const limit = this.#timeline.device.largestBinding;
    if (bytes > limit) {
      throw new InputError(
        `webgpu: a matrix of ${describe(matrix)} takes ${bytes} bytes in float32, ` +
          `but this device binds at most ${limit} at once; choose the engine cpu`,
      );
    }
    return Math.floor(limit / bytes);
  }

  /** Storage for matrices, of any content.
   *  @throws InputError for a matrix that no binding can hold. */
  matrices({ batch, rows, columns, complex }: Shape): StoredMatrices {
    const shape = { batch, rows, columns, complex };
    return this.#inSlabs(shape, (bytes) => this.#timeline.take(bytes));
  }

  /** Matrices that hold `data`. */
  uploaded(shape: Shape, data: Float32Array<ArrayBuffer>): StoredMatrices {
    const components = componentsOf(shape);
    return this.#inSlabs(shape, (_bytes, first, count) =>
      this.#timeline.upload(data.subarray(first * components, (first + count) * components)),
    );
  }

  /** Matrices that hold what `make` gives when their turn comes. */
  uploadedLater(shape: Shape, make: () => Float32Array<ArrayBuffer>): StoredMatrices {
    const components = componentsOf(shape);
    return this.#inSlabs(shape, (bytes, first, count) =>
      this.#timeline.uploadLater(bytes, () =>
        make().subarray(first * components, (first + count) * components),
      ),
    );
  }

  vector(length: number): StoredVector {
    return this.vectorIn(this.scratch(length), length);
  }

  /** A vector whose numbers are in a space, which it takes over. */
  vectorIn(space: Space, length: number): StoredVector {
    return StoredVector.inSpace(this, length, space);
  }

  uploadedVector(data: Float32Array<ArrayBuffer>): StoredVector {
    return this.vectorIn(this.#timeline.upload(data), data.length);
  }

  /** A place that holds a number, for good: for kernels that want something to read where there is nothing. Not to be freed. */
  constant(value: 0 | 1): Space {
    let space = this.#constants.get(value);
    if (!space) {
      space = this.#timeline.upload(Float32Array.of(value));
      this.#constants.set(value, space);
    }
    return space;
  }

  /** A table of indices. */
  words(data: Uint32Array<ArrayBuffer>): Space {
    return this.#timeline.upload(data);
  }

  /** Space for so many numbers or words. */
  scratch(length: number): Space {
    return this.#timeline.take(length * bytesPerNumber);
  }

  dispatch<B extends string, S extends string>(kernel: Kernel<B, S>, task: Task<B, S>): void {
    this.#timeline.dispatch(kernel, task);
  }

  /** Gives storage back, all work on it being recorded. */
  free(...stored: (StoredMatrices | StoredVector | Space)[]): void {
    for (const one of stored) {
      if (one instanceof StoredVector) one.release();
      else this.#timeline.give(...spacesOf(one));
    }
  }

  #inSlabs(shape: Shape, take: (bytes: number, first: number, count: number) => Space): StoredMatrices {
    const bytes = componentsOf(shape) * bytesPerNumber;
    const capacity = this.capacity(shape);
    const slabs: Slab[] = [];
    for (let first = 0; first < shape.batch; first += capacity) {
      const count = Math.min(capacity, shape.batch - first);
      slabs.push({ first, count, space: take(count * bytes, first, count) });
    }
    return { ...shape, kind: 'matrices', slabs };
  }
}

function spacesOf(stored: StoredMatrices | Space): Space[] {
  return 'kind' in stored ? stored.slabs.map(({ space }) => space) : [stored];
}
