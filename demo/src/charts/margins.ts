/** Bounds of all margins as a heat map. */
import { cell, plot, raster, text } from '@observablehq/plot';
import { formatUp } from '../format.ts';
import { frame, resolved } from './frame.ts';
import { hover } from './hover.ts';

/** Beyond this many outputs cells are pixels. */
const MOST_CELLS = 40;
/** Up to this many have their numbers written in. */
const MOST_NUMBERS = 12;

/** From this share of the range on, numbers are written in the other colour. */
const INVERTED = 0.65;

export function margins(table: readonly (readonly number[])[], width: number): Element {
  const n = table.length;
  const side = Math.min(width, n <= MOST_CELLS ? 60 + 46 * n : 520);
  const cells = table.flatMap((row, i) => row.map((value, j) => ({ i, j, value })));
  const title = ({ i, j, value }: (typeof cells)[number]) => `outputs ${i} and ${j}: ${formatUp(value, 4)}`;
  const off = cells.filter((c) => c.i !== c.j);
  const finite = off.filter((c) => Number.isFinite(c.value)).map((c) => c.value);
  const [least, most] = [Math.min(...finite), Math.max(...finite)];
  const color = {
    type: 'linear',
    domain: least < most ? [least, (least + most) / 2, most] : [0, most / 2, most],
    range: [resolved('var(--ramp-low)'), resolved('var(--ramp-middle)'), resolved('var(--ramp-high)')],
    interpolate: 'lab',
  } as const;
  const square = {
    ...frame(side, side, 'Bounds of output i minus output j'),
    marginLeft: 44,
    marginBottom: 40,
    marginTop: 8,
    marginRight: 12,
    color,
  };
  if (n > MOST_CELLS) {
    return plot({
      ...square,
      x: { label: 'output j', domain: [0, n], labelAnchor: 'center' },
      y: { label: 'output i', domain: [n, 0], labelAnchor: 'center' },
      marks: [
        raster(table.flat(), {
          width: n,
          height: n,
          x1: 0,
          x2: n,
          y1: 0,
          y2: n,
          imageRendering: 'pixelated',
        }),
        hover(off, { x: (c) => c.j + 0.5, y: (c) => c.i + 0.5, title }),
      ],
    });
  }
  const fits = n <= MOST_NUMBERS && side / n > 38;
  const exponent = commonExponent(least, most);
  const unit = fits && exponent !== 0 ? `, in units of 10^${exponent}` : '';
  return plot({
    ...square,
    x: { label: `output j${unit}`, tickSize: 0, labelAnchor: 'center' },
    y: { label: 'output i', tickSize: 0, labelAnchor: 'center' },
    marks: [
      cell(off, {
        x: 'j',
        y: 'i',
        fill: 'value',
        inset: 0.5,
        rx: 2,
        title,
      }),
      ...(fits
        ? [
            text(off, {
              ...{
                x: 'j',
                y: 'i',
                text: (c: (typeof off)[number]) => formatUp(c.value / 10 ** exponent, 3),
                fontSize: 10.5,
              },
              fill: (c: (typeof off)[number]) =>
                c.value > least + INVERTED * (most - least) ? 'var(--on-ramp-high)' : 'var(--on-ramp-low)',
            }),
          ]
        : []),
    ],
  });
}

/** The power of ten that all numbers are divided by, where they are too large or too small to be read. */
function commonExponent(least: number, most: number): number {
  return most >= 1e4 || least < 1e-2 ? Math.floor(Math.log10(most)) : 0;
}
