/** Adjoints of the affine rule and of the reading of whole windows: from ∂f/∂Σ after them to ∂f/∂Σ before them. */
import type { Engine, Matrices } from '../../engine/engine.ts';
import type { Frequencies } from '../../spectrum/frequencies.ts';

/** The adjoint of `affine`: Wᴴ G W, where the working grid gets coarser with G at each of the aliases. */
export function affineAdjoint(engine: Engine, symbol: Matrices, g: Matrices, copies: number): Matrices {
  return engine.congruenceAdjoint(symbol, copies === 1 ? g : engine.aliasAdjoint(g, copies));
}

/** The adjoint of `read`. @param frequencies those before it */
export function readAdjoint(
  engine: Engine,
  symbol: Matrices,
  g: Matrices,
  frequencies: Frequencies,
): Matrices {
  const samples = frequencies.torus.reduce((p, n) => p * n, 1);
  const inner = engine.congruenceAdjoint(symbol, engine.toComplex(g));
  return engine.scaleBatch(inner, engine.vector(frequencies.weights.map((w) => w / samples)));
}
