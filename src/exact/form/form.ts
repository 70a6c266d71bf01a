/**
 * A network of straight pieces in one shape (docs/mathematics.md §10): units one after the other, each a piecewise linear function of one linear
 * combination of inputs and of units before it; outputs are combinations too. Skips, maxima and sorting need nothing of their own.
 */
import type { Pieces } from './pieces.ts';

export interface Unit {
  /** Of the node, for people. */
  readonly name: string;
  /** Absent: the unit is its argument, which is carried on as one number. */
  readonly pieces?: Pieces;
  /** Units on the longest way to it, itself included; inputs have level 0. */
  readonly level: number;
}

export interface Form {
  readonly inputs: number;
  readonly outputs: number;
  /** In ascending order of levels. */
  readonly units: readonly Unit[];
  /** Inputs and units: columns of the weights, inputs first. */
  readonly atoms: number;
  /** Rows: of the argument of every unit, then of every output. [units + outputs, atoms] */
  readonly weight: Float64Array;
  /** How far the weights of the network may be from these, entry by entry; absent: not at all. */
  readonly weightError?: Float64Array;
  readonly bias: Float64Array;
  readonly biasError?: Float64Array;
  /** Units with more than one piece. */
  readonly kinks: Int32Array;
}
