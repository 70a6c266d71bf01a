/** The affine rule from above: W Σ Wᴴ with what symbols, products, aliasing and window sums may have lost. */
import type { Engine, Matrices, Ranges, Vector } from '../../engine/engine.ts';
import { precisionOf } from '../../engine/precision.ts';
import type { Frequencies } from '../../spectrum/frequencies.ts';
import { sumsOfModuli } from '../../spectrum/taps.ts';
import { type Rounding, SLACK } from '../rounding/rounding.ts';
import { type Weights, weighted, weightsOf } from '../rounding/scales.ts';
import { affine, read, type State, type StepTaps } from './affine.ts';

/** What is known of a step's symbol: |W − fl(W)| ≤ θ γ Ā entrywise, γ the relative error of the products it goes into. */
export interface SymbolError {
  /** θ Ā [1 | rows × columns], Ā = Σ_t |K_t|: for symbols of taps, and for matrices some of whose entries are sums that cancel. */
  readonly moduli: Matrices | undefined;
  /** Bounds the rounding of a congruence, relative to (|W| + θ Ā) |Q| (|W| + θ Ā)ᵀ. */
  readonly gamma: number;
  /** The map is zero, and so is, exactly, what comes of it. */
  readonly vanishes: boolean;
}

/** A covariance from above, and how much, at most, was added to its diagonal, whose largest entry is `level`. */
export interface Raised {
  readonly state: Matrices;
  readonly proof: { readonly added: Vector; readonly level: Vector };
}

/** @param additions that an entry of the symbol takes one after another; for dense matrices, which are no sums, of no account */
export function symbolError(
  engine: Engine,
  rounding: Rounding,
  taps: StepTaps,
  complex: boolean,
  additions = taps.taps.length,
): SymbolError {
  const { vanishes, frame } = taps;
  if (!complex) return { ...denseError(engine, rounding, taps), vanishes };
  const { rows, columns } = frame ?? taps;
  const products = productError(rounding, columns, true);
  const longest = taps.taps.reduce((most, { extent }) => Math.max(most, ...extent), 1);
  // |Re| + |Im| of a phase is at most √2; a box's phase is a product of sums over its sides, made in float64.
  const phase = rounding.unit + (longest + 16) * 2 ** -52;
  const symbol = Math.SQRT2 * (rounding.gamma(additions + 4) + rounding.weights + phase);
  const theta = SLACK * (symbol / products);
  // Beside the core of a symbol there is but one term.
  const sums = sumsOfModuli(taps);
  const single = precisionOf(engine.information) === 'single';
  const moduli = single ? new Float32Array(rows * columns) : new Float64Array(rows * columns);
  const [row, column] = [frame?.row ?? 0, frame?.column ?? 0];
  for (let i = 0, k = 0; i < taps.rows; i++) {
    const at = (row + i) * columns + column;
    for (let j = 0; j < taps.columns; j++) moduli[at + j] = sums[k++]! * theta;
  }
  frame?.indices.forEach((j, i) => {
    if (j >= 0) moduli[i * columns + j] = Math.abs(frame.values[i]!) * theta;
  });
  return { moduli: engine.matrices(moduli, 1, rows, columns, false), gamma: products, vanishes };
}

/** Of a real matrix that is on the engine as it is. */
export function denseError(
  engine: Engine,
  rounding: Rounding,
  { rows, columns, magnitudes }: Pick<StepTaps, 'rows' | 'columns' | 'magnitudes'>,
): SymbolError {
  const gamma = productError(rounding, columns, false) + 3 * rounding.weights;
  if (!magnitudes) return { moduli: undefined, gamma, vanishes: false };
  const theta = SLACK * (rounding.weights / gamma);
  const moduli = magnitudes.map((x) => theta * x);
  return { moduli: engine.matrices(moduli, 1, rows, columns, false), gamma, vanishes: false };
}

/** W Q, then its product with Wᴴ. */
function productError(rounding: Rounding, columns: number, complex: boolean): number {
  return 2 * rounding.product(columns, complex) + rounding.gamma(4);
}

/** (|W| + θ Ā) |Q| (|W| + θ Ā)ᵀ q per batch entry: [B | rows × 1]; and |Q| (…)ᵀ q before the last product. */
function reach(engine: Engine, symbol: Matrices, state: State, { moduli }: SymbolError, q: Vector) {
  const plus = moduli && engine.columnMaximum(engine.absoluteProduct(moduli, q, { adjoint: true }));
  const columns = engine.absoluteProduct(symbol, q, { adjoint: true, ...(plus ? { plus } : {}) });
  const through =
    state === undefined
      ? columns
      : state.kind === 'vector'
        ? engine.scaleSides(columns, state, undefined)
        : engine.absoluteProduct(state, columns);
  const own = engine.absoluteProduct(symbol, through);
  return { rows: moduli ? engine.add(own, engine.absoluteProduct(moduli, through)) : own, through };
}

/** What underflow may hide of sums of products with these factors: `floor` times their sum and 1 more. */
export function underflow(engine: Engine, floor: number, factors: Vector): [number, Vector][] {
  const all = [Int32Array.from({ length: factors.length }, (_, i) => i)];
  return [
    [floor, engine.sumOver(factors, all)],
    [floor, engine.vector([1])],
  ];
}

/** S with its error on the diagonal: `coefficient` times the reach, and what underflow may hide. */
function raise(
  engine: Engine,
  s: Matrices,
  weights: Weights,
  { rows, through }: { readonly rows: Vector; readonly through: Vector },
  coefficient: number,
  floor: number,
): Raised {
  const reached = engine.combine([
    [SLACK * coefficient, rows],
    ...(floor > 0 ? underflow(engine, floor, through) : []),
  ]);
  const error = weighted(engine, weights, reached);
  const state = engine.addDiagonal(s, error);
  const level = engine.largest(engine.diagonal(state));
  return { state, proof: { added: engine.largest(error), level } };
}

/** As `affine`, from above. @param blocks the rows of each variable after it */
export function affineAbove(
  engine: Engine,
  rounding: Rounding,
  symbol: Matrices,
  state: State,
  copies: number,
  error: SymbolError,
  blocks: Ranges,
): Raised {
  const s = affine(engine, symbol, state, copies);
  const weights = weightsOf(engine, s, blocks);
  const { rows, through } = reach(engine, symbol, state, error, weights.q);
  const reached = { rows: engine.columnMaximum(rows), through: engine.columnMaximum(through) };
  // The mean over aliases, and the addition to the diagonal.
  const coefficient = error.gamma + rounding.gamma(copies + 4);
  return raise(engine, s, weights, reached, coefficient, error.vanishes ? 0 : rounding.floor(symbol.columns));
}

/** As `read`, from above. */
export function readAbove(
  engine: Engine,
  rounding: Rounding,
  symbol: Matrices,
  state: State,
  frequencies: Frequencies,
  error: SymbolError,
  blocks: Ranges,
): Raised {
  const s = read(engine, symbol, state, frequencies);
  const weights = weightsOf(engine, s, blocks);
  const samples = frequencies.torus.reduce((p, n) => p * n, 1);
  const count = frequencies.count;
  const { rows, through } = reach(engine, symbol, state, error, weights.q);
  const shares = engine.vector(frequencies.weights.map((w) => (w / samples) * count));
  const reached = {
    rows: engine.columnMaximum(engine.alias(engine.scaleBatch(rows, shares), count)),
    through: engine.columnMaximum(through),
  };
  const coefficient = error.gamma + rounding.gamma(engine.windowSumOperations(symbol, count) + 4);
  return raise(
    engine,
    s,
    weights,
    reached,
    coefficient,
    error.vanishes ? 0 : rounding.floor(2 * symbol.columns * count),
  );
}

/** A computed sum of `count` covariances, each from above, or their mean: from above. */
export function sumAbove(
  engine: Engine,
  rounding: Rounding,
  sum: Matrices,
  count: number,
  blocks: Ranges,
): Matrices {
  const weights = weightsOf(engine, sum, blocks);
  const rows = engine.columnMaximum(engine.absoluteProduct(sum, weights.q));
  const lost = engine.combine([[SLACK * rounding.gamma(count + 6), rows]]);
  return engine.addDiagonal(sum, weighted(engine, weights, lost));
}
