/** BatchNormalization at inference: one scale and one shift per channel. */

import { multipliable } from '../../../network/exact.ts';
import { OWN_FIELDS } from '../../../network/lengths/follows.ts';
import { inDouble } from '../../../network/numbers.ts';
import { madeOf } from '../../../network/weights/origin.ts';
import type { Call, Signal } from '../call.ts';
import type { Converter, Family } from './converter.ts';

/** float32 value of the specification's default. */
const EPSILON = Math.fround(1e-5);

/** Of γ / √(variance + ε): a sum, a root, a quotient. */
const ROUNDINGS = 3;

export const normalization: Family = new Map<string, Converter>([
  ['BatchNormalization', { signals: batchNormalization }],
]);

function batchNormalization(call: Call): Signal {
  const x = call.signal(0);
  const { attributes } = call;
  const evaluation = 'export the model in evaluation mode';
  if (attributes.flag('training_mode')) call.refuse('training_mode = 1', `it divides by data; ${evaluation}`);
  if (call.opset < 7 && !attributes.flag('is_test')) {
    call.refuse('is_test = 0', `it divides by data; ${evaluation}`);
  }
  if (!attributes.flag('spatial', true)) call.refuse('spatial = 0', 'statistics must be per channel');
  // Before operator set 14 outputs beyond the first mean training.
  if (call.node.outputs.slice(1).some((name) => name !== '')) {
    call.refuse('statistics as outputs', `it divides by data; ${evaluation}`);
  }
  if (!x.batched || x.shape.length === 0) {
    call.refuse(`an input of shape [${call.dims(x).join(', ')}]`, 'inputs are [batch, channels, …]');
  }
  const channels = x.shape[0]!;
  const statistics = [1, 2, 3, 4].map((index) => {
    const constant = call.requiredConstant(index);
    call.demand(
      constant.shape.length === 1 && constant.data.length === channels,
      `input ${index} must be a vector of ${channels} entries`,
      constant.shape,
    );
    return constant.data;
  });
  const [gamma, beta, mean, variance] = statistics.map(inDouble);
  const epsilon = attributes.float('epsilon', EPSILON);
  const deviation = variance!.map((value) => {
    const sum = value + epsilon;
    call.demand(sum > 0 && sum < Infinity, 'variance + epsilon must be positive and finite', value);
    return Math.sqrt(sum);
  });
  const inverse = deviation.map((value) => 1 / value);
  const scaled = (scale: Float64Array, shift: (c: number) => number) => {
    const magnitude = (c: number) => Math.abs(shift(c)) + 2 * Math.abs(scale[c]! * mean![c]!);
    return {
      kind: 'scale',
      scale,
      shift: scale.map((_, c) => shift(c)),
      shiftMagnitude: scale.map((_, c) => magnitude(c)),
      roundings: ROUNDINGS,
    } as const;
  };
  if (multipliable(gamma!, inverse)) {
    const quotient = deviation.map((value, c) => gamma![c]! / value);
    const scale = madeOf(quotient, statistics[0]!, (gradient) => gradient.map((g, c) => g / deviation[c]!));
    return call.emitSame(
      scaled(scale, (c) => beta![c]! - scale[c]! * mean![c]!),
      x,
      OWN_FIELDS,
    );
  }
  // What float64 does not hold as a quotient is left as two scales.
  const centred = scaled(inverse, (c) => -inverse[c]! * mean![c]!);
  const normalized = call.emitSame(centred, x, OWN_FIELDS, 'normalized');
  return call.emitSame({ kind: 'scale', scale: gamma!, shift: beta! }, normalized, OWN_FIELDS);
}
