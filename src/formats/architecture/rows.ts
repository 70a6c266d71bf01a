/** Layers of the architecture that goes with a file of weights: one row each (docs/formats.md). */
import { InputError } from '../../errors.ts';
import type { NetworkBuilder } from '../../network/builder.ts';
import type { Elementwise } from '../../network/elementwise/table.ts';
import type { TensorId, Tie } from '../../network/network.ts';
import { inDouble } from '../../network/numbers.ts';
import type { PaddingMode } from '../../network/operator.ts';
import { product } from '../../network/size.ts';
import type { Fields } from '../fields.ts';
import { outputsFirst, type Weight } from '../layers/arranged.ts';
import { batchNormalization } from '../layers/batchNormalization.ts';
import { hasParameters, isPlainFunction, PLAIN, WITH_PARAMETERS } from '../layers/functions.ts';
import { type Pads, samePads } from '../layers/windows.ts';

/** A layer that is being read. */
export interface Place {
  readonly builder: NetworkBuilder;
  readonly name: string;
  readonly fields: Fields;
  readonly inputs: readonly TensorId[];
  readonly ties: Tie[];
  /** The array whose name stands in a field. @throws InputError where the file has none such */
  array(key: string): Promise<Weight>;
}

type Row = (place: Place) => Promise<TensorId> | TensorId;

const ORDERS = ['outputs-first', 'outputs-last'] as const;

const MODES: Readonly<Record<string, PaddingMode>> = {
  zeros: 'zero',
  circular: 'circular',
  reflect: 'reflect',
  replicate: 'replicate',
};

const ROWS: Readonly<Record<string, Row>> = {
  linear,
  conv,
  'transposed-conv': transposedConv,
  'batch-norm': batchNorm,
  prelu: async (place) => {
    const slopes = inDouble((await place.array('slopes')).numbers);
    return activation(place, { name: 'prelu', slopes });
  },
  'max-pool': maxPool,
  'average-pool': averagePool,
  'global-average-pool': (place) =>
    place.builder.add(place.name, { kind: 'global-average-pool', sum: false }, [only(place)]),
  'global-max-pool': (place) => place.builder.add(place.name, { kind: 'global-max-pool' }, [only(place)]),
  flatten: (place) => view(place, [product(place.builder.shape(only(place)))]),
  reshape: (place) => view(place, place.fields.shape('shape')),
  pad,
  softmax: (place) => softmax(place, false),
  'log-softmax': (place) => softmax(place, true),
  add: (place) => {
    const coefficients = place.fields.optional(
      'coefficients',
      place.inputs.map(() => 1),
      (key) => numbers(place, key),
    );
    return place.builder.add(place.name, { kind: 'add', coefficients }, place.inputs);
  },
  concat: (place) => place.builder.add(place.name, { kind: 'concat' }, place.inputs),
  none: only,
};

export function knownLayers(): string[] {
  return [...Object.keys(ROWS), ...Object.keys(PLAIN), ...Object.keys(WITH_PARAMETERS)];
}

/** @throws InputError for layers that are not known or do not fit */
export async function readLayer(kind: string, place: Place): Promise<TensorId> {
  if (Object.hasOwn(ROWS, kind)) return ROWS[kind]!(place);
  if (isPlainFunction(kind)) return activation(place, PLAIN[kind]);
  if (hasParameters(kind)) {
    const parameters = WITH_PARAMETERS[kind].map((key) => [key, place.fields.number(key)]);
    return activation(place, { name: kind, ...Object.fromEntries(parameters) } as Elementwise);
  }
  throw new InputError(
    `${place.fields.where}: layer must be one of ${knownLayers().join(', ')}, got ${kind}`,
  );
}

/** @throws InputError for layers that read several */
function only({ inputs, fields }: Place): TensorId {
  if (inputs.length === 1) return inputs[0]!;
  throw new InputError(`${fields.where}: from must be one layer, got ${inputs.length}`);
}

function activation(place: Place, f: Elementwise): TensorId {
  return place.builder.add(place.name, { kind: 'nonlinearity', function: f }, [only(place)]);
}

function view(place: Place, shape: readonly number[]): TensorId {
  const x = only(place);
  const permutation = place.builder.shape(x).map((_, axis) => axis);
  return place.builder.add(place.name, { kind: 'reindex', permutation, shape: [...shape] }, [x]);
}

function softmax(place: Place, logarithm: boolean): TensorId {
  return place.builder.add(place.name, { kind: 'softmax', logarithm }, [only(place)]);
}

function numbers({ fields }: Place, key: string): number[] {
  const value = fields.raw(key);
  const fits = Array.isArray(value) && value.every((n) => typeof n === 'number' && Number.isFinite(n));
  return fits ? (value as unknown as number[]) : fields.refuse(key, 'a list of numbers', value);
}

/** A weight with so many axes, [outputs, inputs, …]. */
async function weightOf(place: Place, axes?: number): Promise<Weight> {
  const { fields } = place;
  const stored = await place.array('weight');
  const order = fields.optional('order', 'outputs-first', (key) => fields.text(key, ORDERS));
  const allowed = axes === undefined ? [3, 4, 5] : [axes];
  if (!allowed.includes(stored.shape.length)) {
    throw new InputError(
      `${fields.where}: weight must have ${allowed.join(' or ')} axes, got [${stored.shape.join(', ')}]`,
    );
  }
  return order === 'outputs-first' ? stored : outputsFirst(stored);
}

/** As many numbers as there are outputs, whatever axes of 1 are beside them. */
async function biasOf(place: Place): Promise<{ bias?: Float64Array }> {
  if (!place.fields.has('bias')) return {};
  return { bias: inDouble((await place.array('bias')).numbers) };
}

async function linear(place: Place): Promise<TensorId> {
  const { builder, name, fields } = place;
  const x = only(place);
  const shape = builder.shape(x);
  if (shape.length !== 1) {
    throw new InputError(
      `${fields.where}: must read a vector, got [${shape.join(', ')}]; a layer flatten before it makes one`,
    );
  }
  const { shape: sides, numbers: weight } = await weightOf(place, 2);
  const [outputs, inputs] = sides as [number, number];
  return builder.add(name, { kind: 'affine', outputs, inputs, weight, ...(await biasOf(place)) }, [x]);
}

/** What both kinds of convolution say. */
function windows({ fields }: Place, axes: number) {
  return {
    stride: fields.perAxis('stride', axes, 1),
    dilation: fields.optional(
      'dilation',
      Array.from({ length: axes }, () => 1),
      (key) => fields.perAxis(key, axes, 1),
    ),
    groups: fields.optional('groups', 1, (key) => fields.perAxis(key, 1, 1)[0]!),
  };
}

/** Samples on both sides of every axis, or such that there are ⌈n / stride⌉ windows. */
function padsOf(
  place: Place,
  kernel: readonly number[],
  stride: readonly number[],
  dilation: readonly number[],
): Pads {
  const { fields, builder, name, ties } = place;
  if (fields.raw('padding') !== 'same') {
    const both = fields.perAxis('padding', kernel.length, 0);
    return { before: both, after: [...both] };
  }
  if (stride.some((step) => step > 1)) {
    ties.push({
      node: name,
      found: `padding "same" with stride [${stride.join(', ')}]`,
      reason: 'the padding depends on the length; give it in samples, or bound it without the option length',
    });
  }
  return samePads(builder.shape(only(place)).slice(1), kernel, stride, dilation);
}

async function conv(place: Place): Promise<TensorId> {
  const { builder, name, fields } = place;
  const x = only(place);
  const { shape, numbers: weight } = await weightOf(place);
  const [outputs, inputs, ...kernel] = shape as [number, number, ...number[]];
  const { stride, dilation, groups } = windows(place, kernel.length);
  const mode =
    MODES[fields.optional('padding_mode', 'zeros', (key) => fields.text(key, Object.keys(MODES)))]!;
  imageOf(place, kernel.length);
  const padding = { mode, ...padsOf(place, kernel, stride, dilation) };
  return builder.add(
    name,
    {
      kind: 'convolution',
      ...{ outputs, inputs: inputs * groups, groups, kernel, stride, dilation, padding, weight },
      ...(await biasOf(place)),
    },
    [x],
  );
}

/** As PyTorch's: the weight is [inputs, outputs / groups, …], or with its outputs last […, outputs / groups, inputs]. */
async function transposedConv(place: Place): Promise<TensorId> {
  const { builder, name, fields } = place;
  const x = only(place);
  const { shape, numbers: weight } = await weightOf(place);
  const [inputs, perGroup, ...kernel] = shape as [number, number, ...number[]];
  const axes = kernel.length;
  const { stride, dilation, groups } = windows(place, axes);
  imageOf(place, axes);
  const padding = fields.perAxis('padding', axes, 0);
  const outputPadding = fields.optional(
    'output_padding',
    kernel.map(() => 0),
    (key) => fields.perAxis(key, axes, 0),
  );
  return builder.add(
    name,
    {
      kind: 'transposed-convolution',
      ...{ outputs: perGroup * groups, inputs, groups, kernel, stride, dilation, weight, outputPadding },
      ...{ before: padding, after: [...padding] },
      ...(await biasOf(place)),
    },
    [x],
  );
}

/** @throws InputError unless a layer reads an image of so many axes */
function imageOf(place: Place, axes: number): void {
  const shape = place.builder.shape(only(place));
  if (shape.length === axes + 1) return;
  throw new InputError(
    `${place.fields.where}: must read [channels, …] with ${axes} axes of space, got [${shape.join(', ')}]`,
  );
}

async function batchNorm(place: Place): Promise<TensorId> {
  const { builder, name, fields } = place;
  const optional = async (key: string) => (fields.has(key) ? (await place.array(key)).numbers : undefined);
  const gamma = await optional('weight');
  const beta = await optional('bias');
  return batchNormalization(builder, name, only(place), {
    mean: (await place.array('mean')).numbers,
    variance: (await place.array('variance')).numbers,
    epsilon: fields.number('eps'),
    ...(gamma && { gamma }),
    ...(beta && { beta }),
  });
}

function pool(place: Place) {
  const { fields, builder } = place;
  const axes = builder.shape(only(place)).length - 1;
  const kernel = fields.perAxis('kernel', axes, 1);
  const stride = fields.perAxis('stride', axes, 1);
  return { axes, kernel, stride };
}

function maxPool(place: Place): TensorId {
  const { axes, kernel, stride } = pool(place);
  const { fields, builder, name } = place;
  const dilation = fields.optional(
    'dilation',
    kernel.map(() => 1),
    (key) => fields.perAxis(key, axes, 1),
  );
  const pads = padsOf(place, kernel, stride, dilation);
  return builder.add(name, { kind: 'max-pool', kernel, stride, dilation, ...pads }, [only(place)]);
}

function averagePool(place: Place): TensorId {
  const { kernel, stride } = pool(place);
  const { fields, builder, name } = place;
  const padding = {
    mode: 'zero' as const,
    ...padsOf(
      place,
      kernel,
      stride,
      kernel.map(() => 1),
    ),
  };
  const padded = [...padding.before, ...padding.after].some((n) => n > 0);
  const countIncludesPadding = padded
    ? fields.flag('count_include_pad')
    : fields.optional('count_include_pad', true, (key) => fields.flag(key));
  return builder.add(name, { kind: 'average-pool', kernel, stride, padding, countIncludesPadding }, [
    only(place),
  ]);
}

function pad(place: Place): TensorId {
  const { fields, builder, name } = place;
  const axes = builder.shape(only(place)).length - 1;
  const mode = MODES[fields.text('mode', Object.keys(MODES))]!;
  const both = fields.perAxis('padding', axes, 0);
  return builder.add(name, { kind: 'pad', padding: { mode, before: both, after: [...both] } }, [only(place)]);
}
