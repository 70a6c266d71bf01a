/**
 * Whether a bound of a node holds, rounding included (docs/soundness.md). Increments of the units that are not fixed are m Δy + e Δψ with
 * |Δψ| ≤ |Δy|; so a bound L holds where, for some σ > 0, the matrix R has norm below 1 that takes (Δx, Δψ / σ) to (Δy / σ, Δoutput / L):
 *
 *     L² ‖Δx‖² − ‖Δoutput‖² ≥ L² (‖Δx‖² + Σ (Δψ / σ)² − Σ (Δy / σ)² − ‖Δoutput‖² / L²) ≥ 0
 *
 * That is shown by a Cholesky factorisation of (1 − τ) I − RᵀR that runs through, τ being more than all rounding (Rump 2006).
 */
import type { Form } from '../form/form.ts';
import { gamma, LOST, UNDERFLOW } from '../rounding.ts';
import { type State, slopesOf } from '../state.ts';

/** Bounds are tried so much above what was computed. */
const LADDER = [1e-9, 1e-8, 1e-7, 1e-5, 1e-3, 0.1];
/** Squares below are tried as 0. */
const NEXT_TO_NOTHING = 1e-280;

export class Prover {
  readonly #form: Form;
  readonly #slopes = { middle: 0, spread: 0 };
  #values = new Float64Array(0);
  #errors = new Float64Array(0);
  #rows = new Float64Array(0);
  #gram = new Float64Array(0);

  constructor(form: Form) {
    this.#form = form;
  }

  /** A bound near the root of `squared` that holds, or Infinity. @param logarithms log D, unit by unit */
  boundOf(state: State, logarithms: Float64Array, squared: number): number {
    const scales = logarithms.map((t) => Math.exp(t / 2));
    if (!(squared > NEXT_TO_NOTHING)) return this.holds(state, scales, 0) ? 0 : Infinity;
    for (const more of LADDER) {
      const bound = Math.sqrt(squared) * (1 + more);
      if (this.holds(state, scales, bound)) return bound;
    }
    return Infinity;
  }

  /** @param scales σ of every unit that is not fixed. @param bound 0: that no output moves at all */
  holds(state: State, scales: Float64Array, bound: number): boolean {
    const { inputs, outputs, units, atoms, weight, weightError } = this.#form;
    const place = new Int32Array(units.length).fill(-1);
    let columns = inputs;
    for (let u = 0; u < units.length; u++) if (state.first[u] !== state.last[u]) place[u] = columns++;
    const rows = columns - inputs + outputs;
    this.#room(columns, rows);
    const [values, errors, r] = [this.#values, this.#errors, this.#rows];
    // What atoms are made of: values, and how far off these may be.
    for (let a = 0; a < inputs; a++) {
      values.fill(0, a * columns, (a + 1) * columns);
      errors.fill(0, a * columns, (a + 1) * columns);
      values[a * columns + a] = 1;
    }
    const rounding = gamma(atoms + 8);
    let [square, squareOfErrors] = [0, 0];
    let row = 0;
    for (let k = 0; k < units.length + outputs; k++) {
      const isUnit = k < units.length;
      const to = (inputs + k) * columns;
      values.fill(0, to, to + columns);
      errors.fill(0, to, to + columns);
      const readable = isUnit ? inputs + k : atoms;
      for (let a = 0, at = k * atoms; a < readable; a++, at++) {
        const w = weight[at]!;
        const uncertain = weightError ? weightError[at]! : 0;
        if (w === 0 && uncertain === 0) continue;
        const from = a * columns;
        const [absolute, own] = [Math.abs(w), Math.abs(w) * rounding + uncertain];
        for (let c = 0; c < columns; c++) {
          const value = values[from + c]!;
          if (value === 0 && errors[from + c] === 0) continue;
          values[to + c]! += w * value;
          errors[to + c]! += (absolute + uncertain) * errors[from + c]! + own * Math.abs(value) + UNDERFLOW;
        }
      }
      if (!isUnit && bound === 0) {
        for (let c = to; c < to + columns; c++) if (values[c] !== 0 || errors[c] !== 0) return false;
        continue;
      }
      const isRow = !isUnit || place[k]! >= 0;
      if (isRow) {
        const scale = isUnit ? scales[k]! : bound;
        if (!(scale > 0 && scale < Infinity)) return false;
        for (let c = 0; c < columns; c++) {
          const entry = values[to + c]! / scale;
          const error = (errors[to + c]! / scale) * (1 + rounding) + 4 * rounding * Math.abs(entry) + LOST;
          r[row * columns + c] = entry;
          square += entry * entry;
          squareOfErrors += error * error;
        }
        row++;
      }
      if (!isUnit) continue;
      slopesOf(this.#form, state, k, this.#slopes);
      const { middle, spread } = this.#slopes;
      if (middle !== 1) {
        for (let c = 0; c < columns; c++) {
          if (values[to + c] === 0 && errors[to + c] === 0) continue;
          values[to + c]! *= middle;
          errors[to + c] =
            Math.abs(middle) * errors[to + c]! * (1 + rounding) +
            rounding * Math.abs(values[to + c]!) +
            (middle === 0 ? 0 : UNDERFLOW);
        }
      }
      if (spread > 0) {
        const own = to + place[k]!;
        const entry = spread * scales[k]!;
        values[own]! += entry;
        errors[own]! += rounding * (Math.abs(values[own]!) + entry) + UNDERFLOW;
      }
    }
    if (bound === 0) return true;
    if (!(square < Infinity && squareOfErrors < Infinity)) return false;
    const [size, lost] = [
      Math.sqrt(square) * (1 + rounding * rows * columns),
      Math.sqrt(squareOfErrors) * 1.01,
    ];
    // RᵀR or RRᵀ, whichever is smaller: both have the square of the norm.
    const byRows = rows < columns;
    const n = byRows ? rows : columns;
    const terms = Math.max(rows, columns) + 4;
    const tau =
      1.1 * (2 * size * lost + lost * lost + 2 * gamma(terms) * size * size + gamma(n + 4) * (n + 1) * 2) +
      n * n * LOST;
    if (!(tau < 0.5)) return false;
    const gram = this.#gram;
    for (let i = 0; i < n; i++) {
      for (let j = 0; j <= i; j++) {
        let sum = 0;
        if (byRows) for (let c = 0; c < columns; c++) sum += r[i * columns + c]! * r[j * columns + c]!;
        else for (let k = 0; k < rows; k++) sum += r[k * columns + i]! * r[k * columns + j]!;
        gram[i * n + j] = i === j ? 1 - tau - sum : -sum;
      }
    }
    return isDefinite(gram, n);
  }

  #room(columns: number, rows: number): void {
    const { inputs, outputs, units } = this.#form;
    const entries = (inputs + units.length + outputs) * columns;
    if (this.#values.length < entries) {
      this.#values = new Float64Array(entries);
      this.#errors = new Float64Array(entries);
    }
    if (this.#rows.length < rows * columns) this.#rows = new Float64Array(rows * columns);
    const n = Math.min(rows, columns);
    if (this.#gram.length < n * n) this.#gram = new Float64Array(n * n);
  }
}

/** Whether a Cholesky factorisation of the lower triangle runs through; overwrites it. */
function isDefinite(a: Float64Array, n: number): boolean {
  for (let j = 0; j < n; j++) {
    const own = j * n;
    let pivot = a[own + j]!;
    for (let k = 0; k < j; k++) pivot -= a[own + k]! * a[own + k]!;
    if (!(pivot > 0)) return false;
    const root = Math.sqrt(pivot);
    a[own + j] = root;
    for (let i = j + 1; i < n; i++) {
      const at = i * n;
      let sum = a[at + j]!;
      for (let k = 0; k < j; k++) sum -= a[at + k]! * a[own + k]!;
      a[at + j] = sum / root;
    }
  }
  return true;
}
