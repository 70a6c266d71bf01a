/** The way back from the device. */
import { mapForReading } from './flags.ts';
import { componentsOf, type StoredMatrices, type StoredVector } from './memory/stored.ts';
import type { Timeline } from './timeline.ts';

interface Piece {
  readonly buffer: GPUBuffer;
  /** float32 numbers. */
  readonly length: number;
}

/** Runs what is recorded and copies values out, all at once. */
export async function readBack(
  timeline: Timeline,
  values: readonly (StoredMatrices | StoredVector)[],
): Promise<Float64Array[]> {
  const pieces = values.map((value) => recordCopies(timeline, value));
  try {
    await timeline.run('done');
    return await Promise.all(pieces.map((list) => timeline.patiently(joined(list))));
  } finally {
    for (const { buffer } of pieces.flat()) buffer.destroy();
  }
}

function recordCopies(timeline: Timeline, value: StoredMatrices | StoredVector): Piece[] {
  const parts =
    value.kind === 'vector'
      ? [{ space: value.space, length: value.length }]
      : value.slabs.map(({ space, count }) => ({ space, length: count * componentsOf(value) }));
  return parts.map(({ space, length }) => {
    const buffer = timeline.device.readbackBuffer(4 * length);
    timeline.copy(space, buffer, 4 * length);
    return { buffer, length };
  });
}

async function joined(pieces: readonly Piece[]): Promise<Float64Array> {
  const out = new Float64Array(pieces.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const { buffer, length } of pieces) {
    await buffer.mapAsync(mapForReading);
    out.set(new Float32Array(buffer.getMappedRange()), at);
    at += length;
  }
  return out;
}
