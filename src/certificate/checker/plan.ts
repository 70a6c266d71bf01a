/**
 * The steps, in order. Signals live on grids of a torus. A grid only gets coarser (strides): what lives on beside a stride is
 * kept as its polyphase components (*lifted* by f: sample f k + p is channel block p at position k), and reading a whole
 * window leads to the grid of one sample, whose only frequency makes everything a real matrix. A maximum beside which nothing
 * lives on starts a new torus.
 */
import { TINY } from './dominance.ts';
import {
  type Graph,
  type Linear,
  type LinearMap,
  type Maximum,
  pointwise,
  readersOf,
  type Sector,
  type Signal,
  size,
} from './graph.ts';
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

/** Rows `source` of the state go through a sector or maximum, rows `kept` live on, the result follows them. */
export interface NonlinearStep {
  readonly kind: 'sector' | 'maximum';
  readonly name: string;
  readonly sides: Index;
  readonly rows: number;
  readonly kept: readonly number[];
  readonly source: readonly number[];
  /** The state is multiplied by 2^shift first. */
  readonly shift: number;
  /** D per source row; slopes lie in [middle − radius, middle + radius]. */
  readonly d: Float64Array;
  readonly middle: Float64Array;
  readonly radius: Float64Array;
  /** Of a maximum: the diagonal covariance of the result. */
  readonly image: Float64Array;
}

export interface Segment {
  /** Diagonal covariance that it starts from, the same at every frequency. */
  readonly start: Float64Array;
  readonly steps: readonly (LinearStep | NonlinearStep)[];
  /** Of the grid after the last step. */
  readonly sides: Index;
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
const lcm = (a: number, b: number) => (a / gcd(a, b)) * b;
const same = (a: Index, b: Index) => a.join() === b.join();
const range = (count: number) => Array.from({ length: count }, (_, k) => k);

/** @returns the segments; the last covariance is 2^exponent times what they give */
export function planOf(
  { signals, output }: Graph,
  tori: readonly Index[],
  layers: readonly Layer[],
  uncertainty: number,
): { segments: Segment[]; exponent: number } {
  const segments: Segment[] = [];
  const done = new Set<Signal>();
  const pending = readersOf(signals);
  pending.get(output)!.add(output);
  let [used, exponent, operations] = [0, 0, 0];
  // Of the segment at work, in units of which every spacing is a whole number.
  let torus: Index = [];
  let needed: number[] = [];
  let grid: Index = [];
  let start: Float64Array = new Float64Array();
  let steps: (LinearStep | NonlinearStep)[] = [];
  let live: readonly Live[] = [];
  let spacing = new Map<Signal, Index>();

  const sidesOf = (spacings: Index) => torus.map((n, a) => n / spacings[a]!);
  const rowsOf = (list: readonly Live[]) => list.reduce((n, l) => n + l.rows, 0);
  const find = (signal: Signal) => live.find((l) => l.signal === signal)!;
  const survivors = () => live.filter((l) => pending.get(l.signal)!.size > 0);
  const count = (work: number) => {
    operations += size(sidesOf(grid)) * work * (torus.length > 0 ? 4 : 1);
    demand(operations < MOST_OPERATIONS, 'it takes more than 2^44 operations');
  };

  const open = (signal: Signal, diagonal: Float64Array) => {
    const axes = signal.window.length;
    const given = tori[segments.length];
    demand(
      given?.length === axes,
      `torus of ${signal.name}: must have ${axes} sides, got ${given?.length ?? 'none'}`,
    );
    const strides = (a: number) =>
      signals.map(({ origin }) =>
        origin.kind === 'linear'
          ? Math.max(...origin.terms.map(({ map }) => (map.kind === 'transposed' ? (map.stride[a] ?? 1) : 1)))
          : 1,
      );
    const unit = range(axes).map((a) => size(strides(a)));
    torus = given.map((n, a) => n * unit[a]!);
    [needed, grid, start, steps, spacing] = [unit.map(() => 1), unit, diagonal, [], new Map()];
    note(signal, unit);
    live = [{ signal, start: 0, rows: signal.channels, lift: unit.map(() => 1) }];
  };

  const close = () => {
    const wide = torus.findIndex((n, a) => !(n <= 4 * needed[a]!));
    demand(wide < 0, `torus: side ${wide} is more than four times what it has to be`);
    segments.push({ start, steps, sides: sidesOf(grid) });
    count(rowsOf(live) ** 3);
  };

  // ---- grids ----------------------------------------------------------------------------------

  const require = (signal: Signal, apart: Index, samples: Index, exactly: boolean) => {
    for (const [a, n] of torus.entries()) {
      const least = samples[a]! * apart[a]!;
      const fits = exactly ? n === least : n >= least && n % apart[a]! === 0;
      demand(
        fits,
        `torus: ${signal.name} needs ${exactly ? 'exactly' : 'at least'} ${least} on axis ${a}, got ${n}`,
      );
      needed[a] = Math.max(needed[a]!, least, apart[a]!);
    }
  };

  /** Notes how far apart the samples of a signal are; its window must fit the torus. */
  const note = (signal: Signal, apart: Index): Index => {
    spacing.set(signal, apart);
    if (signal.window.length > 0) require(signal, apart, signal.window, false);
    return apart;
  };

  const spacingOf = (signal: Signal): Index => {
    const known = spacing.get(signal);
    if (known) return known;
    const { origin, window, name } = signal;
    // A vector has the whole torus between its samples.
    if (window.length === 0 || origin.kind === 'input') return note(signal, torus);
    if (origin.kind === 'sector') return note(signal, spacingOf(origin.source));
    if (origin.kind === 'maximum')
      return note(
        signal,
        spacingOf(origin.source).map((s, a) => s * origin.stride![a]!),
      );
    const [first, ...others] = origin.terms.map(({ source, map }) =>
      spacingOf(source).map((s, a) => (map.kind === 'transposed' ? s / map.stride[a]! : s * map.stride[a]!)),
    );
    demand(
      others.every((s) => same(s, first!)),
      `${name}: its terms lie on different grids`,
    );
    return note(signal, first!);
  };

  /** The coarsest grid at hand on which samples `apart` from each other lie. */
  const gridFor = (name: string, apart: Index) => {
    const next = grid.map((g, a) => lcm(g, apart[a]!));
    demand(
      next.every((g, a) => torus[a]! % g === 0),
      `torus: ${name} needs a multiple of ${next.join('×')}, got ${torus.join('×')}`,
    );
    return next;
  };

  const layout = (list: readonly Signal[]): Live[] => {
    let rows = 0;
    return list.map((signal) => {
      const lift = signal.window.length === 0 ? [] : grid.map((g, a) => g / spacingOf(signal)[a]!);
      const own = { signal, start: rows, rows: size(lift) * signal.channels, lift };
      rows += own.rows;
      demand(rows <= MOST_ROWS, `${signal.name}: more than ${MOST_ROWS} rows live at once`);
      return own;
    });
  };

  const consume = (signal: Signal) => {
    for (const readers of pending.values()) readers.delete(signal);
    if (signal === output) pending.get(signal)!.add(signal);
    done.add(signal);
  };

  // ---- linear steps ---------------------------------------------------------------------------

  const isLinear = (signal: Signal): signal is Signal & { origin: Linear } => signal.origin.kind === 'linear';
  const isTransposed = (signal: Signal) =>
    isLinear(signal) && signal.origin.terms.some(({ map }) => map.kind === 'transposed');

  const linear = (signal: Signal) => {
    const next = gridFor(signal.name, spacingOf(signal));
    if (isTransposed(signal)) regrid(next);
    // At a stride, whatever else can be computed now need not be kept at every sample.
    const ready = (s: Signal) =>
      isLinear(s) &&
      !done.has(s) &&
      !isTransposed(s) &&
      s.origin.terms.every(({ source }) => live.some((l) => l.signal === source)) &&
      spacingOf(s).every((x, a) => next[a]! % x === 0);
    make(
      same(next, grid) && steps.length > 0
        ? [signal]
        : [signal, ...signals.filter((s) => s !== signal && ready(s))],
      next,
    );
  };

  const regrid = (next: Index) => {
    if (!same(next, grid)) make([], next);
  };

  const make = (made: readonly Signal[], next: Index) => {
    for (const signal of made) {
      for (const { source, map } of isLinear(signal) ? signal.origin.terms : []) {
        if (map.kind === 'read' || source.window.length === 0) continue;
        const at = map.kind === 'transposed' ? signal : source;
        const reach = at.window.map(
          (n, a) => n + (map.circular ? 0 : Math.max(map.before[a]!, map.after[a]!)),
        );
        require(at, spacingOf(at), reach, map.circular);
      }
      consume(signal);
    }
    const [before, sides, ratio] = [live, sidesOf(grid), next.map((g, a) => g / grid[a]!)];
    const kept = survivors();
    const columns = rowsOf(before);
    grid = next;
    const after = layout([...kept.map((l) => l.signal), ...made]);
    const rows = rowsOf(after);
    demand(
      rows * columns <= MOST_ENTRIES,
      `${made[0]?.name ?? 'a stride'}: a map of ${rows} × ${columns} is too large`,
    );
    const taps = new Taps(rows, columns);
    const zero = torus.map(() => 0);
    for (const [k, target] of after.entries()) {
      const old = kept[k];
      if (old)
        place(
          taps,
          old,
          target,
          pointwise(old.signal, () => 1),
          zero,
        );
      else if (isLinear(target.signal))
        for (const { source, map } of target.signal.origin.terms)
          place(taps, find(source), target, map, zero);
    }
    // A phase is a product of at most three roots.
    taps.finish(uncertainty + (torus.length > 0 ? 5 * ROOT_ERROR : 0));
    count(size(ratio) * rows * columns * (rows + 2 * columns));
    steps.push({ kind: 'linear', taps, sides, ratio });
    exponent += 2 * taps.exponent;
    live = after;
  };

  // ---- nonlinear steps ------------------------------------------------------------------------

  const nonlinear = (signal: Signal, origin: Sector | Maximum) => {
    const layer = layers[used++];
    const role = origin.kind === 'sector' ? origin.role : 'maximum';
    const wanted = `${role} ${signal.name}`;
    demand(
      layer?.name === signal.name && layer.role === role,
      `layers: ${wanted} expected, got ${layer?.role ?? 'none'} ${layer?.name ?? ''}`,
    );
    const axes = origin.kind === 'sector' ? signal.window.length : 0;
    demand(
      layer.period.length === axes,
      `${wanted}: its period must have ${axes} sides, got ${layer.period.length}`,
    );
    const length = size(layer.period) * signal.channels;
    const { values } = layer;
    demand(
      values.length === length && values.every((x) => x > 0 && x < Infinity),
      `${wanted}: must have ${length} positive values, got ${values.length}`,
    );
    const others = live.filter((l) => [...pending.get(l.signal)!].some((reader) => reader !== signal));
    const alone = origin.kind === 'maximum' && !origin.entries && others.length === 0;
    // Where D or the windows have a longer period than the grid, the grid gets coarser first.
    if (origin.kind === 'sector')
      regrid(
        gridFor(
          wanted,
          spacingOf(origin.source).map((s, a) => s * (layer.period[a] ?? 1)),
        ),
      );
    else if (!alone) regrid(gridFor(wanted, spacingOf(signal)));
    consume(signal);
    const kept = survivors();
    const source = find(origin.source);
    const total = rowsOf(live);
    live = alone ? [] : layout([...kept.map((l) => l.signal), signal]);

    const d = origin.kind === 'sector' ? repeated(layer, source) : sharedMultipliers(layer, origin, source);
    const top = exponentOf(d.reduce((m, x) => Math.max(m, x), 0));
    const unit = powerOfTwo(-top);
    const [low, high] = origin.kind === 'sector' ? [origin.lower, origin.upper] : [[0], [0]];
    demand(
      [...low, ...high].every((x) => Math.abs(x) < 2 ** 100),
      `${wanted}: slopes beyond 1e30 are not covered`,
    );
    const slopes = range(source.rows).map(
      (row) => [perRow(low, source, row), perRow(high, source, row)] as const,
    );
    const middle = Float64Array.from(slopes, ([l, h]) => (l + h) / 2);
    const radius = Float64Array.from(
      slopes,
      ([l, h], k) => Math.max(middle[k]! - l, h - middle[k]!) + 4 * U * (Math.abs(l) + Math.abs(h)),
    );
    const results = origin.kind === 'sector' ? 0 : (live.at(-1)?.rows ?? signal.channels);
    const image = Float64Array.from(
      { length: results },
      (_, k) => values[k % signal.channels]! * unit + TINY,
    );
    const shift = exponent - layer.exponent - top;
    steps.push({
      kind: origin.kind,
      name: signal.name,
      sides: sidesOf(grid),
      rows: total,
      kept: kept.flatMap((l) => range(l.rows).map((k) => l.start + k)),
      source: range(source.rows).map((k) => source.start + k),
      shift,
      d: d.map((x) => x * unit),
      middle,
      radius,
      image,
    });
    count(8 * source.rows ** 3 + 2 * rowsOf(live) ** 2 * source.rows);
    exponent = layer.exponent + top;
    if (!alone) return;
    close();
    open(signal, image);
  };

  const [input] = signals;
  open(input!, new Float64Array(input!.channels).fill(1));
  for (const signal of signals) {
    const { origin } = signal;
    if (origin.kind === 'input' || done.has(signal)) continue;
    if (origin.kind === 'linear') linear(signal);
    else nonlinear(signal, origin);
  }
  close();
  demand(used === layers.length, `layers: must be ${used}, got ${layers.length}`);
  demand(segments.length === tori.length, `tori: must be ${segments.length}, got ${tori.length}`);
  return { segments, exponent };
}

const perRow = (values: readonly number[], { signal, lift }: Live, row: number) =>
  values[values.length === 1 ? 0 : lift.length === 0 ? row : row % signal.channels]!;

/** D on every row of the source, from its values on one period. */
function repeated({ period, values }: Layer, { signal, rows, lift }: Live): Float64Array {
  const d = new Float64Array(rows);
  each(lift, (phase, k) => {
    const index = phase.reduce((p, x, a) => p * period[a]! + (x % period[a]!), 0);
    d.set(values.subarray(index * signal.channels, (index + 1) * signal.channels), k * signal.channels);
  });
  return d;
}

/** The D of a maximum with results e: Σ_o Δp_o² / e_o ≤ Σ_i Δy_i² Σ_{o ∋ i} g_i² / e_o ≤ Σ_i Δy_i² / D_i. Rounded down. */
function sharedMultipliers(
  { values }: Layer,
  { overlap, entries, gain }: Maximum,
  source: Live,
): Float64Array {
  const sums = new Float64Array(source.rows);
  if (entries) for (const [o, list] of entries.entries()) for (const i of list) sums[i]! += 1 / values[o]!;
  else for (const row of sums.keys()) sums[row] = overlap / values[row % source.signal.channels]!;
  const exact = sums.map((sum, row) => (1 - (overlap + 16) * 2 * U) / (sum * perRow(gain, source, row) ** 2));
  // What no window sees needs no multiplier: any will do.
  const most = 2 ** 40 * exact.reduce((m, x) => (x < Infinity ? Math.max(m, x) : m), 2 ** -1000);
  return exact.map((x) => Math.min(x, most));
}

/** Puts a map between two live signals into a block matrix. */
function place(taps: Taps, source: Live, target: Live, map: LinearMap, zero: Index): void {
  const phaseOf = (index: Index, lift: Index) =>
    index.reduce((p, x, a) => p * lift[a]! + x - lift[a]! * Math.floor(x / lift[a]!), 0);
  const shiftOf = (index: Index, lift: Index) =>
    index.length === 0 ? zero : index.map((x, a) => Math.floor(x / lift[a]!));
  const put = (t: number, shift: Index, row: number, column: number) => {
    const add = taps.at(shift);
    const [first, left] = [
      target.start + row * target.signal.channels,
      source.start + column * source.signal.channels,
    ];
    map.entries(t, (r, c, value, magnitude = Math.abs(value)) => add(first + r, left + c, value, magnitude));
  };
  const [from, to] = [source.lift, target.lift];
  each(map.sides, (t, k) => {
    if (map.kind === 'read') put(k, shiftOf(t, from), 0, phaseOf(t, from));
    else {
      const back = map.kind === 'transposed';
      each(back ? from : to, (phase, visited) => {
        const reach = t.map((x, a) => map.stride[a]! * phase[a]! + map.dilation[a]! * x - map.before[a]!);
        const shift = shiftOf(reach, back ? to : from);
        if (back)
          put(
            k,
            shift.map((x) => -x),
            phaseOf(reach, to),
            visited,
          );
        else put(k, shift, visited, phaseOf(reach, from));
      });
    }
  });
}
