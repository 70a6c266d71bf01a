/**
 * What is known of the tensors that live, for all inputs of a region, and how it goes on through a step. Whatever is computed is replaced by
 * more; the proof is in docs/certificate.md, "Regions".
 */
import { elementwiseEnclosure } from '../../network/evaluation/elementwiseEnclosure.ts';
import { absolute, LARGEST, type Matrix, matrix, positive, TINY, times } from '../checker/matrix.ts';
import { exponentOf, gamma, powerOfTwo, U, up } from '../checker/numbers.ts';
import { diagonalOf, raised } from '../checker/recursion.ts';
import { demand } from '../checker/refusal.ts';
import type { Linear, Stage } from './graph.ts';
import { applied, congruence, longest, rowsOf, sized, sizedTransposed } from './sparse.ts';

/** Where a tensor lies in a state. */
export interface Slot {
  readonly tensor: number;
  readonly start: number;
  readonly size: number;
}

/** For every direction c: cᵀ (y − anchor − offset) ≤ √(level · cᵀ S c). */
export interface State {
  readonly slots: readonly Slot[];
  readonly anchor: Float64Array;
  readonly offset: Float64Array;
  /** S. Undefined: the identity. */
  readonly covariance: Matrix | undefined;
  readonly level: number;
}

/** What the arguments of a stage are multiplied with by and large, and what is uncertain of it; parts one after the other. */
export interface Sectors {
  readonly middle: Float64Array;
  /** Arguments whose slope is not certain. */
  readonly uncertain: readonly number[];
  /** Of these: D, and q at least e² D. */
  readonly multipliers: Float64Array;
  readonly spread: Float64Array;
  readonly terms?: Terms;
}

/** Linear terms: level + Σ (y*²/D − (φ* − m y*)²/q + 2 outer (φ* − m y*) + 2 inner y*) ≥ 0 on the whole region. */
export interface Terms {
  readonly outer: Float64Array;
  readonly inner: Float64Array;
  readonly level: number;
}

/** By how much the level grows so that the centre may be uncertain. */
const SHARE = 2 ** -36;
/** Covers the roundings of sums of positive numbers here. */
const UP = 1.001;
/** More than underflow can take from a sum. */
const LEAST = 2 ** -900;

export function slotOf({ slots }: State, tensor: number): Slot {
  return slots.find((slot) => slot.tensor === tensor)!;
}

/** The ends of entry k, rounded outward. */
export function rangeOf({ anchor, offset, covariance, level }: State, k: number): [number, number] {
  const variance = covariance ? covariance.data[k * (covariance.rows + 1)]! : 1;
  // The product could be lost.
  const reach = up(up(Math.sqrt(level) * Math.sqrt(variance)));
  const centre = anchor[k]! + offset[k]!;
  const slack = 4 * U * (Math.abs(anchor[k]!) + Math.abs(offset[k]!) + reach) + LEAST;
  return [centre - reach - slack, centre + reach + slack];
}

/** Behind a linear step. @param keeps whether a tensor is read later on */
export function throughLinear(state: State, step: Linear, keeps: (tensor: number) => boolean): State {
  const { anchor, offset, covariance } = state;
  const kept = state.slots.filter(({ tensor }) => keeps(tensor));
  const staying = kept.flatMap(({ start, size }) => Array.from({ length: size }, (_, k) => start + k));
  const terms = step.terms.map(({ source, rows }) => ({ rows, start: slotOf(state, source).start }));
  const own = terms[0]!.rows.starts.length - 1;
  const w = rowsOf(staying.length + own, anchor.length, (row, put) => {
    const r = row - staying.length;
    if (r < 0) put(staying[row]!, 1);
    else
      for (const { rows, start } of terms)
        for (let at = rows.starts[r]!; at < rows.starts[r + 1]!; at++)
          put(start + rows.index[at]!, rows.values[at]!, rows.sizes[at]!);
  });
  const count = staying.length + own;
  // Two products: each is off by γ, the weights by what they have been through.
  const error = UP * gamma(longest(w) + 4 + step.roundings);
  const image = congruence(w, covariance);
  const deviations = covariance ? diagonalOf(covariance).map(Math.sqrt) : new Float64Array(w.columns).fill(1);
  const q = sized(w, deviations).map((x) => 1 / Math.max(x, 2 ** -250));
  const inner = sizedTransposed(w, q);
  const bound = sized(w, covariance ? absolute(covariance, inner) : inner);
  raised(
    image,
    bound.map((x, i) => (2.01 * error * x) / q[i]!),
  );

  const [values, moved] = [applied(w, anchor), applied(w, offset)];
  const sizes = sized(
    w,
    anchor.map((x, i) => Math.abs(x) + Math.abs(offset[i]!)),
  );
  const uncertain = new Float64Array(count);
  for (let row = staying.length; row < count; row++) {
    const b = step.constant?.[row - staying.length] ?? 0;
    const size = Math.max(Math.abs(b), step.constantSize?.[row - staying.length] ?? 0);
    values[row]! += b;
    uncertain[row] = UP * (error * sizes[row]! + gamma(step.roundings + 4) * (size + sizes[row]!)) + LEAST;
  }
  const slots = placed([...kept, { tensor: step.output, start: 0, size: own }]);
  return settled({ slots, anchor: values, offset: moved, covariance: image, level: state.level }, uncertain);
}

/**
 * Behind the functions of a stage: with R = (D − S_UU)⁻¹ or any matrix above it, S̃ = S + S_:U R S_U:, and M S̃ M + q for the results. The lemma
 * gives D ≻ S_UU and R = excess · Nᵀ N, which from here on stands for R exactly.
 */
export function throughStage(
  state: State,
  { parts }: Stage,
  { middle, uncertain, multipliers, spread, terms }: Sectors,
  keeps: (tensor: number) => boolean,
): State {
  const { anchor, offset, level } = state;
  const before = state.covariance ?? matrix(anchor.length, anchor.length, (i, j) => (i === j ? 1 : 0));
  const n = before.rows;
  const names = parts.map(({ name }) => name).join(', ');
  const kept = state.slots.filter(({ tensor }) => keeps(tensor));
  const rowsIn = ({ start, size }: Slot) => Array.from({ length: size }, (_, k) => start + k);
  const staying = kept.flatMap(rowsIn);
  const source = parts.flatMap((part) => rowsIn(slotOf(state, part.source)));
  const from = [...staying, ...source];
  const m = from.length;
  const slope = Float64Array.from(from, (_, r) => (r < staying.length ? 1 : middle[r - staying.length]!));
  const noise = new Float64Array(m);
  for (const [k, argument] of uncertain.entries()) noise[staying.length + argument] = spread[k]!;

  // In units in which D is from 1 to 4.
  const s = uncertain.length;
  const u = uncertain.map((argument) => source[argument]!);
  const t = multipliers.map((d) => powerOfTwo(-Math.floor(exponentOf(d) / 2)));
  const at = (i: number, j: number) => before.data[i * n + j]!;
  const root = positive(
    matrix(s, s, (i, j) => ((i === j ? multipliers[i]! : 0) - at(u[i]!, u[j]!)) * t[i]! * t[j]!),
  );
  demand(root !== undefined, `${names}: the multipliers do not dominate the covariance`);
  const { factor, excess } = root;
  const v = matrix(m, s, (r, k) => slope[r]! * at(from[r]!, u[k]!) * t[k]!);
  const y = times(v, factor, { b: 'lower' });
  const g = times(y, y, { symmetric: true });
  const total = new Float64Array(m);
  for (let r = 0; r < m; r++)
    total[r] = slope[r]! * slope[r]! * at(from[r]!, from[r]!) + excess * g.data[r * (m + 1)]! + noise[r]!;
  const covariance = matrix(m, m, (r, c) => {
    const own = slope[r]! * slope[c]! * at(from[r]!, from[c]!) + excess * g.data[r * m + c]!;
    return r === c ? own + noise[r]! : own;
  });
  // What the products can be off by, and what adding up positive semidefinite terms can.
  const q = total.map((x) => 1 / Math.sqrt(Math.max(x, TINY)));
  const grown = absolute(factor, absolute(factor, absolute(v, q, true)), true);
  const products = 2.01 * excess * gamma(2 * s + 12);
  raised(
    covariance,
    absolute(v, grown).map((x, r) => (products * x) / q[r]! + 12 * U * m * total[r]!),
  );

  const values = anchor.slice();
  const radius = new Float64Array(m);
  const outputs: number[] = [];
  for (const { source: tensor, function: f, image, size } of parts) {
    const near = elementwiseEnclosure(f);
    const { start } = slotOf(state, tensor);
    for (let k = 0; k < size; k++) {
      const { value, valueRadius } = near(anchor[start + k]!, 0, Math.floor(k / image));
      outputs.push(value);
      radius[staying.length + outputs.length - 1] = valueRadius * (1 + 4 * U);
    }
  }
  const next = Float64Array.from(from, (row, r) =>
    r < staying.length ? values[row]! : outputs[r - staying.length]!,
  );
  const slots = placed([...kept, ...parts.map(({ output, size }) => ({ tensor: output, start: 0, size }))]);
  const moved = { offset: new Float64Array(m), level };
  if (terms || offset.some((x) => x !== 0)) {
    const [p, outer] = [new Float64Array(n), new Float64Array(m)];
    demand(
      new Set(u).size === s,
      `${names}: a moving centre is not covered where two functions read one tensor`,
    );
    for (const [k, argument] of uncertain.entries()) {
      p[u[k]!] = terms?.inner[k] ?? 0;
      outer[staying.length + argument] = terms?.outer[k] ?? 0;
    }
    const zeta = new Float64Array(n);
    for (let i = 0; i < n; i++) {
      let sum = 0;
      for (let j = 0; j < n; j++) if (p[j] !== 0) sum += at(i, j) * p[j]!;
      zeta[i] = offset[i]! + sum;
    }
    const moduli = absolute(before, p.map(Math.abs));
    const errorZeta = moduli.map((x, i) => UP * gamma(n + 8) * (x + Math.abs(offset[i]!)) + LEAST);
    const own = Float64Array.from(u, (i, k) => zeta[i]! * t[k]!);
    const doubt = own.map((x, k) => errorZeta[u[k]!]! * t[k]! + gamma(s + 8) * Math.abs(x));
    const w = product(factor, own);
    const errorW = absolute(factor, doubt).map((x) => UP * x);
    const z = product(factor, w, true);
    const errorZ = absolute(
      factor,
      w.map((x, k) => errorW[k]! + gamma(s + 8) * Math.abs(x)),
      true,
    );
    const images = product(v, z);
    const errorImages = absolute(
      v,
      z.map((x, k) => UP * errorZ[k]! + gamma(s + 8) * Math.abs(x)),
    );
    for (let r = 0; r < m; r++) {
      const [linear, through] = [slope[r]! * zeta[from[r]!]!, excess * images[r]!];
      const shift = noise[r]! * outer[r]!;
      moved.offset[r] = linear + through + shift;
      const sizes = Math.abs(linear) + Math.abs(through) + Math.abs(shift);
      const errors = Math.abs(slope[r]!) * errorZeta[from[r]!]! + excess * errorImages[r]!;
      radius[r]! += UP * (errors + 8 * U * sizes) + LEAST;
    }
    // Upwards: Σ q λ², ζᵀ R ζ as excess ‖N ζ‖², and pᵀ (offset + ζ).
    let [sum, more] = [level + (terms?.level ?? 0), 0];
    let sizes = Math.abs(level) + Math.abs(terms?.level ?? 0);
    const put = (x: number, error: number) => {
      sum += x;
      sizes += Math.abs(x);
      more += error;
    };
    for (let r = 0; r < m; r++) put(noise[r]! * outer[r]! * outer[r]!, 0);
    for (const [k, x] of w.entries()) {
      const most = Math.abs(x) + errorW[k]!;
      put(excess * most * most, 0);
    }
    for (let i = 0; i < n; i++) {
      put(p[i]! * (offset[i]! + zeta[i]!), Math.abs(p[i]!) * errorZeta[i]!);
      // Where the two cancel.
      sizes += Math.abs(p[i]!) * (Math.abs(offset[i]!) + Math.abs(zeta[i]!));
    }
    moved.level = sum + UP * (more + gamma(m + n + s + 16) * sizes);
  }
  return settled({ slots, anchor: next, covariance, ...moved }, radius);
}

/**
 * The centre is uncertain by d, |d| ≤ ρ: (√a + b)² ≤ (1 + τ) a + (1 + 1/τ) b² for b = |cᵀ d|, and d dᵀ ⪯ diag(ρ_i Σ ρ). Both go into the
 * ellipsoid.
 */
function settled(state: State & { readonly covariance: Matrix }, uncertain: Float64Array): State {
  const { covariance, level } = state;
  const sum = UP * uncertain.reduce((all, x) => all + x, 0);
  demand(level > LEAST && level < LARGEST, 'the level of the region leaves the range of float64');
  raised(
    covariance,
    uncertain.map((x) => UP * x * (sum / (SHARE * level))),
  );
  const regular = diagonalOf(covariance).every((x) => x < LARGEST);
  demand(regular, 'a covariance leaves the range of float64');
  return { ...state, level: level * (1 + SHARE) * (1 + 8 * U) };
}

function placed(slots: readonly Slot[]): Slot[] {
  let start = 0;
  return slots.map((slot) => {
    start += slot.size;
    return { ...slot, start: start - slot.size };
  });
}

/** A x, or Aᵀ x: plain sums. */
function product({ rows, columns, data }: Matrix, x: Float64Array, transposed = false): Float64Array {
  const y = new Float64Array(transposed ? columns : rows);
  for (let i = 0; i < rows; i++)
    for (let j = 0; j < columns; j++) {
      if (transposed) y[j]! += data[i * columns + j]! * x[i]!;
      else y[i]! += data[i * columns + j]! * x[j]!;
    }
  return y;
}
