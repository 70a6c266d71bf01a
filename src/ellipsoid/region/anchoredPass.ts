/** The closed-form pass for secants from a region's centre: ranges, sectors and multipliers of every stage, and what holds at the output. */
import { elementwiseEnclosure, U } from '../../network/evaluation/elementwiseEnclosure.ts';
import type { Ball } from '../../network/evaluation/enclosure.ts';
import type { Algebra } from './algebra.ts';
import type { Chain, Stage } from './chain.ts';
import type { Sectors } from './covariance.ts';
import type { Ranges } from './ranges.ts';
import { closedFormSectors, StageFunctions } from './sectors.ts';
import { advance, rangeOf, type State } from './state.ts';

/** What a pass has found of a stage. */
export interface StageReport {
  readonly anchor: Float64Array;
  /** Arguments of the functions on the region, the anchor among them. Of what is carried on nothing need be said: ±Infinity. */
  readonly low: Float64Array;
  readonly high: Float64Array;
  readonly sectors: Sectors;
}

export interface AnchoredPass {
  readonly stages: readonly StageReport[];
  readonly output: State;
}

/** A chain with what all passes share. */
export class PreparedChain {
  readonly chain: Chain;
  readonly functions: readonly StageFunctions[];
  readonly #values: readonly ((anchor: Ball) => Ball)[];

  constructor(chain: Chain) {
    this.chain = chain;
    this.functions = chain.stages.map((stage) => new StageFunctions(stage));
    this.#values = chain.stages.map(valuesOf);
  }

  /** The linear part behind stage k. */
  after(k: number) {
    return this.chain.stages[k + 1]?.linear ?? this.chain.last;
  }

  /** The first linear part. */
  get first() {
    return this.after(-1);
  }

  /** The output at a point. */
  enclose(x: Float64Array): Ball {
    let ball = this.first.enclose({ middle: x, radius: new Float64Array(x.length) });
    for (let k = 0; k < this.chain.stages.length; k++) ball = this.after(k).enclose(this.values(k, ball));
    return ball;
  }

  /** The functions of stage k on a ball. */
  values(k: number, anchor: Ball): Ball {
    return this.#values[k]!(anchor);
  }
}

/**
 * @param start in front of the first stage, or of the first that `before` does not hold
 * @param limits what is known besides of the arguments of the first stage
 * @param before the stages that were gone through already
 * @returns undefined where rounding leaves nothing to say
 */
export async function anchoredPass(
  algebra: Algebra,
  prepared: PreparedChain,
  start: State,
  limits?: Ranges,
  before: readonly StageReport[] = [],
): Promise<AnchoredPass | undefined> {
  const stages: StageReport[] = [...before];
  let state = start;
  for (const [k, stage] of prepared.chain.stages.entries()) {
    if (k < before.length) continue;
    const { anchor } = state;
    const n = anchor.length;
    const [low, high] = [new Float64Array(n), new Float64Array(n)];
    for (let i = 0; i < n; i++) {
      let [l, u] = rangeOf(state, i);
      if (k === 0 && limits) [l, u] = [Math.max(l, limits.low[i]!), Math.min(u, limits.high[i]!)];
      low[i] = Math.min(l, anchor[i]!);
      high[i] = Math.max(u, anchor[i]!);
    }
    const slopes = prepared.functions[k]!.anchored(anchor, undefined, low, high);
    const next = prepared.after(k);
    const sectors = await closedFormSectors(algebra, stage, next, state.covariance, slopes);
    const values = prepared.values(k, { middle: anchor, radius: new Float64Array(n) });
    const behind = await advance(algebra, next, state, sectors, values);
    if (!behind) return undefined;
    stages.push({ anchor, low, high, sectors });
    state = behind;
  }
  return { stages, output: state };
}

function valuesOf({ blocks }: Stage): (anchor: Ball) => Ball {
  const each = blocks.map((block) => ({
    ...block,
    near: block.function && elementwiseEnclosure(block.function),
  }));
  return ({ middle, radius }) => {
    const values = { middle: middle.slice(), radius: radius.slice() };
    for (const { start, size, image, near } of each) {
      if (!near) continue;
      for (let k = 0; k < size; k++) {
        const i = start + k;
        const { value, valueRadius } = near(middle[i]!, radius[i]!, Math.floor(k / image));
        values.middle[i] = value;
        values.radius[i] = valueRadius * (1 + 4 * U);
      }
    }
    return values;
  };
}
