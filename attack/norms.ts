/** Slopes in ℓ2, ℓ∞ and ℓ1: what the library is asked for in other norms, measured without it. */
import { Exact } from './evaluate/exact.ts';
import { squaredNorm } from './evaluate/exactSlope.ts';

type Norm = '2' | 'inf' | '1';

/** How changes of inputs and of outputs are measured. */
export interface Norms {
  readonly input: Norm;
  readonly output: Norm;
}

export const EUCLIDEAN: Norms = { input: '2', output: '2' };

/** In ℓ2 without overflow. */
export function sizeOf(x: ArrayLike<number>, norm: Norm): number {
  let largest = 0;
  for (let k = 0; k < x.length; k++) {
    const size = Math.abs(x[k]!);
    if (!(size <= largest)) largest = size;
  }
  if (norm === 'inf' || !(largest > 0 && largest < Infinity)) return largest;
  let sum = 0;
  for (let k = 0; k < x.length; k++) {
    const part = Math.abs(x[k]!) / largest;
    sum += norm === '1' ? part : part ** 2;
  }
  return largest * (norm === '1' ? sum : Math.sqrt(sum));
}

/** In ℓ2. */
export function norm(x: ArrayLike<number>): number {
  return sizeOf(x, '2');
}

/** The vector of size 1 along which a linear function climbs fastest; 0 where it is flat, or not finite. */
export function steepestVector(gradient: Float64Array, norm: Norm): Float64Array {
  const size = sizeOf(gradient, '2');
  if (!(size > 0 && size < Infinity)) return new Float64Array(gradient.length);
  switch (norm) {
    case '2':
      return gradient.map((entry) => entry / size);
    case 'inf':
      return gradient.map(Math.sign);
    case '1': {
      let at = 0;
      for (let k = 1; k < gradient.length; k++) if (Math.abs(gradient[k]!) > Math.abs(gradient[at]!)) at = k;
      return new Float64Array(gradient.length).fill(Math.sign(gradient[at]!), at, at + 1);
    }
    default:
      throw new Error(`unknown norm ${norm satisfies never}`);
  }
}

/** The linear function of outputs, of slope 1, that is as large as the norm of these. */
export function steepestFunctional(outputs: Float64Array, norm: Norm): Float64Array {
  return steepestVector(outputs, norm === 'inf' ? '1' : norm === '1' ? 'inf' : '2');
}

/** log2 of the size of f′(x; d) over that of d, without rounding but for the logarithm; −Infinity for zero. */
export function log2Slope(derivative: readonly Exact[], direction: Float64Array, norms: Norms): number {
  const over = log2Size(derivative, norms.output);
  return over === -Infinity ? over : over - log2Size([...direction].map(Exact.of), norms.input);
}

function log2Size(entries: readonly Exact[], norm: Norm): number {
  if (norm === '2') {
    const squares = squaredNorm(entries);
    return squares.sign === 0 ? -Infinity : squares.log2() / 2;
  }
  const sizes = entries.map((entry) => entry.absolute);
  const size =
    norm === '1'
      ? sizes.reduce((sum, entry) => sum.plus(entry), Exact.ZERO)
      : sizes.reduce((most, entry) => (entry.compare(most) > 0 ? entry : most), Exact.ZERO);
  return size.sign === 0 ? -Infinity : size.log2();
}
