/** Where inputs lie: everywhere, in a box, in a ball, or in what both have in common. */
import { InputError } from '../errors.ts';
import { gamma, LOST_ROOT } from './rounding.ts';

export interface Domain {
  /** Sides that hold every input of the domain; infinite where there is none. */
  readonly low: Float64Array;
  readonly high: Float64Array;
  /** ℓ2; the sides hold it. */
  readonly ball?: { readonly centre: Float64Array; readonly radius: number };
}

export function everywhere(inputs: number): Domain {
  return { low: new Float64Array(inputs).fill(-Infinity), high: new Float64Array(inputs).fill(Infinity) };
}

/**
 * @param box infinite where there is no side
 * @throws InputError for a domain without an inside
 */
export function domainOf(
  inputs: number,
  box: Pick<Domain, 'low' | 'high'> | undefined,
  ball: Domain['ball'] | undefined,
): Domain {
  const { low, high } = box ?? everywhere(inputs);
  if (!ball || ball.radius === Infinity) return checked({ low, high });
  const { centre, radius } = ball;
  const beyond = (x: number) => radius + 2 ** -50 * (Math.abs(x) + radius);
  return checked({
    low: low.map((side, n) => Math.max(side, centre[n]! - beyond(centre[n]!))),
    high: high.map((side, n) => Math.min(side, centre[n]! + beyond(centre[n]!))),
    ball,
  });
}

function checked(domain: Domain): Domain {
  const { low, high, ball } = domain;
  const flat = low.findIndex((side, n) => !(side < high[n]!));
  if (flat >= 0)
    throw new InputError(`domain: must have an inside, got ${low[flat]} to ${high[flat]} at entry ${flat}`);
  if (ball && !(ball.radius > 0))
    throw new InputError(`radius: above 0 for exact constants, got ${ball.radius}`);
  return domain;
}

/** Whether a point is inside, with as much room as rounding needs. */
export function isInside({ low, high, ball }: Domain, x: Float64Array): boolean {
  for (let n = 0; n < x.length; n++) if (!(x[n]! > low[n]! && x[n]! < high[n]!)) return false;
  if (!ball) return true;
  let square = 0;
  for (let n = 0; n < x.length; n++) square += (x[n]! - ball.centre[n]!) ** 2;
  return (Math.sqrt(square) + x.length * LOST_ROOT) * (1 + gamma(x.length + 8)) < ball.radius;
}
