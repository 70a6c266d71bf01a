/** The multipliers that the search found, layer by layer. */
import { plot, ruleX, tickX } from '@observablehq/plot';
import type { BoundResult } from '../../../src/index.browser.ts';
import { visible } from '../dom.ts';
import { COLORS, frame, logScale } from './frame.ts';
import { hover } from './hover.ts';
import { shortened } from './names.ts';

type Stored = NonNullable<BoundResult['multipliers']>;

/** Heights of a layer's row in pixels, and of one that has room for its name. */
const LEAST_ROW = 6;
const LARGEST_ROW = 22;
const NAMED_ROW = 15;

export function multipliers({ layers }: Stored, width: number): Element {
  const rows = layers.flatMap(({ name, theta }) =>
    theta.map((t, k) => ({ name, channel: k + 1, ratio: t / Math.LN10 })),
  );
  const longest = Math.max(...layers.map((l) => l.name.length));
  const most = Math.max(...layers.map((l) => l.theta.length));
  const height = Math.max(LEAST_ROW, Math.min(LARGEST_ROW, 480 / layers.length));
  const named = Math.ceil(NAMED_ROW / height);
  return plot({
    ...frame(
      width,
      height * layers.length + 62,
      'Multipliers of every nonlinear layer, one tick per channel',
    ),
    marginBottom: 38,
    marginLeft: Math.min(width / 3, 24 + 6.6 * longest),
    x: {
      ...logScale(
        rows.map(({ ratio }) => ratio),
        Math.max(2, Math.round(width / 120)),
      ),
      grid: true,
      label: 'multiplier / row sum',
    },
    y: {
      domain: layers.map((l) => l.name),
      label: null,
      tickSize: 0,
      ticks: layers.filter((_, k) => k % named === 0).map((l) => l.name),
      tickFormat: (name: string) => shortened(name, width / 3 / 6.6),
    },
    marks: [
      ruleX([0], { stroke: COLORS.product, strokeDasharray: '3 3' }),
      tickX(rows, {
        ...{ x: 'ratio', y: 'name', stroke: COLORS.refined, strokeWidth: 1.5 },
        strokeOpacity: Math.max(0.15, Math.min(0.8, 12 / most)),
      }),
      hover(rows, {
        x: (r) => r.ratio,
        y: (r) => r.name,
        title: (r) => `${visible(r.name)}, ${r.channel}\n${(10 ** r.ratio).toPrecision(3)} times the row sum`,
      }),
    ],
  });
}
