import type { Space } from './memory/arena.ts';
import type { Recorder } from './recorder.ts';

/** Lists of indices one after another: list k holds `indices[starts[k] … starts[k + 1]]`. To be freed by the caller. */
export function uploadedTable(
  recorder: Recorder,
  lists: readonly ArrayLike<number>[],
): { readonly starts: Space; readonly indices: Space } {
  const starts = new Uint32Array(lists.length + 1);
  for (const [k, list] of lists.entries()) starts[k + 1] = starts[k]! + list.length;
  // Storage is never empty.
  const indices = new Uint32Array(Math.max(1, starts[lists.length]!));
  for (const [k, list] of lists.entries()) indices.set(list, starts[k]!);
  return { starts: recorder.words(starts), indices: recorder.words(indices) };
}
