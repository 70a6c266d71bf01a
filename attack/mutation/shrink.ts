/** Fewer changes that fail in the same way. */

/** Seconds that shrinking may take: a change that hangs would be tried again and again. */
const PATIENCE = 90;

/** Leaves out one entry after the other while `fails` holds. */
export async function fewest<Entry>(
  entries: readonly Entry[],
  fails: (entries: readonly Entry[]) => Promise<boolean>,
): Promise<readonly Entry[]> {
  const end = performance.now() + 1000 * PATIENCE;
  let kept = entries;
  for (let k = entries.length - 1; k >= 0 && performance.now() < end; k--) {
    const fewer = kept.filter((_, j) => j !== k);
    if (await fails(fewer)) kept = fewer;
  }
  return kept;
}
