/** Why a certificate is rejected: what it claims is wrong, not proven, or not covered by the checker. */
export class Refusal extends Error {
  override readonly name = 'Refusal';
}

/** Fails on NaN as well: write conditions so that they hold for what is right. */
export function demand(holds: boolean, reason: string): asserts holds {
  if (!holds) throw new Refusal(reason);
}
