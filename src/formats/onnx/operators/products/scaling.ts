/** Operators that multiply and add constants of their own: DequantizeLinear of constants, and scikit-learn's scalers and regressors. */
import { product, strides } from '../../../../network/size.ts';
import type { Call, Signal } from '../../call.ts';
import { type Constant, constantOf } from '../../values/constant.ts';
import { integerRange, isFloat } from '../../values/elementType.ts';
import { elementType } from '../../values/tensors.ts';
import { scaledAndShifted, times } from '../arithmetic.ts';
import type { Converter, Family } from '../converter.ts';
import { floatResult, halfToEven } from '../entries.ts';
import { contracted } from './contraction.ts';

export const scaling: Family = new Map<string, Converter>([
  ['DequantizeLinear', { constants: dequantized }],
  ['QuantizeLinear', { constants: quantized }],
  ['ai.onnx.ml.Scaler', { signals: scaler }],
  ['ai.onnx.ml.LinearRegressor', { signals: linearRegressor }],
]);

/** (x − zero point) · scale, one for all, one per index of an axis, or one per block of it. */
function dequantized(call: Call): Constant {
  const [x, scale] = [call.numbers(0), call.numbers(1)];
  const zero = call.inputs[2] ? call.numbers(2) : undefined;
  if (!isFloat(scale.type)) return call.refuse(`to ${scale.type}`, 'scales are floats');
  const stated = call.attributes.integer('output_dtype', 0);
  if (stated !== 0 && elementType(stated) !== scale.type)
    call.refuse(`output_dtype = ${stated}`, 'it is to be the type of the scale');
  const result = floatResult(call, scale.type);
  call.scope.budget.allocate(call.node.name, x.data.length);
  const at = scaleIndex(call, x.shape, scale.shape);
  const fits = !zero || zero.data.length === scale.data.length;
  call.demand(fits, `zero points must number ${scale.data.length}`, zero?.shape ?? []);
  const data = new Float64Array(x.data.length).map((_, n) => {
    const k = at(n);
    const steps = x.data[n]! - (zero?.data[k] ?? 0);
    if (result(steps) !== steps)
      call.refuse(`of ${steps}`, 'whether it is rounded before it is multiplied is left open');
    return result(steps * scale.data[k]!);
  });
  return constantOf(scale.type, x.shape, data);
}

/**
 * The integer nearest to x / scale, of two the even one, and the zero point; what is beyond their format is its end. The quotient is
 * rounded to the type of the scale, as ONNX says; of 16 bits runtimes may divide in 32, which must make no difference.
 */
function quantized(call: Call): Constant {
  const [x, scale] = [call.numbers(0), call.numbers(1)];
  const zero = call.inputs[2] ? call.numbers(2) : undefined;
  if (!isFloat(scale.type)) return call.refuse(`by ${scale.type}`, 'scales are floats');
  for (const name of ['output_dtype', 'precision']) {
    const stated = call.attributes.integer(name, 0);
    if (stated !== 0) call.refuse(`${name} = ${stated}`, 'the type is to be that of the zero point');
  }
  const at = scaleIndex(call, x.shape, scale.shape);
  const fits = !zero || zero.data.length === scale.data.length;
  call.demand(fits, `zero points must number ${scale.data.length}`, zero?.shape ?? []);
  const type = zero?.type ?? 'uint8';
  const [least, greatest] = [Number(integerRange(type).least), Number(integerRange(type).greatest)];
  call.scope.budget.allocate(call.node.name, x.data.length);
  const result = floatResult(call, scale.type);
  const data = new Float64Array(x.data.length).map((_, n) => {
    const k = at(n);
    call.demand(scale.data[k] !== 0, 'scales must not be 0', 0);
    const quotient = x.data[n]! / scale.data[k]!;
    const steps = halfToEven(result(quotient));
    if (scale.type !== 'double' && halfToEven(Math.fround(quotient)) !== steps) {
      call.refuse(`of ${x.data[n]} by ${scale.data[k]}`, 'which integer is nearest is left to rounding');
    }
    return Math.min(Math.max(steps + (zero?.data[k] ?? 0), least), greatest) + 0;
  });
  return constantOf(type, x.shape, data);
}

/** Which scale an entry of a tensor of `shape` has. */
function scaleIndex(call: Call, shape: readonly number[], scales: readonly number[]): (n: number) => number {
  if (product(scales) === 1 && scales.length <= 1) return () => 0;
  const axis = call.axis(call.attributes.integer('axis', 1), shape.length);
  const block = call.attributes.integer('block_size', 0);
  const steps = strides(shape);
  if (block === 0) {
    const fits = scales.length === 1 && scales[0] === shape[axis];
    call.demand(fits, `scales must number ${shape[axis]}, as axis ${axis} has entries`, scales);
    return (n) => Math.floor(n / steps[axis]!) % shape[axis]!;
  }
  call.demand(block > 0, 'block_size must not be negative', block);
  const blocks = shape.with(axis, Math.ceil(shape[axis]! / block));
  call.demand(
    scales.length === shape.length && scales.every((side, a) => side === blocks[a]),
    `scales must be [${blocks.join(', ')}]`,
    scales,
  );
  const own = strides(blocks);
  return (n) =>
    shape.reduce((at, side, a) => {
      const index = Math.floor(n / steps[a]!) % side;
      return at + (a === axis ? Math.floor(index / block) : index) * own[a]!;
    }, 0);
}

/** One number for all features, or one for each, which are the entries of the last axis. */
function features(call: Call, values: readonly number[], x: Signal, what: string): Constant {
  const count = x.shape.at(-1) ?? 1;
  call.demand(
    values.length === 1 || values.length === count,
    `${what} must number 1 or ${count}`,
    values.length,
  );
  return constantOf('double', [values.length], Float64Array.from(values));
}

/** (x − offset) · scale */
function scaler(call: Call): Signal {
  const x = call.signal(0);
  const [offset, scale] = [call.attributes.floats('offset') ?? [0], call.attributes.floats('scale') ?? [1]];
  const centred = scaledAndShifted(call, x, 1, features(call, offset, x, 'offset'), -1);
  return times(call, centred, features(call, scale, x, 'scale'));
}

/** x Cᵀ + intercepts */
function linearRegressor(call: Call): Signal {
  const x = call.signal(0);
  const { attributes } = call;
  const transform = attributes.text('post_transform', 'NONE');
  if (transform !== 'NONE') call.refuse(`post_transform = ${transform}`, 'the values themselves are read');
  const targets = attributes.integer('targets', 1);
  const coefficients =
    attributes.floats('coefficients') ?? call.malformed('coefficients must be given', 'none');
  const inputs = x.shape.at(-1) ?? 1;
  const whole = x.shape.length === 0 ? call.view(x, [1]) : x;
  call.demand(
    coefficients.length === targets * inputs,
    `coefficients must number ${targets * inputs}`,
    coefficients.length,
  );
  const intercepts = attributes.floats('intercepts');
  const fits = !intercepts || intercepts.length === targets;
  call.demand(fits, `intercepts must number ${targets}`, intercepts?.length ?? 0);
  const matrix = constantOf('double', [targets, inputs], Float64Array.from(coefficients));
  const bias = intercepts && Float64Array.from(intercepts);
  return contracted(call, whole, whole.shape.length - 1, matrix, bias);
}
