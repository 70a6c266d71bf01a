/** Filters of one channel between the frequencies of a grid. */

/** e^{−iθc} Σ_t x_t e^{iθt}, c the centre of mass of |x|: a phase that changes no bound, and leaves the least slope. */
function value(filter: readonly number[], theta: number): [number, number] {
  const weight = filter.reduce((sum, x) => sum + Math.abs(x), 0);
  const centre = filter.reduce((sum, x, t) => sum + t * Math.abs(x), 0) / weight;
  return [
    filter.reduce((sum, x, t) => sum + x * Math.cos(theta * (t - centre)), 0),
    filter.reduce((sum, x, t) => sum + x * Math.sin(theta * (t - centre)), 0),
  ];
}

const times = ([a, b]: readonly number[], [c, d]: readonly number[]) => [
  a! * c! - b! * d!,
  a! * d! + b! * c!,
];

/** The most by which W V, for the chord V of the first filter between neighbouring frequencies, is off its own chord. */
export function largestDeviation(
  first: readonly number[],
  second: readonly number[],
  frequencies: number,
): number {
  const h = (2 * Math.PI) / frequencies;
  let most = 0;
  for (let k = 0; k < frequencies; k++) {
    const [left, right] = [value(first, k * h), value(first, (k + 1) * h)];
    const ends = [times(value(second, k * h), left), times(value(second, (k + 1) * h), right)];
    for (let step = 1; step < 32; step++) {
      const share = step / 32;
      const between = (a: readonly number[], b: readonly number[]) =>
        a.map((x, i) => (1 - share) * x + share * b[i]!);
      const image = times(value(second, (k + share) * h), between(left, right));
      const chord = between(ends[0]!, ends[1]!);
      most = Math.max(most, Math.hypot(image[0]! - chord[0]!, image[1]! - chord[1]!));
    }
  }
  return most;
}
