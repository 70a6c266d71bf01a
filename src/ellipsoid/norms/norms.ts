/** Spectral norms of the linear maps of a program, each on the torus of its segment, from above. */

import type { Engine, Handle, Matrices, Vector } from '../../engine/engine.ts';
import { precisionOf } from '../../engine/precision.ts';
import { scoped } from '../../engine/scope.ts';
import type { PlacedTerm, Program, Segment } from '../../program/program.ts';
import type { LinearMap } from '../../program/variables.ts';
import { roundedUp, type Scaled, scaled, squareRoot } from '../../scaled.ts';
import { aliasesOf, type Frequencies, halfTorus, slice, type Tap } from '../../spectrum/frequencies.ts';
import { MOST_UPLOADED } from '../memory/partition.ts';
import type { Rounding } from '../rounding/rounding.ts';
import { affine, read, symbolOf, type TermTaps, tapNumbers } from '../rules/affine.ts';
import { affineAbove, denseError, readAbove, sumAbove, symbolError } from '../rules/affineAbove.ts';
import { byColumns } from '../rules/columns.ts';
import { affordable, pieceBytes } from './affordable.ts';
import { type NormPlan, normPlan, normTaps } from './form.ts';
import type { Norms } from './gains.ts';
import { schurNorm } from './schur.ts';

export interface NormsOptions {
  /** Memory budget in bytes. */
  readonly memory: number;
  /** Bounds rounding: norms are then from above. */
  readonly rounding?: Rounding | undefined;
  /** They are only to choose by: estimates, which no bound may rest on. */
  readonly about?: boolean | undefined;
  /** All norms together may take about so long; maps beyond are bounded by Schur's test. */
  readonly seconds?: number | undefined;
  /** Until then, on `performance.now()`; after it the same. */
  readonly until?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onMap?: (segment: Segment, k: number, placed: PlacedTerm) => void;
  /** Called for every map that Schur's test had to do for. */
  readonly onTested?: (placed: PlacedTerm) => void;
}

/** Norms of all maps but identities, read back once at the end. */
export async function normsOf(engine: Engine, program: Program, options: NormsOptions): Promise<Norms> {
  const found: { map: LinearMap; squared: Vector; exponent: number }[] = [];
  const { signal } = options;
  const tested = new Map<LinearMap, Scaled>();
  const seen = new Set<LinearMap>();
  let seconds = options.seconds ?? Infinity;
  const time = new Time(options);
  for (const segment of program.segments) {
    for (const [k, step] of segment.steps.entries()) {
      if (step.kind !== 'linear' && step.kind !== 'read') continue;
      for (const placed of step.terms) {
        const map = placed.term.map;
        if (map.kind === 'identity' || map.kind === 'pick' || seen.has(map)) continue;
        seen.add(map);
        const plan = normPlan(segment, k, placed);
        const took = affordable(engine, placed.term, plan, options.memory);
        const affords = took !== undefined && took <= seconds;
        if (affords) seconds -= took;
        const norm =
          affords &&
          (await time.within(async (stop) => {
            const taps = normTaps(placed, segment.axes, plan);
            const squared = await squaredNorm(engine, map, plan, taps, options, stop);
            return { map, squared, exponent: taps.exponent };
          }));
        if (norm) {
          found.push(norm);
        } else {
          tested.set(map, schurNorm(placed.term, options.rounding?.weights ?? 0));
          options.onTested?.(placed);
          // Nothing was recorded, but of large maps it took a while: others get their turn.
          await engine.settle(signal);
        }
        options.onMap?.(segment, k, placed);
      }
    }
  }
  const values = found.length > 0 ? await engine.read(...found.map((f) => f.squared)) : [];
  engine.release(...found.map((f) => f.squared));
  return new Map<LinearMap, Scaled>([
    ...tested,
    ...found.map((f, i): [LinearMap, Scaled] => [
      f.map,
      roundedUp(squareRoot(scaled(values[i]![0]!, 2 * f.exponent))),
    ]),
  ]);
}

/** What is left of the time that norms may take. */
class Time {
  readonly #until: number;
  readonly #signal: AbortSignal | undefined;

  constructor({ until = Infinity, signal }: NormsOptions) {
    this.#until = until;
    this.#signal = signal;
  }

  /** What `work` gives, or nothing where the time does not last for it. @throws the signal's reason when it is aborted */
  async within<T>(work: (stop: AbortSignal | undefined) => Promise<T>): Promise<T | undefined> {
    if (this.#until === Infinity) return work(this.#signal);
    this.#signal?.throwIfAborted();
    const left = this.#until - performance.now();
    if (left <= 0) return undefined;
    const end = new AbortController();
    const timer = setTimeout(() => end.abort(), Math.min(left, 2 ** 31 - 1));
    try {
      return await work(this.#signal ? AbortSignal.any([this.#signal, end.signal]) : end.signal);
    } catch (error) {
      if (this.#signal?.aborted || !end.signal.aborted) throw error;
      return undefined;
    } finally {
      clearTimeout(timer);
    }
  }
}

/** Operations that are recorded before anybody looks whether they are still wanted: a second of a core or two, or of a GPU. */
const RECORDED_OPERATIONS = { double: 4e10, single: 4e12 } as const;

/** max_ω of λ_max(W Wᴴ), aliased where the map has a stride, or of Σ_ω W Wᴴ where it reads whole windows.
 *  @throws the reason of `stop` when it is aborted */
async function squaredNorm(
  engine: Engine,
  map: LinearMap,
  { constant, torus, ratio, copies }: NormPlan,
  taps: TermTaps,
  { memory, rounding, about }: NormsOptions,
  stop: AbortSignal | undefined,
): Promise<Vector> {
  if (constant) {
    const squared = scoped(engine, (e) => radius(e, rounding, smallerGram(e, taps, rounding), about));
    return settled(engine, [squared], stop, squared);
  }
  const reads = map.kind === 'read' || map.kind === 'total';
  const coarse = halfTorus(about && !reads ? determining(torus, taps.taps) : torus);
  const { rows, columns } = taps;
  const bytes = pieceBytes(engine, copies, rows * columns, rows, taps.taps.length);
  const operations = 8 * copies * rows * (rows * columns + 2 * rows ** 2);
  const recorded = RECORDED_OPERATIONS[precisionOf(engine.information)];
  const size = Math.max(1, Math.floor(Math.min(memory / bytes, recorded / operations)));
  const parts: Frequencies[] = [];
  for (let start = 0; start < coarse.count; start += size) {
    const part = slice(coarse, start, Math.min(coarse.count, start + size));
    parts.push(copies === 1 ? part : aliasesOf(part, ratio));
  }
  const blocks = [[0, rows]] as const;
  const matrices = engine.matrices(tapNumbers(engine, taps), 1, taps.taps.length, rows * columns, false);
  const error = rounding && scoped(engine, (e) => symbolError(e, rounding, taps, true));
  const held = [matrices, ...(error?.moduli ? [error.moduli] : [])];
  const covariance = (i: Engine, f: Frequencies): Matrices => {
    const symbol = symbolOf(i, taps, matrices, f);
    if (!rounding || !error) {
      return reads ? read(i, symbol, undefined, f) : affine(i, symbol, undefined, copies);
    }
    return reads
      ? readAbove(i, rounding, symbol, undefined, f, error, blocks).state
      : affineAbove(i, rounding, symbol, undefined, copies, error, blocks).state;
  };
  if (reads) {
    let sum: Matrices | undefined;
    for (const f of parts) {
      const before: Matrices | undefined = sum;
      sum = scoped(engine, (e) => (before ? e.add(before, covariance(e, f)) : covariance(e, f)));
      if (before) engine.release(before);
      await settled(engine, [sum, ...held], stop, undefined);
    }
    const total = sum!;
    const squared = scoped(engine, (e) =>
      radius(e, rounding, rounding ? sumAbove(e, rounding, total, parts.length, blocks) : total, about),
    );
    engine.release(total, ...held);
    return settled(engine, [squared], stop, squared);
  }
  let largest: Vector | undefined;
  for (const f of parts) {
    const before: Vector | undefined = largest;
    largest = scoped(engine, (e) => {
      const own = radius(e, rounding, covariance(e, f), about);
      return before ? e.maximum(before, own) : own;
    });
    if (before) engine.release(before);
    await settled(engine, [largest, ...held], stop, undefined);
  }
  engine.release(...held);
  return largest!;
}

/** The coarsest torus of some of the frequencies of one that still determines the W Wᴴ of taps, a trigonometric polynomial: its largest
 *  value there is about the largest of all. */
function determining(torus: readonly number[], taps: readonly Tap[]): number[] {
  return torus.map((side, a) => {
    const first = Math.min(...taps.map(({ offset }) => offset[a]!));
    const end = Math.max(...taps.map(({ offset, extent }) => offset[a]! + extent[a]!));
    let ratio = Math.max(1, Math.floor(side / (2 * (end - first) - 1)));
    while (side % ratio !== 0) ratio--;
    return side / ratio;
  });
}

/** `result`, once all that is recorded has been computed. Where it is stopped, the handles are released. */
async function settled<T>(
  engine: Engine,
  handles: readonly Handle[],
  stop: AbortSignal | undefined,
  result: T,
): Promise<T> {
  try {
    await engine.settle(stop);
    return result;
  } catch (error) {
    engine.release(...handles);
    throw error;
  }
}

/** Of squared norms at many frequencies: what float32 adds for its rounding is more. */
const TOLERANCE = 2 ** -10;

function radius(engine: Engine, rounding: Rounding | undefined, s: Matrices, about = false): Vector {
  if (about) return engine.estimatedRadius(s);
  const found = s.batch === 1 ? engine.spectralRadius(s) : engine.spectralRadius(s, TOLERANCE);
  return rounding ? engine.combine([[rounding.radius, found]]) : found;
}

/** A dense real matrix, row-major, with the `magnitudes` of `Taps`. */
export type Dense = Pick<TermTaps, 'rows' | 'columns' | 'matrices' | 'magnitudes'>;

/** ‖W‖², from above where rounding is bounded. */
export function squaredRadius(engine: Engine, dense: Dense, rounding: Rounding | undefined): Vector {
  return scoped(engine, (e) => radius(e, rounding, smallerGram(e, dense, rounding)));
}

/** W Wᵀ or Wᵀ W, whichever is smaller, the sum over slices of columns. */
function smallerGram(engine: Engine, dense: Dense, rounding: Rounding | undefined): Matrices {
  const wide = dense.rows <= dense.columns ? dense : adjoint(dense);
  const blocks = [[0, wide.rows]] as const;
  const vanishes = (wide.magnitudes ?? wide.matrices).every((x) => x === 0);
  let sum: Matrices | undefined;
  let count = 0;
  for (const { matrices, magnitudes } of byColumns(engine, wide, MOST_UPLOADED)) {
    const before = sum;
    sum = scoped(engine, (e) => {
      if (!rounding) {
        const part = e.congruence(matrices);
        return before ? e.add(before, part) : part;
      }
      const { rows, columns } = matrices;
      const own = { rows, columns, ...(magnitudes && { magnitudes }) };
      const error = { ...denseError(e, rounding, own), vanishes };
      const part = affineAbove(e, rounding, matrices, undefined, 1, error, blocks).state;
      return before ? e.add(before, part) : part;
    });
    engine.release(matrices, ...(before ? [before] : []));
    count++;
  }
  return rounding && count > 1 ? sumAbove(engine, rounding, sum!, count, blocks) : sum!;
}

function adjoint({ rows, columns, matrices, magnitudes }: Dense): Dense {
  return {
    rows: columns,
    columns: rows,
    matrices: transposed(matrices, rows, columns),
    ...(magnitudes && { magnitudes: transposed(magnitudes, rows, columns) }),
  };
}

function transposed(matrix: Float64Array, rows: number, columns: number): Float64Array {
  const out = new Float64Array(rows * columns);
  for (let r = 0; r < rows; r++) {
    for (let c = 0; c < columns; c++) out[c * rows + r] = matrix[r * columns + c]!;
  }
  return out;
}
