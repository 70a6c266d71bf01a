/**
 * What a box, or what it leaves of a ball, says of the arguments of functions: linear forms in the inputs and in what functions add to them,
 * and intervals (docs/mathematics.md §8). All errors of rounding are in it.
 */
import { U } from '../../network/evaluation/elementwiseEnclosure.ts';
import type { Ball } from '../../network/evaluation/enclosure.ts';
import type { Algebra } from './algebra.ts';
import type { PreparedChain } from './anchoredPass.ts';
import { linesAlongChords, type Ranges } from './chords.ts';
import { gamma } from './covariance.ts';
import { farthest, type Slack } from './limits.ts';
import type { LinearPart } from './linearPart.ts';

/** More than what products that are too small for float64 lose, for each unit of reach. */
const UNDERFLOW = 2 ** -1000;

export class LinearForms {
  readonly #algebra: Algebra;
  readonly #prepared: PreparedChain;
  readonly #reach: number;
  readonly #slack: Slack;
  readonly #underflow: number;
  /** Rows of additions that are kept; what the oldest beyond it say goes into the errors. */
  readonly #mostAdditions: number;
  /** y is within `radius` of `middle` + Σ ξ_g · row g. */
  #ball: Ball;
  /** [rows × entries]: one of each input, ξ being how far it is from the centre, and one of each addition, where |ξ| ≤ 1. */
  #rows: Float64Array;
  /** By interval arithmetic; none where forms say all of it. */
  #intervals: Ball | undefined;

  private constructor(
    algebra: Algebra,
    prepared: PreparedChain,
    centre: Float64Array,
    reach: number,
    slack: Slack,
  ) {
    const { chain } = prepared;
    this.#algebra = algebra;
    this.#prepared = prepared;
    this.#reach = reach;
    this.#slack = slack;
    this.#underflow = UNDERFLOW * (1 + reach);
    this.#mostAdditions = Math.max(chain.inputs, ...chain.stages.map(({ linear }) => linear.outputs));
    this.#ball = { middle: centre, radius: new Float64Array(centre.length) };
    this.#rows = new Float64Array(centre.length ** 2);
    for (let i = 0; i < centre.length; i++) this.#rows[i * (centre.length + 1)] = 1;
  }

  /** In front of the first stage, for inputs within `reach` of `centre` (ℓ2) that keep within `slack` of it. */
  static async start(
    algebra: Algebra,
    prepared: PreparedChain,
    centre: Float64Array,
    reach: number,
    slack: Slack,
  ): Promise<LinearForms> {
    const forms = new LinearForms(algebra, prepared, centre, reach, slack);
    await forms.#pass(prepared.first);
    return forms;
  }

  /** Makes ranges smaller where more is known here. */
  narrow({ low, high }: Ranges): void {
    const n = low.length;
    const { middle, radius } = this.#ball;
    const inputs = this.#slack.low.length;
    const index = Int32Array.from({ length: inputs }, (_, g) => g);
    const weight = new Float64Array(inputs);
    const additions = absoluteSums(this.#rows.subarray(inputs * n), n);
    const error = gamma(this.#rows.length / n + 8);
    for (let i = 0; i < n; i++) {
      for (let g = 0; g < inputs; g++) weight[g] = this.#rows[g * n + i]!;
      const beside = (additions[i]! + radius[i]!) * (1 + error) + this.#underflow;
      const above = farthest(index, weight, 1, this.#reach, this.#slack) + beside;
      const below = farthest(index, weight, -1, this.#reach, this.#slack) + beside;
      narrowTo(low, high, i, middle[i]!, below, above);
      if (this.#intervals) {
        const around = this.#intervals.radius[i]!;
        narrowTo(low, high, i, this.#intervals.middle[i]!, around, around);
      }
    }
  }

  /**
   * Through the functions of stage k, whose arguments keep to `ranges`, and the linear part that follows. Of y in [l, u], with m near the
   * slope of the chord: φ(y) = φ(l) + m (y − l) + g, and secants from both ends say how far g is from 0.
   */
  async pass(k: number, ranges: Ranges): Promise<void> {
    const next = this.#prepared.after(k);
    const { slope, value, addition, image } = linesAlongChords(this.#prepared, k, ranges, this.#ball);
    const n = slope.length;
    const before = this.#rows.length / n;
    const inputs = this.#slack.low.length;
    const uncertain = Int32Array.from(addition.keys()).filter((i) => addition[i]! > 0);
    const dropped = Math.max(0, before - inputs + uncertain.length - this.#mostAdditions);
    const kept = before - dropped;
    const rows = new Float64Array((kept + uncertain.length) * n);
    for (let g = 0, from = 0, at = 0; g < kept; g++) {
      if (g === inputs) from += dropped * n;
      for (let i = 0; i < n; i++, from++, at++) rows[at] = this.#rows[from]! * slope[i]!;
    }
    const lost = absoluteSums(this.#rows.subarray(inputs * n, (inputs + dropped) * n), n);
    for (let i = 0; i < n; i++)
      value.radius[i]! += Math.abs(slope[i]!) * lost[i]! * (1 + gamma(dropped + 8)) + this.#underflow;
    for (const [j, i] of uncertain.entries()) rows[(kept + j) * n + i] = addition[i]!;
    this.#rows = rows;
    this.#ball = value;
    await this.#pass(next);
    this.#intervals = next.enclose(image);
  }

  async #pass(linear: LinearPart): Promise<void> {
    const n = linear.inputs;
    const count = this.#rows.length / n;
    const sizes = new Float64Array(n);
    let far = 0;
    const { low, high } = this.#slack;
    for (let g = 0, at = 0; g < count; g++) {
      const most = g < low.length ? Math.max(Math.abs(low[g]!), Math.abs(high[g]!)) : 1;
      far += most;
      for (let i = 0; i < n; i++, at++) sizes[i]! += most * Math.abs(this.#rows[at]!);
    }
    const { middle, radius } = linear.enclose(this.#ball);
    const factor = 2 * gamma(linear.roundings + 8);
    const rounding = linear.absolute(sizes.map((value) => value * (1 + gamma(count + 8))));
    const lost = linear.underflow();
    this.#ball = {
      middle,
      radius: radius.map((value, i) => (value + factor * rounding[i]! + 2 * far * lost[i]!) * (1 + 4 * U)),
    };
    this.#rows = await linear.rows(this.#algebra, this.#rows, count);
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
