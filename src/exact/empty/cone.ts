/**
 * The inputs of a node as the open cone of all (x, z, t), t > 0, with x / t there and z / t the values of units that are not fixed, relaxed to
 * the convex hulls of their graphs: rows whose products with such a vector are positive. A cone without inside means a node without inputs.
 */
import type { Domain } from '../domain.ts';
import type { Form } from '../form/form.ts';
import type { Ranges } from '../ranges.ts';
import { isFixed, largestArgument, leastArgument, type State } from '../state.ts';
import { facetsOf } from './facets.ts';

/** What a row says. */
export const ROW = {
  time: 0,
  inputLow: 1,
  inputHigh: 2,
  unitLow: 3,
  unitHigh: 4,
  ball: 5,
  facet: 6,
} as const;
/** Rows of one unit or input at most. */
export const CODES = 32;
/**
 * Rows of length 1 are moved outward by so much: where there is no inside all the same, something is left of their sum that rounding does not
 * take away.
 */
export const RELAXED = 1e-8;
/** What is so much less than a vector's size may be 0. */
const BY_ROUNDING = 1e-13;
/** Rows shorter than this say nothing. */
const NOTHING = 1e-12;

export class Cone {
  readonly form: Form;
  readonly domain: Domain;
  readonly relaxed: number;
  /** Columns: inputs, values of relaxed units, t. */
  columns = 0;
  rows = 0;
  /** Of length 1, row by row. */
  matrix = new Float64Array(0);
  /** Of each row: what it says (`ROW`; facets are numbered from there on), of which input or unit, and what it was divided by. */
  codes = new Int32Array(0);
  subjects = new Int32Array(0);
  lengths = new Float64Array(0);
  slopes = new Float64Array(0);
  offsets = new Float64Array(0);
  signs = new Float64Array(0);
  /** The argument of every unit that is relevant, in terms of the columns. */
  arguments = new Float64Array(0);
  readonly relevant: Uint8Array;
  /** Units that are on a side of a break while their arguments do not depend on anything: +1 above, −1 below. */
  readonly still = new Map<number, 1 | -1>();
  /** Columns of relaxed units; −1 for others. */
  readonly column: Int32Array;
  #values = new Float64Array(0);
  #row = new Float64Array(0);

  /** @param relaxed how far rows are moved outward */
  constructor(form: Form, domain: Domain, relaxed = RELAXED) {
    this.form = form;
    this.domain = domain;
    this.relaxed = relaxed;
    this.relevant = new Uint8Array(form.units.length);
    this.column = new Int32Array(form.units.length);
  }

  /** The rows of a state, of units up to a level. */
  build(state: State, ranges: Ranges, level: number): void {
    const { inputs, units } = this.form;
    this.rows = 0;
    this.still.clear();
    this.#mark(state, level);
    let columns = inputs;
    for (let u = 0; u < units.length; u++)
      this.column[u] = this.relevant[u] && !isFixed(state, u) && this.#isRead(u, level) ? columns++ : -1;
    this.columns = columns + 1;
    this.#room();
    const time = columns;
    const row = this.#row;
    row.fill(0, 0, this.columns);
    row[time] = 1;
    this.#add(ROW.time, 0);
    for (let n = 0; n < inputs; n++) {
      const { low, high } = this.domain;
      if (low[n]! > -Infinity) {
        row.fill(0, 0, this.columns);
        row[n] = 1;
        row[time] = -low[n]!;
        this.#add(ROW.inputLow, n);
      }
      if (high[n]! < Infinity) {
        row.fill(0, 0, this.columns);
        row[n] = -1;
        row[time] = high[n]!;
        this.#add(ROW.inputHigh, n);
      }
    }
    for (let u = 0; u < units.length; u++) if (this.relevant[u]) this.#unit(u, state, ranges);
  }

  /** The rows of another cone where unit `u` lies on pieces `first` to `last` of those that it has there. */
  buildNarrowed(from: Cone, u: number, state: State, first: number, last: number): void {
    const { breaks, slopes, offsets } = this.form.units[u]!.pieces!;
    const width = from.columns;
    this.columns = width;
    this.rows = 0;
    this.still.clear();
    this.relevant.set(from.relevant);
    this.column.set(from.column);
    this.#room();
    const own = from.arguments.subarray(u * width, (u + 1) * width);
    const column = from.column[u]!;
    const isFixed = first === last && column >= 0;
    const substitute = (values: Float64Array, at: number) => {
      const c = values[at + column]!;
      if (c === 0) return;
      const slope = slopes[first]!;
      values[at + column] = 0;
      if (slope !== 0) for (let k = 0; k < width; k++) values[at + k]! += c * slope * own[k]!;
      values[at + width - 1]! += c * offsets[first]!;
    };
    this.arguments.set(from.arguments.subarray(0, this.form.units.length * width));
    if (isFixed)
      for (let v = u + 1; v < this.relevant.length; v++)
        if (this.relevant[v]) substitute(this.arguments, v * width);
    const row = this.#row;
    for (let k = 0; k < from.rows; k++) {
      const [code, subject, length] = [from.codes[k]!, from.subjects[k]!, from.lengths[k]!];
      if (isFixed && subject === u && code >= ROW.facet) continue;
      for (let c = 0, at = k * width; c < width; c++, at++) row[c] = from.matrix[at]!;
      if (isFixed && row[column] !== 0) {
        row[width - 1]! -= this.relaxed;
        for (let c = 0; c < width; c++) row[c]! *= length;
        substitute(row, 0);
        if (!this.#add(code, subject)) continue;
      } else this.#copy(code, subject, length);
      this.slopes[this.rows - 1] = from.slopes[k]!;
      this.offsets[this.rows - 1] = from.offsets[k]!;
      this.signs[this.rows - 1] = from.signs[k]!;
    }
    if (first > state.first[u]!) this.#boundary(u, ROW.unitLow, breaks[first - 1]!, 1);
    if (last < state.last[u]!) this.#boundary(u, ROW.unitHigh, breaks[last]!, -1);
  }

  /** The row that keeps a point within the ball, where it is outside. */
  addBall(direction: Float64Array): number {
    const { inputs } = this.form;
    const { centre, radius } = this.domain.ball!;
    const row = this.#row;
    row.fill(0, 0, this.columns);
    let along = 0;
    for (let n = 0; n < inputs; n++) {
      row[n] = -direction[n]!;
      along += direction[n]! * centre[n]!;
    }
    row[this.columns - 1] = radius + along;
    this.#add(ROW.ball, 0);
    return this.rows - 1;
  }

  /** Whether a vector is inside of the rows where they were before they were moved, and not by rounding alone. */
  holds(vector: Float64Array): boolean {
    const { columns, matrix } = this;
    let size = 0;
    for (let c = 0; c < columns; c++) size += Math.abs(vector[c]!);
    const room = this.relaxed * vector[columns - 1]! + BY_ROUNDING * size;
    for (let k = 0, at = 0; k < this.rows; k++) {
      let sum = 0;
      for (let c = 0; c < columns; c++, at++) sum += matrix[at]! * vector[c]!;
      if (!(sum > (this.codes[k] === ROW.time ? 0 : room))) return false;
    }
    return true;
  }

  /** The argument of a relevant unit at a vector. */
  argument(u: number, vector: Float64Array): number {
    const { columns } = this;
    let y = 0;
    for (let c = 0, at = u * columns; c < columns; c++, at++) y += this.arguments[at]! * vector[c]!;
    return y;
  }

  /** A vector of this cone, in which unit `u` lies on one piece, as one of the cone that it was narrowed from. */
  completed(vector: Float64Array, u: number, piece: number): Float64Array<ArrayBuffer> {
    const result = vector.slice(0, this.columns);
    const column = this.column[u]!;
    if (column < 0) return result;
    const { slopes, offsets } = this.form.units[u]!.pieces!;
    result[column] = slopes[piece]! * this.argument(u, vector) + offsets[piece]! * vector[this.columns - 1]!;
    return result;
  }

  /** For warm starts: rows of equal keys say the same of the same unit. */
  key(row: number): number {
    return this.subjects[row]! * CODES + this.codes[row]!;
  }

  /** Units whose arguments matter: those of certain sides, and what they depend on. */
  #mark(state: State, level: number): void {
    const { inputs, units, atoms, weight } = this.form;
    const { relevant } = this;
    relevant.fill(0);
    for (let u = units.length - 1; u >= 0; u--) {
      const { pieces } = units[u]!;
      if (
        units[u]!.level <= level &&
        pieces &&
        (state.first[u]! > 0 || state.last[u]! < pieces.breaks.length)
      )
        relevant[u] = 1;
      if (units[u]!.level === level) relevant[u] = 1;
      if (!relevant[u]) continue;
      for (let v = 0, at = u * atoms + inputs; v < u; v++, at++) if (weight[at] !== 0) relevant[v] = 1;
    }
  }

  #isRead(u: number, level: number): boolean {
    const { inputs, units, atoms, weight } = this.form;
    for (let v = u + 1; v < units.length && units[v]!.level <= level; v++)
      if (this.relevant[v] && weight[v * atoms + inputs + u] !== 0) return true;
    return false;
  }

  #unit(u: number, state: State, ranges: Ranges): void {
    const { inputs, units, atoms, weight, bias } = this.form;
    const width = this.columns;
    const own = this.arguments.subarray(u * width, (u + 1) * width);
    own.fill(0);
    for (let a = 0, at = u * atoms; a < inputs; a++, at++) own[a] = weight[at]!;
    own[width - 1] = bias[u]!;
    for (let v = 0, at = u * atoms + inputs; v < u; v++, at++) {
      const w = weight[at]!;
      if (w === 0) continue;
      if (this.column[v]! >= 0) own[this.column[v]!]! += w;
      else for (let c = 0, from = v * width; c < width; c++, from++) own[c]! += w * this.#values[from]!;
    }
    const { pieces } = units[u]!;
    const value = this.#values.subarray(u * width, (u + 1) * width);
    if (!pieces) {
      value.set(own);
      return;
    }
    const [least, largest] = [leastArgument(this.form, state, u), largestArgument(this.form, state, u)];
    if (least > -Infinity) this.#boundary(u, ROW.unitLow, least, 1);
    if (largest < Infinity) this.#boundary(u, ROW.unitHigh, largest, -1);
    if (isFixed(state, u)) {
      const [slope, offset] = [pieces.slopes[state.first[u]!]!, pieces.offsets[state.first[u]!]!];
      if (slope === 0) value.fill(0);
      else for (let c = 0; c < width; c++) value[c] = slope * own[c]!;
      value[width - 1]! += offset;
      return;
    }
    if (this.column[u]! < 0) return;
    const facets = facetsOf(pieces, state.first[u]!, state.last[u]!, ranges.low[u]!, ranges.high[u]!);
    for (const [k, facet] of facets.entries()) this.#facet(u, ROW.facet + k, facet);
  }

  /** sign · (y − at · t) */
  #boundary(u: number, code: number, at: number, sign: 1 | -1): void {
    const width = this.columns;
    const row = this.#row;
    for (let c = 0, from = u * width; c < width; c++, from++) row[c] = sign * this.arguments[from]!;
    row[width - 1]! -= sign * at;
    if (!this.#add(code, u)) this.still.set(u, sign);
  }

  #facet(
    u: number,
    code: number,
    { sign, slope, offset }: { sign: number; slope: number; offset: number },
  ): void {
    const width = this.columns;
    const row = this.#row;
    for (let c = 0, from = u * width; c < width; c++, from++) row[c] = -sign * slope * this.arguments[from]!;
    row[this.column[u]!]! += sign;
    row[width - 1]! -= sign * offset;
    if (!this.#add(code, u)) return;
    this.slopes[this.rows - 1] = slope;
    this.offsets[this.rows - 1] = offset;
    this.signs[this.rows - 1] = sign;
  }

  #add(code: number, subject: number): boolean {
    const width = this.columns;
    const row = this.#row;
    let square = 0;
    for (let c = 0; c < width; c++) square += row[c]! * row[c]!;
    const length = Math.sqrt(square);
    if (!(length > NOTHING)) return false;
    this.#grow();
    const k = this.rows++;
    for (let c = 0, at = k * width; c < width; c++, at++) this.matrix[at] = row[c]! / length;
    if (code !== ROW.time) this.matrix[k * width + width - 1]! += this.relaxed;
    this.codes[k] = code;
    this.subjects[k] = subject;
    this.lengths[k] = length;
    return true;
  }

  /** A row that has its length already. */
  #copy(code: number, subject: number, length: number): void {
    this.#grow();
    const k = this.rows++;
    for (let c = 0, at = k * this.columns; c < this.columns; c++, at++) this.matrix[at] = this.#row[c]!;
    this.codes[k] = code;
    this.subjects[k] = subject;
    this.lengths[k] = length;
  }

  #room(): void {
    const { units } = this.form;
    const entries = units.length * this.columns;
    if (this.arguments.length < entries) {
      this.arguments = new Float64Array(entries);
      this.#values = new Float64Array(entries);
    }
    if (this.#row.length < this.columns) this.#row = new Float64Array(this.columns);
    if (this.matrix.length < 16 * this.columns) this.matrix = new Float64Array(64 * this.columns);
  }

  #grow(): void {
    if ((this.rows + 1) * this.columns > this.matrix.length) this.matrix = longer(this.matrix);
    if (this.rows < this.codes.length) return;
    const length = Math.max(64, 2 * this.codes.length);
    const [codes, subjects] = [new Int32Array(length), new Int32Array(length)];
    codes.set(this.codes);
    subjects.set(this.subjects);
    this.codes = codes;
    this.subjects = subjects;
    for (const name of ['lengths', 'slopes', 'offsets', 'signs'] as const)
      this[name] = longer(this[name], length);
  }
}

function longer(values: Float64Array, length = 2 * values.length): Float64Array<ArrayBuffer> {
  const result = new Float64Array(length);
  result.set(values);
  return result;
}
