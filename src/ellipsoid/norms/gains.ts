/** Norms of linear maps combined along the graph: the product of norms, and what a branch beside a skip amplifies. */

import { type LinearMap, sourcesOf, type Term, type Variable } from '../../program/variables.ts';
import { hypotenuse, plus, roundedUp, type Scaled, scaled, squareRoot, times, ZERO } from '../../scaled.ts';

export type Norms = ReadonlyMap<LinearMap, Scaled>;

/** ℓ2 norm of a map: the identity's from its scale, a pick's from how often entries are read, others from `norms`. */
export function normOf(map: LinearMap, norms: Norms): Scaled {
  if (map.kind === 'pick') return pickNorm(map);
  if (map.kind === 'identity') return scaled(map.scale.reduce((m, s) => Math.max(m, Math.abs(s)), 0));
  const norm = norms.get(map);
  if (norm === undefined) throw new Error('gains: a map without a norm');
  return norm;
}

/** The root of the largest Σ scale² over the rows that read one and the same entry: they do not overlap. Rows that read none do not count:
 *  beside a large scale of theirs the squares of all others could vanish. */
export function pickNorm({ sources, scale }: Extract<LinearMap, { kind: 'pick' }>): Scaled {
  const scaleOf = (row: number) => scale[scale.length === 1 ? 0 : row]!;
  let most = 0;
  for (const [row, source] of sources.entries()) {
    if (source >= 0) most = Math.max(most, Math.abs(scaleOf(row)));
  }
  if (most === 0) return ZERO;
  const sums = new Map<number, number>();
  for (const [row, source] of sources.entries()) {
    if (source < 0) continue;
    const ratio = scaleOf(row) / most;
    sums.set(source, (sums.get(source) ?? 0) + ratio * ratio);
  }
  let largest = 0;
  for (const sum of sums.values()) largest = Math.max(largest, sum);
  // As many roundings as there are rows, twice.
  return roundedUp(times(scaled(most), squareRoot(scaled(largest))), 2 * sources.length + 8);
}

/**
 * Lipschitz bounds of variables as functions of those in `bases` (their gains given, others count 0):
 * norms multiply along paths, add in sums, and join as √Σ² where terms fill different channels.
 */
export class Gains {
  readonly #bases: ReadonlyMap<Variable, Scaled>;
  readonly #known: Map<Variable, Scaled>;
  readonly #norms: Norms;

  constructor(bases: ReadonlyMap<Variable, Scaled>, norms: Norms) {
    this.#bases = bases;
    this.#known = new Map(bases);
    this.#norms = norms;
  }

  /** Every variable is looked at once, however many ask; without recursion, since networks may be deeper than the stack. */
  of(target: Variable): Scaled {
    const known = this.#known;
    const open = [target];
    for (let next = open.at(-1); next; next = open.at(-1)) {
      const missing = known.has(next) ? [] : this.#sourcesOf(next).filter((source) => !known.has(source));
      if (missing.length > 0) {
        for (const source of missing) open.push(source);
        continue;
      }
      open.pop();
      if (!known.has(next))
        known.set(
          next,
          evaluate(next, this.#sourcesOf(next), (v) => known.get(v)!, this.#norms),
        );
    }
    return known.get(target)!;
  }

  /** What the gain of a variable follows from: where groups are sorted that of what they are, but if a part of them is a base. */
  #sourcesOf(v: Variable): readonly Variable[] {
    const sources = sourcesOf(v);
    const whole = v.origin.kind === 'linear' ? v.origin.sorted : undefined;
    return whole && !sources.some((source) => this.#bases.has(source)) ? [whole] : sources;
  }
}

function evaluate(
  v: Variable,
  sources: readonly Variable[],
  of: (v: Variable) => Scaled,
  norms: Norms,
): Scaled {
  const origin = v.origin;
  switch (origin.kind) {
    case 'input':
      return ZERO;
    case 'linear':
      if (origin.sorted && sources[0] === origin.sorted) return of(origin.sorted);
      return joined(origin.terms, (t) => {
        const inner = of(t.source);
        return inner.mantissa === 0 ? ZERO : times(inner, normOf(t.map, norms));
      });
    case 'nonlinearity': {
      const slope = origin.lower.reduce((m, l, c) => Math.max(m, Math.abs(l), Math.abs(origin.upper[c]!)), 0);
      return times(scaled(slope), of(origin.source));
    }
    case 'maximum': {
      const slope = origin.gain.reduce((m, g) => Math.max(m, g), 0);
      return times(scaled(slope * Math.sqrt(origin.overlap)), of(origin.source));
    }
    default:
      return origin satisfies never;
  }
}

interface Band {
  readonly start: number;
  readonly end: number;
  readonly value: Scaled;
  /** The place of the last term in it. */
  readonly order: number;
}

/** Sums of terms per band of channels, bands as √Σ²; overlapping bands that differ are summed, which is never less. */
function joined(terms: readonly Term[], of: (t: Term) => Scaled): Scaled {
  // Disjoint, and by where they start, so that those that a term meets are found without looking at all.
  const bands: Band[] = [];
  for (const [order, term] of terms.entries()) {
    const own = { start: term.row, end: term.row + term.channels, value: of(term), order };
    const first = firstBehind(bands, own.start);
    let last = first;
    while (last < bands.length && bands[last]!.start < own.end) last++;
    const met = bands.slice(first, last).sort((a, b) => b.order - a.order);
    bands.splice(first, met.length, met.reduce(merged, own));
  }
  bands.sort((a, b) => a.order - b.order);
  return bands.length === 1 ? bands[0]!.value : hypotenuse(bands.map((b) => b.value));
}

function merged(band: Band, other: Band): Band {
  return {
    start: Math.min(band.start, other.start),
    end: Math.max(band.end, other.end),
    value: plus(band.value, other.value),
    order: band.order,
  };
}

/** Index of the first band that ends behind `row`. */
function firstBehind(bands: readonly Band[], row: number): number {
  let [low, high] = [0, bands.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (bands[middle]!.end > row) high = middle;
    else low = middle + 1;
  }
  return low;
}
