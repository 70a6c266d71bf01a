/** The way back from the device. */
import { mapForReading } from './flags.ts';
import type { Space } from './memory/arena.ts';
import { componentsOf, type StoredMatrices, type StoredVector } from './memory/stored.ts';
import type { Timeline } from './timeline.ts';

const bytesPerNumber = 4;

/** float32 numbers that are copied out together. */
interface Piece {
  readonly space: Space;
  readonly length: number;
}

/** Runs what is recorded and copies values out, all at once: as many as one buffer holds in one, since making a buffer that can be mapped
 *  takes a device long. */
export async function readBack(
  timeline: Timeline,
  values: readonly (StoredMatrices | StoredVector)[],
): Promise<Float64Array[]> {
  const pieces = values.map(piecesOf);
  const buffers = batches(pieces.flat(), timeline.device.largestBinding).map((batch) =>
    recordCopies(timeline, batch),
  );
  try {
    await timeline.run('done');
    const copies: Float32Array[] = [];
    for (const { buffer, lengths } of buffers) {
      await timeline.patiently(buffer.mapAsync(mapForReading));
      const all = new Float32Array(buffer.getMappedRange());
      let at = 0;
      for (const length of lengths) {
        copies.push(all.subarray(at, at + length));
        at += length;
      }
    }
    return pieces.map((list) => joined(copies.splice(0, list.length)));
  } finally {
    for (const { buffer } of buffers) buffer.destroy();
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

function recordCopies(timeline: Timeline, pieces: readonly Piece[]) {
  const lengths = pieces.map(({ length }) => length);
  const total = lengths.reduce((sum, length) => sum + length, 0);
  const buffer = timeline.device.readbackBuffer(bytesPerNumber * total);
  let at = 0;
  for (const { space, length } of pieces) {
    timeline.copy(space, buffer, bytesPerNumber * length, at);
    at += bytesPerNumber * length;
  }
  return { buffer, lengths };
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
