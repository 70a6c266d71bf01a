/** Elementwise functions in ONNX: one row each, for reading and for writing. */
import type { Elementwise, ElementwiseName, Named } from '../../../network/elementwise/table.ts';
import { floatFunction, magnitude } from '../operators/entries.ts';
import { FLOATS, NUMBERS, SIGNED, WIDE } from '../protobuf/schema.ts';
import type { GraphWriter } from '../writing/writer.ts';
import { clip, clippedConstant, gelu, prelu, rectified, shrink, swish } from './reading.ts';
import { activation, type FunctionRow, type Operator, operator, plain } from './row.ts';
import { type LastNode, Target } from './writing.ts';

/** float32 values of the specification's defaults. */
const SELU_ALPHA = Math.fround(1.6732631921768188);
const SELU_GAMMA = Math.fround(1.0507010221481323);
const LEAKY_SLOPE = Math.fround(0.01);
const HARD_SIGMOID_ALPHA = Math.fround(0.2);

/** Sigmoid, tanh, softplus, sine and cosine are computed of constants too: parametrisations apply them to weights and angles. */
const ROWS: { readonly [N in ElementwiseName]: FunctionRow<Named<N>> } = {
  relu: plain({ name: 'relu' }, 'Relu', 6, { constants: rectified, types: [...FLOATS, ...SIGNED] }),
  'leaky-relu': {
    operator: operator(
      'LeakyRelu',
      activation(({ attributes }) => ({
        name: 'leaky-relu',
        slope: attributes.float('alpha', LEAKY_SLOPE),
      })),
      [[6, 'T -> T', 'alpha:float']],
    ),
    write: ({ slope }, to) =>
      Math.fround(slope) === slope
        ? to.last('LeakyRelu', [to.x], { alpha: to.attribute(slope) })
        : to.last('PRelu', [to.x, to.perChannel('slope', Float64Array.of(slope))]),
  },
  prelu: {
    operator: operator('PRelu', { signals: prelu }, [[6, 'T T -> T']], [...FLOATS, ...WIDE]),
    write: ({ slopes }, to) => to.last('PRelu', [to.x, to.perChannel('slope', slopes)]),
  },
  elu: {
    operator: operator(
      'Elu',
      activation(({ attributes }) => ({ name: 'elu', alpha: attributes.float('alpha', 1) })),
      [[6, 'T -> T', 'alpha:float']],
    ),
    write: ({ alpha }, to) => to.last('Elu', [to.x], { alpha: to.attribute(alpha) }),
  },
  celu: {
    operator: operator(
      'Celu',
      activation(({ attributes }) => ({ name: 'celu', alpha: attributes.float('alpha', 1) })),
      [[12, 'T -> T', 'alpha:float']],
    ),
    write: ({ alpha }, to) => to.last('Celu', [to.x], { alpha: to.attribute(alpha) }),
  },
  selu: {
    operator: operator(
      'Selu',
      activation(({ attributes }) => ({
        name: 'selu',
        alpha: attributes.float('alpha', SELU_ALPHA),
        gamma: attributes.float('gamma', SELU_GAMMA),
      })),
      [[6, 'T -> T', 'alpha:float gamma:float']],
    ),
    write: ({ alpha, gamma }, to) =>
      to.last('Selu', [to.x], { alpha: to.attribute(alpha), gamma: to.attribute(gamma) }),
  },
  clip: {
    operator: operator(
      'Clip',
      { constants: clippedConstant, signals: clip },
      [
        [6, 'T -> T', 'max:float min:float'],
        [11, 'T T? T? -> T'],
      ],
      NUMBERS,
    ),
    write({ min, max }, to) {
      const bound = (what: string, value: number) => (Number.isFinite(value) ? to.constant(what, value) : '');
      return to.last('Clip', [to.x, bound('min', min), bound('max', max)]);
    },
  },
  'hard-sigmoid': {
    operator: operator(
      'HardSigmoid',
      activation(({ attributes }) => ({
        name: 'hard-sigmoid',
        alpha: attributes.float('alpha', HARD_SIGMOID_ALPHA),
        beta: attributes.float('beta', 0.5),
      })),
      [[6, 'T -> T', 'alpha:float beta:float']],
    ),
    write: ({ alpha, beta }, to) =>
      to.last('HardSigmoid', [to.x], { alpha: to.attribute(alpha), beta: to.attribute(beta) }),
  },
  'hard-swish': {
    ...plain({ name: 'hard-swish' }, 'HardSwish', 14),
    write({ rate }, to) {
      if (rate === undefined) return to.last('HardSwish');
      const attributes = { alpha: to.attribute(rate), beta: { float: 0.5 } };
      return to.last('Mul', [to.x, to.node('gate', 'HardSigmoid', [to.x], attributes)]);
    },
  },
  sigmoid: plain({ name: 'sigmoid' }, 'Sigmoid', 6, {
    constants: floatFunction((x) => 1 / (1 + Math.exp(-x))),
  }),
  tanh: plain({ name: 'tanh' }, 'Tanh', 6, { constants: floatFunction(Math.tanh) }),
  'soft-shrink': {
    operator: operator('Shrink', { signals: shrink }, [[9, 'T -> T', 'bias:float lambd:float']], NUMBERS),
    write: ({ threshold }, to) =>
      to.last('Shrink', [to.x], { bias: to.attribute(threshold), lambd: to.attribute(threshold) }),
  },
  'sigmoid-square': { write: (_, to) => to.square('Sigmoid') },
  'tanh-square': { write: (_, to) => to.square('Tanh') },
  softplus: plain({ name: 'softplus' }, 'Softplus', 1, {
    constants: floatFunction((x) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)))),
  }),
  softsign: plain({ name: 'softsign' }, 'Softsign', 1),
  silu: { write: (_, to) => to.last('Mul', [to.x, to.node('gate', 'Sigmoid', [to.x])]) },
  swish: {
    operator: operator(
      'Swish',
      activation(({ attributes }) => swish(attributes.float('alpha', 1))),
      [[24, 'T -> T', 'alpha:float']],
    ),
    write({ beta }, to) {
      const gate = to.node('gate', 'Sigmoid', [to.multiple(to.x, 'beta', beta)]);
      return to.last('Mul', [to.x, gate]);
    },
  },
  gelu: {
    operator: operator('Gelu', activation(gelu), [[20, 'T -> T', 'approximate:string']]),
    write({ rate }, to) {
      if (rate === undefined) return to.last('Gelu');
      return to.gated(to.node('erf', 'Erf', [to.multiple(to.x, 'rate', rate)]));
    },
  },
  'gelu-tanh': {
    write({ constants }, to) {
      if (constants === undefined) return to.last('Gelu', [to.x], { approximate: 'tanh' });
      const cube = to.node('cube', 'Pow', [to.x, to.constant('exponent', 3)]);
      const sum = to.node('sum', 'Add', [to.x, to.multiple(cube, 'cubic', constants.cubic)]);
      return to.gated(to.node('tanh', 'Tanh', [to.multiple(sum, 'rate', constants.rate)]));
    },
  },
  mish: plain({ name: 'mish' }, 'Mish', 18),
  abs: plain({ name: 'abs' }, 'Abs', 6, { constants: magnitude, types: NUMBERS }),
  sin: plain({ name: 'sin' }, 'Sin', 7, { constants: floatFunction(Math.sin) }),
  cos: plain({ name: 'cos' }, 'Cos', 7, { constants: floatFunction(Math.cos) }),
  atan: plain({ name: 'atan' }, 'Atan', 7),
  asinh: plain({ name: 'asinh' }, 'Asinh', 9),
  gaussian: {
    write({ rate }, to) {
      const square = to.node('square', 'Mul', [to.x, to.x]);
      return to.last('Exp', [to.multiple(square, 'rate', -rate)]);
    },
  },
  'smooth-modulus': {
    write({ floor }, to) {
      const square = to.node('square', 'Mul', [to.x, to.x]);
      return to.last('Sqrt', [to.node('sum', 'Add', [square, to.constant('floor', floor)])]);
    },
  },
  erf: plain({ name: 'erf' }, 'Erf', 9, { types: NUMBERS }),
  // The identity on the samples that there are.
  mask: { write: (_, to) => to.last('Identity') },
};

/** The operators that are read as one function each. */
export const ELEMENTWISE_OPERATORS: readonly Operator[] = Object.values(ROWS).flatMap(
  ({ operator: own }) => own ?? [],
);

/**
 * The node that computes a function; those before it are written.
 * @param spatial the axes that follow the channels
 * @throws InputError for parameters that are attributes in ONNX and no float32
 */
export function elementwiseNode(
  writer: GraphWriter,
  name: string,
  f: Elementwise,
  x: string,
  spatial: number,
): LastNode {
  // TypeScript does not see that the name of the function picks its row.
  const row = ROWS[f.name] as FunctionRow<never> as FunctionRow<Elementwise>;
  return row.write(f, new Target(writer, `${name}: ${f.name}`, x, spatial));
}
