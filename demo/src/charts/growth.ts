/** How the bound grows through the layers. */
import { dot, line, plot, pointerX, ruleX, text, tip } from '@observablehq/plot';
import type { PrefixBound } from '../../../src/index.browser.ts';
import { visible } from '../dom.ts';
import { formatBound } from '../format.ts';
import { boundScale, COLORS, frame } from './frame.ts';

/** log10 of the least of both bounds of a prefix; null where there is none, or it is 0. */
export function leastOfPrefix({ log10, product }: PrefixBound): number | null {
  const found = [log10, product.log10].filter((x) => x !== null);
  return found.length === 0 ? null : Math.min(...found);
}

/** Layers that have room for their names below the axis, and the width that they need. */
const MOST_NAMES = 24;
const WIDTH_OF_NAMES = 560;
const LONGEST_NAME = 14;

/** @param operators of all layers, in order */
export function growth(
  prefixes: readonly PrefixBound[],
  operators: readonly string[],
  width: number,
): Element {
  const known = prefixes.filter((p) => p.product.log10 !== null && leastOfPrefix(p) !== null);
  const scale = boundScale(known.flatMap((p) => [p.product.log10!, leastOfPrefix(p)!]));
  const rows = known.map((p) => ({
    ...p,
    layer: visible(p.layer),
    number: p.index + 1,
    ellipsoid: scale.of(leastOfPrefix(p)!),
    norms: scale.of(p.product.log10!),
    title: `${p.index + 1}. ${visible(p.layer)}\nbound ${formatBound(null, leastOfPrefix(p))}\nproduct of norms ${formatBound(null, p.product.log10)}`,
  }));
  const last = rows.slice(-1);
  const count = operators.length;
  const named = count <= MOST_NAMES && width >= WIDTH_OF_NAMES;
  return plot({
    ...frame(width, named ? 330 : 290, 'Bound of the network cut off behind each layer'),
    marginLeft: 56,
    marginRight: 92,
    marginBottom: named ? 84 : 38,
    x: {
      label: named ? null : 'layer',
      domain: [1, Math.max(2, count)],
      ticks: Math.min(count, named ? count : Math.round(width / 60)),
      ...(named
        ? {
            tickFormat: (number: number) => shortened(operators[number - 1] ?? ''),
            tickRotate: -38,
            tickSize: 4,
          }
        : { tickFormat: 'd' }),
    },
    y: { ...scale.options, grid: true, ticks: 6, tickFormat: '~g' },
    marks: [
      line(rows, { x: 'number', y: 'norms', stroke: COLORS.product, strokeWidth: 2 }),
      dot(rows, { x: 'number', y: 'norms', fill: COLORS.product, r: 2.5 }),
      line(rows, { x: 'number', y: 'ellipsoid', stroke: COLORS.closedForm, strokeWidth: 2 }),
      dot(rows, { x: 'number', y: 'ellipsoid', fill: COLORS.closedForm, r: 2.5 }),
      text(last, {
        x: 'number',
        y: 'norms',
        text: () => 'product of norms',
        dx: 8,
        lineWidth: 7,
        textAnchor: 'start',
        fill: COLORS.product,
      }),
      text(last, {
        x: 'number',
        y: 'ellipsoid',
        text: () => 'closed form',
        dx: 8,
        textAnchor: 'start',
        fill: COLORS.closedForm,
      }),
      ruleX(rows, pointerX({ x: 'number', stroke: COLORS.faint })),
      tip(
        rows,
        pointerX({
          x: 'number',
          y: 'ellipsoid',
          title: 'title',
          fill: 'var(--paper)',
          stroke: 'var(--line)',
        }),
      ),
    ],
  });
}

function shortened(name: string): string {
  return name.length <= LONGEST_NAME ? name : `${name.slice(0, LONGEST_NAME - 1)}…`;
}
