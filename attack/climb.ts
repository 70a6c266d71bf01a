/** The steepest slope of a circuit that a search finds, and how steep it certainly is. */
import { type Circuit, natureOf } from './evaluate/circuit.ts';
import type { Exact } from './evaluate/exact.ts';
import { exactDerivatives } from './evaluate/exactSlope.ts';
import { FloatCircuit } from './evaluate/float.ts';
import {
  EUCLIDEAN,
  log2Slope,
  type Norms,
  norm,
  sizeOf,
  steepestFunctional,
  steepestVector,
} from './norms.ts';
import type { Random } from './random.ts';

export interface Slope {
  /** log2 of ‖f′(x; d)‖ / ‖d‖ in the norms asked for, certainly not above the truth but for 1e-12; −Infinity for 0. */
  readonly log2: number;
  readonly x: readonly number[];
  readonly direction: readonly number[];
}

export const FLAT: Slope = { log2: -Infinity, x: [], direction: [] };

export interface ClimbOptions {
  /** Products with the Jacobian, about. */
  readonly effort: number;
  /** Weights may be of any size: exact numbers first. */
  readonly nasty: boolean;
  /** Default ℓ2. */
  readonly norms?: Norms;
}

/** For a linear network: its norm in ℓ2, to 1e-12. Else what was found. */
export function steepest(circuit: Circuit, random: Random, options: ClimbOptions): Slope {
  const nature = natureOf(circuit);
  const { norms = EUCLIDEAN } = options;
  if (nature === 'linear') return ofExactJacobian(circuit, new Float64Array(circuit.inputs), norms);
  const climb = new Climb(circuit, random, norms);
  const exact = nature === 'pieces';
  const points = options.nasty && exact ? [] : climb.search(options.effort);
  let best = FLAT;
  const take = (slope: Slope) => {
    if (slope.log2 > best.log2) best = slope;
  };
  for (const { x, v } of points.slice(0, 3))
    take(exact ? proved(circuit, x, v, norms) : climb.enclosed(x, v));
  if (exact) {
    const somewhere = [1, 1e-3, 100].map((scale) => random.normals(circuit.inputs, scale));
    const others = options.nasty ? somewhere : [points[0]?.x ?? somewhere[0]!];
    for (const x of others) take(ofExactJacobian(circuit, x, norms));
  }
  return best;
}

/** At one point along one direction. */
export function slopeAlong(circuit: Circuit, x: Float64Array, v: Float64Array, norms: Norms): Slope {
  if (natureOf(circuit) !== 'smooth') return proved(circuit, x, v, norms);
  return enclosed(new FloatCircuit(circuit), x, v, norms);
}

/** Along one direction, without rounding. */
function proved(circuit: Circuit, x: Float64Array, v: Float64Array, norms: Norms): Slope {
  if (![...x, ...v].every(Number.isFinite)) return FLAT;
  const [derivative] = exactDerivatives(circuit, x, [v]);
  const log2 = v.some((entry) => entry !== 0) ? log2Slope(derivative!, v, norms) : -Infinity;
  return { log2, x: [...x], direction: [...v] };
}

/** Along one direction, in float64 with all that rounding may add. */
function enclosed(circuit: FloatCircuit, x: Float64Array, v: Float64Array, norms: Norms): Slope {
  const { middle, radius } = circuit.enclosedPush(x, v);
  const certain = middle.map((entry, k) => Math.max(0, Math.abs(entry) - radius[k]!));
  const slope = (sizeOf(certain, norms.output) / sizeOf(v, norms.input)) * (1 - 1e-13);
  return slope > 0 && slope < Infinity ? { log2: Math.log2(slope), x: [...x], direction: [...v] } : FLAT;
}

/** Along what the exact Jacobian stretches most. */
function ofExactJacobian(circuit: Circuit, x: Float64Array, norms: Norms): Slope {
  const n = circuit.inputs;
  const basis = Array.from({ length: n }, (_, k) => new Float64Array(n).fill(1, k, k + 1));
  const matrix = scaled(exactDerivatives(circuit, x, basis));
  if (!matrix) return proved(circuit, x, new Float64Array(n).fill(1), norms);
  const euclidean = norms.input === '2' && norms.output === '2';
  const v = euclidean ? firstSingularVector(matrix) : steepestDirection(matrix, basis, norms);
  return proved(circuit, x, v, norms);
}

/** Columns whose entries may be of any size, by a power of two; undefined for 0. */
function scaled(columns: readonly (readonly Exact[])[]): Float64Array[] | undefined {
  let largest = -Infinity;
  for (const entry of columns.flat()) {
    if (entry.sign !== 0) largest = Math.max(largest, entry.scaled().exponent);
  }
  if (largest === -Infinity) return undefined;
  return columns.map((column) =>
    Float64Array.from(column, (entry) => {
      const { mantissa, exponent } = entry.scaled();
      return mantissa * 2 ** (exponent - largest);
    }),
  );
}

/** Of the matrix with these columns. */
function firstSingularVector(columns: readonly Float64Array[]): Float64Array {
  const gram = columns.map((a) =>
    Float64Array.from(columns, (b) => a.reduce((sum, x, k) => sum + x * b[k]!, 0)),
  );
  return largestEigenvector(gram);
}

/** The best of what the power method reaches from every row and every column: the maximum, where it is known how to find it. */
function steepestDirection(
  columns: readonly Float64Array[],
  basis: readonly Float64Array[],
  norms: Norms,
): Float64Array {
  const push = (v: Float64Array) =>
    columns[0]!.map((_, row) => columns.reduce((sum, column, k) => sum + column[row]! * v[k]!, 0));
  const pull = (u: Float64Array) =>
    Float64Array.from(columns, (column) => column.reduce((sum, entry, row) => sum + entry * u[row]!, 0));
  const rows = Array.from(columns[0]!, (_, row) => Float64Array.from(columns, (column) => column[row]!));
  const starts = [...basis, ...rows.map((row) => steepestVector(row, norms.input))];
  let [best, most] = [starts[0]!, 0];
  for (const start of starts) {
    let v = start;
    for (let k = 0; k < 8; k++) {
      const size = sizeOf(push(v), norms.output);
      if (!(size > most)) break;
      [best, most] = [v, size];
      v = steepestVector(pull(steepestFunctional(push(v), norms.output)), norms.input);
    }
  }
  return best;
}

/** Of a symmetric matrix, by Jacobi's rotations. */
export function largestEigenvector(matrix: readonly Float64Array[]): Float64Array {
  const n = matrix.length;
  const a = matrix.map((row) => row.slice());
  const vectors = Array.from({ length: n }, (_, k) => new Float64Array(n).fill(1, k, k + 1));
  for (let sweep = 0; sweep < 30; sweep++) {
    let off = 0;
    for (let p = 0; p < n; p++)
      for (let q = p + 1; q < n; q++) {
        const apq = a[p]![q]!;
        if (Math.abs(apq) <= 1e-18 * Math.sqrt(Math.abs(a[p]![p]! * a[q]![q]!))) continue;
        off++;
        const theta = (a[q]![q]! - a[p]![p]!) / (2 * apq);
        const t = (theta >= 0 ? 1 : -1) / (Math.abs(theta) + Math.hypot(theta, 1));
        const c = 1 / Math.hypot(t, 1);
        const s = t * c;
        for (let k = 0; k < n; k++) {
          const [x, y] = [a[k]![p]!, a[k]![q]!];
          a[k]![p] = c * x - s * y;
          a[k]![q] = s * x + c * y;
        }
        for (let k = 0; k < n; k++) {
          const [x, y] = [a[p]![k]!, a[q]![k]!];
          a[p]![k] = c * x - s * y;
          a[q]![k] = s * x + c * y;
          const [u, w] = [vectors[p]![k]!, vectors[q]![k]!];
          vectors[p]![k] = c * u - s * w;
          vectors[q]![k] = s * u + c * w;
        }
      }
    if (off === 0) break;
  }
  let best = 0;
  for (let k = 1; k < n; k++) if (a[k]![k]! > a[best]![best]!) best = k;
  return vectors[best]!;
}

interface Point {
  readonly x: Float64Array;
  readonly v: Float64Array;
  readonly slope: number;
}

const SCALES = [1, 0, 0.1, 10, 0.01, 100, 3];

class Climb {
  readonly #circuit: FloatCircuit;
  readonly #random: Random;
  readonly #inputs: number;
  readonly #norms: Norms;
  #left = 0;

  constructor(circuit: Circuit, random: Random, norms: Norms) {
    this.#circuit = new FloatCircuit(circuit);
    this.#random = random;
    this.#inputs = circuit.inputs;
    this.#norms = norms;
  }

  /** The steepest points found, the steepest first. */
  search(effort: number): Point[] {
    this.#left = effort;
    const found: Point[] = [];
    for (let k = 0; this.#left > 0; k++) {
      const start = this.#look(this.#start(k), 4);
      if (!start) continue;
      found.push(start);
      const climbed = k % 2 === 0 ? this.#alongDifferences(start) : this.#byChance(start);
      if (climbed) found.push(climbed);
      found.sort((a, b) => b.slope - a.slope);
      if (k % 3 === 2 && found[0]) {
        const polished = this.#byChance(found[0]);
        if (polished) found.push(polished);
      }
    }
    return found.sort((a, b) => b.slope - a.slope);
  }

  enclosed(x: Float64Array, v: Float64Array): Slope {
    return enclosed(this.#circuit, x, v, this.#norms);
  }

  #start(k: number): Float64Array {
    const n = this.#inputs;
    const random = this.#random;
    const scale = SCALES[Math.floor(k / 2) % SCALES.length]!;
    if (k % 4 === 1) {
      // One entry that stands out, which is what maxima are steepest at.
      const at = random.integer(0, n - 1);
      return new Float64Array(n).fill(random.pick([10, -10, 1e3]), at, at + 1);
    }
    return random.normals(n, scale);
  }

  #look(x: Float64Array, steps: number, first?: Float64Array): Point | undefined {
    this.#left -= 1 + 2 * steps;
    const { input, output } = this.#norms;
    const values = this.#circuit.values(x);
    const size = (v: Float64Array) => sizeOf(this.#circuit.push(values, v), output);
    let v = steepestVector(first ?? this.#random.normals(this.#inputs), input);
    let slope = size(v);
    for (let k = 0; k < steps; k++) {
      const u = steepestFunctional(this.#circuit.push(values, v), output);
      const next = steepestVector(this.#circuit.pull(values, u), input);
      if (!(norm(next) > 0)) break;
      const steeper = size(next);
      if (!(steeper >= slope)) break;
      v = next;
      slope = steeper;
    }
    // At kinks the other way may be steeper.
    const back = v.map((entry) => -entry);
    const other = size(back);
    if (other > slope) [v, slope] = [back, other];
    return Number.isFinite(slope) ? { x, v, slope } : undefined;
  }

  /** Up the slope of ‖f(x + hv) − f(x − hv)‖, with h ever smaller. */
  #alongDifferences(start: Point): Point | undefined {
    let { x, v } = start;
    const size = norm(x) || 1;
    const steps = 12;
    for (let k = 1; k <= steps && this.#left > 0; k++) {
      const reach = size * 0.02 ** (k / steps);
      const ahead = this.#circuit.values(moved(x, reach, v));
      const behind = this.#circuit.values(moved(x, -reach, v));
      const u = unit(moved(this.#circuit.outputsOf(ahead), -1, this.#circuit.outputsOf(behind)));
      if (!(norm(u) > 0)) return undefined;
      const [up, down] = [this.#circuit.pull(ahead, u), this.#circuit.pull(behind, u)];
      this.#left -= 4;
      const direction = unit(moved(up, 1, down));
      if (!(norm(direction) > 0)) return undefined;
      v = direction;
      x = moved(x, reach / 2, unit(moved(up, -1, down)));
    }
    return this.#look(x, 3, v);
  }

  /** Steps at random that are kept where they go up: across kinks, from one pattern of activations to the next. */
  #byChance(start: Point): Point | undefined {
    let best = start;
    let size = (norm(start.x) || 1) / 2;
    for (let k = 0; k < 20 && this.#left > 0; k++) {
      const one = this.#random.chance(0.5);
      const step = one ? new Float64Array(this.#inputs) : this.#random.normals(this.#inputs);
      if (one) step[this.#random.integer(0, this.#inputs - 1)] = this.#random.normal() * 3;
      const next = this.#look(moved(best.x, size, step), 1, best.v);
      if (next && next.slope > best.slope) best = next;
      else size *= 0.5;
    }
    return best;
  }
}

function unit(x: Float64Array): Float64Array {
  const length = norm(x);
  return length > 0 && length < Infinity ? x.map((value) => value / length) : new Float64Array(x.length);
}

function moved(x: Float64Array, step: number, direction: Float64Array): Float64Array {
  return x.map((value, k) => value + step * direction[k]!);
}
