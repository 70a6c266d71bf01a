/** A constant matrix along one axis of a signal. */
import { OWN_FIELDS } from '../../../../network/lengths/follows.ts';
import { everyAxis, product } from '../../../../network/size.ts';
import type { Call, Signal } from '../../call.ts';
import type { Constant } from '../../values/constant.ts';

/** A matrix of weights, which arithmetic may have been done on (see `Weighted`). */
export interface Weights extends Constant {
  readonly roundings?: number;
}

/**
 * The matrix [N, K] applied along an axis of K entries of the sample: a dense layer where that is all there is,
 * else a convolution of one tap with the axis as its channels.
 */
export function contracted(
  call: Call,
  x: Signal,
  axis: number,
  matrix: Weights,
  bias?: Float64Array,
): Signal {
  const { roundings } = matrix;
  const [outputs, inputs] = [matrix.shape[0]!, matrix.shape[1]!];
  call.demand(x.shape[axis] === inputs, `axis ${axis} of the sample must have ${inputs} entries`, x.shape);
  const shape = x.shape.with(axis, outputs);
  const weights = {
    ...{ outputs, inputs, weight: matrix.data },
    ...(bias && { bias }),
    ...(roundings && { roundings }),
  };
  const others = product(x.shape) / inputs;
  // What follows the length is a convolution even where it happens to be a single sample.
  if (others === 1 && !(axis === 0 && call.follows(x)))
    return call.settled(call.view(call.emit({ kind: 'affine', ...weights }, [x], OWN_FIELDS), shape));
  const spatial = x.shape.length - 1;
  if (axis === 0 && spatial >= 1 && spatial <= 3) {
    const along = (value: number) => everyAxis(spatial, value);
    return call.emit(
      {
        ...{
          kind: 'convolution',
          ...weights,
          groups: 1,
          kernel: along(1),
          stride: along(1),
          dilation: along(1),
        },
        padding: { mode: 'zero', before: along(0), after: along(0) },
      },
      [x],
      OWN_FIELDS,
    );
  }
  const axes = [...x.shape.keys()];
  const front = [axis, ...axes.filter((other) => other !== axis)];
  const columns = call.permuted(x, front, [inputs, others]);
  const product_ = call.emit(
    {
      kind: 'convolution',
      ...weights,
      groups: 1,
      kernel: [1],
      stride: [1],
      dilation: [1],
      padding: { mode: 'zero', before: [0], after: [0] },
    },
    [columns],
    OWN_FIELDS,
  );
  const unfolded = call.view(
    product_,
    front.map((a) => shape[a]!),
  );
  return call.settled(
    call.permuted(
      unfolded,
      axes.map((a) => front.indexOf(a)),
    ),
  );
}
