/** One convolution frequency by frequency: λ_max(S(ω)) of what it makes of white input. Its maximum is the map's squared norm. */
import type { Engine, Vector } from '../../engine/engine.ts';
import { scoped } from '../../engine/scope.ts';
import type { PlacedTerm, Segment } from '../../program/program.ts';
import { roundedUp, scaled, toNumber } from '../../scaled.ts';
import { aliasesOf, halfTorus, slice } from '../../spectrum/frequencies.ts';
import type { Rounding } from '../rounding/rounding.ts';
import { symbolOf, tapNumbers, termTaps } from '../rules/affine.ts';
import { affineAbove, symbolError } from '../rules/affineAbove.ts';
import { gridOf } from './form.ts';

/** Frequencies whose results are recorded before the engine runs them. */
const AT_ONCE = 64;

/**
 * λ_max(S(ω)) from above at every frequency of the torus, S(ω) = W(ω) W(ω)ᴴ or its mean over aliases.
 * @param placed a convolution, plain or transposed
 * @returns row-major over the torus, ω = 0 first
 * @throws the signal's reason when it is aborted
 */
export async function termSpectrum(
  engine: Engine,
  segment: Segment,
  k: number,
  placed: PlacedTerm,
  rounding: Rounding,
  signal: AbortSignal | undefined,
): Promise<{ torus: readonly number[]; values: Float64Array }> {
  const taps = termTaps(placed, segment.axes);
  const { torus, ratio, copies } = gridOf(segment, k, placed);
  const half = halfTorus(torus);
  const numbers = tapNumbers(engine, taps);
  const matrices = engine.matrices(numbers, 1, taps.taps.length, taps.rows * taps.columns, false);
  const error = symbolError(engine, rounding, taps, true);
  const radius = (b: number): Vector =>
    scoped(engine, (e) => {
      const one = slice(half, b, b + 1);
      const symbol = symbolOf(e, taps, matrices, copies === 1 ? one : aliasesOf(one, ratio));
      const s = affineAbove(e, rounding, symbol, undefined, copies, error, [[0, taps.rows]]).state;
      return e.combine([[rounding.radius, e.spectralRadius(s)]]);
    });
  const values = new Float64Array(torus.reduce((p, n) => p * n, 1));
  const index = (b: number, sign: 1 | -1) =>
    torus.reduce((at, n, a) => at * n + ((sign * half.indices[b * torus.length + a]! + n) % n), 0);
  for (let start = 0; start < half.count; start += AT_ONCE) {
    const count = Math.min(AT_ONCE, half.count - start);
    const radii = Array.from({ length: count }, (_, i) => radius(start + i));
    await engine.settle(signal);
    const found = await engine.read(...radii);
    engine.release(...radii);
    found.forEach(([value], i) => {
      const squared = toNumber(roundedUp(scaled(value!, 2 * taps.exponent))) ?? Infinity;
      // Kernels are real: S(−ω) is the conjugate of S(ω).
      values[index(start + i, 1)] = squared;
      values[index(start + i, -1)] = squared;
    });
  }
  engine.release(matrices, ...(error.moduli ? [error.moduli] : []));
  return { torus, values };
}
