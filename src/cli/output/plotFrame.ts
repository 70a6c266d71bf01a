/** What plots have in common: paper, title, axes with their numbers, as SVG. */
import { printable } from '../../printable.ts';

export interface PlotFrame {
  readonly title: string;
  /** What the horizontal axis shows. */
  readonly unit: string;
  /** Pixels. */
  readonly width: number;
  readonly height: number;
  readonly font: string;
  /** As SVG has them. */
  readonly colours: Readonly<Record<'paper' | 'ink' | 'grid' | 'ticks', string>>;
  /** Lines across, and numbers below, in pixels. */
  readonly rows: readonly Tick[];
  readonly columns: readonly Tick[];
  /** Pixels on the right for what explains the curves. */
  readonly aside?: number;
}

interface Tick {
  readonly at: number;
  readonly text: string;
}

/** A file of its own. */
export const PLOT_SIZE = { width: 640, height: 400, font: 'sans-serif' };
export const PRINTED_FRAME = { paper: '#ffffff', ink: '#333333', grid: '#dddddd', ticks: '#777777' };

const MARGIN = { left: 56, right: 16, top: 40, bottom: 48 };

/** Where curves may be, in pixels. */
export function plotArea({ width, height, aside = 0 }: Pick<PlotFrame, 'width' | 'height' | 'aside'>) {
  return {
    ...{ left: MARGIN.left, right: width - MARGIN.right - aside },
    ...{ top: MARGIN.top, bottom: height - MARGIN.bottom },
  };
}

/** The whole image. @param content what lies on the frame */
export function framed(frame: PlotFrame, content: readonly string[]): string {
  const { title, unit, width, height, font, colours, rows, columns } = frame;
  const { left, right, bottom } = plotArea(frame);
  const grid = rows.map((row) => {
    const at = row.at.toFixed(1);
    return `<path stroke="${colours.grid}" d="M${left} ${at}H${right}"/><text x="${left - 8}" y="${at}" dy="0.32em" text-anchor="end">${row.text}</text>`;
  });
  const ticks = columns.map((column) => {
    const at = column.at.toFixed(1);
    return `<path stroke="${colours.ticks}" d="M${at} ${bottom}v5"/><text x="${at}" y="${bottom + 20}" text-anchor="middle">${column.text}</text>`;
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" font-family="${font}" font-size="12" fill="${colours.ink}" role="img" aria-label="${escaped(title)}">`,
    `<rect width="${width}" height="${height}" fill="${colours.paper}"/>`,
    `<text x="${left}" y="22" font-size="14">${escaped(title)}</text>`,
    ...grid,
    ...ticks,
    `<text x="${(left + right) / 2}" y="${height - 8}" text-anchor="middle">${escaped(unit)}</text>`,
    ...content,
    '</svg>',
    '',
  ].join('\n');
}

/** Some five numbers from 0 on that are easy to read. */
export function ticksTo(end: number): number[] {
  const power = 10 ** Math.floor(Math.log10(end / 5));
  const step = power * [1, 2, 5, 10].find((factor) => factor * power * 6 >= end)!;
  return Array.from({ length: Math.floor(end / step) + 1 }, (_, k) => k * step);
}

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

/** Foreign text as it may stand in SVG. */
export function escaped(text: string): string {
  return printable(text).replace(/[&<>"]/g, (c) => ENTITIES[c]!);
}
