/**
 * Semidefinite programs in the variables x₁ … x_m: minimise x₁ subject to linear matrix inequalities
 *
 *     F₀ + x₁ F₁ + … + x_m F_m ⪰ 0 ,
 *
 * each written down as the quadratic form zᵀ(…)z that must not be negative, one product of linear forms after the other.
 */
import { UnsupportedError } from '../errors.ts';
import { coordinate, type Form } from './form.ts';

/** Stands in place of a variable's index for what is in F₀. */
export const CONSTANT = 0;

/** The objective: the square of the bound, up to the scale of the network (`scales.ts`). */
export const RHO = 1;

/** A block of order `LARGEST_ORDER` and this many variables are about what an interior-point method takes in an hour and 2 GB. */
const LARGEST_ORDER = 2000;
const MOST_VARIABLES = 10_000;
/** Numbers in the file. */
const MOST_ENTRIES = 2e6;

/** How many entries a program has, all its inequalities together. */
interface EntryCount {
  total: number;
}

/** One inequality; `diagonal` says that it is no more than that many inequalities between numbers. */
export class MatrixInequality {
  /** What it is about, for people. */
  readonly node: string;
  readonly order: number;
  readonly diagonal: boolean;
  /** The upper triangle of every F: by (variable · order + row) · order + column. */
  readonly entries = new Map<number, number>();
  private readonly count: EntryCount;

  constructor(node: string, order: number, diagonal: boolean, count: EntryCount) {
    this.node = node;
    this.order = order;
    this.diagonal = diagonal;
    this.count = count;
  }

  /**
   * Adds weight · x_variable · a(z) · b(z) to the quadratic form.
   * @throws UnsupportedError where the file would be out of all proportion
   */
  add(variable: number, weight: number, a: Form, b: Form): void {
    const before = this.entries.size;
    for (const [i, left] of a) {
      for (const [j, right] of b) {
        const key = (variable * this.order + Math.min(i, j)) * this.order + Math.max(i, j);
        // Off the diagonal an entry of a symmetric matrix counts twice in its form.
        const value = (i === j ? weight : weight / 2) * left * right;
        this.entries.set(key, (this.entries.get(key) ?? 0) + value);
      }
    }
    this.count.total += this.entries.size - before;
    demand(this.node, 'matrix entries', this.count.total, MOST_ENTRIES);
  }
}

/** Variables of one kind, numbered from `first` on. */
export interface VariableRange {
  readonly meaning: string;
  readonly first: number;
  readonly count: number;
}

export class SemidefiniteProgram {
  readonly ranges: VariableRange[] = [{ meaning: 'rho', first: RHO, count: 1 }];
  readonly inequalities: MatrixInequality[] = [];
  private readonly count: EntryCount = { total: 0 };

  get variables(): number {
    const { first, count } = this.ranges.at(-1)!;
    return first + count - 1;
  }

  /**
   * Further variables, without a sign. `node` is what they are for.
   * @throws UnsupportedError where no solver would take so many
   */
  unknowns(meaning: string, node: string, count: number): number[] {
    const first = this.variables + 1;
    demand(node, 'variables', first + count - 1, MOST_VARIABLES);
    this.ranges.push({ meaning: `${meaning} of ${node}`, first, count });
    return Array.from({ length: count }, (_, k) => first + k);
  }

  /** Further variables that are not negative. */
  nonnegative(meaning: string, node: string, count: number): number[] {
    const variables = this.unknowns(meaning, node, count);
    const inequality = new MatrixInequality(node, count, true, this.count);
    for (const [k, variable] of variables.entries())
      inequality.add(variable, 1, coordinate(k), coordinate(k));
    this.inequalities.push(inequality);
    return variables;
  }

  /** An inequality still to be filled. @throws UnsupportedError where no solver would take its order */
  inequality(node: string, order: number): MatrixInequality {
    demand(node, 'rows in one inequality', order, LARGEST_ORDER);
    const inequality = new MatrixInequality(node, order, false, this.count);
    this.inequalities.push(inequality);
    return inequality;
  }
}

/** @throws UnsupportedError that names the node where the problem became too large */
function demand(node: string, what: string, count: number, most: number): void {
  if (count <= most) return;
  const reason = `a problem this large is beyond interior-point solvers (at most ${most} are written); the refined method needs none`;
  throw new UnsupportedError([{ node, found: `${count} ${what}`, reason }]);
}
