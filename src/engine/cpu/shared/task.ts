/**
 * How a team of threads agrees on what to do: words in shared memory. Whoever calls the team writes a task and opens it; threads join it while it
 * is open, take items until none are left, and leave. It is closed when all items are taken, and over when nobody is in it any more.
 */

import type { BlasLocation } from '../blas/addresses.ts';

/** 32-bit words of the board. */
export const WORDS = {
  /** Counts tasks: what threads without one wait at. */
  task: 0,
  /** 1 while threads may join. */
  open: 1,
  /** Threads that are in, or look whether they may. */
  inside: 2,
  /** The first item that nobody has taken. */
  next: 3,
  count: 4,
  /** Items that are taken at once. */
  grain: 5,
  /** Index of the kernel, and how many numbers it is given. */
  kernel: 6,
  numbers: 7,
  /** Only threads below it may join. */
  limit: 8,
  /** 1 once a kernel has thrown. */
  failed: 9,
} as const;

/** Where a kernel's numbers lie, in bytes from the board's begin, and how many there may be. */
const NUMBERS_AT = 64;
const MOST_NUMBERS = 24;
/** Doubles that a board takes. */
export const BOARD_LENGTH = NUMBERS_AT / 8 + MOST_NUMBERS;

export interface Board {
  readonly words: Int32Array;
  readonly numbers: Float64Array;
}

/** @param address of the board in the memory */
export function boardAt(memory: WebAssembly.Memory, address: number): Board {
  return {
    words: new Int32Array(memory.buffer, address, NUMBERS_AT / 4),
    numbers: new Float64Array(memory.buffer, address + NUMBERS_AT, MOST_NUMBERS),
  };
}

/** What a worker says, once: it can take part from now on. */
export type Answer = 'ready';

/** What a worker is told, once. */
export interface Introduction {
  readonly module: WebAssembly.Module;
  readonly memory: WebAssembly.Memory;
  /** Address of the board. */
  readonly board: number;
  /** Which of the threads it is, and where its own memory lies. */
  readonly index: number;
  readonly place: number;
  readonly blas: BlasLocation | undefined;
  /** Where the memory begins in the address space; 0 without OpenBLAS. */
  readonly base: number;
}
