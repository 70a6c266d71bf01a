/** Sparse linear forms over the coordinates of a linear matrix inequality. */

/** z ↦ Σ coefficient · z_k, coordinates with a coefficient of zero left out. */
export type Form = ReadonlyMap<number, number>;

/** z ↦ z_k */
export function coordinate(k: number): Form {
  return new Map([[k, 1]]);
}

/** The coordinates first, first + 1, … */
export function coordinates(first: number, count: number): Form[] {
  return Array.from({ length: count }, (_, k) => coordinate(first + k));
}

/** Σ_k weights[k] · forms[k] */
export function combination(weights: ArrayLike<number>, forms: readonly Form[]): Form {
  const sum = new Map<number, number>();
  for (let k = 0; k < forms.length; k++) {
    const weight = weights[k]!;
    if (weight === 0) continue;
    for (const [at, value] of forms[k]!) sum.set(at, (sum.get(at) ?? 0) + weight * value);
  }
  return sum;
}
