/** How a search fits the memory. */
import type { Program } from '../../program/program.ts';
import { type PassBytes, passBytes } from '../memory/passBytes.ts';
import { coarsestCount } from './frequencies.ts';

/** A pass without tapes may work on this part of the memory at a time, and keep symbols in another. */
const PART = 0.25;

export class SearchPlan {
  readonly #memory: number;
  readonly #parts: readonly {
    readonly vectors: boolean;
    readonly bytes: PassBytes;
    readonly count: number;
  }[];
  readonly #cuts: readonly number[];

  /** @param memory in bytes @param numberBytes of one number */
  constructor({ segments }: Program, memory: number, numberBytes: number) {
    this.#memory = memory;
    this.#parts = segments.map((segment) => ({
      vectors: segment.axes === 0,
      bytes: passBytes(segment, numberBytes),
      count: coarsestCount(segment),
    }));
    const steps = segments.reduce((sum, s) => sum + s.steps.length, 0);
    this.#cuts = [1, 2, 4, 8, 16, 32].filter((b) => b === 1 || b <= steps / 2);
  }

  /** Frequencies of the coarsest grid of every segment, 1 for vectors. */
  get counts(): number[] {
    return this.#parts.map(({ count }) => count);
  }

  /**
   * Blocks of steps, the fewest, with whose tapes so many frequencies of every segment have room: with 1 all tapes are kept, with more
   * the states between blocks. Undefined where they have none.
   * @param beside bytes that are taken
   */
  blocksFor(counts: readonly number[], beside = 0): number | undefined {
    return this.#cuts.find((blocks) => beside + this.#need(counts, blocks) <= this.#memory);
  }

  /** Whether one frequency's worth of tapes fits. */
  get hasRoom(): boolean {
    return this.blocksFor(this.counts.map(() => 1)) !== undefined;
  }

  /** Frequencies of every segment that a pass without tapes takes at a time. */
  get pieces(): number[] {
    return this.#parts.map(({ bytes, count }) =>
      Math.max(1, Math.min(count, Math.floor((PART * this.#memory) / (bytes.working + bytes.symbols)))),
    );
  }

  /** Bytes of the symbols of all frequencies. */
  get symbolBytes(): number {
    return this.#parts.reduce((sum, part) => sum + part.count * part.bytes.symbols, 0);
  }

  /** Bytes of the symbols of all frequencies where they have room beside that, else 0: they are made again. */
  get keptSymbols(): number {
    const bytes = this.symbolBytes;
    return bytes <= PART * this.#memory ? bytes : 0;
  }

  #need(counts: readonly number[], blocks: number): number {
    // What vectors need does not shrink with the frequencies.
    const needs = [true, false].map((vectors) => {
      const chosen = this.#parts.flatMap((part, i) =>
        part.vectors === vectors ? [{ ...part.bytes, count: counts[i]! }] : [],
      );
      const state = chosen.reduce((most, p) => Math.max(most, p.count * p.state), 0);
      const working = chosen.reduce((most, p) => Math.max(most, p.count * p.working), 0);
      const kept = chosen.reduce((sum, p) => sum + p.count * (p.symbols + p.tapes / blocks), 0);
      return kept + working + (blocks > 1 ? blocks * state : 0);
    });
    return needs.reduce((a, b) => a + b, 0);
  }
}
