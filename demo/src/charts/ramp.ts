/** The legend of colours that stand for numbers: a bar beside the chart, in the same drawing, so that it is saved with it. */
import type { Plot } from '@observablehq/plot';

type Drawing = (SVGSVGElement | HTMLElement) & Plot;

/** Pixels that it takes on the right. */
export const RAMP_WIDTH = 62;
const BAR = 10;
const STOPS = 16;

/**
 * @param x where it begins, in pixels of the drawing
 * @param domain least and largest number that colours stand for
 * @param format writes these two and the one between them
 */
export function withRamp(
  drawing: Drawing,
  { x, y, height }: { readonly x: number; readonly y: number; readonly height: number },
  [least, most]: readonly [number, number],
  format: (value: number) => string,
): Drawing {
  const apply = drawing.scale('color')!.apply;
  const at = (share: number) => least + share * (most - least);
  const bars = Array.from({ length: STOPS }, (_, k) =>
    part('rect', {
      ...{ x, width: BAR, y: y + (height * (STOPS - 1 - k)) / STOPS, height: height / STOPS + 0.5 },
      fill: String(apply(at((k + 0.5) / STOPS))),
    }),
  );
  const numbers = [0, 0.5, 1].map((share) => {
    const text = part('text', {
      ...{
        x: x + BAR + 5,
        y: y + height * (1 - share),
        dy: '0.32em',
        'text-anchor': 'start',
        fill: 'currentColor',
      },
    });
    text.textContent = format(at(share));
    return text;
  });
  const group = part('g', { class: 'ramp' });
  group.append(...bars, ...numbers);
  drawing.append(group);
  return drawing;
}

function part(name: string, attributes: Readonly<Record<string, string | number>>): SVGElement {
  const element = document.createElementNS('http://www.w3.org/2000/svg', name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, String(value));
  return element;
}
