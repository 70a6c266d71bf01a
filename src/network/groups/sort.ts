/** GroupSort: the entries of a group in order. */
import type { GroupDefinition } from './definition.ts';

/** Ascending, or descending. */
export interface Sort {
  readonly name: 'sort';
  readonly descending: boolean;
}

export const sort: GroupDefinition<Sort> = {
  examples: [
    { name: 'sort', descending: false },
    { name: 'sort', descending: true },
  ],
  scalar: false,
  lipschitz: () => 1,
  value: (f, x) => Float64Array.from(order(f, x), (k) => x[k]!),
  differentiate: (f, x) => {
    const from = order(f, x);
    return {
      push: (dx) => Float64Array.from(from, (k) => dx[k]!),
      pull: (u) => {
        const g = new Float64Array(x.length);
        for (const [place, k] of from.entries()) g[k] = u[place]!;
        return g;
      },
    };
  },
  error: () => 0,
};

/** The entry that comes to each place. */
function order({ descending }: Sort, x: Float64Array): number[] {
  const sign = descending ? -1 : 1;
  return [...x.keys()].sort((a, b) => sign * (x[a]! - x[b]!) || a - b);
}
