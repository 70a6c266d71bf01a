/**
 * The adjoint of the rule of a nonlinearity: from G = ∂f/∂Σ after it to ∂f/∂Σ before it and ∂f/∂D (docs/mathematics.md §5, there for
 * chains). Gradients are Hermitian, df = Re tr(G dΣ) summed over the frequencies at hand.
 */
import type { Engine, Matrices, Vector } from '../../engine/engine.ts';
import type { NonlinearityStep } from '../../program/program.ts';
import type { SectorTape } from './nonlinearity.ts';

/** Gradient of the state before the step, still without what D depends on, and of D. */
export interface SectorGradient {
  readonly kept: Matrices | undefined;
  readonly across: Matrices | undefined;
  readonly argument: Matrices;
  readonly multiplier: Vector;
  /** About the second derivative in ln D, entry by entry, divided by D: ½(β − α)² diag G_cc − ∂f/∂D (docs/mathematics.md §5). */
  readonly curvature: Vector;
}

/**
 * With V = [Σ_kc; L], L = M D, the state after is blkdiag(Σ_kk, −αβ D) + V R Vᴴ. Then with T = G V R and H = R Vᴴ G V R:
 * ∂f/∂Σ_kc = T_k, ∂f/∂S = H, ∂f/∂D = 2 M Re diag T_c − diag H − αβ diag G_cc.
 */
export function sectorAdjoint(
  engine: Engine,
  step: NonlinearityStep,
  tape: SectorTape,
  g: Matrices,
): SectorGradient {
  const { r, across, left } = tape;
  const size = g.rows;
  const split = size - step.source.rows;
  const own: [number, number][] = [[split, size]];
  const gOwn = split === 0 ? g : engine.submatrix(g, own, own);
  let gvOwn = engine.scaleSides(gOwn, undefined, left);
  let gKept: Matrices | undefined;
  let tKept: Matrices | undefined;
  if (across) {
    const kept: [number, number][] = [[0, split]];
    gKept = engine.submatrix(g, kept, kept);
    const gAcross = engine.submatrix(g, kept, own);
    gvOwn = engine.add(gvOwn, engine.product(gAcross, across, { adjointA: true }));
    const gvKept = engine.add(engine.product(gKept, across), engine.scaleSides(gAcross, undefined, left));
    tKept = engine.product(gvKept, r);
  }
  const tOwn = engine.product(gvOwn, r);
  let vgvr = engine.scaleSides(tOwn, left, undefined);
  if (across && tKept) vgvr = engine.add(vgvr, engine.product(across, tKept, { adjointA: true }));
  const h = engine.product(r, vgvr);
  const variances = engine.diagonalSum(gOwn);
  const multiplier = engine.combine([
    [2, engine.multiply(tape.middle, engine.diagonalSum(tOwn))],
    [-1, engine.diagonalSum(h)],
    ...(tape.square ? ([[-1, engine.multiply(tape.square, variances)]] as const) : []),
  ]);
  const width = engine.vector(step.lower.map((l, i) => (step.upper[i]! - l) ** 2 / 2));
  const curvature = engine.combine([
    [1, engine.multiply(width, variances)],
    [-1, multiplier],
  ]);
  return { kept: gKept, across: tKept, argument: h, multiplier, curvature };
}
