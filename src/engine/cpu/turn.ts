/** Turns of the event loop between pieces of long work. */

/** Work goes on for this long before others get a turn: small networks then never wait for one. */
const patience = 15;

let lastTurn = 0;

/** Lets the event loop turn if it has not for some milliseconds; else there is nothing to wait for. */
export function breathe(): Promise<void> | undefined {
  return performance.now() - lastTurn < patience ? undefined : turn();
}

async function turn(): Promise<void> {
  await new Promise<void>((resolve) => {
    if (typeof setImmediate === 'function') {
      setImmediate(resolve);
      return;
    }
    waiting.push(resolve);
    channel ??= openChannel();
    channel.port2.postMessage(undefined);
  });
  lastTurn = performance.now();
}

/**
 * A browser delays nested timers by 4 ms, but not messages. There is one channel for good: like workers (wasm/pool.ts) ports must not be
 * held only by those who wait for them.
 */
let channel: MessageChannel | undefined;

/** Who waits for a message, the first for the next one. */
const waiting: (() => void)[] = [];

function openChannel(): MessageChannel {
  const opened = new MessageChannel();
  opened.port1.onmessage = () => waiting.shift()?.();
  return opened;
}
