/**
 * Max pooling with multipliers that lie on the boundary of D ⪰ S, and its adjoint (docs/mathematics.md §1 and §5).
 *
 * Parameters e^θ = ê, one per channel (per output where windows are listed). With 1/D̂_i = Σ_{o ∋ i} g_i²/ê_o over the windows o
 * that sample i falls in, s = λ_max(D̂^{−½} S D̂^{−½}) gives the least s for which D = s D̂ dominates S; the output has the covariance
 * diag(s ê). Where something lives on beside the pooling D must stay off the boundary: D = τ s D̂, τ = 1 + e^{θ_last}.
 */
import type { Engine, Matrices, Vector } from '../../engine/engine.ts';
import { scoped } from '../../engine/scope.ts';
import type { MaximumStep } from '../../program/program.ts';
import { maximum } from '../rules/maximum.ts';
import { argument, levelOf } from '../rules/nonlinearity.ts';
import { stateGradient } from '../rules/nonlinearityAdjoint.ts';
import { type SmoothMaximum, smoothMaximum, total } from '../rules/smoothMaximum.ts';

/** p = 2^10 in the majorant of λ_max: at most 1 % above it for batches of 10⁴ eigenvalues. */
const DOUBLINGS = 10;

/** Covers the rounding of the majorant. */
const MARGIN = 1 + 1e-9;

/** An input in hardly any window has a large D̂: it is held within this of the smallest. */
const RANGE = 2 ** -40;

export interface PoolTape extends PoolShape {
  readonly top: SmoothMaximum;
  /** s, D. */
  readonly boundary: Vector;
  readonly d: Vector;
  /** R and Σ_kc where something is kept. */
  readonly r: Matrices | undefined;
  readonly across: Matrices | undefined;
}

/** Entries of θ at a pooling. */
export function poolParameters(step: MaximumStep): number {
  const free = step.maximum.windows.kind === 'listed' ? step.target.rows : step.target.variable.channels;
  return free + (step.kept.length > 0 ? 1 : 0);
}

interface Incidence {
  /** For every row of the source the parameters it depends on, and for every parameter the rows that depend on it. */
  readonly ofSource: Int32Array[];
  readonly sourcesOf: Int32Array[];
  /** For every row of the target its parameter, and back. */
  readonly ofTarget: Int32Array[];
  readonly targetsOf: Int32Array[];
  /** g², times the overlap where windows are not listed. */
  readonly weight: Float64Array;
}

function incidence(step: MaximumStep): Incidence {
  const { windows, overlap } = step.maximum;
  const rows = step.source.rows;
  const square = step.gain.map((g) => g * g);
  if (windows.kind === 'listed') {
    const sourcesOf = windows.entries.map((list) => [...list]);
    const ofSource = transpose(sourcesOf, rows);
    const own = Array.from({ length: step.target.rows }, (_, k) => Int32Array.of(k));
    return {
      ofSource,
      sourcesOf: sourcesOf.map((l) => Int32Array.from(l)),
      ofTarget: own,
      targetsOf: own,
      weight: square,
    };
  }
  const channels = step.target.variable.channels;
  const vector = step.source.lift.length === 0;
  const channelOf = (row: number) => (vector ? Math.floor(row / (rows / channels)) : row % channels);
  const ofSource = Array.from({ length: rows }, (_, k) => Int32Array.of(channelOf(k)));
  const ofTarget = Array.from({ length: step.target.rows }, (_, k) => Int32Array.of(k % channels));
  return {
    ofSource,
    sourcesOf: transpose(ofSource, channels),
    ofTarget,
    targetsOf: transpose(ofTarget, channels),
    weight: square.map((g) => g * overlap),
  };
}

function transpose(lists: readonly ArrayLike<number>[], size: number): Int32Array[] {
  const result = Array.from({ length: size }, (): number[] => []);
  lists.forEach((list, k) => {
    for (const i of Array.from(list)) result[i]!.push(k);
  });
  return result.map((l) => Int32Array.from(l));
}

/** θ as what the pass works on: ê, and τ − 1 (empty where nothing lives on). */
function split(engine: Engine, step: MaximumStep, parameters: Vector) {
  const joint = step.kept.length > 0;
  const count = poolParameters(step) - (joint ? 1 : 0);
  const pick = (indices: number[]) =>
    engine.sumOver(
      parameters,
      indices.map((i) => Int32Array.of(i)),
    );
  const free = pick(Array.from({ length: count }, (_, i) => i));
  const excess = joint ? pick([count]) : engine.vector([0]);
  return {
    free,
    excess,
    slack: engine.combine([
      [1, engine.vector([1])],
      [1, excess],
    ]),
  };
}

/** What D and the image are up to their common factor s. */
export interface PoolShape {
  /** ê, τ − 1, τ. */
  readonly free: Vector;
  readonly excess: Vector;
  readonly slack: Vector;
  /** 1/D̂ and its root. */
  readonly inverseShape: Vector;
  readonly root: Vector;
}

/** @param parameters e^θ */
export function poolShape(engine: Engine, step: MaximumStep, parameters: Vector): PoolShape {
  return scoped(engine, (e) => {
    const { ofSource, weight } = incidence(step);
    const { free, excess, slack } = split(e, step, parameters);
    const sums = e.multiply(e.vector(weight), e.sumOver(e.reciprocal(free), ofSource));
    const inverseShape = e.maximum(sums, e.combine([[RANGE, e.largest(sums)]]));
    return { free, excess, slack, inverseShape, root: e.squareRoot(inverseShape) };
  });
}

/** D and the covariance diag(image) of the result, for s = `boundary` ≥ λ_max(D̂^{−½} S D̂^{−½}). */
export function onBoundary(engine: Engine, step: MaximumStep, shape: PoolShape, boundary: Vector) {
  const { ofTarget } = incidence(step);
  const reach = engine.combine([[MARGIN, engine.multiply(shape.slack, boundary)]]);
  return {
    d: engine.multiply(reach, engine.reciprocal(shape.inverseShape)),
    image: engine.multiply(reach, engine.sumOver(shape.free, ofTarget)),
  };
}

export function pool(
  engine: Engine,
  step: MaximumStep,
  state: Matrices,
  parameters: Vector,
  weights: Float64Array,
) {
  const shift = engine.exponent(levelOf(engine, state, step.source));
  const scaled = engine.scaleByPower(state, shift, -1);
  const s = argument(engine, scaled, step.source);
  const shape = poolShape(engine, step, parameters);
  const { root } = shape;
  const counts = engine.vector(s.batch === 1 ? [1] : weights);
  const top = smoothMaximum(engine, engine.scaleSides(s, root, root), counts, DOUBLINGS);
  let majorant = top.trace;
  for (let k = 0; k < DOUBLINGS; k++) majorant = engine.squareRoot(majorant);
  const boundary = engine.multiply(top.radius, majorant);
  const { d, image } = onBoundary(engine, step, shape, boundary);
  const tape = { ...shape, top, boundary, d, r: undefined, across: undefined };
  if (step.cut) return { state: image, shift, definite: undefined, pool: tape };
  const after = maximum(engine, step, scaled, d, image);
  return {
    state: after.state,
    shift,
    definite: after.definite,
    pool: { ...tape, r: after.r, across: after.across },
  };
}

/** Gradient of the scaled state before the pooling, and of θ. */
export function poolAdjoint(
  engine: Engine,
  step: MaximumStep,
  tape: PoolTape,
  g: Matrices | Vector,
): { whole: Matrices; theta: Vector } {
  const { top, free, excess, slack, boundary, inverseShape, root, d } = tape;
  const { ofTarget, targetsOf, sourcesOf, weight } = incidence(step);
  const joint = step.kept.length > 0;
  let gImage: Vector;
  let gMultiplier: Vector | undefined;
  let keptBlocks: { kept: Matrices; across: Matrices; h: Matrices } | undefined;
  if (g.kind === 'vector') gImage = g;
  else if (joint && tape.r && tape.across) {
    const cut = g.rows - step.target.rows;
    const kept: [number, number][] = [[0, cut]];
    const own: [number, number][] = [[cut, g.rows]];
    gImage = engine.diagonalSum(engine.submatrix(g, own, own));
    const gKept = engine.submatrix(g, kept, kept);
    const t = engine.product(engine.product(gKept, tape.across), tape.r);
    const h = engine.product(tape.r, engine.product(tape.across, t, { adjointA: true }));
    gMultiplier = engine.combine([[-1, engine.diagonalSum(h)]]);
    keptBlocks = { kept: gKept, across: t, h };
  } else gImage = engine.diagonalSum(g);

  const replicated = engine.sumOver(free, ofTarget);
  const perUnit = total(engine, engine.multiply(gImage, replicated));
  // ∂f/∂D · D summed: what a common factor of D does.
  const throughD = gMultiplier ? total(engine, engine.multiply(gMultiplier, d)) : engine.vector([0]);
  const gBoundary = engine.combine([
    [1, engine.multiply(slack, perUnit)],
    [1, engine.multiply(throughD, engine.reciprocal(boundary))],
  ]);
  const gSlack = engine.combine([
    [1, engine.multiply(boundary, perUnit)],
    [1, engine.multiply(throughD, engine.reciprocal(slack))],
  ]);
  // ∂s/∂X = s X^{p−1}/(t r), on the diagonal of X ∂s/∂X: s (X/r)^p / t.
  const perTrace = engine.multiply(engine.multiply(gBoundary, boundary), engine.reciprocal(top.trace));
  const perPower = engine.multiply(perTrace, engine.reciprocal(top.radius));
  const ones = engine.vector(new Float64Array(top.power.batch).fill(1));
  const gShaped = engine.scaleBatch(top.power, engine.multiply(perPower, ones));
  const gArgument = engine.scaleSides(gShaped, root, root);
  const perShape = engine.combine([
    [1, engine.multiply(perTrace, top.diagonal)],
    ...(gMultiplier ? ([[-1, engine.multiply(gMultiplier, d)]] as const) : []),
  ]);
  const gInverseShape = engine.multiply(perShape, engine.reciprocal(inverseShape));
  const inverseFree = engine.reciprocal(free);
  // ê · ∂f/∂ê: directly, and through 1/D̂ = Σ weight/ê.
  const gFree = engine.combine([
    [
      1,
      engine.multiply(
        engine.multiply(slack, boundary),
        engine.multiply(free, engine.sumOver(gImage, targetsOf)),
      ),
    ],
    [
      -1,
      engine.multiply(
        inverseFree,
        engine.sumOver(engine.multiply(engine.vector(weight), gInverseShape), sourcesOf),
      ),
    ],
  ]);
  const theta = joint ? append(engine, gFree, engine.multiply(gSlack, excess)) : gFree;
  const blocks = {
    kept: keptBlocks?.kept,
    across: keptBlocks?.across,
    argument: keptBlocks ? engine.add(gArgument, keptBlocks.h) : gArgument,
  };
  const size = step.before.reduce((sum, l) => sum + l.rows, 0);
  return { whole: stateGradient(engine, step, size, blocks), theta };
}

/** The entries of a, then b (length 1). */
function append(engine: Engine, a: Vector, b: Vector): Vector {
  const length = a.length + 1;
  const first = engine.sumOver(
    a,
    Array.from({ length }, (_, i) => (i < a.length ? Int32Array.of(i) : new Int32Array(0))),
  );
  const last = engine.sumOver(
    b,
    Array.from({ length }, (_, i) => (i < a.length ? new Int32Array(0) : Int32Array.of(0))),
  );
  return engine.combine([
    [1, first],
    [1, last],
  ]);
}
