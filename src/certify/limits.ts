/** Limits that every input keeps, entry by entry. */
import { InputError } from '../errors.ts';

/** One number for all entries of the input, or one for each. */
export interface Limits {
  readonly low: Float64Array | number;
  readonly high: Float64Array | number;
}

export function lowAt({ low }: Limits, n: number): number {
  return typeof low === 'number' ? low : low[n]!;
}

export function highAt({ high }: Limits, n: number): number {
  return typeof high === 'number' ? high : high[n]!;
}

/** @throws InputError where they are none, or not as many as the input has entries */
export function checkLimits(limits: Limits, entries: number): void {
  for (const side of [limits.low, limits.high]) {
    if (typeof side !== 'number' && side.length !== entries) {
      throw new InputError(`limits: one number, or one for each of ${entries} entries, got ${side.length}`);
    }
  }
  for (let n = 0; n < entries; n++) {
    if (lowAt(limits, n) <= highAt(limits, n)) continue;
    throw new InputError(`limits: from below to above, got ${lowAt(limits, n)} and ${highAt(limits, n)}`);
  }
}

/** The first entry that is outside of its limits; −1 where there is none. */
export function outside(limits: Limits, x: Float64Array): number {
  return x.findIndex((value, n) => !(value >= lowAt(limits, n) && value <= highAt(limits, n)));
}
