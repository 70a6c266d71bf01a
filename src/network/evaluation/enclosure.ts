/**
 * A product with the Jacobian, enclosed: what exact arithmetic would give, for the network with exactly these weights, lies
 * in a ball around what float64 gives. Midpoint-radius arithmetic (Rump 1999), where a radius takes in the rounding of its
 * own midpoint by the error analysis of sums in any order (Higham 2002, §3.1), one product with |A| per linear operator.
 *
 * At a point where pieces of the network meet (a ReLU at 0, two equal samples under a maximum) or where rounding hides on
 * which side of such a kink it lies, slopes between those of all pieces are enclosed. The ball then holds the product for
 * points at which the network is differentiable and that lie as near as one likes: such points are everywhere (Rademacher),
 * near enough every tensor is on the pieces enclosed here, and where one tensor rests on a kink over a set of points that
 * is not null, its derivative vanishes at almost all of them, so that the slope that multiplies it does not matter.
 */

import { sharingParameters } from '../elementwise/elementwise.ts';
import { length } from '../groups/definition.ts';
import { type PlacedGroup, placedGroups } from '../groups/grouped.ts';
import { groupDefinitionOf } from '../groups/table.ts';
import { isLinear, type LinearOperator } from '../linearOperator.ts';
import type { Network, TensorId } from '../network.ts';
import type { Add, Grouped, Nonlinearity, Operator, Softmax } from '../operator.ts';
import { unknownOperator } from '../shape.ts';
import { product } from '../size.ts';
import { elementwiseEnclosure, U } from './elementwiseEnclosure.ts';
import { type MaximumWindows, maximumWindows } from './gather.ts';
import { constantTerm, linearMap, magnitude } from './linearMap.ts';
import { addConstant, softmaxValues } from './preparedOperator.ts';
import { atOnce, type Steps } from './steps.ts';

type Shape = readonly number[];

/** Numbers that lie within `radius` of `middle`, entry by entry. */
export interface Ball {
  readonly middle: Float64Array;
  readonly radius: Float64Array;
}

/** A tensor near the point, and its derivative along the direction. */
interface Dual {
  readonly value: Ball;
  readonly tangent: Ball;
}

/** More than a product that is too small for float64 can lose. */
const UNDERFLOW = 2 ** -1050;

/**
 * J(x′) v for points x′ as near to `x` as one likes; undefined where numbers leave the range of float64.
 * @throws RangeError if `x` or `v` has not the input's number of entries
 */
export function encloseDerivative(network: Network, x: Float64Array, v: Float64Array): Ball | undefined {
  return atOnce(enclosing(network, x, v, Infinity));
}

/**
 * As `encloseDerivative`, in steps.
 * @param widest gives up where the derivative of a tensor has a radius of more than so many times its size: on the way on balls hardly ever
 *   become narrower again
 */
export function* enclosing(
  network: Network,
  x: Float64Array,
  v: Float64Array,
  widest: number,
): Steps<Ball | undefined> {
  const entries = product(network.tensors[network.input]!.shape);
  for (const given of [x, v]) {
    if (given.length !== entries)
      throw new RangeError(`enclosure: the input has ${entries} entries, got ${given.length}`);
  }
  const shape = (id: TensorId) => network.tensors[id]!.shape;
  const duals: Dual[] = [];
  duals[network.input] = { value: exact(x), tangent: exact(v) };
  for (const { operator, inputs, output } of network.nodes) {
    const dual = yield* enclose(
      operator,
      inputs.map((id) => duals[id]!),
      inputs.map(shape),
      shape(output),
    );
    // Comparisons with what is no number would decide wrongly.
    if (!allFinite(dual.value) || !allFinite(dual.tangent)) return undefined;
    if (isWider(dual.tangent, widest)) return undefined;
    duals[output] = dual;
  }
  return duals[network.output]!.tangent;
}

function* enclose(
  operator: Operator,
  inputs: readonly Dual[],
  shapes: readonly Shape[],
  output: Shape,
): Steps<Dual> {
  const input = inputs[0]!;
  const shape = shapes[0]!;
  if (isLinear(operator)) return yield* encloseLinear(operator, input, shape, output);
  switch (operator.kind) {
    case 'nonlinearity':
      return encloseNonlinearity(operator, input, sharingParameters(operator.function, shape));
    case 'max-pool':
    case 'max-gather':
    case 'global-max-pool':
      return encloseMaxima(maximumWindows(operator, shape, output), input);
    case 'add':
      return {
        value: encloseSum(
          operator,
          inputs.map(({ value }) => value),
        ),
        tangent: encloseSum(
          operator,
          inputs.map(({ tangent }) => tangent),
        ),
      };
    case 'concat':
      return {
        value: stacked(inputs.map(({ value }) => value)),
        tangent: stacked(inputs.map(({ tangent }) => tangent)),
      };
    case 'grouped': {
      // A bound on how far the derivative turns within the ball is not known: nothing is proven of it.
      const entries = product(output);
      const unknown = { middle: new Float64Array(entries), radius: new Float64Array(entries).fill(Infinity) };
      return {
        value: encloseGroups(operator, placedGroups(operator, shape), input.value, entries),
        tangent: unknown,
      };
    }
    case 'softmax':
      return encloseSoftmax(operator, input, shape[0]!);
    default:
      throw unknownOperator(operator);
  }
}

function* encloseLinear(
  operator: LinearOperator,
  { value, tangent }: Dual,
  input: Shape,
  output: Shape,
): Steps<Dual> {
  const enclosed = linearEnclosure(operator, input, output);
  return { value: yield* enclosed(value, true), tangent: yield* enclosed(tangent, false) };
}

/** A linear operator on balls, with its constant term or without. What does not depend on the ball is made here, once. */
export function linearEnclosure(
  operator: LinearOperator,
  input: Shape,
  output: Shape,
): (ball: Ball, affine: boolean) => Steps<Ball> {
  const map = linearMap(operator, input, output);
  const { roundings } = map;
  const absolute = linearMap(magnitude(operator), input, output);
  const constant = constantTerm(operator);
  // Those of the way from the file, one more for the constant term, as many as they are for the sums of radii.
  const foldings = ('roundings' in operator && operator.roundings) || 0;
  const gamma = roundings + foldings === 0 ? 0 : 2 * U * (roundings + foldings + 3);
  const sizes = operator.kind === 'scale' && operator.shiftMagnitude ? operator.shiftMagnitude : constant;
  const share = sizes?.map((c) => gamma * Math.abs(c));
  return function* ({ middle, radius }, affine) {
    const applied = yield { map, x: middle, adjoint: false };
    const widths = radius.map((r, n) => r + gamma * Math.abs(middle[n]!));
    const sums = yield { map: absolute, x: widths, adjoint: false };
    if (affine) addConstant(sums, share, output);
    return {
      middle: affine ? addConstant(applied, constant, output) : applied,
      radius: gamma === 0 ? sums : sums.map((sum) => sum * (1 + gamma) + roundings * UNDERFLOW),
    };
  };
}

function encloseNonlinearity(operator: Nonlinearity, { value, tangent }: Dual, image: number): Dual {
  const near = elementwiseEnclosure(operator.function);
  const entries = value.middle.length;
  const values = empty(entries);
  const slopes = empty(entries);
  for (let n = 0; n < entries; n++) {
    const local = near(value.middle[n]!, value.radius[n]!, Math.floor(n / image));
    values.middle[n] = local.value;
    values.radius[n] = local.valueRadius;
    slopes.middle[n] = local.slope;
    slopes.radius[n] = local.slopeRadius;
  }
  return { value: values, tangent: times(slopes, tangent) };
}

/** The maximum lies among the entries that may reach the largest lower end; its derivative between theirs. */
function encloseMaxima(windows: MaximumWindows, { value, tangent }: Dual): Dual {
  const { channels, image, windows: count, starts, entries } = windows;
  const most = empty(channels * count);
  const slope = empty(channels * count);
  for (let n = 0; n < channels * count; n++) {
    const from = Math.floor(n / count) * image;
    const [first, end] = [starts[n % count]!, starts[(n % count) + 1]!];
    let floor = Number.NEGATIVE_INFINITY;
    for (let at = first; at < end; at++) {
      const k = from + entries[at]!;
      floor = Math.max(floor, value.middle[k]! - value.radius[k]!);
    }
    let [top, reach] = [Number.NEGATIVE_INFINITY, 0];
    let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
    // Less than what rounding of the sums here can hide.
    floor -= 4 * U * Math.abs(floor);
    for (let at = first; at < end; at++) {
      const k = from + entries[at]!;
      if (value.middle[k]! + value.radius[k]! < floor) continue;
      top = Math.max(top, value.middle[k]!);
      reach = Math.max(reach, value.radius[k]!);
      low = Math.min(low, tangent.middle[k]! - tangent.radius[k]!);
      high = Math.max(high, tangent.middle[k]! + tangent.radius[k]!);
    }
    most.middle[n] = top;
    most.radius[n] = reach;
    slope.middle[n] = low / 2 + high / 2;
    // Half the width, and what the four ends were rounded by.
    slope.radius[n] = (high / 2 - low / 2) * (1 + 8 * U) + 8 * U * Math.max(Math.abs(low), Math.abs(high));
  }
  return { value: most, tangent: slope };
}

export function encloseSum({ coefficients, roundings }: Add, balls: readonly Ball[]): Ball {
  const entries = balls[0]!.middle.length;
  const gamma = 2 * U * (coefficients.length + (roundings ?? 0) + 3);
  const sum = empty(entries);
  for (let n = 0; n < entries; n++) {
    let [middle, radius] = [0, 0];
    for (const [k, c] of coefficients.entries()) {
      middle += c * balls[k]!.middle[n]!;
      radius += Math.abs(c) * (balls[k]!.radius[n]! + gamma * Math.abs(balls[k]!.middle[n]!));
    }
    sum.middle[n] = middle;
    sum.radius[n] = radius * (1 + gamma) + coefficients.length * UNDERFLOW;
  }
  return sum;
}

/** No image moves by more than L times the length of what its group moves by. */
export function encloseGroups(
  { function: f }: Grouped,
  placed: readonly PlacedGroup[],
  { middle, radius }: Ball,
  entries: number,
): Ball {
  const definition = groupDefinitionOf(f);
  const image = empty(entries);
  for (const { sources, targets } of placed) {
    const x = Float64Array.from(sources, (n) => middle[n]!);
    const reach = length(Float64Array.from(sources, (n) => radius[n]!));
    const off =
      (definition.lipschitz(f, sources.length) * reach + definition.error(f, x)) *
        (1 + 64 * U * sources.length) +
      UNDERFLOW;
    const values = definition.value(f, x);
    for (const [k, n] of targets.entries()) {
      image.middle[n] = values[k]!;
      image.radius[n] = off;
    }
  }
  return image;
}

function encloseSoftmax({ logarithm }: Softmax, { value, tangent }: Dual, channels: number): Dual {
  const probabilities = encloseProbabilities(value, channels);
  const entries = value.middle.length;
  const positions = entries / channels;
  const gamma = 2 * U * (channels + 3);
  const means = empty(positions);
  const weighted = times(probabilities, tangent);
  for (let n = 0; n < entries; n++) {
    means.middle[n % positions]! += weighted.middle[n]!;
    means.radius[n % positions]! += weighted.radius[n]! + gamma * Math.abs(weighted.middle[n]!);
  }
  const centred = empty(entries);
  for (let n = 0; n < entries; n++) {
    const at = n % positions;
    centred.middle[n] = tangent.middle[n]! - means.middle[at]!;
    centred.radius[n] =
      (tangent.radius[n]! + means.radius[at]! + U * Math.abs(centred.middle[n]!)) * (1 + 2 * gamma) +
      UNDERFLOW;
  }
  return logarithm
    ? { value: encloseLogarithms(value, channels), tangent: centred }
    : { value: probabilities, tangent: times(probabilities, centred) };
}

/** If no logit moves by more than r, no logarithm changes by more than 2 r. */
export function encloseLogarithms(logits: Ball, channels: number): Ball {
  const middle = softmaxValues(logits.middle, channels, true);
  const reach = largestOfPosition(logits.radius, channels);
  const radius = middle.map((value, n) => {
    const rounding = U * (4 * Math.abs(value) + 4 * channels + 40);
    return (2 * reach[n % reach.length]! + rounding) * (1 + 8 * U);
  });
  return { middle, radius };
}

/** If no logit moves by more than r, no probability changes by more than the factor e^{±2r}. */
export function encloseProbabilities(logits: Ball, channels: number): Ball {
  const middle = softmaxValues(logits.middle, channels, false);
  const reach = largestOfPosition(logits.radius, channels);
  const top = largestOfPosition(logits.middle, channels);
  const radius = middle.map((p, n) => {
    const at = n % reach.length;
    // Rounding: that of the logit in the exponent, and of a sum of exponentials that are right to four units.
    const rounding = U * (top[at]! - logits.middle[n]! + 2 * channels + 20);
    return Math.min(1, 1.001 * p * (Math.expm1(2 * reach[at]!) + rounding) + UNDERFLOW);
  });
  return { middle, radius };
}

function largestOfPosition(x: Float64Array, channels: number): Float64Array {
  const largest = new Float64Array(x.length / channels).fill(Number.NEGATIVE_INFINITY);
  for (let n = 0; n < x.length; n++) {
    const at = n % largest.length;
    largest[at] = Math.max(largest[at]!, x[n]!);
  }
  return largest;
}

/** Entry by entry. */
function times(a: Ball, b: Ball): Ball {
  const entries = a.middle.length;
  const result = empty(entries);
  for (let n = 0; n < entries; n++) {
    const [x, r] = [a.middle[n]!, a.radius[n]!];
    const [y, s] = [b.middle[n]!, b.radius[n]!];
    result.middle[n] = x * y;
    const spread = Math.abs(x) * s + r * (Math.abs(y) + s);
    result.radius[n] = (spread + U * Math.abs(x * y)) * (1 + 8 * U) + UNDERFLOW;
  }
  return result;
}

export function exact(middle: Float64Array): Ball {
  return { middle, radius: new Float64Array(middle.length) };
}

export function empty(entries: number): Ball {
  return exact(new Float64Array(entries));
}

export function stacked(balls: readonly Ball[]): Ball {
  const result = empty(balls.reduce((sum, { middle }) => sum + middle.length, 0));
  let start = 0;
  for (const { middle, radius } of balls) {
    result.middle.set(middle, start);
    result.radius.set(radius, start);
    start += middle.length;
  }
  return result;
}

function isWider({ middle, radius }: Ball, widest: number): boolean {
  if (widest === Infinity) return false;
  const square = (sum: number, value: number) => sum + value * value;
  return radius.reduce(square, 0) > widest ** 2 * middle.reduce(square, 0);
}

export function allFinite({ middle, radius }: Ball): boolean {
  return middle.every(Number.isFinite) && radius.every(Number.isFinite);
}
