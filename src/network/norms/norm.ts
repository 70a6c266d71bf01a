/** Norms of inputs and outputs. */

/** ℓ2, ℓ∞ and ℓ1. */
export const NORMS = ['2', 'inf', '1'] as const;
export type Norm = (typeof NORMS)[number];

/** Norms whose balls around inputs are certified. */
export const BALL_NORMS = ['2', 'inf'] as const satisfies readonly Norm[];
export type BallNorm = (typeof BALL_NORMS)[number];

/** Behind the bars of a norm, and what it is called. */
export const NORM_SIGNS: Readonly<Record<Norm, string>> = { '2': '₂', inf: '∞', '1': '₁' };
export const NORM_NAMES: Readonly<Record<Norm, string>> = { '2': 'ℓ2', inf: 'ℓ∞', '1': 'ℓ1' };

/** What bounds are in: the changes of outputs in one norm, relative to those of inputs in another. */
export interface NormPair {
  readonly input: Norm;
  readonly output: Norm;
}

/** What bounds are in that say nothing else. */
export const EUCLIDEAN: NormPair = { input: '2', output: '2' };

export function isEuclidean({ input, output }: NormPair): boolean {
  return input === '2' && output === '2';
}

/** The norm of the functionals on vectors that are measured in another. */
export function dual(norm: Norm): Norm {
  return norm === '2' ? '2' : norm === 'inf' ? '1' : 'inf';
}

/** The norm of a vector as it is computed. */
export function normOf(x: ArrayLike<number>, norm: Norm): number {
  let most = 0;
  let sum = 0;
  let squares = 0;
  for (let n = 0; n < x.length; n++) {
    const size = Math.abs(x[n]!);
    if (!(size <= most)) most = size;
    sum += size;
    squares += size * size;
  }
  if (norm === 'inf') return most;
  return norm === '1' ? sum : Math.sqrt(squares);
}

/** The vector of norm 1 that has the largest product with another: the first of them where there are several; 0 for 0. */
export function steepest(gradient: Float64Array, norm: Norm): Float64Array {
  const length = normOf(gradient, '2');
  switch (norm) {
    case '2':
      return length > 0 && length < Infinity
        ? gradient.map((g) => g / length)
        : new Float64Array(gradient.length);
    case 'inf':
      return gradient.map(Math.sign);
    case '1': {
      const one = new Float64Array(gradient.length);
      let at = 0;
      for (let n = 1; n < gradient.length; n++) if (Math.abs(gradient[n]!) > Math.abs(gradient[at]!)) at = n;
      one[at] = Math.sign(gradient[at]!);
      return one;
    }
    default:
      return norm satisfies never;
  }
}
