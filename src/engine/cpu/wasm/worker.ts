/**
 * A worker thread of the pool: an instance of the module of its own, calls in, results out. Bundled to a string by
 * scripts/build-wasm.mjs (a worker must not depend on paths), so it imports nothing but `perform`.
 *
 * The first message is the compiled module, every further one a `Call`; answers are results or an error's text.
 */
import { type Call, perform } from './perform.ts';

export type Answer = { readonly results: Float64Array[] } | { readonly error: string };

/** The part of a browser's worker scope and of Node's `parentPort` that is used. */
interface Port {
  onmessage?: (event: { data: WebAssembly.Module | Call }) => void;
  on?: (event: 'message', listener: (data: WebAssembly.Module | Call) => void) => void;
  postMessage(message: Answer, transfer: ArrayBufferLike[]): void;
}

declare const require: (name: string) => { parentPort: Port };

// A browser's worker posts through its global scope, Node's through `parentPort`.
const port: Port =
  'postMessage' in globalThis ? (globalThis as unknown as Port) : require('node:worker_threads').parentPort;

let instance: WebAssembly.Instance | undefined;

function receive(message: WebAssembly.Module | Call): void {
  try {
    if (message instanceof WebAssembly.Module) {
      instance = new WebAssembly.Instance(message);
      return;
    }
    if (instance === undefined) throw new Error('worker: the module must come first, got a call');
    const results = perform(instance, message).map((result) => result.slice());
    port.postMessage(
      { results },
      results.map((result) => result.buffer),
    );
  } catch (error) {
    port.postMessage({ error: error instanceof Error ? error.message : String(error) }, []);
  }
}

if (port.on) port.on('message', receive);
else port.onmessage = (event) => receive(event.data);
