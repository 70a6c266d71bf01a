/** Bounds of rounding errors in float64 (Higham 2002, chapter 3). */
import { U } from '../network/evaluation/elementwiseEnclosure.ts';

/** Relative error of n operations one after the other. */
export function gamma(n: number): number {
  return (n * U) / (1 - n * U);
}

/** What a sum of products may lose where numbers are too small for float64, and many times that. */
export const LOST = 2 ** -1000;
/** What a root of a sum of n squares may lose where these are too small for float64, for each of them. */
export const LOST_ROOT = 2 ** -530;
/** What a few operations lose where their results are too small for float64. */
export const UNDERFLOW = 2 ** -1070;
