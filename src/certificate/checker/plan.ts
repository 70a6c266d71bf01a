/**
 * The steps, in order. Signals live on grids of a torus. A grid only gets coarser (strides): what lives on beside a stride is
 * kept as its polyphase components. A vector lives on the grid of one sample, whose only frequency makes everything a real
 * matrix. A maximum beside which nothing lives on starts a new torus.
 */

import { largest } from '../../network/extremes.ts';
import { WHOLE_SPREAD } from '../../network/groups/definition.ts';
import { indices, product } from '../../network/size.ts';
import { misfit } from '../reading/grids.ts';
import { pointwise } from '../reading/maps.ts';
import { liftOf, type Phases, polyphase } from '../reading/polyphase.ts';
import { type Maximum, type Sector, type Signal, type SignalGraph, sourcesOf } from '../reading/signal.ts';
import { Chord, type Gap } from './chord.ts';
import { exponentOf, powerOfTwo, U } from './numbers.ts';
import { demand } from './refusal.ts';
import { type Index, Taps } from './symbol.ts';

/** Multipliers of one nonlinear step, as the certificate has them: values · 2^exponent. */
export interface Layer {
  readonly name: string;
  readonly role: 'nonlinearity' | 'window' | 'divisor' | 'maximum';
  /** Samples after which D repeats, per axis; empty for vectors and maxima. */
  readonly period: readonly number[];
  /** D, [Π period, channels]; for a maximum the covariance e of its result, per channel or listed output. */
  readonly values: Float64Array;
  /** How many values there are, which are made only when somebody asks for them. */
  readonly count?: number;
  readonly exponent: number;
}

export interface LinearStep {
  readonly kind: 'linear';
  readonly taps: Taps;
  /** Sides of the grid before, and how much coarser the grid after is. */
  readonly sides: Index;
  readonly ratio: Index;
  /** What makes the covariance hold between frequencies. */
  readonly gap?: Gap;
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
  /** m D, r² D and m² D of a sector with slopes in [m − r, m + r]; for a maximum e as `plus`, and no middle. */
  readonly middle?: readonly number[];
  readonly plus: readonly number[];
  readonly minus: readonly number[];
  /** To be shown: S is below these diagonals. */
  readonly limits: readonly (readonly number[])[];
}

export interface Segment {
  /** Diagonal covariance that it starts from, the same at every frequency. */
  readonly start: readonly number[];
  readonly steps: readonly (LinearStep | NonlinearStep)[];
  /** Sides of the grid after the last step. */
  readonly sides: Index;
  /** Row i of the last state is 2^−scale_i times what it stands for. */
  readonly scale: readonly number[];
}

/** A signal on the grid at hand, and its rows in the state. */
interface Live extends Phases {
  readonly signal: Signal;
  readonly start: number;
  readonly rows: number;
}

const MOST_ROWS = 4096;
/** For any length. */
const MOST_FREQUENCIES = 2 ** 16;
/** The most frequencies of images, and of signals of one length: they are gone through one by one. */
const MOST_SAMPLES = 2 ** 21;

const gcd = (a: number, b: number): number => (b === 0 ? a : gcd(b, a % b));
const rowsIn = ({ start, rows }: Live) => Array.from({ length: rows }, (_, k) => start + k);
const rowsOf = (live: readonly Live[]) => live.reduce((n, l) => n + l.rows, 0);
const perChannel = (values: readonly number[], k: number) => values[k % values.length]!;

/**
 * @param reach null: for the lengths of the network. A number κ: for any length, on tori of any size, where S is at most
 *  (1 − 1/κ) D at every nonlinearity.
 * @param uncertainty relative error of every weight
 */
export function planOf(
  { signals, output, extent }: SignalGraph,
  tori: readonly Index[],
  layers: readonly Layer[],
  reach: number | null,
  uncertainty: number,
): Segment[] {
  const segments: Segment[] = [];
  const done = new Set<Signal>();
  let used = 0;
  // Of the segment at work; lengths in the units of spacings.
  let torus: Index = [];
  let grid: Index = [];
  let start: readonly number[] = [];
  let scale: readonly number[] = [];
  let steps: (LinearStep | NonlinearStep)[] = [];
  let live: readonly Live[] = [];
  let chord: Chord | undefined;

  // A vector has the whole torus between its samples.
  const spacingOf = ({ window, spacing }: Signal) => (window.length === 0 ? torus : spacing);
  const sidesOf = (apart: Index) => torus.map((n, a) => n / apart[a]!);
  const isNeeded = (signal: Signal, besides?: Signal) =>
    signal === output || signals.some((s) => s !== besides && !done.has(s) && sourcesOf(s).includes(signal));

  /** The rows of a state. */
  const layout = (list: readonly Signal[]): Live[] => {
    let rows = 0;
    return list.map((signal) => {
      const wrong = reach === null && misfit(signal, torus);
      demand(!wrong, `torus: ${wrong}`);
      const tied = reach !== null && signal.window.length === 0;
      demand(!tied, `${signal.name}: a vector, which ties the network to one length`);
      const phases = { spacing: spacingOf(signal), grid, channels: signal.channels };
      const own = { ...phases, signal, start: rows, rows: product(liftOf(phases)) * signal.channels };
      rows += own.rows;
      demand(rows <= MOST_ROWS, `${signal.name}: more than ${MOST_ROWS} rows live at once`);
      return own;
    });
  };

  const open = (signal: Signal, diagonal: readonly number[], exponents: readonly number[]) => {
    const given = tori[segments.length];
    const axes = signal.window.length;
    const got = given?.join('×') ?? 'none';
    demand(given?.length === axes, `torus of ${signal.name}: must have ${axes} sides, got ${got}`);
    torus = given.map((n, a) => n * signal.spacing[a]!);
    const small =
      reach === null ? torus.every((n, a) => n <= 4 * extent[a]!) : product(given) <= MOST_FREQUENCIES;
    demand(
      small,
      `torus of ${signal.name}: ${got} is more than four times what it has to be, or 2^16 frequencies`,
    );
    demand(
      product(given) <= MOST_SAMPLES,
      `torus of ${signal.name}: more than 2^21 frequencies, which would take hours to check`,
    );
    [grid, start, scale, steps] = [signal.spacing, diagonal, exponents, []];
    if (reach !== null) chord = new Chord(largest(diagonal), axes);
    live = layout([signal]);
  };
  const close = () => segments.push({ start, steps, sides: sidesOf(grid), scale });

  /** Goes to the finest grid, no finer than the one at hand, with samples `apart` from each other. Where signals are made,
   *  whatever is linear in what lives, and fits the grid, is: so sources need not be kept. */
  const advance = (name: string, apart: Index, makes: boolean) => {
    const next = grid.map((g, a) => (g / gcd(g, apart[a]!)) * apart[a]!);
    const fits = next.every((g, a) => torus[a]! % g === 0);
    demand(fits, `torus: ${name} needs a multiple of ${next.join('×')}, got ${torus.join('×')}`);
    const ratio = next.map((g, a) => g / grid[a]!);
    if (!makes && product(ratio) === 1) return;
    const from = new Map(live.map((l) => [l.signal, l]));
    const made = signals.filter((s) => {
      if (!makes || done.has(s) || s.origin.kind !== 'linear') return false;
      return sourcesOf(s).every((t) => from.has(t)) && spacingOf(s).every((x, a) => next[a]! % x === 0);
    });
    for (const signal of made) done.add(signal);
    const sides = sidesOf(grid);
    grid = next;
    live = layout([...[...from.keys()].filter((s) => isNeeded(s)), ...made]);
    const taps = new Taps(rowsOf(live), scale.length);
    for (const target of live) {
      const { signal } = target;
      const stays = [{ source: signal, map: pointwise(signal, () => 1) }];
      const terms = signal.origin.kind === 'linear' && !from.has(signal) ? signal.origin.terms : stays;
      for (const { source, map } of terms) {
        const old = from.get(source)!;
        polyphase(map, old, target, (offset) => taps.at(offset, target.start, old.start));
      }
    }
    scale = taps.finish(scale, uncertainty);
    const gap = chord?.through(taps, sides);
    steps.push({ kind: 'linear', taps, sides, ratio, ...(gap ? { gap } : {}) });
  };

  const nonlinear = (signal: Signal, origin: Sector | Maximum) => {
    const { name } = signal;
    const layer = layers[used++];
    const wanted = `${origin.role} ${name}`;
    const got = layer ? `${layer.role} ${layer.name}` : 'none';
    demand(layer !== undefined && wanted === got, `layers: ${wanted} expected, got ${got}`);
    const { period } = layer;
    const length = product(period) * signal.channels;
    const count = layer.count ?? layer.values.length;
    const fits = period.length === (origin.kind === 'sector' ? signal.window.length : 0) && count === length;
    demand(fits, `${wanted}: needs ${length} positive values within 1e±270, got ${count}`);
    const { values } = layer;
    const regular = values.length === length && values.every((x) => x > 2 ** -900 && x < 2 ** 900);
    demand(regular, `${wanted}: needs ${length} positive values within 1e±270, got others`);
    const last = !live.some((l) => isNeeded(l.signal, signal));
    const cuts = origin.kind === 'maximum' && beginsAnew(origin, signal);
    const alone = last && cuts;
    demand(alone || origin.kind !== 'maximum' || !origin.moved, `${wanted}: other signals live on beside it`);
    // Where D or the windows have a longer period than the grid, the grid gets coarser first.
    const apart = spacingOf(signal).map((s, a) => s * (period[a] ?? 1));
    if (!alone) advance(wanted, apart, false);
    const source = live.find((l) => l.signal === origin.source)!;
    done.add(signal);
    const others = live.filter((l) => isNeeded(l.signal));
    const kept = others.flatMap(rowsIn);
    live = alone ? [] : layout([...others.map((l) => l.signal), signal]);
    const results = Array.from({ length: live.at(-1)?.rows ?? length }, (_, k) => values[k % length]!);
    const whole = origin.kind === 'maximum' && kept.length === 0 && isWhole(origin, values, source);
    const all =
      origin.kind === 'sector'
        ? repeated(period, values, source)
        : sharedMultipliers(values, origin, source, whole);
    // Rows that no window sees need no multiplier.
    const rows = rowsIn(source).filter((_, k) => all[k]! < Infinity);
    const d = all.filter((x) => x < Infinity);
    const floor = whole ? WHOLE_SPREAD * d.reduce((least, x) => Math.min(least, x)) : 0;
    // Rows are scaled so that D becomes numbers from 1 to 4.
    const exponentFor = (x: number) => Math.floor((exponentOf(x) + layer.exponent) / 2);
    const scaled = (x: number) => x * powerOfTwo(layer.exponent - 2 * exponentFor(x));
    const shift = scale.map(() => 0);
    for (const [k, row] of rows.entries()) shift[row] = scale[row]! - exponentFor(d[k]!);
    const own = (origin.kind === 'sector' ? d : results).map(exponentFor);
    scale = [...kept.map((row) => scale[row]! - shift[row]!), ...own];
    const image =
      origin.kind === 'sector'
        ? throughSector(name, origin, d.map(scaled))
        : { plus: results.map(scaled), minus: results.map(() => 0) };
    const sides = sidesOf(grid);
    steps.push({
      ...{ kind: 'nonlinear', name, sides, kept, source: rows, shift, d: d.map(scaled), ...image },
      limits: [
        ...(reach === null ? [] : [d.map((x) => (1 - 4 * U) * (1 - 1 / reach) * scaled(x))]),
        ...(whole ? [d.map((x) => floor * powerOfTwo(layer.exponent - 2 * exponentFor(x)))] : []),
      ],
    });
    if (chord && reach !== null) {
      // D R D is at most κ D, and joint covariances grow by κ at most.
      const most = largest(image.plus.map((x, k) => x + (reach - 1) * image.minus[k]!));
      if (kept.length === 0) chord = new Chord(most, torus.length);
      else chord.join(reach, powerOfTwo(largest(kept.map((row) => shift[row]!))), most);
    }
    if (!alone) return;
    close();
    open(signal, image.plus, own);
  };

  const [input] = signals;
  const ones = new Array<number>(input!.channels).fill(1);
  const zeros = new Array<number>(input!.channels).fill(0);
  open(input!, ones, zeros);
  for (const signal of signals) {
    const { origin, name } = signal;
    if (done.has(signal) || origin.kind === 'input') continue;
    if (origin.kind === 'linear') advance(name, spacingOf(signal), true);
    else nonlinear(signal, origin);
  }
  close();
  demand(used === layers.length, `layers: must be ${used}, got ${layers.length}`);
  demand(segments.length === tori.length, `tori: must be ${segments.length}, got ${tori.length}`);
  return segments;
}

/** φ = m y + r ψ with |Δψ| ≤ |Δy|, row by row: m D, r² D and m² D. */
function throughSector(name: string, { lower, upper }: Sector, d: readonly number[]) {
  const slopes = d.map((_, k) => ({ low: perChannel(lower, k), high: perChannel(upper, k) }));
  const regular = slopes.every(({ low, high }) => Math.abs(low) + Math.abs(high) < 2 ** 60);
  demand(regular, `${name}: slopes beyond 1e18 are not covered`);
  const middles = slopes.map(({ low, high }) => (low + high) / 2);
  // Rounded up, for what follows too.
  const radii = slopes.map(
    ({ low, high }, k) =>
      Math.max(middles[k]! - low, high - middles[k]!) + 4 * U * (Math.abs(low) + Math.abs(high)),
  );
  return {
    middle: d.map((x, k) => middles[k]! * x),
    plus: d.map((x, k) => radii[k]! * radii[k]! * x),
    minus: d.map((x, k) => middles[k]! * middles[k]! * x),
  };
}

/** D on every row of the source, from its values on one period. */
function repeated(period: Index, values: Float64Array, source: Live): number[] {
  return indices(liftOf(source)).flatMap((phase) => {
    const index = phase.reduce((p, x, a) => p * (period[a] ?? 1) + (x % (period[a] ?? 1)), 0);
    return [...values.subarray(index * source.channels, (index + 1) * source.channels)];
  });
}

/** The D of a maximum with results e: Σ_o Δp_o² / e_o ≤ Σ_i Δy_i² Σ_{o ∋ i} g_i² / e_o ≤ Σ_i Δy_i² / D_i. Rounded down. */
function sharedMultipliers(
  values: Float64Array,
  { overlap, entries, gain, moved, groups }: Maximum,
  source: Live,
  whole: boolean,
): number[] {
  if (moved) return movedMultipliers(values, { overlap, entries: entries!, gain }, source);
  if (groups) return groupMultipliers(values, groups, gain, source, whole);
  const sums = Array.from({ length: source.rows }, (_, row) =>
    entries ? 0 : overlap / values[row % source.channels]!,
  );
  for (const [o, list] of entries?.entries() ?? []) for (const i of list) sums[i]! += 1 / values[o]!;
  const down = 1 - (overlap + 16) * 2 * U;
  return sums.map((sum, row) => {
    const most = Math.max(perChannel(gain, row), 2 ** -200);
    return down / (sum * (most * most));
  });
}

/** Spreads stand below 7 + 4 √3 by more than this share. */
const NEARLY = 1 + 1e-4;

/** Whether one group of such a function is all of a vector, with results that differ by more than its spread. */
function isWhole({ groups }: Maximum, values: Float64Array, source: Live): boolean {
  const vector = source.signal.window.length === 0 && liftOf(source).length === 0;
  if (!vector || !groups || groups.spread === 1 || groups.ofSource.some((g) => g !== 0)) return false;
  return largest(values) > NEARLY * groups.spread * values.reduce((least, x) => Math.min(least, x));
}

/** Whether what a maximum leaves starts a segment, where nothing else lives. */
function beginsAnew({ entries, moved, groups }: Maximum, { window }: Signal): boolean {
  return groups ? window.length > 0 : !entries || moved === true;
}

/**
 * The D of functions of groups with results e, L-Lipschitz: Σ_{o of G} Δp_o² / e_o ≤ L² Σ_{i of G} Δy_i² / min e_o; L-Lipschitz for weights that
 * differ by σ at most as well: ≤ L² Σ_{i of G} Δy_i² / min(e_i, σ min e_o); D_i = e_i / L² where one group is the whole of what lives, if
 * S ⪯ 4 min D too. Rounded down.
 */
function groupMultipliers(
  values: Float64Array,
  { ofSource, ofTarget, spread }: NonNullable<Maximum['groups']>,
  gain: readonly number[],
  source: Live,
  whole: boolean,
): number[] {
  const least = new Map<number, number>();
  for (const [o, g] of ofTarget.entries()) least.set(g, Math.min(least.get(g) ?? Infinity, values[o]!));
  return Array.from({ length: source.rows }, (_, row) => {
    const channel = row % source.channels;
    const steepest = Math.max(perChannel(gain, channel), 2 ** -200);
    const shared = least.get(ofSource[channel]!)!;
    const own = whole
      ? values[channel]!
      : spread === 1
        ? shared
        : Math.min(values[channel]!, NEARLY * spread * shared);
    return ((1 - 16 * U) * own) / (steepest * steepest);
  });
}

/** The D where entries are moved: for an entry of channel i, which is in `overlap` places at most, Σ 1/e over these is at most the sum over
 *  the channels o that list i, as often as they do, and at most overlap / min e_o. Rounded down. */
function movedMultipliers(
  values: Float64Array,
  { overlap, entries, gain }: { overlap: number; entries: readonly Int32Array[]; gain: readonly number[] },
  source: Live,
): number[] {
  const sums = new Float64Array(source.channels);
  const least = new Float64Array(source.channels).fill(Infinity);
  for (const [o, list] of entries.entries()) {
    for (const i of list) {
      sums[i]! += 1 / values[o]!;
      least[i] = Math.min(least[i]!, values[o]!);
    }
  }
  const most = entries.reduce((count, list) => Math.max(count, list.length), entries.length);
  const down = 1 - (most * overlap + 16) * 2 * U;
  return Array.from({ length: source.rows }, (_, row) => {
    const channel = row % source.channels;
    const steepest = Math.max(perChannel(gain, channel), 2 ** -200);
    return down / (Math.min(sums[channel]!, overlap / least[channel]!) * (steepest * steepest));
  });
}
