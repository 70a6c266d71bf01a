/**
 * The part of a step's symbol that is more than a copy of rows: the *core*, a rectangle of rows and columns beside which every row has at
 * most one entry, that of a variable which is carried along as it is. Beside a skip connection the core is a small part of the whole.
 */
import type { Frame } from '../../engine/engine.ts';
import { type LinearStep, type PlacedTerm, type ReadStep, totalRows } from '../../program/program.ts';

/** Rows row … row + rows − 1, and columns alike. */
export interface Rectangle {
  readonly row: number;
  readonly column: number;
  readonly rows: number;
  readonly columns: number;
}

export interface Core extends Rectangle {
  /** Of the step, those that lie in the rectangle. */
  readonly terms: ReadonlySet<PlacedTerm>;
  /** What lies beside it, as it is. */
  readonly frame: Frame;
}

/** Entries of a symbol from which on its core is kept apart: smaller ones take no time. */
export const LEAST_ENTRIES = 2 ** 16;

/** The core of a step on a grid, where it is no more than half of a symbol of at least so many entries. */
export function coreOf(step: LinearStep | ReadStep, least: number): Core | undefined {
  const rows = totalRows(step.after);
  const columns = totalRows(step.before);
  if (rows * columns < least) return undefined;
  const { carried, others } = byRows(step.terms, rows);
  if (carried.length === 0 || others.length === 0) return undefined;
  const terms = new Set(others);
  let beside = carried;
  let core = around(others);
  for (;;) {
    const within = beside.filter((placed) => meet(rectangleOf(placed), core));
    if (within.length === 0) break;
    for (const placed of within) terms.add(placed);
    beside = beside.filter((placed) => !terms.has(placed));
    core = around([...terms]);
  }
  if (beside.length === 0 || 2 * core.rows * core.columns > rows * columns) return undefined;
  return { ...core, terms, frame: frameOf(beside, core, rows, columns) };
}

/** The terms that copy rows, no two of them to one row, and the others. */
function byRows(all: readonly PlacedTerm[], rows: number) {
  const taken = new Uint8Array(rows);
  const [carried, others]: [PlacedTerm[], PlacedTerm[]] = [[], []];
  for (const placed of all) {
    const { row, rows: height } = rectangleOf(placed);
    const own = taken.subarray(row, row + height);
    if (!copies(placed) || own.some((x) => x === 1)) {
      others.push(placed);
      continue;
    }
    own.fill(1);
    carried.push(placed);
  }
  return { carried, others };
}

/** Whether a term is one matrix at every frequency, with one entry in a row. */
function copies({ term, source, target }: PlacedTerm): boolean {
  const { lift } = source;
  return (
    term.map.kind === 'identity' &&
    lift.length === target.lift.length &&
    lift.every((f, a) => f === target.lift[a])
  );
}

function rectangleOf({ term, source, target }: PlacedTerm): Rectangle {
  const rows = target.rows - target.variable.channels + term.channels;
  return { row: target.start + term.row, column: source.start, rows, columns: source.rows };
}

/** The smallest rectangle around terms. */
function around(terms: readonly PlacedTerm[]): Rectangle {
  const rectangles = terms.map(rectangleOf);
  const row = Math.min(...rectangles.map((r) => r.row));
  const column = Math.min(...rectangles.map((r) => r.column));
  const down = Math.max(...rectangles.map((r) => r.row + r.rows));
  const across = Math.max(...rectangles.map((r) => r.column + r.columns));
  return { row, column, rows: down - row, columns: across - column };
}

function meet(a: Rectangle, b: Rectangle): boolean {
  const overlap = (start: number, length: number, other: number, otherLength: number) =>
    start < other + otherLength && other < start + length;
  return overlap(a.row, a.rows, b.row, b.rows) && overlap(a.column, a.columns, b.column, b.columns);
}

function frameOf(
  carried: readonly PlacedTerm[],
  { row, column }: Rectangle,
  rows: number,
  columns: number,
): Frame {
  const indices = new Int32Array(rows).fill(-1);
  const values = new Float64Array(rows);
  for (const { term, source, target } of carried) {
    if (term.map.kind !== 'identity') continue;
    const { scale } = term.map;
    const phases = target.rows / target.variable.channels;
    for (let q = 0; q < phases; q++) {
      for (let c = 0; c < term.channels; c++) {
        const at = target.start + term.row + q * target.variable.channels + c;
        indices[at] = source.start + q * source.variable.channels + c;
        values[at] = scale[scale.length === 1 ? 0 : c]!;
      }
    }
  }
  return { rows, columns, row, column, indices, values };
}
