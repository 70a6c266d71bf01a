/**
 * Adjoints of the affine rule and of the reading of whole windows: from ∂f/∂Σ after them to ∂f/∂Σ before them, and to half of ∂f/∂W, which is
 * G W Σ frequency by frequency: df = 2 Re tr((G W Σ)ᴴ dW).
 */
import type { Engine, Matrices } from '../../engine/engine.ts';
import type { Frequencies } from '../../spectrum/frequencies.ts';
import type { State } from './affine.ts';

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
  const inner = engine.congruenceAdjoint(symbol, engine.toComplex(g));
  return engine.scaleBatch(inner, shares(engine, frequencies));
}

/** Half of ∂f/∂W of `affine`. @param before the state that it was applied to */
export function affineSymbolAdjoint(
  engine: Engine,
  symbol: Matrices,
  before: State,
  g: Matrices,
  copies: number,
): Matrices {
  const fine = copies === 1 ? g : engine.aliasAdjoint(g, copies);
  return timesState(engine, engine.product(fine, symbol), before);
}

/** Half of ∂f/∂W of `read`. @param frequencies those before it */
export function readSymbolAdjoint(
  engine: Engine,
  symbol: Matrices,
  before: State,
  g: Matrices,
  frequencies: Frequencies,
): Matrices {
  const own = engine.scaleBatch(engine.product(engine.toComplex(g), symbol), shares(engine, frequencies));
  return timesState(engine, own, before);
}

function timesState(engine: Engine, gw: Matrices, before: State): Matrices {
  if (before === undefined) return gw;
  return before.kind === 'matrices' ? engine.product(gw, before) : engine.scaleSides(gw, undefined, before);
}

/** What every frequency has of the mean over positions. */
function shares(engine: Engine, { torus, weights }: Frequencies) {
  const samples = torus.reduce((p, n) => p * n, 1);
  return engine.vector(weights.map((w) => w / samples));
}
