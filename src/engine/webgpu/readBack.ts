/** The way back from the device. */
import { mapForReading } from './flags.ts';
import { type Space, sizeClass } from './memory/arena.ts';
import { componentsOf, type StoredMatrices, type StoredVector } from './memory/stored.ts';
import type { Timeline } from './timeline.ts';

const bytesPerNumber = 4;

/** float32 numbers that are copied out together. */
interface Piece {
  readonly space: Space;
  readonly length: number;
}

/** Bytes of buffers that are kept to be read from again, and of one of them. */
const keptAtMost = 2 ** 22;
const largestKept = 2 ** 20;

/** Reads back from one device. Making a buffer that can be mapped takes that long: small ones are kept. */
export class Reader {
  readonly #timeline: Timeline;
  /** Those that nobody reads from. */
  readonly #idle: GPUBuffer[] = [];

  constructor(timeline: Timeline) {
    this.#timeline = timeline;
  }

  /** Runs what is recorded and copies values out, all at once: as many as one buffer holds in one. */
  async read(values: readonly (StoredMatrices | StoredVector)[]): Promise<Float64Array[]> {
    const pieces = values.map(piecesOf);
    const used = batches(pieces.flat(), this.#timeline.device.largestBinding).map((batch) =>
      this.#recordCopies(batch),
    );
    let whole = false;
    try {
      await this.#timeline.run('done');
      const copies: Float32Array[] = [];
      for (const { buffer, bytes, lengths } of used) {
        await this.#timeline.patiently(buffer.mapAsync(mapForReading, 0, bytes));
        const all = new Float32Array(buffer.getMappedRange(0, bytes));
        let at = 0;
        for (const length of lengths) {
          copies.push(all.subarray(at, at + length));
          at += length;
        }
      }
      const results = pieces.map((list) => joined(copies.splice(0, list.length)));
      whole = true;
      return results;
    } finally {
      for (const { buffer } of used) {
        if (whole) this.#giveBack(buffer);
        else buffer.destroy();
      }
    }
  }

  #recordCopies(pieces: readonly Piece[]) {
    const lengths = pieces.map(({ length }) => length);
    const bytes = bytesPerNumber * lengths.reduce((sum, length) => sum + length, 0);
    const buffer = this.#buffer(bytes);
    let at = 0;
    for (const { space, length } of pieces) {
      this.#timeline.copy(space, buffer, bytesPerNumber * length, at);
      at += bytesPerNumber * length;
    }
    return { buffer, bytes, lengths };
  }

  #buffer(bytes: number): GPUBuffer {
    const { device } = this.#timeline;
    if (bytes > largestKept) return device.readbackBuffer(bytes);
    const place = this.#idle.findIndex(({ size }) => size >= bytes);
    if (place >= 0) return this.#idle.splice(place, 1)[0]!;
    return device.readbackBuffer(sizeClass(bytes, largestKept));
  }

  #giveBack(buffer: GPUBuffer): void {
    const held = this.#idle.reduce((sum, { size }) => sum + size, 0);
    if (buffer.size > largestKept || held + buffer.size > keptAtMost) {
      buffer.destroy();
      return;
    }
    buffer.unmap();
    this.#idle.push(buffer);
    this.#idle.sort((a, b) => a.size - b.size);
  }
}

function piecesOf(value: StoredMatrices | StoredVector): Piece[] {
  if (value.kind === 'vector') return [{ space: value.space, length: value.length }];
  return value.slabs.map(({ space, count }) => ({ space, length: count * componentsOf(value) }));
}

/** Neighbours together, as many as `limit` bytes hold; at least one each. */
function batches(pieces: readonly Piece[], limit: number): Piece[][] {
  const out: Piece[][] = [];
  let bytes = Number.POSITIVE_INFINITY;
  for (const piece of pieces) {
    const own = bytesPerNumber * piece.length;
    if (bytes + own > limit) {
      out.push([]);
      bytes = 0;
    }
    out.at(-1)!.push(piece);
    bytes += own;
  }
  return out;
}

function joined(copies: readonly Float32Array[]): Float64Array {
  const out = new Float64Array(copies.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const copy of copies) {
    out.set(copy, at);
    at += copy.length;
  }
  return out;
}
