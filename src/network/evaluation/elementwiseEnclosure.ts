/** How far computed values and slopes of the elementwise functions may be from the exact ones. */
import type { Definition } from '../elementwise/definition.ts';
import { definitionOf, type Elementwise } from '../elementwise/table.ts';
import { broadcast } from '../size.ts';

/** Unit roundoff of float64. */
export const U = 2 ** -53;

/** Encloses φ and φ′ on [x − radius, x + radius]. */
export interface ElementwiseEnclosure {
  readonly value: number;
  readonly valueRadius: number;
  /** Encloses every slope on the interval; at a kink also all that lie between its two sides. */
  readonly slope: number;
  readonly slopeRadius: number;
}

/** Encloses `f` on intervals. What does not depend on the interval is looked up once, here. */
export function elementwiseEnclosure(
  f: Elementwise,
): (x: number, radius: number, channel: number) => ElementwiseEnclosure {
  const definition = definitionOf(f);
  const { lower, upper } = definition.slopes(f);
  const corners = definition.kinks(f);
  const bend = definition.curvature(f);
  const nearness = 16 * U * Math.max(0, ...corners.map(Math.abs));
  return (x, radius, channel) => {
    const least = broadcast(lower, channel);
    const most = broadcast(upper, channel);
    const steepest = Math.max(Math.abs(least), Math.abs(most));
    const reach = radius + nearness;
    const atKink = corners.some((corner) => !(Math.abs(x - corner) > reach));
    const slope = atKink ? (least + most) / 2 : definition.derivative(f, x, channel);
    const slopeRadius = atKink
      ? ((most - least) / 2) * (1 + 4 * U)
      : bend * radius + slopeError(definition) * (1 + steepest);
    const value = definition.value(f, x, channel);
    // The mean value theorem, with the slopes of this interval.
    const steepestHere = Math.abs(slope) + slopeRadius;
    return {
      value,
      valueRadius: steepestHere * radius * (1 + 4 * U) + valueError(definition, x, value, steepest),
      slope,
      slopeRadius,
    };
  };
}

/**
 * Relative to 1 + the steepest slope. Only functions of the platform (exp, tanh, …) are not exact to a rounding or two:
 * they are taken to be right to four units in the last place (those of V8, from fdlibm, are to one). The formula that
 * magnifies most is that of tanh-GELU, x (1 − tanh²) 0.4 (1 + 0.13 x²): by 22 at x = 7, beyond which tanh rounds to 1.
 */
export function slopeError({ roundsOnce }: Definition<Elementwise>): number {
  return roundsOnce ? 0 : 256 * U;
}

export function valueError(
  { roundsOnce }: Definition<Elementwise>,
  x: number,
  value: number,
  steepest: number,
): number {
  if (roundsOnce) return 2 * U * Math.abs(value) + Number.MIN_VALUE;
  return 32 * U * (1 + steepest) * (1 + Math.abs(x));
}
