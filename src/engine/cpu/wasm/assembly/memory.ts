/**
 * Addresses, and the memory that an instance uses for itself: behind its own data, or where it is told. Instances on several threads
 * share one memory, and each needs a place of its own.
 */

/** Bytes that `multiply` and `inverse` use. */
export const SCRATCH_BYTES: usize = 196608 + 1048576 + 128 + 256;

let scratch: usize = __heap_base;

/** From now on scratch memory lies at `address`, a multiple of 16. */
export function setScratch(address: usize): void {
  scratch = address;
}

/** 96 × 256 doubles. */
// @ts-ignore: decorator
@inline
export function packedA(): usize {
  return scratch;
}

/** 256 × 512 doubles. */
// @ts-ignore: decorator
@inline
export function packedB(): usize {
  return scratch + 196608;
}

/** 16 doubles. */
// @ts-ignore: decorator
@inline
export function edge(): usize {
  return scratch + 196608 + 1048576;
}

/** 16 complex numbers. */
// @ts-ignore: decorator
@inline
export function savedRow(): usize {
  return scratch + 196608 + 1048576 + 128;
}

/** First byte of memory that the module does not use itself, unless it was told to use another place. */
export const heapBase: usize = __heap_base + SCRATCH_BYTES;

/** The double at an index. */
// @ts-ignore: decorator
@inline
export function at(base: usize, index: i32): usize {
  return base + ((<usize>index) << 3);
}
