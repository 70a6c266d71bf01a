/** What all charts share: type, colours, and scales of numbers that may leave the range of float64. */
import type { PlotOptions } from '@observablehq/plot';
import { visible } from '../dom.ts';

/** Of the page's style sheet. */
export const COLORS = {
  product: 'var(--product)',
  closedForm: 'var(--closed)',
  refined: 'var(--accent)',
  unrolled: 'var(--unrolled)',
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

/** A scale of bounds given by decimal logarithms: of the bounds where they are numbers, else of the logarithms. */
export function boundScale(logarithms: readonly number[]): {
  readonly of: (log10: number) => number;
  readonly options: { readonly type: 'log' | 'linear'; readonly label: string };
} {
  if (logarithms.every((x) => Math.abs(x) < 300)) {
    return { of: (x) => 10 ** x, options: { type: 'log', label: 'bound' } };
  }
  return { of: (x) => x, options: { type: 'linear', label: 'log₁₀ of the bound' } };
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
