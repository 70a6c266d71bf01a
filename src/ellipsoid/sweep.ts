/**
 * Pushes the ellipsoid through a program, for several choices of multipliers in one sweep: symbols are made once per step
 * and chunk of frequencies, every run (a rule) has its own covariances.
 *
 * Everything is recorded on the engine and read back once, after the last step.
 */
import type { Engine, Handle, Matrices, Vector } from '../engine/engine.ts';
import { scoped } from '../engine/scope.ts';
import { type Scaled, scaled } from '../scaled.ts';
import type { Frequencies } from '../spectrum/frequencies.ts';
import { affine, read, type State, type StepTaps, symbolOf, tapsOf } from './affine.ts';
import { type Partition, partition } from './chunks.ts';
import { maximum, pooledMultiplier } from './maximum.ts';
import {
  dominating,
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
} from './multipliers.ts';
import { argument, nonlinearity, type Updated } from './nonlinearity.ts';
import { onBoundary, type PoolShape, poolShape } from './pool.ts';
import {
  type MaximumStep,
  type NonlinearityStep,
  type Program,
  type Segment,
  type Step,
  totalRows,
} from './program.ts';
import type { Skip } from './skips.ts';
import type { Variable } from './variables.ts';

/** A way to choose multipliers: a closed-form rule, or relative multipliers found before (`pass.ts`). */
export type Choosing =
  | { readonly name: RuleName }
  | { readonly name: 'refined'; readonly theta: ReadonlyMap<Step, Float64Array> };

export interface SweepOptions {
  readonly runs: readonly Choosing[];
  /** Memory budget in bytes for covariances. */
  readonly memory: number;
  /** What skip connections need, per nonlinearity beside which something lives on. */
  readonly skips: ReadonlyMap<Step, Skip>;
  readonly signal?: AbortSignal | undefined;
  /** Called after every step of every group of runs. */
  readonly onStep?: (segment: Segment, k: number, runs: readonly Choosing[]) => void;
}

/** The multipliers of one nonlinearity or pooling. */
export interface LayerMultipliers {
  readonly step: NonlinearityStep | MaximumStep;
  readonly variable: Variable;
  /** D, one per row of the argument, divided by 2^exponent. */
  readonly values: Float64Array;
  readonly exponent: number;
  /** As `pass.ts` has them: D/ρ(S) at a nonlinearity, ê (up to a factor) at a pooling. */
  readonly relative: Float64Array;
}

export interface Outcome {
  readonly name: Choosing['name'];
  /** λ_max(Σ_out), from above; NaN mantissa where D ≻ S failed somewhere. */
  readonly squared: Scaled;
  /** Σ_out = 2^exponent · matrix for a vector output. */
  readonly covariance?: { readonly matrix: Float64Array; readonly exponent: number };
  readonly layers: readonly LayerMultipliers[];
}

/** The covariance of one run within a segment. */
interface Run {
  readonly choosing: Choosing;
  /** Covariance per chunk before step `at` (the same white state for all chunks at a segment's start). */
  states: State[];
  at: number;
  /** True covariance = 2^(exponent + hostExponent) · state. */
  exponent: Vector;
  hostExponent: number;
  /** 1 while every D ≻ S held. */
  definite: Vector;
  /** What was chosen at the segment's nonlinear steps so far, by step index. */
  readonly choices: Map<number, Choice>;
  readonly layers: Layer[];
}

/** `LayerMultipliers` on the device. */
interface Layer {
  readonly step: NonlinearityStep | MaximumStep;
  readonly d: Vector;
  readonly relative: Vector;
  readonly exponent: Vector;
  readonly hostExponent: number;
}

interface Choice {
  /** Multipliers of the state scaled by 2^-shift. */
  readonly d: Vector;
  /** At a pooling, the covariance diag(image) of its result. */
  readonly image: Vector | undefined;
  readonly shift: Vector;
}

/** @throws the signal's reason when it is aborted. */
export async function sweep(engine: Engine, program: Program, options: SweepOptions): Promise<Outcome[]> {
  const runsAtOnce = Math.min(
    ...program.segments.map((s) => partition(s, options.memory, options.runs.length).runs),
    options.runs.length,
  );
  const outcomes: Outcome[] = [];
  for (let first = 0; first < options.runs.length; first += runsAtOnce) {
    const together = options.runs.slice(first, first + runsAtOnce);
    outcomes.push(...(await new Sweep(engine, program, options).run(together)));
  }
  return outcomes;
}

class Sweep {
  readonly #engine: Engine;
  readonly #program: Program;
  readonly #options: SweepOptions;
  #segment!: Segment;
  #partition!: Partition;
  /** Taps of linear steps of the segment, made when first needed. */
  #taps = new Map<number, { taps: StepTaps; matrices: Matrices | undefined }>();
  /** The symbol last made: shared by the runs of a sweep. */
  #symbol: { step: number; chunk: number; symbol: Matrices } | undefined;

  constructor(engine: Engine, program: Program, options: SweepOptions) {
    this.#engine = engine;
    this.#program = program;
    this.#options = options;
  }

  async run(choosings: readonly Choosing[]): Promise<Outcome[]> {
    const engine = this.#engine;
    const runs = choosings.map(
      (choosing): Run => ({
        choosing,
        states: [],
        at: 0,
        exponent: engine.vector([0]),
        hostExponent: 0,
        definite: engine.vector([1]),
        choices: new Map(),
        layers: [],
      }),
    );
    for (const segment of this.#program.segments) {
      this.#open(segment, runs);
      for (let k = 0; k < segment.steps.length; k++) {
        const step = segment.steps[k]!;
        for (const run of runs) {
          if (step.kind === 'nonlinearity' || step.kind === 'maximum') this.#choose(run, k, step);
        }
        this.#advanceAll(runs, k);
        await engine.settle(this.#options.signal);
        this.#options.onStep?.(segment, k, choosings);
      }
    }
    const outcomes: Outcome[] = [];
    for (const run of runs) outcomes.push(await this.#outcome(run));
    this.#closeSegment();
    return outcomes;
  }

  // ---- segments -------------------------------------------------------------------------------

  #open(segment: Segment, runs: readonly Run[]): void {
    this.#closeSegment();
    this.#segment = segment;
    this.#partition = partition(segment, this.#options.memory, runs.length);
    for (const run of runs) {
      // A white state serves all chunks; vectors have one chunk.
      const opening = this.#opening(run, segment);
      run.states = this.#partition.chunks.map(() => opening);
      run.at = 0;
      this.#forgetChoices(run);
    }
  }

  /** The state that the segment before left, in the form that this segment starts from. */
  #opening(run: Run, segment: Segment): State {
    const state = run.states[0];
    if (!segment.white || state === undefined || state.kind === 'matrices') return state;
    const rows = totalRows(segment.start);
    if (rows === state.length) return state;
    // One entry per channel becomes one per position of the image, read as a vector.
    const windows = Array.from({ length: rows }, (_, k) =>
      Int32Array.of(Math.floor(k / (rows / state.length))),
    );
    const repeated = this.#engine.maximumOver(state, windows);
    this.#engine.release(state);
    return repeated;
  }

  #closeSegment(): void {
    this.#dropSymbol();
    for (const { matrices } of this.#taps.values()) if (matrices) this.#engine.release(matrices);
    this.#taps.clear();
  }

  // ---- steps ----------------------------------------------------------------------------------

  /** Moves every run past step k, or only remembers the way where covariances are recomputed. */
  #advanceAll(runs: readonly Run[], k: number): void {
    const engine = this.#engine;
    const step = this.#segment.steps[k]!;
    const chunks = this.#partition.chunks.length;
    if (step.kind === 'read') {
      const sums = runs.map((run) => this.#readAll(run, k));
      runs.forEach((run, r) => {
        this.#replaceStates(run, [sums[r]]);
        run.hostExponent += 2 * this.#tapsOf(k).taps.exponent;
      });
      return;
    }
    if (step.kind === 'maximum' && step.cut) {
      for (const run of runs) {
        const choice = run.choices.get(k)!;
        this.#replaceStates(run, [choice.image]);
        this.#shiftExponent(run, choice);
        // It is the state's now.
        run.choices.set(k, { ...choice, image: undefined });
      }
      return;
    }
    if (step.kind === 'linear') for (const run of runs) run.hostExponent += 2 * this.#tapsOf(k).taps.exponent;
    else for (const run of runs) this.#shiftExponent(run, run.choices.get(k)!);
    if (!this.#partition.kept) return;
    for (let c = 0; c < chunks; c++) {
      for (const run of runs) {
        const old = run.states[c];
        const next = this.#step(run, k, c, old, run.choices.get(k));
        run.states[c] = next.state;
        if (next.definite) this.#noteDefinite(run, next.definite);
        if (old && !run.states.includes(old)) engine.release(old);
      }
    }
    for (const run of runs) run.at = k + 1;
  }

  #replaceStates(run: Run, states: State[]): void {
    const old = new Set(run.states.filter((s) => s !== undefined));
    for (const s of old) this.#engine.release(s);
    run.states = states;
  }

  #shiftExponent(run: Run, choice: Choice): void {
    const next = this.#engine.combine([
      [1, run.exponent],
      [1, choice.shift],
    ]);
    this.#engine.release(run.exponent);
    run.exponent = next;
  }

  #noteDefinite(run: Run, definite: Vector): void {
    const next = this.#engine.multiply(run.definite, definite);
    this.#engine.release(run.definite, definite);
    run.definite = next;
  }

  /** One step on one chunk. The state is not released. */
  #step(
    run: Run,
    k: number,
    chunk: number,
    state: State,
    choice: Choice | undefined,
  ): Partial<Updated> & { state: State } {
    const engine = this.#engine;
    const step = this.#segment.steps[k]!;
    switch (step.kind) {
      case 'linear': {
        const symbol = this.#symbolAt(k, chunk);
        const copies = step.ratio.reduce((p, r) => p * r, 1);
        return { state: scoped(engine, (e) => affine(e, symbol, state, copies)) };
      }
      case 'nonlinearity':
      case 'maximum': {
        const { d, image, shift } = choice!;
        return scoped(engine, (e) => {
          const shifted = e.scaleByPower(this.#asMatrices(e, state, step), shift, -1);
          const after =
            step.kind === 'nonlinearity'
              ? nonlinearity(e, step, shifted, d)
              : maximum(e, step, shifted, d, image!);
          return { state: after.state, definite: after.definite };
        });
      }
      case 'read':
        throw new Error(`sweep: a read step has no state per chunk (${run.choosing.name})`);
      default:
        return step satisfies never;
    }
  }

  #asMatrices(engine: Engine, state: State, step: Step): Matrices {
    if (state?.kind === 'matrices') return state;
    const diagonal = state ?? engine.vector(new Float64Array(totalRows(step.before)).fill(1));
    return engine.diagonalMatrix(diagonal, this.#segment.axes > 0);
  }

  /** The state of a chunk before step k: at hand, or recomputed. `done` releases what was made. */
  #stateBefore(run: Run, k: number, chunk: number): { state: State; done: () => void } {
    let state = run.states[chunk];
    let made: State;
    for (let j = run.at; j < k; j++) {
      const next = this.#step(run, j, chunk, state, run.choices.get(j));
      if (made) this.#engine.release(made);
      if (next.definite) this.#noteDefinite(run, next.definite);
      state = next.state;
      made = state;
    }
    return {
      state,
      done: () => {
        if (made) this.#engine.release(made);
      },
    };
  }

  #readAll(run: Run, k: number): Matrices {
    let sum: Matrices | undefined;
    for (let c = 0; c < this.#partition.chunks.length; c++) {
      const { state, done } = this.#stateBefore(run, k, c);
      const part = this.#readPart(k, c, state);
      done();
      const previous = sum;
      sum = previous ? this.#engine.add(previous, part) : part;
      if (previous) this.#engine.release(previous, part);
    }
    return sum!;
  }

  #readPart(k: number, chunk: number, state: State): Matrices {
    const symbol = this.#symbolAt(k, chunk);
    return scoped(this.#engine, (e) => read(e, symbol, state, this.#frequencies(k, chunk)));
  }

  // ---- choice of multipliers ------------------------------------------------------------------

  #choose(run: Run, k: number, step: NonlinearityStep | MaximumStep): void {
    const { choosing } = run;
    const { choice, sums } =
      choosing.name === 'refined'
        ? this.#given(run, k, step, choosing.theta.get(step)!)
        : this.#closedForm(run, k, step, choosing.name);
    run.choices.set(k, choice);
    run.layers.push(
      scoped(this.#engine, (e): Layer => {
        // A copy: at a cut the image goes on as the state.
        const scaledSums = e.scaleByPower(sums, choice.shift, -1);
        const relative = choice.image
          ? e.combine([[1, choice.image]])
          : e.multiply(choice.d, e.reciprocal(scaledSums));
        const exponent = e.combine([
          [1, run.exponent],
          [1, choice.shift],
        ]);
        return { step, d: choice.d, relative, exponent, hostExponent: run.hostExponent };
      }),
    );
    this.#engine.release(sums);
  }

  /** Multipliers relative to the row sums of S; at a pooling scaled onto the boundary of D ⪰ S. */
  #given(run: Run, k: number, step: NonlinearityStep | MaximumStep, theta: Float64Array) {
    const engine = this.#engine;
    const shape =
      step.kind === 'maximum' ? poolShape(engine, step, engine.vector(theta.map(Math.exp))) : undefined;
    const { stats } = this.#statistics(
      run,
      k,
      step,
      { radius: false, rowSums: true, offDiagonal: false },
      undefined,
      shape,
    );
    const result = scoped(engine, (e) => {
      const shift = e.exponent(stats.diagonal);
      const sums = e.combine([[1, stats.rowSums!]]);
      if (shape && step.kind === 'maximum') {
        const boundary = e.scaleByPower(stats.shaped!, shift, -1);
        return { choice: { ...onBoundary(e, step, shape, boundary), shift }, sums };
      }
      const d = e.multiply(e.vector(theta.map(Math.exp)), e.scaleByPower(sums, shift, -1));
      return { choice: { d: dominating(e, d), image: undefined, shift }, sums };
    });
    engine.release(
      ...(Object.values(stats) as Vector[]),
      ...(shape ? (Object.values(shape) as Vector[]) : []),
    );
    return result;
  }

  #closedForm(run: Run, k: number, step: NonlinearityStep | MaximumStep, name: RuleName) {
    const engine = this.#engine;
    const candidates = name === 'mixed' ? RULES : RULES.filter((r) => r.name === name);
    const skip = this.#options.skips.get(step);
    const wanted = wantedBy(candidates);
    const { stats, skipped } = this.#statistics(
      run,
      k,
      step,
      { ...wanted, radius: wanted.radius || skip !== undefined, rowSums: true },
      skip,
      undefined,
    );
    const result = scoped(engine, (e) => {
      const shift = e.exponent(stats.diagonal);
      const skipNeed =
        skip && skipped && stats.radius
          ? e.combine([[skip.ratio, e.squareRoot(e.multiply(stats.radius, skipped))]])
          : undefined;
      const list = candidates.map((rule) =>
        e.scaleByPower(closedForm(e, step, rule, stats, skipNeed), shift, -1),
      );
      const trials = skip?.search ? list.flatMap((d) => SEARCH.map((f) => e.combine([[f, d]]))) : list;
      const withImage = (d: Vector): Choice => ({
        d,
        image: step.kind === 'maximum' ? pooledMultiplier(e, step, d) : undefined,
        shift,
      });
      const sums = e.combine([[1, stats.rowSums!]]);
      if (trials.length === 1) return { choice: withImage(trials[0]!), sums };
      const scores = trials.map((d) => this.#score(e, run, k, step, withImage(d), skip));
      return { choice: withImage(e.choose(scores, trials)), sums };
    });
    engine.release(...(Object.values(stats) as Vector[]), ...(skipped ? [skipped] : []));
    return result;
  }

  /** Statistics of S over all frequencies, and λ_max of what is skipped beside it. */
  #statistics(
    run: Run,
    k: number,
    step: NonlinearityStep | MaximumStep,
    wanted: Wanted,
    skip: Skip | undefined,
    shape: PoolShape | undefined,
  ): { stats: Statistics; skipped: Vector | undefined } {
    const engine = this.#engine;
    let found: { stats: Statistics; skipped: Vector | undefined } | undefined;
    for (let c = 0; c < this.#partition.chunks.length; c++) {
      const { state, done } = this.#stateBefore(run, k, c);
      const own = scoped(engine, (e) => {
        const matrices = this.#asMatrices(e, state, step);
        const stats = statistics(e, argument(e, matrices, step.source), wanted, shape?.root);
        const skipped = skip ? e.spectralRadius(e.submatrix(matrices, skip.ranges, skip.ranges)) : undefined;
        return { stats, skipped };
      });
      done();
      const previous = found;
      if (!previous) {
        found = own;
        continue;
      }
      found = scoped(engine, (e) => ({
        stats: merge(e, previous.stats, own.stats),
        skipped: previous.skipped && own.skipped ? e.maximum(previous.skipped, own.skipped) : undefined,
      }));
      for (const { stats, skipped } of [previous, own]) {
        engine.release(...(Object.values(stats) as Vector[]), ...(skipped ? [skipped] : []));
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
    const next = this.#segment.steps[k + 1];
    let parts: Vector[] | undefined;
    const reads: Matrices[] = [];
    for (let c = 0; c < this.#partition.chunks.length; c++) {
      const { state, done } = this.#stateBefore(run, k, c);
      const after = this.#step(run, k, c, state, choice);
      done();
      const updated = after.state as Matrices;
      if (next?.kind === 'read') {
        reads.push(this.#readPart(k + 1, c, updated));
      } else {
        const own = this.#radiiAfter(engine, k, c, step, updated, skip);
        const before = parts;
        parts = before ? own.map((radius, i) => engine.maximum(radius, before[i]!)) : own;
      }
      this.#engine.release(updated, ...(after.definite ? [after.definite] : []));
    }
    if (reads.length > 0) {
      const score = engine.spectralRadius(reads.reduce((a, b) => engine.add(a, b)));
      this.#engine.release(...reads);
      return score;
    }
    const [whole, branch] = parts!;
    if (!branch) return whole!;
    // The branch joins what is skipped further on: (√λ(skipped) · ratio + √λ(branch))², up to a common factor.
    return engine.combine([
      [skip!.ratio, engine.squareRoot(whole!)],
      [1, engine.squareRoot(branch)],
    ]);
  }

  /** What a chunk contributes to a score: λ_max of the next S; or of what is skipped and of the branch, if they join later. */
  #radiiAfter(
    engine: Engine,
    k: number,
    chunk: number,
    step: NonlinearityStep | MaximumStep,
    updated: Matrices,
    skip: Skip | undefined,
  ): Vector[] {
    const next = this.#segment.steps[k + 1];
    if (next?.kind === 'linear' && (step.kept.length === 0 || !skip || skip.direct)) {
      const symbol = this.#symbolAt(k + 1, chunk);
      const copies = next.ratio.reduce((p, r) => p * r, 1);
      return [scoped(engine, (e) => e.spectralRadius(affine(e, symbol, updated, copies)))];
    }
    if (step.kept.length === 0 || !skip) return [engine.spectralRadius(updated)];
    const split = updated.rows - step.target.rows;
    return [[0, split] as const, [split, updated.rows] as const].map((range) =>
      scoped(engine, (e) => e.spectralRadius(e.submatrix(updated, [range], [range]))),
    );
  }

  // ---- symbols --------------------------------------------------------------------------------

  #frequencies(k: number, chunk: number): Frequencies {
    return this.#partition.chunks[chunk]!.frequencies[k]!;
  }

  #tapsOf(k: number): { taps: StepTaps; matrices: Matrices | undefined } {
    let found = this.#taps.get(k);
    if (!found) {
      const step = this.#segment.steps[k]!;
      if (step.kind !== 'linear' && step.kind !== 'read')
        throw new Error('sweep: only linear steps have taps');
      const taps = tapsOf(step, this.#segment.axes);
      const matrices =
        this.#segment.axes > 0
          ? this.#engine.matrices(taps.matrices, 1, taps.taps.length, taps.rows * taps.columns, false)
          : undefined;
      found = { taps, matrices };
      this.#taps.set(k, found);
    }
    return found;
  }

  #symbolAt(k: number, chunk: number): Matrices {
    const last = this.#symbol;
    if (last && last.step === k && last.chunk === chunk) return last.symbol;
    this.#dropSymbol();
    const { taps, matrices } = this.#tapsOf(k);
    const symbol = scoped(this.#engine, (e) => symbolOf(e, taps, matrices, this.#frequencies(k, chunk)));
    this.#symbol = { step: k, chunk, symbol };
    return symbol;
  }

  #dropSymbol(): void {
    if (this.#symbol) this.#engine.release(this.#symbol.symbol);
    this.#symbol = undefined;
  }

  // ---- result ---------------------------------------------------------------------------------

  /** Reads a run's result back and releases all it holds. */
  async #outcome(run: Run): Promise<Outcome> {
    const engine = this.#engine;
    const vectorOutput = this.#segment.axes === 0;
    const made: Handle[] = [];
    let radius: Vector | undefined;
    let covariance: Matrices | undefined;
    for (const chunk of this.#partition.chunks.keys()) {
      const { state, done } = this.#stateBefore(run, this.#segment.steps.length, chunk);
      const matrices = this.#finalMatrices(state);
      const own = engine.spectralRadius(matrices);
      const previous = radius;
      radius = previous ? engine.maximum(previous, own) : own;
      made.push(radius, ...(matrices === state ? [] : [matrices]));
      if (previous) engine.release(own);
      if (vectorOutput) covariance = matrices;
      else done();
    }
    const layers = run.layers;
    const [[values, exponents, definite], matrix, perLayer] = await Promise.all([
      engine.read(radius!, run.exponent, run.definite),
      covariance ? engine.read(covariance) : undefined,
      engine.read(...layers.flatMap((l) => [l.d, l.exponent, l.relative])),
    ]);
    const states = run.states.filter((s) => s !== undefined);
    engine.release(...new Set([...made, ...states, run.exponent, run.definite]));
    engine.release(...layers.flatMap((l) => [l.d, l.exponent, l.relative]));
    this.#forgetChoices(run);
    const exponent = exponents![0]! + run.hostExponent;
    return {
      name: run.choosing.name,
      squared: scaled(definite![0] === 1 ? values![0]! : NaN, exponent),
      ...(matrix ? { covariance: { matrix: matrix[0]!, exponent } } : {}),
      layers: layers.map((l, i) => ({
        step: l.step,
        variable: l.step.target.variable,
        values: perLayer[3 * i]!,
        exponent: perLayer[3 * i + 1]![0]! + l.hostExponent,
        relative: perLayer[3 * i + 2]!,
      })),
    };
  }

  #finalMatrices(state: State): Matrices {
    if (state?.kind === 'matrices') return state;
    return scoped(this.#engine, (e) => {
      const diagonal = state ?? e.vector(new Float64Array(totalRows(this.#segment.start)).fill(1));
      return e.diagonalMatrix(diagonal, this.#segment.axes > 0);
    });
  }

  /** Multipliers stay with the run's layers until its outcome is read. */
  #forgetChoices(run: Run): void {
    for (const { shift, image } of run.choices.values()) {
      this.#engine.release(shift);
      if (image) this.#engine.release(image);
    }
    run.choices.clear();
  }
}

/** Factors of the short line search over a rule's D in general graphs (math.md §4). */
const SEARCH = [1, 1.5, 2.25];

function closedForm(
  engine: Engine,
  step: NonlinearityStep | MaximumStep,
  rule: Rule,
  stats: Statistics,
  skip: Vector | undefined,
): Vector {
  if (step.kind === 'maximum' && step.kept.length === 0) return leastMultiplier(engine, rule, stats);
  return multiplier(engine, rule, stats, skip);
}
