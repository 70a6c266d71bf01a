/** Symbols of a segment's linear steps at pieces of its frequencies, kept from pass to pass where there is room. */
import type { Engine, Matrices } from '../../../engine/engine.ts';
import { scoped } from '../../../engine/scope.ts';
import type { Segment } from '../../../program/program.ts';
import { type StepTaps, symbolOf, tapNumbers } from '../../rules/affine.ts';
import type { SegmentFrequencies } from '../frequencies.ts';
import type { Taps } from '../taps.ts';

export class PieceSymbols {
  readonly #engine: Engine;
  readonly #segment: Segment;
  readonly #pieces: readonly SegmentFrequencies[];
  readonly #taps: Taps;
  readonly #kept: Map<string, Matrices> | undefined;

  /** @param keep whether all of them have room at one time */
  constructor(
    engine: Engine,
    segment: Segment,
    pieces: readonly SegmentFrequencies[],
    taps: Taps,
    keep: boolean,
  ) {
    this.#taps = taps;
    this.#engine = engine;
    this.#segment = segment;
    this.#pieces = pieces;
    this.#kept = keep ? new Map() : undefined;
  }

  tapsOf(k: number): StepTaps {
    const step = this.#segment.steps[k]!;
    if (step.kind !== 'linear' && step.kind !== 'read') throw new Error('only linear steps have taps');
    return this.#taps.of(step, this.#segment.axes);
  }

  /** What `use` records with the symbol of step k at a piece. */
  with<T>(k: number, piece: number, use: (symbol: Matrices) => T): T {
    const name = `${k} ${piece}`;
    const symbol = this.#kept?.get(name) ?? this.#make(k, piece);
    try {
      return use(symbol);
    } finally {
      if (this.#kept) this.#kept.set(name, symbol);
      else this.#engine.release(symbol);
    }
  }

  close(): void {
    if (this.#kept) this.#engine.release(...this.#kept.values());
    this.#kept?.clear();
  }

  #make(k: number, piece: number): Matrices {
    const taps = this.tapsOf(k);
    return scoped(this.#engine, (e) => {
      const uploaded =
        this.#segment.axes > 0
          ? e.matrices(() => tapNumbers(e, taps), 1, taps.taps.length, taps.rows * taps.columns, false)
          : undefined;
      return symbolOf(e, taps, uploaded, this.#pieces[piece]!.frequencies[k]!);
    });
  }
}
