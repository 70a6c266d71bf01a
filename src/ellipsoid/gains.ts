/** Norms of linear maps combined along the graph: the product of norms, and what a branch beside a skip amplifies. */
import { hypotenuse, plus, type Scaled, scaled, times, ZERO } from '../scaled.ts';
import type { LinearMap, Term, Variable } from './variables.ts';

export type Norms = ReadonlyMap<LinearMap, Scaled>;

/** ℓ2 norm of a map: the identity's from its scale, others from `norms`. */
export function normOf(map: LinearMap, norms: Norms): Scaled {
  if (map.kind === 'identity') return scaled(map.scale.reduce((m, s) => Math.max(m, Math.abs(s)), 0));
  const norm = norms.get(map);
  if (norm === undefined) throw new Error('gains: a map without a norm');
  return norm;
}

/**
 * Lipschitz bound of `target` as a function of the variables in `bases` (their gains given, others count 0):
 * norms multiply along paths, add in sums, and join as √Σ² where terms fill different channels.
 */
export function gain(target: Variable, bases: ReadonlyMap<Variable, Scaled>, norms: Norms): Scaled {
  const known = new Map(bases);
  const visit = (v: Variable): Scaled => {
    const found = known.get(v);
    if (found !== undefined) return found;
    const value = evaluate(v, visit, norms);
    known.set(v, value);
    return value;
  };
  return visit(target);
}

function evaluate(v: Variable, of: (v: Variable) => Scaled, norms: Norms): Scaled {
  const origin = v.origin;
  switch (origin.kind) {
    case 'input':
      return ZERO;
    case 'linear':
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

/** Sums of terms per band of channels, bands as √Σ²; overlapping bands that differ are summed, which is never less. */
function joined(terms: readonly Term[], of: (t: Term) => Scaled): Scaled {
  const bands: { start: number; end: number; value: Scaled }[] = [];
  for (const term of terms) {
    let band = { start: term.row, end: term.row + term.channels, value: of(term) };
    for (let k = bands.length - 1; k >= 0; k--) {
      const other = bands[k]!;
      if (other.end <= band.start || band.end <= other.start) continue;
      bands.splice(k, 1);
      band = {
        start: Math.min(band.start, other.start),
        end: Math.max(band.end, other.end),
        value: plus(band.value, other.value),
      };
    }
    bands.push(band);
  }
  return bands.length === 1 ? bands[0]!.value : hypotenuse(bands.map((b) => b.value));
}
