/** fast-check arbitraries of network plans, by family: each test says which layers it wants. */
import fc from 'fast-check';
import { ELEMENTWISE, type Elementwise } from '../../src/network/elementwise/table.ts';
import type { PaddingMode } from '../../src/network/operator.ts';
import type { LayerPlan, Plan, WeightStyle } from './randomNetwork.ts';

export interface FamilyOptions {
  /** Spatial axes; 0 for vectors. */
  readonly axes: 0 | 1 | 2 | 3;
  readonly layers: fc.Arbitrary<readonly LayerPlan[]>;
  readonly mode?: PaddingMode;
  readonly weights?: fc.Arbitrary<WeightStyle>;
  /** Sides to choose from. */
  readonly sides?: readonly number[];
}

/** Longest side per number of axes, so that tensors stay at a few hundred entries. */
const MOST_SIDE = [0, 12, 6, 3] as const;

export const ANY_WEIGHTS: fc.Arbitrary<WeightStyle> = fc.constantFrom<WeightStyle>(
  'integers',
  'normal',
  'positive',
  'scaled',
  'sparse',
);

export function plans({
  axes,
  layers,
  mode = 'zero',
  weights = ANY_WEIGHTS,
  sides,
}: FamilyOptions): fc.Arbitrary<Plan> {
  const side = () => (sides ? fc.constantFrom(...sides) : fc.integer({ min: 2, max: MOST_SIDE[axes] }));
  return fc.record({
    channels: axes === 0 ? fc.integer({ min: 1, max: 8 }) : fc.integer({ min: 1, max: 4 }),
    sides: fc.tuple(...Array.from({ length: axes }, side)) as fc.Arbitrary<number[]>,
    layers,
    mode: fc.constant(mode),
    end: fc.oneof(
      { weight: 10, arbitrary: fc.constant('none' as const) },
      { weight: 1, arbitrary: fc.constantFrom('softmax' as const, 'log-softmax' as const) },
    ),
    weights,
    biases: fc.boolean(),
    seed: fc.integer({ min: 0, max: 2 ** 31 - 1 }),
  });
}

const parameter = fc.integer({ min: -20, max: 20 }).map((x) => x / 10);
const positive = fc.integer({ min: 1, max: 20 }).map((x) => x / 10);

/** Functions with parameters of both signs. */
const WITH_PARAMETERS: readonly fc.Arbitrary<Elementwise>[] = [
  parameter.map((slope): Elementwise => ({ name: 'leaky-relu', slope })),
  fc
    .array(parameter, { minLength: 1, maxLength: 4 })
    .map((slopes): Elementwise => ({ name: 'prelu', slopes: Float64Array.from(slopes) })),
  parameter.map((alpha): Elementwise => ({ name: 'elu', alpha })),
  positive.map((alpha): Elementwise => ({ name: 'celu', alpha })),
  fc.tuple(parameter, parameter).map(([alpha, gamma]): Elementwise => ({ name: 'selu', alpha, gamma })),
  fc.tuple(parameter, positive).map(([min, width]): Elementwise => ({ name: 'clip', min, max: min + width })),
  fc.tuple(parameter, parameter).map(([alpha, beta]): Elementwise => ({ name: 'hard-sigmoid', alpha, beta })),
  parameter.map((beta): Elementwise => ({ name: 'swish', beta })),
];

/** Those above, ReLU, and masks, which rewriting puts in and networks never hold. */
const DRAWN_OTHERWISE: ReadonlySet<string> = new Set(
  'relu mask leaky-relu prelu elu celu selu clip hard-sigmoid swish'.split(' '),
);

/** Every elementwise function of the table, with parameters of both signs; ReLU, the simplest, first and most often. */
export const ANY_FUNCTION: fc.Arbitrary<Elementwise> = fc.oneof(
  { weight: 8, arbitrary: fc.constant<Elementwise>({ name: 'relu' }) },
  ...Object.entries(ELEMENTWISE)
    .filter(([name]) => !DRAWN_OTHERWISE.has(name))
    .map(([, { examples }]) => fc.constantFrom<Elementwise>(...examples)),
  ...WITH_PARAMETERS,
);

/** Functions whose slopes lie in [0, 1]. */
export const UNIT_FUNCTION: fc.Arbitrary<Elementwise> = fc.constantFrom<Elementwise>(
  { name: 'relu' },
  { name: 'tanh' },
  { name: 'sigmoid' },
  { name: 'softplus' },
  { name: 'clip', min: -1, max: 1 },
  { name: 'leaky-relu', slope: 0.1 },
);

const outputs = fc.integer({ min: 1, max: 4 });
const stride = fc.constantFrom(1, 1, 2, 3);
const dilation = fc.constantFrom(1, 1, 2);
const groups = fc.constantFrom('one' as const, 'two' as const, 'depthwise' as const);

export const affine: fc.Arbitrary<LayerPlan> = fc.record({ kind: fc.constant('affine' as const), outputs });

export const convolution: fc.Arbitrary<LayerPlan> = fc.record({
  kind: fc.constant('convolution' as const),
  outputs,
  kernel: fc.integer({ min: 1, max: 4 }),
  stride,
  dilation,
  groups,
  padding: fc.constantFrom('none', 'same', 'wide', 'before', 'after', 'lopsided'),
});

/** For circular networks: strides divide even sides and the output has side / stride samples. */
export const circularConvolution: fc.Arbitrary<LayerPlan> = fc.record({
  kind: fc.constant('convolution' as const),
  outputs,
  kernel: fc.integer({ min: 1, max: 4 }),
  stride: fc.constantFrom(1, 1, 2),
  dilation,
  groups,
  padding: fc.constantFrom('same', 'before', 'after'),
});

export const transposed: fc.Arbitrary<LayerPlan> = fc.record({
  kind: fc.constant('transposed' as const),
  outputs,
  kernel: fc.integer({ min: 1, max: 4 }),
  stride: fc.constantFrom(1, 2, 3),
  dilation,
  crop: fc.tuple(fc.integer({ min: 0, max: 2 }), fc.integer({ min: 0, max: 2 })),
  outputPadding: fc.constantFrom(0, 0, 1),
  groups,
});

export const scale: fc.Arbitrary<LayerPlan> = fc.record({
  kind: fc.constant('scale' as const),
  shared: fc.boolean(),
});

export const averagePool: fc.Arbitrary<LayerPlan> = fc.record({
  kind: fc.constant('average-pool' as const),
  kernel: fc.integer({ min: 2, max: 3 }),
  stride: fc.integer({ min: 1, max: 3 }),
  padding: fc.constantFrom(0 as const, 1 as const),
  counted: fc.boolean(),
});

export const maxPool: fc.Arbitrary<LayerPlan> = fc.record({
  kind: fc.constant('max-pool' as const),
  kernel: fc.integer({ min: 2, max: 3 }),
  stride: fc.integer({ min: 1, max: 3 }),
  dilation,
  padding: fc.constantFrom(0 as const, 1 as const),
});

export const globalPool: fc.Arbitrary<LayerPlan> = fc.record({
  kind: fc.constant('global' as const),
  how: fc.constantFrom('mean', 'sum', 'max'),
});

export const flatten: fc.Arbitrary<LayerPlan> = fc.constant({ kind: 'flatten' });

export const transpose: fc.Arbitrary<LayerPlan> = fc.constant({ kind: 'transpose' });

export const pad: fc.Arbitrary<LayerPlan> = fc.record({
  kind: fc.constant('pad' as const),
  before: fc.integer({ min: 0, max: 2 }),
  after: fc.integer({ min: 0, max: 2 }),
});

export function nonlinearity(functions: fc.Arbitrary<Elementwise>): fc.Arbitrary<LayerPlan> {
  return fc.record({ kind: fc.constant('nonlinearity' as const), function: functions });
}

export function residual(functions: fc.Arbitrary<Elementwise>): fc.Arbitrary<LayerPlan> {
  return fc.record({
    kind: fc.constant('residual' as const),
    kernels: fc.constantFrom<readonly (1 | 3)[]>([3, 3], [3], [1, 3, 1]),
    stride: fc.constantFrom(1 as const, 2 as const),
    strideAt: fc.integer({ min: 0, max: 2 }),
    order: fc.constantFrom('bare', 'post', 'pre'),
    shortcut: fc.constantFrom('identity', 'projection', 'mean'),
    function: functions,
  });
}

export function dense(functions: fc.Arbitrary<Elementwise>): fc.Arbitrary<LayerPlan> {
  return fc.record({
    kind: fc.constant('dense' as const),
    growth: fc.integer({ min: 1, max: 2 }),
    function: functions,
  });
}

export function inception(functions: fc.Arbitrary<Elementwise>): fc.Arbitrary<LayerPlan> {
  return fc.record({
    kind: fc.constant('inception' as const),
    branches: fc.array(fc.constantFrom('1' as const, '3', '1-3', 'max', 'mean', 'identity'), {
      minLength: 2,
      maxLength: 3,
    }),
    stride: fc.constantFrom(1 as const, 2 as const),
    function: functions,
  });
}

const COMMON: readonly fc.Arbitrary<LayerPlan>[] = [nonlinearity(ANY_FUNCTION), scale];

const spatialLayers = fc.array(
  fc.oneof(
    { weight: 6, arbitrary: convolution },
    { weight: 5, arbitrary: nonlinearity(ANY_FUNCTION) },
    { weight: 1, arbitrary: fc.oneof(scale, averagePool, maxPool, pad) },
    { weight: 1, arbitrary: fc.oneof(transposed, globalPool, flatten, transpose, affine) },
  ),
  { minLength: 1, maxLength: 6 },
);

const branchLayers = fc.array(
  fc.oneof(
    { weight: 3, arbitrary: residual(ANY_FUNCTION) },
    { weight: 2, arbitrary: inception(ANY_FUNCTION) },
    { weight: 1, arbitrary: dense(ANY_FUNCTION) },
    { weight: 3, arbitrary: fc.oneof(convolution, ...COMMON) },
    { weight: 1, arbitrary: fc.oneof(averagePool, maxPool, flatten, globalPool) },
  ),
  { minLength: 1, maxLength: 4 },
);

/** Every family that the soundness tests go through. */
export const FAMILIES = {
  'multilayer perceptrons': plans({
    axes: 0,
    layers: fc.array(fc.oneof({ weight: 2, arbitrary: affine }, ...COMMON), { minLength: 1, maxLength: 7 }),
  }),
  'residual perceptrons': plans({
    axes: 0,
    layers: fc.array(fc.oneof(residual(ANY_FUNCTION), dense(ANY_FUNCTION), inception(ANY_FUNCTION), affine), {
      minLength: 1,
      maxLength: 4,
    }),
  }),
  'one-dimensional convolutions': plans({ axes: 1, layers: spatialLayers }),
  'two-dimensional convolutions': plans({ axes: 2, layers: spatialLayers }),
  'three-dimensional convolutions': plans({ axes: 3, layers: spatialLayers }),
  pooling: plans({
    axes: 2,
    layers: fc.array(fc.oneof(convolution, maxPool, averagePool, ...COMMON, globalPool, affine), {
      minLength: 1,
      maxLength: 5,
    }),
  }),
  'transposed convolutions': plans({
    axes: 1,
    layers: fc.array(fc.oneof(transposed, convolution, ...COMMON, flatten), { minLength: 1, maxLength: 5 }),
  }),
  'linear chains of padded convolutions': plans({
    axes: 1,
    layers: fc.array(fc.oneof({ weight: 4, arbitrary: convolution }, scale, averagePool, pad, flatten), {
      minLength: 2,
      maxLength: 5,
    }),
  }),
  'one-dimensional branches': plans({ axes: 1, layers: branchLayers }),
  'two-dimensional branches': plans({ axes: 2, layers: branchLayers }),
  'reflected signals': plans({
    axes: 1,
    mode: 'reflect',
    layers: fc.array(
      fc.oneof(convolution, nonlinearity(ANY_FUNCTION), averagePool, pad, residual(ANY_FUNCTION)),
      {
        minLength: 1,
        maxLength: 4,
      },
    ),
  }),
  'replicated signals': plans({
    axes: 1,
    mode: 'replicate',
    layers: fc.array(fc.oneof(convolution, nonlinearity(ANY_FUNCTION), averagePool, pad, flatten), {
      minLength: 1,
      maxLength: 4,
    }),
  }),
  'circular convolutions': plans({
    axes: 1,
    mode: 'circular',
    sides: [4, 8, 12],
    layers: fc.array(
      fc.oneof(
        circularConvolution,
        nonlinearity(ANY_FUNCTION),
        scale,
        residual(ANY_FUNCTION),
        flatten,
        globalPool,
      ),
      { minLength: 1, maxLength: 5 },
    ),
  }),
} as const satisfies Record<string, fc.Arbitrary<Plan>>;
