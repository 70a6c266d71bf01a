/**
 * The ellipsoid of a node (docs/mathematics.md §8): units on one piece are linear, the others have slopes between those of their pieces and a
 * multiplier each, relative to the row sums of what they see. With its gradient, and a barrier before the edge D = S. Plain float64: what comes
 * of it is proven elsewhere (`proven.ts`).
 */
import type { Form } from '../form/form.ts';
import { type State, slopesOf } from '../state.ts';
import { diagonalise, largestOf } from './eigen.ts';
import { type Stage, type Stages, stagesOf } from './stages.ts';

/** Diagonals of S below this part of its largest are of units that never move here. */
const STILL = 1e-26;
/** Their multipliers, for who needs some: as a part of that largest. */
const OF_STILL = 1e-13;
const TINY = 1e-300;

/** Room for one stage, of the rows that are not 0 in the state at hand. */
interface Room {
  readonly stage: Stage;
  n: number;
  before: number;
  /** Rows of the stage, and its weights between these and those of the stage before. */
  readonly rows: Int32Array;
  readonly units: Int32Array;
  readonly weight: Float64Array;
  readonly s: Float64Array;
  readonly q: Float64Array;
  readonly lower: Float64Array;
  readonly x: Float64Array;
  readonly z: Float64Array;
  readonly inverse: Float64Array;
  readonly middle: Float64Array;
  readonly spread: Float64Array;
  /** Rows with a multiplier, `count` of them. */
  readonly free: Int32Array;
  count: number;
  readonly d: Float64Array;
  readonly rho: Float64Array;
}

export class Ellipsoid {
  readonly #form: Form;
  readonly #stages: Stages;
  readonly #rooms: readonly Room[];
  /** W Wᵀ of the first stage. */
  readonly #first: Float64Array;
  /** Of what is left in front of the output. */
  readonly #output: Float64Array;
  readonly #scratch: Float64Array;
  readonly #second: Float64Array;
  readonly #f: Float64Array;
  readonly #g: Float64Array;
  readonly #eigen: Float64Array;
  readonly #vectors: Float64Array;
  readonly #slopes = { middle: 0, spread: 0 };
  /** Of the last evaluation: the square of the bound, and the multiplier of every unit that is not fixed. */
  squared = 0;
  readonly multipliers: Float64Array;
  /** Of `score`: how much the fixing of each unit promises, e² D times what its value counts in the direction of the largest eigenvalue. */
  readonly scores: Float64Array;

  constructor(form: Form) {
    this.#form = form;
    this.#stages = stagesOf(form);
    this.#rooms = this.#stages.stages.map((stage) => {
      const n = stage.units.length;
      const square = () => new Float64Array(n * n);
      const row = () => new Float64Array(n);
      return {
        ...{ stage, n, before: stage.before, count: 0 },
        ...{ rows: new Int32Array(n), units: new Int32Array(n), free: new Int32Array(n) },
        weight: stage.weight.slice(),
        ...{ s: square(), q: square(), lower: square(), x: square(), z: square(), inverse: square() },
        ...{ middle: row(), spread: row(), d: row(), rho: row() },
      };
    });
    const most = Math.max(form.inputs, form.outputs, ...this.#rooms.map(({ n }) => n));
    this.#scratch = new Float64Array(most * most);
    this.#second = new Float64Array(most * most);
    this.#f = new Float64Array(most * most);
    this.#g = new Float64Array(most * most);
    this.#eigen = new Float64Array(form.outputs ** 2);
    this.#vectors = new Float64Array(form.outputs ** 2);
    this.multipliers = new Float64Array(form.units.length);
    this.scores = new Float64Array(form.units.length);
    this.#output = this.#stages.output.slice();
    const [start] = this.#stages.stages;
    this.#first = new Float64Array((start?.units.length ?? 0) ** 2);
    if (start) gram(start.weight, start.units.length, start.before, this.#first);
  }

  /** From now on evaluations are of this state. */
  enter(state: State): void {
    let before: Room | undefined;
    for (const room of this.#rooms) {
      this.#keepRows(room, state);
      const { stage, rows, n, weight } = room;
      if (before) {
        room.before = before.n;
        for (let i = 0, at = 0; i < n; i++) {
          const from = rows[i]! * stage.before;
          for (let j = 0; j < before.n; j++) weight[at++] = stage.weight[from + before.rows[j]!]!;
        }
      } else {
        const all = stage.units.length;
        for (let i = 0, at = 0; i < n; i++) {
          const from = rows[i]! * all;
          for (let j = 0; j < n; j++) room.s[at++] = this.#first[from + rows[j]!]!;
        }
      }
      before = room;
    }
    if (!before) return;
    const { output } = this.#stages;
    const all = before.stage.units.length;
    for (let r = 0, at = 0; r < this.#form.outputs; r++) {
      for (let j = 0; j < before.n; j++) this.#output[at++] = output[r * all + before.rows[j]!]!;
    }
  }

  /** The rows of a stage that are not 0 for certain. */
  #keepRows(room: Room, state: State): void {
    const { stage, rows, units, middle, spread } = room;
    let n = 0;
    for (let row = 0; row < stage.units.length; row++) {
      const u = stage.units[row]!;
      const slopes = this.#slopes;
      if (u < 0) {
        slopes.middle = 1;
        slopes.spread = 0;
      } else slopesOf(this.#form, state, u, slopes);
      if (slopes.middle === 0 && slopes.spread === 0) continue;
      rows[n] = row;
      units[n] = u;
      middle[n] = slopes.middle;
      spread[n] = slopes.spread;
      n++;
    }
    room.n = n;
  }

  /**
   * The logarithm of the squared bound, plus `barrier` · Σ (log det D − log det (D − S)); Infinity where D does not dominate S.
   * @param theta log (D / row sums), unit by unit
   * @param absolute theta is log D, and is made relative
   * @param gradient receives ∂/∂theta
   */
  evaluate(theta: Float64Array, barrier: number, absolute: boolean, gradient?: Float64Array): number {
    let edge = 0;
    this.multipliers.fill(0);
    const rooms = this.#rooms;
    for (let k = 0; k < rooms.length; k++) {
      const room = rooms[k]!;
      if (k > 0) congruence(room.weight, room.n, rooms[k - 1]!.q, room.before, room.s, this.#scratch);
      if (!this.#multiply(room, theta, absolute)) return Infinity;
      if (barrier > 0) {
        for (let a = 0; a < room.count; a++)
          edge += Math.log(room.d[a]!) - 2 * Math.log(room.lower[a * room.n + a]!);
      }
      behind(room, gradient !== undefined);
    }
    const value = this.#end() + barrier * edge;
    if (gradient) this.#adjoint(barrier, gradient);
    return value;
  }

  #multiply(room: Room, theta: Float64Array, absolute: boolean): boolean {
    const { n, s, units, spread, free, lower, d, rho } = room;
    let largest = 0;
    for (let i = 0; i < n; i++) largest = Math.max(largest, s[i * n + i]!);
    let count = 0;
    for (let i = 0; i < n; i++) {
      if (!(spread[i]! > 0)) continue;
      if (s[i * n + i]! > STILL * largest) free[count++] = i;
      else this.multipliers[units[i]!] = Math.max(OF_STILL * largest, TINY);
    }
    room.count = count;
    for (let a = 0; a < count; a++) {
      const i = free[a]!;
      const u = units[i]!;
      let sum = 0;
      for (let b = 0; b < count; b++) sum += Math.abs(s[i * n + free[b]!]!);
      rho[a] = sum;
      if (absolute) theta[u]! -= Math.log(sum);
      d[a] = Math.exp(theta[u]!) * sum;
      this.multipliers[u] = d[a]!;
      for (let b = 0; b <= a; b++) lower[a * n + b] = -s[i * n + free[b]!]!;
      lower[a * n + a]! += d[a]!;
    }
    return cholesky(lower, count, n);
  }

  /** The largest eigenvalue of the output's covariance; what its gradient is. */
  #end(): number {
    const { outputs, inputs } = this.#form;
    const last = this.#rooms.at(-1);
    const output = this.#output;
    const eigen = this.#eigen;
    if (last) congruence(output, outputs, last.q, last.n, eigen, this.#scratch);
    else gram(output, outputs, inputs, eigen);
    diagonalise(outputs, eigen, this.#vectors);
    const top = largestOf(outputs, eigen);
    this.squared = Math.max(eigen[top * outputs + top]!, TINY);
    return Math.log(this.squared);
  }

  /** Rates the units that are not fixed. @param logarithms log D */
  score(logarithms: Float64Array): void {
    const { scores } = this;
    scores.fill(0);
    const last = this.#rooms.at(-1);
    if (this.evaluate(logarithms.slice(), 0, true) === Infinity || !last) return;
    let w = this.#topRow(last);
    for (let k = this.#rooms.length - 1; k >= 0; k--) {
      const room = this.#rooms[k]!;
      const { n, before, units, weight, middle, spread, free, count, d, s, lower } = room;
      const p = w.map((value, i) => middle[i]! * value);
      const z = new Float64Array(count);
      for (let a = 0; a < count; a++) {
        const at = free[a]! * n;
        let sum = 0;
        for (let j = 0; j < n; j++) sum += s[at + j]! * p[j]!;
        for (let b = 0; b < a; b++) sum -= lower[a * n + b]! * z[b]!;
        z[a] = sum / lower[a * n + a]!;
      }
      for (let a = count - 1; a >= 0; a--) {
        let sum = z[a]!;
        for (let b = a + 1; b < count; b++) sum -= lower[b * n + a]! * z[b]!;
        z[a] = sum / lower[a * n + a]!;
      }
      for (let a = 0; a < count; a++) {
        const i = free[a]!;
        scores[units[i]!] = spread[i]! ** 2 * w[i]! ** 2 * d[a]!;
        p[i]! += z[a]!;
      }
      if (k === 0) return;
      const next = new Float64Array(before);
      for (let i = 0; i < n; i++)
        for (let j = 0; j < before; j++) next[j]! += p[i]! * weight[i * before + j]!;
      w = next;
    }
  }

  /** The row of the output in the direction of its largest eigenvalue. */
  #topRow({ n }: Room): Float64Array {
    const { outputs } = this.#form;
    const top = largestOf(outputs, this.#eigen);
    const w = new Float64Array(n);
    for (let r = 0; r < outputs; r++) {
      const v = this.#vectors[r * outputs + top]!;
      for (let j = 0; j < n; j++) w[j]! += v * this.#output[r * n + j]!;
    }
    return w;
  }

  #adjoint(barrier: number, gradient: Float64Array): void {
    const rooms = this.#rooms;
    const last = rooms.at(-1);
    if (!last) return;
    const w = this.#topRow(last);
    const f = this.#f;
    for (let i = 0; i < last.n; i++) for (let j = 0; j < last.n; j++) f[i * last.n + j] = w[i]! * w[j]!;
    const value = this.squared;
    for (let k = rooms.length - 1; k >= 0; k--) {
      const room = rooms[k]!;
      const { n, units, middle, spread, free, count, d, z, rho, s } = room;
      const t = this.#g;
      for (let i = 0; i < n; i++) {
        const mi = middle[i]!;
        for (let j = 0; j < n; j++) t[i * n + j] = mi * f[i * n + j]! * middle[j]!;
      }
      // gD first, of the plain product of F between the means.
      const image = this.#second;
      for (let a = 0; a < count; a++) {
        const row = image.subarray(a * n, (a + 1) * n);
        row.fill(0);
        for (let j = 0; j < n; j++) {
          const c = z[a * n + j]!;
          if (c !== 0) for (let l = 0, at = j * n; l < n; l++, at++) row[l]! += c * t[at]!;
        }
        const i = free[a]!;
        let g = spread[i]! ** 2 * f[i * n + i]!;
        for (let l = 0; l < n; l++) g -= row[l]! * z[a * n + l]!;
        this.#scratch[a] = g;
      }
      if (barrier > 0) {
        inverseOf(room);
        for (let a = 0; a < count; a++)
          this.#scratch[a]! += barrier * value * (1 / d[a]! - room.inverse[a * n + a]!);
      }
      for (let a = 0; a < count; a++) gradient[units[free[a]!]!] = (this.#scratch[a]! * d[a]!) / value;
      if (k === 0) return;
      for (let a = 0; a < count; a++) {
        const at = free[a]! * n;
        for (let l = 0; l < n; l++) t[at + l]! += image[a * n + l]!;
      }
      for (let i = 0; i < n; i++) {
        for (let a = 0; a < count; a++) {
          let sum = 0;
          for (let l = 0; l < n; l++) sum += t[i * n + l]! * z[a * n + l]!;
          image[a * n + i] = sum;
        }
      }
      for (let a = 0; a < count; a++) {
        const column = free[a]!;
        for (let i = 0; i < n; i++) t[i * n + column]! += image[a * n + i]!;
      }
      for (let a = 0; a < count; a++) {
        const c = (this.#scratch[a]! * d[a]! * 0.5) / rho[a]!;
        const i = free[a]!;
        for (let b = 0; b < count; b++) {
          const j = free[b]!;
          const part = s[i * n + j]! > 0 ? c : -c;
          t[i * n + j]! += part;
          t[j * n + i]! += part;
        }
      }
      if (barrier > 0) {
        for (let a = 0; a < count; a++) {
          for (let b = 0; b < count; b++)
            t[free[a]! * n + free[b]!]! += barrier * value * room.inverse[a * n + b]!;
        }
      }
      congruenceTransposed(room.weight, n, t, room.before, f, this.#scratch);
    }
  }
}

/** W Q Wᵀ, symmetric. W [n × m] */
function congruence(
  w: Float64Array,
  n: number,
  q: Float64Array,
  m: number,
  s: Float64Array,
  t: Float64Array,
): void {
  for (let i = 0; i < n; i++) {
    for (let l = 0; l < m; l++) t[l] = 0;
    for (let j = 0; j < m; j++) {
      const c = w[i * m + j]!;
      if (c !== 0) for (let l = 0, at = j * m; l < m; l++, at++) t[l]! += c * q[at]!;
    }
    for (let j = 0; j <= i; j++) {
      let sum = 0;
      for (let l = 0, at = j * m; l < m; l++, at++) sum += t[l]! * w[at]!;
      s[i * n + j] = sum;
      s[j * n + i] = sum;
    }
  }
}

/** W Wᵀ */
function gram(w: Float64Array, n: number, m: number, s: Float64Array): void {
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = 0;
      for (let l = 0; l < m; l++) sum += w[i * m + l]! * w[j * m + l]!;
      s[i * n + j] = sum;
      s[j * n + i] = sum;
    }
  }
}

/** Wᵀ B W, for symmetric B [n × n]. */
function congruenceTransposed(
  w: Float64Array,
  n: number,
  b: Float64Array,
  m: number,
  f: Float64Array,
  t: Float64Array,
): void {
  f.fill(0, 0, m * m);
  for (let i = 0; i < n; i++) {
    for (let l = 0; l < m; l++) t[l] = 0;
    for (let j = 0; j < n; j++) {
      const c = b[i * n + j]!;
      if (c !== 0) for (let l = 0, at = j * m; l < m; l++, at++) t[l]! += c * w[at]!;
    }
    for (let j = 0; j < m; j++) {
      const c = w[i * m + j]!;
      if (c !== 0) for (let l = 0, at = j * m; l < m; l++, at++) f[at]! += c * t[l]!;
    }
  }
}

/** In place, the lower triangle. @returns whether it runs through */
function cholesky(a: Float64Array, n: number, stride: number): boolean {
  for (let j = 0; j < n; j++) {
    const own = j * stride;
    let pivot = a[own + j]!;
    for (let k = 0; k < j; k++) pivot -= a[own + k]! * a[own + k]!;
    if (!(pivot > TINY)) return false;
    const root = Math.sqrt(pivot);
    a[own + j] = root;
    const reciprocal = 1 / root;
    for (let i = j + 1; i < n; i++) {
      const at = i * stride;
      let sum = a[at + j]!;
      for (let k = 0; k < j; k++) sum -= a[at + k]! * a[own + k]!;
      a[at + j] = sum * reciprocal;
    }
  }
  return true;
}

/** Q = M (S + S_:U (D − S_UU)⁻¹ S_U:) M + e² D; for gradients Z = (D − S_UU)⁻¹ S_U: too. */
function behind(room: Room, withGradient: boolean): void {
  const { n, s, q, lower, x, z, middle, spread, free, count, d } = room;
  for (let a = 0; a < count; a++) {
    const row = a * n;
    const from = free[a]! * n;
    for (let j = 0; j < n; j++) x[row + j] = s[from + j]!;
    for (let b = 0; b < a; b++) {
      const c = lower[row + b]!;
      for (let j = 0, at = b * n; j < n; j++, at++) x[row + j]! -= c * x[at]!;
    }
    const reciprocal = 1 / lower[row + a]!;
    for (let j = 0; j < n; j++) x[row + j]! *= reciprocal;
  }
  for (let i = 0; i < n; i++) {
    const row = i * n;
    const mi = middle[i]!;
    if (mi === 0) {
      q.fill(0, row, row + n);
      continue;
    }
    for (let j = 0; j < n; j++) q[row + j] = s[row + j]!;
    for (let a = 0; a < count; a++) {
      const c = x[a * n + i]!;
      for (let j = 0, at = a * n; j < n; j++, at++) q[row + j]! += c * x[at]!;
    }
    for (let j = 0; j < n; j++) q[row + j]! *= mi * middle[j]!;
  }
  for (let a = 0; a < count; a++) {
    const i = free[a]!;
    q[i * n + i]! += spread[i]! ** 2 * d[a]!;
  }
  if (!withGradient) return;
  for (let a = count - 1; a >= 0; a--) {
    const row = a * n;
    for (let j = 0; j < n; j++) z[row + j] = x[row + j]!;
    for (let b = a + 1; b < count; b++) {
      const c = lower[b * n + a]!;
      for (let j = 0, at = b * n; j < n; j++, at++) z[row + j]! -= c * z[at]!;
    }
    const reciprocal = 1 / lower[row + a]!;
    for (let j = 0; j < n; j++) z[row + j]! *= reciprocal;
  }
}

/** (D − S_UU)⁻¹ from its Cholesky factor. */
function inverseOf({ n, lower, count, inverse }: Room): void {
  for (let c = 0; c < count; c++) {
    for (let a = 0; a < count; a++) {
      let sum = a === c ? 1 : 0;
      for (let b = c; b < a; b++) sum -= lower[a * n + b]! * inverse[b * n + c]!;
      inverse[a * n + c] = a < c ? 0 : sum / lower[a * n + a]!;
    }
    for (let a = count - 1; a >= 0; a--) {
      let sum = inverse[a * n + c]!;
      for (let b = a + 1; b < count; b++) sum -= lower[b * n + a]! * inverse[b * n + c]!;
      inverse[a * n + c] = sum / lower[a * n + a]!;
    }
  }
}
