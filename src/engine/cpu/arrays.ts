/** Matrices in plain float64 arrays, for an engine on the CPU. */
import type { Storage } from '../queued/operations.ts';
import { allocate, dropIdle, recycle } from './storage.ts';

/** @param finish gives back what the operations hold, once. */
export function arrays(finish: () => Promise<void>): Storage<Float64Array> {
  return {
    hold: (data) => {
      const copy = allocate(data.length);
      copy.set(data);
      return copy;
    },
    entries: ({ data }) => data.slice(),
    bytes: (data) => data.byteLength,
    free: recycle,
    close: () => {
      dropIdle();
      return finish();
    },
  };
}
