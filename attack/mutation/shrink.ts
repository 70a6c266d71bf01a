/** Fewer changes that fail in the same way. */

/**
 * Leaves out one entry after the other while `fails` holds.
 * @param seconds after which nothing more is tried: a change that hangs would be, again and again
 */
export async function fewest<Entry>(
  entries: readonly Entry[],
  fails: (entries: readonly Entry[]) => Promise<boolean>,
  seconds: number,
): Promise<readonly Entry[]> {
  const end = performance.now() + 1000 * seconds;
  let kept = entries;
  for (let k = entries.length - 1; k >= 0 && performance.now() < end; k--) {
    const fewer = kept.filter((_, j) => j !== k);
    if (await fails(fewer)) kept = fewer;
  }
  return kept;
}
