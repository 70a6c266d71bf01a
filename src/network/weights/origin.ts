/**
 * Where arrays of weights come from. Gradients of a bound are found for the arrays that it is computed from, and go back along this to
 * those of a file: an array of which nothing is known here is one that somebody has computed.
 */
import { type Numbers, transposedNumbers } from '../numbers.ts';

/** An array as it is stored; without a name, one that nobody has read from a file. */
export interface Stored {
  readonly name?: string;
  readonly shape?: readonly number[];
}

export interface Origin {
  readonly of: Stored;
  /** From the gradient of the array to that of the stored one, in its order. */
  readonly back: (gradient: Float64Array) => Float64Array;
}

const origins = new WeakMap<ArrayLike<number>, Origin | 'constant'>();

/** Undefined where it is not known; `constant` for numbers that are no weights. */
export function originOf(values: ArrayLike<number>): Origin | 'constant' | undefined {
  return origins.get(values);
}

/** Notes that numbers are those of a file under a name, in this shape. */
export function stored(values: Numbers, name: string, shape: readonly number[]): void {
  origins.set(values, { of: { name, shape }, back: (gradient) => gradient });
}

/** The origin of an array, which is a stored one of its own where nothing else is known. */
export function ownOrigin(values: Numbers): Origin | 'constant' {
  let origin = origins.get(values);
  if (!origin) {
    origin = { of: {}, back: (gradient) => gradient };
    origins.set(values, origin);
  }
  return origin;
}

/** The numbers, which are no weights: gradients stop here. */
export function constants<N extends Numbers>(values: N): N {
  origins.set(values, 'constant');
  return values;
}

/**
 * The result, which is linear in `from`: what was known of that is known of it.
 * @param back from the gradient of the result to that of `from`; it should hold neither
 */
export function madeOf<N extends Numbers>(
  result: N,
  from: Numbers,
  back: (gradient: Float64Array) => Float64Array,
): N {
  const origin = origins.get(from);
  if (origin === 'constant') origins.set(result, origin);
  else if (origin && result !== (from as Numbers))
    origins.set(result, { of: origin.of, back: (gradient) => origin.back(back(gradient)) });
  return result;
}

/** The result, whose entry k is entry `sources[k]` of `from`, or 0 for −1. */
export function movedFrom<N extends Numbers>(result: N, from: Numbers, sources: () => ArrayLike<number>): N {
  const { length } = from;
  return madeOf(result, from, (gradient) => {
    const sum = new Float64Array(length);
    const at = sources();
    for (let k = 0; k < gradient.length; k++) if (at[k]! >= 0) sum[at[k]!]! += gradient[k]!;
    return sum;
  });
}

/** The transpose of a matrix of so many columns. */
export function transposedFrom<N extends Numbers>(result: N, from: Numbers, columns: number): N {
  const rows = from.length / columns;
  return madeOf(result, from, (gradient) => transposedNumbers(gradient, rows) as Float64Array);
}
