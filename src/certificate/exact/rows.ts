/** A form row by row, without its zeros, and what a part of the inputs has fixed of it. */
import type { Form } from '../../exact/form/form.ts';
import type { Pieces } from '../../exact/form/pieces.ts';

/** Of the argument of a unit, or of an output. */
export interface Row {
  readonly columns: Int32Array;
  readonly weights: Float64Array;
  /** How far the weights of the network may be from these. */
  readonly errors: Float64Array;
  readonly bias: number;
  readonly biasError: number;
}

export interface Units {
  readonly inputs: number;
  readonly outputs: number;
  /** Inputs and units. */
  readonly atoms: number;
  /** Undefined: the unit is its argument. */
  readonly pieces: readonly (Pieces | undefined)[];
  /** Whether the argument is of inputs alone. */
  readonly isFirst: readonly boolean[];
  /** Units, then outputs. */
  readonly rows: readonly Row[];
  /** Units of more than one piece; certificates count these alone. */
  readonly kinks: Int32Array;
}

/** Unit u lies on one of the pieces first[u] to last[u]. */
export interface Part {
  readonly first: Uint8Array;
  readonly last: Uint8Array;
}

export function unitsOf({ inputs, outputs, units, atoms, kinks, ...form }: Form): Units {
  const { weight, weightError, bias, biasError } = form;
  const rows = Array.from({ length: units.length + outputs }, (_, row): Row => {
    const columns: number[] = [];
    const end = row < units.length ? inputs + row : atoms;
    for (let a = 0; a < end; a++)
      if (weight[row * atoms + a] !== 0 || (weightError && weightError[row * atoms + a] !== 0))
        columns.push(a);
    return {
      columns: Int32Array.from(columns),
      weights: Float64Array.from(columns, (a) => weight[row * atoms + a]!),
      errors: Float64Array.from(columns, (a) => weightError?.[row * atoms + a] ?? 0),
      bias: bias[row]!,
      biasError: biasError?.[row] ?? 0,
    };
  });
  return {
    ...{ inputs, outputs, atoms, rows, kinks },
    pieces: units.map(({ pieces }) => pieces),
    isFirst: units.map((_, u) => rows[u]!.columns.every((a) => a < inputs)),
  };
}

/** The least argument that the pieces of a unit allow. */
export function leastArgument({ pieces }: Units, { first }: Part, u: number): number {
  return first[u] === 0 ? -Infinity : pieces[u]!.breaks[first[u]! - 1]!;
}

export function largestArgument({ pieces }: Units, { last }: Part, u: number): number {
  const breaks = pieces[u]?.breaks;
  return !breaks || last[u] === breaks.length ? Infinity : breaks[last[u]!]!;
}

/** Where inputs lie, entry by entry; in the ball as well, if there is one. */
export interface Domain {
  readonly low: Float64Array;
  readonly high: Float64Array;
  readonly ball?: { readonly centre: Float64Array; readonly radius: number } | undefined;
}

/** What a sum of products may lose where numbers are too small for float64, and many times that. */
export const LOST = 2 ** -1000;
/** What a root of a sum of n squares may lose so, for each of them. */
export const LOST_ROOT = 2 ** -530;
