/** Graphs of any number of blocks, whose paths, sides or names multiply where a walk is careless. */
import type { TensorProto } from '../../src/formats/onnx/protobuf/onnx_pb.ts';
import { floats, integers, type ModelOptions, model, node } from '../../test/formats/onnx/build.ts';
import { Random } from '../../test/support/random.ts';

export interface Family {
  readonly name: string;
  /** Numbers of blocks, growing twofold at a time but for the last of deep chains. */
  readonly sizes: readonly number[];
  readonly make: (blocks: number) => Uint8Array;
}

type Nodes = ReturnType<typeof node>[];

const WIDTH = 3;
const LENGTH = 8;

/** Collects nodes and weights of one graph. */
class Graph {
  readonly nodes: Nodes = [];
  readonly weights: TensorProto[] = [];
  readonly #random = new Random(1);
  #count = 0;

  /** A node with one output, whose name is returned. */
  add(opType: string, inputs: string, attributes: Parameters<typeof node>[3] = {}, domain = ''): string {
    const output = `t${this.#count++}`;
    this.nodes.push(node(opType, inputs, output, attributes, domain));
    return output;
  }

  weight(dims: readonly number[], scale = 0.5): string {
    const name = `w${this.#count++}`;
    const size = dims.reduce((a, b) => a * b, 1);
    this.weights.push(floats(name, dims, [...this.#random.normals(size, scale)]));
    return name;
  }

  list(values: readonly number[]): string {
    const name = `n${this.#count++}`;
    this.weights.push(integers(name, [values.length], values));
    return name;
  }

  dense(x: string, inputs = WIDTH, outputs = WIDTH): string {
    return this.add('MatMul', `${x} ${this.weight([inputs, outputs])}`);
  }

  conv(x: string, inputs = WIDTH, outputs = WIDTH): string {
    return this.add('Conv', `${x} ${this.weight([outputs, inputs, 3], 0.3)}`, { pads: [1n, 1n] });
  }

  relu(x: string): string {
    return this.add('Relu', x);
  }

  /** @param output what the model gives */
  file(output: string, options: ModelOptions = {}): Uint8Array {
    this.nodes.push(node('Identity', output, 'y'));
    const inputs = { x: ['N', WIDTH] };
    return model(this.nodes, { inputs, initializers: this.weights, ...options });
  }
}

const SIGNAL: ModelOptions = { inputs: { x: ['N', WIDTH, LENGTH] } };
const SIZES = [10, 20, 40, 80];
const DEEP = [500, 2000, 10_000];

/** What every block does to a tensor. */
function chain(
  name: string,
  block: (g: Graph, x: string, k: number) => string,
  options: ModelOptions = {},
  sizes = SIZES,
): Family {
  return {
    name,
    sizes,
    make(blocks) {
      const g = new Graph();
      let x = 'x';
      for (let k = 0; k < blocks; k++) x = block(g, x, k);
      return g.file(x, options);
    },
  };
}

/** Two tensors that read each other's last: as many paths as Fibonacci's numbers, or more. */
function crossed(g: Graph, blocks: number, merge: (a: string, b: string) => string): string {
  let [a, b] = [g.relu('x'), g.dense('x')];
  for (let k = 0; k < blocks; k++) [a, b] = [g.relu(merge(a, b)), merge(b, a)];
  return merge(a, b);
}

/** Functions of which each calls the one before. */
function nested(name: string, calls: number): Family {
  return {
    name,
    sizes: [5, 10, 20, 30],
    make(blocks) {
      const opsetImport = [
        { domain: '', version: 13n },
        { domain: 'local', version: 1n },
      ];
      const functions = Array.from({ length: blocks }, (_, k) => {
        const names = ['a', ...Array.from({ length: calls - 1 }, (_, c) => `m${c}`), 'b'];
        const call = (c: number) =>
          node(k === 0 ? 'Relu' : `f${k - 1}`, names[c]!, names[c + 1]!, {}, k === 0 ? '' : 'local');
        const body = Array.from({ length: calls }, (_, c) => call(c));
        return { name: `f${k}`, domain: 'local', input: ['a'], output: ['b'], node: body, opsetImport };
      });
      const g = new Graph();
      const x = g.add(`f${blocks - 1}`, g.dense('x'), {}, 'local');
      return g.file(x, { functions, imports: ['local'] });
    },
  };
}

/** All branches read the same and meet in one node. */
function wide(name: string, opType: string, sizes: readonly number[], branch: (g: Graph) => string): Family {
  return {
    name,
    sizes,
    make(blocks) {
      const g = new Graph();
      const branches = Array.from({ length: blocks }, () => branch(g));
      const attributes = opType === 'Concat' ? { axis: 1n } : {};
      return g.file(
        g.dense(g.add(opType, branches.join(' '), attributes), opType === 'Concat' ? WIDTH * blocks : WIDTH),
      );
    },
  };
}

export const GROWTH: readonly Family[] = [
  chain('dense layers', (g, x) => g.relu(g.dense(x))),
  chain('convolutions', (g, x) => g.relu(g.conv(x)), SIGNAL),
  chain('residual blocks', (g, x) => g.add('Add', `${x} ${g.dense(g.relu(g.dense(x)))}`)),
  chain('residual convolutions', (g, x) => g.add('Add', `${x} ${g.conv(g.relu(g.conv(x)))}`), SIGNAL),
  chain('residual blocks with ReLU behind', (g, x) =>
    g.relu(g.add('Add', `${x} ${g.dense(g.relu(g.dense(x)))}`)),
  ),
  {
    name: 'residual convolutions under a mean',
    sizes: SIZES,
    make(blocks) {
      const g = new Graph();
      let x = 'x';
      for (let k = 0; k < blocks; k++) x = g.relu(g.add('Add', `${x} ${g.conv(g.relu(g.conv(x)))}`));
      return g.file(g.add('ReduceMean', x, { axes: [2n], keepdims: 0n }), SIGNAL);
    },
  },
  {
    name: 'dense connections',
    sizes: SIZES,
    make(blocks) {
      const g = new Graph();
      let x = 'x';
      for (let k = 0; k < blocks; k++)
        x = g.add('Concat', `${x} ${g.relu(g.dense(x, WIDTH + k, 1))}`, { axis: 1n });
      return g.file(x);
    },
  },
  {
    name: 'dense connections of convolutions',
    sizes: [5, 10, 20],
    make(blocks) {
      const g = new Graph();
      let x = 'x';
      for (let k = 0; k < blocks; k++)
        x = g.add('Concat', `${x} ${g.relu(g.conv(x, WIDTH + k, 1))}`, { axis: 1n });
      return g.file(x, SIGNAL);
    },
  },
  chain('a + a', (g, x) => g.add('Add', `${x} ${x}`)),
  chain('a − a', (g, x) => g.add('Sub', `${x} ${x}`)),
  chain('a + c a', (g, x) => g.add('Add', `${x} ${g.add('Mul', `${x} ${g.weight([1])}`)}`)),
  chain('a + W a', (g, x) => g.add('Add', `${x} ${g.dense(x)}`)),
  chain('a + relu(a)', (g, x) => g.add('Add', `${x} ${g.relu(x)}`)),
  chain('relu(a) + relu(−a)', (g, x) => g.add('Add', `${g.relu(x)} ${g.relu(g.add('Neg', x))}`)),
  chain('Concat(a, a)', (g, x) => g.add('Concat', `${x} ${x}`, { axis: 1n })),
  chain('Concat(a, a) and back', (g, x) => g.dense(g.add('Concat', `${x} ${x}`, { axis: 1n }), 2 * WIDTH)),
  chain(
    'doubling convolutions',
    (g, x) => g.conv(g.add('Concat', `${x} ${x}`, { axis: 1n }), 2 * WIDTH),
    SIGNAL,
  ),
  chain(
    'pooled shortcuts',
    (g, x) => g.add('Add', `${x} ${g.add('MaxPool', x, { kernel_shape: [3n], pads: [1n, 1n] })}`),
    SIGNAL,
  ),
  {
    name: 'crossed sums',
    sizes: SIZES,
    make: (blocks) => {
      const g = new Graph();
      return g.file(crossed(g, blocks, (a, b) => g.add('Add', `${a} ${b}`)));
    },
  },
  {
    name: 'crossed differences',
    sizes: SIZES,
    make: (blocks) => {
      const g = new Graph();
      return g.file(crossed(g, blocks, (a, b) => g.add('Sub', `${a} ${b}`)));
    },
  },
  chain('the input added everywhere', (g, x) => g.add('Add', `x ${g.relu(g.dense(x))}`)),
  {
    name: 'everything added at the end',
    sizes: SIZES,
    make(blocks) {
      const g = new Graph();
      const all = ['x'];
      for (let k = 0; k < blocks; k++) all.push(g.relu(g.dense(all.at(-1)!)));
      return g.file(g.add('Sum', all.join(' ')));
    },
  },
  nested('functions that call twice', 2),
  nested('functions that call once', 1),
  wide('branches of Sum', 'Sum', [40, 80, 160, 320], (g) => g.relu(g.dense('x'))),
  wide('branches of Concat', 'Concat', [20, 40, 80, 160], (g) => g.relu(g.dense('x'))),
  wide('the same tensor in Sum', 'Sum', [100, 1000, 10_000], () => 'x'),
  wide('linear branches of Sum', 'Sum', [40, 80, 160, 320], (g) => g.dense('x')),
  chain('Identity', (g, x) => g.add('Identity', x), {}, DEEP),
  chain('Transpose', (g, x) => g.add('Transpose', x, { perm: [0n, 2n, 1n] }), SIGNAL, [100, 200, 400, 800]),
  chain(
    'Reshape',
    (g, x, k) => g.add('Reshape', `${x} ${g.list(k % 2 === 0 ? [0, -1] : [0, WIDTH, LENGTH])}`),
    SIGNAL,
    [100, 200, 400, 800],
  ),
  chain('Neg', (g, x) => g.add('Neg', x), {}, DEEP),
  chain('scales', (g, x) => g.add('Mul', `${x} ${g.weight([WIDTH], 1)}`), {}, DEEP),
  chain('Pad', (g, x) => g.add('Pad', `${x} ${g.list([0, 0, 0, 0, 0, 1])}`), SIGNAL, [100, 200, 400]),
  chain('ReLU alone', (g, x) => g.relu(x), {}, DEEP),
  chain('deep dense layers', (g, x) => g.relu(g.dense(x)), {}, DEEP),
  chain('deep linear layers', (g, x) => g.dense(x), {}, DEEP),
  chain('deep residual blocks', (g, x) => g.add('Add', `${x} ${g.relu(g.dense(x))}`), {}, [250, 500, 1000]),
  {
    name: 'dead nodes',
    sizes: [1000, 4000, 16_000],
    make(blocks) {
      const g = new Graph();
      let dead = 'x';
      for (let k = 0; k < blocks; k++)
        dead = g.add(k % 2 === 0 ? 'Add' : 'Relu', k % 2 === 0 ? `${dead} x` : dead);
      return g.file(g.dense('x'));
    },
  },
  {
    name: 'constants that double',
    sizes: SIZES,
    make(blocks) {
      const g = new Graph();
      let c = g.weight([WIDTH, WIDTH], 1e-3);
      for (let k = 0; k < blocks; k++) c = g.add(k % 2 === 0 ? 'Add' : 'MatMul', `${c} ${c}`);
      return g.file(g.add('MatMul', `x ${c}`));
    },
  },
  {
    name: 'constants that grow',
    sizes: SIZES,
    make(blocks) {
      const g = new Graph();
      let c = g.weight([1, WIDTH]);
      for (let k = 0; k < blocks; k++) c = g.add('Concat', `${c} ${c}`, { axis: 0n });
      return g.file(g.add('Add', `x ${g.add('ReduceMax', c, { axes: [0n] })}`));
    },
  },
  {
    name: 'deep constants',
    sizes: DEEP,
    make(blocks) {
      const g = new Graph();
      let c = g.weight([WIDTH, WIDTH]);
      for (let k = 0; k < blocks; k++) c = g.add(k % 2 === 0 ? 'Transpose' : 'Neg', c);
      return g.file(g.add('MatMul', `x ${c}`));
    },
  },
];
