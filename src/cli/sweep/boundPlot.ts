/** Bounds against steps as an SVG image, with the product of norms above and what the network reaches below. */
import {
  escaped,
  framed,
  PLOT_SIZE,
  type PlotFrame,
  PRINTED_FRAME,
  plotArea,
  ticksTo,
} from '../output/plotFrame.ts';
import type { SweepLine } from './line.ts';
import type { AllSeries, Series } from './series.ts';

/** Of runs, one after the other, and again from the first. */
const COLOURS = ['#1b6ca8', '#c2571a', '#3a7d44', '#8a4f9e', '#a8801b', '#5b6770'];
/** Runs that the legend names. */
const MOST_NAMED = 12;
/** Characters of a name there. */
const LONGEST = 30;
const ASIDE = 200;

/** log10 of what a curve shows of a line; undefined where there is none. */
type Shown = (line: SweepLine) => number | null | undefined;

const CURVES: readonly { readonly name: string; readonly dashes: string; readonly of: Shown }[] = [
  { name: 'product of norms', dashes: '6 4', of: ({ product }) => product?.log10 },
  { name: 'bound', dashes: '', of: ({ log10 }) => log10 },
  { name: 'at least', dashes: '1 4', of: ({ lower }) => lower?.log10 },
];

export function boundPlot(title: string, { unit, series }: AllSeries): string {
  const size = { ...PLOT_SIZE, width: PLOT_SIZE.width + ASIDE, aside: ASIDE };
  const area = plotArea(size);
  const values = series.flatMap(({ points }) =>
    points.flatMap(({ line }) => CURVES.flatMap(({ of }) => of(line) ?? [])),
  );
  const [low, high] = rangeOf(values, 0.1);
  const [first, last] = rangeOf(
    series.flatMap(({ points }) => points.map(({ x }) => x)),
    0.5,
  );
  const x = (at: number) => area.left + ((at - first) / (last - first)) * (area.right - area.left);
  const y = (log: number) => area.bottom - ((log - low) / (high - low)) * (area.bottom - area.top);
  const frame: PlotFrame = {
    ...{ title, unit, ...size, colours: PRINTED_FRAME },
    rows: magnitudesIn(low, high).map(({ log, text }) => ({ at: y(log), text })),
    columns: ticksTo(last)
      .filter((tick) => tick >= first)
      .map((tick) => ({ at: x(tick), text: String(Number(tick.toPrecision(6))) })),
  };
  const curves = series.flatMap((one, k) =>
    CURVES.map(({ dashes, of }) => curve(one, of, x, y, COLOURS[k % COLOURS.length]!, dashes)),
  );
  return framed(frame, [...curves, ...legend(series, area)]);
}

/** Dots, joined where there is a value at both ends. */
function curve(
  { points }: Series,
  of: Shown,
  x: (at: number) => number,
  y: (log: number) => number,
  colour: string,
  dashes: string,
): string {
  let pen = 'M';
  let path = '';
  const dots: string[] = [];
  for (const { x: at, line } of points) {
    const log = of(line);
    if (typeof log !== 'number') {
      pen = 'M';
      continue;
    }
    const [px, py] = [x(at).toFixed(1), y(log).toFixed(1)];
    path += `${pen}${px} ${py}`;
    pen = 'L';
    dots.push(`<circle cx="${px}" cy="${py}" r="2" fill="${colour}"/>`);
  }
  const dashed = dashes === '' ? '' : ` stroke-dasharray="${dashes}"`;
  return [`<path fill="none" stroke="${colour}" stroke-width="1.5"${dashed} d="${path}"/>`, ...dots].join('');
}

function legend(
  series: readonly Series[],
  { right, top }: { readonly right: number; readonly top: number },
): string[] {
  const styles = CURVES.map(({ name, dashes }) => ({ name, dashes, colour: PRINTED_FRAME.ink }));
  const runs = series
    .filter(({ name }) => name !== '')
    .slice(0, MOST_NAMED)
    .map(({ name }, k) => ({ name: shortened(name), dashes: '', colour: COLOURS[k % COLOURS.length]! }));
  return [...styles, ...runs].map(({ name, dashes, colour }, k) => {
    const at = top + 6 + 18 * k;
    return `<path stroke="${colour}" stroke-width="2" stroke-dasharray="${dashes || 'none'}" d="M${right + 16} ${at}h20"/><text x="${right + 44}" y="${at}" dy="0.32em" font-size="10">${escaped(name)}</text>`;
  });
}

/** The end of a path tells more than its beginning. */
function shortened(name: string): string {
  const characters = [...name];
  return characters.length <= LONGEST ? name : `…${characters.slice(1 - LONGEST).join('')}`;
}

/** From the least to the largest, with a share of it on both sides. @param alone half the width where they are one */
function rangeOf(values: readonly number[], alone: number): [low: number, high: number] {
  let [low, high] = [Infinity, -Infinity];
  for (const value of values) [low, high] = [Math.min(low, value), Math.max(high, value)];
  if (!(low <= high)) return [0, 1];
  const room = high > low ? 0.05 * (high - low) : alone;
  return [low - room, high + room];
}

/** Numbers for a logarithmic axis: 1, 2, 5 of every power of ten where there are few, else powers of ten. */
function magnitudesIn(low: number, high: number): { readonly log: number; readonly text: string }[] {
  const decades = high - low;
  const leads = decades > 3 ? [1] : decades > 1 ? [1, 2, 5] : [1, 1.2, 1.5, 2, 3, 4, 5, 6, 7, 8, 9];
  const stride = Math.max(1, Math.ceil(decades / 8));
  const marks: { log: number; text: string }[] = [];
  const step = leads.length === 1 ? stride : 1;
  for (let power = step * Math.floor(low / step); power <= high; power += step) {
    for (const lead of leads) {
      const log = power + Math.log10(lead);
      const text =
        Math.abs(power) < 5 ? String(Number((lead * 10 ** power).toPrecision(2))) : `${lead}e${power}`;
      if (log >= low && log <= high) marks.push({ log, text });
    }
  }
  return marks;
}
