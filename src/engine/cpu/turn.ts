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
    // A browser delays nested timers by 4 ms, but not messages.
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(undefined);
  });
  lastTurn = performance.now();
}
