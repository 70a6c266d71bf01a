/** Covariances of increments at a point, within a ball around it or a box, in closed form (docs/mathematics.md §8). */
import { U } from '../../network/evaluation/elementwiseEnclosure.ts';
import type { Algebra } from './algebra.ts';
import type { PreparedChain } from './anchoredPass.ts';
import { covarianceBehind, covarianceOfEllipsoid, covarianceOfInputs } from './covariance.ts';
import type { Region } from './limits.ts';
import { LinearForms } from './linearForms.ts';
import { closedFormSectors, relativeMultipliers, type SlopesOfStage } from './sectors.ts';

/** `anchored`: increments from the centre; `incremental`: between any two points of the region. */
export type LocalKind = 'anchored' | 'incremental';

/** Increments of inputs in ℓ∞: the ellipsoid that holds those of norm 1, and the largest distance of a point of the region from its centre. */
export interface Boxed {
  /** Σ 1/σ ≤ 1. */
  readonly sigma: Float64Array;
  readonly reach: number;
}

export interface LocalPass {
  /** Of the output's increments. */
  readonly covariance: Float64Array;
  /** Of each stage, for increments of the kind. */
  readonly stages: readonly LocalStage[];
}

export interface LocalStage {
  readonly slopes: SlopesOfStage;
  /** ln of the multipliers of the uncertain entries, relative to the row sums of S among them (§5). */
  readonly theta: Float64Array;
}

/**
 * The covariance of the output's increments, for input increments of norm 1: in ℓ2, or in ℓ∞ where the region is boxed.
 *
 * Here secants start where the network really is, which is enclosed; so increments are proportional, and the bound is one on slopes. Ranges
 * are those of the anchored kind for both, and of linear forms.
 * @param withForms whether they are, which boxes need
 * @returns undefined where rounding leaves nothing to say
 */
export async function localPass(
  algebra: Algebra,
  prepared: PreparedChain,
  region: Region,
  kind: LocalKind,
  withForms: boolean,
  boxed?: Boxed,
): Promise<LocalPass | undefined> {
  const { chain, first } = prepared;
  const { centre } = region;
  const radius = boxed?.reach ?? region.radius;
  let ball = first.enclose({ middle: centre, radius: new Float64Array(centre.length) });
  let anchored = boxed
    ? await covarianceOfEllipsoid(
        algebra,
        first,
        await LinearForms.rowsOfInputs(algebra, prepared),
        boxed.sigma,
      )
    : await covarianceOfInputs(algebra, first);
  let covariance = anchored;
  const stages: LocalStage[] = [];
  const forms = withForms ? await LinearForms.start(algebra, prepared, region) : undefined;
  for (const [k, stage] of chain.stages.entries()) {
    const { middle, radius: error } = ball;
    const n = middle.length;
    const reach = middle.map((_, i) => {
      const all = radius * Math.sqrt(Math.max(0, anchored[i * (n + 1)]!)) * (1 + 4 * U) + error[i]!;
      return all + 4 * U * (Math.abs(middle[i]!) + all) + 2 ** -1000;
    });
    const [low, high] = [middle.map((y, i) => y - reach[i]!), middle.map((y, i) => y + reach[i]!)];
    forms?.narrow({ low, high });
    const functions = prepared.functions[k]!;
    const next = prepared.after(k);
    const pass = async (s: Float64Array, slopes: SlopesOfStage) => {
      const sectors = await closedFormSectors(algebra, stage, next, s, slopes, true);
      const behind = await covarianceBehind(algebra, next, s, sectors);
      return behind && { ...behind, stage: { slopes, theta: relativeMultipliers(s, sectors) } };
    };
    const within =
      kind === 'incremental' ? await pass(covariance, functions.incremental(low, high)) : undefined;
    // Behind the last stage nobody asks for ranges.
    const last = k + 1 === chain.stages.length;
    const from = last && within ? within : await pass(anchored, functions.anchored(middle, error, low, high));
    if (!from || (kind === 'incremental' && !within)) return undefined;
    anchored = from.covariance;
    ({ covariance } = within ?? from);
    stages.push((within ?? from).stage);
    if (!last) await forms?.pass(k, { low, high });
    ball = next.enclose(prepared.values(k, ball));
  }
  return { covariance, stages };
}
