/** What branch and bound has found, in words. */
import type { ExactReport } from '../../bounds/result.ts';
import { formatBound, formatCount } from './format.ts';

/** Entries of a point that are shown. */
const SHOWN = 6;

/** @param above the bound, as text */
export function exactLines(
  { status, upper, lower, steepest, nodes, open, neurons }: ExactReport,
  above: string,
): string[] {
  const looked = `${formatCount(neurons, 'neuron')}, ${formatCount(nodes, 'part')} of the input space looked at`;
  const percent = `${(100 * (upper / lower - 1)).toPrecision(2)} %`;
  const below = formatBound(lower, null, 'down');
  const says = {
    exact: `This is the constant: to one part in a million no number below does (exact; ${looked}).`,
    gap: `The constant lies between ${below} and ${above}, ${percent} apart (exact; ${looked}).`,
    stopped: `Branch and bound ended ${lower > 0 ? `${percent} apart: the constant lies between ${below} and ${above}` : 'without a slope'} (exact; ${looked}, ${open} left).`,
  };
  if (!steepest) return [says[status]];
  const { input } = steepest;
  const shown = input.slice(0, SHOWN).map((x) => x.toPrecision(4));
  const point = [...shown, ...(input.length > SHOWN ? [`… ${input.length} entries`] : [])].join(', ');
  return [
    says[status],
    `Steepest where it is known: slope ${below} at x = (${point}); --json has the point and the direction.`,
  ];
}
