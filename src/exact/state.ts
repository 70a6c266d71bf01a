/** What a node of the search has fixed: on which pieces each unit may lie. */
import type { Form } from './form/form.ts';

/** Unit u lies on one of the pieces first[u] to last[u]. */
export interface State {
  readonly first: Uint8Array;
  readonly last: Uint8Array;
}

export function openState({ units }: Form): State {
  return {
    first: new Uint8Array(units.length),
    last: Uint8Array.from(units, ({ pieces }) => pieces?.breaks.length ?? 0),
  };
}

export function copyOf({ first, last }: State): State {
  return { first: first.slice(), last: last.slice() };
}

export function isFixed({ first, last }: State, unit: number): boolean {
  return first[unit] === last[unit];
}

/** The least argument that the pieces of a unit allow; −∞ where there is none. */
export function leastArgument({ units }: Form, { first }: State, unit: number): number {
  return first[unit] === 0 ? -Infinity : units[unit]!.pieces!.breaks[first[unit]! - 1]!;
}

export function largestArgument({ units }: Form, { last }: State, unit: number): number {
  const breaks = units[unit]!.pieces?.breaks;
  return !breaks || last[unit] === breaks.length ? Infinity : breaks[last[unit]!]!;
}

/** The middle of the slopes that a unit may have, and how far they are from it at most. */
export function slopesOf(
  { units }: Form,
  { first, last }: State,
  unit: number,
  into: { middle: number; spread: number },
): void {
  const slopes = units[unit]!.pieces?.slopes;
  if (!slopes) {
    into.middle = 1;
    into.spread = 0;
    return;
  }
  let least = slopes[first[unit]!]!;
  let most = least;
  for (let p = first[unit]! + 1; p <= last[unit]!; p++) {
    least = Math.min(least, slopes[p]!);
    most = Math.max(most, slopes[p]!);
  }
  into.middle = least === most ? least : (least + most) / 2;
  // The middle is rounded.
  into.spread = least === most ? 0 : Math.max(most - into.middle, into.middle - least) * (1 + 2 ** -51);
}
