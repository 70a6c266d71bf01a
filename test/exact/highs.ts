/** HiGHS as the referee of what the search says of rows. */
import { createRequire } from 'node:module';
import type { Highs } from 'highs';

/** The package is one of CommonJS, whose types say otherwise. */
const load = createRequire(import.meta.url)('highs') as () => Promise<Highs>;
let loading: Promise<Highs> | undefined;

/**
 * The largest δ with row · ξ ≥ δ for all rows, |ξ_c| ≤ 1: above 0 if the open cone of the rows has an inside.
 * @param matrix row-major [rows, columns]
 */
export async function largestMargin(matrix: Float64Array, rows: number, columns: number): Promise<number> {
  loading ??= load();
  const highs = await loading;
  const number = (value: number) => `${value < 0 ? '-' : '+'} ${Math.abs(value).toFixed(15)}`;
  const lines = Array.from({ length: rows }, (_, k) => {
    const terms = Array.from({ length: columns }, (_, c) => `${number(matrix[k * columns + c]!)} v${c}`);
    return ` r${k}: ${terms.join(' ')} - d >= 0`;
  });
  const bounds = Array.from({ length: columns }, (_, c) => ` -1 <= v${c} <= 1`);
  const text = [
    'Maximize',
    ' obj: d',
    'Subject To',
    ...lines,
    'Bounds',
    ...bounds,
    ' -2 <= d <= 2',
    'End',
  ].join('\n');
  const { Status, ObjectiveValue } = highs.solve(text);
  if (Status !== 'Optimal') throw new Error(`highs: ${Status}`);
  return ObjectiveValue;
}
