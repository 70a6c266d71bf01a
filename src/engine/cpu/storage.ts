/**
 * Storage of arrays, reused by length as malloc reuses blocks: a fresh one costs zeroing, page faults where it is large, and garbage
 * collections, which take longer than an elementwise operation on it. One store serves the whole process, whose engines mostly
 * work on the same lengths.
 */

/** Doubles below which an array is left to the garbage collector, which is as fast then. */
const worthKeeping = 32;
/** Doubles that may lie idle (128 MiB); beyond it the lengths seen first are given up. */
const mostIdle = 2 ** 24;

const idle = new Map<number, Float64Array[]>();
let idleLength = 0;
/** Arrays that are in use and came from here: nothing else is taken back, nor anything twice. */
const lent = new WeakSet<Float64Array>();

/** An array with unspecified contents. */
export function allocate(length: number): Float64Array {
  if (length < worthKeeping) return new Float64Array(length);
  const kept = idle.get(length)?.pop();
  if (kept !== undefined) idleLength -= length;
  const array = kept ?? new Float64Array(length);
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
  }
}

/** Leaves all idle arrays to the garbage collector. */
export function dropIdle(): void {
  idle.clear();
  idleLength = 0;
}
