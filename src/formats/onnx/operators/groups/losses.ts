/** Losses of known classes: of log-probabilities, in which they are linear, and of logits. */
import { tied } from '../../../../network/lengths/follows.ts';
import { product, strides } from '../../../../network/size.ts';
import type { Call, Signal } from '../../call.ts';
import { constantOf } from '../../values/constant.ts';
import { scaledBy } from '../arithmetic.ts';
import type { Converter, Family } from '../converter.ts';
import { picked } from '../moving/picked.ts';
import { contracted } from '../products/contraction.ts';
import { sampleAxes } from './along.ts';
import { softmaxAlong } from './softmax.ts';

export const losses: Family = new Map<string, Converter>([
  ['NegativeLogLikelihoodLoss', { signals: (call) => lossOf(call, call.signal(0)) }],
  ['SoftmaxCrossEntropyLoss', { signals: crossEntropy }],
]);

const OF_PLACES = tied('weights of classes', 'classes are those of the positions in the file');

/** The loss, and the logarithms of the probabilities. */
function crossEntropy(call: Call): readonly Signal[] {
  const scores = call.signal(0);
  const rank = call.dims(scores).length;
  call.demand(rank >= 2, 'scores must be [batch, classes, …]', call.dims(scores));
  const [x, axes] = sampleAxes(call, scores, [1]);
  const logarithms = softmaxAlong(call, x, axes, true);
  return [lossOf(call, logarithms), logarithms];
}

/**
 * −w_t x_t of the class t of each sample and position, 0 where that is ignored; or their sum, or that over Σ w_t. Samples of one batch have
 * classes of their own: the batch is known, and one sample where it is not 1.
 */
function lossOf(call: Call, input: Signal): Signal {
  const x = call.unbatched(input);
  const { shape } = x;
  call.demand(shape.length >= 2, 'inputs must be [batch, classes, …]', shape);
  const classes = shape[1]!;
  const places = shape.toSpliced(1, 1);
  const target = call.numbers(1);
  call.demand(target.shape.join() === places.join(), `classes must be [${places.join(', ')}]`, target.shape);
  const weights = call.inputs[2] ? call.numbers(2) : undefined;
  if (weights)
    call.demand(weights.shape.join() === `${classes}`, `weights must be [${classes}]`, weights.shape);
  const reduction = call.attributes.text('reduction', 'mean');
  const known = ['none', 'sum', 'mean'].includes(reduction);
  call.demand(known, 'reduction must be none, sum or mean', reduction);
  const ignored = call.attributes.integer('ignore_index', undefined);

  const count = product(places);
  call.scope.budget.allocate(call.node.name, 3 * count);
  const step = strides(shape)[1]!;
  const sources = new Int32Array(count);
  const weight = new Float64Array(count);
  for (const [n, t] of target.data.entries()) {
    const taken = t !== ignored;
    call.demand(!taken || (t >= 0 && t < classes), `classes must lie in [0, ${classes})`, t);
    sources[n] = taken ? (Math.floor(n / step) * classes + t) * step + (n % step) : -1;
    weight[n] = taken ? (weights?.data[t] ?? 1) : 0;
  }
  const negative = weight.map((value) => -value);
  if (reduction === 'none') {
    const own = picked(call, x, sources, places, 'of the classes');
    return call.settled(
      weights
        ? call.emitSame({ kind: 'scale', scale: negative }, own, OF_PLACES, 'weighed')
        : scaledBy(call, own, -1),
    );
  }
  const own = picked(call, x, sources, [count], 'of the classes');
  const row = constantOf('double', [1, count], reduction === 'sum' ? negative : meanOf(call, weight));
  const sum = contracted(call, own, 0, { ...row, ...(reduction === 'mean' && { roundings: count + 1 }) });
  return call.view(call.unbatched(sum), [], false);
}

/** −w / Σ w, where nothing cancels. */
function meanOf(call: Call, weight: Float64Array): Float64Array {
  const total = weight.reduce((sum, value) => sum + value, 0);
  if (weight.some((value) => value < 0))
    call.refuse('a mean by weights below 0', 'weights must not be negative');
  if (!(total > 0)) call.refuse('a mean over no class', 'no weight is left, and 0 / 0 is no number');
  const shares = weight.map((value) => -value / total);
  // Below, an error is no share of the number any more.
  if (weight.some((value, n) => value > 0 && !(-shares[n]! >= LEAST)))
    call.refuse(
      'weights of classes that are next to nothing beside others',
      'their shares must be at least 2^-1000',
    );
  return shares;
}

/** Quotients from here on have a relative error of 2^−53. */
const LEAST = 2 ** -1000;
