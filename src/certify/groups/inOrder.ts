/** Groups that are worked on side by side, and what comes of them in their order. */
import type { Group } from '../data/groups.ts';

export interface Begun<T> {
  readonly result: Promise<T>;
  /** Whether no other group is to follow. */
  readonly last: boolean;
}

/**
 * Results in the order of the groups. What is taken from it late holds the work up: no more groups are begun than `most` whose results have not
 * been taken, one after the other for 1. A group that fails does so when it is its turn.
 */
export async function* inOrder<T>(
  groups: AsyncGenerator<Group, void>,
  begin: (group: Group) => Begun<T>,
  most: number,
): AsyncGenerator<T, void> {
  const begun: Promise<T>[] = [];
  let arriving: Promise<IteratorResult<Group, void>> | undefined;
  let ended = false;
  try {
    for (;;) {
      if (!ended && begun.length < most) arriving ??= groups.next();
      const [first] = begun;
      if (!arriving && !first) return;
      const next = await Promise.race([
        ...(arriving ? [arriving] : []),
        ...(first ? [first.then(() => undefined)] : []),
      ]);
      if (next) {
        arriving = undefined;
        if (next.done) ended = true;
        else {
          const { result, last } = begin(next.value);
          // It is looked at later.
          result.catch(() => {});
          begun.push(result);
          ended = last;
        }
      } else {
        yield await first!;
        begun.shift();
      }
    }
  } finally {
    const closing = groups.return();
    // Who waits for a sample that never comes would wait for ever.
    if (arriving) Promise.all([arriving, closing]).catch(() => {});
    else await closing;
  }
}
