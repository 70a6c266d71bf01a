/**
 * What a file says of signals of other lengths: it is read with other inputs, and either ties its network to the length, or is the
 * network at all of them that it is said to be.
 */
import { describe, expect, it } from 'vitest';
import { InputError, UnsupportedError } from '../../../src/errors.ts';
import { Budget } from '../../../src/formats/budget.ts';
import { Call, type Scope } from '../../../src/formats/onnx/call.ts';
import { UniqueNames } from '../../../src/formats/onnx/names.ts';
import type { NodeProto, TensorProto } from '../../../src/formats/onnx/protobuf/onnx_pb.ts';
import { Attributes } from '../../../src/formats/onnx/values/attributes.ts';
import { NetworkBuilder } from '../../../src/network/builder.ts';
import { existingLength, lengthened, resized, shapesAt } from '../../../src/network/lengths/lengths.ts';
import type { Network } from '../../../src/network/network.ts';
import { floats, integers, kinds, model, node, read } from './build.ts';

interface Graph {
  readonly nodes: readonly NodeProto[];
  readonly initializers?: readonly TensorProto[];
  readonly opset?: number;
  readonly channels?: number;
  readonly axes?: number;
  /** Of the file; open unless given. */
  readonly batch?: number;
}

const LONGEST = 40;

const GRAPH_NODE = {
  ...{ name: 'new', opType: 'New', domain: '', opset: 19 },
  attributes: new Attributes('new', []),
};

function at(
  { nodes, initializers, opset, channels = 2, axes = 1, batch }: Graph,
  n: number,
): Promise<Network> {
  const sides = Array.from({ length: axes }, () => n);
  return read(
    model(nodes, {
      inputs: { x: [batch ?? 'N', channels, ...sides] },
      initializers: initializers ?? [],
      opset: opset ?? 19,
    }),
  );
}

/** What `lengthened` says: `any`, the reasons, or (with `smallest`) from which length on. */
function verdict(network: Network, smallest?: number): 'any' | string {
  try {
    lengthened(network, smallest);
    return 'any';
  } catch (error) {
    if (error instanceof UnsupportedError) return error.message;
    throw error;
  }
}

function shown({ nodes }: Network): string {
  return JSON.stringify(
    nodes.map(({ name, operator, inputs, output }) => ({ name, operator, inputs, output })),
  );
}

/**
 * Reads the graph at all lengths from `smallest` on and compares with what the network of each file length says it is there.
 * @returns the verdicts, by file length
 */
async function compared(graph: Graph, files = [1, 2, 8, 9], smallest?: number): Promise<Map<number, string>> {
  const readings = new Map<number, Network | Error>();
  for (let n = 1; n <= LONGEST; n++) {
    readings.set(
      n,
      await at(graph, n).catch((error: unknown) => {
        if (error instanceof InputError || error instanceof UnsupportedError) return error;
        throw error;
      }),
    );
  }
  const verdicts = new Map<number, string>();
  for (const file of files) {
    const network = readings.get(file)!;
    if (network instanceof Error) continue;
    const found = verdict(network, smallest);
    verdicts.set(file, found);
    if (found !== 'any') continue;
    for (const [n, other] of readings) {
      if (n < (smallest ?? 1)) continue;
      const sides = network.tensors[network.input]!.shape.slice(1).map(() => n);
      const here = `of length ${file}, read at ${n}`;
      // What the reader has no bound for exists all the same.
      if (other instanceof UnsupportedError) expect.fail(`${here}: ${other.message}`);
      if (other instanceof Error) continue;
      if (!shapesAt(network, sides)) expect.fail(`${here}: must exist`);
      if (shown(resized(network, sides)) !== shown(other))
        expect(resized(network, sides), here).toEqual(other);
      if (!(existingLength(network, smallest ?? 1)! <= n)) expect.fail(`${here}: must exist from there on`);
    }
  }
  return verdicts;
}

const ints = (...values: readonly number[]) => values.map(BigInt);
const one = (opType: string, attributes: Parameters<typeof node>[3] = {}, inputs = 'x') =>
  node(opType, inputs, 'y', attributes);
const weight = (outputs: number, inputs: number, ...kernel: readonly number[]) => {
  const size = [outputs, inputs, ...kernel].reduce((p, n) => p * n, 1);
  return floats(
    'w',
    [outputs, inputs, ...kernel],
    Array.from({ length: size }, (_, i) => Math.sin(i + 1)),
  );
};

function product<T extends Readonly<Record<string, readonly unknown[]>>>(
  choices: T,
): { [K in keyof T]: T[K][number] }[] {
  return Object.entries(choices).reduce<Record<string, unknown>[]>(
    (all, [key, values]) => all.flatMap((chosen) => values.map((value) => ({ ...chosen, [key]: value }))),
    [{}],
  ) as { [K in keyof T]: T[K][number] }[];
}

describe('windows of every kind, wherever they are placed', () => {
  const placements = product({
    kernel: [1, 2, 4],
    stride: [1, 2, 3],
    dilation: [1, 2],
    pads: [[0, 0], [1, 1], [0, 1], 'VALID', 'SAME_UPPER', 'SAME_LOWER'],
  });
  const attributesOf = ({ kernel, stride, dilation, pads }: (typeof placements)[number]) => ({
    kernel_shape: ints(kernel),
    strides: ints(stride),
    dilations: ints(dilation),
    ...(typeof pads === 'string' ? { auto_pad: pads } : { pads: ints(...(pads as number[])) }),
  });
  /** Whether nothing depends on the length, thought out by hand. */
  const independent = ({ kernel, stride, pads }: (typeof placements)[number], ceil: boolean) =>
    stride === 1 || (!ceil && (!`${pads}`.startsWith('SAME') || (kernel === 1 && stride === 2)));

  it('convolutions', async () => {
    for (const place of placements) {
      const nodes = [one('Conv', attributesOf(place), 'x w')];
      const found = await compared({ nodes, initializers: [weight(3, 2, place.kernel)] }, [8, 9]);
      for (const text of found.values()) {
        if (independent(place, false)) expect(text).toBe('any');
        else expect(text).toMatch(/make y: Conv: auto_pad SAME_/);
      }
    }
  });

  it.each(['MaxPool', 'AveragePool'] as const)('%s', async (opType) => {
    let [any, refused] = [0, 0];
    for (const place of placements) {
      for (const ceil of [0n, 1n]) {
        const counting = opType === 'AveragePool' ? [0n, 1n] : [undefined];
        for (const counted of counting) {
          const extra = { ceil_mode: ceil, ...(counted === undefined ? {} : { count_include_pad: counted }) };
          const found = await compared(
            { nodes: [one(opType, { ...attributesOf(place), ...extra })] },
            [8, 9],
          );
          for (const text of found.values()) {
            if (text === 'any') any++;
            else refused++;
            const apart =
              counted === 0n && place.dilation > 1 && typeof place.pads !== 'string' && place.pads[1] !== 0;
            if (independent(place, ceil === 1n) && apart)
              expect(text).toMatch(/make y: AveragePool: padding that is not counted/);
            else if (independent(place, ceil === 1n)) expect(text).toBe('any');
            else expect(text).toMatch(/make y( \(sums\))?: \w+: (auto_pad SAME_|ceil_mode with strides)/);
          }
        }
      }
    }
    expect(Math.min(any, refused)).toBeGreaterThan(50);
  });

  it('transposed convolutions', async () => {
    const initializers = [weight(2, 3, 4)];
    for (const { stride, more, pads } of product({
      stride: [1, 2, 3],
      more: [0, 1],
      pads: [[0, 0], [1, 2], 'VALID', 'SAME_UPPER', 'SAME_LOWER'],
    })) {
      if (more >= stride) continue;
      const place = typeof pads === 'string' ? { auto_pad: pads } : { pads: ints(...(pads as number[])) };
      const nodes = [
        one('ConvTranspose', { strides: ints(stride), output_padding: ints(more), ...place }, 'x w'),
      ];
      for (const text of (await compared({ nodes, initializers })).values()) expect(text).toBe('any');
    }
    const shaped = [one('ConvTranspose', { strides: [2n], output_shape: [17n] }, 'x w')];
    expect([...(await compared({ nodes: shaped, initializers })).values()]).toEqual([
      expect.stringMatching(/output_shape: it is a length/),
      expect.stringMatching(/output_shape: it is a length/),
    ]);
  });

  it('pads', async () => {
    for (const mode of ['constant', 'reflect', 'edge']) {
      const found = await compared({
        nodes: [one('Pad', { mode }, 'x p')],
        initializers: [integers('p', [6], [0, 0, 1, 0, 0, 2])],
      });
      expect([...found.values()].every((text) => text === 'any')).toBe(true);
      expect(found.size).toBeGreaterThan(1);
    }
  });
});

/** Graphs that are one network at every length. */
const FREE: Readonly<Record<string, Graph>> = {
  activations: {
    nodes: [
      node('LeakyRelu', 'x', 'a', { alpha: 0.1 }),
      node('Tanh', 'a', 'b'),
      node('PRelu', 'b s', 'c'),
      node('Add', 'c t', 'd'),
      node('Mul', 'd s', 'e'),
      node('Max', 'e m', 'y'),
    ],
    initializers: [floats('s', [2, 1], [0.1, 0.2]), floats('t', [1, 2, 1], [1, 2]), floats('m', [], [-3])],
  },
  'a batch norm, a softmax over channels': {
    nodes: [node('BatchNormalization', 'x a a a a', 'b'), node('Softmax', 'b', 'y', { axis: 1n })],
    initializers: [floats('a', [2], [1, 2])],
  },
  'numbers of the type and the channels of the signal': {
    nodes: [
      node('CastLike', 'n x', 'c'),
      node('Mul', 'x c', 'a'),
      node('Shape', 'a', 's', { start: 1n, end: 2n }),
      node('Cast', 's', 't', { to: 1n }),
      node('Div', 'a t', 'y'),
    ],
    initializers: [floats('n', [], [3])],
  },
  'a slice of every second sample': {
    nodes: [node('Slice', 'x s e a k', 'y')],
    initializers: [
      integers('s', [1], [1]),
      integers('e', [1], [2 ** 31 - 1]),
      integers('a', [1], [2]),
      integers('k', [1], [2]),
    ],
  },
  'a slice of everything': {
    nodes: [node('Slice', 'x s e a', 'z'), node('Relu', 'z', 'y')],
    initializers: [integers('s', [1], [0]), integers('e', [1], [2 ** 31 - 1]), integers('a', [1], [2])],
  },
  'channels that are split, gathered and joined': {
    nodes: [
      node('Split', 'x', 'a b', { axis: 1n, num_outputs: 2n }),
      node('Concat', 'b a', 'c', { axis: 1n }),
      node('Gather', 'c i', 'd', { axis: 1n }),
      node('Sub', 'd x', 'y'),
    ],
    initializers: [integers('i', [2], [1, -2])],
    opset: 18,
  },
  'channels that are tiled, padded and added up': {
    nodes: [
      node('Tile', 'x t', 'a'),
      node('Pad', 'a p', 'b'),
      node('CumSum', 'b c', 'd'),
      node('ReduceMean', 'd', 'e', { axes: [1n], keepdims: 1n }),
      node('Sub', 'd e', 'y'),
    ],
    initializers: [
      integers('t', [3], [1, 2, 1]),
      integers('p', [6], [0, 1, 0, 0, -1, 0]),
      integers('c', [], [1]),
    ],
    opset: 13,
  },
  'a reshape to what it is': {
    nodes: [node('Reshape', 'x s', 'z'), node('Relu', 'z', 'y')],
    initializers: [integers('s', [3], [0, 2, -1])],
  },
  'a residual block with a stride': {
    nodes: [
      node('Conv', 'x w', 'a', { strides: [2n], pads: [1n, 1n] }),
      node('Conv', 'x v', 'b', { strides: [2n] }),
      node('Add', 'a b', 'c'),
      node('Relu', 'c', 'y'),
    ],
    initializers: [weight(2, 2, 3), floats('v', [2, 2, 1], [1, 2, 3, 4])],
  },
  'images with a product with a matrix over channels': {
    nodes: [node('MatMul', 'm x', 'y')],
    initializers: [floats('m', [3, 2], [1, 2, 3, 4, 5, 6])],
  },
  'a global maximum and a vector behind it': {
    nodes: [
      node('GlobalMaxPool', 'x', 'a'),
      node('Conv', 'a w', 'b'),
      node('Flatten', 'b', 'c'),
      node('Gemm', 'c m', 'y'),
    ],
    initializers: [weight(3, 2, 1), floats('m', [3, 2], [1, 2, 3, 4, 5, 6])],
  },
};

/** Graphs that are another network, or none, at other lengths; and what is said of them. */
const TIED: Readonly<Record<string, readonly [RegExp, Graph]>> = {
  'a mean over one of two axes': [
    /ReduceMean: over some of the positions/,
    { nodes: [one('ReduceMean', { axes: [2n], keepdims: 1n })], opset: 13, axes: 2 },
  ],
  'a mean over the last axis alone, dropped': [
    /ReduceMean: over some of the positions/,
    { nodes: [one('ReduceMean', { axes: [-1n], keepdims: 0n })], opset: 13, axes: 2 },
  ],
  'a sum over one of two axes': [
    /ReduceSum: over some of the positions/,
    {
      nodes: [one('ReduceSum', {}, 'x a')],
      initializers: [integers('a', [1], [3])],
      axes: 2,
    },
  ],
  'a maximum over one of two axes': [
    /reshape of positions/,
    { nodes: [one('ReduceMax', { axes: [2n] })], opset: 13, axes: 2 },
  ],
  'positions that are repeated': [
    /Resize: entries that are picked or repeated/,
    {
      nodes: [
        node('Resize', 'x  s', 'y', { coordinate_transformation_mode: 'asymmetric', nearest_mode: 'floor' }),
      ],
      initializers: [floats('s', [3], [1, 1, 2])],
    },
  ],
  'positions between which others are put': [
    /Resize: interpolation/,
    { nodes: [node('Resize', 'x  s', 'y', { mode: 'linear' })], initializers: [floats('s', [3], [1, 1, 2])] },
  ],
  'a running sum': [
    /CumSum: over positions/,
    { nodes: [node('CumSum', 'x a', 'y')], initializers: [integers('a', [], [2])], opset: 14 },
  ],
  'a mask with a side for positions': [
    /Where: a number computed from the length/,
    {
      nodes: [
        node('Shape', 'x', 's'),
        node('ConstantOfShape', 's', 'o'),
        node('Cast', 'o', 'm', { to: 9n }),
        node('Where', 'm n x', 'z'),
        node('Relu', 'z', 'y'),
      ],
      initializers: [floats('n', [], [1])],
      batch: 1,
    },
  ],
  'a slope for every sample': [
    /number per position/,
    {
      nodes: [one('PRelu', {}, 'x p')],
      initializers: [floats('p', [2, 9], new Array<number>(18).fill(0.5).with(3, 0.25))],
    },
  ],
  'a flatten': [
    /reshape of positions|becoming/,
    {
      nodes: [node('Flatten', 'x', 'a'), node('Relu', 'a', 'y')],
    },
  ],
  'a slice from the back with a step': [
    /Slice: of positions/,
    {
      nodes: [node('Slice', 'x s e a k', 'y')],
      initializers: [
        integers('s', [1], [-7]),
        integers('e', [1], [2 ** 31 - 1]),
        integers('a', [1], [2]),
        integers('k', [1], [2]),
      ],
    },
  ],
  'a slice that takes all that there is here': [
    /Slice: of positions/,
    {
      nodes: [node('Slice', 'x s e a', 'z'), node('Relu', 'z', 'y')],
      initializers: [integers('s', [1], [0]), integers('e', [1], [9]), integers('a', [1], [2])],
    },
  ],
  'a slice from −9 on, which is all here': [
    /Slice: of positions/,
    {
      nodes: [node('Slice', 'x s e a', 'z'), node('Relu', 'z', 'y')],
      initializers: [integers('s', [1], [-9]), integers('e', [1], [2 ** 31 - 1]), integers('a', [1], [2])],
    },
  ],
  'a slice of every second sample but the last': [
    /Slice: of positions/,
    {
      nodes: [node('Slice', 'x s e a k', 'y')],
      initializers: [
        integers('s', [1], [0]),
        integers('e', [1], [-1]),
        integers('a', [1], [2]),
        integers('k', [1], [2]),
      ],
    },
  ],
  'a constant with a zero per position': [
    /a constant with a number per position/,
    { nodes: [one('Add', {}, 'x c')], initializers: [floats('c', [1, 1, 8], new Array<number>(8).fill(0))] },
  ],
  'slopes that could differ per position': [
    /a constant with a number per position/,
    { nodes: [one('PRelu', {}, 'x c')], initializers: [floats('c', [8], new Array<number>(8).fill(0.5))] },
  ],
  'a quotient by the length': [
    /Div: a number computed from the length/,
    {
      nodes: [
        node('Shape', 'x', 's'),
        node('Gather', 's i', 'g', { axis: 0n }),
        node('Cast', 'g', 'f', { to: 1n }),
        node('Div', 'x f', 'y'),
      ],
      initializers: [integers('i', [], [2])],
    },
  ],
  'a quotient by the length behind a maximum over all': [
    /Div: a number computed from the length/,
    {
      nodes: [
        node('Shape', 'x', 's', { start: 2n, end: 3n }),
        node('Cast', 's', 'f', { to: 1n }),
        node('Sqrt', 'f', 'r'),
        node('GlobalMaxPool', 'x', 'g'),
        node('Div', 'g r', 'y'),
      ],
    },
  ],
  'a number of entries': [
    /Mul: a number computed from the length/,
    {
      nodes: [
        node('Relu', 'x', 'a'),
        node('Size', 'a', 's'),
        node('Cast', 's', 'f', { to: 1n }),
        node('Mul', 'a f', 'y'),
      ],
      batch: 1,
    },
  ],
  'a constant of the length’s shape': [
    /a number computed from the length/,
    {
      nodes: [
        node('Shape', 'x', 's', { start: 2n }),
        node('ConstantOfShape', 's', 'c'),
        node('ReduceSum', 'c', 't', { keepdims: 0n }),
        node('Add', 'x t', 'y'),
      ],
    },
  ],
  'a reshape to computed sides': [
    /a number computed from the length/,
    { nodes: [node('Shape', 'x', 's'), node('Reshape', 'x s', 'z'), node('Relu', 'z', 'y')], batch: 1 },
  ],
  'a reshape to the sides that it has here': [
    /Reshape: .* becoming/,
    {
      nodes: [node('Reshape', 'x s', 'z'), node('Relu', 'z', 'y')],
      initializers: [integers('s', [3], [-1, 2, 8])],
    },
  ],
  'a squeeze of whatever is 1': [
    /Squeeze: .* becoming|reshape of positions/,
    { nodes: [node('Squeeze', 'x', 'z'), node('Relu', 'z', 'y')], batch: 4 },
  ],
  'positions and channels swapped': [
    /reshape of positions/,
    { nodes: [node('Transpose', 'x', 'y', { perm: [0n, 2n, 1n] })] },
  ],
  'a matrix along positions': [
    /reshape of positions|reads all positions/,
    {
      nodes: [one('MatMul', {}, 'x m')],
      initializers: [
        floats(
          'm',
          [8, 2],
          Array.from({ length: 16 }, (_, i) => i),
        ),
      ],
    },
  ],
  'positions that are gathered': [
    /picked or repeated/,
    { nodes: [one('Gather', { axis: 2n }, 'x i')], initializers: [integers('i', [2], [0, 0])] },
  ],
  'the last position': [
    /reshape of positions|reads all positions/,
    { nodes: [one('Gather', { axis: 2n }, 'x i')], initializers: [integers('i', [], [-1])] },
  ],
  'a softmax over all that follows, of operator set 12': [
    /Softmax: over positions and channels/,
    {
      nodes: [node('Conv', 'x w', 'a', { strides: [8n] }), node('Softmax', 'a', 'y', { axis: 1n })],
      initializers: [weight(2, 2, 3)],
      opset: 12,
    },
  ],
  'a sum with what is one sample here': [
    /one of which does not follow the length|shapes|repeat/,
    {
      nodes: [
        node('GlobalMaxPool', 'x', 'a'),
        node('Conv', 'x w', 'b', { strides: [9n] }),
        node('Add', 'a b', 'y'),
      ],
      initializers: [weight(2, 2, 1)],
    },
  ],
  'all channels as one sum': [
    /grows with the length|reshape of positions/,
    { nodes: [one('ReduceSum', {}, 'x a')], initializers: [integers('a', [1], [2])] },
  ],
};

describe('one network at every length', () => {
  it.each(Object.entries(FREE))('%s', async (_, graph) => {
    const found = await compared(graph);
    expect([...found.values()]).toEqual([...found.values()].map(() => 'any'));
    expect(found.size).toBeGreaterThan(0);
  });

  it('a mean over everything, from a smallest length on', async () => {
    const graph: Graph = {
      nodes: [
        node('Conv', 'x w', 'a', { strides: [2n] }),
        node('GlobalAveragePool', 'a', 'b'),
        node('Flatten', 'b', 'c'),
        node('Gemm', 'c m', 'y'),
      ],
      initializers: [weight(3, 2, 3), floats('m', [3, 2], [1, 2, 3, 4, 5, 6])],
    };
    expect([...(await compared(graph, [8, 9], 5)).values()]).toEqual(['any', 'any']);
    expect((await compared(graph)).get(8)).toMatch(/the option smallestLength/);
  });
});

describe('tied to the length of the file', () => {
  it('is what says nothing, and reads positions', async () => {
    const network = await at({ nodes: [node('Relu', 'x', 'a'), node('GlobalMaxPool', 'a', 'y')] }, 8);
    const relu = network.nodes[0]!;
    for (const [shape, ties] of [
      [[2, 8], 1],
      [[2], 0],
    ] as const) {
      const builder = new NetworkBuilder('undeclared');
      const id = builder.input('x', shape);
      const scope: Scope = {
        ...{
          builder,
          batch: undefined,
          budget: new Budget(0),
          names: new UniqueNames(),
          stores: { external: new Map(), movable: false },
          types: new Map(),
        },
        ...{ followers: new Set(shape.length > 1 ? [id] : []), ties: [], types: new Map() },
      };
      const x = { kind: 'signal', id, shape, batched: true } as const;
      const call = new Call({ ...GRAPH_NODE, inputs: ['x'], outputs: ['y'] }, [x], scope);
      call.emit(relu.operator, [x]);
      expect(scope.ties).toHaveLength(ties);
      if (ties > 0) expect(scope.ties[0]!.reason).toMatch(/does not say how it follows the length/);
    }
  });

  it.each(Object.entries(TIED))('%s', async (_, [reason, graph]) => {
    const found = await compared(graph);
    expect(found.size).toBeGreaterThan(0);
    for (const text of found.values()) expect(text).toMatch(reason);
    // Nor does a smallest length help.
    for (const text of (await compared(graph, [8, 9], 9)).values()) expect(text).toMatch(reason);
  });

  it('a flatten, once: what is behind it is read as for the file’s length alone', async () => {
    const graph: Graph = {
      nodes: [node('Flatten', 'x', 'a'), node('Gemm', 'a m', 'b'), node('Gemm', 'b v', 'y')],
      initializers: [floats('m', [16, 3], new Array<number>(48).fill(1)), floats('v', [3, 1], [1, 2, 3])],
    };
    const network = await at(graph, 8);
    expect(kinds(network)).toEqual(['reindex', 'affine', 'affine']);
    const found = verdict(network).split('\n');
    expect(found.every((line) => line.startsWith('make a'))).toBe(true);
  });

  it('a sum that repeats a single sample, below the length where it does', async () => {
    // ⌊n/2⌋ windows, each as two samples again, beside n: at length 1 the file is another one, at odd ones none.
    const graph: Graph = {
      nodes: [
        node('Conv', 'x w', 'a', { strides: [2n], pads: [1n, 1n] }),
        node('ConvTranspose', 'a v', 'b', { strides: [2n] }),
        node('Add', 'x b', 'y'),
      ],
      initializers: [weight(2, 2, 3), floats('v', [2, 2, 2], [1, 2, 3, 4, 5, 6, 7, 8])],
    };
    expect((await compared(graph)).get(8)).toMatch(/repeats the single sample .* from length 2 on/);
    expect(verdict(await at(graph, 8), 2)).toBe('any');
  });

  it('a sum that repeats a single sample beside what padding made of nothing', async () => {
    // 3 ⌊n/3⌋ + 2 samples beside n: two beside one at length 1, where the slice is empty.
    const network = await at(
      {
        nodes: [
          node('Slice', 'x s e a k', 'b'),
          node('Pad', 'b p', 'c'),
          node('ConvTranspose', 'c w', 'd', { strides: [3n], pads: [0n, 1n] }),
          node('Add', 'x d', 'y'),
        ],
        initializers: [
          integers('s', [1], [2]),
          integers('e', [1], [2 ** 31 - 1]),
          integers('a', [1], [2]),
          integers('k', [1], [3]),
          integers('p', [6], [0, 0, 0, 0, 0, 1]),
          weight(2, 2, 3),
        ],
      },
      8,
    );
    expect(verdict(network)).toMatch(/repeats the single sample .* from length 2 on/);
    expect(verdict(network, 2)).toBe('any');
  });

  it('padding written as slices, below the lengths that have them', async () => {
    const slice = (k: number, start: number, end: number) => [
      integers(`s${k}`, [1], [start]),
      integers(`e${k}`, [1], [end]),
    ];
    const graph = (before: number, after: number): Graph => ({
      nodes: [
        node('Slice', 'x s0 e0 a', 'p'),
        node('Slice', 'x s1 e1 a', 'q'),
        node('Concat', 'p x q', 'r', { axis: 2n }),
        node('Conv', 'r w', 'y'),
      ],
      initializers: [
        ...slice(0, -before, 2 ** 31 - 1),
        ...slice(1, 0, after),
        integers('a', [1], [2]),
        weight(2, 2, before + after + 1),
      ],
    });
    expect(verdict(await at(graph(1, 1), 8))).toBe('any');
    for (const [before, after] of [
      [4, 4],
      [1, 5],
      [2, 0],
    ] as const) {
      const network = await at(graph(before, Math.max(after, 1)), 8);
      const least = Math.max(before, after);
      expect(verdict(network)).toMatch(new RegExp(`fewer than ${least} samples`));
      expect(verdict(network, least - 1)).toMatch(new RegExp(`fewer than ${least} samples`));
      expect(verdict(network, least)).toBe('any');
    }
  });
});
