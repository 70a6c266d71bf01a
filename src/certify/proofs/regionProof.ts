/** What the passes of a prover have used, written down for those who check it: multipliers of every argument of a function. */
import type { RegionProof } from '../../certificate/certifyRegion.ts';
import type { AnchoredPass } from '../../ellipsoid/region/anchoredPass.ts';
import type { Chain } from '../../ellipsoid/region/chain.ts';
import type { Sectors } from '../../ellipsoid/region/covariance.ts';

/**
 * Arguments whose slope is certain here may not be so for a checker whose ranges are wider by its own rounding. Their multipliers are so many
 * times larger than any that is needed, and e² = q/D as small, which costs next to nothing: they hardly change sides.
 */
const LARGE = 2 ** 20;
const SMALL = 2 ** -40;
/** Of the square of the farthest move in a stage: less is of what moves by rounding alone, of which the checker's is larger. */
const SHARE = 2 ** -26;
/** Multipliers of certificates are within these. */
const [LEAST, MOST] = [2 ** -200, 2 ** 200];

export function proofOf(
  { stages }: Chain,
  radius: number,
  { stages: reports }: AnchoredPass,
  centres: readonly { readonly offset: Float64Array | null; readonly sectors: readonly Sectors[] }[],
): RegionProof {
  const written = (of: readonly Sectors[]) =>
    stages.flatMap(({ blocks }, k) => {
      const { low, high } = reports[k]!;
      const { middle, uncertain, multipliers, spread } = of[k]!;
      const reach = low.reduce((most, l, i) => Math.max(most, (high[i]! - l) / radius), 0);
      const certain = bounded(LARGE * reach * reach);
      const all = {
        multipliers: new Float64Array(low.length).fill(certain),
        spread: new Float64Array(low.length).fill(certain * SMALL),
      };
      for (const [n, i] of uncertain.entries()) {
        const multiplier = bounded(Math.max(multipliers[n]!, SHARE * reach * reach));
        all.multipliers[i] = multiplier;
        all.spread[i] = bounded(spread[n]! * (multiplier / multipliers[n]!));
      }
      return blocks.flatMap(({ start, size, name, function: f }) => {
        const own = (values: Float64Array) => values.slice(start, start + size);
        return f
          ? [{ name, multipliers: own(all.multipliers), spread: own(all.spread), middle: own(middle) }]
          : [];
      });
    });
  return {
    layers: written(reports.map(({ sectors }) => sectors)).map(({ name, multipliers }) => ({
      name,
      multipliers,
    })),
    centres: centres.map(({ offset, sectors }) => ({ offset, layers: written(sectors) })),
  };
}

function bounded(x: number): number {
  return Math.min(Math.max(x, LEAST), MOST);
}
