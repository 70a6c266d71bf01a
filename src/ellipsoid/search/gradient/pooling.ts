/** Max pooling that can be differentiated: multipliers on the boundary of D ⪰ S (`multipliers/boundary.ts`), λ_max by a smooth majorant. */
import type { Engine, Matrices, Vector } from '../../../engine/engine.ts';
import type { MaximumStep } from '../../../program/program.ts';
import {
  incidence,
  isWhole,
  leastImage,
  onBoundary,
  type PoolShape,
  poolShape,
  spreadOf,
} from '../../multipliers/boundary.ts';
import { maximum } from '../../rules/maximum.ts';
import { argument, levelOf } from '../../rules/nonlinearity.ts';
import { type SmoothMaximum, smoothMaximum, sum, total } from '../../rules/smoothMaximum.ts';
import { stateGradient } from '../../rules/stateGradient.ts';

/** p = 2^10 in the majorant of λ_max: at most 1 % above it for batches of 10⁴ eigenvalues. */
const DOUBLINGS = 10;

export interface PoolTape extends PoolShape {
  readonly top: SmoothMaximum;
  /** s, D. */
  readonly boundary: Vector;
  readonly d: Vector;
  /** R and Σ_kc where something is kept. */
  readonly r: Matrices | undefined;
  readonly across: Matrices | undefined;
  /** Where one group is all that lives (`isWhole`). */
  readonly floored?: Floored;
}

/** max(s ê, λ) by a smooth majorant, λ = L² λ_max(S)/4. */
interface Floored {
  readonly radius: SmoothMaximum;
  /** ∂ ln image / ∂ ln ê, as an entry that is s ê alone has 1, times image / (s ê). */
  readonly share: Vector;
  /** image · ∂ ln image / ∂ ln λ. */
  readonly rest: Vector;
  readonly image: Vector;
}

/** p = 2^5: at most 2.2 % above the larger of two. */
const FLOOR_DOUBLINGS = 5;

function floored(engine: Engine, step: MaximumStep, s: Matrices, image: Vector): Floored {
  const radius = smoothMaximum(engine, s, engine.vector([1]), DOUBLINGS);
  const least = leastImage(engine, step, rootOf(engine, radius));
  const most = engine.maximum(image, least);
  const inverse = engine.reciprocal(most);
  let [own, other] = [engine.multiply(image, inverse), engine.multiply(inverse, least)];
  for (let k = 0; k < FLOOR_DOUBLINGS; k++) {
    [own, other] = [engine.multiply(own, own), engine.multiply(other, other)];
  }
  const both = sum(engine, own, other);
  let root = both;
  for (let k = 0; k < FLOOR_DOUBLINGS; k++) root = engine.squareRoot(root);
  const smooth = engine.multiply(most, root);
  const parts = engine.multiply(smooth, engine.reciprocal(both));
  return {
    radius,
    share: engine.multiply(engine.multiply(parts, own), engine.reciprocal(image)),
    rest: engine.multiply(parts, other),
    image: smooth,
  };
}

/** The majorant of λ_max. */
function rootOf(engine: Engine, { radius, trace }: SmoothMaximum): Vector {
  let majorant = trace;
  for (let k = 0; k < DOUBLINGS; k++) majorant = engine.squareRoot(majorant);
  return engine.multiply(radius, majorant);
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
  const boundary = rootOf(engine, top);
  const { d, image: own } = onBoundary(engine, step, shape, boundary);
  const floor = isWhole(step) ? floored(engine, step, s, own) : undefined;
  const image = floor?.image ?? own;
  const tape = {
    ...shape,
    top,
    boundary,
    d,
    r: undefined,
    across: undefined,
    ...(floor && { floored: floor }),
  };
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

  const gAll = gImage;
  if (tape.floored) gImage = engine.multiply(gAll, tape.floored.share);
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
  const gOwn = engine.scaleSides(gShaped, root, root);
  const gArgument = tape.floored ? engine.add(gOwn, throughFloor(engine, tape.floored, gAll)) : gOwn;
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
  const own = tape.growth ? throughSpread(engine, step, gFree, tape.growth) : gFree;
  const theta = joint ? append(engine, own, engine.multiply(gSlack, excess)) : own;
  const blocks = {
    kept: keptBlocks?.kept,
    across: keptBlocks?.across,
    argument: keptBlocks ? engine.add(gArgument, keptBlocks.h) : gArgument,
  };
  const size = step.before.reduce((sum, l) => sum + l.rows, 0);
  return { whole: stateGradient(engine, step, size, blocks), theta };
}

/** What λ_max(S) in the image does to the gradient of S. */
function throughFloor(engine: Engine, { radius, rest }: Floored, gImage: Vector): Matrices {
  const perLogarithm = total(engine, engine.multiply(gImage, rest));
  const inverse = engine.reciprocal(engine.multiply(radius.trace, radius.radius));
  return engine.scaleBatch(radius.power, engine.multiply(perLogarithm, inverse));
}

/** Gradient of the θ of every channel, then of every group, from ê ∂f/∂ê. */
function throughSpread(engine: Engine, step: MaximumStep, gFree: Vector, growth: Vector): Vector {
  const { ofSource, groups } = spreadOf(step)!;
  const channelsOf = Array.from({ length: groups }, (): number[] => []);
  for (const [channel, g] of ofSource.entries()) channelsOf[g]!.push(channel);
  const perGroup = engine.sumOver(
    gFree,
    channelsOf.map((list) => Int32Array.from(list)),
  );
  return append(engine, engine.multiply(gFree, growth), perGroup);
}

/** The entries of a, then those of b. */
function append(engine: Engine, a: Vector, b: Vector): Vector {
  const length = a.length + b.length;
  const first = engine.sumOver(
    a,
    Array.from({ length }, (_, i) => (i < a.length ? Int32Array.of(i) : new Int32Array(0))),
  );
  const last = engine.sumOver(
    b,
    Array.from({ length }, (_, i) => (i < a.length ? new Int32Array(0) : Int32Array.of(i - a.length))),
  );
  return engine.combine([
    [1, first],
    [1, last],
  ]);
}
