/** How the bound grows through the layers. */
import { dot, line, plot, pointerX, ruleX, text } from '@observablehq/plot';
import type { PrefixBound } from '../../../src/index.browser.ts';
import { visible } from '../dom.ts';
import { formatBound, formatLower } from '../format.ts';
import type { Reading } from '../readings.ts';
import { leastOfPrefix } from '../tightness.ts';
import { apart } from './apart.ts';
import { COLORS, frame, logScale } from './frame.ts';
import { hover } from './hover.ts';

/** The bound that the page shows of the whole network, where it is neither that of the norms nor that of the closed form. */
export interface Headline {
  readonly kind: Reading['kind'];
  readonly label: string;
  readonly log10: number;
}

/** Layers that have room for their names below the axis, and the width that they need. */
const MOST_NAMES = 24;
const WIDTH_OF_NAMES = 560;
const LONGEST_NAME = 14;

/** Pixels. */
const MARGIN = { top: 20, right: 116, left: 56 } as const;
const LINE = 14;

/** @param operators of all layers, in order */
export function growth(
  prefixes: readonly PrefixBound[],
  operators: readonly string[],
  headline: Headline | undefined,
  width: number,
): Element {
  const known = prefixes.filter((p) => p.product.log10 !== null && leastOfPrefix(p) !== null);
  const count = operators.length;
  const named = count <= MOST_NAMES && width >= WIDTH_OF_NAMES;
  const [height, bottom] = named ? [330, 84] : [290, 38];
  const all = known.flatMap((p) => [p.product.log10!, leastOfPrefix(p)!]);
  const below = prefixes.flatMap((p) => {
    const lower = p.lower?.log10;
    return lower === undefined || lower === null ? [] : [{ number: p.index + 1, lower }];
  });
  const beside = [...below.map((row) => row.lower), ...(headline ? [headline.log10] : [])];
  const scale = logScale([...all, ...beside], 6);
  const rows = known.map((p) => ({
    number: p.index + 1,
    ellipsoid: leastOfPrefix(p)!,
    norms: p.product.log10!,
    title: `${p.index + 1}. ${visible(p.layer)}\nbound ${formatBound(null, leastOfPrefix(p))}\nproduct of norms ${formatBound(null, p.product.log10)}${lowerText(p)}`,
  }));
  const last = known.at(-1);
  const ends = [
    ...(last
      ? [
          { label: 'product of norms', log10: last.product.log10!, stroke: COLORS.product },
          { label: 'closed form', log10: leastOfPrefix(last)!, stroke: COLORS.closedForm },
        ]
      : []),
    ...below.slice(-1).map(({ lower }) => ({ label: 'at least', log10: lower, stroke: COLORS.lower })),
    ...(headline
      ? [{ label: headline.label.toLowerCase(), log10: headline.log10, stroke: COLORS[headline.kind] }]
      : []),
  ];
  const heights = [...all, ...beside];
  const [low, high] = [Math.min(...heights), Math.max(...heights)];
  const pixels = (height - MARGIN.top - bottom) / (high - low || 1);
  const shifts = apart(
    ends.map((end) => (high - end.log10) * pixels),
    LINE,
  );
  return plot({
    ...frame(width, height, 'Bound of the network cut off behind each layer'),
    ...{ marginTop: MARGIN.top, marginLeft: MARGIN.left, marginRight: MARGIN.right, marginBottom: bottom },
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
    y: { ...scale, label: 'bound', grid: true },
    marks: [
      ...pieces(rows, 'norms', COLORS.product),
      ...pieces(rows, 'ellipsoid', COLORS.closedForm),
      ...pieces(below, 'lower', COLORS.lower),
      ...(headline
        ? [dot([headline], { x: count, y: headline.log10, r: 5, fill: COLORS[headline.kind] })]
        : []),
      ...ends.map(({ label, log10, stroke }, k) =>
        text([label], {
          x: last && label !== headline?.label.toLowerCase() ? last.index + 1 : count,
          y: log10,
          text: (words: string) => words,
          ...{ dx: 9, dy: shifts[k]!, textAnchor: 'start', fill: stroke },
        }),
      ),
      ruleX(rows, pointerX({ x: 'number', stroke: COLORS.faint })),
      hover(rows, { x: (r) => r.number, y: (r) => r.ellipsoid, title: (r) => r.title }, true),
    ],
  });
}

function lowerText({ lower }: PrefixBound): string {
  return lower ? `\nat least ${formatLower(lower.bound, lower.log10)}` : '';
}

interface Row {
  readonly number: number;
}

/** A line from layer to layer; faint and dashed across layers that have no values, where it says nothing. */
function pieces<R extends Row>(rows: readonly R[], y: keyof R & string, stroke: string) {
  const pairs = rows.slice(1).map((row, k) => [rows[k]!, row] as const);
  const across = ([a, b]: readonly [R, R]) => b.number - a.number > 1;
  return [
    ...pairs.map((pair) =>
      line(pair, {
        ...{ x: 'number', y, stroke },
        ...(across(pair)
          ? { strokeWidth: 1, strokeOpacity: 0.5, strokeDasharray: '2 4' }
          : { strokeWidth: 2 }),
      }),
    ),
    dot(rows, { x: 'number', y, fill: stroke, r: 2.5 }),
  ];
}

function shortened(name: string): string {
  return name.length <= LONGEST_NAME ? name : `${name.slice(0, LONGEST_NAME - 1)}…`;
}
