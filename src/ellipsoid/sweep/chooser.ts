/** Chooses the multipliers of a nonlinear step for one run of a sweep. */
import type { Engine, Matrices, Vector } from '../../engine/engine.ts';
import { scoped } from '../../engine/scope.ts';
import type { MaximumStep, NonlinearityStep, Step } from '../../program/program.ts';
import { thetaAhead } from '../multipliers/ahead.ts';
import { isWhole, onBoundary, type PoolShape, poolShape } from '../multipliers/boundary.ts';
import {
  dominates,
  leastMultiplier,
  merge,
  multiplier,
  RULES,
  type Rule,
  type RuleName,
  type Statistics,
  statistics,
  type Wanted,
  wantedBy,
} from '../multipliers/closedForms.ts';
import { exponential, fromRowSums, relativeToRowSums } from '../multipliers/relative.ts';
import type { Skip } from '../multipliers/skips.ts';
import type { Rounding } from '../rounding/rounding.ts';
import { pooledMultiplier } from '../rules/maximum.ts';
import { pooledFactor } from '../rules/maximumAbove.ts';
import { argument, levelOf, rangesOf } from '../rules/nonlinearity.ts';
import { handlesOf, type Propagation, type Proven } from './propagation.ts';
import type { Choice, Run } from './run.ts';

export class Chooser {
  readonly #engine: Engine;
  readonly #propagation: Propagation;
  readonly #skips: ReadonlyMap<Step, Skip>;
  readonly #rounding: Rounding | undefined;

  constructor(
    engine: Engine,
    propagation: Propagation,
    skips: ReadonlyMap<Step, Skip>,
    rounding: Rounding | undefined,
  ) {
    this.#rounding = rounding;
    this.#engine = engine;
    this.#propagation = propagation;
    this.#skips = skips;
  }

  /** Leaves the choice with the run. */
  choose(run: Run, k: number, step: NonlinearityStep | MaximumStep): void {
    const { choosing } = run;
    const { choice, sums } =
      choosing.name === 'refined'
        ? this.#given(run, k, step, choosing.theta.get(step)!)
        : this.#closedForm(run, k, step, choosing.name);
    run.choices.set(k, choice);
    const { relative, exponent } = scoped(this.#engine, (e) => {
      // A copy: at a cut the image goes on as the state.
      const scaledSums = e.scaleByPower(sums, choice.shift, -1);
      return {
        relative: choice.image ? e.combine([[1, choice.image]]) : relativeToRowSums(e, choice.d, scaledSums),
        exponent: e.combine([
          [1, run.exponent],
          [1, choice.shift],
        ]),
      };
    });
    run.layers.push({ step, d: choice.d, relative, exponent, hostExponent: run.hostExponent });
    this.#engine.release(sums);
  }

  /** Multipliers relative to the row sums of S; at a pooling scaled onto the boundary of D ⪰ S. */
  #given(run: Run, k: number, step: NonlinearityStep | MaximumStep, theta: Float64Array) {
    const engine = this.#engine;
    const shape = step.kind === 'maximum' ? poolShape(engine, step, exponential(engine, theta)) : undefined;
    const whole = step.kind === 'maximum' && isWhole(step);
    const { stats, level } = this.#statistics(
      run,
      k,
      step,
      { radius: whole, size: false, rowSums: true, offDiagonal: false },
      undefined,
      shape,
    );
    const result = scoped(engine, (e) => {
      const shift = e.exponent(level);
      const sums = e.combine([[1, stats.rowSums!]]);
      if (shape && step.kind === 'maximum') {
        return { choice: this.#boundaryChoice(e, step, shape, stats, shift), sums };
      }
      const d = fromRowSums(e, exponential(e, theta), e.scaleByPower(sums, shift, -1));
      return { choice: { d, image: undefined, shift, dominated: false }, sums };
    });
    engine.release(
      ...(Object.values(stats) as Vector[]),
      level,
      ...(shape ? (Object.values(shape) as Vector[]) : []),
    );
    return result;
  }

  #closedForm(run: Run, k: number, step: NonlinearityStep | MaximumStep, name: RuleName) {
    const engine = this.#engine;
    const candidates = name === 'mixed' ? RULES : RULES.filter((r) => r.name === name);
    const even = isEven(step);
    const dominated = candidates.every((rule) => this.#dominates(rule, step.source.rows, even));
    const skip = this.#skips.get(step);
    const wanted = wantedBy(candidates);
    const shape = name === 'mixed' ? this.#ahead(k, step) : undefined;
    const { stats, level, skipped } = this.#statistics(
      run,
      k,
      step,
      { ...wanted, size: skip !== undefined, rowSums: true },
      skip,
      shape,
    );
    const result = scoped(engine, (e) => {
      const shift = e.exponent(level);
      const size = stats.radius ?? stats.size;
      const skipNeed =
        skip && skipped && size
          ? e.combine([[skip.ratio, e.squareRoot(e.multiply(size, skipped))]])
          : undefined;
      const list = candidates.map((rule) =>
        e.scaleByPower(closedForm(e, step, rule, stats, skipNeed), shift, -1),
      );
      const trials = skip?.search ? list.flatMap((d) => SEARCH.map((f) => e.combine([[f, d]]))) : list;
      const withImage = (d: Vector): Choice => ({
        d,
        image: step.kind === 'maximum' ? this.#pooled(e, step, pooledMultiplier(e, step, d)) : undefined,
        shift,
        dominated,
      });
      const sums = e.combine([[1, stats.rowSums!]]);
      const choices = trials.map(withImage);
      if (shape && step.kind === 'maximum') choices.push(this.#boundaryChoice(e, step, shape, stats, shift));
      if (choices.length === 1) return { choice: choices[0]!, sums };
      const scores = choices.map((choice) => this.#score(e, run, k, step, choice, skip));
      const best = (vectors: readonly Vector[]) => e.choose(scores, vectors);
      const images = choices.flatMap(({ image }) => image ?? []);
      const image = images.length > 0 ? best(images) : undefined;
      return { choice: { ...choices[0]!, d: best(choices.map(({ d }) => d)), image }, sums };
    });
    engine.release(
      ...(Object.values(stats) as Vector[]),
      level,
      ...(skipped ? [skipped] : []),
      ...(shape ? (Object.values(shape) as Vector[]) : []),
    );
    return result;
  }

  /** D as small as its shape lets it be. @param stats with what is `shaped`, and the radius where one group is all that lives */
  #boundaryChoice(
    engine: Engine,
    step: MaximumStep,
    shape: PoolShape,
    stats: Statistics,
    shift: Vector,
  ): Choice {
    const boundary = engine.scaleByPower(stats.shaped!, shift, -1);
    const radius = isWhole(step) ? engine.scaleByPower(stats.radius!, shift, -1) : undefined;
    const { d, image } = onBoundary(engine, step, shape, boundary, radius);
    return { d, image: this.#pooled(engine, step, image), shift, dominated: false };
  }

  /** What is behind a normalised vector says which of its entries matter. */
  #ahead(k: number, step: NonlinearityStep | MaximumStep): PoolShape | undefined {
    if (step.kind !== 'maximum') return undefined;
    const theta = thetaAhead(step, this.#propagation.segment.steps[k + 1]);
    return theta && poolShape(this.#engine, step, exponential(this.#engine, theta));
  }

  #dominates(rule: Rule, n: number, even: boolean): boolean {
    const rounding = this.#rounding;
    return rounding !== undefined && dominates(rule, rounding.radius, 1 + rounding.gamma(4 * n + 32), even);
  }

  /** The covariance of a pooled tensor, from above where rounding is bounded. */
  #pooled(engine: Engine, step: MaximumStep, image: Vector): Vector {
    return this.#rounding ? engine.combine([[pooledFactor(this.#rounding, step), image]]) : image;
  }

  /** Statistics of S over all frequencies, the level of the state, and λ_max of what is skipped beside it. */
  #statistics(
    run: Run,
    k: number,
    step: NonlinearityStep | MaximumStep,
    wanted: Wanted,
    skip: Skip | undefined,
    shape: PoolShape | undefined,
  ): { stats: Statistics; level: Vector; skipped: Vector | undefined } {
    const engine = this.#engine;
    let found: { stats: Statistics; level: Vector; skipped: Vector | undefined } | undefined;
    for (const piece of this.#propagation.pieces(k).keys()) {
      const { state, done } = this.#propagation.stateBefore(run, k, piece);
      const own = scoped(engine, (e) => {
        const matrices = this.#propagation.asMatrices(e, state, step);
        const onBoundary = isEven(step);
        const stats = statistics(
          e,
          argument(e, matrices, step.source),
          wanted,
          onBoundary,
          shape?.root,
          wholeOf(e, matrices, step),
        );
        const skipped = skip ? e.estimatedRadius(e.submatrix(matrices, skip.ranges, skip.ranges)) : undefined;
        return { stats, level: levelOf(e, matrices, step.source), skipped };
      });
      done();
      const previous = found;
      if (!previous) {
        found = own;
        continue;
      }
      found = scoped(engine, (e) => ({
        stats: merge(e, previous.stats, own.stats),
        level: e.maximum(previous.level, own.level),
        skipped: previous.skipped && own.skipped ? e.maximum(previous.skipped, own.skipped) : undefined,
      }));
      for (const { stats, level, skipped } of [previous, own]) {
        engine.release(...(Object.values(stats) as Vector[]), level, ...(skipped ? [skipped] : []));
      }
    }
    return found!;
  }

  /** How large the covariance gets that the next nonlinearity will see, if `choice` is taken. Length 1. */
  #score(
    engine: Engine,
    run: Run,
    k: number,
    step: NonlinearityStep | MaximumStep,
    choice: Choice,
    skip: Skip | undefined,
  ): Vector {
    if (step.kind === 'maximum' && step.cut) return engine.largest(choice.image!);
    const propagation = this.#propagation;
    const next = propagation.segment.steps[k + 1];
    const trial = (piece: number) => {
      const { state, done } = propagation.stateBefore(run, k, piece);
      const after = propagation.step(step, state, choice, undefined);
      done();
      this.#engine.release(...handlesOf(after.proof));
      return { state: after.state, done: () => this.#engine.release(after.state) };
    };
    if (next?.kind === 'read') {
      const { state, proof } = propagation.read(k + 1, trial, undefined);
      const score = engine.estimatedRadius(state);
      this.#engine.release(state, ...handlesOf(proof));
      return score;
    }
    const ahead = next?.kind === 'linear' && (step.kept.length === 0 || !skip || skip.direct);
    let parts: Vector[] | undefined;
    for (const piece of propagation.pieces(ahead ? k + 2 : k + 1).keys()) {
      const seen = ahead
        ? this.#stateOf(propagation.linear(k + 1, piece, trial, undefined))
        : trial(piece).state;
      const own = this.#radiiOf(engine, seen, ahead || step.kept.length === 0 || !skip ? undefined : step);
      this.#engine.release(seen);
      const before = parts;
      parts = before ? own.map((radius, i) => engine.maximum(radius, before[i]!)) : own;
    }
    const [whole, branch] = parts!;
    if (!branch) return whole!;
    // The branch joins what is skipped further on: (√λ(skipped) · ratio + √λ(branch))², up to a common factor.
    return engine.combine([
      [skip!.ratio, engine.squareRoot(whole!)],
      [1, engine.squareRoot(branch)],
    ]);
  }

  /** The state alone: a trial needs no proof. */
  #stateOf({ state, proof }: Proven): Matrices {
    this.#engine.release(...handlesOf(proof));
    return state;
  }

  /** λ_max of a covariance; or, of one after a step beside which something is skipped, of that and of the branch. */
  #radiiOf(engine: Engine, state: Matrices, split: NonlinearityStep | MaximumStep | undefined): Vector[] {
    if (!split) return [engine.estimatedRadius(state)];
    const at = state.rows - split.target.rows;
    return [[0, at] as const, [at, state.rows] as const].map((range) =>
      scoped(engine, (e) => e.estimatedRadius(e.submatrix(state, [range], [range]))),
    );
  }
}

/** Factors of the short line search over a rule's D in general graphs (docs/mathematics.md §4). */
const SEARCH = [1, 1.5, 2.25];

function closedForm(
  engine: Engine,
  step: NonlinearityStep | MaximumStep,
  rule: Rule,
  stats: Statistics,
  skip: Vector | undefined,
): Vector {
  if (step.kind === 'maximum' && step.kept.length === 0) return leastMultiplier(engine, rule, stats);
  return multiplier(engine, rule, stats, skip, isEven(step));
}

/** Whether D next to S is best: slopes in [−β, β], and nothing but sums of sorted groups beside, whose image is not correlated with these. */
function isEven(step: NonlinearityStep | MaximumStep): boolean {
  const even = step.kind === 'maximum' || step.lower.every((low, k) => low === -step.upper[k]!);
  return even && step.kept.every((live) => live === step.sums?.live);
}

/** The covariance of sums and differences of sorted groups, in coordinates in which that of the groups has the same norm. */
function wholeOf(engine: Engine, state: Matrices, { source, sums }: NonlinearityStep | MaximumStep) {
  if (!sums) return undefined;
  const ranges = rangesOf([sums.live, source]);
  const whole = engine.submatrix(state, ranges, ranges);
  if (sums.scale === 1) return whole;
  const scales = new Float64Array(whole.rows).fill(1).fill(sums.scale, 0, sums.live.rows);
  const vector = engine.vector(scales);
  return engine.scaleSides(whole, vector, vector);
}
