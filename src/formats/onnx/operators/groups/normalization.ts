/** Normalisation by statistics of the data, which an epsilon keeps from dividing by 0. */
import { OWN_FIELDS } from '../../../../network/lengths/follows.ts';
import { inDouble } from '../../../../network/numbers.ts';
import { product } from '../../../../network/size.ts';
import type { Call, Signal } from '../../call.ts';
import type { Constant } from '../../values/constant.ts';
import { scaledAndShifted, times } from '../arithmetic.ts';
import type { Converter, Family } from '../converter.ts';
import { mean, reducedOver } from '../reduction.ts';
import { alongAxes, axesFrom, normalized, overPositions, sampleAxes } from './along.ts';

/** float32 value of the specification's default. */
const EPSILON = Math.fround(1e-5);

export const statistics: Family = new Map<string, Converter>([
  ['LayerNormalization', { signals: layerNormalization }],
  ['RMSNormalization', { signals: (call) => overLastAxes(call, false) }],
  ['InstanceNormalization', { signals: instanceNormalization }],
  ['GroupNormalization', { signals: groupNormalization }],
  ['LRN', { signals: localResponseNormalization }],
]);

function epsilonOf(call: Call): number {
  const epsilon = call.attributes.float('epsilon', EPSILON);
  if (!(epsilon > 0)) {
    call.refuse(`epsilon = ${epsilon}`, 'no global bound exists: nothing keeps it from dividing by 0');
  }
  return epsilon;
}

/** The normalised values; as far as they are wanted, means and reciprocals of deviations, of which every group has one. */
function layerNormalization(call: Call): readonly Signal[] {
  const x = call.signal(0);
  const axes = normalizedAxes(call, x);
  const floor = epsilonOf(call);
  const wanted = (output: number) => (call.node.outputs[output] ?? '') !== '';
  const over = (reduce: (call: Call, x: Signal, axes: readonly number[]) => Signal) =>
    reducedOver(call, x, axes, true, reduce);
  const inverse = () =>
    over((_, own, along) => {
      const rate = 1 / product(along.map((axis) => own.shape[axis]!));
      return alongAxes(call, own, along, { name: 'inverse-root', centred: true, rate, floor });
    });
  const y = overLastAxes(call, true);
  if (!wanted(1) && !wanted(2)) return [y];
  // An output is told by its place.
  const means = over((_, own, along) => mean(call, own, along, false));
  return wanted(2) ? [y, means, inverse()] : [y, means];
}

/** All axes from `axis` on, the batch counted. */
function normalizedAxes(call: Call, x: Signal): number[] {
  const rank = call.dims(x).length;
  return axesFrom(call.axis(call.attributes.integer('axis', -1), rank), rank);
}

/** Over all axes from `axis` on, then scaled and shifted entry by entry there. */
function overLastAxes(call: Call, centred: boolean): Signal {
  const input = call.signal(0);
  const [x, axes] = sampleAxes(call, input, normalizedAxes(call, input));
  const rate = 1 / product(axes.map((axis) => x.shape[axis]!));
  const y = normalized(call, x, axes, centred, { form: 'root', rate, floor: epsilonOf(call) });
  return scaledBack(call, call.settled(y), call.requiredConstant(1), centred ? call.constant(2) : undefined);
}

/** γ y + β, both broadcast. */
function scaledBack(call: Call, y: Signal, gamma: Constant, beta: Constant | undefined): Signal {
  const scaled = times(call, y, gamma);
  return beta ? scaledAndShifted(call, scaled, 1, beta, 1) : scaled;
}

/** Over all positions of every channel. */
function instanceNormalization(call: Call): Signal {
  const x = call.image(0);
  const channels = Array.from({ length: x.shape[0]! }, (_, channel) => Int32Array.of(channel));
  return overGroups(call, x, channels, (constant) => inDouble(constant.data));
}

/** Over all positions of groups of channels; scales are per group before operator set 21, per channel since. */
function groupNormalization(call: Call): Signal {
  const x = call.image(0);
  const channels = x.shape[0]!;
  const count = call.attributes.integer('num_groups', 0);
  const fits = count >= 1 && channels % count === 0;
  call.demand(fits, `num_groups must divide the ${channels} channels`, count);
  const size = channels / count;
  const groups = Array.from({ length: count }, (_, g) =>
    Int32Array.from({ length: size }, (_, k) => g * size + k),
  );
  return overGroups(call, x, groups, ({ data, shape }) => {
    const own = call.opset < 21 ? count : channels;
    call.demand(data.length === own, `scale and bias must have ${own} entries`, shape);
    return Float64Array.from({ length: channels }, (_, c) => data[Math.floor((c * own) / channels)]!);
  });
}

/** @param perChannel the numbers of a scale or a shift, one for each channel */
function overGroups(
  call: Call,
  x: Signal,
  groups: readonly Int32Array[],
  perChannel: (constant: Constant) => Float64Array,
): Signal {
  const positions = product(x.shape.slice(1));
  const rate = 1 / (positions * groups[0]!.length);
  const y = overPositions(call, x, groups, {
    ...{ name: 'normalize', form: 'root', centred: true },
    ...{ rate, floor: epsilonOf(call) },
  });
  const [scale, shift] = [1, 2].map((index) => perChannel(call.requiredConstant(index)));
  const channels = x.shape[0]!;
  call.demand(scale!.length === channels, `scale must have ${channels} entries`, scale!.length);
  call.demand(shift!.length === channels, `bias must have ${channels} entries`, shift!.length);
  return call.emitSame({ kind: 'scale', scale: scale!, shift: shift! }, y, OWN_FIELDS);
}

/** Over neighbouring channels of each position. */
function localResponseNormalization(call: Call): Signal {
  const x = call.image(0);
  const { attributes } = call;
  const size = attributes.integer('size', 0);
  call.demand(Number.isInteger(size) && size >= 1, 'size must be positive', size);
  return alongAxes(call, x, [0], {
    name: 'local-response',
    before: Math.floor((size - 1) / 2),
    after: Math.ceil((size - 1) / 2),
    rate: attributes.float('alpha', Math.fround(1e-4)) / size,
    beta: attributes.float('beta', 0.75),
    bias: attributes.float('bias', 1),
  });
}
