/** λ_max(S(ω)) of a convolution: a line over one axis, an image over two. */
import { areaY, lineY, plot, raster } from '@observablehq/plot';
import type { LayerSpectrum } from '../../../src/index.browser.ts';
import { formatUp } from '../format.ts';
import { COLORS, frame, resolved } from './frame.ts';
import { hover } from './hover.ts';
import { RAMP_WIDTH, withRamp } from './ramp.ts';

export function spectrum(found: LayerSpectrum, width: number): Element {
  const label = `Spectrum of ${found.layer}`;
  const { sides, values } = centred(found);
  const [rows, columns] = sides.length === 1 ? [1, sides[0]!] : [sides[0]!, sides[1]!];
  const turn = (k: number, n: number) => (k - Math.floor(n / 2)) / n;
  if (rows === 1) {
    const points = Array.from(values, (value, k) => ({ omega: turn(k, columns), value }));
    return plot({
      ...frame(width, 240, label),
      marginLeft: 56,
      x: { label: 'frequency (turns per sample)' },
      y: { label: 'λ_max(S)', grid: true, zero: true, ticks: 5 },
      marks: [
        areaY(points, { x: 'omega', y: 'value', fill: COLORS.refined, fillOpacity: 0.08 }),
        lineY(points, { x: 'omega', y: 'value', stroke: COLORS.refined, strokeWidth: 2 }),
        hover(
          points,
          {
            x: (p) => p.omega,
            y: (p) => p.value,
            title: (p) => `frequency ${shortTurn(p.omega)}\nλ_max(S) ${formatUp(p.value, 4)}`,
          },
          true,
        ),
      ],
    });
  }
  const side = Math.min(width, 460);
  const inner = side - MARGIN.left - MARGIN.right;
  const height = Math.round((inner * rows) / columns);
  const most = Math.max(...values, Number.MIN_VALUE);
  const drawing = plot({
    ...frame(side, height + MARGIN.top + MARGIN.bottom, label),
    ...{ marginLeft: MARGIN.left, marginRight: MARGIN.right },
    ...{ marginTop: MARGIN.top, marginBottom: MARGIN.bottom },
    x: {
      domain: [turn(0, columns) - 0.5 / columns, turn(columns - 1, columns) + 0.5 / columns],
      ticks: 5,
      label: 'horizontal frequency (turns per sample)',
      labelAnchor: 'center',
    },
    y: {
      domain: [turn(0, rows) - 0.5 / rows, turn(rows - 1, rows) + 0.5 / rows],
      ticks: 5,
      label: 'vertical frequency',
      labelAnchor: 'center',
    },
    color: {
      type: 'linear',
      domain: [0, most / 2, most],
      range: [resolved('var(--ramp-low)'), resolved('var(--ramp-middle)'), resolved('var(--ramp-high)')],
      interpolate: 'lab',
    },
    marks: [
      raster(values, {
        ...{ width: columns, height: rows, imageRendering: 'pixelated' },
        ...{ x1: turn(0, columns) - 0.5 / columns, x2: turn(columns - 1, columns) + 0.5 / columns },
        ...{ y1: turn(0, rows) - 0.5 / rows, y2: turn(rows - 1, rows) + 0.5 / rows },
      }),
      hover(
        Array.from(values, (_, k) => k),
        {
          x: (k) => turn(k % columns, columns),
          y: (k) => turn(Math.floor(k / columns), rows),
          title: (k) =>
            `frequency ${shortTurn(turn(k % columns, columns))}, ${shortTurn(turn(Math.floor(k / columns), rows))}\nλ_max(S) ${formatUp(values[k]!, 4)}`,
        },
      ),
    ],
  });
  const legend = { x: side - MARGIN.right + 14, y: MARGIN.top, height };
  return withRamp(drawing, legend, [0, most], (value) => formatUp(value, 3));
}

/** A frequency in turns, as people read it. */
function shortTurn(turns: number): string {
  return String(Number(turns.toFixed(3))).replace('-', '−');
}

/** Pixels. */
const MARGIN = { left: 52, right: 14 + RAMP_WIDTH, top: 10, bottom: 40 } as const;

/** The frequency 0 in the middle; of three axes the first is left out, by its maximum. */
function centred({ torus, values }: LayerSpectrum): { sides: readonly number[]; values: Float64Array } {
  const sides = torus.slice(-2);
  const size = sides.reduce((p, n) => p * n, 1);
  const flat = new Float64Array(size);
  values.forEach((value, k) => {
    flat[k % size] = Math.max(flat[k % size]!, value);
  });
  const shifted = new Float64Array(size);
  const [rows, columns] = sides.length === 1 ? [1, sides[0]!] : [sides[0]!, sides[1]!];
  const move = (k: number, n: number) => (k + Math.floor(n / 2)) % n;
  for (let r = 0; r < rows; r++) {
    for (let c = 0; c < columns; c++)
      shifted[move(r, rows) * columns + move(c, columns)] = flat[r * columns + c]!;
  }
  return { sides, values: shifted };
}
