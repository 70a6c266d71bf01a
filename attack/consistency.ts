/** What the parts of one answer say of each other: numbers that contradict one another are wrong, whatever the truth is. */
import type { BoundResult, MethodResult } from '../src/bounds/result.ts';

/** Why a search has no row where there was a closed form for it to start from. */
const NO_SEARCH = /memory budget|there is nothing to search|time limit|left out|do not dominate/;

/** In units of log10. */
const EQUAL = 1e-12;
/** What the last pass may add to what a search has found, as a factor: multipliers are raised until they dominate. */
const RAISED = 2.1;

/** What contradicts itself, in a sentence. */
export function contradiction(result: BoundResult): string | undefined {
  const sizes = result.methods.flatMap((row) => sizeOf(row) ?? []);
  const least = Math.min(...sizes);
  const size = sizeOf(result);
  const same = size === least || (size !== undefined && Math.abs(size - least) <= EQUAL * Math.abs(least));
  if (sizes.length > 0 && !same)
    return `the bound must be the least of all rows, 10^${least}, got 10^${size}`;
  for (const row of result.methods) {
    const fault = rowFault(row, result.methods);
    if (fault) return `${[row.method, row.rule].join(' ').trim()}: ${fault}`;
  }
  const searched = result.methods.some((row) => row.search && row.bound !== null);
  if (searched && !result.multipliers) return 'what a search has found must come with its multipliers';
  return undefined;
}

/** log10 of a bound; undefined where there is none. */
function sizeOf({ bound, log10 }: Pick<MethodResult, 'bound' | 'log10'>): number | undefined {
  return log10 ?? (bound === null ? undefined : bound === 0 ? -Infinity : Math.log10(bound));
}

function rowFault(row: MethodResult, rows: readonly MethodResult[]): string | undefined {
  const { error, search } = row;
  const valued = sizeOf(row) !== undefined;
  if (valued === (error !== undefined))
    return `must have a bound or an error, got ${valued ? 'both' : 'neither'}`;
  const path = row.method === 'refined' ? 'closed-form' : row.rule === 'refined' ? 'unrolled' : undefined;
  if (path === undefined) return undefined;
  const start = rows.some((r) => r.method === path && r.rule !== 'refined' && sizeOf(r) !== undefined);
  if (error !== undefined && start && !NO_SEARCH.test(error))
    return `must find multipliers or say why not, got ${JSON.stringify(error)}`;
  if (!search) return undefined;
  const { gap, over, evaluations, margins } = search;
  if (!(gap >= 0 && over >= 0 && over <= 10 && over < evaluations))
    return `must have gained something over evaluations that were made, got ${JSON.stringify(search)}`;
  if (
    margins &&
    margins.before !== null &&
    margins.after !== null &&
    !(margins.after <= RAISED * margins.before)
  )
    return `must not make margins larger, got ${JSON.stringify(margins)}`;
  return undefined;
}
