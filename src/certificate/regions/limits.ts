/** Inputs that keep limits beside a radius: what that says of the first arguments, and as linear terms. */
import { exponentOf, gamma, powerOfTwo, U, up } from '../checker/numbers.ts';
import { demand } from '../checker/refusal.ts';
import type { Linear } from './graph.ts';
import { longest, type Rows, rowsOf } from './sparse.ts';

/** How far inputs go below and above the centre at most; no farther than the radius. */
export interface Slack {
  readonly low: Float64Array;
  readonly high: Float64Array;
}

/** Composed weights are within these, where they are not 0: nothing of them is lost. */
const [LEAST, MOST] = [2 ** -300, 2 ** 300];
/** Halvings of the interval in which the multiplier of the radius is looked for. */
const HALVINGS = 30;

export function slackOf(centre: Float64Array, radius: number, low: Float64Array, high: Float64Array): Slack {
  const within = (x: number) => Math.min(x + 2 * U * Math.abs(x), up(radius));
  return {
    low: centre.map((x, i) => within(x - low[i]!)),
    high: centre.map((x, i) => within(high[i]! - x)),
  };
}

/** r² + 2 Σ ν slack + ‖offset‖² from above, for weights ν ≥ 0 of the limits of which only the differences count. */
export function levelOf(radius: number, offset: Float64Array, slack: Slack | undefined): number {
  let level = radius * radius;
  let sizes = level;
  for (const [i, by] of offset.entries()) {
    const worth = slack ? 2 * (by > 0 ? by * slack.low[i]! : -by * slack.high[i]!) : 0;
    level += worth + by * by;
    sizes += Math.abs(worth) + by * by;
  }
  return level + gamma(3 * offset.length + 16) * sizes;
}

/**
 * Ranges of tensors that are linear in the input, around their anchors. Of w·Δ over the ball and the limits, for any μ > 0: at most
 * ½ μ r² + Σ max (w_i Δ_i − ½ μ Δ_i²), each over its own interval; μ is where that is about least.
 * @param steps that lead from the input to it
 */
export function limitedRange(
  steps: readonly Linear[],
  input: number,
  tensor: number,
  centre: Float64Array,
  radius: number,
  slack: Slack,
): { low: Float64Array; high: Float64Array } {
  const n = centre.length;
  const unit = rowsOf(n, n + 1, (row, put) => put(row, 1));
  const composed = new Map([[input, { rows: unit, error: 0 }]]);
  for (const { name, output, terms, constant, constantSize, roundings } of steps) {
    const parts = terms.map(({ source, rows }) => ({ rows, of: composed.get(source)! }));
    const most = parts.reduce((sum, { rows }) => sum + longest(rows), 0);
    const error = Math.max(...parts.map(({ of }) => of.error)) + gamma(2 * most + roundings + 16);
    const rows = rowsOf(parts[0]!.rows.starts.length - 1, n + 1, (row, put) => {
      const [values, sizes] = [new Map<number, number>(), new Map<number, number>()];
      const add = (column: number, value: number, size: number) => {
        values.set(column, (values.get(column) ?? 0) + value);
        sizes.set(column, (sizes.get(column) ?? 0) + size);
      };
      const b = constant?.[row] ?? 0;
      add(n, b, Math.max(Math.abs(b), constantSize?.[row] ?? 0));
      for (const { rows: outer, of } of parts)
        for (let k = outer.starts[row]!; k < outer.starts[row + 1]!; k++) {
          const from = outer.index[k]!;
          for (let at = of.rows.starts[from]!; at < of.rows.starts[from + 1]!; at++) {
            const size = outer.sizes[k]! * of.rows.sizes[at]!;
            demand(
              size > LEAST && size < MOST,
              `${name}: weights beyond 1e±90 are not covered beside limits`,
            );
            add(of.rows.index[at]!, outer.values[k]! * of.rows.values[at]!, size);
          }
        }
      for (const [column, value] of values) put(column, value, sizes.get(column));
    });
    composed.set(output, { rows, error });
  }
  const { rows, error } = composed.get(tensor)!;
  const count = rows.starts.length - 1;
  const [low, high] = [new Float64Array(count), new Float64Array(count)];
  for (let row = 0; row < count; row++) {
    let sizes = 0;
    let centred = 0;
    for (let at = rows.starts[row]!; at < rows.starts[row + 1]!; at++) {
      const i = rows.index[at]!;
      sizes += rows.sizes[at]! * (i < n ? Math.abs(centre[i]!) + radius : 1);
      centred += rows.values[at]! * (i < n ? centre[i]! : 1);
    }
    // Composed weights, their sums and the network's own all err by as much, relative to the sizes.
    const doubt = 4 * (error + gamma(n + 16)) * sizes + 2 ** -900;
    high[row] = centred + farthest(rows, row, 1, n, radius, slack) + doubt;
    low[row] = centred - farthest(rows, row, -1, n, radius, slack) - doubt;
  }
  return { low, high };
}

/** The largest sign · w·Δ, from above. */
function farthest(rows: Rows, row: number, sign: 1 | -1, n: number, radius: number, slack: Slack): number {
  // In units of the largest weight, so that squares are not lost.
  let largest = 0;
  for (let at = rows.starts[row]!; at < rows.starts[row + 1]!; at++)
    if (rows.index[at] !== n) largest = Math.max(largest, Math.abs(rows.values[at]!));
  if (largest === 0) return 0;
  const unit = powerOfTwo(exponentOf(largest));
  const entries: (readonly [w: number, low: number, high: number])[] = [];
  let squares = 0;
  for (let at = rows.starts[row]!; at < rows.starts[row + 1]!; at++) {
    const i = rows.index[at]!;
    if (i === n) continue;
    const w = rows.values[at]! / unit;
    entries.push([sign * w, -slack.low[i]!, slack.high[i]!]);
    squares += w * w;
  }
  const norm = Math.sqrt(squares);
  const step = ([w, low, high]: readonly [number, number, number], mu: number) =>
    Math.min(Math.max(w / mu, low), high);
  let [least, most] = [0, norm / radius];
  for (let k = 0; k < HALVINGS; k++) {
    const mu = (least + most) / 2;
    const square = entries.reduce((sum, entry) => sum + step(entry, mu) * step(entry, mu), 0);
    if (square > radius * radius) least = mu;
    else most = mu;
  }
  let value = (most * radius * radius) / 2;
  let sizes = value;
  for (const entry of entries) {
    const delta = step(entry, most);
    value += entry[0] * delta - (most * delta * delta) / 2;
    // The maximiser is off by rounding, which tells in second order alone.
    sizes += 2 * Math.abs(entry[0] * delta) + most * delta * delta;
  }
  return unit * (value + 2 * gamma(entries.length + 16) * (sizes + norm * radius) + LEAST ** 3);
}
