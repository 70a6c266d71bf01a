/** Every number that an operator holds, for deciding in which format all of them are exact. */
import { definitionOf } from '../../../network/elementwise/table.ts';
import type { Operator } from '../../../network/operator.ts';

export function parameterArrays(operator: Operator): readonly ArrayLike<number>[] {
  switch (operator.kind) {
    case 'affine':
    case 'convolution':
    case 'transposed-convolution':
      return operator.bias ? [operator.weight, operator.bias] : [operator.weight];
    case 'scale':
      return operator.shift ? [operator.scale, operator.shift] : [operator.scale];
    case 'nonlinearity':
      return [definitionOf(operator.function).parameters(operator.function)];
    case 'add':
      return [operator.coefficients];
    case 'average-pool':
    case 'max-pool':
    case 'max-gather':
    case 'global-average-pool':
    case 'global-max-pool':
    case 'pad':
    case 'reindex':
    case 'gather':
    case 'concat':
    case 'grouped':
    case 'softmax':
      return [];
    default:
      return operator satisfies never;
  }
}
