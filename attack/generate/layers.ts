/** Layers: one or a few nodes behind a tensor, of every operator that is read. */
import { product } from '../evaluate/values.ts';
import type { Random } from '../random.ts';
import type { Attributes } from './bench.ts';
import { gate } from './gates.ts';
import { listInput } from './lists.ts';
import type { Layer, Workbench } from './workbench.ts';

const plainNames = [
  ...['Relu', 'Sigmoid', 'Tanh', 'Softplus', 'Softsign', 'Sin', 'Cos', 'Atan', 'Asinh', 'Erf', 'Abs'],
  ...['Identity', 'Neg', 'HardSwish', 'Mish'],
];
/** Operator sets in which operators came. */
const SINCE: Readonly<Record<string, number>> = {
  Sin: 7,
  Cos: 7,
  Atan: 7,
  Asinh: 9,
  Erf: 9,
  HardSwish: 14,
  Mish: 18,
  Celu: 12,
  Gelu: 20,
  Swish: 24,
};

/** A node without parameters, if its operator set is there. */
const simple =
  (op: string, attributes: (random: Random) => Attributes = () => ({})): Layer =>
  (bench, x) =>
    bench.opset < (SINCE[op] ?? 7) ? undefined : bench.add(op, [x], attributes(bench.random));

const float = (value: number) => ({ f: Math.fround(value) });

/** Elementwise, on tensors of any rank. */
export const elementwise: Readonly<Record<string, Layer>> = {
  ...Object.fromEntries(plainNames.map((op) => [op, simple(op)])),
  Dropout: (bench, x) => bench.add('Dropout', [x], bench.opset < 12 ? { ratio: float(0.5) } : {}),
  // Slopes near one keep bounds near the truth.
  LeakyRelu: simple('LeakyRelu', (random) => ({
    alpha: float(random.pick([0.01, 0.5, 0.9, 0.99, 0.999, -0.5, -1, 1.5])),
  })),
  Elu: simple('Elu', (random) => ({ alpha: float(random.pick([1, 0.5, 2])) })),
  Celu: simple('Celu', (random) => ({ alpha: float(random.pick([1, 0.5, 2])) })),
  Selu: simple('Selu', (random) =>
    random.chance(0.5)
      ? {}
      : { alpha: float(random.pick([1.5, 0.5])), gamma: float(random.pick([1.1, 0.7])) },
  ),
  HardSigmoid: simple('HardSigmoid', (random) =>
    random.chance(0.5)
      ? {}
      : { alpha: float(random.pick([0.5, 1, 3])), beta: float(random.pick([0, 0.5, 1])) },
  ),
  Swish: simple('Swish', (random) => ({ alpha: float(random.pick([1, 0.5, 1.702, 4])) })),
  Gelu: simple('Gelu', (random) => (random.chance(0.5) ? {} : { approximate: { s: 'tanh' } })),
  Clip: (bench, x) => {
    const { random } = bench;
    const [low, high] = random.pick([
      [-1, 1],
      [0, 6],
      [0, Infinity],
      [-Infinity, 0.5],
      [-0.25, 3],
    ] as const);
    if (bench.opset < 11)
      return bench.add('Clip', [x], {
        ...(low > -Infinity ? { min: float(low) } : {}),
        ...(high < Infinity ? { max: float(high) } : {}),
      });
    const bound = (value: number) => (Number.isFinite(value) ? bench.number(value) : '');
    return bench.add('Clip', high < Infinity ? [x, bound(low), bound(high)] : [x, bound(low)]);
  },
  Max: (bench, x) =>
    bench.add('Max', bench.random.shuffled([x, bench.number(bench.random.pick([0, -1, 0.5]))])),
  Min: (bench, x) =>
    bench.add('Min', bench.random.shuffled([x, bench.number(bench.random.pick([0, 1, 0.5]))])),
  PRelu: (bench, x) => {
    const channels = bench.shape(x)[1] ?? 1;
    const slopes = Array.from({ length: channels }, () =>
      bench.scales.stored(bench.random.pick([0.25, 0.99, -0.5, 0])),
    );
    const dims = [
      channels,
      ...bench
        .shape(x)
        .slice(2)
        .map(() => 1),
    ];
    return bench.add('PRelu', [x, bench.exactly({ type: bench.type, dims, values: slopes })]);
  },
  Gate: gate,
  Scale: (bench, x) => scaled(bench, x, bench.random.pick(['Mul', 'Div'])),
  Shift: (bench, x) => {
    const c = perChannel(bench, x);
    const op = bench.random.pick(['Add', 'Sub', 'Sum']);
    return bench.add(op, op === 'Sub' ? [x, c] : bench.random.shuffled([x, c]));
  },
  BatchNormalization: (bench, x) => {
    const channels = bench.shape(x)[1]!;
    if (bench.shape(x).length < 2) return undefined;
    const positive = Array.from({ length: channels }, () =>
      bench.scales.stored(0.1 + Math.abs(bench.random.normal())),
    );
    const inputs = [
      ...[0, 1, 2].map(() => bench.weights([channels], 1)),
      bench.exactly({ type: bench.type, dims: [channels], values: positive }),
    ];
    const attributes = bench.random.chance(0.5) ? { epsilon: float(1e-3) } : {};
    return bench.add('BatchNormalization', [x, ...inputs], attributes);
  },
};

function perChannel(bench: Workbench, x: string): string {
  const shape = bench.shape(x);
  if (bench.random.chance(0.3)) return bench.weights([], 1);
  const dims = bench.random.chance(0.3) ? [1, shape[1]!] : [shape[1]!];
  return bench.weights([...dims, ...shape.slice(2).map(() => 1)], 1);
}

function scaled(bench: Workbench, x: string, op: string): string | undefined {
  return bench.add(
    op,
    op === 'Div' ? [x, perChannel(bench, x)] : bench.random.shuffled([x, perChannel(bench, x)]),
  );
}

/** On vectors [1, features]. */
export const dense: Readonly<Record<string, Layer>> = {
  Gemm: (bench, x) => {
    const { random } = bench;
    const [inputs, outputs] = [bench.shape(x)[1]!, random.integer(1, 6)];
    const transB = random.chance(0.5);
    const w = bench.weights(transB ? [outputs, inputs] : [inputs, outputs], inputs);
    const c = random.chance(0.6) ? [bench.weights(random.pick([[outputs], [1, outputs], [1]]), 1)] : [];
    const some = bench.scales.style === 'wild' ? 1e-30 : 0.5;
    return bench.add('Gemm', [x, w, ...c], {
      ...(transB ? { transB: { i: 1 } } : {}),
      ...(random.chance(0.2) ? { alpha: float(random.pick([some, 2])) } : {}),
      ...(random.chance(0.2) ? { beta: float(0.5) } : {}),
    });
  },
  MatMul: (bench, x) => {
    const inputs = bench.shape(x)[1]!;
    return bench.add('MatMul', [x, bench.weights([inputs, bench.random.integer(1, 6)], inputs)]);
  },
  MaxGather: (bench, x) => {
    const features = bench.shape(x)[1]!;
    const [count, length] = [bench.random.integer(1, 4), bench.random.integer(1, 3)];
    if (bench.opset < 18) return undefined;
    const values = Array.from({ length: count * length }, () =>
      bench.random.integer(-features, features - 1),
    );
    const windows = bench.initializer({ type: 'int64', dims: [count, length], values });
    const taken = bench.add('Gather', [x, windows], { axis: { i: 1 } });
    return taken && bench.add('ReduceMax', [taken, bench.integers([2])], { keepdims: { i: 0 } });
  },
  ToSignal: (bench, x) => {
    const features = bench.shape(x)[1]!;
    const channels = bench.random.pick([1, 2, 3].filter((c) => features % c === 0));
    return bench.add('Reshape', [
      x,
      bench.integers([bench.random.pick([1, -1, 0]), channels, features / channels]),
    ]);
  },
  ...selection(1),
};

/** Layers that take some of an axis. */
function selection(axis: number): Record<string, Layer> {
  return {
    Split: (bench, x) => {
      const side = bench.shape(x)[axis]!;
      if (side < 2) return undefined;
      const first = bench.random.integer(1, side - 1);
      const parts = [first, side - first];
      const outputs =
        bench.opset < 13
          ? bench.addAll('Split', [x], { axis: { i: axis }, split: { is: parts } }, 2)
          : bench.addAll('Split', [x, bench.integers(parts)], { axis: { i: axis } }, 2);
      return outputs && bench.random.pick(outputs);
    },
    Gather: (bench, x) => {
      const side = bench.shape(x)[axis]!;
      const picked = Array.from({ length: bench.random.integer(1, 4) }, () =>
        bench.random.integer(-side, side - 1),
      );
      return bench.add('Gather', [x, bench.integers(picked)], { axis: { i: axis } });
    },
    Slice: (bench, x) => {
      const side = bench.shape(x)[axis]!;
      return sliced(
        bench,
        x,
        axis,
        bench.random.integer(0, side - 1),
        bench.random.pick([side, -1, 2 ** 31 - 1]),
        1,
      );
    },
  };
}

export function sliced(
  bench: Workbench,
  x: string,
  axis: number,
  start: number,
  end: number,
  step: number,
): string | undefined {
  if (bench.opset >= 10) {
    const lists = [[start], [end], [axis], [step]].map((values) => bench.integers(values));
    return bench.add('Slice', [x, ...(step === 1 && bench.random.chance(0.5) ? lists.slice(0, 3) : lists)]);
  }
  if (step !== 1) return undefined;
  return bench.add('Slice', [x], { starts: { is: [start] }, ends: { is: [end] }, axes: { is: [axis] } });
}

const axesOf = (bench: Workbench, x: string) => bench.shape(x).length - 2;

function perAxis(bench: Workbench, x: string, make: (side: number) => number): number[] {
  return bench.shape(x).slice(2).map(make);
}

/** Attributes of windows, now and then larger than the image, its pads larger than they are. */
function windowAttributes(
  bench: Workbench,

  kernel: readonly number[],
  pools: boolean,
): Attributes {
  const { random } = bench;
  const some = (probability: number, value: () => number[]) =>
    random.chance(probability) ? value() : undefined;
  const strides = some(pools ? 0.6 : 0.4, () =>
    kernel.map(() => random.integer(1, random.chance(0.15) ? 5 : 3)),
  );
  const dilations = some(pools ? 0.05 : 0.25, () => kernel.map(() => random.integer(1, 3)));
  const mode = random.weighted({ NOTSET: 7, VALID: 1, SAME_UPPER: 1.5, SAME_LOWER: 1.5 });
  const wide = !pools && random.chance(0.1);
  const pads =
    mode === 'NOTSET'
      ? some(0.7, () =>
          [...kernel, ...kernel].map((k) => random.integer(0, wide ? k + 2 : Math.max(0, k - 1))),
        )
      : undefined;
  return {
    ...(strides ? { strides: { is: strides } } : {}),
    ...(dilations && !(pools && bench.opset < 10) ? { dilations: { is: dilations } } : {}),
    ...(pads ? { pads: { is: pads } } : {}),
    ...(mode === 'NOTSET' ? {} : { auto_pad: { s: mode } }),
  };
}

function kernelOf(bench: Workbench, x: string): number[] {
  return perAxis(bench, x, () =>
    bench.random.pick([1, 2, 2, 3, 3, 3, 4, 5].filter((k) => k <= 6 - axesOf(bench, x))),
  );
}

function pool(op: 'MaxPool' | 'AveragePool'): Layer {
  return (bench, x) => {
    const kernel = kernelOf(bench, x);
    const { dilations, ...attributes } = windowAttributes(bench, kernel, true) as Record<
      string,
      Attributes[string]
    >;
    const dilated = dilations && (op === 'MaxPool' || bench.opset >= 19);
    return bench.add(op, [x], {
      ...attributes,
      ...(dilated ? { dilations } : {}),
      kernel_shape: { is: kernel },
      ...(bench.opset >= (op === 'MaxPool' ? 10 : 10) && bench.random.chance(0.4)
        ? { ceil_mode: { i: 1 } }
        : {}),
      ...(op === 'AveragePool' && bench.random.chance(0.4) ? { count_include_pad: { i: 1 } } : {}),
    });
  };
}

/** On signals and images [1, channels, …], at any length of theirs. */
export const sliding: Readonly<Record<string, Layer>> = {
  Conv: (bench, x) => {
    const { random } = bench;
    const channels = bench.shape(x)[1]!;
    const outputs = random.integer(1, 3);
    const group = channels > 1 && outputs % channels === 0 && random.chance(0.5) ? channels : 1;
    const kernel = kernelOf(bench, x);
    const perGroup = channels / group;
    const w = bench.weights([outputs, perGroup, ...kernel], perGroup * product(kernel));
    const bias = random.chance(0.4) ? [bench.weights([outputs], 1)] : [];
    return bench.add('Conv', [x, w, ...bias], {
      ...windowAttributes(bench, kernel, false),
      ...(group > 1 ? { group: { i: group } } : {}),
      ...(random.chance(0.5) ? { kernel_shape: { is: kernel } } : {}),
    });
  },
  ConvTranspose: (bench, x) => {
    const { random } = bench;
    const channels = bench.shape(x)[1]!;
    const group = channels > 1 && random.chance(0.3) ? channels : 1;
    const kernel = kernelOf(bench, x);
    const w = bench.weights([channels, random.integer(1, 2), ...kernel], channels * product(kernel));
    const strides = kernel.map(() => random.integer(1, 3));
    const pads = [...kernel, ...kernel].map((k) => random.integer(0, k - 1));
    return bench.add('ConvTranspose', [x, w], {
      strides: { is: strides },
      ...(random.chance(0.6) ? { pads: { is: pads } } : {}),
      ...(random.chance(0.3) ? { output_padding: { is: strides.map((s) => random.integer(0, s - 1)) } } : {}),
      ...(random.chance(0.2) ? { dilations: { is: kernel.map(() => random.integer(1, 2)) } } : {}),
      ...(group > 1 ? { group: { i: group } } : {}),
    });
  },
  MaxPool: pool('MaxPool'),
  AveragePool: pool('AveragePool'),
  Pad: (bench, x) => padded(bench, x, bench.random.pick(['constant', 'constant', 'reflect', 'edge'])),
  Wrap: (bench, x) => (bench.opset < 19 ? undefined : padded(bench, x, 'wrap')),
  WrittenWrap: (bench, x) => {
    const axis = bench.random.integer(2, bench.shape(x).length - 1);
    const [before, after] = [bench.random.integer(0, 2), bench.random.integer(0, 2)];
    const ends = [
      before > 0 ? sliced(bench, x, axis, -before, 2 ** 31 - 1, 1) : '',
      after > 0 ? sliced(bench, x, axis, 0, after, 1) : '',
    ];
    const parts = [ends[0], x, ends[1]].filter((name) => name !== '');
    if (parts.length < 2 || parts.includes(undefined)) return undefined;
    return bench.add('Concat', parts as string[], { axis: { i: axis } });
  },
  Subsample: (bench, x) => {
    const axis = bench.random.integer(2, bench.shape(x).length - 1);
    const side = bench.shape(x)[axis]!;
    const start = bench.random.pick([0, 1, -1, -2, -side, -side + 1, -side - 3]);
    const step = bench.random.pick([1, 2, 2, 3, -1, -2]);
    const end = step > 0 ? bench.random.pick([2 ** 31 - 1, 2 ** 31 - 1, side, -1]) : -(2 ** 31);
    return sliced(bench, x, axis, start, end, step);
  },
  ChannelMix: (bench, x) => {
    const shape = bench.shape(x);
    if (shape.length !== 3) return undefined;
    return bench.add('MatMul', [bench.weights([bench.random.integer(1, 3), shape[1]!], shape[1]!), x]);
  },
  ...Object.fromEntries(
    Object.entries(selection(1)).map(([name, layer]): [string, Layer] => [`${name}Channels`, layer]),
  ),
};

function padded(bench: Workbench, x: string, mode: string): string | undefined {
  // ONNX Runtime reads beyond its tensors where padding wraps round more than once.
  const counts = () => perAxis(bench, x, (side) => bench.random.integer(0, Math.min(2, side)));
  const pads = [0, 0, ...counts(), 0, 0, ...counts()];
  const value = bench.random.pick([0, 0, 1, -0.5]);
  const attributes = mode === 'constant' && bench.random.chance(0.5) ? {} : { mode: { s: mode } };
  if (bench.opset < 11)
    return bench.add('Pad', [x], {
      ...attributes,
      pads: { is: pads },
      ...(value ? { value: float(value) } : {}),
    });
  const inputs = [x, bench.integers(pads), ...(mode === 'constant' && value ? [bench.number(value)] : [])];
  return bench.add('Pad', inputs, attributes);
}

/** What reads whole signals, or axes of them. */
export const reading: Readonly<Record<string, Layer>> = {
  GlobalAveragePool: simple('GlobalAveragePool'),
  GlobalMaxPool: simple('GlobalMaxPool'),
  Reduce: (bench, x) => {
    const { random } = bench;
    const rank = bench.shape(x).length;
    const op = random.pick(['ReduceMean', 'ReduceSum', 'ReduceMax']);
    const spatial = Array.from({ length: rank - 2 }, (_, a) => a + 2);
    const some =
      spatial.length > 1 && random.chance(0.5)
        ? [random.pick(spatial)]
        : spatial.filter(() => random.chance(0.6));
    const chosen = some.length > 0 ? some : [random.pick(spatial)];
    const axes = chosen.map((axis) => (random.chance(0.3) ? axis - rank : axis));
    return listInput(bench, op, [x], 'axes', axes, op === 'ReduceSum' ? 13 : 18, {
      ...(random.chance(0.3) ? { keepdims: { i: 0 } } : {}),
    });
  },
};

/** What ties a network to the length of its file. */
export const flattening: Readonly<Record<string, Layer>> = {
  Flatten: (bench, x) => bench.add('Flatten', [x]),
  FlattenByShape: (bench, x) => {
    if (bench.opset < 13) return undefined;
    const shape = bench.add('Shape', [x]);
    const batch = shape && bench.add('Gather', [shape, bench.integers([0])]);
    const target = batch && bench.add('Concat', [batch, bench.integers([-1])], { axis: { i: 0 } });
    return target && bench.add('Reshape', [x, target]);
  },
  MatMulLast: (bench, x) => {
    const inputs = bench.shape(x).at(-1)!;
    return bench.add('MatMul', [x, bench.weights([inputs, bench.random.integer(1, 4)], inputs)]);
  },
  Transpose: (bench, x) => {
    const rank = bench.shape(x).length;
    const perm = [0, ...bench.random.shuffled(Array.from({ length: rank - 1 }, (_, a) => a + 1))];
    return bench.add('Transpose', [x], { perm: { is: perm } });
  },
  Squeezed: (bench, x) => {
    const there = listInput(bench, 'Unsqueeze', [x], 'axes', [2], 13);
    return there && listInput(bench, 'Squeeze', [there], 'axes', [2], 13);
  },
};
