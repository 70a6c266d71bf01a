/**
 * Looks for proofs that a node has no inputs: from a sum of rows that nearly vanishes to multipliers that `refutes` accepts. Nothing here is trusted.
 */

import { U } from '../../network/evaluation/elementwiseEnclosure.ts';
import type { Domain } from '../domain.ts';
import type { Form } from '../form/form.ts';
import type { Ranges } from '../ranges.ts';
import { isFixed, type State } from '../state.ts';
import { type Cone, RELAXED, ROW } from './cone.ts';
import { baseSlope, highEnd, lowEnd, openInputs, type Refutation, refutes } from './refutation.ts';

/** Pivots that are so much smaller than the first are of dependent rows. */
const DEPENDENT = 1e-11;
/** What is so much smaller than what it is the sum of is 0 but for rounding. */
const CANCELS = 1e-7;
/** Of what is added up: how far on the right side of 0 sums are brought that rounding would leave at 0. */
const BESIDE = 1e-9;
/** Room for δ and rounding, in units of the rounding error itself. */
const ROOM = 64;

export class Refuter {
  readonly #form: Form;
  readonly #domain: Domain;
  /** μ of every unit. */
  readonly #own: Float64Array;
  readonly #relative: Int8Array;
  readonly #q: Float64Array;
  readonly #sizes: Float64Array;

  constructor(form: Form, domain: Domain) {
    this.#form = form;
    this.#domain = domain;
    this.#own = new Float64Array(form.units.length);
    this.#relative = new Int8Array(form.units.length);
    this.#q = new Float64Array(form.atoms);
    this.#sizes = new Float64Array(form.atoms);
  }

  /**
   * A proof that there is no input in a state, from rows whose sum with these weights nearly vanishes; undefined where none is found.
   * @param cone of the state, or of one with fewer units fixed and rows for the others
   */
  refute(
    state: State,
    ranges: Ranges,
    cone: Cone,
    support: Int32Array,
    weights: Float64Array,
    count: number,
  ): Refutation | undefined {
    const { units } = this.#form;
    const own = this.#own;
    const time = this.#read(state, cone, support, weights, count);
    const beside = this.#cancel(state, ranges, Math.min(BESIDE, 1e-3 * (time + RELAXED)));
    const sources = [...units.keys()].filter((u) => own[u] !== 0);
    const relative = this.#relative.slice();
    const open = openInputs(this.#form, this.#domain, { multipliers: own, relative });
    // Derivatives of what has to vanish, or to be beside 0, in the multipliers.
    const equations = [...open, ...beside.keys()];
    const derivatives = sources.map((source) => {
      const { q } = this.#flowOf(source);
      return Float64Array.from(equations, (atom) => q[atom]!);
    });
    if (
      equations.length > 0 &&
      !this.#adjust(
        sources,
        derivatives,
        Float64Array.from(equations, (atom) => beside.get(atom) ?? 0),
      )
    )
      return undefined;
    this.#giveRoom(state, ranges);
    const movable = independent(sources, derivatives, open.length, own);
    const proof = { multipliers: own.slice(), relative, movable };
    return refutes(this.#form, this.#domain, state, ranges, proof) ? proof : undefined;
  }

  /** As `refute`, from the side of a break alone that one unit is on. */
  refuteOne(state: State, ranges: Ranges, unit: number, sign: 1 | -1): Refutation | undefined {
    const { units } = this.#form;
    const multipliers = new Float64Array(units.length);
    multipliers[unit] = sign;
    const relative = Int8Array.from(units, ({ pieces }, u) =>
      pieces && isFixed(state, u) ? state.first[u]! : -1,
    );
    const proof = { multipliers, relative, movable: [] };
    return refutes(this.#form, this.#domain, state, ranges, proof) ? proof : undefined;
  }

  /** From weights of rows to multipliers of units. @returns the weight of t > 0 */
  #read(state: State, cone: Cone, support: Int32Array, weights: Float64Array, count: number): number {
    const { codes, subjects, lengths, slopes, signs } = cone;
    const own = this.#own;
    own.fill(0);
    let time = 0;
    for (let k = 0; k < count; k++) {
      const row = support[k]!;
      const [code, u] = [codes[row]!, subjects[row]!];
      const w = weights[k]! / lengths[row]!;
      if (code === ROW.time) time += w;
      else if (code === ROW.unitLow) own[u]! += w;
      else if (code === ROW.unitHigh) own[u]! -= w;
      else if (code >= ROW.facet && !isFixed(state, u)) own[u]! -= signs[row]! * slopes[row]! * w;
    }
    return time;
  }

  /**
   * From the last unit on: where what reaches a unit cancels but for rounding, its P becomes 0 exactly.
   * @returns atoms of units whose q must be on a certain side of 0, and how far
   */
  #cancel(state: State, ranges: Ranges, part: number): Map<number, number> {
    const { units, inputs, atoms, weight } = this.#form;
    const [own, q, sizes, relative] = [this.#own, this.#q, this.#sizes, this.#relative];
    q.fill(0);
    sizes.fill(0);
    relative.fill(-1);
    const beside = new Map<number, number>();
    for (let u = units.length - 1; u >= 0; u--) {
      const { pieces } = units[u]!;
      const a = inputs + u;
      let p = own[u]!;
      if (!pieces) p = q[a]!;
      else {
        const [first, last] = [state.first[u]!, state.last[u]!];
        const [least, most] = [pieces.slopes[first]!, pieces.slopes[last]!];
        const size = Math.abs(p) + sizes[a]!;
        const small = CANCELS * size;
        const hasLow = lowEnd(this.#form, state, ranges, u) > -Infinity;
        const isOpen = size > 0 && !(hasLow && highEnd(this.#form, state, ranges, u) < Infinity);
        if (first === last) {
          relative[u] = first;
          p = least * q[a]! + own[u]!;
          if (size > 0 && (least !== 0 || own[u] !== 0) && Math.abs(p) < small) {
            relative[u] = -1;
            // −q must keep the sign of the end that there is.
            if (own[u] === 0 && isOpen) beside.set(a, least > 0 === hasLow ? -part * size : part * size);
            own[u] = 0;
            p = 0;
          }
        } else if (!isOpen && Math.abs(p) < small) {
          own[u] = 0;
          p = 0;
        } else if (isOpen && least !== most) {
          if (Math.abs(q[a]!) < small && Math.abs(p) < small) {
            beside.set(a, most > least ? -part * size : part * size);
            relative[u] = first;
            own[u] = 0;
            p = least * q[a]!;
          } else if (Math.abs(p - most * q[a]!) < small) {
            relative[u] = last;
            own[u] = 0;
            p = most * q[a]!;
          } else if (Math.abs(p - least * q[a]!) < small) {
            relative[u] = first;
            own[u] = 0;
            p = least * q[a]!;
          }
        }
      }
      if (p === 0) continue;
      for (let b = 0, at = u * atoms; b < a; b++, at++) {
        const product = p * weight[at]!;
        q[b]! += product;
        sizes[b]! += Math.abs(product);
      }
    }
    return beside;
  }

  /** What the weights make of one multiplier. */
  #flowOf(source: number): { readonly q: Float64Array } {
    const { units, inputs, atoms, weight } = this.#form;
    const q = this.#q;
    q.fill(0);
    for (let u = source; u >= 0; u--) {
      const { pieces } = units[u]!;
      const a = inputs + u;
      const p = baseSlope(pieces, this.#relative[u]!) * q[a]! + (u === source ? 1 : 0);
      if (p === 0) continue;
      for (let b = 0, at = u * atoms; b < a; b++, at++) q[b]! += p * weight[at]!;
    }
    return { q };
  }

  /** Multipliers at which sums are what they have to be, by the least relative changes; false where these would change signs. */
  #adjust(sources: readonly number[], derivatives: readonly Float64Array[], target: Float64Array): boolean {
    const own = this.#own;
    const n = target.length;
    const normal = new Float64Array(n * n);
    const residual = new Float64Array(n);
    for (let round = 0; round < 2; round++) {
      residual.set(target);
      normal.fill(0);
      for (const [k, source] of sources.entries()) {
        const row = derivatives[k]!;
        const m = own[source]!;
        for (let i = 0; i < n; i++) {
          const scaled = m * row[i]!;
          if (scaled === 0) continue;
          residual[i]! -= scaled;
          for (let j = 0; j <= i; j++) normal[i * n + j]! += scaled * m * row[j]!;
        }
      }
      const y = solveSemidefinite(normal, n, residual);
      for (const [k, source] of sources.entries()) {
        const row = derivatives[k]!;
        let change = 1;
        for (let i = 0; i < n; i++) change += own[source]! * row[i]! * y[i]!;
        if (!(change > 0)) return false;
        own[source]! *= change;
      }
    }
    return true;
  }

  /** Multipliers of units that are not fixed get room for what rounding does to what reaches them. */
  #giveRoom(state: State, ranges: Ranges): void {
    const { units, inputs, atoms, weight } = this.#form;
    const [own, q, errors] = [this.#own, this.#q, this.#sizes];
    q.fill(0);
    errors.fill(0);
    for (let u = units.length - 1; u >= 0; u--) {
      const { pieces } = units[u]!;
      const a = inputs + u;
      let p = baseSlope(pieces, this.#relative[u]!) * q[a]! + own[u]!;
      if (pieces && this.#relative[u]! < 0 && !isFixed(state, u)) {
        p = withRoom(this.#form, state, ranges, u, p, q[a]!, ROOM * errors[a]!);
        own[u] = p;
      }
      if (p === 0) continue;
      for (let b = 0, at = u * atoms; b < a; b++, at++) {
        const product = p * weight[at]!;
        if (product === 0) continue;
        q[b]! += product;
        errors[b]! += U * (Math.abs(product) + Math.abs(q[b]!)) + Math.abs(weight[at]!) * errors[a]!;
      }
    }
  }
}

/** As many of the sources as there are columns, by pivots that are as large as possible; fewer where they depend on each other. */
function independent(
  sources: readonly number[],
  derivatives: readonly Float64Array[],
  columns: number,
  sizes: Float64Array,
): number[] {
  const candidates = sources.flatMap((unit, k) =>
    sizes[unit] === 0
      ? []
      : [{ unit, row: derivatives[k]!.slice(0, columns).map((d) => d * Math.abs(sizes[unit]!)) }],
  );
  const chosen: number[] = [];
  let first = 0;
  while (chosen.length < columns) {
    let [best, at, column] = [0, -1, -1];
    for (const [k, { row }] of candidates.entries()) {
      for (let c = 0; c < columns; c++)
        if (Math.abs(row[c]!) > best) [best, at, column] = [Math.abs(row[c]!), k, c];
    }
    if (chosen.length === 0) first = best;
    if (!(best > DEPENDENT * first)) break;
    const [pivot] = candidates.splice(at, 1);
    chosen.push(pivot!.unit);
    for (const { row } of candidates) {
      const factor = row[column]! / pivot!.row[column]!;
      for (let c = 0; c < columns; c++) row[c] = c === column ? 0 : row[c]! - factor * pivot!.row[c]!;
    }
  }
  return chosen;
}

/** P of a relaxed unit within what the rays of its graph allow, q being off by `error` at most. */
function withRoom(
  form: Form,
  state: State,
  ranges: Ranges,
  u: number,
  wanted: number,
  q: number,
  error: number,
): number {
  const { slopes } = form.units[u]!.pieces!;
  let p = wanted;
  if (highEnd(form, state, ranges, u) === Infinity) {
    const slope = slopes[state.last[u]!]!;
    p = Math.max(p, slope * q + Math.abs(slope) * error);
  }
  if (lowEnd(form, state, ranges, u) === -Infinity) {
    const slope = slopes[state.first[u]!]!;
    p = Math.min(p, slope * q - Math.abs(slope) * error);
  }
  return p;
}

/** A Aᵀ y = b with the rows left out that depend on others. */
function solveSemidefinite(a: Float64Array, n: number, b: Float64Array): Float64Array {
  const kept = new Uint8Array(n);
  let largest = 0;
  for (let i = 0; i < n; i++) largest = Math.max(largest, a[i * n + i]!);
  for (let j = 0; j < n; j++) {
    const before = a[j * n + j]!;
    let pivot = before;
    for (let k = 0; k < j; k++) if (kept[k]) pivot -= a[j * n + k]! ** 2;
    if (!(pivot > 1e-12 * before && pivot > 1e-22 * largest)) continue;
    kept[j] = 1;
    const root = Math.sqrt(pivot);
    a[j * n + j] = root;
    for (let i = j + 1; i < n; i++) {
      let sum = a[i * n + j]!;
      for (let k = 0; k < j; k++) if (kept[k]) sum -= a[i * n + k]! * a[j * n + k]!;
      a[i * n + j] = sum / root;
    }
  }
  const y = new Float64Array(n);
  for (let i = 0; i < n; i++) {
    if (!kept[i]) continue;
    let sum = b[i]!;
    for (let k = 0; k < i; k++) if (kept[k]) sum -= a[i * n + k]! * y[k]!;
    y[i] = sum / a[i * n + i]!;
  }
  for (let i = n - 1; i >= 0; i--) {
    if (!kept[i]) continue;
    let sum = y[i]!;
    for (let k = i + 1; k < n; k++) if (kept[k]) sum -= a[k * n + i]! * y[k]!;
    y[i] = sum / a[i * n + i]!;
  }
  return y;
}
