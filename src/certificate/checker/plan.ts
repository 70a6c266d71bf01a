/**
 * The order of the steps: signals live on grids of a torus, and a linear map is computed when something needs it. A grid only
 * ever gets coarser (strides); what lives on beside a stride is kept as its polyphase components (*lifted*: sample f k + p is
 * channel block p at position k), and a map that reads the whole window leads to the grid of a single sample, whose one
 * frequency makes everything a plain real matrix. Only a maximum beside which nothing lives on starts a new torus.
 */

import { TINY } from './dominance.ts';
import { type Graph, type Map as LinearMap, readersOf, type Signal } from './graph.ts';
import { exponentOf, powerOfTwo, ROOT_ERROR, U } from './numbers.ts';
import { demand } from './refusal.ts';
import { each, type Index, Taps } from './symbol.ts';

/** Multipliers of one nonlinear step, as the certificate has them: values · 2^exponent. */
export interface Layer {
  readonly name: string;
  readonly role: 'nonlinearity' | 'window' | 'divisor' | 'maximum';
  /** Samples after which D repeats, per axis; empty for vectors. */
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

/** A nonlinearity or maximum: rows `source` of the state go through it, rows `kept` live on, the result follows them. */
export interface NonlinearStep {
  readonly kind: 'sector' | 'maximum';
  readonly name: string;
  readonly sides: Index;
  readonly rows: number;
  readonly kept: Int32Array;
  readonly source: Int32Array;
  /** The state is multiplied by 2^shift first. */
  readonly shift: number;
  /** Per source row. */
  readonly d: Float64Array;
  /** Sector: slopes lie in [middle − radius, middle + radius]. */
  readonly middle: Float64Array;
  readonly radius: Float64Array;
  /** Maximum: the diagonal covariance of the result. */
  readonly image: Float64Array;
}

export interface Segment {
  /** Diagonal covariance that it starts from, the same at every frequency. */
  readonly start: Float64Array;
  readonly steps: readonly (LinearStep | NonlinearStep)[];
  /** Of the grid after the last step. */
  readonly sides: Index;
}

export interface Plan {
  readonly segments: readonly Segment[];
  /** The last covariance is 2^exponent times what the steps give. */
  readonly exponent: number;
}

/** Most rows of a covariance, entries of a symbol, and floating-point operations. */
const MOST_ROWS = 4096;
const MOST_ENTRIES = 2 ** 25;
const MOST_OPERATIONS = 2 ** 44;

interface Live {
  readonly signal: Signal;
  readonly start: number;
  readonly rows: number;
  readonly lift: Index;
  /** An image that is a vector: row channel · positions + position. */
  readonly flat: boolean;
}

const size = (sides: Index) => sides.reduce((p, n) => p * n, 1);
const lcm = (a: number, b: number): number => (a / gcd(a, b)) * b;
const gcd = (a: number, b: number): number => (b === 0 ? a : gcd(b, a % b));

export function planOf(
  graph: Graph,
  tori: readonly Index[],
  layers: readonly Layer[],
  uncertainty: number,
): Plan {
  return new Planner(graph, tori, layers, uncertainty).run();
}

class Planner {
  readonly #graph: Graph;
  readonly #tori: readonly Index[];
  readonly #layers: readonly Layer[];
  readonly #uncertainty: number;
  readonly #pending: ReadonlyMap<Signal, Set<Signal>>;
  readonly #segments: Segment[] = [];
  #used = 0;
  #exponent = 0;
  #operations = 0;
  // Of the segment at work; lengths are in units of which every spacing is a whole number.
  #torus: Index = [];
  #needed: number[] = [];
  #grid: Index = [];
  #spacing = new Map<Signal, Index>();
  #start = new Float64Array();
  #steps: (LinearStep | NonlinearStep)[] = [];
  #live: readonly Live[] = [];

  constructor(graph: Graph, tori: readonly Index[], layers: readonly Layer[], uncertainty: number) {
    this.#graph = graph;
    this.#tori = tori;
    this.#layers = layers;
    this.#uncertainty = uncertainty;
    this.#pending = readersOf(graph.signals);
    // The output is needed by whoever asks.
    this.#pending.get(graph.output)!.add(graph.output);
  }

  run(): Plan {
    const { signals, output } = this.#graph;
    this.#open(signals[0]!, new Float64Array(signals[0]!.channels).fill(1));
    for (const signal of signals) {
      if (signal.origin.kind === 'sector' || signal.origin.kind === 'maximum') this.#nonlinear(signal);
    }
    this.#ensure(output);
    this.#close();
    demand(this.#used === this.#layers.length, `layers: ${this.#used} wanted, got ${this.#layers.length}`);
    demand(
      this.#segments.length === this.#tori.length,
      `tori: ${this.#segments.length} wanted, got ${this.#tori.length}`,
    );
    demand(
      this.#operations < MOST_OPERATIONS,
      `it takes ${this.#operations} operations; at most 2^44 are covered`,
    );
    return { segments: this.#segments, exponent: this.#exponent };
  }

  #open(signal: Signal, perChannel: Float64Array): void {
    // What is only read as a whole is a vector from the start.
    const flat = [...this.#pending.get(signal)!].every(
      ({ origin }) =>
        origin.kind === 'linear' && origin.terms.every((t) => t.source !== signal || t.map.kind === 'read'),
    );
    const axes = flat && signal !== this.#graph.output ? 0 : signal.window.length;
    const torus = this.#tori[this.#segments.length];
    demand(
      torus?.length === axes,
      `torus of ${signal.name}: ${axes} sides wanted, got ${torus?.length ?? 'none'}`,
    );
    const unit = Array.from({ length: axes }, (_, a) => this.#upsampling(a));
    this.#torus = torus.map((n, a) => n * unit[a]!);
    this.#needed = unit.map(() => 1);
    this.#grid = unit;
    this.#spacing = new Map();
    this.#steps = [];
    if (axes > 0) this.#note(signal, unit);
    const image = axes === 0 ? size(signal.window) : 1;
    const lift = unit.map(() => 1);
    this.#live = [{ signal, start: 0, rows: signal.channels * image, lift, flat: image > 1 }];
    demand(signal.channels * image <= MOST_ENTRIES, `${signal.name}: too many entries`);
    this.#start = Float64Array.from(
      { length: signal.channels * image },
      (_, k) => perChannel[Math.floor(k / image)]!,
    );
  }

  #upsampling(axis: number): number {
    let unit = 1;
    for (const { origin } of this.#graph.signals) {
      if (origin.kind !== 'linear') continue;
      unit *= Math.max(
        1,
        ...origin.terms.map(({ map }) => (map.kind === 'transposed' ? (map.stride[axis] ?? 1) : 1)),
      );
    }
    return unit;
  }

  #close(): void {
    for (const [a, n] of this.#torus.entries()) {
      demand(n <= 4 * this.#needed[a]!, `torus: side ${a} is more than four times what it has to be`);
    }
    const sides = this.#sides(this.#grid);
    this.#segments.push({ start: this.#start, steps: this.#steps, sides });
    this.#operations += size(sides) * this.#live.reduce((n, l) => n + l.rows, 0) ** 3;
  }

  #sides(grid: Index): number[] {
    return this.#torus.map((n, a) => n / grid[a]!);
  }

  // ---- grids ----------------------------------------------------------------------------------

  /** Notes the spacing of a signal and that its window must fit the torus. */
  #note(signal: Signal, spacing: Index): Index {
    this.#spacing.set(signal, spacing);
    if (signal.window.length > 0) this.#require(signal, spacing, signal.window, false);
    return spacing;
  }

  #require(signal: Signal, spacing: Index, samples: Index, exactly: boolean): void {
    for (const [a, n] of this.#torus.entries()) {
      const least = samples[a]! * spacing[a]!;
      const fits = exactly ? n === least : n >= least && n % spacing[a]! === 0;
      demand(
        fits,
        `torus: ${signal.name} needs ${exactly ? '' : 'at least '}${least} units on axis ${a}, got ${n}`,
      );
      this.#needed[a] = Math.max(this.#needed[a]!, least, spacing[a]!);
    }
  }

  #spacingOf(signal: Signal): Index {
    const known = this.#spacing.get(signal);
    if (known) return known;
    // Vectors have the whole torus between their samples.
    if (signal.window.length === 0 || this.#torus.length === 0) return this.#note(signal, this.#torus);
    const { origin } = signal;
    if (origin.kind === 'input') throw new Error(`${signal.name} has no grid`);
    if (origin.kind === 'sector') return this.#note(signal, this.#spacingOf(origin.source));
    if (origin.kind === 'maximum') {
      return this.#note(
        signal,
        this.#spacingOf(origin.source).map((s, a) => s * origin.stride![a]!),
      );
    }
    const spacings = origin.terms.map(({ source, map }) =>
      this.#spacingOf(source).map((s, a) =>
        map.kind === 'transposed' ? s / map.stride[a]! : s * map.stride[a]!,
      ),
    );
    const [first, ...others] = spacings;
    demand(
      others.every((s) => s.join() === first!.join()),
      `${signal.name}: its terms lie on different grids`,
    );
    return this.#note(signal, first!);
  }

  /** What padding asks of the torus. */
  #requirePadding(signal: Signal): void {
    if (signal.origin.kind !== 'linear') return;
    for (const { source, map } of signal.origin.terms) {
      if (map.kind === 'read' || this.#torus.length === 0 || source.window.length === 0) continue;
      const at = map.kind === 'transposed' ? signal : source;
      const reach = at.window.map((n, a) => n + (map.circular ? 0 : Math.max(map.before[a]!, map.after[a]!)));
      this.#require(at, this.#spacingOf(at), reach, map.circular);
    }
  }

  // ---- linear steps ---------------------------------------------------------------------------

  #ensure(signal: Signal): Live {
    const found = this.#live.find((l) => l.signal === signal);
    if (found) return found;
    const { origin } = signal;
    if (origin.kind !== 'linear') throw new Error(`${signal.name} is needed after it was dropped`);
    for (const { source } of origin.terms) this.#ensure(source);
    if (!this.#live.some((l) => l.signal === signal)) this.#linear(signal);
    return this.#live.find((l) => l.signal === signal)!;
  }

  #isReady({ origin }: Signal): boolean {
    return (
      origin.kind === 'linear' && origin.terms.every((t) => this.#live.some((l) => l.signal === t.source))
    );
  }

  #linear(signal: Signal): void {
    const spacing = this.#spacingOf(signal);
    const grid = this.#grid.map((g, a) => lcm(g, spacing[a]!));
    const transposed = ({ origin }: Signal) =>
      origin.kind === 'linear' && origin.terms.some((t) => t.map.kind === 'transposed');
    if (transposed(signal)) this.#regrid(grid);
    const made = new Set([signal]);
    if (this.#steps.length === 0 || grid.join() !== this.#grid.join()) {
      // Whatever else can be computed now need not be kept at every sample.
      for (const { signal: source } of this.#live) {
        for (const reader of this.#pending.get(source)!) {
          const fits = () => this.#spacingOf(reader).every((s, a) => grid[a]! % s === 0);
          if (this.#isReady(reader) && !transposed(reader) && fits()) made.add(reader);
        }
      }
    }
    this.#emit([...made], grid);
  }

  #regrid(grid: Index): void {
    if (grid.join() !== this.#grid.join()) this.#emit([], grid);
  }

  #emit(made: readonly Signal[], grid: Index): void {
    for (const signal of made) {
      this.#requirePadding(signal);
      this.#consume(signal);
    }
    const before = this.#live;
    const kept = before.filter((l) => this.#pending.get(l.signal)!.size > 0);
    const after = this.#layout([...kept.map((l) => l.signal), ...made], grid, kept);
    const [rows, columns] = [rowsOf(after), rowsOf(before)];
    demand(
      rows * columns <= MOST_ENTRIES,
      `${made[0]?.name ?? 'a stride'}: a map of ${rows} × ${columns} is not covered`,
    );
    const taps = new Taps(rows, columns);
    const zero = this.#torus.map(() => 0);
    after.forEach((target, k) => {
      const old = kept[k];
      if (old) place(taps, old, target, keep(old), 0, zero);
      else if (target.signal.origin.kind === 'linear') {
        for (const { source, map, row } of target.signal.origin.terms) {
          place(taps, before.find((l) => l.signal === source)!, target, map, row, zero);
        }
      }
    });
    const ratio = grid.map((g, a) => g / this.#grid[a]!);
    // A phase is a product of at most three roots.
    taps.finish(this.#uncertainty + (zero.length > 0 ? 5 * ROOT_ERROR : 0));
    this.#operations +=
      size(this.#sides(this.#grid)) * rows * columns * (rows + 2 * columns) * (zero.length > 0 ? 4 : 1);
    this.#steps.push({ kind: 'linear', taps, sides: this.#sides(this.#grid), ratio });
    this.#exponent += 2 * taps.exponent;
    this.#grid = grid;
    this.#live = after;
  }

  #consume(reader: Signal): void {
    for (const readers of this.#pending.values()) readers.delete(reader);
    if (reader === this.#graph.output) this.#pending.get(reader)!.add(reader);
  }

  #layout(signals: readonly Signal[], grid: Index, kept: readonly Live[]): Live[] {
    let start = 0;
    return signals.map((signal) => {
      const flat = kept.some((l) => l.signal === signal && l.flat);
      const lift = signal.window.length === 0 ? [] : grid.map((g, a) => g / this.#spacingOf(signal)[a]!);
      const rows = signal.channels * (flat ? size(signal.window) : size(lift));
      const live = { signal, start, rows, lift, flat };
      start += rows;
      demand(start <= MOST_ROWS, `${signal.name}: more than ${MOST_ROWS} rows live at once`);
      return live;
    });
  }

  // ---- nonlinear steps ------------------------------------------------------------------------

  #nonlinear(signal: Signal): void {
    const { origin } = signal;
    if (origin.kind !== 'sector' && origin.kind !== 'maximum') return;
    const layer = this.#layers[this.#used++];
    const role = origin.kind === 'sector' ? origin.role : 'maximum';
    const wanted = `${role} ${signal.name}`;
    demand(
      layer?.name === signal.name && layer.role === role,
      `layers: ${wanted} wanted, got ${layer?.role ?? 'none'} ${layer?.name ?? ''}`,
    );
    const own = this.#ensure(origin.source).lift;
    demand(
      layer.period.length === (origin.kind === 'sector' ? own.length : 0),
      `${wanted}: its period must have ${own.length} sides`,
    );
    const spacing = this.#spacingOf(origin.source);
    const livesOn = (l: Live) => [...this.#pending.get(l.signal)!].some((reader) => reader !== signal);
    const alone = origin.kind === 'maximum' && !origin.entries && !this.#live.some(livesOn);
    // Where D or the windows have a longer period than the grid, the grid gets coarser first.
    if (origin.kind === 'sector')
      this.#fit(
        wanted,
        spacing.map((s, a) => s * (layer.period[a] ?? 1)),
      );
    else if (!alone) this.#fit(wanted, this.#spacingOf(signal));
    this.#consume(signal);
    const before = this.#live;
    const source = before.find((l) => l.signal === origin.source)!;
    const kept = before.filter((l) => this.#pending.get(l.signal)!.size > 0);
    const vector = source.lift.length === 0;
    const channelOf = (row: number) => (vector ? row : row % source.signal.channels);
    const at = <T>(values: readonly T[], row: number) => values[values.length === 1 ? 0 : channelOf(row)]!;
    const rows = Array.from({ length: source.rows }, (_, k) => k);

    const length = origin.kind === 'sector' ? size(layer.period) * source.signal.channels : signal.channels;
    demand(layer.values.length === length, `${wanted}: ${length} values wanted, got ${layer.values.length}`);
    demand(
      layer.values.every((x) => x > 0 && x < Infinity),
      `${wanted}: multipliers must be positive`,
    );
    let d: number[];
    if (origin.kind === 'sector') {
      d = rows.map((row) => {
        const phase = Math.floor(row / source.signal.channels);
        let [rest, index, scale] = [phase, 0, 1];
        for (let a = source.lift.length - 1; a >= 0; a--) {
          index += ((rest % source.lift[a]!) % layer.period[a]!) * scale;
          scale *= layer.period[a]!;
          rest = Math.floor(rest / source.lift[a]!);
        }
        return layer.values[vector ? row : index * source.signal.channels + channelOf(row)]!;
      });
    } else {
      // Σ_o Δp_o² / e_o ≤ Σ_i Δy_i² Σ_{o ∋ i} g_i² / e_o ≤ Σ_i Δy_i² / D_i.
      const sums = new Float64Array(source.rows);
      let most = origin.overlap;
      const { entries } = origin;
      if (entries) {
        const counts = new Int32Array(source.rows);
        entries.forEach((list, o) => {
          for (const i of list) {
            sums[i]! += 1 / layer.values[o]!;
            most = Math.max(most, ++counts[i]!);
          }
        });
      } else
        rows.forEach((row) => {
          sums[row] = origin.overlap / layer.values[channelOf(row)]!;
        });
      const exact = rows.map((row) => (1 - (most + 16) * 2 * U) / (sums[row]! * at(origin.gain, row) ** 2));
      // A sample in no window has no need of a multiplier: any will do.
      const cap = 2 ** 40 * exact.reduce((m, x) => (x < Infinity ? Math.max(m, x) : m), 2 ** -1000);
      d = exact.map((x) => Math.min(x, cap));
    }
    const top = exponentOf(d.reduce((m, x) => Math.max(m, x), 0));
    const unit = powerOfTwo(-top);
    const exponent = layer.exponent + top;
    const slopes = rows.map((row) =>
      origin.kind === 'sector'
        ? ([at(origin.lower, row), at(origin.upper, row)] as const)
        : ([0, 0] as const),
    );
    demand(
      slopes.flat().every((x) => Math.abs(x) < 2 ** 100),
      `${wanted}: slopes beyond 1e30 are not covered`,
    );
    const middle = Float64Array.from(slopes, ([low, high]) => (low + high) / 2);
    const radius = Float64Array.from(
      slopes,
      ([low, high], k) =>
        Math.max(middle[k]! - low, high - middle[k]!) + 4 * U * (Math.abs(low) + Math.abs(high)),
    );
    const after = alone ? [] : this.#layout([...kept.map((l) => l.signal), signal], this.#grid, kept);
    const target = after.at(-1);
    const image =
      origin.kind === 'maximum'
        ? Float64Array.from(
            { length: target?.rows ?? signal.channels },
            (_, k) => layer.values[k % signal.channels]! * unit + TINY,
          )
        : new Float64Array();
    const total = rowsOf(before);
    this.#operations +=
      size(this.#sides(this.#grid)) *
      (8 * source.rows ** 3 + 2 * rowsOf(after) ** 2 * source.rows) *
      (this.#torus.length > 0 ? 4 : 1);
    this.#steps.push({
      kind: origin.kind,
      name: signal.name,
      sides: this.#sides(this.#grid),
      rows: total,
      kept: Int32Array.from(kept.flatMap((l) => Array.from({ length: l.rows }, (_, k) => l.start + k))),
      source: Int32Array.from(rows, (k) => source.start + k),
      shift: this.#exponent - exponent,
      d: Float64Array.from(d, (x) => x * unit),
      middle,
      radius,
      image,
    });
    this.#exponent = exponent;
    this.#live = after;
    if (alone) {
      this.#close();
      this.#open(signal, image);
    }
  }

  #fit(wanted: string, spacing: Index): void {
    const grid = this.#grid.map((g, a) => lcm(g, spacing[a]!));
    for (const [a, n] of this.#torus.entries())
      demand(n % grid[a]! === 0, `torus: ${wanted} needs a multiple of ${grid[a]} on axis ${a}, got ${n}`);
    this.#regrid(grid);
  }
}

function rowsOf(live: readonly Live[]): number {
  return live.reduce((n, l) => n + l.rows, 0);
}

/** The identity on a signal. */
function keep({ signal, flat, rows }: Live): LinearMap {
  const sides = signal.window.map(() => 1);
  const count = flat ? rows : signal.channels;
  const zeros = sides.map(() => 0);
  return {
    kind: 'window',
    sides: flat ? [] : sides,
    stride: sides,
    dilation: sides,
    before: zeros,
    after: zeros,
    circular: false,
    entries: (_t, put) => {
      for (let c = 0; c < count; c++) put(c, c, 1, 1);
    },
  };
}

/** Puts a map between two live signals into a block matrix (see the top for lifting). */
function place(taps: Taps, source: Live, target: Live, map: LinearMap, row: number, zero: Index): void {
  const phaseOf = (index: Index, lift: Index) =>
    index.reduce((p, x, a) => p * lift[a]! + (x - lift[a]! * Math.floor(x / lift[a]!)), 0);
  const shiftOf = (index: Index, lift: Index) =>
    index.length === 0 ? zero : index.map((x, a) => Math.floor(x / lift[a]!));
  const [from, to] = [source.lift, target.lift];
  const [inputs, outputs] = [source.signal.channels, target.signal.channels];
  const image = source.flat ? size(source.signal.window) : 1;
  each(map.sides, (t, index) => {
    if (map.kind === 'read') {
      const put = taps.at(source.flat ? zero : shiftOf(t, from));
      const column = source.start + (source.flat ? index : phaseOf(t, from) * inputs);
      map.entries(index, (r, c, value, large) =>
        put(target.start + row + r, column + c * image, value, large),
      );
      return;
    }
    const [visited, other] = map.kind === 'transposed' ? [from, to] : [to, from];
    each(map.sides.length === 0 ? [] : visited, (phase, visitedPhase) => {
      const reach = t.map((x, a) => map.stride[a]! * phase[a]! + map.dilation[a]! * x - map.before[a]!);
      const otherPhase = phaseOf(reach, other);
      const shift = shiftOf(reach, other);
      const [p, q] = map.kind === 'transposed' ? [otherPhase, visitedPhase] : [visitedPhase, otherPhase];
      const put = taps.at(map.kind === 'transposed' ? shift.map((x) => -x || 0) : shift);
      const [first, column] = [target.start + p * outputs + row, source.start + q * inputs];
      map.entries(index, (r, c, value, large) => put(first + r, column + c, value, large));
    });
  });
}
