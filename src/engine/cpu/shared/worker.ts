/**
 * A worker of a team, which waits at the board for ever. Bundled to a string by scripts/build-wasm.mjs with all that it imports
 * (a worker must not depend on paths).
 */
import { addressRoutines, type BlasLocation } from '../blas/addresses.ts';
import { KERNELS, kernelNames } from './kernels.ts';
import { type Machine, openMachine } from './machine.ts';
import { type Answer, type Board, boardAt, type Introduction, WORDS } from './task.ts';

/** The part of a browser's worker scope and of Node's `parentPort` that is used. */
interface Port {
  onmessage?: (event: { data: Introduction }) => void;
  once?: (event: 'message', listener: (data: Introduction) => void) => void;
  postMessage(answer: Answer): void;
}

declare const require: (name: string) => unknown;

/** Looks at the board before a thread sleeps: tasks often follow each other within microseconds, and waking takes longer. */
const LOOKS = 3000;

function work({ module, memory, board: address, index, place, blas, base }: Introduction): never {
  const instance = new WebAssembly.Instance(module, { env: { memory } });
  const machine = openMachine(instance, memory, index, place, blas && load(blas), base);
  const board = boardAt(memory, address);
  const { words } = board;
  port.postMessage('ready');
  let seen = 0;
  for (;;) {
    seen = nextTask(words, seen);
    if (index >= Atomics.load(words, WORDS.limit)) continue;
    Atomics.add(words, WORDS.inside, 1);
    // The board cannot be written anew while somebody is inside, so what is read now is of one task.
    if (Atomics.load(words, WORDS.open) === 1 && index < words[WORDS.limit]!) takePart(machine, board);
    if (Atomics.sub(words, WORDS.inside, 1) === 1) Atomics.notify(words, WORDS.inside);
  }
}

/** Waits until there has been another task than the one that was seen last. */
function nextTask(words: Int32Array, seen: number): number {
  for (let look = 0; look < LOOKS; look++) {
    const task = Atomics.load(words, WORDS.task);
    if (task !== seen) return task;
  }
  Atomics.wait(words, WORDS.task, seen);
  return Atomics.load(words, WORDS.task);
}

function takePart(machine: Machine, { words, numbers }: Board): void {
  const kernel = KERNELS[kernelNames[words[WORDS.kernel]!]!];
  const given = numbers.slice(0, words[WORDS.numbers]);
  const [count, grain] = [words[WORDS.count]!, words[WORDS.grain]!];
  try {
    for (;;) {
      const from = Atomics.add(words, WORDS.next, grain);
      if (from >= count) return;
      (kernel as (machine: Machine, ...rest: number[]) => void)(
        machine,
        from,
        Math.min(count, from + grain),
        ...given,
      );
    }
  } catch {
    Atomics.store(words, WORDS.failed, 1);
  }
}

function load({ koffi, library }: BlasLocation) {
  const { load } = require(koffi) as { load(file: string): { func(declaration: string): unknown } };
  return addressRoutines(load(library));
}

// A browser's worker is told through its global scope, Node's through `parentPort`.
const port: Port =
  'postMessage' in globalThis
    ? (globalThis as unknown as Port)
    : (require('node:worker_threads') as { parentPort: Port }).parentPort;

if (port.once) port.once('message', work);
else port.onmessage = (event) => work(event.data);
