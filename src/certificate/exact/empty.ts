/**
 * Whether a part is empty. For any numbers P of the arguments,
 *
 *     0 = Σ P_u (w_u · (x, z) + b_u − y_u) = Σ P_u b_u + g · x + Σ (q_u z_u − P_u y_u)
 *
 * with g and q what the weights make of P. If the right side is below 0 for all inputs of the domain and all arguments that the part allows, there
 * is no input. P_u = s q_u + μ_u, s the slope of a piece that the proof names, or 0: then q_u z_u − P_u y_u = q_u (φ_u(y) − s y) − μ_u y. Where the
 * domain has no end g must be 0: as many μ as there are such inputs move by a δ, of which an interval Newton step shows that there is one, and a
 * radius that holds it; all else is shown for every δ in it.
 */
import { gamma, U } from '../checker/numbers.ts';
import { type Ranges, unknownRanges } from './ranges.ts';
import {
  type Domain,
  LOST,
  LOST_ROOT,
  largestArgument,
  leastArgument,
  type Part,
  type Units,
} from './rows.ts';

/** Numbers and lists are of units. */
export interface EmptyProof {
  /** μ. */
  readonly multipliers: Float64Array;
  /** The piece whose slope is s; −1: s = 0. Units that are their argument have s = 1 whatever stands here. */
  readonly pieces: Int8Array;
  /** Units whose μ move. */
  readonly movable: readonly number[];
  /** Whether the part is empty for all inputs, not for those of the domain alone. */
  readonly bare: boolean;
}

/** Of sums of errors themselves. */
const ROUNDING = 2 ** -30;

/** Numbers, and how far they may be off; of one choice of μ. */
interface Flow {
  readonly q: Float64Array;
  readonly qOff: Float64Array;
  readonly p: Float64Array;
  readonly pOff: Float64Array;
}

/** A sum, and how far it may be off. */
class Sum {
  value = 0;
  off = 0;

  add(value: number, off: number): void {
    const before = this.value;
    this.value += value;
    this.off += off + (before === 0 || value === 0 ? 0 : 2 * U * Math.abs(this.value));
  }
}

export function isEmpty(
  units: Units,
  domain: Domain,
  part: Part,
  ranges: Ranges,
  proof: EmptyProof,
): boolean {
  if (!proof.bare) return refutes(units, domain, part, ranges, proof);
  const side = (at: number) => new Float64Array(units.inputs).fill(at);
  return refutes(units, { low: side(-Infinity), high: side(Infinity) }, part, unknownRanges(units), proof);
}

function refutes(units: Units, domain: Domain, part: Part, ranges: Ranges, proof: EmptyProof): boolean {
  const { inputs, pieces, rows } = units;
  const { multipliers, movable } = proof;
  const base = flowOf(units, proof, multipliers);
  const open = openInputs(units, domain, proof);
  if (movable.length !== open.length || movable.some((u) => multipliers[u] === 0)) return false;
  const moves = movable.map((one) => {
    const alone = new Float64Array(multipliers.length);
    alone[one] = 1;
    return flowOf(units, proof, alone);
  });
  const delta = open.length === 0 ? 0 : radiusOf(open, base, moves);
  if (!(delta < Infinity)) return false;
  /** How far a number of the base may be off, δ included. */
  const doubtOf = (of: (one: Flow) => number, off: (one: Flow) => number) =>
    (off(base) + delta * moves.reduce((sum, one) => sum + Math.abs(of(one)) + off(one), 0)) * (1 + ROUNDING);
  const sum = new Sum();
  let isStrict = false;
  for (const [u, own] of pieces.entries()) {
    const p = base.p[u]!;
    const pOff = doubtOf(
      (f) => f.p[u]!,
      (f) => f.pOff[u]!,
    );
    const { bias, biasError } = rows[u]!;
    sum.add(
      p * bias,
      pOff * (Math.abs(bias) + biasError) +
        Math.abs(p) * biasError +
        U * Math.abs(p * bias) +
        vanished(p, bias),
    );
    if (!own) continue;
    const rest = {
      q: base.q[inputs + u]!,
      qOff: doubtOf(
        (f) => f.q[inputs + u]!,
        (f) => f.qOff[inputs + u]!,
      ),
      mu: multipliers[u]!,
      muOff: movable.includes(u) ? delta : 0,
      slope: slopeOf(units, proof, u),
      low: Math.max(ranges.low[u]!, leastArgument(units, part, u)),
      high: Math.min(ranges.high[u]!, largestArgument(units, part, u)),
    };
    if (rest.q === 0 && rest.qOff === 0 && rest.mu === 0 && rest.muOff === 0) continue;
    const [first, last] = [part.first[u]!, part.last[u]!];
    const most = largestRest(own, first, last, rest);
    if (!most) return false;
    sum.add(most.value, most.off);
    if (proof.pieces[u] === first && first === last && Math.abs(rest.mu) > rest.muOff)
      isStrict ||= isOff(units, part, u, rest);
  }
  addInputs(sum, domain, open, base, doubtOf);
  if (sum.value + sum.off * (1 + ROUNDING) < 0) return true;
  // Nothing has been rounded, and one of the inequalities is strict.
  return isStrict && sum.value === 0 && sum.off === 0;
}

interface Rest {
  readonly q: number;
  readonly qOff: number;
  readonly mu: number;
  readonly muOff: number;
  readonly slope: number;
  readonly low: number;
  readonly high: number;
}

/** The most of q (φ(y) − s y) − μ y between two arguments; undefined where it has none. */
function largestRest(
  { breaks, slopes, offsets }: NonNullable<Units['pieces'][number]>,
  first: number,
  last: number,
  { q, qOff, mu, muOff, slope: s, low, high }: Rest,
): { value: number; off: number } | undefined {
  const falls = (slope: number, sign: 1 | -1) => {
    const rest = slope - s;
    if (rest === 0) return sign * mu >= muOff;
    const rounding = 4 * U * (Math.abs(rest * q) + Math.abs(mu)) + vanished(rest, q);
    // The difference of slopes has been rounded too.
    return (
      sign * (rest * q - mu) +
        Math.abs(rest) * (qOff * (1 + ROUNDING) + 2 * U * Math.abs(q)) +
        muOff +
        rounding <=
      0
    );
  };
  if (high === Infinity && !falls(slopes[last]!, 1)) return undefined;
  if (low === -Infinity && !falls(slopes[first]!, -1)) return undefined;
  const ends: { readonly value: number; readonly off: number }[] = [];
  const consider = (y: number, piece: number) => {
    const rest = slopes[piece]! - s;
    const z = rest * y + offsets[piece]!;
    const zOff = rest === 0 || y === 0 ? 0 : 4 * U * (Math.abs(rest * y) + Math.abs(offsets[piece]!));
    ends.push({
      value: z === 0 && y === 0 ? 0 : q * z - mu * y,
      off:
        qOff * (Math.abs(z) + zOff) +
        Math.abs(q) * zOff +
        muOff * Math.abs(y) +
        4 * U * (Math.abs(q * z) + Math.abs(mu * y)) +
        vanished(rest, y) * (1 + Math.abs(q)) +
        vanished(q, z) +
        vanished(mu, y),
    });
  };
  if (low > -Infinity) consider(low, first);
  for (let k = first; k < last; k++) if (breaks[k]! > low && breaks[k]! < high) consider(breaks[k]!, k);
  if (high < Infinity) consider(high, last);
  if (ends.length > 0) {
    const value = Math.max(...ends.map((end) => end.value));
    // What is less for certain is not the most, whatever its rounding.
    const rivals = ends.filter((end) => !(end.value + 2 * end.off < value));
    return { value, off: Math.max(...rivals.map((end) => end.off)) };
  }
  // No end and no break: one line that falls to neither side, q · offset everywhere.
  const offset = offsets[first]!;
  return { value: q * offset, off: (qOff + U * Math.abs(q)) * Math.abs(offset) + vanished(q, offset) };
}

/**
 * Whether an argument is off the break that μ pushes it from, but on a set without inside: on its upper pieces a unit never rests on the break
 * below, and a linear form of inputs that is not 0 vanishes on a hyperplane.
 */
function isOff(units: Units, { first, last }: Part, u: number, { mu, low, high }: Rest): boolean {
  const { breaks } = units.pieces[u]!;
  if (mu > 0) return first[u]! > 0 && low === breaks[first[u]! - 1];
  if (!units.isFirst[u] || last[u] === breaks.length || high !== breaks[last[u]!]) return false;
  const { weights, errors } = units.rows[u]!;
  return weights.some((w, k) => Math.abs(w) > errors[k]!);
}

/** What a product has lost that is too small for float64, and more. */
function vanished(a: number, b: number): number {
  return a !== 0 && b !== 0 && Math.abs(a * b) < LOST ? LOST : 0;
}

function slopeOf({ pieces }: Units, proof: EmptyProof, u: number): number {
  const own = pieces[u];
  const named = proof.pieces[u]!;
  return !own ? 1 : named < 0 ? 0 : own.slopes[named]!;
}

/** What the weights make of μ, from the last unit on. */
function flowOf(units: Units, proof: EmptyProof, mu: Float64Array): Flow {
  const { inputs, atoms, pieces, rows } = units;
  const [q, qOff] = [new Float64Array(atoms), new Float64Array(atoms)];
  const [p, pOff] = [new Float64Array(pieces.length), new Float64Array(pieces.length)];
  for (let u = pieces.length - 1; u >= 0; u--) {
    const slope = slopeOf(units, proof, u);
    const product = slope * q[inputs + u]!;
    const value = product + mu[u]!;
    const isExact = (slope === 0 || Math.abs(slope) === 1) && (mu[u] === 0 || product === 0);
    const off =
      Math.abs(slope) * qOff[inputs + u]! * (1 + 4 * U) +
      (isExact ? 0 : 2 * U * (Math.abs(product) + Math.abs(value)) + LOST);
    p[u] = value;
    pOff[u] = off;
    if (value === 0 && off === 0) continue;
    const { columns, weights, errors } = rows[u]!;
    for (const [k, a] of columns.entries()) {
      const [w, doubt] = [weights[k]!, errors[k]!];
      const [before, term] = [q[a]!, value * w];
      q[a] = before + term;
      qOff[a]! +=
        U * (Math.abs(term) + (before === 0 ? 0 : Math.abs(q[a]!))) +
        (Math.abs(w) * off + doubt * (Math.abs(value) + off)) * (1 + 4 * U) +
        LOST;
    }
  }
  for (let a = 0; a < atoms; a++) qOff[a]! *= 1 + ROUNDING;
  return { q, qOff, p, pOff };
}

/** Inputs that lack an end and that μ reaches at all. */
function openInputs(units: Units, { low, high }: Domain, proof: EmptyProof): number[] {
  const { inputs, atoms, pieces, rows } = units;
  const reached = new Uint8Array(atoms);
  for (let u = pieces.length - 1; u >= 0; u--) {
    const passes = reached[inputs + u] === 1 && slopeOf(units, proof, u) !== 0;
    if (passes || proof.multipliers[u] !== 0) for (const a of rows[u]!.columns) reached[a] = 1;
  }
  const open: number[] = [];
  for (let n = 0; n < inputs; n++)
    if (reached[n] && !(low[n]! > -Infinity && high[n]! < Infinity)) open.push(n);
  return open;
}

/**
 * How far μ move at most for g to vanish at open inputs; Infinity where it is not shown that they can. δ ↦ δ − R (g + G δ) maps the cube of radius
 * |R g| / (1 − |I − R G|) into itself, R being about the inverse of G.
 */
function radiusOf(open: readonly number[], base: Flow, moves: readonly Flow[]): number {
  const n = open.length;
  const inverse = inverseOf(
    Float64Array.from({ length: n * n }, (_, k) => moves[k % n]!.q[open[Math.floor(k / n)]!]!),
    n,
  );
  if (!inverse) return Infinity;
  let [contraction, step] = [0, 0];
  for (let i = 0; i < n; i++) {
    let [row, own] = [0, 0];
    for (let d = 0; d < n; d++) {
      let [entry, doubt] = [i === d ? -1 : 0, gamma(n + 8)];
      for (const [c, input] of open.entries()) {
        const r = inverse[i * n + c]!;
        const g = moves[d]!.q[input]!;
        entry += r * g;
        doubt += gamma(n + 8) * Math.abs(r * g) + Math.abs(r) * moves[d]!.qOff[input]! + LOST;
      }
      row += Math.abs(entry) + doubt;
    }
    for (const [c, input] of open.entries())
      own += Math.abs(inverse[i * n + c]!) * (Math.abs(base.q[input]!) + base.qOff[input]!) + LOST;
    contraction = Math.max(contraction, row * (1 + ROUNDING));
    step = Math.max(step, own * (1 + ROUNDING));
    if (!(contraction < 0.5)) return Infinity;
  }
  return (step / (1 - contraction)) * (1 + ROUNDING);
}

/** About the inverse of a matrix, by Gauß's elimination with pivots of rows; nothing is said of its error. */
function inverseOf(a: Float64Array, n: number): Float64Array | undefined {
  const inverse = new Float64Array(n * n);
  for (let i = 0; i < n; i++) inverse[i * n + i] = 1;
  for (let k = 0; k < n; k++) {
    let best = k;
    for (let i = k + 1; i < n; i++) if (Math.abs(a[i * n + k]!) > Math.abs(a[best * n + k]!)) best = i;
    const pivot = a[best * n + k]!;
    if (!(Math.abs(pivot) > 0)) return undefined;
    for (const m of [a, inverse])
      for (let j = 0; j < n; j++) {
        const kept = m[k * n + j]!;
        m[k * n + j] = m[best * n + j]! / pivot;
        if (best !== k) m[best * n + j] = kept;
      }
    for (let i = 0; i < n; i++) {
      const factor = i === k ? 0 : a[i * n + k]!;
      if (factor !== 0)
        for (const m of [a, inverse]) for (let j = 0; j < n; j++) m[i * n + j]! -= factor * m[k * n + j]!;
    }
  }
  return inverse;
}

/** The most that g · x is in the domain: in the box, or in the ball where that is less. */
function addInputs(
  sum: Sum,
  { low, high, ball }: Domain,
  open: readonly number[],
  base: Flow,
  doubtOf: (of: (one: Flow) => number, off: (one: Flow) => number) => number,
): void {
  const [box, middle] = [new Sum(), new Sum()];
  let square = 0;
  for (let n = 0; n < low.length; n++) {
    // There g is 0.
    if (open.includes(n)) continue;
    const g = base.q[n]!;
    const off = doubtOf(
      (f) => f.q[n]!,
      (f) => f.qOff[n]!,
    );
    if (g === 0 && off === 0) continue;
    const reach = Math.max(Math.abs(low[n]!), Math.abs(high[n]!));
    box.add(Math.max(g * low[n]!, g * high[n]!), off * reach + 2 * U * Math.abs(g) * reach + LOST);
    if (!ball) continue;
    const at = ball.centre[n]!;
    middle.add(g * at, off * (Math.abs(at) + ball.radius) + 2 * U * Math.abs(g * at) + LOST);
    square += g * g;
  }
  if (ball) {
    const around = ball.radius * (Math.sqrt(square) + low.length * LOST_ROOT);
    middle.add(around, 2 * gamma(low.length + 8) * around);
    if (middle.value + middle.off < box.value + box.off) {
      sum.add(middle.value, middle.off);
      return;
    }
  }
  sum.add(box.value, box.off);
}
