/** What closed forms cost, as a multiple of one run of a sweep. */
import { RULES } from '../../ellipsoid/multipliers/closedForms.ts';

/** Runs that a sweep over `rules` is worth: `mixed` tries them all at every layer. */
export function runCount(rules: readonly string[]): number {
  return rules.length + (rules.includes('mixed') ? RULES.length : 0);
}
