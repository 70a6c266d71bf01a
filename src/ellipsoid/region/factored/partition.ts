/**
 * Which entries of a state have to do with each other beside the inputs, where what functions add stays near its place: blocks of a few, the
 * same for all regions.
 */
import type { Algebra } from '../algebra.ts';
import type { Chain } from '../chain.ts';
import type { LinearPart, SparseColumns } from '../linearPart.ts';

/** Larger blocks are no longer few entries: covariances of all are as good then. */
const LARGEST_BLOCK = 8;

/** A partition of entries; matrices of it have one block of size² entries for each, one after the other. */
export class Partition {
  readonly size: number;
  /** Entries of every block, in order. */
  readonly blocks: readonly Int32Array[];
  /** Where the matrix of a block starts. */
  readonly starts: Int32Array;
  /** Entries of a matrix. */
  readonly length: number;
  readonly largest: number;
  /** The block that an entry is in, and where its diagonal entry lies in a matrix. */
  readonly blockOf: Int32Array;
  readonly diagonal: Int32Array;

  constructor(size: number, blocks: readonly Int32Array[]) {
    this.size = size;
    this.blocks = blocks;
    this.starts = new Int32Array(blocks.length);
    this.blockOf = new Int32Array(size);
    this.diagonal = new Int32Array(size);
    let [length, largest] = [0, 0];
    for (const [b, entries] of blocks.entries()) {
      const own = entries.length;
      this.starts[b] = length;
      for (const [k, i] of entries.entries()) {
        this.blockOf[i] = b;
        this.diagonal[i] = length + k * (own + 1);
      }
      length += own * own;
      largest = Math.max(largest, own);
    }
    this.length = length;
    this.largest = largest;
  }

  /** |A| x */
  absoluteTimes(a: Float64Array, x: Float64Array): Float64Array {
    const y = new Float64Array(this.size);
    for (let b = 0, at = 0; b < this.blocks.length; b++) {
      const entries = this.blocks[b]!;
      for (let k = 0; k < entries.length; k++) {
        let sum = 0;
        for (let l = 0; l < entries.length; l++) sum += Math.abs(a[at++]!) * x[entries[l]!]!;
        y[entries[k]!] = sum;
      }
    }
    return y;
  }

  /** Adds to the diagonal of A, entry by entry. */
  addToDiagonal(a: Float64Array, what: (i: number, entry: number) => number): void {
    const { diagonal } = this;
    for (let i = 0; i < diagonal.length; i++) a[diagonal[i]!] = what(i, a[diagonal[i]!]!);
  }
}

/** A block that another one is made of. */
interface Part {
  /** Where its matrix starts, [width × width]. */
  readonly start: number;
  readonly width: number;
  /** By what it is, [entries of the other × width] */
  readonly matrix: Float64Array;
}

/** How blocks come to be those in front of the next stage. */
export interface Passage {
  readonly to: Partition;
  readonly parts: readonly (readonly Part[])[];
  /** Most blocks that one is made of. */
  readonly most: number;
  /** Most entries of a row of the linear part. */
  readonly summands: number;
  /** The linear part. */
  readonly columns: SparseColumns;
  /** Where its products with what arguments see are added, in order: to which entry of what those of the next stage see. */
  readonly targets: Int32Array;
  /** What these see. */
  readonly sees: Pattern;
}

/** Which entries of a matrix of few may differ from 0, row by row. */
export interface Pattern {
  /** Of row i: starts[i] to starts[i + 1]. */
  readonly starts: Int32Array;
  readonly columns: Int32Array;
}

/** A stage whose covariances are those of the inputs, and of blocks. */
export interface LocalStage {
  readonly partition: Partition;
  /** Which inputs an argument sees, [arguments × inputs]: the same ones within a block. */
  readonly sees: Pattern;
  /** Undefined where the next stage has none. */
  readonly passage: Passage | undefined;
  /** Without a passage: where few entries of the linear part that follows differ from 0. */
  readonly exit: Exit | undefined;
}

/** How blocks become a covariance of all, block by block. */
export interface Exit {
  /** Of each block: the rows of the linear part that have to do with it, in order. */
  readonly rows: readonly Int32Array[];
  /** And what these are, [entries × rows]. */
  readonly matrices: readonly Float64Array[];
  /** Most blocks that a row has to do with, and most entries of a row. */
  readonly most: number;
  readonly summands: number;
}

/** Multiplications of a product by blocks that take the time of what an entry goes through where all are one matrix. */
const PER_ENTRY = 16;

/**
 * The stages at the beginning of a chain of which that is so, and which have more arguments than the chain has inputs; none where there is
 * nothing to be gained.
 */
export async function localStages(algebra: Algebra, { inputs, stages, last }: Chain): Promise<LocalStage[]> {
  const local: LocalStage[] = [];
  const [first] = stages;
  if (!first || first.besideSkip || first.linear.outputs < 2 * inputs) return local;
  const { outputs } = first.linear;
  const columns = await first.linear.columns(algebra);
  if (!columns) return local;
  let partition = new Partition(
    outputs,
    Array.from({ length: outputs }, (_, i) => Int32Array.of(i)),
  );
  let { sees } = patternBehind(columns, identity(inputs), partition);
  for (let k = 1; ; k++) {
    const next = stages[k];
    const goesOn = next && !next.besideSkip && next.linear.outputs >= inputs;
    const passage = goesOn ? await passageThrough(algebra, next.linear, partition, sees) : undefined;
    const exit = passage
      ? undefined
      : exitThrough(await (next?.linear ?? last).columns(algebra), partition, sees);
    local.push({ partition, sees, passage, exit });
    if (!passage) return local;
    ({ to: partition, sees } = passage);
  }
}

function identity(n: number): Pattern {
  return {
    starts: Int32Array.from({ length: n + 1 }, (_, i) => i),
    columns: Int32Array.from({ length: n }, (_, i) => i),
  };
}

/** Of the product of a matrix with one of a pattern, the rows of a block having all that one of them has. */
function patternBehind(
  { starts, rows }: SparseColumns,
  before: Pattern,
  { blocks, size }: Partition,
): Pick<Passage, 'sees' | 'targets'> {
  const sets = Array.from({ length: size }, () => new Set<number>());
  const each = (visit: (i: number, g: number) => void) => {
    for (let j = 0; j + 1 < starts.length; j++)
      for (let at = starts[j]!; at < starts[j + 1]!; at++)
        for (let k = before.starts[j]!; k < before.starts[j + 1]!; k++) visit(rows[at]!, before.columns[k]!);
  };
  each((i, g) => sets[i]!.add(g));
  for (const entries of blocks) {
    const all = new Set<number>();
    for (const i of entries) for (const g of sets[i]!) all.add(g);
    for (const i of entries) sets[i] = all;
  }
  const ends = new Int32Array(size + 1);
  const places = new Map<Set<number>, Map<number, number>>();
  const columns: number[] = [];
  for (const [i, set] of sets.entries()) {
    const sorted = [...set].sort((a, b) => a - b);
    if (!places.has(set)) places.set(set, new Map(sorted.map((g, k) => [g, k])));
    for (const g of sorted) columns.push(g);
    ends[i + 1] = columns.length;
  }
  const targets: number[] = [];
  each((i, g) => targets.push(ends[i]! + places.get(sets[i]!)!.get(g)!));
  return { sees: { starts: ends, columns: Int32Array.from(columns) }, targets: Int32Array.from(targets) };
}

/** Undefined where blocks become too large. */
async function passageThrough(
  algebra: Algebra,
  linear: LinearPart,
  before: Partition,
  sees: Pattern,
): Promise<Passage | undefined> {
  const columns = await linear.columns(algebra);
  if (!columns) return undefined;
  const { starts, rows, values } = columns;
  const leader = Int32Array.from({ length: linear.outputs }, (_, i) => i);
  const leaderOf = (i: number) => {
    let at = i;
    while (leader[at] !== at) at = leader[at] = leader[leader[at]!]!;
    return at;
  };
  for (const entries of before.blocks) {
    let one = -1;
    for (const j of entries) {
      for (let at = starts[j]!; at < starts[j + 1]!; at++) {
        const own = leaderOf(rows[at]!);
        if (one < 0) one = own;
        else leader[own] = leaderOf(one);
      }
    }
  }
  const members = new Map<number, number[]>();
  for (let i = 0; i < linear.outputs; i++) {
    const own = members.get(leaderOf(i));
    if (!own) members.set(leaderOf(i), [i]);
    else if (own.push(i) > LARGEST_BLOCK) return undefined;
  }
  const to = new Partition(
    linear.outputs,
    [...members.values()].map((entries) => Int32Array.from(entries)),
  );
  const place = new Int32Array(linear.outputs);
  const blockOf = new Int32Array(linear.outputs);
  for (const [b, entries] of to.blocks.entries())
    for (const [k, i] of entries.entries()) [blockOf[i], place[i]] = [b, k];
  const parts = to.blocks.map((): Part[] => []);
  for (const [from, entries] of before.blocks.entries()) {
    let matrix: Float64Array | undefined;
    for (const [column, j] of entries.entries()) {
      for (let at = starts[j]!; at < starts[j + 1]!; at++) {
        const i = rows[at]!;
        const block = blockOf[i]!;
        if (!matrix) {
          matrix = new Float64Array(to.blocks[block]!.length * entries.length);
          parts[block]!.push({ start: before.starts[from]!, width: entries.length, matrix });
        }
        matrix[place[i]! * entries.length + column] = values[at]!;
      }
    }
  }
  const most = parts.reduce((all, { length }) => Math.max(all, length), 0);
  const summands = mostInRow(rows, linear.outputs);
  return { to, parts, most, summands, columns, ...patternBehind(columns, sees, to) };
}

/** Undefined where it takes longer than with matrices of all entries. */
function exitThrough(
  columns: SparseColumns | undefined,
  { blocks, size }: Partition,
  sees: Pattern,
): Exit | undefined {
  if (!columns) return undefined;
  const { starts, rows, values } = columns;
  const outputs = rows.reduce((most, row) => Math.max(most, row + 1), 0);
  const lists: Int32Array[] = [];
  const matrices: Float64Array[] = [];
  const met = new Int32Array(outputs);
  let work = 0;
  for (const entries of blocks) {
    const union = new Set<number>();
    for (const j of entries) for (let at = starts[j]!; at < starts[j + 1]!; at++) union.add(rows[at]!);
    const own = Int32Array.from(union).sort();
    const places = new Map([...own].map((row, k) => [row, k]));
    const matrix = new Float64Array(entries.length * own.length);
    for (const [p, j] of entries.entries()) {
      for (let at = starts[j]!; at < starts[j + 1]!; at++)
        matrix[p * own.length + places.get(rows[at]!)!] = values[at]!;
    }
    for (const row of own) met[row]!++;
    const [first] = entries;
    const seen = sees.starts[first! + 1]! - sees.starts[first!]!;
    work += entries.length * own.length * (own.length / 2 + seen);
    if (work > PER_ENTRY * outputs * size) return undefined;
    lists.push(own);
    matrices.push(matrix);
  }
  const most = met.reduce((all, count) => Math.max(all, count), 0);
  return { rows: lists, matrices, most, summands: mostInRow(rows, outputs) };
}

function mostInRow(rows: Int32Array, outputs: number): number {
  const counts = new Int32Array(outputs);
  for (const row of rows) counts[row]!++;
  return counts.reduce((most, count) => Math.max(most, count), 0);
}
