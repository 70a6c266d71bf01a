/** How far arguments can go in a part, one after the other, rounded outward; pieces that they cannot reach are taken from it. */
import { gamma } from '../checker/numbers.ts';
import {
  type Domain,
  LOST,
  LOST_ROOT,
  largestArgument,
  leastArgument,
  type Part,
  type Row,
  type Units,
} from './rows.ts';

/** Of the arguments of all units. */
export interface Ranges {
  readonly low: Float64Array;
  readonly high: Float64Array;
}

export function unknownRanges({ pieces }: Units): Ranges {
  return {
    low: new Float64Array(pieces.length).fill(-Infinity),
    high: new Float64Array(pieces.length).fill(Infinity),
  };
}

/** Undefined where nothing is left. @param part loses pieces */
export function narrowed(units: Units, domain: Domain, part: Part): Ranges | undefined {
  const { inputs, pieces, rows } = units;
  const ranges = unknownRanges(units);
  const values = { low: new Float64Array(units.atoms), high: new Float64Array(units.atoms) };
  values.low.set(domain.low);
  values.high.set(domain.high);
  for (const [u, own] of pieces.entries()) {
    let [low, high] = sumOf(rows[u]!, values);
    if (domain.ball && units.isFirst[u]) {
      const [least, most] = sumInBall(rows[u]!, domain.ball);
      [low, high] = [Math.max(low, least), Math.min(high, most)];
    }
    if (own) {
      const { breaks } = own;
      let [first, last] = [part.first[u]!, part.last[u]!];
      while (first < breaks.length && breaks[first]! <= low) first++;
      while (last > 0 && breaks[last - 1]! >= high) last--;
      if (first > last) return undefined;
      part.first[u] = first;
      part.last[u] = last;
      low = Math.max(low, leastArgument(units, part, u));
      high = Math.min(high, largestArgument(units, part, u));
      if (!(low < high)) return undefined;
    }
    ranges.low[u] = low;
    ranges.high[u] = high;
    [values.low[inputs + u], values.high[inputs + u]] = own ? valuesOn(own, part, u, low, high) : [low, high];
  }
  return ranges;
}

/** Infinite where nothing is known. */
function sumOf({ columns, weights, errors, bias, biasError }: Row, { low, high }: Ranges): [number, number] {
  let [least, most, moduli, lost] = [bias, bias, Math.abs(bias), biasError];
  for (const [k, a] of columns.entries()) {
    const [w, l, h] = [weights[k]!, low[a]!, high[a]!];
    if (w > 0) {
      least += w * l;
      most += w * h;
    } else if (w < 0) {
      least += w * h;
      most += w * l;
    }
    for (const end of [l, h]) if (Number.isFinite(end)) moduli += Math.abs(w * end);
    if (errors[k]! > 0) lost += errors[k]! * Math.max(Math.abs(l), Math.abs(h));
  }
  return outward(least, most, gamma(2 * columns.length + 8) * moduli + 2 * lost);
}

function sumInBall(
  { columns, weights, errors, bias, biasError }: Row,
  { centre, radius }: NonNullable<Domain['ball']>,
): [number, number] {
  const n = columns.length;
  let [middle, moduli, square, lost] = [bias, Math.abs(bias), 0, biasError];
  for (const [k, a] of columns.entries()) {
    const w = weights[k]!;
    middle += w * centre[a]!;
    moduli += Math.abs(w * centre[a]!);
    square += w * w;
    lost += errors[k]! * (Math.abs(centre[a]!) + radius);
  }
  const reach = radius * (Math.sqrt(square) + n * LOST_ROOT) * (1 + gamma(n + 16));
  return outward(middle - reach, middle + reach, gamma(2 * n + 16) * (moduli + reach) + 2 * lost);
}

/** What has left float64 is no end. */
function outward(least: number, most: number, by: number): [number, number] {
  const [low, high] = [least - (by + LOST), most + (by + LOST)];
  return [low < Infinity ? low : -Infinity, high > -Infinity ? high : Infinity];
}

/** The values of a unit between two arguments. */
function valuesOn(
  { breaks, slopes, offsets }: NonNullable<Units['pieces'][number]>,
  { first, last }: Part,
  u: number,
  low: number,
  high: number,
): [number, number] {
  let [least, most] = [Infinity, -Infinity];
  for (let p = first[u]!; p <= last[u]!; p++) {
    const [slope, offset] = [slopes[p]!, offsets[p]!];
    const ends = [p === first[u] ? low : breaks[p - 1]!, p === last[u] ? high : breaks[p]!];
    for (const end of ends) {
      const value = slope === 0 ? offset : slope * end + offset;
      const isExact = slope === 0 || (slope === 1 && offset === 0);
      const off =
        isExact || !Number.isFinite(value) ? 0 : 2 ** -50 * (Math.abs(value) + Math.abs(offset)) + LOST;
      least = Math.min(least, value - off);
      most = Math.max(most, value + off);
    }
  }
  return [least, most];
}
