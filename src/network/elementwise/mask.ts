import { type Definition, interval, noTurns, plain } from './definition.ts';

/** The identity inside a window, zero outside: what a zero-padded operator needs in front of it (docs/mathematics.md §2). */
export interface Mask {
  readonly name: 'mask';
}

export const mask: Definition<Mask> = {
  ...plain('mask'),
  value: (_, x) => x,
  derivative: () => 1,
  slopes: () => interval(0, 1),
  kinks: () => [],
  curvature: () => 0,
  turns: noTurns,
  roundsOnce: true,
};
