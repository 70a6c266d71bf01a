/** Keras's layers: one row each. */
import { InputError } from '../../errors.ts';
import type { Elementwise } from '../../network/elementwise/table.ts';
import type { TensorId } from '../../network/network.ts';
import { inDouble } from '../../network/numbers.ts';
import { product } from '../../network/size.ts';
import { batchNormalization } from '../layers/batchNormalization.ts';
import { activation } from './activations.ts';
import {
  conv,
  dense,
  depthwiseConv,
  nearestUpsampling,
  separableConv,
  transposedConv,
  windowsOf,
} from './convolutions.ts';
import { channelsFirst, type Place } from './place.ts';

type Row = (place: Place) => Promise<TensorId> | TensorId;

const ROWS: Readonly<Record<string, Row>> = {
  Dense: dense,
  ...perAxes('Conv', 'D', conv),
  ...perAxes('Convolution', 'D', conv),
  ...perAxes('DepthwiseConv', 'D', depthwiseConv),
  ...perAxes('SeparableConv', 'D', separableConv),
  ...perAxes('Conv', 'DTranspose', transposedConv),
  BatchNormalization: normalization,
  Activation: (place) => activation(place, place.x, place.config.raw('activation'), ''),
  ReLU: rectifier,
  LeakyReLU: (place) => leaky(place),
  PReLU: parametricRectifier,
  ELU: (place) => elementwise(place, { name: 'elu', alpha: numberOf(place, ['alpha'], 1) }),
  Softmax: softmax,
  ...perAxes('MaxPooling', 'D', maxPool),
  ...perAxes('AveragePooling', 'D', averagePool),
  ...perAxes('GlobalAveragePooling', 'D', (axes) => globalPool(axes, 'average')),
  ...perAxes('GlobalMaxPooling', 'D', (axes) => globalPool(axes, 'max')),
  Flatten: (place) => {
    place.demandChannelsLast();
    return place.flat(place.x);
  },
  Reshape: reshape,
  ...perAxes('ZeroPadding', 'D', zeroPadding),
  ...perAxes('UpSampling', 'D', upSampling),
  Rescaling: rescaling,
  Add: (place) =>
    sum(
      place,
      place.inputs.map(() => 1),
    ),
  Subtract: subtract,
  Concatenate: concatenate,
  ...everywhere(
    [
      'Dropout',
      'SpatialDropout1D',
      'SpatialDropout2D',
      'SpatialDropout3D',
      'AlphaDropout',
      'GaussianDropout',
    ],
    same,
  ),
  ...everywhere(['GaussianNoise', 'ActivityRegularization', 'Identity'], same),
};

export function isKnown(kind: string): boolean {
  return Object.hasOwn(ROWS, kind);
}

/** @throws InputError for layers that do not fit, UnsupportedError for what has no bound */
export async function readLayer(place: Place): Promise<TensorId> {
  const output = await ROWS[place.layer.kind]!(place);
  place.finish();
  return output;
}

/** `Conv1D`, `Conv2D`, `Conv3D` */
function perAxes(before: string, after: string, row: (axes: number) => Row): Record<string, Row> {
  return Object.fromEntries([1, 2, 3].map((axes) => [`${before}${axes}${after}`, row(axes)]));
}

function everywhere(kinds: readonly string[], row: Row): Record<string, Row> {
  return Object.fromEntries(kinds.map((kind) => [kind, row]));
}

/** What is done while a network is trained, and not thereafter. */
function same(place: Place): TensorId {
  for (const key of ['noise_shape', 'l1', 'l2']) place.config.raw(key);
  return place.x;
}

function elementwise(place: Place, f: Elementwise): TensorId {
  return place.add({ kind: 'nonlinearity', function: f }, [place.x]);
}

/** A number by any of its names, which versions have changed. */
function numberOf({ config }: Place, keys: readonly string[], absent: number): number {
  const key = keys.find((name) => config.has(name));
  return key === undefined ? absent : config.number(key);
}

async function normalization(place: Place): Promise<TensorId> {
  const { config } = place;
  if (!place.isChannels(config.optional('axis', -1, (key) => config.raw(key) as never))) {
    place.refuse('another axis', 'statistics must be per channel, the last axis');
  }
  const centred = config.optional('center', true, (key) => config.flag(key));
  const scaled = config.optional('scale', true, (key) => config.flag(key));
  // They say how it is trained where `renorm` is on, which is refused.
  for (const key of ['renorm_clipping', 'renorm_momentum']) config.raw(key);
  const roles = [
    ...(scaled ? ['gamma'] : []),
    ...(centred ? ['beta'] : []),
    'moving_mean',
    'moving_variance',
  ];
  const found = (await place.weights(roles)).map(({ numbers }) => numbers);
  const variance = found.pop()!;
  const mean = found.pop()!;
  const [gamma, beta] = [scaled ? found[0] : undefined, centred ? found.at(-1) : undefined];
  return batchNormalization(place.builder, place.layer.name, place.x, {
    ...{ mean, variance, epsilon: numberOf(place, ['epsilon'], 1e-3) },
    ...(gamma && { gamma }),
    ...(beta && { beta }),
  });
}

function rectifier(place: Place): TensorId {
  const { config } = place;
  const none = (key: string) => config.raw(key) === null || config.raw(key) === undefined;
  const slope = none('negative_slope') ? 0 : config.number('negative_slope');
  const threshold = none('threshold') ? 0 : config.number('threshold');
  if (threshold !== 0)
    place.refuse(`threshold ${threshold}`, 'it jumps there, so that its slope has no bound');
  if (none('max_value')) {
    return elementwise(place, slope === 0 ? { name: 'relu' } : { name: 'leaky-relu', slope });
  }
  if (slope !== 0) place.refuse('max_value and negative_slope', 'either of them is read');
  return elementwise(place, { name: 'clip', min: 0, max: config.number('max_value') });
}

function leaky(place: Place): TensorId {
  return elementwise(place, { name: 'leaky-relu', slope: numberOf(place, ['negative_slope', 'alpha'], 0.3) });
}

async function parametricRectifier(place: Place): Promise<TensorId> {
  const { config, shape, axes } = place;
  config.raw('shared_axes');
  const [alpha] = await place.weights(['alpha']);
  const channels = shape[0]!;
  // A slope for every position is none per channel.
  if (alpha!.numbers.length !== channels || (axes > 0 && alpha!.shape.at(-1) !== channels)) {
    place.refuse(
      'slopes for every position',
      'slopes per channel are read: shared_axes with all axes of space',
    );
  }
  return elementwise(place, { name: 'prelu', slopes: inDouble(alpha!.numbers) });
}

function softmax(place: Place): TensorId {
  const axis = place.config.optional('axis', -1, (key) => place.config.raw(key) as never);
  if (!place.isChannels(axis)) place.refuse('another axis', 'softmax of the last axis is read');
  return place.add({ kind: 'softmax', logarithm: false }, [place.x]);
}

function maxPool(axes: number): Row {
  return (place) => {
    const { kernel, stride, dilation, pads } = windowsOf(place, axes, 'pooling');
    return place.add({ kind: 'max-pool', kernel, stride, dilation, ...pads }, [place.x]);
  };
}

/** What is padded does not count. */
function averagePool(axes: number): Row {
  return (place) => {
    const { kernel, stride, pads } = windowsOf(place, axes, 'pooling');
    const padding = { mode: 'zero', ...pads } as const;
    return place.add({ kind: 'average-pool', kernel, stride, padding, countIncludesPadding: false }, [
      place.x,
    ]);
  };
}

function globalPool(axes: number, kind: 'average' | 'max'): Row {
  return (place) => {
    const { config, shape, x } = place;
    place.demandAxes(axes);
    place.demandChannelsLast();
    const operator =
      kind === 'max'
        ? ({ kind: 'global-max-pool' } as const)
        : ({ kind: 'global-average-pool', sum: false } as const);
    const y = place.add(operator, [x]);
    if (!config.optional('keepdims', false, (key) => config.flag(key))) return y;
    const sides = [shape[0]!, ...Array.from({ length: axes }, () => 1)];
    return place.add({ kind: 'reindex', permutation: [0], shape: sides }, [y], 'with its axes');
  };
}

function reshape(place: Place): TensorId {
  const { config, shape, x } = place;
  const target = config.raw('target_shape');
  // What is left to the layer is -1 in Keras, and null in TensorFlow.js.
  const sides = (Array.isArray(target) ? target : []).map((side) => side ?? -1);
  const size = product(shape);
  const known = product(sides.filter((side): side is number => typeof side === 'number' && side !== -1));
  const full = sides.map((side) => (side === -1 ? size / known : side)) as number[];
  if (
    full.length === 0 ||
    !full.every((side) => Number.isSafeInteger(side) && side >= 1) ||
    product(full) !== size
  ) {
    config.refuse('target_shape', `sides of ${size} entries`, target);
  }
  const flat = place.flat(x, full.length === 1 ? '' : 'flat');
  if (full.length === 1) return flat;
  const rows = place.add({ kind: 'reindex', permutation: [0], shape: full }, [flat], 'channels last');
  const permutation = channelsFirst(full.length);
  return place.add({ kind: 'reindex', permutation, shape: permutation.map((axis) => full[axis]!) }, [rows]);
}

/** One number for all, one per axis, or one before and one after for each. */
function zeroPadding(axes: number): Row {
  return (place) => {
    const { config, x } = place;
    place.demandAxes(axes);
    place.demandChannelsLast();
    const value = config.raw('padding');
    const list = Array.isArray(value)
      ? axes === 1 && !Array.isArray(value[0])
        ? [value]
        : value
      : Array.from({ length: axes }, () => value);
    const pairs = list.map((pair) => (Array.isArray(pair) ? pair : [pair, pair]));
    const fits =
      pairs.length === axes &&
      pairs.every(
        (pair) => pair.length === 2 && pair.every((n) => Number.isSafeInteger(n) && (n as number) >= 0),
      );
    if (!fits) config.refuse('padding', `whole numbers of samples for ${axes} axes`, value);
    const [before, after] = [0, 1].map((end) => pairs.map((pair) => pair[end] as number)) as [
      number[],
      number[],
    ];
    const y = place.add({ kind: 'pad', padding: { mode: 'zero', before, after } }, [x]);
    place.reading.padded.set(y, { source: x, before, after });
    return y;
  };
}

function upSampling(axes: number): Row {
  return (place) => {
    const { config } = place;
    place.demandAxes(axes);
    place.demandChannelsLast();
    const kind = config.optional('interpolation', 'nearest', (key) => config.text(key));
    if (kind !== 'nearest') place.refuse(`interpolation ${kind}`, 'nearest is read; export ONNX');
    return nearestUpsampling(place, config.perAxis('size', axes, 1));
  };
}

function rescaling(place: Place): TensorId {
  const { config, x } = place;
  const [scale, shift] = [config.number('scale'), numberOf(place, ['offset'], 0)];
  return place.add({ kind: 'scale', scale: Float64Array.of(scale), shift: Float64Array.of(shift) }, [x]);
}

/** @throws InputError for tensors of several shapes, which Keras would repeat */
function sum(place: Place, coefficients: readonly number[]): TensorId {
  return place.add({ kind: 'add', coefficients }, place.inputs);
}

function subtract(place: Place): TensorId {
  if (place.inputs.length !== 2) {
    throw new InputError(`${place.config.where}: Subtract must read two tensors, got ${place.inputs.length}`);
  }
  return sum(place, [1, -1]);
}

function concatenate(place: Place): TensorId {
  const { config, builder, inputs } = place;
  const axis = config.optional('axis', -1, (key) => config.raw(key) as never) as unknown;
  if (axis !== -1 && axis !== builder.shape(inputs[0]!).length) {
    place.refuse('another axis', 'channels are put together, the last axis; export ONNX');
  }
  return place.add({ kind: 'concat' }, inputs);
}
