/** Every region of a tiny network on which it is linear, found by itself: the truth that exact constants are held against. */
import type { Elementwise } from '../../src/network/elementwise/elementwise.ts';

export interface Layer {
  readonly weight: readonly (readonly number[])[];
  readonly bias: readonly number[];
}

/** Straight pieces: slope · y + offset between breaks. */
export interface Line {
  readonly breaks: readonly number[];
  readonly slopes: readonly number[];
  readonly offsets: readonly number[];
}

export function lineOf(f: Elementwise): Line {
  switch (f.name) {
    case 'relu':
      return { breaks: [0], slopes: [0, 1], offsets: [0, 0] };
    case 'abs':
      return { breaks: [0], slopes: [-1, 1], offsets: [0, 0] };
    case 'leaky-relu':
      return { breaks: [0], slopes: [f.slope, 1], offsets: [0, 0] };
    case 'clip':
      return { breaks: [f.min, f.max], slopes: [0, 1, 0], offsets: [f.min, 0, f.max] };
    default:
      throw new Error(`regions: ${f.name} is not among these`);
  }
}

/** Half-spaces row · (x, 1) > 0 have a point in common if some row's margin can be above this. */
const INSIDE = 1e-9;

/**
 * The largest norm of the Jacobian of all regions that have an inside.
 * @param box −side to side for every input; undefined: everywhere
 */
export function largestSlope(layers: readonly Layer[], f: Elementwise, box?: number): number {
  const inputs = layers[0]!.weight[0]!.length;
  const line = lineOf(f);
  const walls: number[][] = [];
  for (let n = 0; box !== undefined && n < inputs; n++) {
    for (const sign of [1, -1]) {
      const wall = new Array<number>(inputs + 1).fill(0);
      wall[n] = sign;
      wall[inputs] = box;
      walls.push(wall);
    }
  }
  let most = 0;
  /** @param forms affine forms of the layer's arguments @param images of those of its neurons that have been placed */
  const place = (
    k: number,
    forms: readonly number[][],
    images: readonly number[][],
    rows: readonly number[][],
  ): void => {
    const neuron = images.length;
    if (neuron === forms.length) {
      const next = layers[k + 1]!;
      const after = next.weight.map((weights, row) => combined(weights, images, next.bias[row]!));
      if (k + 2 === layers.length) most = Math.max(most, norm(after.map((form) => form.slice(0, inputs))));
      else place(k + 1, after, [], rows);
      return;
    }
    const form = forms[neuron]!;
    for (let piece = 0; piece < line.slopes.length; piece++) {
      const own: number[][] = [];
      if (piece > 0) own.push(minus(form, line.breaks[piece - 1]!, 1));
      if (piece < line.breaks.length) own.push(minus(form, line.breaks[piece]!, -1));
      // A constant argument is on the upper of two pieces that it is between.
      if (form.every((entry, n) => n === inputs || Math.abs(entry) < 1e-12)) {
        if (!own.every((row, n) => row[inputs]! > 0 || (row[inputs] === 0 && n === 0 && piece > 0))) continue;
        place(k, forms, [...images, image(form, line, piece)], rows);
        continue;
      }
      const all = [...rows, ...own];
      if (margin(all, inputs) > INSIDE) place(k, forms, [...images, image(form, line, piece)], all);
    }
  };
  const [first] = layers;
  if (layers.length === 1) return norm(first!.weight.map((row) => [...row]));
  place(
    0,
    first!.weight.map((row, n) => [...row, first!.bias[n]!]),
    [],
    walls,
  );
  return most;
}

function combined(weights: readonly number[], forms: readonly (readonly number[])[], bias: number): number[] {
  const sum = new Array<number>(forms[0]!.length).fill(0);
  for (const [k, form] of forms.entries())
    for (const [n, entry] of form.entries()) sum[n]! += weights[k]! * entry;
  sum[sum.length - 1]! += bias;
  return sum;
}

function minus(form: readonly number[], at: number, sign: number): number[] {
  return form.map((entry, n) => sign * (n === form.length - 1 ? entry - at : entry));
}

function image(form: readonly number[], { slopes, offsets }: Line, piece: number): number[] {
  return form.map((entry, n) => slopes[piece]! * entry + (n === form.length - 1 ? offsets[piece]! : 0));
}

/** The largest singular value. */
export function norm(rows: readonly (readonly number[])[]): number {
  let v = rows[0]!.map((_, n) => Math.sin(1 + n));
  let size = 0;
  for (let k = 0; k < 3000; k++) {
    const image = rows.map((row) => row.reduce((sum, entry, n) => sum + entry * v[n]!, 0));
    const back = v.map((_, n) => rows.reduce((sum, row, m) => sum + row[n]! * image[m]!, 0));
    const length = Math.hypot(...back);
    if (length === 0) return 0;
    const before = size;
    size = Math.hypot(...image) / Math.hypot(...v);
    v = back.map((entry) => entry / length);
    if (k > 50 && size - before < 1e-15 * size) break;
  }
  return size;
}

/**
 * The largest δ with row · (x, t) ≥ δ ‖row‖ for all rows and t ≥ δ, in the cube |x| ≤ 1, t ≤ 1: by the simplex method with Bland's rule on
 * nonnegative variables x + 1, t + 1, δ + 4.
 */
export function margin(rows: readonly (readonly number[])[], inputs: number): number {
  const all = [...rows, [...new Array<number>(inputs).fill(0), 1]];
  const variables = inputs + 2;
  const tableau: number[][] = all.map((row) => {
    const length = Math.hypot(...row);
    const unit = row.map((entry) => entry / length);
    // −unit · (ξ − 1) + (δ − 4) ≤ 0
    return [...unit.map((entry) => -entry), 1, 4 - unit.reduce((sum, entry) => sum + entry, 0)];
  });
  for (let n = 0; n <= inputs; n++)
    tableau.push([...new Array<number>(variables).fill(0).map((_, m) => (m === n ? 1 : 0)), 2]);
  const m = tableau.length;
  // Slack variables are the first basis.
  const basis = tableau.map((_, k) => variables + k);
  const table = tableau.map((row, k) => [
    ...row.slice(0, variables),
    ...basis.map((_, n) => (n === k ? 1 : 0)),
    row[variables]!,
  ]);
  const cost = [...new Array<number>(variables + m).fill(0), 0];
  cost[variables - 1] = 1;
  for (let step = 0; step < 5000; step++) {
    const entering = cost.findIndex((c, n) => n < variables + m && c > 1e-11);
    if (entering < 0) break;
    let [leaving, least] = [-1, Infinity];
    for (let k = 0; k < m; k++) {
      if (!(table[k]![entering]! > 1e-11)) continue;
      const ratio = table[k]!.at(-1)! / table[k]![entering]!;
      if (ratio < least - 1e-14 || (ratio < least + 1e-14 && basis[k]! < basis[leaving]!))
        [leaving, least] = [k, ratio];
    }
    if (leaving < 0) throw new Error('margin: unbounded');
    const pivot = table[leaving]!;
    const divisor = pivot[entering]!;
    for (let n = 0; n < pivot.length; n++) pivot[n]! /= divisor;
    for (const row of [...table, cost]) {
      if (row === pivot) continue;
      const factor = row[entering]!;
      if (factor !== 0) for (let n = 0; n < row.length; n++) row[n]! -= factor * pivot[n]!;
    }
    basis[leaving] = entering;
  }
  const at = basis.indexOf(variables - 1);
  return (at < 0 ? 0 : table[at]!.at(-1)!) - 4;
}
