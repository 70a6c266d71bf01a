/** Numbers of a report as the command line writes them: what is certified is rounded down, what breaks it up. */
import type { SampleReport } from '../../../src/index.browser.ts';
import { formatBound } from '../format.ts';

export function radiusText({ radius = 0 }: SampleReport): string {
  return formatBound(radius, null, 'down');
}

export function attackText({ attack }: SampleReport): string {
  return attack === null ? 'none' : formatBound(attack, null);
}

/** Rounded down. */
export function marginText(margin: number | null): string {
  if (margin === null) return '–';
  return margin < 0 ? `-${formatBound(-margin, null)}` : formatBound(margin, null, 'down');
}
