/** All methods on one line of bounds. */
import { dot, plot, ruleY, text } from '@observablehq/plot';
import { formatReading, type Reading } from '../readings.ts';
import { COLORS, frame, logScale } from './frame.ts';

/** Keeps numbers readable where lines cross them. */
const HALO = { stroke: 'var(--paper)', strokeWidth: 4 };

export function ladder(readings: readonly Reading[], width: number): Element {
  const shown = readings.filter((r) => r.log10 !== null);
  const scale = logScale(
    shown.map((r) => r.log10!),
    Math.max(2, Math.round(width / 110)),
  );
  const rows = shown.map((r) => ({ ...r, at: r.log10!, text: formatReading(r) }));
  return plot({
    ...frame(width, 26 * rows.length + 58, 'Bounds of all methods on one scale'),
    marginLeft: 128,
    marginRight: 96,
    marginBottom: 38,
    x: {
      ...scale,
      label: 'bound',
      grid: true,
      labelAnchor: 'right',
    },
    y: { domain: rows.map((r) => r.label), label: null, tickSize: 0 },
    marks: [
      ruleY(rows, { y: 'label', stroke: COLORS.faint }),
      dot(rows, { x: 'at', y: 'label', r: 5, fill: (r: Reading) => COLORS[r.kind] }),
      text(rows, {
        x: 'at',
        y: 'label',
        text: 'text',
        dx: 10,
        textAnchor: 'start',
        fill: COLORS.ink,
        ...HALO,
      }),
    ],
  });
}
