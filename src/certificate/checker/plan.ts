/**
 * The steps, in order. Signals live on grids of a torus. A grid only gets coarser (strides): what lives on beside a stride is
 * kept as its polyphase components (*lifted* by f: sample f k + p is channel block p at position k). A vector lives on the grid
 * of one sample, whose only frequency makes everything a real matrix. A maximum beside which nothing lives on starts a new torus.
 * Row i of a state is 2^−scale_i times what it stands for, so that all are of order 1.
 */
import { pointwise } from '../../network/signals/maps.ts';
import {
  type LinearMap,
  type Maximum,
  type Sector,
  type Signal,
  type SignalGraph,
  sourcesOf,
} from '../../network/signals/signal.ts';
import { product } from '../../network/size.ts';
import { exponentOf, powerOfTwo, ROOT_ERROR, U } from './numbers.ts';
import { demand } from './refusal.ts';
import { each, type Index, Taps } from './symbol.ts';

/** Multipliers of one nonlinear step, as the certificate has them: values · 2^exponent. */
export interface Layer {
  readonly name: string;
  readonly role: 'nonlinearity' | 'window' | 'divisor' | 'maximum';
  /** Samples after which D repeats, per axis; empty for vectors and maxima. */
  readonly period: Index;
  /** D, [Π period, channels]; for a maximum the covariance e of its result, per channel or listed output. */
  readonly values: Float64Array;
  readonly exponent: number;
}

export interface LinearStep {
  readonly kind: 'linear';
  readonly taps: Taps;
  /** Sides of the grid before, and how much coarser the grid after is. */
  readonly sides: Index;
  readonly ratio: Index;
}

/** Rows `source` of the state go through a sector or maximum, rows `kept` live on, the results follow them. */
export interface NonlinearStep {
  readonly kind: 'nonlinear';
  readonly name: string;
  readonly sides: Index;
  readonly kept: readonly number[];
  readonly source: readonly number[];
  /** All rows are multiplied by 2^shift first. */
  readonly shift: readonly number[];
  /** D per source row. */
  readonly d: readonly number[];
  /** Results have covariance (middle D)(D − S)⁻¹(middle D) + plus − minus; no middle: not correlated with anything. */
  readonly middle?: readonly number[];
  readonly plus: readonly number[];
  readonly minus: readonly number[];
}

export interface Segment {
  /** Diagonal covariance that it starts from, the same at every frequency. */
  readonly start: readonly number[];
  readonly steps: readonly (LinearStep | NonlinearStep)[];
  /** Of the grid after the last step, and exponents of the rows there. */
  readonly sides: Index;
  readonly scale: readonly number[];
}

interface Live {
  readonly signal: Signal;
  readonly start: number;
  readonly rows: number;
  readonly lift: Index;
}

/** Most rows of a covariance, entries of a map, and floating-point operations. */
const MOST_ROWS = 4096;
const MOST_ENTRIES = 2 ** 25;
const MOST_OPERATIONS = 2 ** 44;

const gcd = (a: number, b: number): number => (b === 0 ? a : gcd(b, a % b));
const same = (a: Index, b: Index) => a.join() === b.join();
const rowsIn = ({ start, rows }: Live) => Array.from({ length: rows }, (_, k) => start + k);
const total = (live: readonly Live[]) => live.reduce((n, l) => n + l.rows, 0);

export function planOf(
  { signals, output }: SignalGraph,
  tori: readonly Index[],
  layers: readonly Layer[],
  uncertainty: number,
): Segment[] {
  const segments: Segment[] = [];
  const done = new Set<Signal>();
  let [used, operations] = [0, 0];
  // Of the segment at work; lengths in the units of spacings.
  let torus: Index = [];
  let needed: number[] = [];
  let grid: Index = [];
  let start: readonly number[] = [];
  let scale: readonly number[] = [];
  let steps: (LinearStep | NonlinearStep)[] = [];
  let live: readonly Live[] = [];

  // A vector has the whole torus between its samples.
  const spacingOf = ({ window, spacing }: Signal) => (window.length === 0 ? torus : spacing);
  const sidesOf = (apart: Index) => torus.map((n, a) => n / apart[a]!);
  const find = (signal: Signal) => live.find((l) => l.signal === signal);
  const isNeeded = (signal: Signal, besides?: Signal) =>
    signal === output || signals.some((s) => s !== besides && !done.has(s) && sourcesOf(s).includes(signal));
  const count = (work: number) => {
    operations += product(sidesOf(grid)) * work * (torus.length > 0 ? 4 : 1);
    demand(operations < MOST_OPERATIONS, 'it takes more than 2^44 operations');
  };

  const open = (signal: Signal, diagonal: readonly number[], exponents: readonly number[]) => {
    const given = tori[segments.length];
    const axes = signal.window.length;
    demand(
      given?.length === axes,
      `torus of ${signal.name}: must have ${axes} sides, got ${given?.length ?? 'none'}`,
    );
    torus = given.map((n, a) => n * signal.spacing[a]!);
    [needed, grid, start, scale, steps] = [torus.map(() => 1), signal.spacing, diagonal, exponents, []];
    live = layout([signal]);
  };

  const close = () => {
    const wide = torus.findIndex((n, a) => !(n <= 4 * needed[a]!));
    demand(wide < 0, `torus: side ${wide} is more than four times what it has to be`);
    segments.push({ start, steps, sides: sidesOf(grid), scale });
    count(total(live) ** 3);
  };

  /** The rows of a state on the grid at hand; signals must fit the torus. */
  const layout = (list: readonly Signal[]): Live[] => {
    let rows = 0;
    return list.map((signal) => {
      const apart = spacingOf(signal);
      for (const [a, samples] of signal.room.entries()) {
        const [n, least] = [torus[a]!, samples * apart[a]!];
        const exact = !signal.wraps || n === signal.window[a]! * apart[a]!;
        const wanted = `needs ${signal.wraps ? 'exactly' : 'at least'} ${least}`;
        demand(
          n >= least && n % apart[a]! === 0 && exact,
          `torus: ${signal.name} ${wanted} on axis ${a}, got ${n}`,
        );
        needed[a] = Math.max(needed[a]!, least);
      }
      const lift = grid.map((g, a) => g / apart[a]!);
      const own = { signal, start: rows, rows: product(lift) * signal.channels, lift };
      rows += own.rows;
      demand(rows <= MOST_ROWS, `${signal.name}: more than ${MOST_ROWS} rows live at once`);
      return own;
    });
  };

  /** The finest grid that is no finer than the one at hand and on which samples `apart` from each other lie. */
  const gridFor = (name: string, apart: Index) => {
    const next = grid.map((g, a) => (g / gcd(g, apart[a]!)) * apart[a]!);
    const fits = next.every((g, a) => torus[a]! % g === 0);
    demand(fits, `torus: ${name} needs a multiple of ${next.join('×')}, got ${torus.join('×')}`);
    return next;
  };

  /** Makes linear signals, and a coarser grid. */
  const advance = (name: string, made: readonly Signal[], next: Index) => {
    for (const signal of made) done.add(signal);
    const [before, scaleBefore, old] = [live, scale, grid];
    grid = next;
    live = layout([...before.map((l) => l.signal).filter((s) => isNeeded(s)), ...made]);
    const [rows, columns] = [total(live), total(before)];
    demand(rows * columns <= MOST_ENTRIES, `${name}: a map of ${rows} × ${columns} is too large`);
    const taps = new Taps(rows, columns);
    for (const target of live) {
      const { signal } = target;
      const stays = { source: signal, map: pointwise(signal, () => 1) };
      const terms = made.includes(signal) && signal.origin.kind === 'linear' ? signal.origin.terms : [stays];
      for (const { source, map } of terms) {
        const from = before.find((l) => l.signal === source)!;
        place(taps, map, from, target, old, [spacingOf(source), spacingOf(signal)]);
      }
    }
    // A phase is a product of at most three roots.
    scale = taps.finish(scaleBefore, uncertainty + (torus.length > 0 ? 5 * ROOT_ERROR : 0));
    const ratio = next.map((g, a) => g / old[a]!);
    count(product(ratio) * rows * columns * (rows + 2 * columns));
    steps.push({ kind: 'linear', taps, sides: sidesOf(old), ratio });
  };

  /** Whatever is linear in what lives, and fits the grid, is made at once, so that sources need not be kept. */
  const linear = (signal: Signal) => {
    const next = gridFor(signal.name, spacingOf(signal));
    const ready = (s: Signal) =>
      s.origin.kind === 'linear' &&
      !done.has(s) &&
      s.origin.terms.every(({ source }) => find(source)) &&
      spacingOf(s).every((apart, a) => next[a]! % apart === 0);
    advance(signal.name, signals.filter(ready), next);
  };

  const nonlinear = (signal: Signal, origin: Sector | Maximum) => {
    const layer = layers[used++];
    const role = origin.kind === 'sector' ? origin.role : 'maximum';
    const wanted = `${role} ${signal.name}`;
    const got = layer ? `${layer.role} ${layer.name}` : 'none';
    demand(layer?.name === signal.name && layer.role === role, `layers: ${wanted} expected, got ${got}`);
    const axes = origin.kind === 'sector' ? signal.window.length : 0;
    const sides = layer.period.length;
    demand(sides === axes, `${wanted}: its period must have ${axes} sides, got ${sides}`);
    const length = product(layer.period) * signal.channels;
    const { values } = layer;
    const regular = values.length === length && values.every((x) => x > 2 ** -900 && x < 2 ** 900);
    demand(regular, `${wanted}: must have ${length} positive values within 1e±270, got ${values.length}`);
    const alone =
      origin.kind === 'maximum' && !origin.entries && !live.some((l) => isNeeded(l.signal, signal));
    if (!alone) {
      // Where D or the windows have a longer period than the grid, the grid gets coarser first.
      const apart = spacingOf(signal).map((s, a) => s * (layer.period[a] ?? 1));
      const next = gridFor(wanted, apart);
      if (!same(next, grid)) advance(wanted, [], next);
    }
    done.add(signal);
    const source = find(origin.source)!;
    const others = live.filter((l) => isNeeded(l.signal));
    const kept = others.flatMap(rowsIn);
    const all = origin.kind === 'sector' ? repeated(layer, source) : sharedMultipliers(layer, origin, source);
    // Rows that no window sees need no multiplier.
    const rows = rowsIn(source).filter((_, k) => all[k]! < Infinity);
    const d = all.filter((x) => x < Infinity);
    const before = scale;
    live = alone ? [] : layout([...others.map((l) => l.signal), signal]);
    const results = Array.from(
      { length: live.at(-1)?.rows ?? signal.channels },
      (_, k) => values[k % length]!,
    );
    // Scaled by D, so that it becomes a number from 1 to 4.
    const exponentFor = (x: number) => Math.floor((exponentOf(x) + layer.exponent) / 2);
    const scaled = (x: number) => x * powerOfTwo(layer.exponent - 2 * exponentFor(x));
    const own = (origin.kind === 'sector' ? d : results).map(exponentFor);
    const shift = before.map(() => 0);
    for (const [k, row] of rows.entries()) shift[row] = before[row]! - exponentFor(d[k]!);
    scale = [...kept.map((row) => before[row]! - shift[row]!), ...own];
    steps.push({
      ...{ kind: 'nonlinear', name: signal.name, sides: sidesOf(grid), kept, source: rows },
      shift,
      d: d.map(scaled),
      ...(origin.kind === 'sector'
        ? throughSector(origin, signal, d.map(scaled))
        : { plus: results.map(scaled), minus: results.map(() => 0) }),
    });
    count(8 * source.rows ** 3 + 2 * total(live) ** 2 * source.rows);
    if (!alone) return;
    close();
    open(signal, results.map(scaled), own);
  };

  const [input] = signals;
  const ones = new Array<number>(input!.channels).fill(1);
  open(
    input!,
    ones,
    ones.map(() => 0),
  );
  for (const signal of signals) {
    const { origin } = signal;
    if (done.has(signal) || origin.kind === 'input') continue;
    if (origin.kind === 'linear') linear(signal);
    else nonlinear(signal, origin);
  }
  close();
  demand(used === layers.length, `layers: must be ${used}, got ${layers.length}`);
  demand(segments.length === tori.length, `tori: must be ${segments.length}, got ${tori.length}`);
  return segments;
}

const perChannel = (values: readonly number[], k: number) => values[k % values.length]!;

/** φ = m y + r ψ with |Δψ| ≤ |Δy|, row by row: m D, r² D and m² D. */
function throughSector({ lower, upper }: Sector, { name }: Signal, d: readonly number[]) {
  const slopes = d.map((_, k) => [perChannel(lower, k), perChannel(upper, k)] as const);
  const regular = slopes.flat().every((x) => Math.abs(x) < 2 ** 60);
  demand(regular, `${name}: slopes beyond 1e18 are not covered`);
  const middle = slopes.map(([low, high]) => (low + high) / 2);
  // Rounded up, for what follows too.
  const radius = slopes.map(
    ([low, high], k) =>
      Math.max(middle[k]! - low, high - middle[k]!) + 4 * U * (Math.abs(low) + Math.abs(high)),
  );
  return {
    middle: d.map((x, k) => middle[k]! * x),
    plus: d.map((x, k) => radius[k]! ** 2 * x),
    minus: d.map((x, k) => middle[k]! ** 2 * x),
  };
}

/** D on every row of the source, from its values on one period. */
function repeated({ period, values }: Layer, { signal, lift }: Live): number[] {
  const d: number[] = [];
  each(lift, (phase) => {
    const index = phase.reduce((p, x, a) => p * (period[a] ?? 1) + (x % (period[a] ?? 1)), 0);
    d.push(...values.subarray(index * signal.channels, (index + 1) * signal.channels));
  });
  return d;
}

/** The D of a maximum with results e: Σ_o Δp_o² / e_o ≤ Σ_i Δy_i² Σ_{o ∋ i} g_i² / e_o ≤ Σ_i Δy_i² / D_i. Rounded down. */
function sharedMultipliers({ values }: Layer, { overlap, entries, gain }: Maximum, source: Live): number[] {
  const sums = new Array<number>(source.rows).fill(0);
  if (entries) for (const [o, list] of entries.entries()) for (const i of list) sums[i]! += 1 / values[o]!;
  else for (const row of sums.keys()) sums[row] = overlap / values[row % source.signal.channels]!;
  return sums.map((sum, row) => (1 - (overlap + 16) * 2 * U) / (sum * perChannel(gain, row) ** 2));
}

/** Puts a map between two live signals into a block matrix on a grid; `apart`: spacings of source and target. */
function place(
  taps: Taps,
  map: LinearMap,
  from: Live,
  to: Live,
  grid: Index,
  apart: readonly [Index, Index],
): void {
  for (const { offset, entries } of map.taps) {
    each(to.lift, (phase, p) => {
      // Where it reads, measured from the sample of the grid at which the target's phase 0 stands.
      const at = grid.map((_, a) => {
        const reach = map.kind === 'transposed' ? -apart[1][a]! : apart[0][a]!;
        return phase[a]! * apart[1][a]! + reach * (offset[a] ?? 0);
      });
      if (at.some((x, a) => x % apart[0][a]! !== 0)) return;
      const shift = at.map((x, a) => Math.floor(x / grid[a]!));
      const q = at.reduce((k, x, a) => k * from.lift[a]! + (x - shift[a]! * grid[a]!) / apart[0][a]!, 0);
      const put = taps.at(shift);
      const row = to.start + p * to.signal.channels;
      const column = from.start + q * from.signal.channels;
      entries((i, j, value, magnitude) => put(row + i, column + j, value, magnitude));
    });
  }
}
