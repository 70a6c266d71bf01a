/**
 * Storage of arrays, reused by length as malloc reuses blocks: a fresh one costs zeroing, page faults where it is large, and garbage
 * collections, which take longer than an elementwise operation on it. One store serves the whole process, whose engines mostly
 * work on the same lengths. While an engine has threads that share memory, large arrays lie there.
 */
import { Heap } from './shared/heap.ts';

/** Doubles below which an array is left to the garbage collector, which is as fast then. */
const worthKeeping = 32;
/** Doubles that may lie idle (128 MiB); beyond it the lengths seen first are given up. */
const mostIdle = 2 ** 24;

const idle = new Map<number, Float64Array[]>();
let idleLength = 0;
/** Arrays that are in use and came from here: nothing else is taken back, nor anything twice. */
const lent = new WeakSet<Float64Array>();

let heap: Heap | undefined;
let users = 0;
/** Blocks whose arrays were left to the garbage collector, by operations that were ended in their middle or engines that were never closed. */
const abandoned = new FinalizationRegistry<{ heap: Heap; address: number; length: number }>((block) =>
  block.heap.give(block.address, block.length),
);

/** The memory in which arrays lie from now on, until as many have left it as have joined; undefined where threads cannot share any. */
export function joinHeap(): Heap | undefined {
  if (users === 0) {
    dropIdle();
    heap = Heap.open();
  }
  if (heap) users++;
  return heap;
}

export function leaveHeap(): void {
  users--;
  if (users > 0) return;
  dropIdle();
  heap = undefined;
}

/** An array with unspecified contents. */
export function allocate(length: number): Float64Array {
  if (length < worthKeeping) return new Float64Array(length);
  const kept = idle.get(length)?.pop();
  if (kept !== undefined) idleLength -= length;
  const array = kept ?? fresh(length);
  lent.add(array);
  return array;
}

/** Gives back an array from `allocate` that nobody reads or writes any more, views of it included; others are ignored. */
export function recycle(array: Float64Array): void {
  if (!lent.delete(array)) return;
  const alike = idle.get(array.length);
  if (alike === undefined) idle.set(array.length, [array]);
  else alike.push(array);
  idleLength += array.length;
  for (const [length, arrays] of idle) {
    if (idleLength <= mostIdle) break;
    idleLength -= length * arrays.length;
    idle.delete(length);
    for (const one of arrays) giveUp(one);
  }
}

/** Leaves all idle arrays to the garbage collector. */
export function dropIdle(): void {
  for (const arrays of idle.values()) for (const one of arrays) giveUp(one);
  idle.clear();
  idleLength = 0;
}

function fresh(length: number): Float64Array {
  if (heap === undefined) return new Float64Array(length);
  let array = heap.take(length);
  if (array === undefined) {
    // What lies idle may leave room, in pieces that are large enough or beside each other.
    dropIdle();
    array = heap.take(length);
  }
  if (array === undefined) return new Float64Array(length);
  abandoned.register(array, { heap, address: array.byteOffset, length }, array);
  return array;
}

function giveUp(array: Float64Array): void {
  if (!heap?.holds(array)) return;
  abandoned.unregister(array);
  heap.give(array.byteOffset, array.length);
}
