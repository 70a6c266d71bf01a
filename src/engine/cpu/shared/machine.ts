/** What one thread computes with: an instance of the Wasm module on the shared memory, OpenBLAS where there is one, and memory of its own. */
import type { AddressRoutines } from '../blas/addresses.ts';

/** What the module exports (wasm/assembly/index.ts); numbers stand for truth values too. */
export type Wasm = Readonly<Record<string, (...values: number[]) => number>>;

export interface Machine {
  readonly wasm: Wasm;
  readonly blas: AddressRoutines | undefined;
  /** Where the shared memory begins in the address space, for OpenBLAS. */
  readonly base: number;
  readonly memory: WebAssembly.Memory;
  /** Which of the threads it is. */
  readonly index: number;
  /** Where its arguments for OpenBLAS lie. */
  readonly own: number;
}

/** Bytes that a thread's arguments take, and what lies where among them: complex one and zero, a side, a status, a letter. */
const ARGUMENT_BYTES = 64;
export const ONE = 0;
export const ZERO = 16;
export const SIDE = 32;
export const STATUS = 40;
export const LETTER = 48;

/** Bytes of memory that a thread has for itself: scratch memory of the module, then arguments. */
export function ownBytes(instance: WebAssembly.Instance): number {
  return scratchBytes(instance) + ARGUMENT_BYTES;
}

function scratchBytes({ exports }: WebAssembly.Instance): number {
  return (exports.SCRATCH_BYTES as WebAssembly.Global).value;
}

/** @param place where the thread's own memory begins */
export function openMachine(
  instance: WebAssembly.Instance,
  memory: WebAssembly.Memory,
  index: number,
  place: number,
  blas: AddressRoutines | undefined,
  base: number,
): Machine {
  const wasm = instance.exports as unknown as Wasm;
  wasm.setScratch!(place);
  const own = place + scratchBytes(instance);
  new Float64Array(memory.buffer, own, 4).set([1, 0, 0, 0]);
  // What LAPACK's column-major order calls the upper triangle is the lower one of rows.
  new Uint8Array(memory.buffer, own + LETTER, 1)[0] = 'U'.charCodeAt(0);
  return { wasm, blas, base, memory, index, own };
}
