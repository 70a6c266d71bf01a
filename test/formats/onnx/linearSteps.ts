/** Random nodes that are linear in a tensor, with constants of their own: of every operator that moves entries or multiplies them. */
import type { NodeProto, TensorProto } from '../../../src/formats/onnx/protobuf/onnx_pb.ts';
import { strides } from '../../../src/network/size.ts';
import { Random } from '../../network/arbitrary.ts';
import { floats, integers, node } from './build.ts';
import { tensor } from './tensorProto.ts';

/** A tensor of a graph, the batch of 1 counted. */
export interface Value {
  readonly name: string;
  readonly shape: readonly number[];
}

const volume = (shape: readonly number[]) => shape.reduce((p, n) => p * n, 1);

/** A graph under construction. */
export class LinearGraph {
  readonly nodes: NodeProto[] = [];
  readonly initializers: TensorProto[] = [];
  readonly random: Random;
  #count = 0;

  constructor(seed: number) {
    this.random = new Random(seed);
  }

  floats(shape: readonly number[], number = () => 2 * this.random.next() - 1): string {
    const name = `c${this.#count++}`;
    this.initializers.push(
      floats(
        name,
        shape,
        Array.from({ length: volume(shape) }, () => Math.fround(number())),
      ),
    );
    return name;
  }

  integers(values: readonly number[], shape: readonly number[] = [values.length]): string {
    const name = `c${this.#count++}`;
    this.initializers.push(integers(name, shape, values));
    return name;
  }

  booleans(shape: readonly number[]): string {
    const name = `c${this.#count++}`;
    const entries = Array.from({ length: volume(shape) }, () => this.random.integer(0, 1));
    this.initializers.push(tensor(name, 'bool', shape, entries));
    return name;
  }

  /** Of an initialiser of booleans. */
  entries(name: string): Iterable<number> {
    return this.initializers.find((own) => own.name === name)!.rawData;
  }

  apply(
    opType: string,
    inputs: readonly string[],
    shape: readonly number[],
    attributes: Parameters<typeof node>[3] = {},
    domain = '',
  ): Value {
    const name = `v${this.#count++}`;
    this.nodes.push(node(opType, inputs.join(' '), name, attributes, domain));
    return { name, shape };
  }

  /** A shape that broadcasts with the given one, to it or to a larger one. */
  partner(shape: readonly number[], grows: boolean): number[] {
    const { random } = this;
    return shape.map((side, axis) => {
      if (side === 1 && axis > 0 && grows && random.chance(0.3)) return random.integer(2, 3);
      return axis === 0 || random.chance(0.4) ? 1 : side;
    });
  }
}

const joined = (a: readonly number[], b: readonly number[]) => a.map((n, axis) => Math.max(n, b[axis]!));

/** One node more behind x; undefined where x is of no use to it. */
type Step = (g: LinearGraph, x: Value) => Value | undefined;

function withConstant(opType: string): Step {
  return (g, x) => {
    const own = g.partner(x.shape, true);
    const number = opType === 'Div' ? () => g.random.pick([-1, 1]) * (0.5 + g.random.next()) : undefined;
    const c = g.floats(own, number);
    const turned = opType !== 'Div' && g.random.chance(0.3);
    return g.apply(opType, turned ? [c, x.name] : [x.name, c], joined(x.shape, own));
  };
}

/** Of the tensor with a part of it, which broadcasts. */
function withItself(opType: string): Step {
  return (g, x) => {
    const axis = g.random.integer(1, x.shape.length - 1);
    const single = g.integers([g.random.integer(0, x.shape[axis]! - 1)]);
    const part = g.apply('Gather', [x.name, single], x.shape.with(axis, 1), { axis: BigInt(axis) });
    return g.apply(opType, g.random.chance(0.5) ? [x.name, part.name] : [part.name, x.name], x.shape);
  };
}

function reduced(opType: string): Step {
  return (g, x) => {
    const axes = [...x.shape.keys()].filter((axis) => axis > 0 && g.random.chance(0.5));
    if (axes.length === 0) return undefined;
    const shape = x.shape.map((side, axis) => (axes.includes(axis) ? 1 : side));
    return g.apply(opType, [x.name, g.integers(axes)], shape, { keepdims: 1n });
  };
}

const isImage = ({ shape }: Value) => shape.length === 4;

const COORDINATES = ['half_pixel', 'half_pixel_symmetric', 'asymmetric', 'pytorch_half_pixel'];

/** Of small numbers, as float32 has it. */
const fraction = (g: LinearGraph) => Math.fround(g.random.integer(1, 9) / g.random.integer(1, 5));

/** The last two axes of an image by factors. */
function scaled(
  g: LinearGraph,
  x: Value,
  factor: () => number,
  attributes: Parameters<typeof node>[3],
): Value | undefined {
  if (!isImage(x)) return undefined;
  const factors = [1, 1, factor(), factor()];
  const shape = x.shape.map((side, axis) => Math.floor(side * factors[axis]!));
  if (shape.includes(0)) return undefined;
  let k = 0;
  const scales = g.floats([4], () => factors[k++]!);
  const coordinates = g.random.pick(COORDINATES);
  return g.apply('Resize', [x.name, '', scales], shape, {
    ...attributes,
    coordinate_transformation_mode: coordinates,
  });
}

const picks = (g: LinearGraph, count: number, side: number) =>
  Array.from({ length: count }, () => g.random.integer(-side, side - 1));

export const STEPS: Readonly<Record<string, Step>> = {
  Add: withConstant('Add'),
  Sub: withConstant('Sub'),
  Mul: withConstant('Mul'),
  Div: withConstant('Div'),
  'Add of a part': withItself('Add'),
  'Sub of a part': withItself('Sub'),
  ReduceSum: reduced('ReduceSum'),
  ReduceMean: reduced('ReduceMean'),
  Expand: (g, x) => {
    const target = x.shape
      .map((side) => (side === 1 && g.random.chance(0.5) ? g.random.integer(2, 3) : side))
      .with(0, 1);
    return g.apply('Expand', [x.name, g.integers(target)], target);
  },
  Tile: (g, x) => {
    const repeats = x.shape.map((_, axis) => (axis === 0 ? 1 : g.random.integer(1, 2)));
    const shape = x.shape.map((side, axis) => side * repeats[axis]!);
    return g.apply('Tile', [x.name, g.integers(repeats)], shape);
  },
  Transpose: (g, x) => {
    const permutation = [0, ...g.random.shuffled([...x.shape.keys()].slice(1))];
    return g.apply(
      'Transpose',
      [x.name],
      permutation.map((axis) => x.shape[axis]!),
      { perm: permutation.map(BigInt) },
    );
  },
  Reshape: (g, x) => {
    const size = volume(x.shape);
    const side = g.random.pick([1, 2, 3, 4].filter((n) => size % n === 0));
    const shape = g.random.pick([
      [1, size],
      [1, side, size / side],
      [1, size / side, side, 1],
      [1, side, 1, size / side],
    ]);
    return g.apply('Reshape', [x.name, g.integers(shape)], shape);
  },
  Gather: (g, x) => {
    const axis = g.random.integer(1, x.shape.length - 1);
    const count = g.random.integer(1, 4);
    const indices = g.integers(picks(g, count, x.shape[axis]!));
    return g.apply('Gather', [x.name, indices], x.shape.with(axis, count), { axis: BigInt(axis) });
  },
  GatherElements: (g, x) => {
    const axis = g.random.integer(1, x.shape.length - 1);
    const shape = x.shape.map((side, a) => (a === axis ? g.random.integer(1, 3) : g.random.integer(1, side)));
    const indices = g.integers(picks(g, volume(shape), x.shape[axis]!), shape);
    return g.apply('GatherElements', [x.name, indices], shape, { axis: BigInt(axis) });
  },
  GatherND: (g, x) => {
    const depth = g.random.integer(1, x.shape.length);
    const count = g.random.integer(1, 4);
    const indices = Array.from({ length: count }, () =>
      x.shape.slice(0, depth).map((side) => g.random.integer(-side, side - 1)),
    );
    const shape = [1, count, ...x.shape.slice(depth)];
    return g.apply('GatherND', [x.name, g.integers(indices.flat(), [1, count, depth])], shape);
  },
  Slice: (g, x) => {
    const axis = g.random.integer(1, x.shape.length - 1);
    const side = x.shape[axis]!;
    const step = g.random.pick([1, 1, 2, -1]);
    const start = g.random.integer(0, side - 1);
    const end = step > 0 ? g.random.integer(start + 1, side) : -side - 1;
    const count = step > 0 ? Math.ceil((end - start) / step) : start + 1;
    const lists = [[start], [end], [axis], [step]].map((list) => g.integers(list));
    return g.apply('Slice', [x.name, ...lists], x.shape.with(axis, count));
  },
  Concat: (g, x) => {
    const axis = g.random.integer(1, x.shape.length - 1);
    const own = x.shape.with(axis, g.random.integer(1, 2));
    const parts = g.random.shuffled([x.name, g.floats(own), ...(g.random.chance(0.3) ? [x.name] : [])]);
    const total = parts.reduce((sum, name) => sum + (name === x.name ? x.shape[axis]! : own[axis]!), 0);
    return g.apply('Concat', parts, x.shape.with(axis, total), { axis: BigInt(axis) });
  },
  'Concat along the batch': (g, x) => {
    const stacked = g.apply('Concat', [x.name, x.name], x.shape.with(0, 2), { axis: 0n });
    return g.apply('ReduceMean', [stacked.name, g.integers([0])], x.shape, { keepdims: 1n });
  },
  Where: (g, x) => {
    const mask = g.booleans(g.partner(x.shape, false));
    const other = g.random.chance(0.5) ? g.floats(g.partner(x.shape, false)) : x.name;
    return g.apply('Where', g.random.chance(0.5) ? [mask, x.name, other] : [mask, other, x.name], x.shape);
  },
  Pad: (g, x) => {
    const mode = g.random.pick(['constant', 'constant', 'edge', 'reflect', 'wrap']);
    const ends = x.shape.map((side, axis) => {
      if (axis === 0) return [0, 0];
      const crop = side > 1 && g.random.chance(0.3) ? 1 : 0;
      // Reflected is what is left, but for its end.
      const most = mode === 'constant' || mode === 'edge' ? 2 : Math.min(2, side - crop - 1);
      return g.random.shuffled([crop ? -1 : g.random.integer(0, most), g.random.integer(0, most)]);
    });
    const value = mode === 'constant' && g.random.chance(0.5) ? [g.floats([])] : [];
    const pads = g.integers([0, 1].flatMap((end) => ends.map((own) => own[end]!)));
    const shape = x.shape.map((side, axis) => side + ends[axis]![0]! + ends[axis]![1]!);
    return g.apply('Pad', [x.name, pads, ...value], shape, { mode });
  },
  'Resize to the nearest': (g, x) => {
    const nearest = g.random.pick(['round_prefer_floor', 'round_prefer_ceil', 'floor', 'ceil']);
    return scaled(g, x, () => g.random.pick([1, 2, 3, 0.5]), { mode: 'nearest', nearest_mode: nearest });
  },
  'Resize to the nearest by fractions': (g, x) =>
    scaled(g, x, () => fraction(g), { mode: 'nearest', nearest_mode: g.random.pick(['floor', 'ceil']) }),
  'Resize by interpolation': (g, x) => {
    if (!isImage(x)) return undefined;
    const shape = [...x.shape.slice(0, 2), g.random.integer(1, 6), g.random.integer(1, 6)];
    const coordinates = g.random.pick([...COORDINATES, 'align_corners']);
    const attributes = {
      mode: g.random.pick(['linear', 'cubic']),
      coordinate_transformation_mode: coordinates,
    };
    return g.apply('Resize', [x.name, '', '', g.integers(shape)], shape, attributes);
  },
  'Resize by interpolation by fractions': (g, x) =>
    scaled(g, x, () => fraction(g), { mode: g.random.pick(['linear', 'cubic']) }),
  DepthToSpace: (g, x) => {
    if (!isImage(x) || x.shape[1]! % 4 !== 0) return undefined;
    const [, c, h, w] = x.shape as [number, number, number, number];
    return g.apply('DepthToSpace', [x.name], [1, c / 4, 2 * h, 2 * w], {
      blocksize: 2n,
      mode: g.random.pick(['DCR', 'CRD']),
    });
  },
  SpaceToDepth: (g, x) => {
    if (!isImage(x) || x.shape[2]! % 2 !== 0 || x.shape[3]! % 2 !== 0) return undefined;
    const [, c, h, w] = x.shape as [number, number, number, number];
    return g.apply('SpaceToDepth', [x.name], [1, 4 * c, h / 2, w / 2], { blocksize: 2n });
  },
  Trilu: (g, x) => {
    if (x.shape.length < 3) return undefined;
    const k = g.random.integer(-1, 1);
    return g.apply('Trilu', [x.name, g.integers([k], [])], x.shape, {
      upper: BigInt(g.random.integer(0, 1)),
    });
  },
  CumSum: (g, x) => {
    const axis = g.random.integer(1, x.shape.length - 1);
    const attributes = { exclusive: BigInt(g.random.integer(0, 1)), reverse: BigInt(g.random.integer(0, 1)) };
    return g.apply('CumSum', [x.name, g.integers([axis], [])], x.shape, attributes);
  },
  ScatterElements: (g, x) => {
    const axis = g.random.integer(1, x.shape.length - 1);
    const shape = x.shape.with(axis, 1);
    const indices = g.integers(picks(g, volume(shape), x.shape[axis]!), shape);
    return g.apply('ScatterElements', [x.name, indices, g.floats(shape)], x.shape, { axis: BigInt(axis) });
  },
  ScatterUpdates: (g, x) => {
    const axis = g.random.integer(1, x.shape.length - 1);
    // Some places come twice.
    const shape = x.shape.with(axis, Math.min(3, x.shape[axis]!));
    const indices = g.integers(
      Array.from({ length: volume(shape) }, () => g.random.integer(0, x.shape[axis]! - 1)),
      shape,
    );
    const reduction = g.random.pick(['add', 'mul']);
    const attributes = { axis: BigInt(axis), reduction };
    if (reduction === 'mul' || g.random.chance(0.5))
      return g.apply('ScatterElements', [x.name, indices, g.floats(shape)], x.shape, attributes);
    const updates = g.apply('GatherElements', [x.name, indices], shape, { axis: BigInt(axis) });
    return g.apply('ScatterElements', [g.floats(x.shape), indices, updates.name], x.shape, attributes);
  },
  Compress: (g, x) => {
    const flat = g.random.chance(0.3);
    const axis = g.random.integer(1, x.shape.length - 1);
    const length = g.random.integer(1, flat ? volume(x.shape) : x.shape[axis]!);
    const name = g.booleans([length]);
    const kept = Array.from(g.entries(name)).filter((holds) => holds !== 0).length;
    if (kept === 0) return undefined;
    if (flat) return g.apply('Compress', [x.name, name], [kept]);
    return g.apply('Compress', [x.name, name], x.shape.with(axis, kept), { axis: BigInt(axis) });
  },
  ReverseSequence: (g, x) => {
    const lengths = g.integers([g.random.integer(1, x.shape[1]!)]);
    return g.apply('ReverseSequence', [x.name, lengths], x.shape, { batch_axis: 0n, time_axis: 1n });
  },
  ReverseSequenceOfColumns: (g, x) => {
    const [rows, columns] = [x.shape[1]!, volume(x.shape) / x.shape[1]!];
    const matrix = g.apply('Reshape', [x.name, g.integers([rows, columns])], [rows, columns]);
    const lengths = g.integers(Array.from({ length: columns }, () => g.random.integer(1, rows)));
    const reversed = g.apply('ReverseSequence', [matrix.name, lengths], [rows, columns]);
    return g.apply('Reshape', [reversed.name, g.integers([...x.shape])], x.shape);
  },
  DFT: (g, x) => {
    const parts = g.random.integer(1, 2);
    const size = volume(x.shape);
    if (size % parts !== 0) return undefined;
    const shape = [1, size / parts, parts];
    const signal = g.apply('Reshape', [x.name, g.integers(shape)], shape);
    const kind =
      parts === 1 ? g.random.pick(['inverse', 'onesided', 'plain']) : g.random.pick(['inverse', 'plain']);
    // Of long ones ONNX Runtime's float32 is a bit farther off than elsewhere.
    const length = g.random.integer(1, Math.min(size / parts + 2, 6));
    const count = kind === 'onesided' ? Math.floor(length / 2) + 1 : length;
    const attributes = { axis: 1n, ...(kind !== 'plain' && { [kind]: 1n }) };
    return g.apply('DFT', [signal.name, g.integers([length], [])], [1, count, 2], attributes);
  },
  STFT: (g, x) => {
    const size = volume(x.shape);
    const shape = [1, size, 1];
    const signal = g.apply('Reshape', [x.name, g.integers(shape)], shape);
    const [length, step] = [g.random.integer(2, Math.min(size, 5)), g.random.integer(1, 3)];
    const onesided = g.random.integer(0, 1);
    const count = onesided === 1 ? Math.floor(length / 2) + 1 : length;
    const inputs = [signal.name, g.integers([step], []), g.floats([length]), g.integers([length], [])];
    const frames = Math.floor((size - length) / step) + 1;
    return g.apply('STFT', inputs, [1, frames, count, 2], { onesided: BigInt(onesided) });
  },
  MaxUnpool: (g, x) => {
    if (x.shape.length !== 4) return undefined;
    const shape = x.shape.map((side, axis) => (axis < 2 ? side : 2 * side));
    const places = g.random.shuffled([...Array(volume(shape)).keys()]).slice(0, volume(x.shape));
    return g.apply('MaxUnpool', [x.name, g.integers(places, x.shape)], shape, {
      kernel_shape: [2n, 2n],
      strides: [2n, 2n],
    });
  },
  GatherNDBeside: (g, x) => {
    if (x.shape.length < 3) return undefined;
    const [, outer, side, ...rest] = x.shape as [number, number, number, ...number[]];
    const count = g.random.integer(1, 3);
    const indices = Array.from({ length: outer * count }, () => g.random.integer(0, side - 1));
    const table = g.integers(indices, [1, outer, count, 1]);
    return g.apply('GatherND', [x.name, table], [1, outer, count, ...rest], { batch_dims: 2n });
  },
  ScatterND: (g, x) => {
    const steps = strides(x.shape);
    const places = g.random.shuffled([...Array(volume(x.shape)).keys()]).slice(0, g.random.integer(1, 3));
    const indices = places.flatMap((at) => x.shape.map((side, axis) => Math.floor(at / steps[axis]!) % side));
    const shape = [places.length, x.shape.length];
    const table = g.integers(indices, shape);
    if (g.random.chance(0.5))
      return g.apply('ScatterND', [x.name, table, g.floats([places.length])], x.shape);
    // Entries of x in a constant.
    const updates = g.apply('GatherND', [x.name, table], [places.length]);
    return g.apply('ScatterND', [g.floats(x.shape), table, updates.name], x.shape);
  },
  MatMul: (g, x) => {
    const columns = g.random.integer(1, 3);
    const last = x.shape.length - 1;
    const stack = g.random.chance(0.6)
      ? x.shape.slice(0, -2).map((side) => (g.random.chance(0.3) ? 1 : side))
      : [];
    if (g.random.chance(0.5) || x.shape.length < 3) {
      const own = g.floats([...stack, x.shape[last]!, columns]);
      return g.apply('MatMul', [x.name, own], x.shape.with(last, columns));
    }
    const own = g.floats([...stack, columns, x.shape[last - 1]!]);
    return g.apply('MatMul', [own, x.name], x.shape.with(last - 1, columns));
  },
  Einsum: (g, x) => {
    const names = [...'abcd'.slice(0, x.shape.length)];
    const own = g.random.shuffled([...names.slice(1).filter(() => g.random.chance(0.6)), 'n']);
    const sideOf = (name: string) => (name === 'n' ? 2 : x.shape[names.indexOf(name)]!);
    const result = [
      'a',
      ...g.random.shuffled([
        ...names.slice(1).filter(() => g.random.chance(0.6)),
        ...(g.random.chance(0.6) ? ['n'] : []),
      ]),
    ];
    if (result.length === 1) return undefined;
    const c = g.floats(own.map(sideOf));
    const [left, right] = [names.join(''), own.join('')];
    const turned = g.random.chance(0.3);
    const equation = `${turned ? `${right},${left}` : `${left},${right}`}->${result.join('')}`;
    const shape = result.map((name) => (name === 'a' ? 1 : sideOf(name)));
    return g.apply('Einsum', turned ? [c, x.name] : [x.name, c], shape, { equation });
  },
  Scaler: (g, x) => {
    if (x.shape.length !== 2) return undefined;
    const list = () => Array.from({ length: x.shape[1]! }, () => Math.fround(2 * g.random.next() - 1));
    return g.apply('Scaler', [x.name], x.shape, { offset: list(), scale: list() }, 'ai.onnx.ml');
  },
  LinearRegressor: (g, x) => {
    if (x.shape.length !== 2) return undefined;
    const list = (n: number) => Array.from({ length: n }, () => Math.fround(2 * g.random.next() - 1));
    const attributes = { coefficients: list(2 * x.shape[1]!), intercepts: list(2), targets: 2n };
    return g.apply('LinearRegressor', [x.name], [1, 2], attributes, 'ai.onnx.ml');
  },
};

export const SHAPES = [
  [1, 6],
  [1, 2, 3],
  [1, 4, 4],
  [1, 4, 2, 4],
  [1, 3, 4, 2],
  [1, 1, 3, 1],
] as const;

/** What is refused of these steps since runtimes, or they and ONNX, read it differently. */
export const LEFT_OPEN: readonly RegExp[] = [
  /Resize: of \d+ entries to \d+: which entry is nearest is left to rounding/,
  /Resize: of \d+ entries by [\d.]+: how many there are is left to rounding/,
  /Resize: to the same shape: runtimes copy it/,
  /Pad: pads .* with the mode wrap: whether it crops or wraps first is left open/,
];
