/** The affine rule Σ_y = C Σ Cᴴ, frequency by frequency (docs/mathematics.md §1 and §2). */
import type { Engine, Frame, Matrices, Vector } from '../../engine/engine.ts';
import { precisionOf } from '../../engine/precision.ts';
import {
  boxValue,
  type LinearStep,
  type Live,
  type PlacedTerm,
  type ReadStep,
  totalRows,
} from '../../program/program.ts';
import type { LinearMap } from '../../program/variables.ts';
import { type Frequencies, phases } from '../../spectrum/frequencies.ts';
import {
  type CollectedTaps,
  placeBox,
  placeConvolution,
  placeRead,
  positions,
  type TapBlock,
  TapBuilder,
  type TapKernel,
  type Taps,
} from '../../spectrum/taps.ts';
import { coreOf, LEAST_ENTRIES, type Rectangle } from './core.ts';
import { DenseTaps } from './dense.ts';

/** A covariance before the first step of a segment: white (the identity, or one diagonal for all frequencies) or matrices. */
export type State = Matrices | Vector | undefined;

/** The taps of one linear map; where these are the weights of one layer, columns of them. */
export type TermTaps = Taps & Partial<Pick<DenseTaps, 'slice'> & Pick<CollectedTaps, 'into' | 'moduli'>>;

/** The taps of a step's block matrix, or of the core of it that lies in a frame. */
export type StepTaps = TermTaps & { readonly frame?: Frame };

/** @param least entries of a symbol from which on its core is kept apart; Infinity for never */
export function tapsOf(step: LinearStep | ReadStep, axes: number, least = LEAST_ENTRIES): StepTaps {
  const rows = totalRows(step.after);
  const columns = totalRows(step.before);
  const dense = step.terms.length === 1 ? denseTaps(step.terms[0]!, rows, columns) : undefined;
  if (dense) return dense;
  const core = axes > 0 ? coreOf(step, least) : undefined;
  const { terms, ...place } = core ?? { rows, columns, row: 0, column: 0, terms: new Set(step.terms) };
  const builder = new TapBuilder(place.rows, place.columns, axes);
  const ratio = step.kind === 'linear' ? step.ratio : [];
  for (const placed of step.terms) {
    if (terms.has(placed)) placeTerm(builder, placed, place, ratio);
    // The tap that it would be part of keeps its place: sums are then taken in one order, with the core apart or not.
    else builder.matrix(new Array<number>(axes).fill(0));
  }
  const taps = builder.build(core?.frame.values);
  return core
    ? Object.assign(taps, { frame: { ...core.frame, values: taps.scaled(core.frame.values) } })
    : taps;
}

/** The numbers of taps from `first` on, in the precision of the engine. */
export function tapNumbers(
  engine: Engine,
  taps: TermTaps,
  first = 0,
  count = taps.taps.length - first,
): Float64Array | Float32Array {
  const size = taps.rows * taps.columns;
  if (!taps.into) return taps.matrices.subarray(first * size, (first + count) * size);
  const single = precisionOf(engine.information) === 'single';
  return taps.into(single ? new Float32Array(count * size) : new Float64Array(count * size), first);
}

/** Taps of one term alone: what its norm is computed from. @param lift of its source; absent: none */
export function termTaps(placed: PlacedTerm, axes: number, lift?: readonly number[]): TermTaps {
  const { term } = placed;
  const ones = Array.from({ length: axes }, () => 1);
  const upsampled = term.map.kind === 'transposed' ? term.map.stride : ones;
  const from = lift ?? ones;
  const source: Live = {
    ...placed.source,
    start: 0,
    lift: from,
    rows: axes === 0 ? placed.source.rows : placed.source.variable.channels * from.reduce((p, f) => p * f, 1),
  };
  const target: Live = {
    variable: { ...placed.target.variable, channels: term.channels },
    start: 0,
    rows: term.channels * upsampled.reduce((p, s) => p * s, 1),
    lift: placed.target.lift.length === 0 ? [] : upsampled,
  };
  const alone = { term: { ...term, row: 0 }, source, target };
  const dense = denseTaps(alone, target.rows, source.rows);
  if (dense) return dense;
  const builder = new TapBuilder(target.rows, source.rows, axes);
  const ratio = term.map.kind === 'convolution' ? term.map.stride : ones;
  placeTerm(builder, alone, { row: 0, column: 0, columns: source.rows }, ratio);
  return builder.build();
}

/** The weights of a layer on vectors that are the whole matrix, if they are. */
function denseTaps(
  { term, source, target }: PlacedTerm,
  rows: number,
  columns: number,
): DenseTaps | undefined {
  const { map } = term;
  if (map.kind !== 'read' || source.lift.length > 0) return undefined;
  const whole =
    target.start + term.row === 0 && term.channels === rows && source.start === 0 && source.rows === columns;
  return whole ? new DenseTaps(map.weight, columns, map.magnitude) : undefined;
}

/** Where a term stands. @param place where the matrix begins in the step's, and its columns */
export function blockOf(
  { term, source, target }: PlacedTerm,
  { row, column, columns }: Pick<Rectangle, 'row' | 'column' | 'columns'>,
): TapBlock {
  return {
    row: target.start + term.row - row,
    column: source.start - column,
    columns,
    rowStride: target.variable.channels,
    columnStride: source.variable.channels,
  };
}

/** @param place where the builder's matrix begins in the step's, and its columns */
function placeTerm(
  builder: TapBuilder,
  placed: PlacedTerm,
  { row, column, columns }: Pick<Rectangle, 'row' | 'column' | 'columns'>,
  ratio: readonly number[],
): void {
  const { term, source, target } = placed;
  const map = term.map;
  const block = blockOf(placed, { row, column, columns });
  const { window } = source.variable;
  switch (map.kind) {
    case 'identity': {
      const scale = (c: number) => map.scale[map.scale.length === 1 ? 0 : c]!;
      if (source.lift.length === 0) {
        // Vectors; an image seen as a vector runs over positions first.
        const perChannel = source.rows / source.variable.channels;
        const matrix = builder.matrix([]);
        for (let k = 0; k < source.rows; k++) {
          matrix.add((block.row + k) * columns + block.column + k, scale(Math.floor(k / perChannel)));
        }
        return;
      }
      const ones = source.lift.map(() => 1);
      const zeros = source.lift.map(() => 0);
      placeConvolution(
        builder,
        block,
        {
          sides: ones,
          entries: (_t, put) => {
            for (let c = 0; c < term.channels; c++) put(c, c, scale(c));
          },
        },
        { stride: ones, dilation: ones, before: zeros, transposed: false },
        source.lift,
        target.lift,
      );
      return;
    }
    case 'convolution': {
      const value = boxValue(placed, ratio);
      if (value !== undefined) {
        placeBox(
          builder,
          block,
          term.channels,
          () => value,
          map.before.map((b) => -b || 0),
          map.kernel.sides,
        );
        return;
      }
      placeConvolution(builder, block, map.kernel, { ...map, transposed: false }, source.lift, target.lift);
      return;
    }
    case 'transposed':
      placeConvolution(builder, block, map.kernel, { ...map, transposed: true }, source.lift, target.lift);
      return;
    case 'read': {
      if (source.lift.length === 0) {
        const matrix = builder.matrix([]);
        for (let o = 0; o < term.channels; o++) {
          for (let i = 0; i < source.rows; i++) {
            const from = o * source.rows + i;
            matrix.add(
              (block.row + o) * columns + block.column + i,
              map.weight[from]!,
              map.magnitude?.[from],
            );
          }
        }
        return;
      }
      placeRead(builder, block, readKernel(map, source.variable.channels, window), source.lift);
      return;
    }
    case 'pick': {
      const scale = (row: number) => map.scale[map.scale.length === 1 ? 0 : row]!;
      if (source.lift.length === 0) {
        const matrix = builder.matrix([]);
        for (const [row, from] of map.sources.entries()) {
          if (from >= 0) matrix.add((block.row + row) * columns + block.column + from, scale(row));
        }
        return;
      }
      placeRead(builder, block, pickKernel(map.sources, scale, window), source.lift);
      return;
    }
    case 'total': {
      const value = map.value;
      if (source.lift.length === 0) {
        const perChannel = source.rows / source.variable.channels;
        const matrix = builder.matrix([]);
        for (let i = 0; i < source.rows; i++) {
          matrix.add((block.row + Math.floor(i / perChannel)) * columns + block.column + i, value);
        }
      } else if (source.lift.every((f) => f === 1)) {
        const origin = window.map(() => 0);
        placeBox(builder, block, term.channels, () => value, origin, window);
      } else {
        placeRead(
          builder,
          block,
          {
            sides: window,
            entries: (_u, put) => {
              for (let c = 0; c < term.channels; c++) put(c, c, value);
            },
          },
          source.lift,
        );
      }
      return;
    }
    default:
      map satisfies never;
  }
}

/** The symbol of taps (uploaded as `tapMatrices`) at frequencies, in its frame; for vectors, without those, the matrix itself. */
export function symbolOf(
  engine: Engine,
  taps: StepTaps,
  tapMatrices: Matrices | undefined,
  frequencies: Frequencies,
): Matrices {
  if (!tapMatrices) return engine.matrices(taps.matrices, 1, taps.rows, taps.columns, false);
  const table = engine.matrices(phases(frequencies, taps.taps), 1, frequencies.count, taps.taps.length, true);
  return engine.symbol(tapMatrices, table, taps.rows, taps.columns, taps.frame);
}

/** W Σ Wᴴ, then the mean over aliases where the working grid gets coarser. */
export function affine(engine: Engine, symbol: Matrices, state: State, copies: number): Matrices {
  const s = state === undefined ? engine.congruence(symbol) : engine.congruence(symbol, state);
  return copies === 1 ? s : engine.alias(s, copies);
}

/** This chunk's part of N⁻ᵈ Σ_ω W Σ Wᴴ: the covariance of what reads whole windows. */
export function read(engine: Engine, symbol: Matrices, state: State, frequencies: Frequencies): Matrices {
  const samples = frequencies.torus.reduce((p, n) => p * n, 1);
  const weights = engine.vector(frequencies.weights.map((w) => w / samples));
  return engine.windowSum(symbol, state, weights);
}

/** A pick as a kernel over the window's positions. */
function pickKernel(
  sources: Int32Array,
  scale: (row: number) => number,
  window: readonly number[],
): TapKernel {
  const size = positions(window).length;
  const rowsAt = Array.from({ length: size }, (): number[] => []);
  for (const [row, from] of sources.entries()) if (from >= 0) rowsAt[from % size]!.push(row);
  return {
    sides: window,
    entries: (u, put) => {
      for (const row of rowsAt[u]!) put(row, Math.floor(sources[row]! / size), scale(row));
    },
  };
}

/** A read as a kernel over the window's positions. */
function readKernel(
  { weight, magnitude }: Extract<LinearMap, { kind: 'read' }>,
  channels: number,
  window: readonly number[],
): TapKernel {
  const size = positions(window).length;
  const columns = channels * size;
  return {
    sides: window,
    entries: (u, put) => {
      for (let o = 0, rows = weight.length / columns; o < rows; o++) {
        for (let c = 0; c < channels; c++) {
          const at = o * columns + c * size + u;
          const value = weight[at]!;
          const most = magnitude?.[at];
          if (value !== 0 || most) put(o, c, value, most);
        }
      }
    },
  };
}
