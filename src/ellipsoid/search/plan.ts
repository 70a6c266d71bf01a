/** How a search fits the memory. */
import { gridSides, type Program } from '../../program/program.ts';
import { halfCount, NO_FREQUENCIES } from '../../spectrum/frequencies.ts';
import { passBytes } from '../memory/passBytes.ts';
import { evenlySpread, type SegmentFrequencies } from './frequencies.ts';

export interface SearchPlan {
  readonly frequencies: readonly SegmentFrequencies[];
  /** True where all frequencies are there. */
  readonly complete: boolean;
  /** Blocks of steps between which the pass keeps states alone. */
  readonly blocks: number;
}

/**
 * With all tapes; else with tapes for one block of steps at a time; else with only as many evenly
 * spread frequencies as there is room for. Undefined where there is no room for one.
 */
export function searchPlan(program: Program, memory: number, numberBytes: number): SearchPlan | undefined {
  const parts = program.segments.map((segment) => ({
    segment,
    bytes: passBytes(segment, numberBytes),
    count: segment.axes === 0 ? 0 : halfCount(gridSides(segment, segment.steps.length)),
  }));
  const steps = program.segments.reduce((sum, s) => sum + s.steps.length, 0);
  // What vectors need does not shrink with the frequencies.
  const need = (blocks: number, vectors: boolean) => {
    const chosen = parts.filter((p) => (p.count === 0) === vectors);
    const times = (p: (typeof parts)[number]) => Math.max(1, p.count);
    const state = Math.max(0, ...chosen.map((p) => times(p) * p.bytes.state));
    const working = Math.max(0, ...chosen.map((p) => times(p) * p.bytes.working));
    const kept = chosen.reduce((sum, p) => sum + times(p) * (p.bytes.symbols + p.bytes.tapes / blocks), 0);
    return kept + working + (blocks > 1 ? blocks * state : 0);
  };
  const cuts = [1, 2, 4, 8, 16, 32].filter((b) => b === 1 || b <= steps / 2);
  const whole = cuts.find((b) => need(b, true) + need(b, false) <= memory);
  const blocks =
    whole ??
    cuts.reduce((best, b) =>
      need(b, true) + need(b, false) < need(best, true) + need(best, false) ? b : best,
    );
  const room = memory - need(blocks, true);
  if (!(room > 0)) return undefined;
  const share = whole === undefined ? Math.min(1, room / need(blocks, false)) : 1;
  const counts = parts.map((p) => (share === 1 ? p.count : Math.floor(share * p.count)));
  if (parts.some((p, i) => p.count > 0 && counts[i] === 0)) return undefined;
  return {
    frequencies: parts.map(({ segment }, i) =>
      segment.axes === 0
        ? { frequencies: segment.grids.map(() => NO_FREQUENCIES) }
        : evenlySpread(segment, counts[i]!),
    ),
    complete: share === 1,
    blocks,
  };
}
