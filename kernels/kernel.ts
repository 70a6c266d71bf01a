/**
 * What a kernel sees. gpu.js translates its text to GLSL, so it may hold numbers, loops and indices and nothing else: no imports, no
 * objects, no functions but those of bits.glsl, `Math` and its own arithmetic.
 *
 * A kernel computes one number: entry `x` of row `y` of matrix `z`. A complex entry is two neighbouring numbers of its row, so that
 * most kernels need not know of complex matrices: what they call columns is the numbers of a row.
 */
export interface Kernel {
  readonly thread: { readonly x: number; readonly y: number; readonly z: number };
}

/** Numbers by matrix, row and place in the row. */
export type Matrices = readonly (readonly (readonly number[])[])[];
export type Numbers = readonly number[];

declare global {
  // ---- bits.glsl --------------------------------------------------------------------------------

  /** The larger of two numbers; NaN wins. */
  function larger(x: number, y: number): number;
  /** 0, but NaN stays. */
  function zeroUnlessNaN(x: number): number;
  /** |x + iy|; NaN if either is. Neither overflows nor underflows on the way. */
  function modulus(x: number, y: number): number;
  /** x · 2^e, exactly; what falls below the normal numbers becomes zero. NaN and infinity stay; NaN for a NaN exponent. */
  function timesPower(x: number, e: number): number;
}
