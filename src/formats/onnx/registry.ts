/** Every operator that is read, and why the well-known others are not. */
import { arithmetic } from './operators/arithmetic.ts';
import { constants } from './operators/constants.ts';
import type { Converter, Family } from './operators/converter.ts';
import { convolution } from './operators/convolution.ts';
import { elementwise } from './operators/elementwise.ts';
import { losses } from './operators/groups/losses.ts';
import { statistics } from './operators/groups/normalization.ts';
import { softmax } from './operators/groups/softmax.ts';
import { sorting } from './operators/groups/sorting.ts';
import { linear } from './operators/linear.ts';
import { indexed } from './operators/moving/indexed.ts';
import { rearranging } from './operators/moving/rearranging.ts';
import { resizing } from './operators/moving/resizing.ts';
import { normalization } from './operators/normalization.ts';
import { padding } from './operators/padding.ts';
import { places } from './operators/places.ts';
import { pooling } from './operators/pooling.ts';
import { einsum } from './operators/products/einsum.ts';
import { fourier } from './operators/products/fourier.ts';
import { scaling } from './operators/products/scaling.ts';
import { recurrent } from './operators/recurrent/recurrent.ts';
import { reduction } from './operators/reduction.ts';
import { selection } from './operators/selection.ts';
import { shape } from './operators/shape.ts';

const FAMILIES: readonly Family[] = [
  arithmetic,
  constants,
  convolution,
  einsum,
  elementwise,
  fourier,
  indexed,
  linear,
  losses,
  normalization,
  padding,
  places,
  pooling,
  rearranging,
  recurrent,
  reduction,
  resizing,
  scaling,
  selection,
  shape,
  softmax,
  sorting,
  statistics,
];

/** Converters by op_type, for the ONNX domain. */
export const CONVERTERS: ReadonlyMap<string, Converter> = new Map(FAMILIES.flatMap((family) => [...family]));

const NORMALIZATION = 'no global bound exists: nothing keeps it from dividing by 0';
const BESIDE_NOTHING =
  'nothing but 1e-9 keeps it from dividing by 0, and a bound beside that would be above 1e8; use InstanceNormalization or LayerNormalization';
const PRODUCT = 'no global bound exists for products of data by data';
const UNBOUNDED =
  'no global bound exists where its argument has no limits, as its slope is unbounded; limits of arguments are not followed into it';
const ROUNDING = 'no global bound exists for rounding or choosing by data';
const QUANTIZED =
  'no global bound exists for rounding; bound the model before quantization (the float model)';

const RANDOM = 'it draws random numbers, and is no function of its input';
const SIZES = 'the size of a tensor must not depend on the input';

/** Why a well-known operator has no converter, or none for data. */
const REASONS: ReadonlyMap<string, string> = new Map([
  ['LpNormalization', NORMALIZATION],
  ['MeanVarianceNormalization', BESIDE_NOTHING],
  ...each(PRODUCT, [
    'Attention',
    'Det',
    'LinearAttention',
    'MultiHeadAttention',
    'ReduceProd',
    'RotaryEmbedding',
    'SwiGLU',
  ]),
  ...each(UNBOUNDED, ['Exp', 'Log', 'Pow', 'Reciprocal', 'ReduceLogSum', 'ReduceSumSquare', 'Sqrt', 'Tan']),
  ...each(UNBOUNDED, ['Acos', 'Acosh', 'Asin', 'Atanh', 'Cosh', 'Sinh']),
  ...each(ROUNDING, [
    ...[
      'Hardmax',
      'IsInf',
      'IsNaN',
      'Mod',
      'NonMaxSuppression',
      'NonZero',
      'OneHot',
      'TfIdfVectorizer',
      'Unique',
    ],
    'ArgMax',
    'ArgMin',
    'Ceil',
    'Equal',
    'Floor',
    'Greater',
    'GreaterOrEqual',
    'Less',
    'LessOrEqual',
    'Not',
    'Round',
    'Sign',
    'Where',
  ]),
  ...each(RANDOM, ['Bernoulli', 'Multinomial', 'RandomNormal', 'RandomNormalLike']),
  ...each(RANDOM, ['RandomUniform', 'RandomUniformLike']),
  ...each(SIZES, ['BlackmanWindow', 'HammingWindow', 'HannWindow', 'MelWeightMatrix', 'Range']),
  ...each(QUANTIZED, [
    ...['ConvInteger', 'DequantizeLinear', 'DynamicQuantizeLinear', 'MatMulInteger'],
    ...['QLinearConv', 'QLinearMatMul', 'QuantizeLinear'],
  ]),
]);

function each(reason: string, operators: readonly string[]): [string, string][] {
  return operators.map((operator) => [operator, reason]);
}

/** Operators of which every output but the first says where its numbers come from. */
const PLACES: ReadonlySet<string> = new Set(['MaxPool', 'TopK']);

/** What to tell a person about an output that no converter makes. */
export function reasonAgainstOutput(opType: string): string {
  return PLACES.has(opType) ? ROUNDING : 'of this operator the first output is read';
}

/** Whether an operator is no function even of constants. */
export function isRandom(opType: string): boolean {
  return REASONS.get(opType) === RANDOM;
}

/** What to tell a person about an operator of another domain that is not read. */
export function reasonAgainstDomain(domain: string): string {
  const own = [...CONVERTERS.keys()].flatMap((key) =>
    key.startsWith(`${domain}.`) ? [key.slice(domain.length + 1)] : [],
  );
  if (own.length > 0)
    return `of ${domain} these are read: ${own.join(', ')}; linear scores are those of Gemm`;
  return 'operators of the ONNX domain and functions that the model defines are read';
}

/** What to tell a person about an operator without a converter for data. */
export function reasonAgainst(opType: string): string {
  return (
    REASONS.get(opType) ??
    (CONVERTERS.has(opType) ? 'it is read on constants alone' : 'an operator that is not read')
  );
}

/**
 * Refused operators whose output has the shape of their first input: it stands in for the output, so that what
 * follows can be looked at too.
 */
export const SHAPE_PRESERVING: ReadonlySet<string> = new Set([
  ...['GroupNormalization', 'InstanceNormalization', 'LayerNormalization', 'LRN', 'LpNormalization'],
  ...['MeanVarianceNormalization', 'RMSNormalization', 'BatchNormalization', 'Softmax', 'LogSoftmax'],
  ...['Exp', 'Log', 'Reciprocal', 'Sqrt', 'Tan', 'ThresholdedRelu', 'Floor', 'Ceil', 'Round', 'Sign'],
]);
