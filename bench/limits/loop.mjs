/**
 * Preloaded into the command line (`node --import`): writes into the file LIPSOID_LOOP how long the event loop was blocked, at the worst,
 * and what the process did after its time: after LIPSOID_LIMIT milliseconds, or after a signal.
 * On a busy machine a thread waits for its turn as well; its time on a processor, where the system tells (Linux), is its own doing.
 */
import { readFileSync, writeFileSync } from 'node:fs';

const TICK = 2;
const statistics = `/proc/self/task/${process.pid}/schedstat`;
const limit = Number(process.env.LIPSOID_LIMIT);

let last = performance.now();
let lastOwn = ownTime();
/** In milliseconds, and when, since the process began. */
const worst = { wall: 0, own: 0, at: 0 };
/** Of all threads, in microseconds, when the time was over. */
let over;
let listens = false;

setInterval(() => {
  const [now, own] = [performance.now(), ownTime()];
  worst.wall = Math.max(worst.wall, now - last);
  if (own - lastOwn > worst.own) [worst.own, worst.at] = [own - lastOwn, now];
  [last, lastOwn] = [now, own];
  if (now >= limit) over ??= process.cpuUsage();
  // Not before the process itself: a signal ends it until then.
  if (!listens && process.listenerCount('SIGINT') > 0) {
    listens = true;
    process.on('SIGINT', () => {
      over ??= process.cpuUsage();
    });
  }
}, TICK).unref();

process.on('exit', () => {
  const { user, system } = process.cpuUsage(over);
  const after = over ? (user + system) / 1000 : null;
  writeFileSync(process.env.LIPSOID_LOOP, JSON.stringify({ ...worst, after }));
});

/** Milliseconds that the main thread has had a processor for. */
function ownTime() {
  try {
    return Number(readFileSync(statistics, 'utf8').split(' ', 1)[0]) / 1e6;
  } catch {
    return Number.NaN;
  }
}
