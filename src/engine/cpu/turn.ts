/** Turns of the event loop between pieces of long work. */

/** Work goes on for this long before others get a turn: small networks then never wait for one. */
const patience = 15;

let lastTurn = 0;

/** Ports that wait for their message: like workers (wasm/pool.ts) they must not be held only by those who wait for them. */
const waiting = new Set<MessagePort>();

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
    // A browser delays nested timers by 4 ms, but not messages.
    const { port1, port2 } = new MessageChannel();
    waiting.add(port1);
    port1.onmessage = () => {
      waiting.delete(port1);
      port1.close();
      resolve();
    };
    port2.postMessage(undefined);
  });
  lastTurn = performance.now();
}
