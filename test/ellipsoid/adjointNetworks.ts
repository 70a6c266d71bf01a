/** Small networks, one per rule and kind of joint: what adjoints are tested on. */
import { normals } from '../../bench/networks.ts';
import { NetworkBuilder } from '../../src/network/builder.ts';
import type { Network, TensorId } from '../../src/network/network.ts';
import type { Operator } from '../../src/network/operator.ts';
import { simplify } from '../../src/network/simplify/simplify.ts';
import { unroll } from '../../src/network/unroll.ts';

const RELU: Operator = { kind: 'nonlinearity', function: { name: 'relu' } };
const LEAKY: Operator = { kind: 'nonlinearity', function: { name: 'leaky-relu', slope: 0.2 } };
const GELU: Operator = { kind: 'nonlinearity', function: { name: 'gelu' } };

function normalised(groups: readonly (readonly number[])[]): Operator {
  return {
    ...{ kind: 'grouped', groups: groups.map((group) => Int32Array.from(group)), wide: false },
    function: { name: 'normalize', form: 'root', centred: false, rate: 0.3, floor: 0.5 },
  };
}

class Builder {
  readonly #builder = new NetworkBuilder('test');
  readonly #next = normals(7);
  #count = 0;

  input(shape: readonly number[]): TensorId {
    return this.#builder.input('x', shape);
  }
  add(operator: Operator, ...inputs: TensorId[]): TensorId {
    return this.#builder.add(`${operator.kind}_${this.#count++}`, operator, inputs);
  }
  affine(x: TensorId, outputs: number): TensorId {
    const inputs = this.#builder.shape(x).reduce((p, n) => p * n, 1);
    const weight = Float64Array.from({ length: outputs * inputs }, () => this.#next() / Math.sqrt(inputs));
    return this.add({ kind: 'affine', outputs, inputs, weight }, x);
  }
  convolution(x: TensorId, outputs: number, kernel: number, stride = 1): TensorId {
    const inputs = this.#builder.shape(x)[0]!;
    const axes = this.#builder.shape(x).length - 1;
    const all = (value: number) => new Array<number>(axes).fill(value);
    const size = outputs * inputs * kernel ** axes;
    return this.add(
      {
        ...{ kind: 'convolution', outputs, inputs, groups: 1 },
        ...{ kernel: all(kernel), stride: all(stride), dilation: all(1) },
        padding: { mode: 'zero', before: all(kernel >> 1), after: all(kernel >> 1) },
        weight: Float64Array.from({ length: size }, () => this.#next() / Math.sqrt(inputs * kernel)),
      },
      x,
    );
  }
  transposed(x: TensorId, outputs: number, stride: number): TensorId {
    const inputs = this.#builder.shape(x)[0]!;
    return this.add(
      {
        ...{ kind: 'transposed-convolution', outputs, inputs, groups: 1 },
        ...{
          kernel: [3],
          stride: [stride],
          dilation: [1],
          before: [1],
          after: [1],
          outputPadding: [stride - 1],
        },
        weight: Float64Array.from({ length: outputs * inputs * 3 }, () => this.#next() / Math.sqrt(inputs)),
      },
      x,
    );
  }
  maxPool(x: TensorId, kernel: number, stride: number): TensorId {
    const axes = this.#builder.shape(x).length - 1;
    const all = (value: number) => new Array<number>(axes).fill(value);
    return this.add(
      {
        ...{ kind: 'max-pool', kernel: all(kernel), stride: all(stride), dilation: all(1) },
        ...{ before: all(kernel >> 1), after: all(kernel - 1 - (kernel >> 1)) },
      },
      x,
    );
  }
  build(output: TensorId): Network {
    return simplify(this.#builder.build(output));
  }
}

export const networks: Record<string, () => Network> = {
  'chain of vectors': () => {
    const b = new Builder();
    let x = b.add(RELU, b.affine(b.input([3]), 5));
    x = b.add(LEAKY, b.affine(x, 4));
    return b.build(b.affine(x, 3));
  },
  'general slopes': () => {
    const b = new Builder();
    const x = b.add(GELU, b.affine(b.input([3]), 5));
    return b.build(b.affine(x, 2));
  },
  'a nonlinearity on the input itself': () => {
    const b = new Builder();
    return b.build(b.affine(b.add(LEAKY, b.input([4])), 3));
  },
  'residual blocks of vectors': () => {
    const b = new Builder();
    let x = b.affine(b.input([3]), 4);
    for (let k = 0; k < 2; k++) {
      const h = b.affine(b.add(LEAKY, b.affine(x, 3)), 4);
      x = b.add({ kind: 'add', coefficients: [1, 1] }, x, h);
    }
    return b.build(x);
  },
  'a tensor read by its nonlinearity and by the sum after it': () => {
    const b = new Builder();
    const x = b.affine(b.input([3]), 4);
    const h = b.affine(b.add(GELU, x), 4);
    return b.build(b.affine(b.add({ kind: 'add', coefficients: [1, 1] }, x, h), 2));
  },
  'convolutions with stride and a fully connected head': () => {
    const b = new Builder();
    let x = b.add(RELU, b.convolution(b.input([2, 6, 6]), 3, 3));
    x = b.add(LEAKY, b.convolution(x, 4, 3, 2));
    return b.build(b.affine(b.add(RELU, b.affine(x, 3)), 2));
  },
  'convolutions to the end, on a grid': () => {
    const b = new Builder();
    const x = b.add(RELU, b.convolution(b.input([1, 5]), 3, 3));
    return b.build(b.convolution(x, 2, 3));
  },
  'residual convolutions with a stride, pooled': () => {
    const b = new Builder();
    const x = b.add(RELU, b.convolution(b.input([1, 8]), 3, 3));
    const h = b.convolution(b.add(LEAKY, b.convolution(x, 3, 3)), 4, 3, 2);
    const s = b.convolution(x, 4, 1, 2);
    const y = b.add(RELU, b.add({ kind: 'add', coefficients: [1, 1] }, h, s));
    return b.build(b.affine(b.add({ kind: 'global-average-pool', sum: false }, y), 2));
  },
  'concatenated branches': () => {
    const b = new Builder();
    const x = b.add(RELU, b.convolution(b.input([1, 6]), 2, 3));
    const h = b.add(LEAKY, b.convolution(x, 3, 3));
    const both = b.add({ kind: 'concat' }, x, h);
    return b.build(b.affine(b.add(RELU, b.convolution(both, 2, 3)), 2));
  },
  'a transposed convolution': () => {
    const b = new Builder();
    const x = b.add(RELU, b.convolution(b.input([1, 8]), 3, 3, 2));
    const y = b.add(RELU, b.transposed(x, 2, 2));
    return b.build(b.convolution(y, 1, 3));
  },
  'max pooling between convolutions': () => {
    const b = new Builder();
    const x = b.maxPool(b.add(RELU, b.convolution(b.input([2, 8]), 3, 3)), 3, 2);
    const y = b.maxPool(b.add(RELU, b.convolution(x, 4, 3)), 2, 2);
    return b.build(b.affine(b.add(RELU, b.affine(y, 4)), 2));
  },
  'convolutions behind max pooling, on a grid': () => {
    const b = new Builder();
    const x = b.maxPool(b.add(RELU, b.convolution(b.input([1, 8]), 2, 3)), 2, 2);
    return b.build(b.convolution(b.add(LEAKY, b.convolution(x, 3, 3)), 2, 3));
  },
  'max pooling beside another branch': () => {
    const b = new Builder();
    const x = b.add(RELU, b.convolution(b.input([1, 8]), 3, 3));
    const h = b.convolution(x, 2, 3, 2);
    const p = b.maxPool(x, 3, 2);
    const y = b.add(RELU, b.add({ kind: 'concat' }, h, p));
    return b.build(b.affine(y, 2));
  },
  'entries moved to other channels, some to two': () => {
    const b = new Builder();
    const x = b.add(RELU, b.convolution(b.input([1, 6]), 2, 3));
    // Two channels share the first, two others have all of the second.
    const sources = Int32Array.from([
      ...[0, 2, 4, -1, -1, -1, 1, 3, 5, -1, -1, -1],
      ...[6, 7, 8, 9, 10, 11, 11, 10, 9, 8, 7, 6],
    ]);
    const y = b.add({ kind: 'gather', sources, shape: [4, 6] }, x);
    return b.build(b.affine(b.add(LEAKY, b.convolution(y, 3, 3)), 2));
  },
  'a normalised vector': () => {
    const b = new Builder();
    const x = b.add(normalised([[0, 1, 2, 3]]), b.affine(b.input([3]), 4));
    return b.build(b.affine(b.add(RELU, b.affine(x, 3)), 2));
  },
  'normalised parts of a vector beside the vector': () => {
    const b = new Builder();
    const x = b.affine(b.input([3]), 5);
    const y = b.add(
      normalised([
        [4, 0, 2],
        [1, 3],
      ]),
      x,
    );
    return b.build(b.affine(b.add(RELU, b.affine(b.add({ kind: 'concat' }, x, y), 3)), 2));
  },
  'normalised positions between convolutions': () => {
    const b = new Builder();
    const x = b.add(normalised([[0, 2], [1]]), b.convolution(b.input([1, 6]), 3, 3));
    return b.build(b.convolution(b.add(LEAKY, b.convolution(x, 3, 3)), 2, 3));
  },
  'an unrolled network with overlapping max pooling': () => {
    const b = new Builder();
    const x = b.maxPool(b.add(LEAKY, b.convolution(b.input([1, 6]), 2, 3)), 3, 2);
    return unroll(b.build(b.affine(b.add(RELU, b.affine(x, 3)), 2)), 0);
  },
};
