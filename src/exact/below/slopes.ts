/** Slopes of a form where its units lie on given pieces: plain float64, nothing that is proven rests on it. */
import { diagonalise, largestOf } from '../above/eigen.ts';
import type { Form } from '../form/form.ts';
import { pieceAt } from '../form/pieces.ts';

export class Slopes {
  readonly #form: Form;
  /** Columns of the weights that are not 0, row by row. */
  readonly #starts: Int32Array;
  readonly #columns: Int32Array;
  readonly #weights: Float64Array;
  readonly #values: Float64Array;
  readonly #jacobian: Float64Array;
  readonly #gram: Float64Array;
  readonly #vectors: Float64Array;

  constructor(form: Form) {
    const { units, outputs, atoms, weight } = form;
    this.#form = form;
    const rows = units.length + outputs;
    this.#starts = new Int32Array(rows + 1);
    const columns: number[] = [];
    for (let row = 0; row < rows; row++) {
      for (let a = 0; a < atoms; a++) if (weight[row * atoms + a] !== 0) columns.push(a);
      this.#starts[row + 1] = columns.length;
    }
    this.#columns = Int32Array.from(columns);
    this.#weights = new Float64Array(columns.length);
    for (let row = 0; row < rows; row++) {
      for (let k = this.#starts[row]!; k < this.#starts[row + 1]!; k++)
        this.#weights[k] = weight[row * atoms + columns[k]!]!;
    }
    this.#values = new Float64Array(atoms);
    this.#jacobian = new Float64Array(outputs * atoms);
    this.#gram = new Float64Array(outputs * outputs);
    this.#vectors = new Float64Array(outputs * outputs);
  }

  /** The pieces that units lie on at an input. */
  piecesAt(x: Float64Array, pieces: Uint8Array): void {
    const { inputs, units, bias } = this.#form;
    const values = this.#values;
    values.set(x);
    for (let u = 0; u < units.length; u++) {
      let y = bias[u]!;
      for (let k = this.#starts[u]!; k < this.#starts[u + 1]!; k++)
        y += this.#weights[k]! * values[this.#columns[k]!]!;
      const own = units[u]!.pieces;
      if (own) {
        const piece = pieceAt(own, y);
        pieces[u] = piece;
        y = own.slopes[piece]! * y + own.offsets[piece]!;
      }
      values[inputs + u] = y;
    }
  }

  /** The norm of the Jacobian. @param v receives the direction in which it is so steep */
  norm(pieces: Uint8Array, v?: Float64Array): number {
    const { inputs, outputs, units, atoms } = this.#form;
    const j = this.#jacobian;
    j.fill(0);
    for (let r = 0; r < outputs; r++) {
      const row = r * atoms;
      const last = units.length + r;
      for (let k = this.#starts[last]!; k < this.#starts[last + 1]!; k++)
        j[row + this.#columns[k]!] = this.#weights[k]!;
      for (let u = units.length - 1; u >= 0; u--) {
        const own = units[u]!.pieces;
        const g = j[row + inputs + u]! * (own ? own.slopes[pieces[u]!]! : 1);
        if (g === 0) continue;
        for (let k = this.#starts[u]!; k < this.#starts[u + 1]!; k++)
          j[row + this.#columns[k]!]! += g * this.#weights[k]!;
      }
    }
    if (outputs === 1) {
      let square = 0;
      for (let n = 0; n < inputs; n++) square += j[n]! ** 2;
      v?.set(j.subarray(0, inputs));
      return Math.sqrt(square);
    }
    const gram = this.#gram;
    for (let a = 0; a < outputs; a++) {
      for (let b = 0; b <= a; b++) {
        let sum = 0;
        for (let n = 0; n < inputs; n++) sum += j[a * atoms + n]! * j[b * atoms + n]!;
        gram[a * outputs + b] = sum;
        gram[b * outputs + a] = sum;
      }
    }
    diagonalise(outputs, gram, this.#vectors);
    const top = largestOf(outputs, gram);
    if (v) {
      v.fill(0);
      for (let a = 0; a < outputs; a++) {
        const c = this.#vectors[a * outputs + top]!;
        for (let n = 0; n < inputs; n++) v[n]! += c * j[a * atoms + n]!;
      }
    }
    return Math.sqrt(Math.max(0, gram[top * outputs + top]!));
  }
}
