/** Every number that an operator holds, for deciding in which format all of them are exact. */
import type { Elementwise } from '../../network/elementwise.ts';
import type { Operator } from '../../network/operator.ts';

export function parameterArrays(operator: Operator): readonly ArrayLike<number>[] {
  switch (operator.kind) {
    case 'affine':
    case 'convolution':
    case 'transposed-convolution':
      return operator.bias ? [operator.weight, operator.bias] : [operator.weight];
    case 'scale':
      return operator.shift ? [operator.scale, operator.shift] : [operator.scale];
    case 'nonlinearity':
      return [elementwiseParameters(operator.function)];
    case 'add':
      return [operator.coefficients];
    case 'average-pool':
    case 'max-pool':
    case 'max-gather':
    case 'global-average-pool':
    case 'global-max-pool':
    case 'pad':
    case 'reindex':
    case 'concat':
    case 'softmax':
      return [];
    default:
      return operator satisfies never;
  }
}

function elementwiseParameters(f: Elementwise): ArrayLike<number> {
  switch (f.name) {
    case 'prelu':
      return f.slopes;
    case 'leaky-relu':
      return [f.slope];
    case 'elu':
    case 'celu':
      return [f.alpha];
    case 'selu':
      return [f.alpha, f.gamma];
    case 'hard-sigmoid':
      return [f.alpha, f.beta];
    case 'clip':
      return [f.min, f.max];
    case 'swish':
      return [f.beta];
    case 'hard-swish':
    case 'gelu':
      return f.rate === undefined ? [] : [f.rate];
    case 'gelu-tanh':
      return f.constants === undefined ? [] : [f.constants.rate, f.constants.cubic];
    case 'relu':
    case 'sigmoid':
    case 'tanh':
    case 'softplus':
    case 'softsign':
    case 'silu':
    case 'mish':
    case 'abs':
    case 'sin':
    case 'cos':
    case 'atan':
    case 'erf':
    case 'mask':
      return [];
    default:
      return f satisfies never;
  }
}
