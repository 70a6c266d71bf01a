/**
 * The rule of max pooling (docs/mathematics.md §1). Each output is one of the samples of its window, whose increment is at most the
 * largest there: Σ_o Δp_o² / e_o ≤ Σ_i Δy_i² Σ_{o ∋ i} 1/e_o ≤ Σ_i Δy_i² / D_i when e_o = μ max_{i ∈ o} D_i, μ the largest number
 * of windows that share a sample. With D ≻ S (D ⪰ S if nothing else lives on) the output has the covariance diag(e),
 * uncorrelated with what lives on, and that keeps Σ_kk + Σ_kc (D − S)⁻¹ Σ_ck.
 *
 * A function of groups that is L-Lipschitz obeys the same rule with μ = 1 and L² D for D: Σ_{o ∈ image of G} Δp_o² ≤ L² Σ_{i ∈ G} Δy_i², so that
 * Σ_o Δp_o² / e_o ≤ Σ_i Δy_i² / D_i when e_o = L² max_{i ∈ G} D_i for all o of the image of G. One that is L-Lipschitz in norms of channels
 * whose weights differ by σ at most as well has e_o = L² max(D_o, max_{i ∈ G} D_i / σ).
 */
import type { Engine, Matrices, Vector } from '../../engine/engine.ts';
import type { MaximumStep } from '../../program/program.ts';
import { argument, type Inversion, rangesOf, type Updated } from './nonlinearity.ts';

/** diag(e), one entry per row of the target, from D on the rows of the source. */
export function pooledMultiplier(engine: Engine, step: MaximumStep, d: Vector): Vector {
  const weighted = engine.multiply(engine.vector(step.gain.map((g) => g * g)), d);
  const { overlap, windows } = step.maximum;
  const most = engine.combine([[overlap, engine.maximumOver(weighted, sharedRows(step))]]);
  if (windows.kind !== 'grouped' || windows.spread === 1) return most;
  const rows = rowsByChannel(step);
  const own = Array.from({ length: step.target.rows }, (_, row) => rows[row % rows.length]!);
  return engine.maximum(engine.maximumOver(weighted, own), engine.combine([[1 / windows.spread, most]]));
}

/** For every row of the target, the rows of the source that its windows can reach. */
function sharedRows(step: MaximumStep): Int32Array[] {
  const { windows } = step.maximum;
  if (windows.kind === 'listed') return [...windows.entries];
  const channels = step.source.variable.channels;
  if (windows.kind === 'grouped') {
    const image = step.target.variable.channels;
    const rowsOf = Array.from({ length: windows.groups }, (): number[] => []);
    for (let row = 0; row < step.source.rows; row++) rowsOf[windows.ofSource[row % channels]!]!.push(row);
    const lists = rowsOf.map((rows) => Int32Array.from(rows));
    return Array.from({ length: step.target.rows }, (_, row) => lists[windows.ofTarget[row % image]!]!);
  }
  const rowsOf = rowsByChannel(step);
  if (windows.kind === 'moved') {
    // Zeros may be all that a channel of the result is made of: any rows will do.
    return windows.channels.map((list) => joined(list.length > 0 ? [...new Set(list)] : [0], rowsOf));
  }
  return Array.from({ length: step.target.rows }, (_, row) => rowsOf[row % channels]!);
}

/** For every channel of the source its rows. */
function rowsByChannel({ source }: MaximumStep): Int32Array[] {
  const { channels } = source.variable;
  return Array.from({ length: channels }, (_, c) =>
    Int32Array.from({ length: source.rows / channels }, (_, phase) => phase * channels + c),
  );
}

function joined(list: readonly number[], rowsOf: readonly Int32Array[]): Int32Array {
  if (list.length === 1) return rowsOf[list[0]!]!;
  return Int32Array.from(list.flatMap((channel) => [...rowsOf[channel]!]));
}

/** The joint covariance after a pooling beside which other variables live on. */
export function maximum(
  engine: Engine,
  step: MaximumStep,
  state: Matrices,
  d: Vector,
  image: Vector,
  invert: Inversion = (s) => engine.inverse(d, s),
): Updated & { readonly r: Matrices | undefined; readonly across: Matrices | undefined } {
  if (step.kept.length === 0) {
    const own = engine.diagonalMatrix(image, state.complex);
    const ones = engine.vector(new Float64Array(state.batch).fill(1));
    return {
      state: engine.scaleBatch(own, ones),
      definite: engine.vector([1]),
      r: undefined,
      across: undefined,
    };
  }
  const s = argument(engine, state, step.source);
  const { inverse: r, definite } = invert(s);
  const kept = rangesOf(step.kept);
  const across = engine.submatrix(state, kept, rangesOf([step.source]));
  const keptState = engine.add(engine.submatrix(state, kept, kept), engine.congruence(across, r));
  const ones = engine.vector(new Float64Array(keptState.batch).fill(1));
  const own = engine.scaleBatch(engine.diagonalMatrix(image, keptState.complex), ones);
  const split = keptState.rows;
  const size = split + step.target.rows;
  const joint = engine.add(
    engine.submatrixAdjoint(keptState, [[0, split]], size),
    engine.submatrixAdjoint(own, [[split, size]], size),
  );
  return { state: joint, definite, r, across };
}
