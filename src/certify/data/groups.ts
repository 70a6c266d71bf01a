/** Samples taken together; what fails while they are read is said after those that came before it. */
import type { Sample } from './samples.ts';

/** Milliseconds that a sample is waited for where others are there already. */
const PATIENCE = 50;

export interface Group {
  readonly samples: readonly Sample[];
  readonly error?: { readonly reason: unknown };
}

/** Groups of at most `size()` samples: fewer at the end, and where the next one lets others wait. */
export async function* groupsOf(
  samples: AsyncIterable<Sample> | Iterable<Sample>,
  size: () => number,
): AsyncGenerator<Group, void> {
  const iterator = iteratorOf(samples);
  let own: Sample[] = [];
  let next: Promise<Arrival> | undefined;
  try {
    for (;;) {
      next ??= arrivalOf(iterator);
      const arrived = own.length === 0 ? await next : await inTime(next);
      if (arrived) next = undefined;
      if (arrived && 'sample' in arrived) own.push(arrived.sample);
      const ends = arrived && !('sample' in arrived);
      if (arrived && 'error' in arrived) yield { samples: own, error: arrived.error };
      else if (own.length > 0 && (!arrived || ends || own.length >= size())) yield { samples: own };
      else if (!ends) continue;
      if (ends) return;
      own = [];
    }
  } finally {
    await iterator.return?.();
  }
}

type Arrival =
  | { readonly sample: Sample }
  | { readonly done: true }
  | { readonly error: { reason: unknown } };

async function arrivalOf(iterator: AsyncIterator<Sample> | Iterator<Sample>): Promise<Arrival> {
  try {
    const { done, value } = await iterator.next();
    return done ? { done } : { sample: value };
  } catch (reason) {
    return { error: { reason } };
  }
}

/** Undefined where it takes longer. */
async function inTime(arrival: Promise<Arrival>): Promise<Arrival | undefined> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(resolve, PATIENCE, undefined);
  });
  try {
    return await Promise.race([arrival, late]);
  } finally {
    clearTimeout(timer);
  }
}

function iteratorOf(
  samples: AsyncIterable<Sample> | Iterable<Sample>,
): AsyncIterator<Sample> | Iterator<Sample> {
  return Symbol.asyncIterator in samples ? samples[Symbol.asyncIterator]() : samples[Symbol.iterator]();
}
