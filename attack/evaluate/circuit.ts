/** A network as scalar cells: every number that it computes, from which others. */
import { Exact, ONE, ZERO } from './exact.ts';
import type { Pointwise } from './pointwise.ts';

export type Cell =
  | { readonly kind: 'input' }
  | {
      readonly kind: 'linear';
      readonly sources: readonly number[];
      readonly weights: readonly Exact[];
      readonly bias: Exact;
    }
  | { readonly kind: 'function'; readonly source: number; readonly f: Pointwise }
  | { readonly kind: 'product'; readonly a: number; readonly b: number }
  | { readonly kind: 'maximum'; readonly sources: readonly number[] }
  | {
      readonly kind: 'softmax';
      readonly sources: readonly number[];
      readonly which: number;
      readonly logarithm: boolean;
    };

/** Cells in an order in which each follows those that it reads; the first are the inputs. */
export interface Circuit {
  readonly inputs: number;
  readonly cells: readonly Cell[];
  /** Cells of the output, row-major; of the whole circuit unless cut. */
  readonly outputs: readonly number[];
}

/** More than these are no network for an attack. */
const MOST_CELLS = 30_000;
const MOST_TERMS = 400_000;

export class TooLarge extends Error {}

export class CircuitBuilder {
  readonly cells: Cell[] = [];
  inputs = 0;
  readonly #constants = new Map<number, number>();
  #terms = 0;

  input(): number {
    this.inputs++;
    return this.#add({ kind: 'input' }, 0);
  }

  constant(value: number): number {
    const known = this.#constants.get(value);
    if (known !== undefined && !Object.is(value, -0)) return known;
    const cell = this.#add({ kind: 'linear', sources: [], weights: [], bias: Exact.of(value) }, 0);
    this.#constants.set(value, cell);
    return cell;
  }

  linear(sources: readonly number[], weights: readonly Exact[], bias: Exact = ZERO): number {
    if (sources.length === 1 && weights[0] === ONE && bias === ZERO) return sources[0]!;
    return this.#add({ kind: 'linear', sources, weights, bias }, sources.length);
  }

  function(source: number, f: Pointwise): number {
    return this.#add({ kind: 'function', source, f }, 1);
  }

  product(a: number, b: number): number {
    return this.#add({ kind: 'product', a, b }, 2);
  }

  maximum(sources: readonly number[]): number {
    return sources.length === 1 ? sources[0]! : this.#add({ kind: 'maximum', sources }, sources.length);
  }

  softmax(sources: readonly number[], which: number, logarithm: boolean): number {
    return this.#add({ kind: 'softmax', sources, which, logarithm }, sources.length);
  }

  #add(cell: Cell, terms: number): number {
    this.#terms += terms;
    if (this.cells.length >= MOST_CELLS || this.#terms > MOST_TERMS) throw new TooLarge('too many cells');
    return this.cells.push(cell) - 1;
  }
}

/** Whether all that the outputs depend on is linear, or linear between kinks. */
export function natureOf({ cells, outputs }: Circuit): 'linear' | 'pieces' | 'smooth' {
  const needed = new Set(outputs);
  let nature: 'linear' | 'pieces' | 'smooth' = 'linear';
  for (let id = cells.length - 1; id >= 0; id--) {
    if (!needed.has(id)) continue;
    const cell = cells[id]!;
    for (const source of sourcesOf(cell)) needed.add(source);
    if (cell.kind === 'softmax' || cell.kind === 'product' || (cell.kind === 'function' && !cell.f.exact))
      return 'smooth';
    if (cell.kind === 'function' || cell.kind === 'maximum') nature = 'pieces';
  }
  return nature;
}

export function sourcesOf(cell: Cell): readonly number[] {
  switch (cell.kind) {
    case 'input':
      return [];
    case 'function':
      return [cell.source];
    case 'product':
      return [cell.a, cell.b];
    default:
      return cell.sources;
  }
}
