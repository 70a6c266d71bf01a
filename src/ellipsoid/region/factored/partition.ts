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

  constructor(size: number, blocks: readonly Int32Array[]) {
    this.size = size;
    this.blocks = blocks;
    this.starts = new Int32Array(blocks.length);
    let [length, largest] = [0, 0];
    for (const [b, { length: own }] of blocks.entries()) {
      this.starts[b] = length;
      length += own * own;
      largest = Math.max(largest, own);
    }
    this.length = length;
    this.largest = largest;
  }

  /** |A| x */
  absoluteTimes(a: Float64Array, x: Float64Array): Float64Array {
    const y = new Float64Array(this.size);
    for (const [b, entries] of this.blocks.entries()) {
      let at = this.starts[b]!;
      for (const i of entries) {
        let sum = 0;
        for (const j of entries) sum += Math.abs(a[at++]!) * x[j]!;
        y[i] = sum;
      }
    }
    return y;
  }

  /** Adds to the diagonal of A, entry by entry. */
  addToDiagonal(a: Float64Array, what: (i: number, entry: number) => number): void {
    for (const [b, entries] of this.blocks.entries()) {
      for (const [k, i] of entries.entries()) {
        const at = this.starts[b]! + k * (entries.length + 1);
        a[at] = what(i, a[at]!);
      }
    }
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
}

/**
 * The stages at the beginning of a chain of which that is so, and which have more arguments than the chain has inputs; none where there is
 * nothing to be gained.
 */
export async function localStages(algebra: Algebra, { inputs, stages }: Chain): Promise<LocalStage[]> {
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
    local.push({ partition, sees, passage });
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
  return { to, parts, most, columns, ...patternBehind(columns, sees, to) };
}
