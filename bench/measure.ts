/** How long something takes, again and again after a warm-up. */

export interface Sample {
  readonly seconds: number;
  /** Of all threads, where the host tells: tells work apart from waiting for a busy machine. */
  readonly cpuSeconds: number | null;
}

export interface Spread {
  readonly median: Sample;
  readonly smallest: Sample;
  readonly largest: Sample;
  readonly repeats: number;
  /** False where one run took so long that it was not done again: the figure is that of the first. */
  readonly warmedUp: boolean;
}

export interface Effort {
  /** Time to spend on repeats, in seconds. */
  readonly seconds: number;
  /** Repeats, however long they take; but none after a first run that took longer than `seconds`. */
  readonly repeats: number;
}

/** Runs `work` and waits for it: once or more to warm up, then until time and repeats are spent. */
export async function measure(work: () => Promise<void>, { seconds, repeats }: Effort): Promise<Spread> {
  const first = await timed(work);
  if (first.seconds > seconds) return { ...spreadOf([first]), warmedUp: false };
  await timed(work);
  const samples: Sample[] = [];
  for (let total = 0; total < seconds || samples.length < repeats; total += samples.at(-1)!.seconds) {
    samples.push(await timed(work));
  }
  return { ...spreadOf(samples), warmedUp: true };
}

async function timed(work: () => Promise<void>): Promise<Sample> {
  const before = cpuSeconds();
  const start = performance.now();
  await work();
  const seconds = (performance.now() - start) / 1000;
  return { seconds, cpuSeconds: before === null ? null : cpuSeconds()! - before };
}

function cpuSeconds(): number | null {
  if (typeof process === 'undefined') return null;
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

function spreadOf(samples: readonly Sample[]) {
  const sorted = samples.toSorted((a, b) => a.seconds - b.seconds);
  return {
    median: sorted[sorted.length >> 1]!,
    smallest: sorted[0]!,
    largest: sorted.at(-1)!,
    repeats: sorted.length,
  };
}
