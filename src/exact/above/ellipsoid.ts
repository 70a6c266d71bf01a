/**
 * The ellipsoid of a node (docs/mathematics.md §8): units on one piece are linear, the others have slopes between those of their pieces and a
 * multiplier each, relative to the row sums of what they see. With its gradient, and a barrier before the edge D = S. Plain float64: what comes
 * of it is proven elsewhere (`proven.ts`).
 */
import type { Form } from '../form/form.ts';
import { type State, slopesOf } from '../state.ts';
import { addRows, cholesky, congruence, congruenceTransposed, dot, gram } from './dense.ts';
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
  /** Outputs in terms of the last stage's values, the same behind (D − S_UU)^-½ S_U:, and a row for these. */
  readonly #p: Float64Array;
  readonly #y: Float64Array;
  readonly #image: Float64Array;
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
    this.#p = new Float64Array(form.outputs * most);
    this.#y = new Float64Array(form.outputs * most);
    this.#image = new Float64Array(most);
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
      // Behind the last stage only what outputs make of it is of interest.
      if (k + 1 < rooms.length) behind(room, gradient !== undefined);
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
    const eigen = this.#eigen;
    if (last) this.#covariance(last);
    else gram(this.#output, outputs, inputs, eigen);
    diagonalise(outputs, eigen, this.#vectors);
    const top = largestOf(outputs, eigen);
    this.squared = Math.max(eigen[top * outputs + top]!, TINY);
    return Math.log(this.squared);
  }

  /** Of the outputs: V Q Vᵀ, Q behind the last stage, which is not made for it. */
  #covariance({ n, s, lower, middle, spread, free, count, d }: Room): void {
    const { outputs } = this.#form;
    const [output, eigen, p, y, image] = [this.#output, this.#eigen, this.#p, this.#y, this.#image];
    for (let r = 0; r < outputs; r++) {
      for (let j = 0; j < n; j++) p[r * n + j] = middle[j]! * output[r * n + j]!;
      for (let i = 0; i < n; i++) image[i] = dot(s, i * n, p, r * n, n);
      for (let a = 0; a < count; a++) {
        const at = r * n + a;
        y[at] = (image[free[a]!]! - dot(lower, a * n, y, r * n, a)) / lower[a * n + a]!;
      }
      for (let c = 0; c <= r; c++) {
        let sum = dot(image, 0, p, c * n, n) + dot(y, r * n, y, c * n, count);
        for (let a = 0; a < count; a++) {
          const i = free[a]!;
          sum += spread[i]! ** 2 * d[a]! * output[r * n + i]! * output[c * n + i]!;
        }
        eigen[r * outputs + c] = sum;
        eigen[c * outputs + r] = sum;
      }
    }
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
    const f = this.#f;
    const value = this.squared;
    for (let k = rooms.length - 1; k >= 0; k--) {
      const room = rooms[k]!;
      const { n, units, free, count, d, rho, s } = room;
      const t = this.#g;
      if (k + 1 === rooms.length) this.#adjointOfLast(room);
      else this.#adjointOf(room, k > 0);
      if (barrier > 0) {
        inverseOf(room, k > 0);
        for (let a = 0; a < count; a++)
          this.#scratch[a]! += barrier * value * (1 / d[a]! - room.inverse[a * n + a]!);
      }
      for (let a = 0; a < count; a++) gradient[units[free[a]!]!] = (this.#scratch[a]! * d[a]!) / value;
      if (k === 0) return;
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

  /** ∂/∂S without what row sums and barrier add, of rank one: (p + z)(p + z)ᵀ, z = (D − S_UU)⁻¹ S_U: p; and ∂/∂D. */
  #adjointOfLast(room: Room): void {
    const { n, lower, middle, spread, free, count } = room;
    const { outputs } = this.#form;
    const [t, y, z] = [this.#g, this.#y, this.#image];
    const w = this.#topRow(room);
    z.fill(0, 0, count);
    const top = largestOf(outputs, this.#eigen);
    for (let r = 0; r < outputs; r++) {
      const v = this.#vectors[r * outputs + top]!;
      for (let a = 0; a < count; a++) z[a]! += v * y[r * n + a]!;
    }
    for (let a = count - 1; a >= 0; a--) {
      let sum = z[a]!;
      for (let b = a + 1; b < count; b++) sum -= lower[b * n + a]! * z[b]!;
      z[a] = sum / lower[a * n + a]!;
    }
    const p = w.map((value, i) => middle[i]! * value);
    for (let a = 0; a < count; a++) {
      const i = free[a]!;
      this.#scratch[a] = (spread[i]! * w[i]!) ** 2 - z[a]! ** 2;
      p[i]! += z[a]!;
    }
    for (let i = 0; i < n; i++) for (let j = 0; j < n; j++) t[i * n + j] = p[i]! * p[j]!;
  }

  /** The same of other stages, from ∂/∂Q; of the first one ∂/∂D alone. */
  #adjointOf({ n, middle, spread, free, count, z }: Room, isBetween: boolean): void {
    const [f, t, image] = [this.#f, this.#g, this.#second];
    for (let i = 0; i < n; i++) {
      const mi = middle[i]!;
      for (let j = 0; j < n; j++) t[i * n + j] = mi * f[i * n + j]! * middle[j]!;
    }
    for (let a = 0; a < count; a++) {
      const row = a * n;
      image.fill(0, row, row + n);
      addRows(image, row, n, t, 0, n, n, z, row, 1, 1);
      const i = free[a]!;
      this.#scratch[a] = spread[i]! ** 2 * f[i * n + i]! - dot(image, row, z, row, n);
    }
    if (!isBetween) return;
    for (let a = 0; a < count; a++) {
      const at = free[a]! * n;
      for (let l = 0; l < n; l++) t[at + l]! += image[a * n + l]!;
    }
    for (let i = 0; i < n; i++) for (let a = 0; a < count; a++) image[a * n + i] = dot(t, i * n, z, a * n, n);
    for (let a = 0; a < count; a++) {
      const column = free[a]!;
      for (let i = 0; i < n; i++) t[i * n + column]! += image[a * n + i]!;
    }
  }
}

/** Q = M (S + S_:U (D − S_UU)⁻¹ S_U:) M + e² D; for gradients Z = (D − S_UU)⁻¹ S_U: too. */
function behind(room: Room, withGradient: boolean): void {
  const { n, s, q, lower, x, z, middle, spread, free, count, d } = room;
  for (let a = 0; a < count; a++) {
    const row = a * n;
    const from = free[a]! * n;
    for (let j = 0; j < n; j++) x[row + j] = s[from + j]!;
    addRows(x, row, n, x, 0, n, a, lower, row, 1, -1);
    const reciprocal = 1 / lower[row + a]!;
    for (let j = 0; j < n; j++) x[row + j]! *= reciprocal;
  }
  for (let i = 0; i < n; i++) {
    const row = i * n;
    const mi = middle[i]!;
    if (mi === 0) q.fill(0, row, row + i + 1);
    else {
      for (let j = 0; j <= i; j++) q[row + j] = s[row + j]!;
      addRows(q, row, i + 1, x, 0, n, count, x, i, n, 1);
      for (let j = 0; j <= i; j++) q[row + j]! *= mi * middle[j]!;
    }
    for (let j = 0; j < i; j++) q[j * n + i] = q[row + j]!;
  }
  for (let a = 0; a < count; a++) {
    const i = free[a]!;
    q[i * n + i]! += spread[i]! ** 2 * d[a]!;
  }
  if (!withGradient) return;
  for (let a = count - 1; a >= 0; a--) {
    const row = a * n;
    for (let j = 0; j < n; j++) z[row + j] = x[row + j]!;
    addRows(z, row, n, z, row + n, n, count - 1 - a, lower, row + n + a, n, -1);
    const reciprocal = 1 / lower[row + a]!;
    for (let j = 0; j < n; j++) z[row + j]! *= reciprocal;
  }
}

/** (D − S_UU)⁻¹ from its Cholesky factor, whole or its diagonal alone. */
function inverseOf({ n, lower, count, inverse, x }: Room, whole: boolean): void {
  // x has been used up, and is the inverse of the factor now.
  for (let a = 0; a < count; a++) {
    const row = a * n;
    x.fill(0, row, row + count);
    x[row + a] = 1;
    addRows(x, row, a, x, 0, n, a, lower, row, 1, -1);
    const reciprocal = 1 / lower[row + a]!;
    for (let b = 0; b <= a; b++) x[row + b]! *= reciprocal;
  }
  for (let a = 0; a < count; a++) {
    const row = a * n;
    const first = whole ? 0 : a;
    inverse.fill(0, row + first, row + a + 1);
    addRows(inverse, row + first, a + 1 - first, x, row + first, n, count - a, x, row + a, n, 1);
    if (whole) for (let b = 0; b < a; b++) inverse[b * n + a] = inverse[row + b]!;
  }
}
