/**
 * Linear maps as sums of shifted matrices ("taps") between tensors on one *working grid*.
 *
 * A tensor whose samples lie closer than those of the working grid is *lifted*: its sample f·k + p becomes channel block p at
 * position k, f the lift (per axis). Rows of a lifted tensor: phase after phase, each with all channels.
 * A strided convolution from a grid to one `ratio` times coarser is a convolution on the fine grid whose output is then
 * sampled; that sampling is the mean over aliases of `Engine.alias`.
 */
import type { Tap } from './frequencies.ts';

/** Taps of one block matrix, ready for `Engine.symbol`. */
export interface Taps {
  readonly rows: number;
  readonly columns: number;
  readonly taps: readonly Tap[];
  /** [taps, rows · columns] */
  readonly matrices: Float64Array;
  /** What errors of their entries are relative to, where these are sums of terms that cancel; absent: |entries|. */
  readonly magnitudes?: Float64Array;
  /** Whether the map is zero, and nothing uncertain has cancelled to that. */
  readonly vanishes: boolean;
  /** The true map is 2^exponent times them: all that is computed of them is near 1. */
  readonly exponent: number;
}

/** A tap's matrix, row-major, that maps are added to. */
export class TapMatrix {
  readonly values: Float64Array;
  /** Sums of moduli; absent while they are those of the values. */
  magnitudes: Float64Array | undefined;
  /** All but zeros lies from here to before `end`: of the whole that a tap is part of it may fill little. */
  first = Infinity;
  end = 0;

  constructor(size: number) {
    this.values = new Float64Array(size);
  }

  add(at: number, value: number, magnitude = Math.abs(value)): void {
    this.#fill(at, at + 1);
    const before = this.values[at]!;
    const cancels = (before > 0 && value < 0) || (before < 0 && value > 0);
    if (!this.magnitudes && (cancels || magnitude > Math.abs(value))) {
      this.magnitudes = this.values.map(Math.abs);
    }
    this.values[at] = before + value;
    if (this.magnitudes) this.magnitudes[at]! += magnitude;
  }

  /** Adds the entries of kernel position t to a block that begins at `at`, in rows of so many columns: as `add`, one by one. */
  addTable(
    { weight, outputs, inputs, byOutput, byInput }: TapTable,
    t: number,
    at: number,
    columns: number,
  ): void {
    const { values } = this;
    this.#fill(at, at + (outputs - 1) * columns + inputs);
    for (let o = 0; o < outputs; o++) {
      const [row, from] = [at + o * columns, o * byOutput + t];
      for (let i = 0; i < inputs; i++) {
        const value = weight[from + i * byInput]!;
        if (value === 0) continue;
        if (this.magnitudes || values[row + i] !== 0) this.add(row + i, value);
        else values[row + i] = value;
      }
    }
  }

  #fill(first: number, end: number): void {
    if (first < this.first) this.first = first;
    if (end > this.end) this.end = end;
  }
}

/** Entries this much smaller than the largest sum of moduli are noise, to which nothing is scaled. */
const NOISE = 2 ** -30;

/** Collects the entries of a block matrix tap by tap. */
export class TapBuilder {
  readonly #rows: number;
  readonly #columns: number;
  readonly #axes: number;
  readonly #taps = new Map<string, { tap: Tap; matrix: TapMatrix }>();

  constructor(rows: number, columns: number, axes: number) {
    this.#rows = rows;
    this.#columns = columns;
    this.#axes = axes;
  }

  /** The matrix (rows × columns) of one tap, made on first use. */
  matrix(offset: readonly number[], extent?: readonly number[]): TapMatrix {
    const box = extent ?? offset.map(() => 1);
    const key = `${offset.join()}|${box.join()}`;
    let entry = this.#taps.get(key);
    if (!entry) {
      entry = { tap: { offset, extent: box }, matrix: new TapMatrix(this.#rows * this.#columns) };
      this.#taps.set(key, entry);
    }
    return entry.matrix;
  }

  /**
   * With all entries scaled: see `scaleOf`.
   * @param beside further entries of the map, which are scaled alike: see `CollectedTaps.scaled`
   */
  build(beside: Float64Array = new Float64Array(0)): CollectedTaps {
    // A map that is zero everywhere still has a tap.
    if (this.#taps.size === 0) this.matrix(new Array<number>(this.#axes).fill(0));
    return new CollectedTaps(this.#rows, this.#columns, [...this.#taps.values()], beside);
  }
}

/** What a builder has collected: kept as it came, scaled when somebody wants it. */
export class CollectedTaps implements Taps {
  readonly rows: number;
  readonly columns: number;
  readonly taps: readonly Tap[];
  readonly exponent: number;
  readonly vanishes: boolean;
  readonly magnitudes?: Float64Array;
  readonly #matrices: readonly TapMatrix[];
  readonly #factors: readonly [number, number];

  constructor(
    rows: number,
    columns: number,
    entries: readonly { readonly tap: Tap; readonly matrix: TapMatrix }[],
    beside: Float64Array,
  ) {
    this.rows = rows;
    this.columns = columns;
    this.taps = entries.map(({ tap }) => tap);
    this.#matrices = entries.map(({ matrix }) => matrix);
    const { exponent, factors, vanishes } = scaleOf(
      [...this.#matrices.map(({ values, first, end }) => values.subarray(first, end)), beside],
      this.#matrices.flatMap(({ magnitudes }) => magnitudes ?? []),
    );
    this.exponent = exponent;
    this.vanishes = vanishes;
    this.#factors = factors;
    if (this.#matrices.some(({ magnitudes }) => magnitudes)) {
      const own = this.#matrices.map((matrix) => ({
        first: matrix.first,
        end: matrix.end,
        values: magnitudesOf(matrix),
      }));
      this.magnitudes = this.#scaled(own, new Float64Array(this.taps.length * rows * columns));
    }
  }

  /** Made anew at every call. */
  get matrices(): Float64Array {
    return this.into(new Float64Array(this.taps.length * this.rows * this.columns));
  }

  /** Writes the matrices of taps from `first` on to an array of zeros, as many as it holds. */
  into<N extends Float64Array | Float32Array>(out: N, first = 0): N {
    const end = first + out.length / (this.rows * this.columns);
    return this.#scaled(this.#matrices.slice(first, end), out);
  }

  /** Entries beside the matrices, scaled as these are. */
  scaled(values: Float64Array): Float64Array {
    return this.#scaled([{ values, first: 0, end: values.length }], new Float64Array(values.length));
  }

  #scaled<N extends Float64Array | Float32Array>(
    matrices: readonly Pick<TapMatrix, 'values' | 'first' | 'end'>[],
    out: N,
  ): N {
    const [one, other] = this.#factors;
    let start = 0;
    for (const { values, first, end } of matrices) {
      for (let k = first; k < end; k++) out[start + k] = values[k]! * one * other;
      start += values.length;
    }
    return out;
  }

  /** Σ_t |K_t|, each as often as its box has samples; of the magnitudes, where there are any. */
  moduli(): Float64Array {
    const sums = new Float64Array(this.rows * this.columns);
    const [one, other] = this.#factors;
    this.#matrices.forEach((matrix, t) => {
      const samples = samplesOf(this.taps[t]!);
      const { first, end } = matrix;
      const values = matrix.magnitudes ?? matrix.values;
      for (let k = first; k < end; k++) sums[k]! += samples * Math.abs(values[k]! * one * other);
    });
    return sums;
  }
}

/** As `CollectedTaps.moduli`, of any taps. */
export function sumsOfModuli(own: Taps & Partial<Pick<CollectedTaps, 'moduli'>>): Float64Array {
  if (own.moduli) return own.moduli();
  const magnitudes = own.magnitudes ?? own.matrices;
  const size = own.rows * own.columns;
  const sums = new Float64Array(size);
  own.taps.forEach((tap, t) => {
    const samples = samplesOf(tap);
    for (let k = 0, at = t * size; k < size; k++) sums[k]! += samples * Math.abs(magnitudes[at + k]!);
  });
  return sums;
}

function samplesOf({ extent }: Tap): number {
  return extent.reduce((p, e) => p * e, 1);
}

/** How entries are to be scaled. */
export interface TapScale {
  readonly exponent: number;
  /** Two powers of two whose product is 2^−exponent, which need not be a float64. */
  readonly factors: readonly [number, number];
  readonly vanishes: boolean;
}

/**
 * Entries are divided by the power of two that brings the largest into [1, 2), so that squares of tiny or huge weights neither vanish nor
 * overflow.
 * @param magnitudes where they are others than the moduli of the entries
 */
export function scaleOf(
  matrices: readonly ArrayLike<number>[],
  magnitudes: readonly ArrayLike<number>[],
): TapScale {
  const most = (lists: readonly ArrayLike<number>[]) =>
    lists.reduce((largest, list) => Math.max(largest, largestModulus(list)), 0);
  const [values, sums] = [most(matrices), most(magnitudes)];
  const largest = Math.max(values, NOISE * sums);
  const exponent = largest > 0 ? Math.floor(Math.log2(largest)) : 0;
  const half = Math.trunc(-exponent / 2);
  return { exponent, factors: [2 ** half, 2 ** (-exponent - half)], vanishes: values === 0 && sums === 0 };
}

function magnitudesOf({ values, magnitudes }: TapMatrix): Float64Array {
  return magnitudes ?? values.map(Math.abs);
}

/** The largest modulus; NaN where any number is NaN. */
function largestModulus(values: ArrayLike<number>): number {
  // Two at a time, so that neither comparison waits for the other. NaN comes, and stays.
  let [even, odd] = [0, 0];
  const whole = values.length - (values.length % 2);
  for (let k = 0; k < whole; k += 2) {
    const [x, y] = [Math.abs(values[k]!), Math.abs(values[k + 1]!)];
    if (x > even || Number.isNaN(x)) even = x;
    if (y > odd || Number.isNaN(y)) odd = y;
  }
  if (whole < values.length) even = Math.max(even, Math.abs(values[whole]!));
  return Math.max(even, odd);
}

/** All index vectors of a box, in row-major order. An empty box has one: []. */
export function positions(sides: readonly number[]): number[][] {
  let list: number[][] = [[]];
  for (const side of sides) {
    list = list.flatMap((head) => Array.from({ length: side }, (_, k) => [...head, k]));
  }
  return list;
}

/** Row-major index of a position in a box. */
export function linearIndex(position: readonly number[], sides: readonly number[]): number {
  return position.reduce((index, p, a) => index * sides[a]! + p, 0);
}

export interface TapBlock {
  /** First row and column of the block in the whole matrix, and the whole matrix's columns. */
  readonly row: number;
  readonly column: number;
  readonly columns: number;
  /** Channels of a block of rows (columns) of one phase: rows of phase q start at row + q · rowStride. */
  readonly rowStride: number;
  readonly columnStride: number;
}

/** The kernel of a convolution-like map: entries per output and input channel at kernel position t. */
export interface TapKernel {
  readonly sides: readonly number[];
  /** Calls back for every nonzero entry of kernel position t (row-major index); `magnitude` as of `TapMatrix.add`. */
  entries(t: number, put: (output: number, input: number, value: number, magnitude?: number) => void): void;
  /** All that `entries` gives, where it lies in one array: that takes a tenth of the time. */
  readonly table?: TapTable;
  /** Where its entries are weights: `of[at(output, input, t)]`, or 0 for −1. Absent: they are given by what the operator is. */
  readonly weights?: {
    readonly of: ArrayLike<number>;
    readonly at: (output: number, input: number, t: number) => number;
  };
}

/** weight[output · byOutput + input · byInput + t] */
export interface TapTable {
  readonly weight: ArrayLike<number>;
  readonly outputs: number;
  readonly inputs: number;
  readonly byOutput: number;
  readonly byInput: number;
}

/** Where the samples lie that a kernel position reads or reaches. */
export interface TapGeometry {
  readonly stride: readonly number[];
  readonly dilation: readonly number[];
  readonly before: readonly number[];
  readonly transposed: boolean;
}

/**
 * Places y[j] = Σ_t K_t x[stride·j + dilation·t − before] (or, transposed, its adjoint's way round: x[j] K_t added to
 * y[stride·j + dilation·t − before]) between a source of lift `from` and a target of lift `to`.
 */
export function placeConvolution(
  builder: TapBuilder,
  block: TapBlock,
  kernel: TapKernel,
  geometry: TapGeometry,
  from: readonly number[],
  to: readonly number[],
): void {
  convolutionPlaces(block, kernel.sides, geometry, from, to, (offset, t, at) => {
    const matrix = builder.matrix(offset);
    if (kernel.table) matrix.addTable(kernel.table, t, at, block.columns);
    else kernel.entries(t, (o, i, value) => matrix.add(at + o * block.columns + i, value));
  });
}

/** Every place of a convolution's kernel positions: the tap's offset, the position, and where its matrix begins in that of the tap. */
export function convolutionPlaces(
  block: TapBlock,
  sides: readonly number[],
  { stride, dilation, before, transposed }: TapGeometry,
  from: readonly number[],
  to: readonly number[],
  visit: (offset: number[], t: number, at: number) => void,
): void {
  // The lifted side on which every phase is visited; the other side's phase and the shift follow.
  const visited = transposed ? from : to;
  const other = transposed ? to : from;
  const kernelPositions = positions(sides);
  positions(visited).forEach((phase, visitedIndex) => {
    kernelPositions.forEach((t, kernelIndex) => {
      const reach = phase.map((q, a) => stride[a]! * q + dilation[a]! * t[a]! - before[a]!);
      const otherPhase = reach.map((r, a) => r - other[a]! * Math.floor(r / other[a]!));
      const shift = reach.map((r, a) => Math.floor(r / other[a]!));
      const otherIndex = linearIndex(otherPhase, other);
      const [rowPhase, columnPhase] = transposed ? [otherIndex, visitedIndex] : [visitedIndex, otherIndex];
      const row = block.row + rowPhase * block.rowStride;
      const column = block.column + columnPhase * block.columnStride;
      visit(transposed ? shift.map((d) => -d || 0) : shift, kernelIndex, row * block.columns + column);
    });
  });
}

/** Places a map that reads whole windows: y = Σ_u W_u x[u], u over the source's window. `entries(u)` gives W_u. */
export function placeRead(
  builder: TapBuilder,
  block: TapBlock,
  window: TapKernel,
  from: readonly number[],
): void {
  readPlaces(block, window.sides, from, (offset, u, at) => {
    const matrix = builder.matrix(offset);
    window.entries(u, (o, i, value, magnitude) => matrix.add(at + o * block.columns + i, value, magnitude));
  });
}

/** Every place of a read's positions, as `convolutionPlaces`. */
export function readPlaces(
  block: TapBlock,
  sides: readonly number[],
  from: readonly number[],
  visit: (offset: number[], u: number, at: number) => void,
): void {
  positions(sides).forEach((u, index) => {
    const phase = u.map((x, a) => x % from[a]!);
    const column = block.column + linearIndex(phase, from) * block.columnStride;
    visit(
      u.map((x, a) => Math.floor(x / from[a]!)),
      index,
      block.row * block.columns + column,
    );
  });
}

/** Places value · identity over a box of samples of an unlifted source: one tap, however large the box. */
export function placeBox(
  builder: TapBuilder,
  block: TapBlock,
  channels: number,
  value: (channel: number) => number,
  offset: readonly number[],
  extent: readonly number[],
): void {
  const matrix = builder.matrix(offset, extent);
  for (let c = 0; c < channels; c++) {
    matrix.add((block.row + c) * block.columns + block.column + c, value(c));
  }
}
