/** From ONNX operators to elementwise functions. */
import type { Elementwise } from '../../../network/elementwise/elementwise.ts';
import { OWN_FIELDS } from '../../../network/lengths/follows.ts';
import type { Call, Signal } from '../call.ts';
import { sameAlongAllBut } from '../operators/broadcast.ts';
import { mapped } from '../operators/entries.ts';
import { type Constant, reshaped } from '../values/constant.ts';

export function applyElementwise(call: Call, f: Elementwise, input: Signal): Signal {
  return call.emitSame({ kind: 'nonlinearity', function: f }, input, OWN_FIELDS);
}

/** ReLU of constants, of integers too. */
export function rectified(call: Call): Constant {
  return mapped(call, call.numbers(0), (value) => Math.max(value, 0));
}

/** x · σ(β x) */
export function swish(beta: number): Elementwise {
  return beta === 1 ? { name: 'silu' } : { name: 'swish', beta };
}

export function gelu(call: Call): Elementwise {
  const approximate = call.attributes.text('approximate', 'none');
  if (approximate === 'none') return { name: 'gelu' };
  if (approximate === 'tanh') return { name: 'gelu-tanh' };
  return call.malformed('approximate must be none or tanh', approximate);
}

/** x less `bias` beyond ±`lambd`, towards 0; 0 between. */
export function shrink(call: Call): Signal {
  const x = call.signal(0);
  const threshold = call.attributes.float('lambd', 0.5);
  const bias = call.attributes.float('bias', 0);
  if (bias !== threshold || threshold < 0) {
    call.refuse(
      `lambd ${threshold}, bias ${bias}`,
      'no global bound exists: it jumps, unless both are one number',
    );
  }
  return threshold === 0 ? x : applyElementwise(call, { name: 'soft-shrink', threshold }, x);
}

/** x above alpha, 0 below: without a jump at alpha = 0 alone. */
export function thresholded(call: Call): Signal {
  const alpha = call.attributes.float('alpha', 1);
  if (alpha !== 0)
    call.refuse(`alpha ${alpha}`, 'no global bound exists: it jumps at alpha, unless that is 0');
  return applyElementwise(call, { name: 'relu' }, call.signal(0));
}

export function prelu(call: Call): Signal {
  const x = call.signal(0);
  const given = call.requiredConstant(1);
  // Before operator set 7 a slope, or one for each channel: axis 1, the batch counted.
  const perChannel = call.opset < 7 && given.data.length > 1;
  const rank = call.dims(x).length;
  if (perChannel && rank < 2)
    call.refuse(`${given.data.length} slopes`, 'a tensor of one axis has no channels');
  const sides = new Array<number>(Math.max(rank - 2, 0)).fill(1);
  const slope = perChannel ? reshaped(given, [given.data.length, ...sides]) : given;
  const channel = call.axis(0, Math.max(x.shape.length, 1));
  const slopes = sameAlongAllBut(call, slope, x, channel);
  if (!slopes)
    return call.refuse(
      `slopes of shape [${slope.shape.join(', ')}]`,
      'they must broadcast to the tensor, and must not repeat it',
    );
  return applyElementwise(call, { name: 'prelu', slopes }, x);
}

/** Bounds are attributes before operator set 11 and inputs since; an absent one is open. */
function limits(call: Call): { readonly min: number; readonly max: number } {
  const bound = (index: number, name: string) =>
    call.opset >= 11 ? call.scalar(index) : call.attributes.float(name, undefined);
  return {
    min: bound(1, 'min') ?? Number.NEGATIVE_INFINITY,
    max: bound(2, 'max') ?? Number.POSITIVE_INFINITY,
  };
}

export function clip(call: Call): Signal {
  const { min, max } = limits(call);
  return clipped(call, call.signal(0), min, max);
}

/** Where min is above max all of it is max, as for `clipped`. */
export function clippedConstant(call: Call): Constant {
  const { min, max } = limits(call);
  return mapped(call, call.numbers(0), (value) => Math.min(Math.max(value, min), max));
}

/**
 * min(max(x, min), max), which is max wherever min is not below it: ONNX says so from operator set 13 on, and runtimes do so before.
 */
export function clipped(call: Call, x: Signal, min: number, max: number): Signal {
  if (min === Number.NEGATIVE_INFINITY && max === Number.POSITIVE_INFINITY) return x;
  if (min === 0 && max === Number.POSITIVE_INFINITY) return applyElementwise(call, { name: 'relu' }, x);
  if (min >= max && Number.isFinite(max)) {
    const constant = { kind: 'scale', scale: Float64Array.of(0), shift: Float64Array.of(max) } as const;
    return call.emitSame(constant, x, OWN_FIELDS);
  }
  call.demand(min < max, 'min must be below max', [min, max]);
  return applyElementwise(call, { name: 'clip', min, max }, x);
}
