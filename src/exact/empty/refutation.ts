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
import { largestArgument, leastArgument, type State } from '../state.ts';

/** What a proof rests on; whoever has it can check it without having found it. */
export interface Refutation {
  /** μ of every unit. */
  readonly multipliers: Float64Array;
  /** The piece whose slope s makes P = s q + μ; −1: P = μ. */
  readonly relative: Int8Array;
  /** Units whose multipliers may move, as many as inputs without an end that anything depends on. */
  readonly movable: readonly number[];
}

/** Ranges may be of a state in which less is fixed. */
export function lowEnd(form: Form, state: State, { low }: Ranges, u: number): number {
  return Math.max(low[u]!, leastArgument(form, state, u));
}

export function highEnd(form: Form, state: State, { high }: Ranges, u: number): number {
  return Math.min(high[u]!, largestArgument(form, state, u));
}

/** Inputs that have no end on the side where they would need one, and that the multipliers reach at all. */
export function openInputs(
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

/** Numbers of one direction in which multipliers move, or of where they are: value and how far it may be off. */
interface Flow {
  readonly q: Float64Array;
  readonly error: Float64Array;
  /** P of every unit. */
  readonly p: Float64Array;
  readonly pError: Float64Array;
}

/** What q is multiplied with in P: of a linear unit, or of the piece that P is relative to. */
export function baseSlope(pieces: Pieces | undefined, relative: number): number {
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
        off += Math.abs(r) * moves[d]!.error[open[c]!]! + LOST;
      }
      row += Math.abs(sum) + rounding * moduli + off;
    }
    contraction = Math.max(contraction, row);
    let step = 0;
    for (let c = 0; c < n; c++)
      step += Math.abs(inverse[i * n + c]!) * (Math.abs(base.q[open[c]!]!) + base.error[open[c]!]!) + LOST;
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
