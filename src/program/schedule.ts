/**
 * Orders the variables of a network into a program.
 *
 * A linear variable is computed when something needs it and no earlier, so that a stride-2 branch and its stride-2
 * shortcut meet on one grid (docs/mathematics.md §1): when a step moves to a coarser grid, what still lives is replaced by what its
 * readers make of it, or else lifted (spectrum/taps.ts).
 */
import { UnsupportedError } from '../errors.ts';
import { constants } from '../network/weights/origin.ts';
import { leastCommonMultiple } from '../spectrum/frequencies.ts';
import type { Live, LiveSums, PlacedTerm, Program, Segment, Step } from './program.ts';
import { Spacings, unsupportedBranch } from './spacings.ts';
import {
  consumersOf,
  copyOf,
  type Lengths,
  type LinearMap,
  type Maximum,
  type Sums,
  sourcesOf,
  type Term,
  type Variable,
  type VariableGraph,
} from './variables.ts';

/** Entries of the lists of what is alive after each step, together: half a gigabyte. Networks that people train have some hundred steps. */
const MOST_LISTED = 5e6;

/**
 * @param lengths any: tori are as small as strides allow, to be refined by `ellipsoid/anyLength/plan.ts`
 * @throws UnsupportedError where branches cannot be brought to one grid or padding modes need different tori
 */
export function schedule(graph: VariableGraph, lengths: Lengths = 'as given'): Program {
  return new Scheduler(copyOf(graph), lengths).run();
}

const product = (sides: readonly number[]) => sides.reduce((p, n) => p * n, 1);
const isOne = (ratio: readonly number[]) => ratio.every((r) => r === 1);
const IDENTITY: LinearMap = { kind: 'identity', scale: constants(Float64Array.of(1)) };

class Scheduler {
  readonly #graph: VariableGraph;
  readonly #lengths: Lengths;
  readonly #pending: Map<Variable, Set<Variable>>;
  readonly #segments: Segment[] = [];
  readonly #torusOf = new Map<Variable, readonly number[]>();
  /** Spacing of what a segment starts with, per axis. */
  readonly #unit: readonly number[];

  // The segment being built.
  #axes = 0;
  #start: readonly Live[] = [];
  #white = true;
  #live: Live[] = [];
  /** Variables of all steps so far, each as often as it is alive after one. */
  #listed = 0;
  #grid: number[] = [];
  #grids: number[][] = [];
  #steps: Step[] = [];
  #spacings = new Spacings(0, []);

  constructor(graph: VariableGraph, lengths: Lengths) {
    this.#graph = graph;
    this.#lengths = lengths;
    const axes = Math.max(0, ...new Set(graph.variables.map((v) => v.window.length)));
    this.#unit = Array.from({ length: axes }, (_, a) => upsampling(graph, a));
    this.#pending = new Map([...consumersOf(graph.variables)].map(([v, list]) => [v, new Set(list)]));
  }

  run(): Program {
    this.#open(this.#graph.input);
    for (const variable of this.#graph.variables) {
      const origin = variable.origin;
      if (origin.kind === 'nonlinearity') this.#nonlinearity(variable, origin.source);
      else if (origin.kind === 'maximum') this.#maximum(variable, origin);
    }
    this.#ensure(this.#graph.output);
    this.#close();
    return {
      segments: this.#segments,
      input: this.#graph.input,
      output: this.#graph.output,
      factor: this.#graph.factor,
      torusOf: this.#torusOf,
    };
  }

  // ---- segments -------------------------------------------------------------------------------

  #open(variable: Variable): void {
    // What is only ever read as a whole needs no frequencies: it is a vector from the start.
    const readers = [...this.#pending.get(variable)!];
    const onlyRead =
      this.#lengths === 'as given' &&
      readers.length > 0 &&
      readers.every((r) => r.origin.kind === 'linear' && termsFrom(r, variable).every((t) => isRead(t.map)));
    this.#axes = onlyRead ? 0 : variable.window.length;
    const unit = this.#unit.slice(0, this.#axes);
    const rows = variable.channels * (this.#axes === 0 ? product(variable.window) : 1);
    this.#grid = unit;
    this.#grids = [unit];
    this.#start = [{ variable, start: 0, rows, lift: unit.map(() => 1) }];
    this.#white = true;
    this.#live = [...this.#start];
    this.#steps = [];
    this.#spacings = new Spacings(this.#axes, [[variable, unit]]);
    this.#spacings.demandWindow(variable);
  }

  #close(): void {
    const torus = this.#spacings.torus(this.#lengths === 'as given');
    if (this.#axes > 0) {
      for (const [variable, spacing] of this.#spacings.known)
        this.#torusOf.set(
          variable,
          torus.map((n, a) => n / spacing[a]!),
        );
    }
    this.#segments.push({
      axes: this.#axes,
      torus,
      grids: this.#grids,
      start: this.#start,
      white: this.#white,
      steps: this.#steps,
    });
  }

  // ---- linear steps ---------------------------------------------------------------------------

  /** Makes a variable live. Networks may be deeper than the stack. @param beside linear in the same variables: made in the same step */
  #ensure(variable: Variable, beside?: Variable): Live {
    const open = [variable];
    for (let next = open.at(-1); next; next = open.at(-1)) {
      if (this.#liveOf(next)) {
        open.pop();
        continue;
      }
      const origin = next.origin;
      if (origin.kind !== 'linear') throw new Error(`schedule: ${next.name} is needed after it was dropped`);
      // One source at a time: while it is made live, other terms may be replaced by partial sums.
      const missing = origin.terms.find((t) => !this.#liveOf(t.source));
      if (missing) open.push(missing.source);
      else if (next.window.length === 0 && this.#axes > 0) this.#read(next);
      else this.#advance(next, this.#spacings.of(next), next === variable ? beside : undefined);
    }
    return this.#liveOf(variable)!;
  }

  #liveOf(variable: Variable): Live | undefined {
    return this.#live.find((l) => l.variable === variable);
  }

  /** A linear step that computes `variable` (or none) and moves to a working grid on which `spacing` fits. */
  #advance(variable: Variable | undefined, spacing: readonly number[], beside?: Variable): void {
    const before = this.#live;
    const grid = this.#grid.map((g, a) => leastCommonMultiple(g, spacing[a]!));
    const ratio = grid.map((g, a) => g / this.#grid[a]!);
    const made = new Set<Variable>();
    for (const one of [variable, beside]) {
      if (!one || this.#liveOf(one)) continue;
      made.add(one);
      this.#consume(one);
    }
    const survivors: Variable[] = [];
    for (const live of before) {
      const pending = this.#pending.get(live.variable)!;
      if (pending.size === 0) continue;
      if (isOne(ratio) || !this.#replaceByReaders(live, before, grid, made)) survivors.push(live.variable);
    }
    this.#emitLinear([...survivors, ...made], new Set(survivors), grid, ratio);
  }

  /**
   * Replaces a variable that would have to be lifted by what its pending readers make of it, where that is smaller.
   * A reader all of whose sources are at hand is computed; of another, the part that this variable contributes.
   */
  #replaceByReaders(
    live: Live,
    before: readonly Live[],
    grid: readonly number[],
    made: Set<Variable>,
  ): boolean {
    const variable = live.variable;
    const readers = [...this.#pending.get(variable)!];
    const fits = (reader: Variable) =>
      reader.origin.kind === 'linear' &&
      termsFrom(reader, variable).every((t) => t.map.kind === 'identity' || t.map.kind === 'convolution') &&
      this.#spacings.of(reader).every((s, a) => grid[a]! % s === 0);
    if (!readers.every(fits)) return false;
    const liftedTo = (v: Variable) => product(grid.map((g, a) => g / this.#spacings.of(v)[a]!)) * v.channels;
    const cost = readers.reduce((sum, r) => sum + (made.has(r) ? 0 : liftedTo(r)), 0);
    if (cost >= liftedTo(variable)) return false;
    this.#replace(variable, readers, before, made);
    return true;
  }

  #replace(
    variable: Variable,
    readers: readonly Variable[],
    before: readonly Live[],
    made: Set<Variable>,
  ): void {
    for (const reader of readers) {
      if (made.has(reader)) continue;
      const origin = reader.origin;
      if (origin.kind !== 'linear') throw new Error(`schedule: ${reader.name} is not linear`);
      if (origin.terms.every((t) => before.some((l) => l.variable === t.source))) {
        this.#consume(reader);
        made.add(reader);
      } else {
        made.add(this.#split(reader, variable));
      }
    }
  }

  /** Turns the terms of `reader` from `variable` into a variable of their own. */
  #split(reader: Variable, variable: Variable): Variable {
    if (reader.origin.kind !== 'linear') throw new Error(`schedule: ${reader.name} is not linear`);
    const own = termsFrom(reader, variable);
    const part: Variable = {
      name: `${reader.name} (part)`,
      operator: reader.operator,
      channels: reader.channels,
      window: reader.window,
      origin: { kind: 'linear', terms: own },
    };
    const rest = reader.origin.terms.filter((t) => t.source !== variable);
    reader.origin = {
      kind: 'linear',
      terms: [...rest, { source: part, map: IDENTITY, row: 0, channels: reader.channels }],
    };
    this.#pending.get(variable)!.delete(reader);
    this.#pending.set(part, new Set([reader]));
    return part;
  }

  #emitLinear(
    variables: readonly Variable[],
    kept: ReadonlySet<Variable>,
    grid: number[],
    ratio: readonly number[],
  ): void {
    const before = this.#live;
    const after = layout(variables, (v) => {
      const lift = grid.map((g, a) => g / this.#spacings.of(v)[a]!);
      const window = this.#axes === 0 && v === this.#start[0]!.variable ? product(v.window) : 1;
      return { lift, rows: product(lift) * v.channels * window };
    });
    const terms = this.#placedTerms(before, after, kept);
    for (const { term, target } of terms) {
      if (!kept.has(target.variable)) this.#spacings.demandTerm(term, target.variable);
    }
    this.#steps.push({ kind: 'linear', before, after, ratio, terms });
    this.#setLive(after, grid);
  }

  #placedTerms(before: readonly Live[], after: readonly Live[], kept: ReadonlySet<Variable>): PlacedTerm[] {
    const liveOf = (v: Variable) => before.find((l) => l.variable === v)!;
    return after.flatMap((target): PlacedTerm[] => {
      const v = target.variable;
      if (kept.has(v)) {
        const term: Term = { source: v, map: IDENTITY, row: 0, channels: v.channels };
        return [{ term, source: liveOf(v), target }];
      }
      if (v.origin.kind !== 'linear') throw new Error(`schedule: ${v.name} is not linear`);
      return v.origin.terms.map((term) => ({ term, source: liveOf(term.source), target }));
    });
  }

  /** The step from a grid to vectors. */
  #read(variable: Variable): void {
    const before = this.#live;
    this.#consume(variable);
    const made = new Set<Variable>([variable]);
    for (const live of before) {
      const readers = [...this.#pending.get(live.variable)!];
      for (const reader of readers) {
        const readsAll =
          reader.origin.kind === 'linear' && termsFrom(reader, live.variable).every((t) => isRead(t.map));
        if (!readsAll) {
          throw unsupportedBranch(reader, `while ${variable.name} already reads whole tensors beside it`);
        }
      }
      this.#replace(live.variable, readers, before, made);
    }
    const after = layout([...made], (v) => ({ lift: [], rows: v.channels }));
    const terms = this.#placedTerms(before, after, new Set());
    this.#steps.push({ kind: 'read', before, after, terms });
    this.#grids.push(this.#grid);
    const next = after;
    this.#close();
    this.#axes = 0;
    this.#start = next;
    this.#white = false;
    this.#live = next;
    this.#grid = [];
    this.#grids = [[]];
    this.#steps = [];
    this.#spacings = new Spacings(
      0,
      next.map((l) => [l.variable, []]),
    );
  }

  // ---- nonlinear steps ------------------------------------------------------------------------

  #nonlinearity(variable: Variable, from: Variable): void {
    const origin = variable.origin;
    if (origin.kind !== 'nonlinearity') throw new Error(`schedule: ${variable.name} is linear`);
    const source = this.#ensure(from, origin.sums?.variable);
    this.#spacings.of(variable);
    this.#consume(variable);
    const before = this.#live;
    const { kept, after, target } = this.#replaceSource(before, variable, source.rows, source.lift);
    const perRow = (slopes: Float64Array) => perRowOf(slopes, source);
    this.#steps.push({
      kind: 'nonlinearity',
      before,
      after,
      source,
      kept,
      target,
      lower: perRow(origin.lower),
      upper: perRow(origin.upper),
      ...sumsAmong(kept, origin.sums),
    });
    this.#setLive(after, this.#grid);
  }

  #maximum(variable: Variable, origin: Maximum): void {
    this.#ensure(origin.source, origin.sums?.variable);
    const windows = origin.windows;
    this.#consume(variable);
    const survivors = () => this.#live.filter((l) => this.#pending.get(l.variable)!.size > 0);
    const vectors = windows.kind === 'listed' || (windows.kind === 'grouped' && this.#axes === 0);
    const cut = survivors().length === 0 && !vectors;
    if (!cut && (windows.kind === 'whole' || windows.kind === 'moved')) {
      throw unsupportedBranch(variable, 'while other branches live on');
    }
    if (!cut && windows.kind === 'strided') {
      const spacing = this.#spacings.of(variable);
      // Regridding must not drop the source, whose reader has just been taken off.
      this.#pending.get(origin.source)!.add(variable);
      if (!spacing.every((s, a) => this.#grid[a]! % s === 0)) this.#advance(undefined, spacing);
      this.#pending.get(origin.source)!.delete(variable);
    }
    const before = this.#live;
    const source = before.find((l) => l.variable === origin.source)!;
    const lift = cut ? source.lift : this.#grid.map((g, a) => g / this.#spacings.of(variable)[a]!);
    const rows = variable.channels * (cut ? 1 : product(lift));
    const { kept, after, target } = this.#replaceSource(before, variable, rows, lift);
    this.#steps.push({
      kind: 'maximum',
      before,
      after,
      source,
      kept,
      target,
      maximum: origin,
      gain: perRowOf(origin.gain, source),
      cut,
      ...sumsAmong(kept, origin.sums),
    });
    this.#setLive(after, this.#grid);
    if (cut) {
      this.#spacings.forget(variable);
      this.#close();
      this.#open(variable);
    }
  }

  #replaceSource(before: readonly Live[], variable: Variable, rows: number, lift: readonly number[]) {
    const kept = before.filter((l) => this.#pending.get(l.variable)!.size > 0);
    const known = new Map(kept.map((l) => [l.variable, l]));
    const after = layout([...known.keys(), variable], (v) => {
      const old = known.get(v);
      return old ? { lift: old.lift, rows: old.rows } : { lift, rows };
    });
    return { kept, after, target: after.at(-1)! };
  }

  // ---- bookkeeping ----------------------------------------------------------------------------

  #setLive(live: Live[], grid: number[]): void {
    this.#listed += live.length;
    if (this.#listed > MOST_LISTED) throw tooManyBranches(live);
    this.#live = live;
    this.#grid = grid;
    this.#grids.push(grid);
  }

  /** `reader` has been computed: its sources have one reader less to wait for. */
  #consume(reader: Variable): void {
    for (const source of sourcesOf(reader)) this.#pending.get(source)!.delete(reader);
  }
}

function sumsAmong(kept: readonly Live[], sums: Sums | undefined): { sums?: LiveSums } {
  const live = kept.find(({ variable }) => variable === sums?.variable);
  return live && sums ? { sums: { live, scale: sums.scale } } : {};
}

function layout(
  variables: readonly Variable[],
  size: (v: Variable) => { lift: readonly number[]; rows: number },
): Live[] {
  let start = 0;
  return variables.map((variable) => {
    const { lift, rows } = size(variable);
    const live: Live = { variable, start, rows, lift };
    start += rows;
    return live;
  });
}

function termsFrom(reader: Variable, source: Variable): Term[] {
  return reader.origin.kind === 'linear' ? reader.origin.terms.filter((t) => t.source === source) : [];
}

function isRead(map: LinearMap): boolean {
  return map.kind === 'read' || map.kind === 'pick' || map.kind === 'total';
}

/** Product of the strides of all transposed convolutions on one axis: spacings in units stay whole numbers. */
function upsampling(graph: VariableGraph, axis: number): number {
  let unit = 1;
  for (const v of graph.variables) {
    if (v.origin.kind !== 'linear') continue;
    const strides = v.origin.terms.map((t) => (t.map.kind === 'transposed' ? (t.map.stride[axis] ?? 1) : 1));
    unit *= Math.max(1, ...strides);
  }
  return unit;
}

/** Rows of a covariance that nobody has the memory for: 8 TB. */
const MOST_ROWS = 2 ** 20;

/** One entry per row of a live variable from one per channel (or one for all). @throws UnsupportedError for too many rows */
function perRowOf(values: Float64Array, live: Live): Float64Array {
  if (live.rows > MOST_ROWS) {
    const { name, operator } = live.variable;
    const terabytes = Math.ceil((8 * live.rows ** 2) / 1e12);
    throw new UnsupportedError([
      {
        node: name,
        found: `${operator} of ${live.rows} features that depend on each other`,
        reason: `at most ${MOST_ROWS} can be bounded: their covariance would take ${terabytes} TB; convolutions are bounded frequency by frequency`,
      },
    ]);
  }
  const channels = live.variable.channels;
  const vector = live.lift.length === 0;
  return Float64Array.from({ length: live.rows }, (_, row) => {
    if (values.length === 1) return values[0]!;
    // Rows of a vector made of an image run over positions first, those of a lifted variable over channels first.
    return values[vector ? Math.floor(row / (live.rows / channels)) : row % channels]!;
  });
}

function tooManyBranches(live: readonly Live[]): UnsupportedError {
  const { name, operator } = live.at(-1)!.variable;
  return new UnsupportedError([
    {
      node: name,
      found: `${operator} beside ${live.length - 1} other branches`,
      reason: `branches have to fit in a plan of ${MOST_LISTED} entries, one for each that is alive at a step; join them earlier, or stack them as channels of one layer`,
    },
  ]);
}
