/** Sine and cosine. */
import { type Definition, interval, plain } from './definition.ts';

export interface Sin {
  readonly name: 'sin';
}

export const sin: Definition<Sin> = {
  ...plain('sin'),
  value: (_, x) => Math.sin(x),
  derivative: (_, x) => Math.cos(x),
  slopes: () => interval(-1, 1),
  kinks: () => [],
  curvature: () => 1,
  turns: (_, from, to) => multiplesOfPi(0, from, to),
};

export interface Cos {
  readonly name: 'cos';
}

export const cos: Definition<Cos> = {
  ...plain('cos'),
  value: (_, x) => Math.cos(x),
  derivative: (_, x) => -Math.sin(x),
  slopes: () => interval(-1, 1),
  kinks: () => [],
  curvature: () => 1,
  turns: (_, from, to) => multiplesOfPi(0.5, from, to),
};

/** More turns than these in an interval, or so far out that they are not known well, and the slopes are those of the whole line. */
const MOST_TURNS = 64;
const FARTHEST_TURN = 2 ** 20;

/** (k + offset) π in [from, to], for whole k. */
function multiplesOfPi(offset: number, from: number, to: number): readonly number[] | undefined {
  if (!(to - from <= MOST_TURNS && Math.max(-from, to) <= FARTHEST_TURN)) return undefined;
  const first = Math.ceil(from / Math.PI - offset);
  const last = Math.floor(to / Math.PI - offset);
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, k) => (first + k + offset) * Math.PI);
}
