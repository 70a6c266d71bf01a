/** Functions of x²: Gaussians, and moduli without a kink. */
import { type Definition, interval, noTurns, turningAt } from './definition.ts';

/** e^(−rate x²); the rate may be off by a few roundings. */
export interface Gaussian {
  readonly name: 'gaussian';
  readonly rate: number;
}

export const gaussian: Definition<Gaussian> = {
  examples: [
    { name: 'gaussian', rate: 1 },
    { name: 'gaussian', rate: 0.5 },
    { name: 'gaussian', rate: 3 },
  ],
  parameters: ({ rate }) => [rate],
  check: ({ rate }, demand) => demand.that(rate > 0 && rate < Infinity, 'rate must be positive', rate),
  value: ({ rate }, x) => Math.exp(-rate * x * x),
  derivative: ({ rate }, x) => {
    const value = Math.exp(-rate * x * x);
    // Far out the factor leaves float64 before the other is 0.
    return value === 0 ? 0 : -2 * rate * x * value;
  },
  slopes: ({ rate }) => {
    const most = Math.sqrt((2 * rate) / Math.E) * (1 + 2 ** -48); // at x² = 1/(2 rate)
    return interval(-most, most);
  },
  kinks: () => [],
  curvature: ({ rate }) => 2 * rate * (1 + 2 ** -48), // at 0
  turns: ({ rate }, from, to) => {
    const place = Math.sqrt(0.5 / rate);
    return turningAt([-place, place], from, to);
  },
};

/** √(x² + floor), of floors of at most `MOST_FLOOR`: squareplus is half of x and it. */
export interface SmoothModulus {
  readonly name: 'smooth-modulus';
  readonly floor: number;
}

/** Values of larger ones round by more than what is said of functions (`elementwiseEnclosure.ts`). */
export const MOST_FLOOR = 64;

export const smoothModulus: Definition<SmoothModulus> = {
  examples: [
    { name: 'smooth-modulus', floor: 4 },
    { name: 'smooth-modulus', floor: 0.01 },
  ],
  parameters: ({ floor }) => [floor],
  check: ({ floor }, demand) =>
    demand.that(floor > 0 && floor <= MOST_FLOOR, `floor must lie in (0, ${MOST_FLOOR}]`, floor),
  value: ({ floor }, x) => Math.hypot(x, Math.sqrt(floor)),
  derivative: ({ floor }, x) => (x === 0 ? 0 : x / Math.hypot(x, Math.sqrt(floor))),
  slopes: () => interval(-1, 1),
  kinks: () => [],
  curvature: ({ floor }) => (1 + 2 ** -48) / Math.sqrt(floor), // at 0
  turns: noTurns,
};
