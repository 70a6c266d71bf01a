/** A nonlinear step on a piece of a torus with held multipliers: where they do not dominate S(ω), ω leaves. */
import type { Engine, Matrices, Vector } from '../../../engine/engine.ts';
import { readNamed } from '../../../engine/readBack.ts';
import { scoped } from '../../../engine/scope.ts';
import type { MaximumStep, NonlinearityStep } from '../../../program/program.ts';
import { onBoundary, poolShape } from '../../multipliers/boundary.ts';
import { dominating } from '../../multipliers/closedForms.ts';
import { exponential } from '../../multipliers/relative.ts';
import { maximum } from '../../rules/maximum.ts';
import { argument, nonlinearity } from '../../rules/nonlinearity.ts';
import { type Held, raised } from './held.ts';
import { masked } from './masked.ts';
import { powerSteps, ratios } from './powerSteps.ts';
import { overAliases } from './seen.ts';

/** D is raised where S fills more than the first part of it, to where it fills the second. */
const FULL = 0.98;
const FILLED = 0.95;

const STEPS_OF_INVERSE = 3;
const STEPS_OF_MATRIX = 24;
/** What power steps say of those that leave: they come from below, so that ever more are suspected until the others dominate. */
const SUSPECT = [1 - 1e-4, 0.97, 0.9, 0.7, 0.3, 0] as const;

/** The state before a step, at the frequencies of a piece. */
export interface Before {
  readonly state: Matrices;
  /** The covariance is 2^exponent · state. */
  readonly exponent: number;
  /** Frequencies of the piece on the step's grid. */
  readonly count: number;
  /** Of each of the coarsest frequencies the step at which it has left, or −1: it is given `name` where it leaves here. */
  readonly left: Int32Array;
  readonly name: number;
}

export interface After {
  readonly state: Matrices;
  readonly exponent: number;
  /** As they were given, or raised. */
  readonly held: Held;
  /** λ_max(D^{−½} S D^{−½}) of every coarsest frequency, an estimate; 0 where it had left before. */
  readonly tightness: Float64Array;
  /** ln ρ over the piece, −∞ for a row without covariance; absent at a pooling. */
  readonly rowSums?: Float64Array;
}

/** @param carry as in `Joint` */
export async function nonlinearPiece(
  engine: Engine,
  step: NonlinearityStep | MaximumStep,
  given: Held,
  carry: number,
  before: Before,
  { raise, signal }: { readonly raise: boolean; readonly signal: AbortSignal | undefined },
): Promise<After> {
  const { left, name, count } = before;
  const exponent = Math.floor((levelOf(given) + carry) / Math.LN2);
  const offset = carry - exponent * Math.LN2;
  const scaled = scoped(engine, (e) =>
    e.scaleByPower(before.state, e.vector([exponent - before.exponent]), -1),
  );
  const reading = async <H extends Record<string, Vector | Matrices>>(record: H) => {
    await engine.settle(signal);
    const values = await readNamed(engine, record);
    engine.release(...Object.values(record));
    return values;
  };
  let held = given;
  if (raise) {
    const { most } = await reading({
      most: scoped(engine, (e) => {
        const { inverseRoot } = multipliers(e, step, given, offset);
        return e.spectralRadius(shaped(e, step, scaled, inverseRoot));
      }),
    });
    if (most[0]! > FULL) held = raised(given, Math.log(most[0]! / FILLED));
  }
  const suspects = async () => {
    const { first, second } = await reading(
      scoped(engine, (e) => {
        const { inverseRoot } = multipliers(e, step, held, offset);
        const matrices = shaped(e, step, masked(e, scaled, left, count), inverseRoot);
        const { before: first, after: second } = powerSteps(
          e,
          matrices,
          (x) => e.product(matrices, x),
          STEPS_OF_MATRIX,
        );
        return { first, second };
      }),
    );
    return overAliases(ratios(first, second, scaled.batch), left.length);
  };
  let found: Float64Array | undefined;
  for (const limit of [undefined, ...SUSPECT]) {
    if (limit !== undefined) {
      found ??= await suspects();
      found.forEach((t, k) => {
        if (left[k]! < 0 && !(t < limit)) left[k] = name;
      });
    }
    const { state, ...ends } = scoped(engine, (e) => {
      const { d, root, image } = multipliers(e, step, held, offset);
      const seen = masked(e, scaled, left, count);
      const after = applied(e, step, seen, d, image);
      const { r } = after;
      const power = powerSteps(
        e,
        r,
        (x) => e.scaleSides(e.product(r, e.scaleSides(x, root, undefined)), root, undefined),
        STEPS_OF_INVERSE,
      );
      const sums = step.kind === 'nonlinearity' ? { sums: e.rowSums(argument(e, seen, step.source)) } : {};
      return {
        state: after.state,
        definite: after.definite,
        first: power.before,
        second: power.after,
        ...sums,
      };
    });
    const { definite, first, second, sums } = await reading(ends);
    if (definite[0] !== 1) {
      engine.release(state);
      continue;
    }
    engine.release(scaled);
    // λ_max(D^½ R D^½) = 1/(1 − t).
    const filled = overAliases(ratios(first, second, state.batch), left.length).map((x) =>
      Math.max(0, 1 - 1 / x),
    );
    const tightness = filled.map((t, k) =>
      left[k] === name ? Math.max(1, found![k]!) : left[k]! >= 0 ? 0 : t,
    );
    const rowSums = sums?.map((sum) => Math.log(sum) + exponent * Math.LN2);
    return { state, exponent, held, tightness, ...(rowSums ? { rowSums } : {}) };
  }
  throw new Error('held multipliers: D does not even dominate 0');
}

function levelOf(held: Held): number {
  switch (held.kind) {
    case 'multipliers':
      return held.logarithms.reduce((most, d) => Math.max(most, d), -Infinity);
    case 'boundary':
      return held.logarithm;
    default:
      throw new Error('held multipliers: those of a torus are absolute');
  }
}

/** D, its roots and, of a pooling, the covariance of the image; all times e^offset. */
function multipliers(engine: Engine, step: NonlinearityStep | MaximumStep, held: Held, offset: number) {
  if (held.kind === 'multipliers') {
    const d = dominating(engine, engine.vector(held.logarithms.map((x) => Math.exp(x + offset))));
    const root = engine.squareRoot(d);
    return { d, root, inverseRoot: engine.reciprocal(root), image: undefined };
  }
  if (held.kind !== 'boundary' || step.kind !== 'maximum') {
    throw new Error('held multipliers: of another step');
  }
  const shape = poolShape(engine, step, exponential(engine, held.theta));
  const boundary = engine.vector([Math.exp(held.logarithm + offset)]);
  const { d, image } = onBoundary(engine, step, shape, boundary);
  const root = engine.squareRoot(d);
  return { d, root, inverseRoot: engine.reciprocal(root), image };
}

/** D^{−½} S D^{−½}. */
function shaped(
  engine: Engine,
  step: NonlinearityStep | MaximumStep,
  state: Matrices,
  inverseRoot: Vector,
): Matrices {
  return engine.scaleSides(argument(engine, state, step.source), inverseRoot, inverseRoot);
}

function applied(
  engine: Engine,
  step: NonlinearityStep | MaximumStep,
  state: Matrices,
  d: Vector,
  image: Vector | undefined,
): { readonly state: Matrices; readonly definite: Vector; readonly r: Matrices } {
  if (step.kind === 'nonlinearity') {
    const { tape, ...after } = nonlinearity(engine, step, state, d);
    return { ...after, r: tape.r };
  }
  const after = maximum(engine, step, state, d, image!);
  return { ...after, r: after.r! };
}
