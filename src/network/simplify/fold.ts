/** Linear operators with a scale multiplied in, before or after. */
import type { Affine, Convolution, Operator, Scale, TransposedConvolution } from '../operator.ts';
import { broadcast, product } from '../size.ts';
import { isEmpty } from './pads.ts';

type Shape = readonly number[];
type Weighted = Affine | Convolution | TransposedConvolution;

/** second(first(x)) */
export function composedScales(first: Scale, second: Scale): Scale {
  const channels = Math.max(...[first, second].flatMap((s) => [s.scale.length, s.shift?.length ?? 1]));
  const perChannel = (value: (channel: number) => number) =>
    Float64Array.from({ length: channels }, (_, c) => value(c));
  const scale = perChannel((c) => broadcast(first.scale, c) * broadcast(second.scale, c));
  if (!first.shift && !second.shift) return { kind: 'scale', scale };
  const shift = perChannel((c) => broadcast(second.scale, c) * shiftOf(first, c) + shiftOf(second, c));
  return { kind: 'scale', scale, shift };
}

/** The operator followed by the scale; undefined if it is none that can take one in. */
export function scaledOutput(operator: Operator, scale: Scale): Operator | undefined {
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
      if (factor === undefined) return undefined;
      return { ...operator, coefficients: operator.coefficients.map((coefficient) => factor * coefficient) };
    }
    default:
      return undefined;
  }
}

/** Weights times the scale of their output channel; the bias is scaled and shifted. */
function rescaled(operator: Weighted, scale: Scale, channelOf: (entry: number) => number): Operator {
  const weight = operator.weight.map((w, n) => w * broadcast(scale.scale, channelOf(n)));
  if (!operator.bias && !scale.shift) return { ...operator, weight };
  const bias = new Float64Array(operator.outputs).map(
    (_, o) => (operator.bias ? operator.bias[o]! : 0) * broadcast(scale.scale, o) + shiftOf(scale, o),
  );
  return { ...operator, weight, bias };
}

/** Whether the operator can do the scaling of its input itself. A shift cannot cross a border of zeros. */
export function takesScaledInput(operator: Operator, scale: Scale): boolean {
  switch (operator.kind) {
    case 'affine':
      return true;
    case 'convolution':
      return !hasShift(scale) || operator.padding.mode !== 'zero' || isEmpty(operator.padding);
    case 'transposed-convolution':
      return !hasShift(scale);
    case 'add':
      return uniformFactor(scale) !== undefined;
    default:
      return false;
  }
}

/** The operator preceded by the scale, on an input of shape `input`; for those that `takesScaledInput` allows,
 *  sums excepted. */
export function scaledInput(operator: Weighted, scale: Scale, input: Shape): Weighted {
  const { outputs, inputs, weight } = operator;
  switch (operator.kind) {
    case 'affine': {
      const perChannel = inputs / input[0]!;
      const channelOf = (n: number) => Math.floor((n % inputs) / perChannel);
      return { ...operator, ...absorbed(operator, scale, channelOf) };
    }
    case 'convolution': {
      const { groups } = operator;
      const taps = product(operator.kernel);
      const perGroup = inputs / groups;
      const channelOf = (n: number) => {
        const block = Math.floor(n / taps);
        const group = Math.floor(Math.floor(block / perGroup) / (outputs / groups));
        return group * perGroup + (block % perGroup);
      };
      return { ...operator, ...absorbed(operator, scale, channelOf) };
    }
    case 'transposed-convolution': {
      const row = weight.length / inputs;
      return { ...operator, weight: weight.map((w, n) => w * broadcast(scale.scale, Math.floor(n / row))) };
    }
    default:
      throw new Error(`unknown operator ${operator satisfies never}`);
  }
}

/** Weights times the scale of their input channel, and what the shift adds to the bias. */
function absorbed(
  { outputs, weight, bias }: Affine | Convolution,
  scale: Scale,
  channelOf: (entry: number) => number,
): { weight: Float64Array; bias?: Float64Array } {
  const scaled = weight.map((w, n) => w * broadcast(scale.scale, channelOf(n)));
  if (!hasShift(scale)) return { weight: scaled };
  const row = weight.length / outputs;
  const moved = new Float64Array(outputs).map((_, o) => (bias ? bias[o]! : 0));
  for (const [n, w] of weight.entries()) moved[Math.floor(n / row)]! += w * shiftOf(scale, channelOf(n));
  return { weight: scaled, bias: moved };
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
