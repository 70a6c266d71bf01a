/** Functions of groups, as one operator or spelt out. */
import { product } from '../evaluate/values.ts';
import { listInput } from './lists.ts';
import type { Layer, Workbench } from './workbench.ts';

const float = (value: number) => ({ f: Math.fround(value) });
/** Large ones keep bounds near what inputs of a usual size show. */
const epsilonOf = (bench: Workbench) => bench.random.pick([0.1, 0.5, 2, 1e-3]);
const lastAxis = (bench: Workbench, x: string) => bench.shape(x).length - 1;

/** On tensors of any rank. */
export const grouping: Readonly<Record<string, Layer>> = {
  ReduceFeatures: (bench, x) => {
    const { random } = bench;
    const op = random.pick(['ReduceMax', 'ReduceMin', 'ReduceL1', 'ReduceL2', 'ReduceLogSumExp']);
    return listInput(bench, op, [x], 'axes', [random.integer(1, lastAxis(bench, x))], 18);
  },
  SoftmaxAnywhere: (bench, x) =>
    bench.add(bench.random.pick(['Softmax', 'LogSoftmax']), [x], {
      axis: { i: bench.opset < 13 ? lastAxis(bench, x) : bench.random.integer(1, lastAxis(bench, x)) },
    }),
  TopK: (bench, x) => {
    const axis = bench.random.integer(1, lastAxis(bench, x));
    const count = bench.shape(x)[axis]!;
    if (bench.opset < 10) return bench.add('TopK', [x], { axis: { i: axis }, k: { i: count } }, 2);
    return bench.add(
      'TopK',
      [x, bench.integers([count])],
      { axis: { i: axis }, ...(bench.opset >= 11 && bench.random.chance(0.5) ? { largest: { i: 0 } } : {}) },
      2,
    );
  },
  LayerNormalization: (bench, x) => {
    if (bench.opset < 17) return undefined;
    const side = bench.shape(x).at(-1)!;
    const shift = bench.random.chance(0.5) ? [bench.weights([side], 1)] : [];
    const all = bench.addAll(
      'LayerNormalization',
      [x, bench.weights([side], 1), ...shift],
      { epsilon: float(epsilonOf(bench)) },
      bench.random.pick([1, 1, 2, 3]),
    );
    return all && bench.random.pick(all);
  },
  Loss: (bench, x) => {
    const { random } = bench;
    const [, classes, ...sides] = bench.shape(x) as [number, number, ...number[]];
    if (bench.opset < 12) return undefined;
    const values = Array.from({ length: product(sides) }, () => random.integer(0, classes - 1));
    const target = bench.exactly({ type: 'int64', dims: [1, ...sides], values });
    const weighed = Array.from({ length: classes }, () => random.pick([0.5, 1, 3]));
    const weights = random.chance(0.5)
      ? [bench.exactly({ type: bench.type, dims: [classes], values: weighed })]
      : [];
    const own = bench.addAll(
      random.pick(['NegativeLogLikelihoodLoss', 'SoftmaxCrossEntropyLoss']),
      [x, target, ...weights],
      {
        ...(random.chance(0.7) ? { reduction: { s: random.pick(['none', 'sum', 'mean']) } } : {}),
        ...(random.chance(0.3) ? { ignore_index: { i: random.integer(-1, classes) } } : {}),
      },
    );
    return own && bench.add('Reshape', [own[0]!, bench.integers([1, -1])]);
  },
  RMSNormalization: (bench, x) =>
    bench.opset < 23
      ? undefined
      : bench.add('RMSNormalization', [x, bench.weights([bench.shape(x).at(-1)!], 1)], {
          epsilon: float(epsilonOf(bench)),
        }),
  Shrink: (bench, x) => {
    const threshold = float(bench.random.pick([0.25, 0.5, 1]));
    return bench.opset < 9 ? undefined : bench.add('Shrink', [x], { lambd: threshold, bias: threshold });
  },
  ThresholdedRelu: (bench, x) =>
    bench.opset < 10 ? undefined : bench.add('ThresholdedRelu', [x], { alpha: float(0) }),
  Squared: (bench, x) => {
    const y = bench.add(bench.random.pick(['Tanh', 'Sigmoid']), [x]);
    if (y === undefined) return undefined;
    return bench.random.chance(0.5) ? bench.add('Mul', [y, y]) : bench.add('Pow', [y, bench.number(2)]);
  },
  Gated: (bench, x) => {
    const { random } = bench;
    const bounded = () => {
      const at = random.chance(0.5) ? bench.add('Mul', [x, bench.number(random.pick([0.5, 2, -1, 4]))]) : x;
      return (
        at && bench.add(random.pick(['Tanh', 'Sigmoid', 'HardSigmoid', 'Softsign', 'Sin', 'Atan']), [at])
      );
    };
    const [a, b] = [bounded(), bounded()];
    return a && b && bench.add('Mul', [a, b]);
  },
  Larger: (bench, x) => {
    const y = bench.add(bench.random.pick(['Tanh', 'Neg', 'Relu', 'Sin']), [x]);
    return y && bench.add(bench.random.pick(['Max', 'Min']), bench.random.shuffled([x, y]));
  },
  MaxMin: (bench, x) => {
    const side = bench.shape(x)[1]!;
    if (side % 2 !== 0) return undefined;
    const halves = [side / 2, side / 2];
    const parts =
      bench.opset < 13
        ? bench.addAll('Split', [x], { axis: { i: 1 }, split: { is: halves } }, 2)
        : bench.addAll('Split', [x, bench.integers(halves)], { axis: { i: 1 } }, 2);
    const [high, low] = ['Max', 'Min'].map((op) => parts && bench.add(op, parts));
    return high && low && bench.add('Concat', [high, low], { axis: { i: 1 } });
  },
};

/** On images [1, channels, …]. */
export const imageGrouping: Readonly<Record<string, Layer>> = {
  InstanceNormalization: (bench, x) => {
    const channels = bench.shape(x)[1]!;
    return bench.add('InstanceNormalization', [x, ...perChannel(bench, channels)], {
      epsilon: float(epsilonOf(bench)),
    });
  },
  GroupNormalization: (bench, x) => {
    const channels = bench.shape(x)[1]!;
    if (bench.opset < 18) return undefined;
    const count = bench.random.pick([1, 2, 3].filter((n) => channels % n === 0));
    const inputs = perChannel(bench, bench.opset < 21 ? count : channels);
    return bench.add('GroupNormalization', [x, ...inputs], {
      epsilon: float(epsilonOf(bench)),
      num_groups: { i: count },
    });
  },
  LRN: (bench, x) =>
    bench.shape(x).length !== 4
      ? undefined
      : bench.add('LRN', [x], {
          size: { i: bench.random.pick([1, 3]) },
          alpha: float(bench.random.pick([0.5, 2])),
          bias: float(bench.random.pick([0.5, 1])),
        }),
  LpPool: (bench, x) => {
    const kernel = bench
      .shape(x)
      .slice(2)
      .map((side) => bench.random.integer(1, Math.min(3, side)));
    return bench.add('LpPool', [x], { kernel_shape: { is: kernel }, p: { i: bench.random.integer(1, 3) } });
  },
  GlobalLpPool: (bench, x) => bench.add('GlobalLpPool', [x], { p: { i: bench.random.integer(1, 2) } }),
};

function perChannel(bench: Workbench, channels: number): string[] {
  return [bench.weights([channels], 1), bench.weights([channels], 1)];
}

/** On the flat entries of what there is, as a sequence. */
export const recurring: Readonly<Record<string, Layer>> = {
  RNN: (bench, x) => recurrence(bench, x, 'RNN', 1, 1),
  LSTM: (bench, x) => recurrence(bench, x, 'LSTM', 4, 2),
  GRU: (bench, x) => recurrence(bench, x, 'GRU', 3, 1),
};

function recurrence(
  bench: Workbench,
  x: string,
  op: string,
  gates: number,
  states: number,
): string | undefined {
  const { random } = bench;
  const entries = product(bench.shape(x));
  const length = random.pick([1, 2, 3].filter((n) => entries % n === 0));
  const batch = random.pick([1, 1, 2].filter((n) => entries % (n * length) === 0));
  const [features, hidden] = [entries / length / batch, random.integer(1, 3)];
  const sequence = bench.add('Reshape', [x, bench.integers([length, batch, features])]);
  const optional = (dims: readonly number[]) => (random.chance(0.5) ? bench.weights(dims, 1) : '');
  const inputs = [
    bench.weights([1, gates * hidden, features], features),
    bench.weights([1, gates * hidden, hidden], hidden),
    optional([1, 2 * gates * hidden]),
    '',
    ...Array.from({ length: states }, () => optional([1, batch, hidden])),
    ...(op === 'LSTM' ? [optional([1, 3 * hidden])] : []),
  ];
  while (inputs.at(-1) === '') inputs.pop();
  const attributes = {
    hidden_size: { i: hidden },
    ...(random.chance(0.3) ? { direction: { s: 'reverse' } } : {}),
    ...(op === 'GRU' && random.chance(0.5) ? { linear_before_reset: { i: 1 } } : {}),
  };
  const all = sequence && bench.addAll(op, [sequence, ...inputs], attributes, 1 + states);
  return all && bench.add('Reshape', [random.pick(all), bench.integers([1, -1])]);
}
