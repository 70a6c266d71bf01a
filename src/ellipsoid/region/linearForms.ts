/**
 * What a region says of the arguments of functions: linear forms in the inputs and in what functions add to them, and intervals
 * (docs/mathematics.md §8). All errors of rounding are in it.
 */
import { U } from '../../network/evaluation/elementwiseEnclosure.ts';
import type { Ball } from '../../network/evaluation/enclosure.ts';
import type { Algebra } from './algebra.ts';
import type { PreparedChain } from './anchoredPass.ts';
import { type LinesOf, linesAlongChords } from './chords.ts';
import { gamma } from './covariance.ts';
import { farthest, type Region } from './limits.ts';
import type { LinearPart } from './linearPart.ts';
import type { Ranges } from './ranges.ts';

/** More than what products that are too small for float64 lose, for each unit of reach. */
const UNDERFLOW = 2 ** -1000;
/** More than the root of what a square loses that is too small. */
const LOST_IN_SQUARE = 2 ** -500;

export class LinearForms {
  readonly #algebra: Algebra;
  readonly #prepared: PreparedChain;
  readonly #region: Region;
  readonly #inputs: number;
  readonly #underflow: number;
  /** Rows of additions that are kept; what the oldest beyond it say goes into the errors. */
  readonly #mostAdditions: number;
  /** y is within `radius` of `middle` + Σ ξ_g · row g. */
  #ball: Ball;
  /** [rows × entries]: one of each input, ξ being how far it is from the centre, and one of each addition, where |ξ| ≤ 1. */
  #rows: Float64Array;
  /** By interval arithmetic; none where forms say all of it. */
  #intervals: Ball | undefined;

  private constructor(algebra: Algebra, prepared: PreparedChain, region: Region) {
    const { chain } = prepared;
    this.#algebra = algebra;
    this.#prepared = prepared;
    this.#region = region;
    this.#inputs = chain.inputs;
    this.#underflow = UNDERFLOW * (1 + region.radius);
    this.#mostAdditions = Math.max(chain.inputs, ...chain.stages.map(({ linear }) => linear.outputs));
    this.#ball = { middle: region.centre, radius: new Float64Array(chain.inputs) };
    this.#rows = new Float64Array(0);
  }

  /**
   * In front of the first stage.
   * @param first what `rowsOfInputs` gives for the same chain, where it is at hand
   */
  static async start(
    algebra: Algebra,
    prepared: PreparedChain,
    region: Region,
    first?: Float64Array,
  ): Promise<LinearForms> {
    const forms = new LinearForms(algebra, prepared, region);
    const sizes = Float64Array.from({ length: prepared.chain.inputs }, (_, g) => forms.#most(g));
    const far = sizes.reduce((sum, value) => sum + value, 0);
    forms.#ball = forms.#enclosed(prepared.first, forms.#ball, sizes, far);
    forms.#rows = first ?? (await LinearForms.rowsOfInputs(algebra, prepared));
    return forms;
  }

  /** The first linear part, [inputs × outputs], which regions share. */
  static rowsOfInputs(algebra: Algebra, { first }: PreparedChain): Promise<Float64Array> {
    const n = first.inputs;
    const unit = new Float64Array(n * n);
    for (let i = 0; i < n; i++) unit[i * (n + 1)] = 1;
    return first.rows(algebra, unit, n);
  }

  /** From the first stage to the output, by what is known here alone. */
  async toOutput(): Promise<void> {
    for (let k = 0; k < this.#prepared.chain.stages.length; k++) await this.pass(k, this.ranges());
  }

  /** Of the arguments of the next functions, by what is known here alone. */
  ranges(): Ranges {
    const entries = this.#ball.middle.length;
    const ranges = {
      low: new Float64Array(entries).fill(-Infinity),
      high: new Float64Array(entries).fill(Infinity),
    };
    this.narrow(ranges);
    return ranges;
  }

  /** Makes ranges smaller where more is known here. */
  narrow({ low, high }: Ranges): void {
    const n = low.length;
    const { middle, radius } = this.#ball;
    const additions = absoluteSums(this.#rows.subarray(this.#inputs * n), n);
    const error = gamma(this.#rows.length / n + 8);
    const ofInputs = this.#reaches(n);
    for (let i = 0; i < n; i++) {
      const beside = (additions[i]! + radius[i]!) * (1 + error) + this.#underflow;
      narrowTo(low, high, i, middle[i]!, ofInputs.below[i]! + beside, ofInputs.above[i]! + beside);
      if (this.#intervals) {
        const around = this.#intervals.radius[i]!;
        narrowTo(low, high, i, this.#intervals.middle[i]!, around, around);
      }
    }
  }

  /** The largest y_j − y_i, from above. */
  largestDifference(j: number, i: number): number {
    const { middle, radius } = this.#ball;
    const n = middle.length;
    const count = this.#rows.length / n;
    const weight = new Float64Array(this.#inputs);
    let beside = radius[j]! + radius[i]!;
    let sizes = 0;
    for (let g = 0, at = 0; g < count; g++, at += n) {
      const difference = this.#rows[at + j]! - this.#rows[at + i]!;
      if (g < this.#inputs) weight[g] = difference;
      else beside += Math.abs(difference);
      sizes += this.#most(g) * Math.abs(difference);
    }
    const index = Int32Array.from({ length: this.#inputs }, (_, g) => g);
    const reach = this.#reach(index, weight, 1);
    const error =
      2 * gamma(count + 8) * (sizes + beside) + 8 * U * (Math.abs(middle[j]!) + Math.abs(middle[i]!) + reach);
    return middle[j]! - middle[i]! + reach + beside + error + this.#underflow;
  }

  /** The largest ±g·Δ of every entry, from above. */
  #reaches(n: number): { above: Float64Array; below: Float64Array } {
    if (!this.#region.slack) {
      const squares = new Float64Array(n);
      const rows = this.#rows;
      for (let from = 0; from < this.#inputs * n; from += n)
        for (let i = 0; i < n; i++) squares[i]! += rows[from + i]! * rows[from + i]!;
      const both = squares.map((sum) => this.#inBall(sum));
      return { above: both, below: both };
    }
    const [above, below] = [new Float64Array(n), new Float64Array(n)];
    const index = new Int32Array(this.#inputs);
    const weight = new Float64Array(this.#inputs);
    for (let i = 0; i < n; i++) {
      let count = 0;
      for (let g = 0, at = i; g < this.#inputs; g++, at += n) {
        if (this.#rows[at] === 0) continue;
        index[count] = g;
        weight[count++] = this.#rows[at]!;
      }
      above[i] = this.#reach(index.subarray(0, count), weight.subarray(0, count), 1);
      below[i] = this.#reach(index.subarray(0, count), weight.subarray(0, count), -1);
    }
    return { above, below };
  }

  #reach(index: Int32Array, weight: Float64Array, sign: 1 | -1): number {
    const { radius, slack } = this.#region;
    if (slack) return farthest(index, weight, sign, radius, slack);
    return this.#inBall(weight.reduce((sum, value) => sum + value * value, 0));
  }

  /** √squares · radius, rounded up. */
  #inBall(squares: number): number {
    const root = Math.sqrt(squares) * (1 + gamma(this.#inputs + 8)) + this.#inputs * LOST_IN_SQUARE;
    return root * this.#region.radius * (1 + 4 * U) + this.#underflow;
  }

  /** The largest |ξ| of row g. */
  #most(g: number): number {
    const { radius, slack } = this.#region;
    if (g >= this.#inputs) return 1;
    return slack ? Math.max(Math.abs(slack.low[g]!), Math.abs(slack.high[g]!)) : radius;
  }

  /**
   * Through the functions of stage k, whose arguments keep to `ranges`, and the linear part that follows. Of y in [l, u], with m near the
   * slope of the chord: φ(y) = φ(l) + m (y − l) + g, and secants from both ends say how far g is from 0.
   * @param linesOf what stands for the functions, where these are others than the chain's
   */
  async pass(k: number, ranges: Ranges, linesOf: LinesOf = linesAlongChords): Promise<void> {
    const next = this.#prepared.after(k);
    const { slope, value, addition, image } = linesOf(this.#prepared, k, ranges, this.#ball);
    const n = slope.length;
    const before = this.#rows;
    const inputs = this.#inputs;
    const uncertain = Int32Array.from(addition.keys()).filter((i) => addition[i]! > 0);
    const dropped = Math.max(0, before.length / n - inputs + uncertain.length - this.#mostAdditions);
    const kept = before.length / n - dropped;
    const sizes = addition.slice();
    // Columns of C are images of units: what these lose counts as often as the addition is large.
    let far = addition.reduce((sum, value) => sum + value, uncertain.length);
    const rows = new Float64Array(kept * n);
    for (let g = 0, from = 0, at = 0; g < kept; g++) {
      if (g === inputs) from += dropped * n;
      const most = this.#most(g);
      far += most;
      for (let i = 0; i < n; i++, from++, at++) {
        const scaled = before[from]! * slope[i]!;
        rows[at] = scaled;
        sizes[i]! += most * Math.abs(scaled);
      }
    }
    const lost = absoluteSums(before.subarray(inputs * n, (inputs + dropped) * n), n);
    for (let i = 0; i < n; i++)
      value.radius[i]! += Math.abs(slope[i]!) * lost[i]! * (1 + gamma(dropped + 8)) + this.#underflow;
    this.#ball = this.#enclosed(next, value, sizes, far);
    const through = await next.rows(this.#algebra, rows, kept);
    this.#rows = new Float64Array((kept + uncertain.length) * next.outputs);
    this.#rows.set(through);
    const factors = Float64Array.from(uncertain, (i) => addition[i]!);
    const to = uncertain.map((_, j) => kept + j);
    await next.addColumns(this.#algebra, this.#rows, uncertain, factors, to);
    this.#intervals = next.enclose(image);
  }

  /**
   * C y + b, and what rows through C are off by.
   * @param sizes Σ_g |ξ_g| |row g| at most
   * @param far Σ_g |ξ_g|, and what columns of C are multiplied with, at most
   */
  #enclosed(linear: LinearPart, y: Ball, sizes: Float64Array, far: number): Ball {
    const { middle, radius } = linear.enclose(y);
    const factor = 2 * gamma(linear.roundings + 8);
    const rows = this.#mostAdditions + this.#inputs;
    const rounding = linear.absolute(sizes.map((value) => value * (1 + gamma(rows + 8))));
    const lost = linear.underflow();
    return {
      middle,
      radius: radius.map((value, i) => (value + factor * rounding[i]! + 2 * far * lost[i]!) * (1 + 4 * U)),
    };
  }
}

/** Σ_g |a_gi| of A [… × n], for every i. */
function absoluteSums(a: Float64Array, n: number): Float64Array {
  const sums = new Float64Array(n);
  for (let from = 0; from < a.length; from += n)
    for (let i = 0; i < n; i++) sums[i]! += Math.abs(a[from + i]!);
  return sums;
}

/** NaN narrows nothing. */
function narrowTo(
  low: Float64Array,
  high: Float64Array,
  i: number,
  centre: number,
  below: number,
  above: number,
): void {
  const slack = 2 * U * (Math.abs(centre) + above + below);
  const [l, u] = [centre - below - slack, centre + above + slack];
  if (l > low[i]!) low[i] = l;
  if (u < high[i]!) high[i] = u;
}
