/** Linear operators with a scale multiplied in, before or after. */
import { isExactProduct, multipliable } from '../exact.ts';
import { mapped } from '../numbers.ts';
import type { Add, Affine, Convolution, Operator, Scale, TransposedConvolution } from '../operator.ts';
import { broadcast, perEntry, product } from '../size.ts';
import { isEmpty } from './pads.ts';

type Shape = readonly number[];
type Layer = Affine | Convolution | TransposedConvolution;

/** second(first(x)) as one scale; undefined where a product of scales could vanish or overflow. @param input the shape of x */
export function composedScales(first: Scale, second: Scale, input: Shape): Scale | undefined {
  if (!multipliable(first.scale, second.scale)) return undefined;
  const numbers = Math.max(numbersOf(first), numbersOf(second));
  // One number per entry and one per channel do not meet index by index.
  if (numbers > input[0]! && !sameForAll(first, second, numbers)) return undefined;
  const channels = numbers;
  const perChannel = (value: (channel: number) => number) =>
    Float64Array.from({ length: channels }, (_, c) => value(c));
  const products = new Products([first, second]);
  const scale = perChannel((c) => products.of(broadcast(first.scale, c), broadcast(second.scale, c)));
  const composed = { kind: 'scale', scale, ...products.roundings } as const;
  if (!first.shift && !second.shift) return composed;
  const shift = perChannel((c) => broadcast(second.scale, c) * shiftOf(first, c) + shiftOf(second, c));
  return shift.every(Number.isFinite) ? { ...composed, shift } : undefined;
}

/** How many numbers a scale has: one for all, one per channel, or one per entry. */
export function numbersOf({ scale, shift }: Scale): number {
  return Math.max(scale.length, shift?.length ?? 1);
}

/** The scale with a number for every entry of a tensor, or one for all. */
export function scalePerEntry(scale: Scale, shape: Shape): Scale {
  const { shift, shiftMagnitude } = scale;
  return {
    ...scale,
    scale: perEntry(scale.scale, shape),
    ...(shift && { shift: perEntry(shift, shape) }),
    ...(shiftMagnitude && { shiftMagnitude: perEntry(shiftMagnitude, shape) }),
  };
}

/** Whether every array has one number for all or so many. */
function sameForAll(first: Scale, second: Scale, numbers: number): boolean {
  const lengths = [first, second].flatMap(({ scale, shift }) => [scale.length, shift?.length ?? 1]);
  return lengths.every((length) => length === 1 || length === numbers);
}

/** Multiplies weights and keeps account of what that does to them. */
class Products {
  readonly #before: number;
  #exact = true;

  /** @param factors whose weights are multiplied */
  constructor(factors: readonly { readonly roundings?: number }[]) {
    this.#before = factors.reduce((sum, { roundings = 0 }) => sum + roundings, 0);
  }

  of(a: number, b: number): number {
    this.#exact &&= isExactProduct(a, b);
    return a * b;
  }

  /** The relative errors of the products so far, as a property of an operator. */
  get roundings(): { roundings?: number } {
    const roundings = this.#before + (this.#exact ? 0 : 1);
    return roundings > 0 ? { roundings } : {};
  }
}

/**
 * The operator followed by the scale; undefined if it is none that can take one in, or if a product could vanish or overflow. A sum that
 * takes a tensor twice takes in only what leaves its coefficients exact, since they are still to be added up.
 * @param inputs what the operator reads
 */
export function scaledOutput(
  operator: Operator,
  inputs: readonly number[],
  scale: Scale,
): Operator | undefined {
  switch (operator.kind) {
    case 'affine':
    case 'convolution': {
      const row = operator.weight.length / operator.outputs;
      return rescaled(operator, scale, (n) => Math.floor(n / row));
    }
    case 'transposed-convolution': {
      const perGroup = operator.outputs / operator.groups;
      const taps = product(operator.kernel);
      const inputsPerGroup = operator.inputs / operator.groups;
      return rescaled(operator, scale, (n) => {
        const block = Math.floor(n / taps);
        const group = Math.floor(Math.floor(block / perGroup) / inputsPerGroup);
        return group * perGroup + (block % perGroup);
      });
    }
    case 'add': {
      const factor = uniformFactor(scale);
      if (factor === undefined || !multipliable(operator.coefficients, [factor])) return undefined;
      const products = new Products([operator, scale]);
      const coefficients = operator.coefficients.map((coefficient) => products.of(factor, coefficient));
      const { roundings } = products;
      if (roundings.roundings && new Set(inputs).size < inputs.length) return undefined;
      return { ...operator, coefficients, ...roundings };
    }
    default:
      return undefined;
  }
}

/** Weights times the scale of their output channel; the bias is scaled and shifted. */
function rescaled(operator: Layer, scale: Scale, channelOf: (entry: number) => number): Operator | undefined {
  if (numbersOf(scale) > operator.outputs) return undefined;
  const scaled = scaledWeights(operator, scale, channelOf);
  if (!scaled || (!operator.bias && !scale.shift)) return scaled && { ...operator, ...scaled };
  const bias = new Float64Array(operator.outputs).map(
    (_, o) => (operator.bias ? operator.bias[o]! : 0) * broadcast(scale.scale, o) + shiftOf(scale, o),
  );
  return bias.every(Number.isFinite) ? { ...operator, ...scaled, bias } : undefined;
}

/** Weights times the scale of a channel; undefined where a product could vanish or overflow. */
function scaledWeights(
  operator: Layer,
  scale: Scale,
  channelOf: (entry: number) => number,
): { weight: Float64Array; roundings?: number } | undefined {
  if (!multipliable(operator.weight, scale.scale)) return undefined;
  const products = new Products([operator, scale]);
  const weight = mapped(operator.weight, (w, n) => products.of(w, broadcast(scale.scale, channelOf(n))));
  return { weight, ...products.roundings };
}

/** Whether the operator can do the scaling of its input itself. A shift cannot cross a border of zeros. */
export function takesScaledInput(operator: Operator, scale: Scale, input: Shape): boolean {
  if (operator.kind !== 'affine' && numbersOf(scale) > input[0]!) return false;
  switch (operator.kind) {
    case 'affine':
      break;
    case 'convolution':
      if (hasShift(scale) && operator.padding.mode === 'zero' && !isEmpty(operator.padding)) return false;
      break;
    case 'transposed-convolution':
      if (hasShift(scale)) return false;
      break;
    case 'add':
      return uniformFactor(scale) !== undefined && multipliable(operator.coefficients, scale.scale);
    default:
      return false;
  }
  if (!multipliable(operator.weight, scale.scale)) return false;
  return !hasShift(scale) || scaledInput(operator, scale, input) !== undefined;
}

/** The sum with the scales that its terms go through first (undefined: none), which `takesScaledInput` allows. */
export function scaledTerms(operator: Add, scales: readonly (Scale | undefined)[]): Add {
  const products = scales.map((scale) => new Products([operator, ...(scale ? [scale] : [])]));
  const coefficients = operator.coefficients.map((coefficient, k) =>
    scales[k] ? products[k]!.of(coefficient, uniformFactor(scales[k])!) : coefficient,
  );
  const most = products.reduce((sum, { roundings }) => Math.max(sum, roundings.roundings ?? 0), 0);
  return { kind: 'add', coefficients, ...(most > 0 && { roundings: most }) };
}

/** The operator preceded by the scale, on an input of shape `input`; undefined where a product could vanish or overflow. */
export function scaledInput(operator: Layer, scale: Scale, input: Shape): Layer | undefined {
  const { outputs, inputs, weight } = operator;
  switch (operator.kind) {
    case 'affine': {
      return absorbed(operator, scalePerEntry(scale, input), (n) => n % inputs);
    }
    case 'convolution': {
      const { groups } = operator;
      const taps = product(operator.kernel);
      const perGroup = inputs / groups;
      return absorbed(operator, scale, (n) => {
        const block = Math.floor(n / taps);
        const group = Math.floor(Math.floor(block / perGroup) / (outputs / groups));
        return group * perGroup + (block % perGroup);
      });
    }
    case 'transposed-convolution': {
      const row = weight.length / inputs;
      const scaled = scaledWeights(operator, scale, (n) => Math.floor(n / row));
      return scaled && { ...operator, ...scaled };
    }
    default:
      throw new Error(`unknown operator ${operator satisfies never}`);
  }
}

/** Weights times the scale of their input channel, and what the shift adds to the bias. */
function absorbed<O extends Affine | Convolution>(
  operator: O,
  scale: Scale,
  channelOf: (entry: number) => number,
): O | undefined {
  const { outputs, weight, bias } = operator;
  const scaled = scaledWeights(operator, scale, channelOf);
  if (!scaled || !hasShift(scale)) return scaled && { ...operator, ...scaled };
  const row = weight.length / outputs;
  const moved = new Float64Array(outputs).map((_, o) => (bias ? bias[o]! : 0));
  for (const [n, w] of weight.entries()) moved[Math.floor(n / row)]! += w * shiftOf(scale, channelOf(n));
  return moved.every(Number.isFinite) ? { ...operator, ...scaled, bias: moved } : undefined;
}

/** The one number that the scale multiplies everything by; undefined if there is no such number. */
export function uniformFactor(scale: Scale): number | undefined {
  const factor = scale.scale[0]!;
  return !hasShift(scale) && scale.scale.every((a) => a === factor) ? factor : undefined;
}

function hasShift({ shift }: Scale): boolean {
  return shift?.some((b) => b !== 0) ?? false;
}

function shiftOf({ shift }: Scale, channel: number): number {
  return shift ? broadcast(shift, channel) : 0;
}
