/** The operators that are linear but for a constant. */
import type { Operator } from './operator.ts';
import { unknownOperator } from './shape.ts';

/** Affine operators of one input: all but their constant term is a matrix. */
export type LinearOperator = Extract<
  Operator,
  {
    kind:
      | 'affine'
      | 'convolution'
      | 'transposed-convolution'
      | 'scale'
      | 'average-pool'
      | 'global-average-pool'
      | 'pad'
      | 'reindex'
      | 'gather';
  }
>;

export function isLinear(operator: Operator): operator is LinearOperator {
  switch (operator.kind) {
    case 'affine':
    case 'convolution':
    case 'transposed-convolution':
    case 'scale':
    case 'average-pool':
    case 'global-average-pool':
    case 'pad':
    case 'reindex':
    case 'gather':
      return true;
    case 'nonlinearity':
    case 'max-pool':
    case 'max-gather':
    case 'global-max-pool':
    case 'add':
    case 'concat':
    case 'grouped':
    case 'softmax':
      return false;
    default:
      throw unknownOperator(operator);
  }
}
