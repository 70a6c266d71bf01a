/** Accuracy against the radius, as an SVG image: what is certified, and what an attack leaves. */
import type { SampleReport } from '../../certify/report.ts';
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

/** Size in pixels, and colours as SVG has them. */
export interface PlotLook {
  readonly width: number;
  readonly height: number;
  readonly font: string;
  readonly colours: Readonly<
    Record<'paper' | 'ink' | 'grid' | 'ticks' | 'certified' | 'attacked' | 'clean', string>
  >;
}

/** A file of its own. */
const PRINTED: PlotLook = {
  ...{ width: 640, height: 400, font: 'sans-serif' },
  colours: {
    ...{ paper: '#ffffff', ink: '#333333', grid: '#dddddd', ticks: '#777777' },
    ...{ certified: '#1b6ca8', attacked: '#c2571a', clean: '#777777' },
  },
};
const MARGIN = { left: 56, right: 16, top: 40, bottom: 48 };

/** What is certified of samples and what is broken, of which the largest radii were looked for or these radii were asked. */
export function accuracyCurves(
  reports: readonly SampleReport[],
  radii: readonly number[],
): Pick<AccuracyCurves, 'samples' | 'clean' | 'certified' | 'attacked'> {
  const largest = ({ radius, certified }: SampleReport) =>
    Math.max(radius ?? 0, ...radii.filter((r) => certified[String(r)]));
  return {
    samples: reports.length,
    clean: reports.filter(({ label, predicted }) => predicted !== null && (label ?? predicted) === predicted)
      .length,
    certified: reports.map(largest),
    attacked: reports.map(({ predicted, attack }) => attack ?? (predicted === null ? 0 : Infinity)),
  };
}

export function accuracyPlot(
  { title, unit, samples, clean, ...distances }: AccuracyCurves,
  { width, height, font, colours } = PRINTED,
): string {
  const finite = [...distances.certified, ...distances.attacked].filter((r) => r > 0 && r < 1e300);
  const end = finite.length === 0 ? 1 : 1.05 * finite.reduce((most, r) => Math.max(most, r), 0);
  const x = (radius: number) => MARGIN.left + (radius / end) * (width - MARGIN.left - MARGIN.right);
  const y = (share: number) => height - MARGIN.bottom - share * (height - MARGIN.top - MARGIN.bottom);
  const curve = (radii: readonly number[], colour: string) =>
    `<path fill="none" stroke="${colour}" stroke-width="2" d="${steps(radii, samples, end, x, y)}"/>`;
  const grid = [0, 0.2, 0.4, 0.6, 0.8, 1].map((share) => {
    const at = y(share).toFixed(1);
    return `<path stroke="${colours.grid}" d="M${MARGIN.left} ${at}H${width - MARGIN.right}"/><text x="${MARGIN.left - 8}" y="${at}" dy="0.32em" text-anchor="end">${Math.round(100 * share)} %</text>`;
  });
  const ticks = ticksTo(end).map((radius) => {
    const at = x(radius).toFixed(1);
    const low = height - MARGIN.bottom;
    return `<path stroke="${colours.ticks}" d="M${at} ${low}v5"/><text x="${at}" y="${low + 20}" text-anchor="middle">${String(Number(radius.toPrecision(6)))}</text>`;
  });
  const cleanAt = y(clean / samples).toFixed(1);
  const legend = [
    ['attack leaves', colours.attacked],
    ['certified', colours.certified],
    ['clean', colours.clean],
  ].map(([name, colour], k) => {
    const at = MARGIN.top + 14 + 18 * k;
    const from = width - MARGIN.right - 120;
    return `<path stroke="${colour}" stroke-width="2" d="M${from} ${at}h20"/><text x="${from + 28}" y="${at}" dy="0.32em">${name}</text>`;
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" font-family="${font}" font-size="12" fill="${colours.ink}" role="img" aria-label="${escaped(title)}">`,
    `<rect width="${width}" height="${height}" fill="${colours.paper}"/>`,
    `<text x="${MARGIN.left}" y="22" font-size="14">${escaped(title)}</text>`,
    ...grid,
    ...ticks,
    `<text x="${(MARGIN.left + width - MARGIN.right) / 2}" y="${height - 8}" text-anchor="middle">${escaped(unit)}</text>`,
    `<path stroke="${colours.clean}" stroke-dasharray="4 4" d="M${MARGIN.left} ${cleanAt}H${width - MARGIN.right}"/>`,
    curve(distances.attacked, colours.attacked),
    curve(distances.certified, colours.certified),
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
