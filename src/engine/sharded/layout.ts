/** Which entries of a batch lie on which shard. */

/**
 * Shard k of `shards` has the entries from `starts[k]` to `starts[k + 1]`. It depends on nothing else, so that whatever has one batch lies
 * together; batches of fewer entries than shards lie on all of them, whole.
 */
export function startsOf(batch: number, shards: number): readonly number[] {
  return Array.from({ length: shards + 1 }, (_, k) => Math.floor((batch * k) / shards));
}

export function isSplit(batch: number, shards: number): boolean {
  return shards > 1 && batch >= shards;
}

/** Whether `count` consecutive entries of the larger batch always lie on one shard, that of their place in the smaller one. */
export function isAligned(batch: number, count: number, shards: number): boolean {
  const larger = startsOf(batch * count, shards);
  return startsOf(batch, shards).every((start, k) => start * count === larger[k]);
}
