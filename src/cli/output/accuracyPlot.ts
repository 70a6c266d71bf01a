/** Accuracy against the radius, as an SVG image: what is certified, and what an attack leaves. */
import { printable } from '../../printable.ts';

export interface AccuracyCurves {
  readonly title: string;
  /** What the radius is measured in. */
  readonly unit: string;
  readonly samples: number;
  readonly clean: number;
  /** For each sample the largest radius that is certified, and the distance of the nearest counterexample (Infinity without one). */
  readonly certified: readonly number[];
  readonly attacked: readonly number[];
}

const WIDTH = 640;
const HEIGHT = 400;
const MARGIN = { left: 56, right: 16, top: 40, bottom: 48 };
const COLOURS = { certified: '#1b6ca8', attacked: '#c2571a', clean: '#777777' };

export function accuracyPlot({ title, unit, samples, clean, ...distances }: AccuracyCurves): string {
  const finite = [...distances.certified, ...distances.attacked].filter((r) => r > 0 && r < 1e300);
  const end = finite.length === 0 ? 1 : 1.05 * finite.reduce((most, r) => Math.max(most, r), 0);
  const x = (radius: number) => MARGIN.left + (radius / end) * (WIDTH - MARGIN.left - MARGIN.right);
  const y = (share: number) => HEIGHT - MARGIN.bottom - share * (HEIGHT - MARGIN.top - MARGIN.bottom);
  const curve = (radii: readonly number[], colour: string) =>
    `<path fill="none" stroke="${colour}" stroke-width="2" d="${steps(radii, samples, end, x, y)}"/>`;
  const grid = [0, 0.2, 0.4, 0.6, 0.8, 1].map((share) => {
    const at = y(share).toFixed(1);
    return `<path stroke="#dddddd" d="M${MARGIN.left} ${at}H${WIDTH - MARGIN.right}"/><text x="${MARGIN.left - 8}" y="${at}" dy="0.32em" text-anchor="end">${Math.round(100 * share)} %</text>`;
  });
  const ticks = ticksTo(end).map((radius) => {
    const at = x(radius).toFixed(1);
    const low = HEIGHT - MARGIN.bottom;
    return `<path stroke="#777777" d="M${at} ${low}v5"/><text x="${at}" y="${low + 20}" text-anchor="middle">${String(Number(radius.toPrecision(6)))}</text>`;
  });
  const cleanAt = y(clean / samples).toFixed(1);
  const legend = [
    ['attack leaves', COLOURS.attacked],
    ['certified', COLOURS.certified],
    ['clean', COLOURS.clean],
  ].map(([name, colour], k) => {
    const at = MARGIN.top + 14 + 18 * k;
    const from = WIDTH - MARGIN.right - 120;
    return `<path stroke="${colour}" stroke-width="2" d="M${from} ${at}h20"/><text x="${from + 28}" y="${at}" dy="0.32em">${name}</text>`;
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" width="${WIDTH}" height="${HEIGHT}" font-family="sans-serif" font-size="12" fill="#333333" role="img" aria-label="${escaped(title)}">`,
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="#ffffff"/>`,
    `<text x="${MARGIN.left}" y="22" font-size="14">${escaped(title)}</text>`,
    ...grid,
    ...ticks,
    `<text x="${(MARGIN.left + WIDTH - MARGIN.right) / 2}" y="${HEIGHT - 8}" text-anchor="middle">${escaped(unit)}</text>`,
    `<path stroke="${COLOURS.clean}" stroke-dasharray="4 4" d="M${MARGIN.left} ${cleanAt}H${WIDTH - MARGIN.right}"/>`,
    curve(distances.attacked, COLOURS.attacked),
    curve(distances.certified, COLOURS.certified),
    ...legend,
    '</svg>',
    '',
  ].join('\n');
}

/** The share of radii that are at least so large, as a line that falls. */
function steps(
  radii: readonly number[],
  samples: number,
  end: number,
  x: (radius: number) => number,
  y: (share: number) => number,
): string {
  const sorted = radii.filter((radius) => radius > 0).sort((a, b) => a - b);
  const parts = [`M${x(0).toFixed(1)} ${y(sorted.length / samples).toFixed(1)}`];
  for (let k = 0; k < sorted.length && sorted[k]! <= end; k++) {
    if (sorted[k] === sorted[k + 1]) continue;
    parts.push(`H${x(sorted[k]!).toFixed(1)}V${y((sorted.length - k - 1) / samples).toFixed(1)}`);
  }
  return `${parts.join('')}H${x(end).toFixed(1)}`;
}

/** Some five numbers that are easy to read. */
function ticksTo(end: number): number[] {
  const power = 10 ** Math.floor(Math.log10(end / 5));
  const step = power * [1, 2, 5, 10].find((factor) => factor * power * 6 >= end)!;
  return Array.from({ length: Math.floor(end / step) + 1 }, (_, k) => k * step);
}

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

function escaped(text: string): string {
  return printable(text).replace(/[&<>"]/g, (c) => ENTITIES[c]!);
}
