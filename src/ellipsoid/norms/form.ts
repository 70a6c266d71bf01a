/** A linear map in the form in which its norm takes the least work: another map of the same norm, which is often much smaller. */
import type { PlacedTerm, Segment } from '../../program/program.ts';
import { halfCount } from '../../spectrum/frequencies.ts';
import { type TermTaps, termTaps } from '../rules/affine.ts';

/** What is known of the form before its taps are made. */
export interface NormPlan {
  /** Of a symbol: at most those of W Wᴴ first. */
  readonly rows: number;
  readonly columns: number;
  /** The symbol is one matrix times a phase: W Wᴴ is the same at every frequency, and so is its mean over aliases. */
  readonly constant: boolean;
  /** The torus on which W Wᴴ is looked at, and its frequencies but for conjugates. */
  readonly torus: readonly number[];
  readonly count: number;
  /** Where not 1, the mean over so many frequencies of a torus `ratio` times finer. */
  readonly copies: number;
  readonly ratio: readonly number[];
  /** How the source is lifted: samples that a stride takes apart become channels, at the frequencies behind it. */
  readonly lift: readonly number[] | undefined;
}

/** @param k of the step of the segment that the map is part of */
export function normPlan(segment: Segment, k: number, given: PlacedTerm): NormPlan {
  const { axes } = segment;
  const placed = oneChannel(given, axes);
  const { map, channels } = placed.term;
  const grid = gridOf(segment, k, placed);
  const constant = isConstant(placed, axes);
  const lift = map.kind === 'convolution' && map.box === undefined && !constant ? map.stride : undefined;
  const copies = lift || constant ? 1 : grid.copies;
  const columns = axes === 0 ? placed.source.rows : placed.source.variable.channels * product(lift ?? []);
  const rows = map.kind === 'transposed' ? product(map.stride) * channels : channels;
  const turned = copies === 1 && (constant || turns(placed)) && rows > columns;
  return {
    ...(turned ? { rows: columns, columns: rows } : { rows, columns }),
    ...{ constant, copies, lift, torus: grid.torus, ratio: grid.ratio },
    count: constant ? 1 : halfCount(grid.torus),
  };
}

/** The taps of that form. */
export function normTaps(placed: PlacedTerm, axes: number, { rows, lift }: NormPlan): TermTaps {
  const taps = termTaps(oneChannel(placed, axes), axes, lift);
  return taps.rows === rows ? taps : transposed(taps);
}

/** The torus on which W Wᴴ of one map is looked at: that of its source, `ratio` times coarser where a stride aliases `copies`
 *  frequencies into one. */
export function gridOf(
  segment: Segment,
  k: number,
  { term, source }: PlacedTerm,
): { readonly torus: number[]; readonly ratio: readonly number[]; readonly copies: number } {
  const side = segment.grids[k]!.map((g, a) => (segment.torus[a]! / g) * source.lift[a]!);
  const ratio = term.map.kind === 'convolution' ? term.map.stride : side.map(() => 1);
  return { torus: side.map((n, a) => n / ratio[a]!), ratio, copies: product(ratio) };
}

/** Whether a map is a matrix at every position by itself, or one of vectors. */
function isConstant({ term, source }: PlacedTerm, axes: number): boolean {
  if (axes === 0) return true;
  const { map } = term;
  const reach = 'kernel' in map ? map.kernel.sides : source.variable.window;
  return map.kind !== 'identity' && reach.every((side) => side === 1);
}

/** A multiple of the identity at every position has the norm of what it does to one channel. */
function oneChannel(placed: PlacedTerm, axes: number): PlacedTerm {
  const { term, source, target } = placed;
  const { map } = term;
  const alike = map.kind === 'total' || (map.kind === 'convolution' && map.box !== undefined);
  if (!alike || axes === 0) return placed;
  return {
    term: { ...term, row: 0, channels: 1 },
    source: { ...source, variable: { ...source.variable, channels: 1 } },
    target: { ...target, variable: { ...target.variable, channels: 1 } },
  };
}

/** ‖W‖ = ‖Wᵀ‖ at every frequency; a sum over all of them is of W Wᴴ alone. */
function turns({ term }: PlacedTerm): boolean {
  return term.map.kind === 'convolution' || term.map.kind === 'transposed';
}

/** Of every tap. */
function transposed({ rows, columns, taps, matrices, magnitudes, exponent, vanishes }: TermTaps): TermTaps {
  const turned = (all: Float64Array) => {
    const out = new Float64Array(all.length);
    for (let start = 0; start < all.length; start += rows * columns) {
      for (let r = 0; r < rows; r++) {
        for (let c = 0; c < columns; c++) out[start + c * rows + r] = all[start + r * columns + c]!;
      }
    }
    return out;
  };
  return {
    ...{ rows: columns, columns: rows, taps, exponent, vanishes, matrices: turned(matrices) },
    ...(magnitudes && { magnitudes: turned(magnitudes) }),
  };
}

function product(sides: readonly number[]): number {
  return sides.reduce((p, n) => p * n, 1);
}
