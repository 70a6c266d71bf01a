/** Layers that pick entries by constant indices, repeat them, or add them up with weights along any axis. */
import { product } from '../evaluate/values.ts';
import type { Layer, Workbench } from './workbench.ts';

/** Operator sets in which operators came. */
const since =
  (opset: number, layer: Layer): Layer =>
  (bench, x) =>
    bench.opset < opset ? undefined : layer(bench, x);

const axisOf = (bench: Workbench, x: string) => bench.random.integer(1, bench.shape(x).length - 1);
const isImage = (bench: Workbench, x: string) => bench.shape(x).length === 4;

/** Numbers that vary along any of the axes, the batch aside. */
function broadcasting(bench: Workbench, x: string, fanIn = 1): string {
  const dims = bench.shape(x).map((side, axis) => (axis === 0 || bench.random.chance(0.4) ? 1 : side));
  return bench.weights(dims, fanIn);
}

const indices = (bench: Workbench, dims: readonly number[], side: number) =>
  bench.initializer({
    type: 'int64',
    dims,
    values: Array.from({ length: product(dims) }, () => bench.random.integer(-side, side - 1)),
  });

/** On tensors of any rank. */
export const maps: Readonly<Record<string, Layer>> = {
  Grid: (bench, x) => {
    const op = bench.random.pick(['Add', 'Sub', 'Mul', 'Div']);
    const c = broadcasting(bench, x);
    if (op === 'Div' && bench.numbers(c).includes(0)) return undefined;
    return bench.add(op, [x, c]);
  },
  SlopeGrid: (bench, x) => {
    const dims = bench.shape(x).slice(1);
    const values = Array.from({ length: product(dims) }, () =>
      bench.scales.stored(bench.random.pick([0.25, 0.99, -0.5, 1.5])),
    );
    return bench.add('PRelu', [x, bench.exactly({ type: bench.type, dims, values })]);
  },
  Centred: (bench, x) => {
    const axis = axisOf(bench, x);
    if (bench.opset < 13) return undefined;
    const sum = bench.add('ReduceSum', [x, bench.integers([axis])], { keepdims: { i: 1 } });
    return sum && bench.add(bench.random.pick(['Add', 'Sub']), bench.random.shuffled([x, sum]));
  },
  AgainstOne: (bench, x) => {
    const axis = axisOf(bench, x);
    const one = bench.integers([bench.random.integer(0, bench.shape(x)[axis]! - 1)]);
    const part = bench.add('Gather', [x, one], { axis: { i: axis } });
    return part && bench.add('Sub', bench.random.shuffled([x, part]));
  },
  Expand: since(8, (bench, x) => {
    const shape = bench
      .shape(x)
      .map((side, axis) => (side === 1 && axis > 0 ? bench.random.integer(1, 3) : side));
    return bench.add('Expand', [x, bench.integers(shape.with(0, 1))]);
  }),
  Tile: (bench, x) => {
    const repeats = bench.shape(x).map((_, axis) => (axis === 0 ? 1 : bench.random.integer(1, 2)));
    return bench.add('Tile', [x, bench.integers(repeats)]);
  },
  Where: since(9, (bench, x) => {
    const dims = bench.shape(x);
    const values = Array.from({ length: product(dims) }, () => bench.random.integer(0, 1));
    const mask = bench.initializer({ type: 'bool', dims, values });
    const other = bench.random.chance(0.5) ? broadcasting(bench, x) : (bench.add('Neg', [x]) ?? x);
    return bench.add('Where', [mask, ...bench.random.shuffled([x, other])]);
  }),
  ConcatConstant: (bench, x) => {
    const axis = axisOf(bench, x);
    const c = bench.weights(bench.shape(x).with(axis, 1), 1);
    return bench.add('Concat', bench.random.shuffled([x, c]), { axis: { i: axis } });
  },
  PadAnyAxis: since(11, (bench, x) => {
    const shape = bench.shape(x);
    const counts = (least: number) =>
      shape.map((side, axis) => (axis === 0 ? 0 : bench.random.integer(side > 1 ? least : 0, 1)));
    return bench.add('Pad', [x, bench.integers([...counts(-1), ...counts(0)])]);
  }),
  Trilu: since(14, (bench, x) => {
    const k = bench.initializer({ type: 'int64', dims: [], values: [bench.random.integer(-1, 1)] });
    return bench.shape(x).length < 3
      ? undefined
      : bench.add('Trilu', [x, k], { upper: { i: bench.random.integer(0, 1) } });
  }),
  CumSum: since(11, (bench, x) => {
    const axis = bench.initializer({ type: 'int64', dims: [], values: [axisOf(bench, x)] });
    const flag = () => ({ i: bench.random.integer(0, 1) });
    return bench.add('CumSum', [x, axis], { exclusive: flag(), reverse: flag() });
  }),
  GatherElements: since(11, (bench, x) => {
    const [shape, axis] = [bench.shape(x), axisOf(bench, x)];
    const dims = shape.with(axis, bench.random.integer(1, 3));
    return bench.add('GatherElements', [x, indices(bench, dims, shape[axis]!)], { axis: { i: axis } });
  }),
  GatherND: since(11, (bench, x) => {
    const shape = bench.shape(x);
    const [count, depth] = [bench.random.integer(1, 3), bench.random.integer(1, shape.length)];
    const values = Array.from({ length: count * depth }, (_, k) =>
      bench.random.integer(0, shape[k % depth]! - 1),
    );
    return bench.add('GatherND', [x, bench.initializer({ type: 'int64', dims: [1, count, depth], values })]);
  }),
  Compress: since(9, (bench, x) => {
    const [shape, axis] = [bench.shape(x), axisOf(bench, x)];
    const values = Array.from({ length: shape[axis]! }, () => bench.random.integer(0, 1));
    const mask = bench.initializer({ type: 'bool', dims: [values.length], values });
    return bench.add('Compress', [x, mask], { axis: { i: axis } });
  }),
  ReverseSequence: since(10, (bench, x) => {
    const shape = bench.shape(x);
    const lengths = bench.integers([bench.random.integer(1, shape[1]!)]);
    return bench.add('ReverseSequence', [x, lengths], { batch_axis: { i: 0 }, time_axis: { i: 1 } });
  }),
  MaxUnpool: since(9, (bench, x) => {
    const shape = bench.shape(x);
    if (!isImage(bench, x)) return undefined;
    const size = product(shape);
    const places = bench.random.shuffled(Array.from({ length: 4 * size }, (_, k) => k)).slice(0, size);
    const table = bench.initializer({ type: 'int64', dims: shape, values: places });
    return bench.add('MaxUnpool', [x, table], { kernel_shape: { is: [2, 2] }, strides: { is: [2, 2] } });
  }),
  DFT: since(17, (bench, x) => {
    const shape = bench.shape(x);
    if (shape.length < 3 || shape.at(-1)! > 2) return undefined;
    const axis = bench.random.integer(1, shape.length - 2);
    const flag = bench.random.pick([{}, { inverse: { i: 1 } }, { onesided: { i: 1 } }]);
    if (bench.opset < 20) return bench.add('DFT', [x], { axis: { i: axis }, ...flag });
    const at = bench.initializer({ type: 'int64', dims: [], values: [axis] });
    return bench.add('DFT', [x, '', at], flag);
  }),
  STFT: since(17, (bench, x) => {
    const size = product(bench.shape(x));
    const length = bench.random.integer(1, Math.min(size, 4));
    const one = (value: number) => bench.initializer({ type: 'int64', dims: [], values: [value] });
    const signal = bench.add('Reshape', [x, bench.integers([1, size, 1])]);
    return (
      signal &&
      bench.add('STFT', [signal, one(bench.random.integer(1, 3)), bench.weights([length], 1), one(length)], {
        onesided: { i: bench.random.integer(0, 1) },
      })
    );
  }),
  EyeLike: since(9, (bench, x) => {
    const eye = bench.add('EyeLike', [x], { k: { i: bench.random.integer(-1, 1) }, dtype: { i: 1 } });
    return eye && bench.type === 'float' ? bench.add('Add', [x, eye]) : undefined;
  }),
  Scatter: since(9, (bench, x) => {
    const [shape, axis] = [bench.shape(x), axisOf(bench, x)];
    if (bench.opset >= 11) return undefined;
    const dims = shape.with(axis, 1);
    return bench.add('Scatter', [x, indices(bench, dims, shape[axis]!), bench.weights(dims, 1)], {
      axis: { i: axis },
    });
  }),
  ScatterReduced: since(18, (bench, x) => {
    const [shape, axis] = [bench.shape(x), axisOf(bench, x)];
    const dims = shape.with(axis, 2);
    const reduction = { s: bench.random.pick(['add', 'mul', 'max', 'min']) };
    const updates = bench.weights(dims, 1);
    return bench.add('ScatterElements', [x, indices(bench, dims, shape[axis]!), updates], {
      axis: { i: axis },
      reduction,
    });
  }),
  ScatterElements: since(11, (bench, x) => {
    const [shape, axis] = [bench.shape(x), axisOf(bench, x)];
    const dims = shape.with(axis, 1);
    const updates = bench.random.chance(0.5)
      ? bench.weights(dims, 1)
      : bench.add('Gather', [x, bench.integers([0])], { axis: { i: axis } });
    return (
      updates &&
      bench.add('ScatterElements', [x, indices(bench, dims, shape[axis]!), updates], { axis: { i: axis } })
    );
  }),
  ScatterND: since(11, (bench, x) => {
    const shape = bench.shape(x);
    const values = [shape.map((side) => bench.random.integer(0, side - 1))];
    const table = bench.initializer({ type: 'int64', dims: [1, shape.length], values: values.flat() });
    return bench.add('ScatterND', [x, table, bench.weights([1], 1)]);
  }),
  Einsum: since(12, (bench, x) => {
    const shape = bench.shape(x);
    const names = 'abcde'.slice(0, shape.length);
    const kept = [...names].slice(1);
    const own = [...bench.random.shuffled(kept.filter(() => bench.random.chance(0.6))), 'n'];
    const result = ['a', ...bench.random.shuffled([...kept.filter(() => bench.random.chance(0.6)), 'n'])];
    const dims = own.map((name) => (name === 'n' ? 2 : shape[names.indexOf(name)]!));
    const equation = { s: `${names},${own.join('')}->${result.join('')}` };
    return bench.add('Einsum', [x, bench.weights(dims, product(dims))], { equation });
  }),
  MatMulStack: (bench, x) => {
    const shape = bench.shape(x);
    if (shape.length < 3) return undefined;
    const stack = shape.slice(0, -2).map((side) => (bench.random.chance(0.3) ? 1 : side));
    const inputs = shape.at(-1)!;
    return bench.add('MatMul', [x, bench.weights([...stack, inputs, bench.random.integer(1, 3)], inputs)]);
  },
  DepthToSpace: (bench, x) => {
    if (!isImage(bench, x) || bench.shape(x)[1]! % 4 !== 0) return undefined;
    const mode = bench.opset < 11 ? {} : { mode: { s: bench.random.pick(['DCR', 'CRD']) } };
    return bench.add('DepthToSpace', [x], { blocksize: { i: 2 }, ...mode });
  },
  SpaceToDepth: (bench, x) =>
    isImage(bench, x) ? bench.add('SpaceToDepth', [x], { blocksize: { i: 2 } }) : undefined,
  PixelsAndBack: (bench, x) => {
    const there = isImage(bench, x) ? bench.add('SpaceToDepth', [x], { blocksize: { i: 2 } }) : undefined;
    const turned = there && bench.add('LeakyRelu', [there], { alpha: { f: 0.5 } });
    return turned && bench.add('DepthToSpace', [turned], { blocksize: { i: 2 } });
  },
  Resize: resized,
  // Only old operator sets have its old name, and only images have it at all.
  Upsample: resized,
  Dequantized: since(13, (bench, x) => {
    if (bench.type !== 'float') return undefined;
    const features = bench.shape(x).at(-1)!;
    const dims = [features, 2];
    const values = Array.from({ length: 2 * features }, () => bench.random.integer(-100, 100));
    const q = bench.initializer({ type: 'int8', dims, values });
    const scale = bench.initializer({ type: 'float', dims: [2], values: [2 ** -7, 2 ** -6] });
    const zero = bench.initializer({ type: 'int8', dims: [2], values: [3, -5] });
    const w = bench.add('DequantizeLinear', [q, scale, zero], { axis: { i: 1 } });
    return w && bench.add('MatMul', [x, w]);
  }),
  Scaler: (bench, x) => {
    const shape = bench.shape(x);
    if (shape.length !== 2 || bench.type !== 'float') return undefined;
    const list = () => ({ fs: Array.from({ length: shape[1]! }, () => Math.fround(bench.random.normal())) });
    return bench.addAll('Scaler', [x], { offset: list(), scale: list() }, 1, 'ai.onnx.ml')?.[0];
  },
  LinearRegressor: (bench, x) => {
    const shape = bench.shape(x);
    if (shape.length !== 2 || bench.type !== 'float') return undefined;
    const list = (n: number) => ({ fs: Array.from({ length: n }, () => Math.fround(bench.random.normal())) });
    const attributes = { coefficients: list(2 * shape[1]!), intercepts: list(2), targets: { i: 2 } };
    return bench.addAll('LinearRegressor', [x], attributes, 1, 'ai.onnx.ml')?.[0];
  },
  ToImage: (bench, x) => {
    const size = product(bench.shape(x));
    const sides = [1, 2, 3, 4].filter((side) => size % side === 0);
    const channels = bench.random.pick(sides);
    const height = bench.random.pick(sides.filter((side) => (size / channels) % side === 0));
    return bench.add('Reshape', [x, bench.integers([1, channels, height, size / channels / height])]);
  },
};

/** By its name in the operator set at hand; operator set 10, which defines it in other words, is left out. */
function resized(bench: Workbench, x: string): string | undefined {
  if (!isImage(bench, x)) return undefined;
  const { random } = bench;
  const factors = [1, 1, ...[0, 1].map(() => random.pick([1, 2, 2, 3]))];
  if (bench.opset < 9) return bench.add('Upsample', [x], { scales: { fs: factors } });
  const scales = bench.initializer({ type: 'float', dims: [4], values: factors });
  if (bench.opset < 10) return bench.add('Upsample', [x, scales]);
  if (bench.opset < 11) return undefined;
  const mode = random.pick(['nearest', 'nearest', 'linear']);
  // Without a region operator set 11 asks for an empty one.
  const region = bench.opset < 13 ? bench.initializer({ type: bench.type, dims: [0], values: [] }) : '';
  return bench.add('Resize', [x, region, scales], {
    mode: { s: mode },
    coordinate_transformation_mode: { s: random.pick(['half_pixel', 'asymmetric']) },
    ...(mode === 'nearest' ? { nearest_mode: { s: random.pick(['floor', 'round_prefer_floor']) } } : {}),
  });
}
