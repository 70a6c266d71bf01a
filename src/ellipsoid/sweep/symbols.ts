/**
 * Symbols of a segment's linear steps. Taps are on the engine while there is room, else they pass through it slice by slice,
 * for every symbol anew; so does a dense matrix that is wider than its upload may be.
 */
import type { Engine, Frame, Matrices } from '../../engine/engine.ts';
import { precisionOf } from '../../engine/precision.ts';
import { scoped } from '../../engine/scope.ts';
import type { Segment } from '../../program/program.ts';
import { type Frequencies, phases } from '../../spectrum/frequencies.ts';
import type { Uploads } from '../memory/partition.ts';
import { type StepTaps, tapNumbers, tapsOf } from '../rules/affine.ts';
import { byColumns, type ColumnSlice } from '../rules/columns.ts';

/** Taps first … end − 1 of a step, on the engine. */
interface Slice {
  readonly step: number;
  readonly first: number;
  readonly matrices: Matrices;
}

export class Symbols {
  readonly #engine: Engine;
  readonly #segment: Segment;
  readonly #uploads: Uploads;
  readonly #taps = new Map<number, StepTaps>();
  /** In the order of their uploads. */
  #atHand: Slice[] = [];

  constructor(engine: Engine, segment: Segment, uploads: Uploads) {
    this.#engine = engine;
    this.#segment = segment;
    this.#uploads = uploads;
  }

  /** Made when first needed. */
  tapsOf(k: number): StepTaps {
    let taps = this.#taps.get(k);
    if (!taps) {
      const step = this.#segment.steps[k]!;
      if (step.kind !== 'linear' && step.kind !== 'read')
        throw new Error('symbols: only linear steps have taps');
      taps = tapsOf(step, this.#segment.axes);
      this.#taps.set(k, taps);
    }
    return taps;
  }

  /** The symbol of step k; for vectors the matrix itself. To be released by the caller. */
  at(k: number, frequencies: Frequencies): Matrices {
    const own = this.tapsOf(k);
    const { rows, columns, taps, frame } = own;
    if (this.#segment.axes === 0) {
      const precision = precisionOf(this.#engine.information);
      const make = () => own.slice?.(0, columns, precision) ?? own.matrices;
      return this.#engine.matrices(make, 1, rows, columns, false);
    }
    let symbol: Matrices | undefined;
    const step = this.#tapsInSlice(rows * columns);
    for (let first = 0; first < taps.length; first += step) {
      const before = symbol;
      const part = taps.slice(first, first + step);
      const slice = this.#slice(k, first, part.length);
      symbol = scoped(this.#engine, (e) => {
        const table = e.matrices(() => phases(frequencies, part), 1, frequencies.count, part.length, true);
        // What lies beside the core comes with the first slice; with the others, nothing.
        const sum = e.symbol(slice, table, rows, columns, before && frame ? emptied(frame) : frame);
        return before ? e.add(before, sum) : sum;
      });
      if (before) this.#engine.release(before);
    }
    return symbol!;
  }

  /** The dense matrix of step k in slices of its columns, each made when asked for; to be released by the caller. */
  byColumns(k: number): Generator<ColumnSlice> {
    return byColumns(this.#engine, this.tapsOf(k), this.#uploads.slice);
  }

  /** Whether the dense matrix of step k is more than one upload. */
  isWide(k: number): boolean {
    const { rows, columns } = this.tapsOf(k);
    return this.#segment.axes === 0 && rows * columns > this.#uploads.slice;
  }

  /** Forgets the taps of step k, which nobody will ask for again. */
  forget(k: number): void {
    this.#drop((slice) => slice.step === k);
    this.#taps.delete(k);
  }

  close(): void {
    this.#drop(() => true);
    this.#taps.clear();
  }

  #tapsInSlice(size: number): number {
    const room = Math.floor(Math.min(this.#uploads.slice, this.#uploads.room) / size);
    return Math.max(1, Math.min(mostSummands(this.#engine), room));
  }

  /** Additions that an entry of step k's symbol takes one after another. */
  additions(k: number): number {
    const { rows, columns, taps } = this.tapsOf(k);
    const slice = Math.min(taps.length, this.#tapsInSlice(rows * columns));
    return slice + Math.ceil(taps.length / slice);
  }

  #slice(k: number, first: number, count: number): Matrices {
    const found = this.#atHand.find((s) => s.step === k && s.first === first);
    const taps = this.tapsOf(k);
    const { rows, columns } = taps;
    const size = rows * columns;
    let matrices = found?.matrices;
    if (!matrices) {
      // Steps come round in one order again and again: who was here first is wanted first.
      while (this.#atHand.length > 0 && this.#numbers() + count * size > this.#uploads.room) {
        this.#engine.release(this.#atHand.pop()!.matrices);
      }
      const make = () => tapNumbers(this.#engine, taps, first, count);
      matrices = this.#engine.matrices(make, 1, count, size, false);
      this.#atHand.push({ step: k, first, matrices });
    }
    return matrices;
  }

  #numbers(): number {
    return this.#atHand.reduce((sum, { matrices }) => sum + matrices.rows * matrices.columns, 0);
  }

  #drop(which: (slice: Slice) => boolean): void {
    for (const slice of this.#atHand) if (which(slice)) this.#engine.release(slice.matrices);
    this.#atHand = this.#atHand.filter((slice) => !which(slice));
  }
}

function emptied(frame: Frame): Frame {
  return { ...frame, indices: frame.indices.map(() => -1) };
}

/** Taps that are summed in one go: in float32 a sum of few sums is worth its additions, since each of those costs as much. */
function mostSummands(engine: Engine): number {
  return precisionOf(engine.information) === 'single' ? 32 : Infinity;
}
