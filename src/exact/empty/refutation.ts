/**
 * Proofs that a node has no inputs (docs/soundness.md). For any multipliers P of the arguments,
 *
 *     0 = Σ P_u (w_u · (x, z) + b_u − y_u) = Σ P_u b_u + g · x + Σ (q_u z_u − P_u y_u)
 *
 * with g and q what the weights make of P. Where the right side is below 0 for all inputs of the domain and all arguments that the node allows,
 * there is no input. With P_u = s q_u + μ_u, s the slope of a piece that the unit lies on, nothing is left of rounding in q_u there; others have a
 * P_u with room for it. Where the domain has no end, g must be exactly 0: as many multipliers as there are such inputs may move by δ,
 * and an interval Newton step shows that there is a δ, and how small it is.
 */

import { U } from '../../network/evaluation/elementwiseEnclosure.ts';
import type { Domain } from '../domain.ts';
import type { Form } from '../form/form.ts';
import type { Pieces } from '../form/pieces.ts';
import type { Ranges } from '../ranges.ts';
import { gamma, LOST, LOST_ROOT } from '../rounding.ts';
import { isFixed, largestArgument, leastArgument, type State } from '../state.ts';
import { type Cone, RELAXED, ROW } from './cone.ts';

/** What a proof rests on; whoever has it can check it without having found it. */
export interface Refutation {
  /** μ of every unit. */
  readonly multipliers: Float64Array;
  /** The piece whose slope s makes P = s q + μ; −1: P = μ. */
  readonly relative: Int8Array;
  /** Units whose multipliers may move, as many as inputs without an end that anything depends on. */
  readonly movable: readonly number[];
}

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

/** Ranges may be of a state in which less is fixed. */
function lowEnd(form: Form, state: State, { low }: Ranges, u: number): number {
  return Math.max(low[u]!, leastArgument(form, state, u));
}

function highEnd(form: Form, state: State, { high }: Ranges, u: number): number {
  return Math.min(high[u]!, largestArgument(form, state, u));
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

/** Inputs that have no end on the side where they would need one, and that the multipliers reach at all. */
function openInputs(
  { inputs, units, atoms, weight, weightError }: Form,
  { low, high }: Domain,
  { multipliers, relative }: Omit<Refutation, 'movable'>,
): number[] {
  const reached = new Uint8Array(atoms);
  for (let u = units.length - 1; u >= 0; u--) {
    const slope = baseSlope(units[u]!.pieces, relative[u]!);
    if (multipliers[u] === 0 && !(slope !== 0 && reached[inputs + u])) continue;
    for (let a = 0, at = u * atoms; a < inputs + u; a++, at++)
      if (weight[at] !== 0 || (weightError && weightError[at] !== 0)) reached[a] = 1;
  }
  const open: number[] = [];
  for (let n = 0; n < inputs; n++)
    if (reached[n] && (low[n] === -Infinity || high[n] === Infinity)) open.push(n);
  return open;
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

/** Numbers of one direction in which multipliers move, or of where they are: value and how far it may be off. */
interface Flow {
  readonly q: Float64Array;
  readonly error: Float64Array;
  /** P of every unit. */
  readonly p: Float64Array;
  readonly pError: Float64Array;
}

/** What q is multiplied with in P: of a linear unit, or of the piece that P is relative to. */
function baseSlope(pieces: Pieces | undefined, relative: number): number {
  return !pieces ? 1 : relative < 0 ? 0 : pieces.slopes[relative]!;
}

/** Whether a proof holds, rounding included. */
export function refutes(
  form: Form,
  domain: Domain,
  state: State,
  ranges: Ranges,
  proof: Refutation,
): boolean {
  const { inputs, units, bias, biasError } = form;
  const { multipliers, relative, movable } = proof;
  const base = flow(form, relative, (u) => multipliers[u]!);
  if (movable.some((u) => !(multipliers[u] !== 0))) return false;
  const open = openInputs(form, domain, proof);
  if (movable.length !== open.length) return false;
  const moves = movable.map((one) => flow(form, relative, (u) => (u === one ? 1 : 0)));
  const delta = moves.length === 0 ? 0 : reachOf(open, base, moves);
  if (!(delta < Infinity)) return false;
  /** How far the value of one number of the flow may be from that of the base. */
  const beyond = (pick: (one: Flow) => number, off: (one: Flow) => number) => {
    let sum = 0;
    for (const one of moves) sum += Math.abs(pick(one)) + off(one);
    return (off(base) + delta * sum) * (1 + ROUNDING);
  };
  let [total, lost] = [0, 0];
  let strict = false;
  const add = (value: number, error: number) => {
    total += value;
    lost += error + U * Math.abs(total) * 2;
  };
  for (let u = 0; u < units.length; u++) {
    const { pieces } = units[u]!;
    const p = base.p[u]!;
    const pOff = beyond(
      (f) => f.p[u]!,
      (f) => f.pError[u]!,
    );
    if (p !== 0 || pOff !== 0) {
      const off = biasError ? biasError[u]! : 0;
      add(
        p * bias[u]!,
        pOff * (Math.abs(bias[u]!) + off) +
          Math.abs(p) * off +
          U * Math.abs(p * bias[u]!) +
          vanished(p, bias[u]!),
      );
    }
    if (!pieces) continue;
    const q = base.q[inputs + u]!;
    const qOff = beyond(
      (f) => f.q[inputs + u]!,
      (f) => f.error[inputs + u]!,
    );
    const mu = multipliers[u]!;
    const room = movable.includes(u) ? delta : 0;
    if (q === 0 && qOff === 0 && mu === 0 && room === 0) continue;
    // What is left: q · (φ(y) − s y) − μ y, at its largest.
    const s = baseSlope(pieces, relative[u]!);
    const { slopes, offsets, breaks } = pieces;
    const low = lowEnd(form, state, ranges, u);
    const high = highEnd(form, state, ranges, u);
    const [first, last] = [state.first[u]!, state.last[u]!];
    const falls = (slope: number, sign: number) => {
      const rest = slope - s;
      if (rest === 0) return sign * mu >= room;
      return (
        sign * (rest * q - mu) +
          Math.abs(rest) * qOff +
          room +
          4 * U * (Math.abs(rest * q) + Math.abs(mu)) +
          vanished(rest, q) <=
        0
      );
    };
    if (high === Infinity && !falls(slopes[last]!, 1)) return false;
    if (low === -Infinity && !falls(slopes[first]!, -1)) return false;
    let [most, error] = [-Infinity, 0];
    const consider = (y: number, piece: number) => {
      const rest = slopes[piece]! - s;
      const z = rest * y + offsets[piece]!;
      const zOff = rest === 0 || y === 0 ? 0 : 3 * U * (Math.abs(rest * y) + Math.abs(offsets[piece]!));
      const at = z === 0 && y === 0 ? 0 : q * z - mu * y;
      most = Math.max(most, at);
      error = Math.max(
        error,
        qOff * (Math.abs(z) + zOff) +
          Math.abs(q) * zOff +
          room * Math.abs(y) +
          3 * U * (Math.abs(q * z) + Math.abs(mu * y)) +
          vanished(rest, y) * (1 + Math.abs(q)) +
          vanished(q, z) +
          vanished(mu, y),
      );
    };
    if (low > -Infinity) consider(low, first);
    for (let k = first; k < last; k++) if (breaks[k]! > low && breaks[k]! < high) consider(breaks[k]!, k);
    if (high < Infinity) consider(high, last);
    if (most === -Infinity) {
      // No end and no break: it is one line that has been found to fall to neither side.
      if (offsets[first] !== 0)
        add(
          q * offsets[first]!,
          qOff * Math.abs(offsets[first]!) + U * Math.abs(q * offsets[first]!) + vanished(q, offsets[first]!),
        );
    } else add(most, error);
    if (relative[u] === first && first === last && Math.abs(mu) > room && isStrict(form, u, mu))
      strict = true;
  }
  const inputPart = overDomain(domain, open, base, beyond);
  add(inputPart.value, inputPart.error);
  if (total + lost * (1 + ROUNDING) < 0) return true;
  return strict && total === 0 && lost === 0;
}

/** What a product has lost that is too small for float64, and more; 0 where it is exactly 0, or large enough. */
function vanished(a: number, b: number): number {
  return a !== 0 && b !== 0 && Math.abs(a * b) < LOST ? LOST : 0;
}

/** Of sums of errors themselves. */
const ROUNDING = 2 ** -30;

/** What the weights make of multipliers, from the last unit on. @param own μ of every unit */
function flow(
  { inputs, units, atoms, weight, weightError }: Form,
  relative: Int8Array,
  own: (u: number) => number,
): Flow {
  const q = new Float64Array(atoms);
  const error = new Float64Array(atoms);
  const p = new Float64Array(units.length);
  const pError = new Float64Array(units.length);
  for (let u = units.length - 1; u >= 0; u--) {
    const a = inputs + u;
    const slope = baseSlope(units[u]!.pieces, relative[u]!);
    p[u] = slope * q[a]! + own(u);
    const exact = (slope === 0 || slope === 1 || slope === -1) && (own(u) === 0 || slope * q[a]! === 0);
    pError[u] =
      Math.abs(slope) * error[a]! * (1 + 4 * U) +
      (exact ? 0 : 2 * U * (Math.abs(slope * q[a]!) + Math.abs(p[u]!)) + LOST);
    const [value, off] = [p[u]!, pError[u]!];
    if (value === 0 && off === 0) continue;
    for (let b = 0, at = u * atoms; b < a; b++, at++) {
      const w = weight[at]!;
      const uncertain = weightError ? weightError[at]! : 0;
      if (w === 0 && uncertain === 0) continue;
      const product = value * w;
      const before = q[b]!;
      q[b] = before + product;
      error[b]! +=
        U * (Math.abs(product) + (before === 0 ? 0 : Math.abs(q[b]!))) +
        (Math.abs(w) * off + uncertain * (Math.abs(value) + off)) * (1 + 4 * U) +
        LOST;
    }
  }
  for (let b = 0; b < atoms; b++) if (error[b] !== 0) error[b]! *= 1 + ROUNDING;
  return { q, error, p, pError };
}

/** How far multipliers move at most to make g vanish at open inputs: a δ with |δ| ≤ this is shown to exist; Infinity where it is not. */
function reachOf(open: readonly number[], base: Flow, moves: readonly Flow[]): number {
  const n = open.length;
  const g = new Float64Array(n * n);
  for (const [c, input] of open.entries()) for (let d = 0; d < n; d++) g[c * n + d] = moves[d]!.q[input]!;
  const inverse = inverseOf(g, n);
  if (!inverse) return Infinity;
  const rounding = gamma(n + 4);
  let [contraction, first] = [0, 0];
  for (let i = 0; i < n; i++) {
    let row = 0;
    for (let d = 0; d < n; d++) {
      let [sum, moduli, off] = [i === d ? -1 : 0, 1, 0];
      for (let c = 0; c < n; c++) {
        const r = inverse[i * n + c]!;
        sum += r * g[c * n + d]!;
        moduli += Math.abs(r * g[c * n + d]!);
        off += Math.abs(r) * moves[d]!.error[open[c]!]!;
      }
      row += Math.abs(sum) + rounding * moduli + off;
    }
    contraction = Math.max(contraction, row);
    let step = 0;
    for (let c = 0; c < n; c++)
      step += Math.abs(inverse[i * n + c]!) * (Math.abs(base.q[open[c]!]!) + base.error[open[c]!]!);
    first = Math.max(first, step);
  }
  contraction *= 1 + ROUNDING;
  // δ ↦ δ − R (g + G δ) maps the cube of this radius into itself.
  return contraction < 0.5 ? (first / (1 - contraction)) * (1 + ROUNDING) : Infinity;
}

/** By Gauss and Jordan with pivots of rows; undefined where there is none. */
function inverseOf(matrix: Float64Array, n: number): Float64Array | undefined {
  const a = matrix.slice();
  const inverse = new Float64Array(n * n);
  for (let i = 0; i < n; i++) inverse[i * n + i] = 1;
  for (let k = 0; k < n; k++) {
    let best = k;
    for (let i = k + 1; i < n; i++) if (Math.abs(a[i * n + k]!) > Math.abs(a[best * n + k]!)) best = i;
    const pivot = a[best * n + k]!;
    if (!(Math.abs(pivot) > 0)) return undefined;
    for (const m of [a, inverse]) {
      for (let j = 0; j < n; j++) {
        const kept = m[k * n + j]!;
        m[k * n + j] = m[best * n + j]! / pivot;
        if (best !== k) m[best * n + j] = kept;
      }
    }
    for (let i = 0; i < n; i++) {
      if (i === k) continue;
      const factor = a[i * n + k]!;
      if (factor === 0) continue;
      for (const m of [a, inverse]) for (let j = 0; j < n; j++) m[i * n + j]! -= factor * m[k * n + j]!;
    }
  }
  return inverse;
}

/** Whether the argument of a unit is certain to be off the end that μ pushes it from, on an open set of inputs. */
function isStrict({ units, inputs, atoms, weight, weightError }: Form, u: number, mu: number): boolean {
  // On its upper pieces a unit never rests on the break below: that counts as the piece below.
  if (mu > 0) return true;
  if (units[u]!.level !== 1) return false;
  for (let a = 0, at = u * atoms; a < inputs; a++, at++)
    if (Math.abs(weight[at]!) > (weightError ? weightError[at]! : 0)) return true;
  return false;
}

/** The most that g · x is in the domain. */
function overDomain(
  { low, high, ball }: Domain,
  open: readonly number[],
  base: Flow,
  beyond: (pick: (one: Flow) => number, off: (one: Flow) => number) => number,
): { readonly value: number; readonly error: number } {
  const inputs = low.length;
  const isOpen = new Set(open);
  let [box, boxError] = [0, 0];
  let [centre, centreError, square] = [0, 0, 0];
  for (let n = 0; n < inputs; n++) {
    if (isOpen.has(n)) continue;
    const g = base.q[n]!;
    const off = beyond(
      (f) => f.q[n]!,
      (f) => f.error[n]!,
    );
    if (g === 0 && off === 0) continue;
    const reach = Math.max(Math.abs(low[n]!), Math.abs(high[n]!));
    box += Math.max(g * low[n]!, g * high[n]!);
    boxError += off * reach + 2 * U * (Math.abs(box) + Math.abs(g) * reach) + LOST;
    if (!ball) continue;
    centre += g * ball.centre[n]!;
    centreError +=
      off * (Math.abs(ball.centre[n]!) + ball.radius) +
      2 * U * (Math.abs(centre) + Math.abs(g * ball.centre[n]!)) +
      LOST;
    square += g * g;
  }
  if (!ball) return { value: box, error: boxError };
  const around = ball.radius * (Math.sqrt(square) + inputs * LOST_ROOT);
  const round = { value: centre + around, error: centreError + (inputs + 8) * U * around };
  return round.value + round.error < box + boxError ? round : { value: box, error: boxError };
}
