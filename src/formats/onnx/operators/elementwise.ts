/** Activations: one ONNX operator, one elementwise function. */
import type { Elementwise } from '../../../network/elementwise.ts';
import { OWN_FIELDS } from '../../../network/follows.ts';
import type { Call, Signal } from '../call.ts';
import type { Constant } from '../constant.ts';
import { sameAlongAllBut } from './broadcast.ts';
import type { Converter, Family } from './converter.ts';
import { floatFunction, mapped } from './entries.ts';

/** float32 values of the specification's defaults. */
const SELU_ALPHA = Math.fround(1.6732631921768188);
const SELU_GAMMA = Math.fround(1.0507010221481323);
const LEAKY_SLOPE = Math.fround(0.01);
const HARD_SIGMOID_ALPHA = Math.fround(0.2);

function activation(build: (call: Call) => Elementwise): Converter {
  return { signals: (call) => applyElementwise(call, build(call), call.signal(0)) };
}

/** An activation that parametrisations apply to weights as well. */
function computable(name: 'sigmoid' | 'tanh' | 'softplus', f: (x: number) => number): Converter {
  return { ...activation(() => ({ name })), constants: floatFunction(f) };
}

function rectified(call: Call): Constant {
  return mapped(call, call.numbers(0), (value) => Math.max(value, 0));
}

export function applyElementwise(call: Call, f: Elementwise, input: Signal): Signal {
  return call.emitSame({ kind: 'nonlinearity', function: f }, input, OWN_FIELDS);
}

export const elementwise: Family = new Map<string, Converter>([
  ['Relu', { ...activation(() => ({ name: 'relu' })), constants: rectified }],
  ['Sigmoid', computable('sigmoid', (x) => 1 / (1 + Math.exp(-x)))],
  ['Tanh', computable('tanh', Math.tanh)],
  ['Softplus', computable('softplus', (x) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x))))],
  ['Softsign', activation(() => ({ name: 'softsign' }))],
  ['HardSwish', activation(() => ({ name: 'hard-swish' }))],
  ['Mish', activation(() => ({ name: 'mish' }))],
  ['Sin', activation(() => ({ name: 'sin' }))],
  ['Cos', activation(() => ({ name: 'cos' }))],
  ['Atan', activation(() => ({ name: 'atan' }))],
  ['Erf', activation(() => ({ name: 'erf' }))],
  [
    'LeakyRelu',
    activation(({ attributes }) => ({
      name: 'leaky-relu',
      slope: attributes.float('alpha', LEAKY_SLOPE),
    })),
  ],
  ['Elu', activation(({ attributes }) => ({ name: 'elu', alpha: attributes.float('alpha', 1) }))],
  ['Celu', activation(({ attributes }) => ({ name: 'celu', alpha: attributes.float('alpha', 1) }))],
  [
    'Selu',
    activation(({ attributes }) => ({
      name: 'selu',
      alpha: attributes.float('alpha', SELU_ALPHA),
      gamma: attributes.float('gamma', SELU_GAMMA),
    })),
  ],
  [
    'HardSigmoid',
    activation(({ attributes }) => ({
      name: 'hard-sigmoid',
      alpha: attributes.float('alpha', HARD_SIGMOID_ALPHA),
      beta: attributes.float('beta', 0.5),
    })),
  ],
  ['Swish', activation(({ attributes }) => swish(attributes.float('alpha', 1)))],
  ['Gelu', activation(gelu)],
  ['PRelu', { signals: prelu }],
  ['Clip', { signals: clip }],
  ['Softmax', { signals: (call) => softmax(call, false) }],
  ['LogSoftmax', { signals: (call) => softmax(call, true) }],
]);

/** x · sigmoid(β x) */
export function swish(beta: number): Elementwise {
  return beta === 1 ? { name: 'silu' } : { name: 'swish', beta };
}

function gelu(call: Call): Elementwise {
  const approximate = call.attributes.text('approximate', 'none');
  if (approximate === 'none') return { name: 'gelu' };
  if (approximate === 'tanh') return { name: 'gelu-tanh' };
  return call.malformed('approximate must be none or tanh', approximate);
}

function prelu(call: Call): Signal {
  const x = call.signal(0);
  const slope = call.requiredConstant(1);
  const channel = call.axis(0, Math.max(x.shape.length, 1));
  const slopes = sameAlongAllBut(call, slope, x, channel);
  if (!slopes)
    return call.refuse(
      `slopes of shape [${slope.shape.join(', ')}]`,
      'one slope per channel, or one for all',
    );
  return applyElementwise(call, { name: 'prelu', slopes }, x);
}

/** Bounds are attributes before operator set 11 and inputs since; an absent one is open. */
function clip(call: Call): Signal {
  const { attributes } = call;
  const bound = (index: number, name: string) =>
    call.opset >= 11 ? call.scalar(index) : attributes.float(name, undefined);
  const min = bound(1, 'min') ?? Number.NEGATIVE_INFINITY;
  const max = bound(2, 'max') ?? Number.POSITIVE_INFINITY;
  return clipped(call, call.signal(0), min, max);
}

/** min(max(x, min), max) */
export function clipped(call: Call, x: Signal, min: number, max: number): Signal {
  if (min === Number.NEGATIVE_INFINITY && max === Number.POSITIVE_INFINITY) return x;
  if (min === 0 && max === Number.POSITIVE_INFINITY) return applyElementwise(call, { name: 'relu' }, x);
  call.demand(min < max, 'min must be below max', [min, max]);
  return applyElementwise(call, { name: 'clip', min, max }, x);
}

/**
 * Since operator set 13 over one axis, before over all axes from `axis` on. A vector per sample, or the channels of
 * an image.
 */
function softmax(call: Call, logarithm: boolean): Signal {
  const x = call.signal(0);
  const dims = call.dims(x);
  const oneAxis = call.opset >= 13;
  const axis = call.axis(call.attributes.integer('axis', oneAxis ? -1 : 1), dims.length);
  const channel = x.batched ? 1 : 0;
  const later = dims.slice(axis + 1);
  if (axis !== channel || !(oneAxis || later.every((side) => side === 1))) {
    const over = oneAxis ? `axis ${axis}` : `all axes from ${axis} on`;
    call.refuse(
      `over ${over} of [${dims.join(', ')}]`,
      'softmax runs over the features of a vector or over channels',
    );
  }
  if (!oneAxis && later.length > 0 && call.follows(x)) {
    call.tie('over positions and channels', 'here there is one position; in longer signals it runs over all');
  }
  return call.emitSame({ kind: 'softmax', logarithm }, x, OWN_FIELDS);
}
