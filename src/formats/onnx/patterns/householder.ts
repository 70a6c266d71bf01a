/**
 * Householder activations of order 1 (Singla, Singla & Feizi 2022), as libraries of 1-Lipschitz layers write them: pairs of channels (x, y) are
 * reflected, z ↦ z − 2 v vᵀz with v = (sin θ/2, −cos θ/2), where vᵀz > 0. That is a rotation that turns v to (−1, 1)/√2, a sorted pair, and the
 * rotation back.
 */
import { OWN_FIELDS } from '../../../network/lengths/follows.ts';
import { inDouble } from '../../../network/numbers.ts';
import type { Operator } from '../../../network/operator.ts';
import type { Call, Signal } from '../call.ts';
import type { GraphNode } from '../graph.ts';
import type { Constant } from '../values/constant.ts';
import { comparesGreater } from './chosen.ts';
import { makerOf, type Pattern, type Surroundings, scalarOf } from './pattern.ts';

/** First and second halves of channels times constants, added up. */
interface Mix {
  readonly x: Factor;
  readonly y: Factor;
}

interface Factor {
  /** Of the value, which may be computed from constants. */
  readonly name: string;
  readonly sign: number;
}

/** One half of the result: where the selector is positive, and elsewhere. */
interface Half {
  readonly selector: string;
  readonly reflected: string;
  readonly same: string;
}

/** Numbers of the file are those of one angle but for so much: rounding of float32 on the way there. */
const TOLERANCE = 2 ** -20;
/** What is made of them: a square, a root, a quotient, a sum, a half. */
const ROUNDINGS = 8;

/** Both halves, one after the other. @param node a Concat */
export function matchHouseholder(node: GraphNode, around: Surroundings): Pattern | undefined {
  if (node.inputs.length !== 2) return undefined;
  const [first, second] = node.inputs.map((name) => halfOf(name, around));
  if (!first || first.selector !== second?.selector) return undefined;
  const [x, y] = [first.same, second.same];
  const [selector, a, b] = [first.selector, first.reflected, second.reflected].map((name) =>
    mixOf(name, x, y, around),
  );
  if (x === y || !selector || !a || !b) return undefined;
  const axis = node.attributes.integer('axis', undefined);
  const factors = [selector.x, selector.y, a.x, a.y, b.x, b.y];
  return {
    inputs: [x, y, ...factors.map(({ name }) => name)],
    convert: (call) => {
      const [p, q] = [call.signal(0), call.signal(1)];
      const rank = call.dims(p).length;
      const along = p.batched && axis !== undefined && call.axis(axis, rank) === 1;
      if (!along)
        call.refuse(`along axis ${axis}`, 'Householder activations are covered on channels, axis 1');
      const [sine, minus, ...others] = factors.map(({ sign }, k) =>
        perChannel(call, call.numbers(k + 2), sign, p.shape),
      );
      const cosine = minus!.map((value) => -value);
      demandReflection(call, sine!, cosine, others);
      return reflected(call, p, q, sine!, cosine);
    },
  };
}

/** Where(selector ≤ 0, same, reflected), and as a sum of products with both conditions. */
function halfOf(name: string, around: Surroundings): Half | undefined {
  const node = makerOf(name, around);
  if (node?.opType === 'Where') {
    const [condition, yes, no] = node.inputs as [string, string, string];
    const sign = signOf(condition, around);
    if (!sign) return undefined;
    const [reflected, same] = sign.positive ? [yes, no] : [no, yes];
    return { selector: sign.selector, reflected, same };
  }
  if (node?.opType !== 'Add') return undefined;
  const [one, other] = node.inputs.map((term) => maskedOf(term, around));
  if (!one || !other || one.selector !== other.selector || one.positive === other.positive) return undefined;
  // Of the two conditions one must be the other's opposite, at 0 as well.
  if (one.strict === other.strict) return undefined;
  const [reflected, same] = one.positive ? [one.value, other.value] : [other.value, one.value];
  return { selector: one.selector, reflected, same };
}

function maskedOf(name: string, around: Surroundings) {
  const node = makerOf(name, around);
  if (node?.opType !== 'Mul') return undefined;
  for (const [value, mask] of [node.inputs, [...node.inputs].reverse()] as [string, string][]) {
    const cast = makerOf(mask, around);
    const sign = cast?.opType === 'Cast' ? signOf(cast.inputs[0]!, around) : undefined;
    if (sign) return { ...sign, value };
  }
  return undefined;
}

/** A comparison with 0. */
function signOf(name: string, around: Surroundings) {
  const node = makerOf(name, around);
  const greater = node && comparesGreater(node.opType);
  if (greater === undefined || scalarOf(node!.inputs[1]!, around) !== 0) return undefined;
  return { selector: node!.inputs[0]!, positive: greater, strict: !node!.opType.endsWith('OrEqual') };
}

/** x · constant ± y · constant. */
function mixOf(name: string, x: string, y: string, around: Surroundings): Mix | undefined {
  const node = makerOf(name, around);
  if (node?.opType !== 'Add' && node?.opType !== 'Sub') return undefined;
  const found = new Map<string, Factor>();
  for (const [k, input] of node.inputs.entries()) {
    const product = makerOf(input, around);
    if (product?.opType !== 'Mul') return undefined;
    const [a, b] = product.inputs as [string, string];
    const [value, name] = a === x || a === y ? [a, b] : [b, a];
    found.set(value, { name, sign: k === 1 && node.opType === 'Sub' ? -1 : 1 });
  }
  const [ofX, ofY] = [found.get(x), found.get(y)];
  return ofX && ofY ? { x: ofX, y: ofY } : undefined;
}

/** A constant that has one number for all channels, or one for each. */
function perChannel(
  call: Call,
  { data, shape }: Constant,
  sign: number,
  [channels, ...sides]: Signal['shape'],
): Float64Array {
  const fromRight = shape.length - 1 - sides.length;
  const fits = data.length === 1 || (data.length === channels && shape[fromRight] === channels);
  if (!fits)
    call.refuse(
      `a constant of shape [${shape.join(', ')}]`,
      'angles are covered one for each pair of channels',
    );
  const values = inDouble(data);
  return Float64Array.from({ length: channels! }, (_, c) => sign * values[data.length === 1 ? 0 : c]!);
}

/** On the plane between them both branches must be the same; but for rounding they are. */
function demandReflection(
  call: Call,
  sine: Float64Array,
  cosine: Float64Array,
  numbers: Float64Array[],
): void {
  for (const [c, s] of sine.entries()) {
    const k = cosine[c]!;
    // cos θ, sin θ; sin θ, −cos θ.
    const wanted = [k * k - s * s, 2 * s * k, 2 * s * k, s * s - k * k];
    const off = wanted.map((value, n) => Math.abs(value - numbers[n]![c]!));
    if (Math.abs(s * s + k * k - 1) <= TOLERANCE && off.every((error) => error <= TOLERANCE)) continue;
    call.refuse(
      `pair ${c}`,
      'no global bound exists where it jumps: its numbers are not those of a reflection',
    );
  }
}

function reflected(call: Call, x: Signal, y: Signal, sine: Float64Array, cosine: Float64Array): Signal {
  const count = sine.length;
  call.scope.budget.allocate(call.node.name, 8 * count * count);
  const turn = new Float64Array(4 * count * count);
  const back = new Float64Array(4 * count * count);
  const put = (matrix: Float64Array, row: number, column: number, value: number) => {
    matrix[row * 2 * count + column] = value;
  };
  for (let c = 0; c < count; c++) {
    const length = Math.hypot(sine[c]!, cosine[c]!);
    const [s, k] = [sine[c]! / length, cosine[c]! / length];
    // u = (k, s) stays, v = (s, −k): uᵀz − vᵀz, then uᵀz + vᵀz, of which the larger comes first where vᵀz ≤ 0.
    const rows = [
      [k - s, s + k],
      [k + s, s - k],
    ];
    for (const [r, row] of rows.entries()) {
      for (const [j, value] of row.entries()) {
        put(turn, r * count + c, j * count + c, value);
        put(back, j * count + c, r * count + c, value / 2);
      }
    }
  }
  const both = call.emit({ kind: 'concat' }, [x, y], OWN_FIELDS, 'pairs');
  const turned = call.emit(mixing(both, turn), [both], OWN_FIELDS, 'turned');
  const groups = Array.from({ length: count }, (_, c) => Int32Array.of(c, count + c));
  const sort = { name: 'sort', descending: true } as const;
  const sorted = call.emit(
    { kind: 'grouped', function: sort, groups, wide: false },
    [turned],
    OWN_FIELDS,
    'sorted',
  );
  return { ...call.emit(mixing(sorted, back), [sorted], OWN_FIELDS), shape: both.shape };
}

/** A matrix of channels, at every position. */
function mixing({ shape: [channels, ...sides] }: Signal, weight: Float64Array): Operator {
  const size = { outputs: channels!, inputs: channels!, weight, roundings: ROUNDINGS };
  if (sides.length === 0) return { kind: 'affine', ...size };
  const [ones, zeros] = [sides.map(() => 1), sides.map(() => 0)];
  const shape = { groups: 1, kernel: ones, stride: ones, dilation: ones };
  return { kind: 'convolution', ...size, ...shape, padding: { mode: 'zero', before: zeros, after: zeros } };
}
