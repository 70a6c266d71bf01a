/** What the functions of a stage do on a region: ranges, slopes from anchors, and what a moving centre adds to them. */
import { localSlopes } from '../../network/evaluation/localSlopes.ts';
import { U } from '../checker/numbers.ts';
import { demand } from '../checker/refusal.ts';
import type { Part, Stage } from './graph.ts';
import { rangeOf, type Sectors, type State, slotOf } from './state.ts';

/** D of every argument of a part. */
export interface Layer {
  /** Of the node. */
  readonly name: string;
  readonly multipliers: Values;
}

/** And q and m. */
export interface MovedLayer extends Layer {
  readonly spread: Values;
  readonly middle: Values;
}

/** Numbers that are decoded only when somebody asks for them, and their number. */
export interface Values {
  readonly count: number;
  readonly values: () => Float64Array;
}

/** Of the arguments of a stage, in the order of its parts. */
export interface Report {
  readonly low: Float64Array;
  readonly high: Float64Array;
  readonly middle: Float64Array;
  readonly uncertain: readonly number[];
  /** Half the width of the slopes, of the uncertain ones. */
  readonly half: readonly number[];
}

/** Numbers of certificates are within these. */
const [LEAST, MOST] = [2 ** -200, 2 ** 200];

/** Ranges and slopes. @param limits of the arguments beside what the state says */
export function reported(
  state: State,
  { parts }: Stage,
  limits?: { readonly low: Float64Array; readonly high: Float64Array },
): Report {
  const size = parts.reduce((sum, part) => sum + part.size, 0);
  const [low, high, middle] = [new Float64Array(size), new Float64Array(size), new Float64Array(size)];
  const uncertain: number[] = [];
  const half: number[] = [];
  let i = 0;
  for (const part of parts) {
    const { start } = slotOf(state, part.source);
    const slopes = localSlopes(part.function);
    for (let k = 0; k < part.size; k++, i++) {
      const anchor = state.anchor[start + k]!;
      const [l, u] = rangeOf(state, start + k);
      low[i] = Math.min(limits ? Math.max(l, limits.low[i]!) : l, anchor);
      high[i] = Math.max(limits ? Math.min(u, limits.high[i]!) : u, anchor);
      demand(low[i]! > -Infinity && high[i]! < Infinity, `${part.name}: ranges leave float64`);
      const from = { point: anchor, radius: 0 };
      const { lower, upper } = slopes.from(from, low[i]!, high[i]!, Math.floor(k / part.image));
      demand(Math.abs(lower) + Math.abs(upper) < 2 ** 60, `${part.name}: slopes beyond 1e18 are not covered`);
      middle[i] = lower === upper ? lower : lower / 2 + upper / 2;
      if (lower === upper) continue;
      uncertain.push(i);
      half.push(
        Math.max(upper - middle[i]!, middle[i]! - lower) + 2 * U * (Math.abs(lower) + Math.abs(upper)),
      );
    }
  }
  return { low, high, middle, uncertain, half };
}

/** Of the anchored pass: q is what the slopes ask for. */
export function anchoredSectors({ middle, uncertain, half }: Report, d: Float64Array): Sectors {
  const multipliers = Float64Array.from(uncertain, (i) => d[i]!);
  const spread = multipliers.map((x, k) => half[k]! * half[k]! * x * (1 + 8 * U) + LEAST);
  return { middle, uncertain, multipliers, spread };
}

/**
 * Of ReLUs, for any m, D > 0 and q > 0: with e² = q/D, A ≥ ((1 − m)² − e²)₊ u and B ≥ (m² − e²)₊ |l|
 *
 *     y²/D − (φ − m y)²/q + (A φ + B n)/q ≥ 0  on the range,  n = φ − y.
 *
 * Around the anchors: 2 λφ (φ* − m y*) + 2 p y* + χ are its linear terms, of which the floats are off by at most δ; on the region |y*| and
 * |φ*| are at most the distance Y to the farther end.
 */
export function movedSectors(
  state: State,
  { parts }: Stage,
  { low, high, middle: slopes, uncertain }: Report,
  { d, q, m }: { readonly d: Float64Array; readonly q: Float64Array; readonly m: Float64Array },
): Sectors {
  const anchors = parts.flatMap(({ name, function: f, source, size }) => {
    demand(f.name === 'relu', `${name}: a centre moves through ReLUs alone, got ${f.name}`);
    const { start } = slotOf(state, source);
    return [...state.anchor.subarray(start, start + size)];
  });
  const pick = (values: Float64Array) => Float64Array.from(uncertain, (i) => values[i]!);
  const [multipliers, spread, own] = [pick(d), pick(q), pick(m)];
  const middle = slopes.slice();
  const [outer, inner] = [new Float64Array(uncertain.length), new Float64Array(uncertain.length)];
  let level = 0;
  let doubt = LEAST ** 2;
  for (const [k, i] of uncertain.entries()) {
    const [y, mean, weight, dual] = [anchors[i]!, own[k]!, spread[k]!, multipliers[k]!];
    middle[i] = mean;
    const [u, l] = [Math.max(high[i]!, 0), Math.max(-low[i]!, 0)];
    const rest = 1 - mean;
    const square = (weight / dual) * (1 - 4 * U);
    const above = (slope: number) => Math.max(0, slope * slope * (1 + 8 * U) - square) * (1 + 8 * U);
    const [a, b] = [above(rest) * u, above(mean) * l];
    const [phi, n, g] = y >= 0 ? [y, 0, rest * y] : [0, -y, -mean * y];
    outer[k] = (a + b - 2 * g) / (2 * weight);
    inner[k] = (mean * a - rest * b) / (2 * weight) + y / dual;
    const sizes = [a + b + 2 * Math.abs(g), Math.abs(mean) * a + Math.abs(rest) * b].map(
      (x) => x / (2 * weight),
    );
    const farthest = Math.max(high[i]! - y, y - low[i]!) * (1 + 4 * U);
    doubt += 32 * U * farthest * (sizes[0]! * (1 + Math.abs(mean)) + sizes[1]! + Math.abs(y) / dual);
    const [plus, minus] = [(y * y) / dual + (a * phi + b * n) / weight, (g * g) / weight];
    level += plus - minus;
    doubt += (16 + 2 * uncertain.length) * U * (plus + minus);
  }
  const terms = { outer, inner, level: level + 1.001 * doubt };
  return { middle, uncertain, multipliers, spread, terms };
}

/** The numbers of a layer of a certificate, in the order of the parts of a stage; all are what multipliers may be. */
export function gathered<L extends { readonly name: string }>(
  parts: readonly Part[],
  layers: readonly L[],
  values: (layer: L) => Values,
  sign: 'positive' | 'any',
): Float64Array {
  const all = parts.map(({ name, size }, k) => {
    const layer = layers[k];
    demand(layer?.name === name, `layers: ${name} expected, got ${layer?.name ?? 'none'}`);
    const { count, values: decode } = values(layer);
    demand(count === size, `${name}: needs ${size} numbers, got ${count}`);
    const own = decode();
    const regular = own.every((x) =>
      sign === 'positive' ? x >= LEAST && x <= MOST : Math.abs(x) <= 2 ** 60,
    );
    demand(
      regular,
      `${name}: needs ${sign === 'positive' ? 'positive numbers within 1e±60' : 'finite numbers'}`,
    );
    return own;
  });
  return Float64Array.from(all.flatMap((own) => [...own]));
}
