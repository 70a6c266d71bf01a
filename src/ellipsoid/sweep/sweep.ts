/**
 * Pushes the ellipsoid through a program, for several choices of multipliers in one sweep: symbols are made once per step
 * and chunk of frequencies, every run (a rule) has its own covariances.
 *
 * Everything is recorded on the engine and read back once, after the last step.
 */

import type { Engine, Handle, Matrices, Vector } from '../../engine/engine.ts';
import { bytesPerNumber } from '../../engine/precision.ts';
import { readAllNamed, readNamed } from '../../engine/readBack.ts';
import { scoped } from '../../engine/scope.ts';
import {
  type MaximumStep,
  type NonlinearityStep,
  type Program,
  type Segment,
  type Step,
  totalRows,
} from '../../program/program.ts';
import type { Variable } from '../../program/variables.ts';
import { type Scaled, scaled } from '../../scaled.ts';
import { type Partition, partition } from '../memory/partition.ts';
import type { Skip } from '../multipliers/skips.ts';
import { type Inflation, inflationOf } from '../rounding/inflation.ts';
import type { Rounding } from '../rounding/rounding.ts';
import type { State } from '../rules/affine.ts';
import { Chooser } from './chooser.ts';
import { handlesOf, Propagation } from './propagation.ts';
import { Reaches } from './reaches.ts';
import type { Choice, Choosing, Run } from './run.ts';

export interface SweepOptions {
  readonly runs: readonly Choosing[];
  /** Memory budget in bytes for all that is on the engine. */
  readonly memory: number;
  /** What skip connections need, per nonlinearity beside which something lives on. */
  readonly skips: ReadonlyMap<Step, Skip>;
  /** Bounds rounding: every result is then from above. Absent: as it is computed. */
  readonly rounding?: Rounding | undefined;
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
  /** Where rounding was bounded: what that cost. */
  readonly inflation?: Inflation;
}

/** @throws the signal's reason when it is aborted. */
export async function sweep(engine: Engine, program: Program, options: SweepOptions): Promise<Outcome[]> {
  const runsAtOnce = Math.min(
    ...program.segments.map((s) => partitionFor(engine, s, options, options.runs.length).runs),
    options.runs.length,
  );
  const outcomes: Outcome[] = [];
  for (let first = 0; first < options.runs.length; first += runsAtOnce) {
    const together = options.runs.slice(first, first + runsAtOnce);
    outcomes.push(...(await new Sweep(engine, program, options).run(together)));
  }
  return outcomes;
}

function partitionFor(
  engine: Engine,
  segment: Segment,
  { memory }: SweepOptions,
  wantedRuns: number,
): Partition {
  return partition(segment, { memory, bytesPerNumber: bytesPerNumber(engine), wantedRuns });
}

class Sweep {
  readonly #engine: Engine;
  readonly #program: Program;
  readonly #options: SweepOptions;
  /** Of the segment at work. */
  #propagation!: Propagation;

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
        reaches: new Map(),
        reach: undefined,
        evidence: new Map(),
      }),
    );
    for (const segment of this.#program.segments) {
      this.#open(segment, runs);
      const chooser = new Chooser(engine, this.#propagation, this.#options.skips, this.#options.rounding);
      const reaches = new Reaches(engine, this.#propagation, this.#options.rounding);
      for (let k = 0; k < segment.steps.length; k++) {
        const step = segment.steps[k]!;
        for (const run of runs) {
          if (step.kind === 'nonlinearity' || step.kind === 'maximum') chooser.choose(run, k, step);
          reaches.before(run, k);
        }
        this.#advanceAll(runs, k);
        for (const run of runs) reaches.after(run, k);
        await engine.settle(this.#options.signal);
        this.#options.onStep?.(segment, k, choosings);
      }
    }
    const outcomes: Outcome[] = [];
    for (const run of runs) outcomes.push(await this.#outcome(run));
    this.#propagation.close();
    return outcomes;
  }

  // ---- segments -------------------------------------------------------------------------------

  #open(segment: Segment, runs: readonly Run[]): void {
    this.#propagation?.close();
    const partition = partitionFor(this.#engine, segment, this.#options, runs.length);
    this.#propagation = new Propagation(this.#engine, segment, partition, this.#options.rounding);
    for (const run of runs) {
      // A white state serves all pieces; vectors have one piece.
      const opening = this.#opening(run, segment);
      run.states = this.#propagation.pieces(0).map(() => opening);
      run.at = 0;
      this.#forgetChoices(run);
      this.#forgetReaches(run);
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

  // ---- steps ----------------------------------------------------------------------------------

  /** Moves every run past step k, or only remembers the way where covariances are recomputed. */
  #advanceAll(runs: readonly Run[], k: number): void {
    const step = this.#propagation.segment.steps[k]!;
    if (step.kind === 'read') {
      const sums = runs.map((run) => this.#propagation.readAll(run, k));
      runs.forEach((run, r) => {
        this.#replaceStates(run, [sums[r]]);
        run.hostExponent += 2 * this.#propagation.tapsOf(k).exponent;
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
    if (step.kind === 'linear')
      for (const run of runs) run.hostExponent += 2 * this.#propagation.tapsOf(k).exponent;
    else for (const run of runs) this.#shiftExponent(run, run.choices.get(k)!);
    if (!this.#propagation.partition.kept) return;
    const next = runs.map((): State[] => []);
    for (const [piece, { parts }] of this.#propagation.pieces(k + 1).entries()) {
      runs.forEach((run, r) => {
        next[r]!.push(this.#propagation.stateAfter(run, k, piece));
        this.#dropStates(run, ...parts);
      });
    }
    runs.forEach((run, r) => {
      run.states = next[r]!;
      run.at = k + 1;
    });
    if (step.kind === 'linear') this.#propagation.forget(k);
  }

  /** Lets go of the states of pieces first … end − 1; a white one may serve others still. */
  #dropStates(run: Run, first: number, end: number): void {
    const old = new Set(run.states.slice(first, end));
    run.states.fill(undefined, first, end);
    for (const state of old) if (state && !run.states.includes(state)) this.#engine.release(state);
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

  // ---- result ---------------------------------------------------------------------------------

  /** Reads a run's result back and releases all it holds. */
  async #outcome(run: Run): Promise<Outcome> {
    const engine = this.#engine;
    const vectorOutput = this.#propagation.segment.axes === 0;
    const made: Handle[] = [];
    let radius: Vector | undefined;
    let covariance: Matrices | undefined;
    const end = this.#propagation.segment.steps.length;
    for (const piece of this.#propagation.pieces(end).keys()) {
      const { state, done } = this.#propagation.stateBefore(run, end, piece);
      const matrices = this.#finalMatrices(state);
      const own = engine.spectralRadius(matrices);
      const previous = radius;
      radius = previous ? engine.maximum(previous, own) : own;
      made.push(radius, ...(matrices === state ? [] : [matrices]));
      if (previous) engine.release(own);
      if (vectorOutput) covariance = matrices;
      else done();
    }
    const ends = { radius, covariance, exponent: run.exponent, definite: run.definite };
    const { layers } = run;
    const multipliers = layers.map(({ d, exponent, relative }) => ({ d, exponent, relative }));
    const proofs = [...run.evidence.values()];
    const [found, perLayer, evidence] = await Promise.all([
      readNamed(engine, ends),
      readAllNamed(engine, multipliers),
      readAllNamed(engine, proofs),
    ]);
    const states = run.states.filter((s) => s !== undefined);
    engine.release(...new Set([...made, ...states, run.exponent, run.definite]));
    engine.release(...multipliers.flatMap(Object.values<Vector>), ...proofs.flatMap(handlesOf));
    this.#forgetChoices(run);
    this.#forgetReaches(run);
    const exponent = found.exponent[0]! + run.hostExponent;
    const { rounding } = this.#options;
    const inflation =
      rounding && inflationOf([...run.evidence.keys()].map((step, k) => ({ step, ...evidence[k]! })));
    const proven = !inflation || inflation.proven;
    const squared = proven && found.definite[0] === 1 ? found.radius![0]! * (rounding?.radius ?? 1) : NaN;
    return {
      name: run.choosing.name,
      squared: scaled(squared, exponent),
      ...(inflation ? { inflation } : {}),
      ...(found.covariance ? { covariance: { matrix: found.covariance, exponent } } : {}),
      layers: layers.map(({ step, hostExponent }, k) => ({
        step,
        variable: step.target.variable,
        values: perLayer[k]!.d,
        exponent: perLayer[k]!.exponent[0]! + hostExponent,
        relative: perLayer[k]!.relative,
      })),
    };
  }

  #finalMatrices(state: State): Matrices {
    if (state?.kind === 'matrices') return state;
    return scoped(this.#engine, (e) => {
      const diagonal =
        state ?? e.vector(new Float64Array(totalRows(this.#propagation.segment.start)).fill(1));
      return e.diagonalMatrix(diagonal, this.#propagation.segment.axes > 0);
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

  #forgetReaches(run: Run): void {
    this.#engine.release(...run.reaches.values(), ...(run.reach ? [run.reach] : []));
    run.reaches.clear();
    run.reach = undefined;
  }
}
