/** What all charts share: type, colours, and scales of numbers that may leave the range of float64. */
import type { PlotOptions } from '@observablehq/plot';
import { visible } from '../dom.ts';

/** Of the page's style sheet. */
export const COLORS = {
  product: 'var(--product)',
  closedForm: 'var(--closed)',
  refined: 'var(--accent)',
  unrolled: 'var(--unrolled)',
  exact: 'var(--exact)',
  lower: 'var(--lower)',
  ink: 'var(--ink)',
  faint: 'var(--line)',
} as const;

export function frame(width: number, height: number, label: string): PlotOptions {
  return {
    width,
    height,
    ariaLabel: visible(label),
    style: { background: 'none', fontFamily: 'inherit', fontSize: '12px', overflow: 'visible' },
  };
}

/** Of one scale of a plot. */
export type ScaleOptions = NonNullable<PlotOptions['y']>;

/**
 * A logarithmic scale of positive numbers, given by decimal logarithms: float64 need not hold them. (Plot's own one writes hardly a
 * number where there is no power of ten.)
 * @param count of ticks, about
 */
export function logScale(logarithms: readonly number[], count: number): ScaleOptions {
  const [least, most] = [Math.min(...logarithms), Math.max(...logarithms)];
  const texts = new Map(most - least < 1 ? within(least, most, count) : across(least, most, count));
  return {
    type: 'linear',
    ticks: [...texts.keys()],
    tickFormat: (log10: number) => texts.get(log10) ?? '',
  };
}

type Tick = readonly [log10: number, text: string];

/** Within a power of ten: numbers at equal distances, the least number of digits that tells them apart. */
function within(least: number, most: number, count: number): Tick[] {
  const shift = Math.floor(least);
  const [low, high] = [10 ** (least - shift), 10 ** (most - shift)];
  const rough = Math.max((high - low) / count, 1e-9);
  const power = Math.floor(Math.log10(rough));
  const digit = [5, 2, 1].find((d) => d * 10 ** power <= rough) ?? 1;
  const numbers = Array.from({ length: 3 * count + 3 }, (_, k) => Math.ceil(low / digit / 10 ** power) + k)
    .map((multiple) => Number(`${multiple * digit}e${power}`))
    .filter((number) => number <= high);
  return (numbers.length > 0 ? numbers : [low]).map((number) => [
    Math.log10(number) + shift,
    tickText(String(Number(number.toPrecision(12))), shift),
  ]);
}

/** Powers of ten, with 2 and 5 times these where there is room, or every so many of them. */
function across(least: number, most: number, count: number): Tick[] {
  const [first, last] = [Math.floor(least), Math.ceil(most)];
  const every = Math.max(1, Math.floor((last - first) / count));
  const ticks = (digits: readonly number[]) =>
    Array.from({ length: Math.floor((last - first) / every) + 1 }, (_, k) => first + k * every)
      .flatMap((power) =>
        digits.map((digit): Tick => [power + Math.log10(digit), tickText(String(digit), power)]),
      )
      .filter(([log10]) => log10 >= least && log10 <= most);
  const powers = ticks([1]);
  return powers.length >= 2 && 3 * (last - first) > 2 * count ? powers : ticks([1, 2, 5]);
}

/** `digits` times a power of ten, in full where that is short. */
function tickText(digits: string, exponent: number): string {
  return exponent < -4 || exponent > 5 ? `${digits}e${exponent}` : String(Number(`${digits}e${exponent}`));
}

/** A colour of the page as it is at the moment, for pixels. */
export function resolved(color: string): string {
  const probe = document.createElement('span');
  probe.style.color = color;
  document.body.append(probe);
  const value = getComputedStyle(probe).color;
  probe.remove();
  return value;
}
