/** Activations, entry by entry, and softmax. */

import { mapped } from './arithmetic.ts';
import type { Call } from './call.ts';
import type { Operator } from './operator.ts';
import * as f from './pointwise.ts';
import { axisOf, demand, expanded, stepsOf, type Value } from './values.ts';

const simple = (g: f.Pointwise): Operator => parametric(() => g);

function parametric(make: (call: Call) => f.Pointwise, constant?: (x: number) => number): Operator {
  return (call) => {
    const x = call.value(0);
    if (x.type !== 'cell' && constant) return [mapped(x, constant)];
    const g = make(call);
    return [mapped(call.cells(0), (cell) => call.builder.function(cell, g))];
  };
}

export const activations: Readonly<Record<string, Operator>> = {
  Relu: parametric(
    () => f.relu,
    (x) => Math.max(x, 0),
  ),
  Sigmoid: parametric(() => f.sigmoid, f.sigmoid.value),
  Tanh: parametric(() => f.tanh, f.tanh.value),
  Softplus: parametric(() => f.softplus, f.softplus.value),
  Softsign: simple(f.softsign),
  HardSwish: simple(f.hardSwish),
  Mish: simple(f.mish),
  Sin: simple(f.sine),
  Cos: simple(f.cosine),
  Atan: simple(f.arctangent),
  Asinh: simple(f.areaSine),
  Erf: simple(f.erf),
  LeakyRelu: parametric((call) => f.leaky(call.float('alpha', 0.01))),
  Elu: parametric((call) => f.elu(call.float('alpha', 1))),
  Celu: parametric((call) => f.celu(call.float('alpha', 1))),
  Selu: parametric((call) =>
    f.selu(call.float('alpha', 1.6732631921768188), call.float('gamma', 1.0507010221481323)),
  ),
  HardSigmoid: parametric((call) => f.hardSigmoid(call.float('alpha', 0.2), call.float('beta', 0.5))),
  Shrink: parametric((call) => {
    const threshold = call.float('lambd', 0.5);
    demand(threshold > 0 && call.float('bias', 0) === threshold, 'a shrink that does not jump');
    return f.shrink(threshold);
  }),
  ThresholdedRelu: parametric((call) => {
    demand(call.float('alpha', 1) === 0, 'a threshold at 0');
    return f.relu;
  }),
  Swish: parametric((call) => f.swish(call.float('alpha', 1))),
  Gelu: parametric((call) => (call.text('approximate', 'none') === 'tanh' ? f.geluTanh : f.gelu)),
  Clip: parametric((call) => {
    const old = call.opset < 11;
    const bound = (k: number, name: string, absent: number) =>
      old ? (call.attribute(name) ? call.float(name, 0) : absent) : (call.scalar(k) ?? absent);
    return f.clip(bound(1, 'min', -Infinity), bound(2, 'max', Infinity));
  }),
  PRelu: (call) => {
    const x = call.cells(0);
    const slopes = expanded(call.constant(1), x.shape).items;
    const known = new Map<number, f.Pointwise>();
    const of = (slope: number) => {
      if (!known.has(slope)) known.set(slope, f.leaky(slope));
      return known.get(slope)!;
    };
    return [{ ...x, items: x.items.map((cell, k) => call.builder.function(cell, of(slopes[k]!))) }];
  },
  Softmax: (call) => [softmax(call, false)],
  LogSoftmax: (call) => [softmax(call, true)],
};

/** Over one axis since operator set 13, over all from it on before. */
function softmax(call: Call, logarithm: boolean): Value {
  const x = call.cells(0);
  const rank = x.shape.length;
  const axis = axisOf(call.integer('axis', call.opset >= 13 ? -1 : 1), rank);
  const steps = stepsOf(x.shape);
  const group = (k: number): number => {
    if (call.opset < 13) return Math.floor(k / (steps[axis]! * x.shape[axis]!));
    return k - (Math.floor(k / steps[axis]!) % x.shape[axis]!) * steps[axis]!;
  };
  const groups = new Map<number, number[]>();
  for (const [k, cell] of x.items.entries()) groups.set(group(k), [...(groups.get(group(k)) ?? []), cell]);
  const seen = new Map<number, number>();
  return {
    ...x,
    items: x.items.map((_, k) => {
      const which = seen.get(group(k)) ?? 0;
      seen.set(group(k), which + 1);
      return call.builder.softmax(groups.get(group(k))!, which, logarithm);
    }),
  };
}
