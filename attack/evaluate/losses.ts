/** Losses of known classes, as ONNX writes them down: entry by entry, then added up. */
import type { Call } from './call.ts';
import { Exact, ONE, ZERO } from './exact.ts';
import type { Operator } from './operator.ts';
import { demand, positions, stepsOf, type Value } from './values.ts';

export const losses: Readonly<Record<string, Operator>> = {
  NegativeLogLikelihoodLoss: (call) => [loss(call, call.cells(0))],
  SoftmaxCrossEntropyLoss: (call) => {
    const scores = call.cells(0);
    demand(scores.shape.length >= 2, 'classes');
    const step = stepsOf(scores.shape)[1]!;
    const classes = scores.shape[1]!;
    const items = scores.items.map((_, n) => {
      const own = Math.floor(n / step) % classes;
      const row = Array.from({ length: classes }, (_cell, c) => scores.items[n + (c - own) * step]!);
      return call.builder.softmax(row, own, true);
    });
    const logarithms = { ...scores, items };
    return [loss(call, logarithms), logarithms];
  },
};

function loss(call: Call, x: Value): Value {
  const target = call.constant(1);
  const weights = call.values[2] ? call.constant(2).items : undefined;
  const [samples, classes, ...sides] = x.shape as [number, number, ...number[]];
  const places = [samples, ...sides];
  demand(target.shape.join() === places.join(), 'a class for every place');
  const steps = stepsOf(x.shape);
  const ignored = call.attribute('ignore_index') ? call.integer('ignore_index', 0) : undefined;
  const terms = [...positions(places)].map(([n, ...at], k) => {
    const t = target.items[k]!;
    if (t === ignored) return { cell: call.builder.constant(0), weight: ZERO };
    demand(t >= 0 && t < classes, 'a class');
    const flat = at.reduce((sum, i, a) => sum + i * steps[a + 2]!, n! * steps[0]! + t * steps[1]!);
    return { cell: x.items[flat]!, weight: weights ? Exact.of(weights[t]!) : ONE };
  });
  const reduction = call.text('reduction', 'mean');
  const { builder } = call;
  if (reduction === 'none') {
    const items = terms.map(({ cell, weight }) => builder.linear([cell], [weight.negated()]));
    return { type: 'cell', shape: places, items };
  }
  const total = terms.reduce((sum, { weight }) => sum.plus(weight), ZERO);
  demand(reduction === 'sum' || total.compare(ZERO) > 0, 'a mean over something');
  const divisor = reduction === 'sum' ? ONE : total;
  const sum = builder.linear(
    terms.map(({ cell }) => cell),
    terms.map(({ weight }) => weight.negated().over(divisor)),
  );
  return { type: 'cell', shape: [], items: [sum] };
}
