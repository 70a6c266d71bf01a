/** Products of two tensors that depend on the input, both of which stay within bounds whatever it is. */
import { OWN_FIELDS } from '../../../../network/lengths/follows.ts';
import { type Call, type Signal, UNBOUNDED } from '../../call.ts';
import { broadcastTo, commonDims } from '../moving/picked.ts';

/**
 * a · b, entry by entry, broadcast: a function of pairs of entries cut off at what these never exceed. Both are scaled before it, so that
 * they are as steep as each other, and the product back, by powers of two: pairs have one multiplier (docs/mathematics.md §2).
 */
export function boundedProduct(call: Call, a: Signal, b: Signal): Signal {
  const dims = commonDims(call, [a, b]);
  if (!dims) {
    const shown = [a, b].map((x) => `[${call.dims(x).join(', ')}]`).join(' and ');
    return call.refuse(`shapes ${shown}`, 'tensors that are multiplied must broadcast to one shape');
  }
  const { builder } = call.scope;
  const limits = [a, b].map(({ id }) => builder.magnitude(id));
  for (const [k, { most }] of limits.entries()) {
    if (most < Number.POSITIVE_INFINITY) continue;
    call.refuse(
      'data by data',
      `${UNBOUNDED} for a product of data unless both factors are bounded; factor ${k + 1} is not`,
    );
  }
  const factors = [a, b].map(({ id }) => {
    const exponent = Math.round(Math.log2(builder.steepness(id)));
    return 2 ** -Math.max(-MOST_SCALED, Math.min(MOST_SCALED, exponent));
  });
  const pair = [a, b].map((x, k) => {
    const whole = broadcastTo(call, x, dims);
    const own = whole.shape.length === 0 ? call.view(whole, [1]) : whole;
    const scale = Float64Array.of(factors[k]!);
    return factors[k] === 1
      ? own
      : call.emitSame({ kind: 'scale', scale }, own, OWN_FIELDS, `factor ${k + 1}`);
  });
  if (limits.some(({ ofLength }) => ofLength) && pair.some((x) => call.follows(x))) {
    call.tie('of sums over all positions', 'how large they become is another question at another length');
  }
  const channels = pair[0]!.shape[0]!;
  const groups = Array.from({ length: channels }, (_, c) => Int32Array.of(c, channels + c));
  const [first, rest] = limits.map(({ most }, k) => Math.max(most, LEAST) * factors[k]!);
  const joined = call.emit({ kind: 'concat' }, pair, OWN_FIELDS, 'factors');
  const f = { name: 'product', first: first!, rest: rest! } as const;
  const y = call.emit({ kind: 'grouped', function: f, groups, wide: false }, [joined], OWN_FIELDS, 'product');
  const scale = Float64Array.of(1 / (factors[0]! * factors[1]!));
  const back = scale[0] === 1 ? y : call.emitSame({ kind: 'scale', scale }, y, OWN_FIELDS, 'scale');
  return call.settled(dims.length === 0 ? call.view(back, []) : back);
}

/** Powers of two that factors are scaled by, at most. */
const MOST_SCALED = 30;

/** What never moves is bounded by this as well. */
const LEAST = 2 ** -100;
