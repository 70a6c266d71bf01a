/** BatchNormalization at inference: one scale and one shift per channel. */
import { OWN_FIELDS } from '../../../network/follows.ts';
import type { Call, Signal } from '../call.ts';
import type { Converter, Family } from './converter.ts';

/** float32 value of the specification's default. */
const EPSILON = Math.fround(1e-5);

export const normalization: Family = new Map<string, Converter>([
  ['BatchNormalization', { signals: batchNormalization }],
]);

function batchNormalization(call: Call): Signal {
  const x = call.signal(0);
  const { attributes } = call;
  const evaluation = 'export the model in evaluation mode';
  if (attributes.flag('training_mode')) call.refuse('training_mode = 1', `it divides by data; ${evaluation}`);
  if (!attributes.flag('spatial', true)) call.refuse('spatial = 0', 'statistics must be per channel');
  // Before operator set 14 outputs beyond the first mean training.
  if (call.node.outputs.slice(1).some((name) => name !== '')) {
    call.refuse('statistics as outputs', `it divides by data; ${evaluation}`);
  }
  if (!x.batched || x.shape.length === 0) {
    call.refuse(`an input of shape [${call.dims(x).join(', ')}]`, 'inputs are [batch, channels, …]');
  }
  const channels = x.shape[0]!;
  const [gamma, beta, mean, variance] = [1, 2, 3, 4].map((index) => {
    const constant = call.requiredConstant(index);
    call.demand(
      constant.shape.length === 1 && constant.data.length === channels,
      `input ${index} must be a vector of ${channels} entries`,
      constant.shape,
    );
    return constant.data;
  });
  const epsilon = attributes.float('epsilon', EPSILON);
  const scale = variance!.map((value, c) => {
    call.demand(value + epsilon > 0, 'variance + epsilon must be positive', value);
    return gamma![c]! / Math.sqrt(value + epsilon);
  });
  const shift = beta!.map((value, c) => value - scale[c]! * mean![c]!);
  return call.emitSame({ kind: 'scale', scale, shift }, x, OWN_FIELDS);
}
