/** Turns of the event loop between pieces of long work, in which somebody may end it. */

/** Work goes on for this long before others get a turn: small networks then never wait for one. */
const patience = 15;

let lastTurn = 0;

/** Those that the work of one engine takes: its kernels ask for them in the middle of an operation. */
export class Turns {
  #signal: AbortSignal | undefined;
  #ended = false;

  /** From now on work ends when this signal is aborted, and no more when another one is. */
  heed(signal: AbortSignal | undefined): void {
    this.#signal = signal;
  }

  /** Nobody wants any of the work any more. */
  end(): void {
    this.#ended = true;
  }

  /** Lets the event loop turn if it has not for some milliseconds; else there is nothing to wait for.
   *  @throws the signal's reason, at once or after the turn, when it is aborted */
  breathe(): Promise<void> | undefined {
    if (performance.now() - lastTurn < patience) return undefined;
    return this.#turned();
  }

  /** @throws the signal's reason when it is aborted */
  check(): void {
    this.#signal?.throwIfAborted();
    if (this.#ended) throw new Error('the engine must be open, got a closed one');
  }

  async #turned(): Promise<void> {
    await turn();
    this.check();
  }
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
 * A browser delays nested timers by 4 ms, but not messages. There is one channel for good: like workers (cpu/wasm/pool.ts) ports must not be
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
