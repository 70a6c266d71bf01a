/** Models whose weights come from subgraphs of constants, through every type and operator that is read on them. */
import type { ModelDescription, Tensor, Type } from '../model/description.ts';
import { TYPES } from '../model/description.ts';
import type { Random } from '../random.ts';
import { listInput } from './lists.ts';
import { Workbench } from './workbench.ts';

const INTEGERS: readonly Type[] = ['uint8', 'int8', 'uint16', 'int16', 'int32', 'uint32', 'int64'];
const LIMITS: Readonly<Record<string, readonly [number, number]>> = {
  uint8: [0, 255],
  int8: [-128, 127],
  uint16: [0, 65535],
  int16: [-32768, 32767],
  int32: [-(2 ** 31), 2 ** 31 - 1],
  uint32: [0, 2 ** 32 - 1],
  int64: [-(2 ** 40), 2 ** 40],
};

/** A dense layer of such a weight, alone or before a ReLU. */
export function constantModel(random: Random): ModelDescription {
  const [inputs, outputs] = [random.integer(1, 3), random.integer(1, 3)];
  const bench = new Workbench(random, {
    opset: random.pick([13, 18, 20]),
    type: random.pick(['float', 'double']),
    style: 'dyadic',
    sample: [inputs],
    batch: 1,
  });
  for (;;) {
    const weight = computed(bench, [inputs, outputs]);
    const y = weight && bench.add('MatMul', ['x', weight]);
    if (!y) continue;
    return bench.finish(random.chance(0.3) ? bench.add('Relu', [y])! : y);
  }
}

/** A float weight after one to four steps in some type; no overflow of floats, whose rounding is nobody's. */
function computed(bench: Workbench, dims: readonly number[]): string | undefined {
  const { random } = bench;
  let type: Type = random.chance(0.8) ? random.pick(INTEGERS) : 'float';
  let at: string | undefined = bench.initializer(entries(random, type, dims));
  for (let k = random.integer(1, 4); k > 0 && at !== undefined; k--) {
    if (random.chance(0.35) && type !== 'float') {
      const to: Type = random.pick(INTEGERS);
      at = bench.add('Cast', [at], { to: { i: TYPES[to] } });
      type = to;
    } else at = step(bench, at, type, dims);
  }
  if (at === undefined) return undefined;
  if (random.chance(0.3)) {
    at = bench.add('Cast', [at], { to: { i: TYPES.double } });
    at = at && smoothed(bench, at);
    if (at === undefined) return undefined;
  }
  if (random.chance(0.15)) {
    // Through float32, as runtimes do it; directly would round once.
    at = bench.add('Cast', [at], { to: { i: TYPES.float } });
    at = at && bench.add('Cast', [at], { to: { i: TYPES.float16 } });
  }
  return at && bench.add('Cast', [at], { to: { i: TYPES[bench.type] } });
}

function entries(random: Random, type: Type, dims: readonly number[]): Tensor {
  const count = dims.reduce((a, b) => a * b, 1);
  const [low, high] = LIMITS[type] ?? [-8, 8];
  const value = () => {
    if (random.chance(0.4)) return random.pick([low, high, low + 1, high - 1]);
    if (type === 'float') return random.integer(-64, 64) / 8;
    return Math.max(low, Math.min(high, random.integer(-3, 40)));
  };
  return { type, dims, values: Array.from({ length: count }, value) };
}

/** Keeps the shape, wraps around in integers, is exact in floats. */
function step(bench: Workbench, x: string, type: Type, dims: readonly number[]): string | undefined {
  const { random } = bench;
  const other = () => {
    const own = random.chance(0.5) ? [] : [dims[1]!];
    return bench.initializer(entries(random, type, own));
  };
  const signed = !type.startsWith('u');
  switch (
    random.weighted({
      Add: 3,
      Sub: 3,
      Mul: 3,
      Neg: 1,
      Abs: 1,
      MinMax: 1,
      Reduce: 2,
      Where: 1,
      Div: 1,
      Move: 1,
      Compare: 1,
      Square: 1,
      Repeat: 1,
      Made: 1,
      Choice: 2,
    })
  ) {
    case 'Add':
      return bench.add('Add', random.shuffled([x, other()]));
    case 'Sub':
      return bench.add('Sub', random.shuffled([x, other()]));
    case 'Mul':
      return type === 'int64' || type === 'float'
        ? undefined
        : bench.add('Mul', random.shuffled([x, other()]));
    case 'Neg':
      return signed ? bench.add('Neg', [x]) : undefined;
    case 'Abs':
      return bench.add('Abs', [x]);
    case 'MinMax':
      return bench.add(random.pick(['Min', 'Max']), [x, other()]);
    case 'Reduce': {
      const [op, since] = random.pick([
        ['ReduceSum', 13],
        ['ReduceMax', 18],
        ['ReduceMin', 18],
      ] as const);
      const reduced = listInput(bench, op, [x], 'axes', [random.integer(0, 1)], since);
      return reduced && bench.add('Expand', [reduced, bench.integers(dims)]);
    }
    case 'Where': {
      const condition = bench.add('Greater', [x, other()]);
      return condition && bench.add('Where', [condition, x, other()]);
    }
    case 'Compare': {
      const equal = bench.add(random.pick(['Equal', 'Less', 'LessOrEqual', 'Greater', 'GreaterOrEqual']), [
        x,
        other(),
      ]);
      const turned = equal && (random.chance(0.5) ? bench.add('Not', [equal]) : equal);
      return turned && bench.add('CastLike', [turned, x]);
    }
    case 'Square': {
      if (bench.opset < 18 || !/^(u?int(8|16)|int32)$/.test(type)) return undefined;
      const op = random.pick(['ReduceProd', 'ReduceL1', 'ReduceSumSquare']);
      const reduced = bench.add(op, [x, bench.integers([random.integer(0, 1)])]);
      return reduced && bench.add('Expand', [reduced, bench.integers(dims)]);
    }
    case 'Repeat': {
      const twice = bench.add('Tile', [x, bench.integers([2, 1])]);
      const rows = bench.integers(
        Array.from({ length: dims[0]! }, (_, k) => k + random.integer(0, dims[0]!)),
      );
      return twice && bench.add('Gather', [twice, rows], { axis: { i: 0 } });
    }
    case 'Made': {
      if (type !== 'int64' && type !== 'int32') return undefined;
      const scalar = (value: number) => bench.initializer({ type, dims: [], values: [value] });
      const start = random.integer(-5, 5);
      const range = bench.add('Range', [scalar(start), scalar(start + 2 * dims[1]!), scalar(2)]);
      const sum = range && bench.add('Add', [x, range]);
      const size = sum && bench.add('Size', [random.chance(0.5) ? 'x' : x]);
      const typed = size && bench.add('Cast', [size], { to: { i: TYPES[type] } });
      return typed && bench.add('Sub', [sum, typed]);
    }
    case 'Choice':
      return chosen(bench, x, type, dims);
    case 'Div': {
      if (type === 'float') return undefined;
      return bench.add('Div', [
        x,
        bench.initializer({ type, dims: [], values: [random.pick(signed ? [2, 3, -1] : [2, 3])] }),
      ]);
    }
    default: {
      const flipped = bench.add('Transpose', [x], { perm: { is: [1, 0] } });
      return flipped && bench.add('Transpose', [flipped], { perm: { is: [1, 0] } });
    }
  }
}

/** Rounding, remainders and places, back in the type and the shape. */
function chosen(bench: Workbench, x: string, type: Type, dims: readonly number[]): string | undefined {
  const { random } = bench;
  const scalar = (value: number, of: Type = type) =>
    bench.initializer({ type: of, dims: [], values: [value] });
  const back = (y: string | undefined) => y && bench.add('Cast', [y], { to: { i: TYPES[type] } });
  const op = random.pick([
    'Round',
    'Sign',
    'Mod',
    'BitShift',
    'ArgMax',
    'ArgMin',
    'OneHot',
    'QuantizeLinear',
  ]);
  switch (op) {
    case 'Round':
      return type === 'float' ? bench.add('Round', [x]) : undefined;
    case 'Sign':
      return bench.add('Sign', [x]);
    case 'Mod': {
      const fmod = random.integer(0, 1);
      if (type === 'float' && fmod === 0) return undefined;
      const divisor = random.pick(type.startsWith('u') ? [3, 7] : [3, 7, -5]);
      return bench.add('Mod', [x, scalar(divisor)], { fmod: { i: fmod } });
    }
    case 'BitShift':
      // What is shifted beyond 2^53 is no number of this evaluator.
      if (!/^uint(8|16)$/.test(type)) return undefined;
      return bench.add('BitShift', [x, scalar(random.integer(0, 7))], {
        direction: { s: random.pick(['LEFT', 'RIGHT']) },
      });
    case 'ArgMax':
    case 'ArgMin': {
      const axis = random.integer(0, 1);
      const places = bench.add(op, [x], {
        ...{ axis: { i: random.chance(0.5) ? axis : axis - 2 }, keepdims: { i: 1 } },
        ...(random.chance(0.5) && { select_last_index: { i: random.integer(0, 1) } }),
      });
      return back(places && bench.add('Expand', [places, bench.integers(dims)]));
    }
    case 'OneHot': {
      const [rows, columns] = dims as [number, number];
      const first = random.chance(0.5);
      const indices = Array.from({ length: first ? columns : rows }, () => {
        const depth = first ? rows : columns;
        return random.integer(-depth, depth - 1);
      });
      const values = bench.initializer({ type, dims: [2], values: [0, 1] });
      const depth = bench.initializer({ type: 'int64', dims: [], values: [first ? rows : columns] });
      const mask = bench.add('OneHot', [bench.integers(indices), depth, values], {
        axis: { i: first ? 0 : -1 },
      });
      return mask && bench.add(random.pick(['Max', 'Min', 'Sub']), [x, mask]);
    }
    default: {
      if (type !== 'float') return undefined;
      const to = random.pick(['uint8', 'int8'] as const);
      const zero = scalar(random.integer(0, 20), to);
      return back(bench.add('QuantizeLinear', [x, scalar(2 ** random.integer(-4, 2)), zero]));
    }
  }
}

/** Functions that are exact on powers of two and whole numbers, which every reader must agree on. */
function smoothed(bench: Workbench, x: string): string | undefined {
  const { random } = bench;
  const number = (value: number) => bench.initializer({ type: 'double', dims: [], values: [value] });
  switch (random.integer(0, 5)) {
    case 0: {
      const square = bench.add('Pow', [x, number(2)]);
      return square && bench.add('Sqrt', [square]);
    }
    case 1: {
      const quarter = bench.add('Mul', [x, number(0.25)]);
      return quarter && bench.add(random.pick(['Floor', 'Ceil']), [quarter]);
    }
    case 2: {
      const nothing = bench.add('Mul', [x, number(0)]);
      const one = nothing && bench.add('Exp', [nothing]);
      return one && bench.add('Add', [x, one]);
    }
    case 3: {
      const nothing = bench.add('Mul', [x, number(0)]);
      const one = nothing && bench.add('Add', [nothing, number(1)]);
      const log = one && bench.add('Log', [one]);
      return log && bench.add('Sub', [x, log]);
    }
    case 4: {
      const power = bench.add('Reciprocal', [number(2 ** random.integer(-6, 6))]);
      return power && bench.add('Mul', [x, power]);
    }
    default: {
      const length = bench.add('ReduceL2', [
        bench.initializer({ type: 'double', dims: [2], values: [3, 4] }),
      ]);
      return length && bench.add('Mul', [x, length]);
    }
  }
}
