/** What each layer costs in tightness: a bar, by how much the bound and the lower bound move apart there. */
import { barX, plot, ruleX, text } from '@observablehq/plot';
import { visible } from '../dom.ts';
import { formatFactor } from '../format.ts';
import type { Cost } from '../tightness.ts';
import { COLORS, frame, logScale } from './frame.ts';
import { shortened } from './names.ts';

const ROW = 22;
/** Pixels of a number beside its bar. */
const NUMBER = 44;

export function tightness(costs: readonly Cost[], width: number): Element {
  const rows = costs.map((cost) => ({
    ...cost,
    name: `${cost.index + 1}. ${visible(cost.layer)}`,
    factor: cost.log10 < 0 ? `${(10 ** cost.log10).toFixed(2)}×` : formatFactor(cost.log10),
  }));
  const ends = [0, ...costs.map((c) => c.log10)];
  const most = width / 3 / 6.6;
  const longest = Math.min(most, Math.max(...rows.map((r) => r.name.length)));
  return plot({
    ...frame(
      width,
      ROW * rows.length + 46,
      'Factor by which the bound moves away from the lower bound, by layer',
    ),
    ...{ marginLeft: 16 + 6.6 * longest, marginRight: NUMBER, marginTop: 8, marginBottom: 38 },
    x: {
      ...logScale(ends, Math.max(2, Math.round(width / 140))),
      domain: [Math.min(...ends), Math.max(...ends, 0.01)],
      grid: true,
      label: 'factor',
    },
    y: {
      domain: rows.map((r) => r.name),
      label: null,
      tickSize: 0,
      tickFormat: (name: string) => shortened(name, most),
    },
    marks: [
      barX(rows, { y: 'name', x1: 0, x2: 'log10', fill: COLORS.lower, insetTop: 4, insetBottom: 4 }),
      ruleX([0], { stroke: COLORS.ink }),
      text(rows, {
        ...{ y: 'name', x: (r: (typeof rows)[number]) => Math.max(0, r.log10), text: 'factor' },
        ...{ dx: 6, textAnchor: 'start', fill: COLORS.ink },
      }),
    ],
  });
}
