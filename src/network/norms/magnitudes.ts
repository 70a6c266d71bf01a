/** How large the entries of a network's tensors can become, whatever its input is. */
import { channelEntries, slopeInterval, valueAt } from '../elementwise/elementwise.ts';
import type { Elementwise } from '../elementwise/table.ts';
import { largestModulus } from '../extremes.ts';
import type { GroupFunction } from '../groups/table.ts';
import type { Numbers } from '../numbers.ts';
import type { Operator } from '../operator.ts';
import { unknownOperator } from '../shape.ts';
import { product } from '../size.ts';

/** What no entry of a tensor exceeds in modulus. */
export interface Magnitude {
  /** Infinity where nothing is known; rounded up. */
  readonly most: number;
  /** Whether it may be another at another length of the signal. */
  readonly ofLength: boolean;
}

export const UNKNOWN: Magnitude = { most: Number.POSITIVE_INFINITY, ofLength: false };

/**
 * The magnitude of what an operator makes.
 * @param inputs those of its inputs, whose first has the shape `shape`
 */
export function magnitudeOf(
  operator: Operator,
  inputs: readonly Magnitude[],
  shape: readonly number[],
): Magnitude {
  const most = inputs.reduce((top, input) => Math.max(top, input.most), 0);
  const ofLength = inputs.some((input) => input.ofLength);
  const found = (value: number): Magnitude =>
    // NaN comes of 0 · ∞. What has left float64 at its lower end is no 0: what follows may make it large again.
    value < Number.POSITIVE_INFINITY ? { most: Math.max(value, LEAST), ofLength } : UNKNOWN;
  switch (operator.kind) {
    case 'nonlinearity': {
      const level = levelOf(operator.function);
      return level <= grown(operator.function, most)
        ? { most: level, ofLength: false }
        : found(grown(operator.function, most));
    }
    case 'grouped': {
      const level = groupLevelOf(operator.function);
      if (level !== undefined) return { most: level, ofLength: false };
      const largest = operator.groups.reduce((n, { length }) => Math.max(n, length), 0);
      return found(groupGrown(operator.function, most, largest));
    }
    case 'softmax':
      return operator.logarithm ? UNKNOWN : { most: 1, ofLength: false };
    case 'affine':
      return found(image(operator.weight, operator.inputs, most, operator, operator.bias));
    case 'convolution':
      return found(
        image(operator.weight, operator.weight.length / operator.outputs, most, operator, operator.bias),
      );
    case 'transposed-convolution':
      // Which taps come together is another question.
      return found(image(operator.weight, operator.weight.length, most, operator, operator.bias));
    case 'scale':
      return found(
        largestModulus(operator.scale) * most * off(operator) +
          largestModulus(operator.shift ?? []) * off(operator) +
          // Of a difference in which nearly everything has cancelled, errors are what is left.
          largestModulus(operator.shiftMagnitude ?? []) * (off(operator) - 1),
      );
    case 'add':
      return found(
        operator.coefficients.reduce((sum, c, k) => sum + Math.abs(c) * inputs[k]!.most, 0) *
          off(operator) *
          UP,
      );
    case 'global-average-pool': {
      if (!operator.sum) return found(most);
      const sum = found(most * product(shape.slice(1)) * UP);
      return sum.most < Number.POSITIVE_INFINITY ? { ...sum, ofLength: true } : sum;
    }
    case 'average-pool':
    case 'max-pool':
    case 'max-gather':
    case 'global-max-pool':
    case 'pad':
    case 'reindex':
    case 'gather':
    case 'concat':
      return found(most);
    default:
      throw unknownOperator(operator);
  }
}

/** Above sums of numbers that float64 does not tell from 0, below anything that matters beside a factor that it does. */
const LEAST = 2 ** -900;

/** More than what roundings in sums of fewer than 2³² terms may have lost. */
const UP = 1 + 2 ** -20;

/** What weights that are off by their roundings may be larger by. */
function off({ roundings = 0 }: { readonly roundings?: number }): number {
  return (1 + 2 * roundings * 2 ** -53) * UP;
}

/** Largest sum of moduli of `columns` weights one after the other, times `most`, and the largest bias. */
function image(
  weight: Numbers,
  columns: number,
  most: number,
  weighted: { readonly roundings?: number },
  bias: Float64Array | undefined,
): number {
  if (!(most < Number.POSITIVE_INFINITY)) return most;
  let largest = 0;
  for (let start = 0; start < weight.length; start += columns) {
    let sum = 0;
    for (let k = start; k < start + columns; k++) sum += Math.abs(weight[k]!);
    largest = Math.max(largest, sum);
  }
  return (largest * most + largestModulus(bias ?? [])) * off(weighted);
}

/** What a function of one number never exceeds. */
function levelOf(f: Elementwise): number {
  switch (f.name) {
    case 'sigmoid':
    case 'sigmoid-square':
    case 'hard-sigmoid':
    case 'tanh':
    case 'tanh-square':
    case 'softsign':
    case 'gaussian':
    case 'erf':
    case 'sin':
    case 'cos':
      return 1;
    case 'atan':
      return Math.PI / 2 + 2 ** -50;
    case 'clip':
      return Math.max(Math.abs(f.min), Math.abs(f.max));
    default:
      return Number.POSITIVE_INFINITY;
  }
}

/** What it does not exceed at numbers of at most `most`: f(0) and the steepest slope. */
function grown(f: Elementwise, most: number): number {
  if (!(most < Number.POSITIVE_INFINITY)) return most;
  const { lower, upper } = slopeInterval(f);
  const slope = Math.max(largestModulus(lower), largestModulus(upper));
  let start = 0;
  for (const channel of (channelEntries(f) ?? [0]).keys()) {
    start = Math.max(start, Math.abs(valueAt(f, 0, channel)));
  }
  return (start + slope * most) * UP;
}

function groupLevelOf(f: GroupFunction): number | undefined {
  switch (f.name) {
    case 'softmax':
      return f.logarithm ? undefined : 1;
    case 'normalize':
      return UP / Math.sqrt(f.rate);
    case 'inverse-root':
      return UP / Math.sqrt(f.floor);
    default:
      return undefined;
  }
}

/** @param n entries of the largest group */
function groupGrown(f: GroupFunction, most: number, n: number): number {
  switch (f.name) {
    case 'max':
    case 'sort':
      return most;
    case 'log-sum-exp':
      return (most + Math.log(n)) * UP;
    case 'norm':
      return most * n ** (1 / f.p) * UP;
    case 'product':
      return Math.min(most, f.first) * Math.max(1, Math.min(most, f.rest) ** (n - 1)) * UP;
    default:
      return Number.POSITIVE_INFINITY;
  }
}
