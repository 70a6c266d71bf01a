/** The search as it goes: best bound so far against evaluations. */
import { areaY, dot, line, plot, ruleY, text } from '@observablehq/plot';
import { formatBound } from '../format.ts';
import type { TracePoint } from '../worker/protocol.ts';
import { COLORS, frame, logScale } from './frame.ts';
import { hover } from './hover.ts';

/** @param start log10 of the closed form that the search began with, where it is known */
export function trace(
  points: readonly TracePoint[],
  start: number | undefined,
  evaluations: number,
  width: number,
): Element {
  const scale = logScale([...points.map((p) => p.log10), ...(start === undefined ? [] : [start])], 5);
  const rows = points.map((p) => ({ ...p, at: p.log10 }));
  const lines = (['refined', 'unrolled'] as const).flatMap((method) => {
    const own = rows.filter((r) => r.method === method);
    const stroke = method === 'refined' ? COLORS.refined : COLORS.unrolled;
    const last = own.at(-1);
    if (!last) return [];
    return [
      line(own, {
        ...{ x: 'evaluation', y: 'at', stroke, strokeWidth: 2, curve: 'step-after' },
        ...(last.estimate ? { strokeDasharray: '3 3' } : {}),
      }),
      dot([last], { x: 'evaluation', y: 'at', fill: stroke, r: 4 }),
      text([last], {
        x: 'evaluation',
        y: 'at',
        text: () => method,
        dx: 8,
        textAnchor: 'start',
        fill: stroke,
      }),
    ];
  });
  const lowest = Math.min(...rows.map((r) => r.at));
  return plot({
    ...frame(width, 240, `Bound against gradient evaluations, ${points.length} so far`),
    marginLeft: 56,
    marginRight: 64,
    marginBottom: 38,
    x: { label: 'gradient evaluation', domain: [1, Math.max(2, evaluations)], ticks: 6, tickFormat: 'd' },
    y: { ...scale, label: 'bound', grid: true },
    marks: [
      areaY(
        rows.filter((r) => r.method === 'refined'),
        {
          x: 'evaluation',
          y1: lowest,
          y2: 'at',
          fill: COLORS.refined,
          fillOpacity: 0.08,
          curve: 'step-after',
        },
      ),
      ...(start === undefined
        ? []
        : [
            ruleY([start], { stroke: COLORS.closedForm, strokeDasharray: '4 3' }),
            text([start], {
              y: (d: number) => d,
              frameAnchor: 'right',
              text: () => 'closed form',
              dy: -8,
              fill: COLORS.closedForm,
            }),
          ]),
      ...lines,
      hover(
        rows,
        {
          x: (r) => r.evaluation,
          y: (r) => r.at,
          title: (r) =>
            `${r.method}, evaluation ${r.evaluation}\n${r.estimate ? 'about' : 'bound'} ${formatBound(null, r.log10)}`,
        },
        true,
      ),
    ],
  });
}
