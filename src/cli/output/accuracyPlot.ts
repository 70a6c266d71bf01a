/** Accuracy against the radius, as an SVG image: what is certified, and what an attack leaves. */
import type { SampleReport } from '../../certify/report.ts';
import { framed, PLOT_SIZE, type PlotFrame, PRINTED_FRAME, plotArea, ticksTo } from './plotFrame.ts';

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
export interface PlotLook extends Pick<PlotFrame, 'width' | 'height' | 'font'> {
  readonly colours: PlotFrame['colours'] & Readonly<Record<'certified' | 'attacked' | 'clean', string>>;
}

/** A file of its own. */
const PRINTED: PlotLook = {
  ...PLOT_SIZE,
  colours: { ...PRINTED_FRAME, ...{ certified: '#1b6ca8', attacked: '#c2571a', clean: '#777777' } },
};

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
  look = PRINTED,
): string {
  const { colours } = look;
  const finite = [...distances.certified, ...distances.attacked].filter((r) => r > 0 && r < 1e300);
  const end = finite.length === 0 ? 1 : 1.05 * finite.reduce((most, r) => Math.max(most, r), 0);
  const area = plotArea(look);
  const x = (radius: number) => area.left + (radius / end) * (area.right - area.left);
  const y = (share: number) => area.bottom - share * (area.bottom - area.top);
  const curve = (radii: readonly number[], colour: string) =>
    `<path fill="none" stroke="${colour}" stroke-width="2" d="${steps(radii, samples, end, x, y)}"/>`;
  const cleanAt = y(clean / samples).toFixed(1);
  const legend = [
    ['attack leaves', colours.attacked],
    ['certified', colours.certified],
    ['clean', colours.clean],
  ].map(([name, colour], k) => {
    const at = area.top + 14 + 18 * k;
    const from = area.right - 120;
    return `<path stroke="${colour}" stroke-width="2" d="M${from} ${at}h20"/><text x="${from + 28}" y="${at}" dy="0.32em">${name}</text>`;
  });
  const frame: PlotFrame = {
    ...{ title, unit, ...look },
    rows: [0, 0.2, 0.4, 0.6, 0.8, 1].map((share) => ({ at: y(share), text: `${Math.round(100 * share)} %` })),
    columns: ticksTo(end).map((radius) => ({
      at: x(radius),
      text: String(Number(radius.toPrecision(6))),
    })),
  };
  return framed(frame, [
    `<path stroke="${colours.clean}" stroke-dasharray="4 4" d="M${area.left} ${cleanAt}H${area.right}"/>`,
    curve(distances.attacked, colours.attacked),
    curve(distances.certified, colours.certified),
    ...legend,
  ]);
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
