/** What charts say of the point that is nearest to a pointer or a finger. */
import { pointer, pointerX, tip } from '@observablehq/plot';

/** Where the rows of a chart stand, and what is said of each. */
interface Places<R> {
  readonly x: (row: R) => number;
  readonly y: (row: R) => number | string;
  readonly title: (row: R) => string;
}

/** @param across the nearest one in x counts, whatever its height, and however far it is: a curve says something everywhere */
export function hover<R>(rows: readonly R[], { x, y, title }: Places<R>, across = false) {
  const nearest = across ? pointerX : pointer;
  const colours = { fill: 'var(--paper)', stroke: 'var(--line)' };
  return tip(rows, nearest({ x, y, title, ...colours, ...(across ? { maxRadius: Infinity } : {}) }));
}
