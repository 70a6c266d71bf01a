/** Elementwise functions of straight pieces. */
import type { Elementwise } from '../../network/elementwise/table.ts';
import { broadcast } from '../../network/size.ts';

/** Continuous; slopes[p] · y + offsets[p] from breaks[p − 1] to breaks[p], all of them exact. Neighbouring slopes differ. */
export interface Pieces {
  readonly breaks: readonly number[];
  readonly slopes: readonly number[];
  readonly offsets: readonly number[];
}

/** gain · pieces(scale · y + shift) + slope · y: what an elementwise function is. */
export interface Straight {
  readonly scale: number;
  readonly shift: number;
  /** Absent: the function is linear. */
  readonly pieces?: Pieces;
  readonly gain: number;
  readonly slope: number;
}

export const ABSOLUTE_VALUE: Pieces = { breaks: [0], slopes: [-1, 1], offsets: [0, 0] };
export const POSITIVE_PART: Pieces = { breaks: [0], slopes: [0, 1], offsets: [0, 0] };

/** Undefined where a function is not of straight pieces. */
export function straightPieces(f: Elementwise, channel: number): Straight | undefined {
  switch (f.name) {
    case 'relu':
      return plain(POSITIVE_PART);
    case 'abs':
      return plain(ABSOLUTE_VALUE);
    case 'leaky-relu':
      return kinked(f.slope);
    case 'prelu':
      return kinked(broadcast(f.slopes, channel));
    case 'clip':
      return plain(clipped(f.min, f.max));
    case 'hard-sigmoid':
      return { ...plain(clipped(0, 1)), scale: f.alpha, shift: f.beta };
    case 'soft-shrink':
      // Its outer pieces have one slope, in which rounding would leave no room: y less what is cut off.
      return { ...plain(clipped(-f.threshold, f.threshold)), gain: -1, slope: 1 };
    default:
      return undefined;
  }
}

function plain(pieces: Pieces): Straight {
  return { scale: 1, shift: 0, pieces, gain: 1, slope: 0 };
}

function kinked(slope: number): Straight {
  if (slope === 1) return { scale: 1, shift: 0, gain: 0, slope: 1 };
  return plain({ breaks: [0], slopes: [slope, 1], offsets: [0, 0] });
}

function clipped(min: number, max: number): Pieces {
  if (min === -Infinity && max === Infinity) throw new Error('pieces: a clip has an end');
  if (min === -Infinity) return { breaks: [max], slopes: [1, 0], offsets: [0, max] };
  if (max === Infinity) return { breaks: [min], slopes: [0, 1], offsets: [min, 0] };
  return { breaks: [min, max], slopes: [0, 1, 0], offsets: [min, 0, max] };
}

/** The piece that y lies on; at a break the later one. */
export function pieceAt({ breaks }: Pieces, y: number): number {
  let piece = 0;
  while (piece < breaks.length && y >= breaks[piece]!) piece++;
  return piece;
}
