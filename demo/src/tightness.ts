/** Where the distance between the bound and the truth comes from, layer by layer. */
import type { PrefixBound } from '../../src/index.browser.ts';

export interface Cost {
  /** Of the layer, in the list of layers. */
  readonly index: number;
  readonly layer: string;
  /** Decimal logarithm of the factor by which (bound / lower bound) grows here; below 0 where it shrinks. */
  readonly log10: number;
}

/** log10 of the least of both bounds of a prefix; null where there is none, or it is 0. */
export function leastOfPrefix({ log10, product }: PrefixBound): number | null {
  const found = [log10, product.log10].filter((x) => x !== null);
  return found.length === 0 ? null : Math.min(...found);
}

/** Of layers whose prefixes have both bounds; what lies between two of them counts for the second. */
export function costsOf(prefixes: readonly PrefixBound[]): Cost[] {
  let before = 0;
  return prefixes.flatMap((prefix) => {
    const upper = leastOfPrefix(prefix);
    const lower = prefix.lower?.log10;
    if (upper === null || lower === undefined || lower === null) return [];
    const gap = upper - lower;
    const cost = { index: prefix.index, layer: prefix.layer, log10: gap - before };
    before = gap;
    return [cost];
  });
}

/** What a layer does: decimal logarithms of factors. */
export interface Effect {
  readonly index: number;
  /** Of the bound. */
  readonly bound: number;
  /** Of its distance to the lower bound; undefined where nobody knows. */
  readonly cost: number | undefined;
}

/** Of layers that a prefix ends with; what lies between two of them counts for the second. */
export function effectsOf(prefixes: readonly PrefixBound[]): Effect[] {
  const costs = new Map(costsOf(prefixes).map((cost) => [cost.index, cost.log10]));
  let before = 0;
  return prefixes.flatMap((prefix) => {
    const upper = leastOfPrefix(prefix);
    if (upper === null) return [];
    const effect = { index: prefix.index, bound: upper - before, cost: costs.get(prefix.index) };
    before = upper;
    return [effect];
  });
}
