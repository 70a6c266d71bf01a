/** What is written, and what is refused before anything is written. */
import { describe, expect, it } from 'vitest';
import { InputError, UnsupportedError } from '../../src/errors.ts';
import { NetworkBuilder } from '../../src/network/builder.ts';
import type { Network } from '../../src/network/network.ts';
import type { Operator, PaddingMode } from '../../src/network/operator.ts';
import { exportSdp, type Formulation } from '../../src/sdp/export.ts';
import { readHeader } from '../../src/sdp/sdpa.ts';
import { cholesky, type Dense, zeros } from '../support/symmetric.ts';
import { ChainBuilder } from './networks.ts';

/** f(x) = 3 φ(2 x), φ with slopes in [¼, 1]. */
function neuron(): Network {
  const builder = new NetworkBuilder('one\nneuron, ½');
  const affine = (weight: number): Operator => ({
    kind: 'affine',
    outputs: 1,
    inputs: 1,
    weight: Float64Array.of(weight),
  });
  let tensor = builder.add('in', affine(2), [builder.input('x', [1])]);
  tensor = builder.add('φ', { kind: 'nonlinearity', function: { name: 'leaky-relu', slope: 0.25 } }, [
    tensor,
  ]);
  return builder.build(builder.add('out', affine(3), [tensor]), {
    file: 'a.onnx',
    sha256: 'ab12',
    bytes: 1000,
  });
}

/** Σ x_k F_k − F₀, block by block. */
function slack(text: string, x: readonly number[]): Dense[] {
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('*'));
  const blocks = lines[2]!.split(' ').map((size) => zeros(Math.abs(Number(size)), Math.abs(Number(size))));
  for (const line of lines.slice(4)) {
    const [variable, block, row, column, value] = line.split(' ').map(Number) as [
      number,
      number,
      number,
      number,
      number,
    ];
    const { data, columns } = blocks[block - 1]!;
    const weighted = value * (variable === 0 ? -1 : x[variable - 1]!);
    data[(row - 1) * columns + column - 1]! += weighted;
    if (row !== column) data[(column - 1) * columns + row - 1]! += weighted;
  }
  return blocks;
}

describe('a problem file', () => {
  it('says whose it is, with which scale, and what its variables mean', () => {
    const { text, scale, variables, blocks } = exportSdp(neuron(), 'lipsdp');
    expect([scale, variables, blocks]).toEqual([8, 2, [2, -1]]);
    expect(readHeader(text, 'p.dat-s')).toEqual({
      formulation: 'lipsdp',
      scale: 8,
      network: { name: 'one?neuron, ?', file: 'a.onnx', sha256: 'ab12' },
    });
    const comments = text.split('\n').filter((line) => line.startsWith('*'));
    expect(comments).toContain('* x1: rho');
    expect(comments).toContain('* x2: multipliers of ?');
    expect(text).not.toMatch(/[^\n\x20-\x7e]/);
    expect(text.split('\n').slice(comments.length, comments.length + 4)).toEqual(['2', '2', '2 -1', '1 0']);
  });

  it('holds the inequality of one neuron, to be checked by hand', () => {
    const { text, scale } = exportSdp(neuron(), 'lipsdp');
    // L = 6: ρ = (6/scale)² is feasible for some λ, and 1 % less is not.
    const feasible = (rho: number) =>
      Array.from({ length: 2000 }, (_, k) => k / 400).some((lambda) =>
        slack(text, [rho, lambda]).every((block) => cholesky(block) !== undefined),
      );
    const optimum = (6 / scale) ** 2;
    expect(feasible(optimum * 1.001)).toBe(true);
    expect(feasible(optimum * 0.99)).toBe(false);
  });

  it('is refused by readHeader without its comments', () => {
    const { text } = exportSdp(neuron(), 'lipsdp');
    expect(() => readHeader(text.replaceAll(/^\*.*\n/gm, ''), 'p.dat-s')).toThrow(InputError);
    expect(() => readHeader(text.replace('scale: 8', 'scale: 0'), 'p.dat-s')).toThrow(/p\.dat-s/);
    expect(() => readHeader(text.replace('formulation: lipsdp', 'formulation: x'), 'p')).toThrow(InputError);
  });
});

/** A single node between an input and, where `after` asks for it, a ReLU. */
function single(operator: Operator, shape: readonly number[]): Network {
  const builder = new NetworkBuilder('single');
  return builder.build(builder.add('the node', operator, [builder.input('x', shape)]));
}

function padded(mode: PaddingMode): Operator {
  return {
    kind: 'convolution',
    outputs: 1,
    inputs: 1,
    groups: 1,
    kernel: [3],
    stride: [1],
    dilation: [1],
    padding: { mode, before: [1], after: [1] },
    weight: Float64Array.of(1, 2, 3),
  };
}

const pool = { kernel: [3], stride: [1], before: [1], after: [1] };
const image = { kernel: [2, 2], stride: [1, 1], dilation: [1, 1], before: [0, 0], after: [0, 0] };

describe('refused, with the node and the reason', () => {
  const cases: readonly (readonly [Formulation, string, Network, RegExp])[] = [
    ['lipsdp', 'max pooling', single({ kind: 'max-pool', ...pool, dilation: [1] }, [2, 9]), /dissipativity/],
    ['lipsdp', 'a maximum over all', single({ kind: 'global-max-pool' }, [2, 9]), /dissipativity/],
    ['lipsdp', 'softmax', single({ kind: 'softmax', logarithm: false }, [4]), /logits/],
    ['dissipativity', 'softmax', single({ kind: 'softmax', logarithm: false }, [4]), /logits/],
    [
      'dissipativity',
      'entries that are picked',
      single({ kind: 'gather', sources: Int32Array.of(1, 0, 1) }, [2, 9]),
      /picked/,
    ],
    [
      'dissipativity',
      'a factor for every sample',
      single({ kind: 'scale', scale: new Float64Array(18).map((__, k) => k) }, [2, 9]),
      /position to position/,
    ],
    [
      'dissipativity',
      'a slope for every sample',
      single({ kind: 'nonlinearity', function: { name: 'prelu', slopes: new Float64Array(18) } }, [2, 9]),
      /position to position/,
    ],
    ['dissipativity', 'images', single({ kind: 'max-pool', ...image }, [2, 9, 9]), /one axis, got 2/],
    ['dissipativity', 'circular padding', single(padded('circular'), [1, 9]), /circular/],
    ['dissipativity', 'reflected padding', single(padded('reflect'), [1, 9]), /reflect/],
    [
      'dissipativity',
      'averages over fewer samples at the ends',
      single(
        {
          kind: 'average-pool',
          kernel: [3],
          stride: [1],
          padding: { mode: 'zero', before: [1], after: [1] },
          countIncludesPadding: false,
        },
        [2, 9],
      ),
      /count the padding/,
    ],
    [
      'dissipativity',
      'transposed convolutions',
      single(
        {
          kind: 'transposed-convolution',
          outputs: 1,
          inputs: 1,
          groups: 1,
          kernel: [2],
          stride: [2],
          dilation: [1],
          before: [0],
          after: [0],
          outputPadding: [0],
          weight: Float64Array.of(1, 2),
        },
        [1, 9],
      ),
      /realisation/,
    ],
  ];
  it.each(cases)('%s: %s', (formulation, _, network, reason) => {
    const { items } = refusal(network, formulation);
    expect(items).toHaveLength(1);
    expect(items[0]!.node).toBe('the node');
    expect(items[0]!.reason).toMatch(reason);
  });

  it('dissipativity: branches, every one of them', () => {
    const network = new ChainBuilder('residual', 1, [3]).residual(2).residual(2).build();
    const { items } = refusal(network, 'dissipativity');
    expect(items.map(({ found }) => found)).toEqual(['add', 'add']);
  });

  it('dissipativity: a tensor with two readers whose sum is folded away', () => {
    const builder = new NetworkBuilder('fork');
    const x = builder.input('x', [2, 8]);
    const relu: Operator = { kind: 'nonlinearity', function: { name: 'relu' } };
    const a = builder.add('a', relu, [x]);
    const b = builder.add('b', { kind: 'nonlinearity', function: { name: 'tanh' } }, [x]);
    const network = builder.build(builder.add('both', { kind: 'concat' }, [a, b]));
    expect(refusal(network, 'dissipativity').items.map(({ node }) => node)).toEqual(['b', 'both']);
  });

  it('what is too large, with its size', () => {
    const wide = new ChainBuilder('wide', 1, [1, 600]).convolution(8, 3).activation().dense(2).build();
    expect(refusal(wide, 'lipsdp').items[0]!.found).toBe('5400 rows in one inequality');
    const long = new ChainBuilder('long', 1, [1, 6000]).convolution(1, 3).activation().build();
    expect(refusal(long, 'lipsdp').items[0]!.found).toBe('288 MB of matrices');
    const dense = new ChainBuilder('dense', 1, [784])
      .dense(64)
      .activation({ name: 'leaky-relu', slope: 0.1 });
    expect(refusal(dense.build(), 'lipsdp').items[0]!.found).toMatch(/^2\d{6} matrix entries$/);
    const deep = new ChainBuilder('deep', 1, [16, 20]).convolution(16, 9).activation().build();
    expect(refusal(deep, 'dissipativity').items).toEqual([]);
    const broad = new ChainBuilder('broad', 1, [32, 20]).convolution(32, 9).activation().build();
    expect(refusal(broad, 'dissipativity').items[0]!.found).toMatch(/^\d+ variables$/);
  });

  it('an unknown formulation', () => {
    expect(() => exportSdp(neuron(), 'sdp' as Formulation)).toThrow(/lipsdp, dissipativity, got sdp/);
  });
});

/** The refusal; without one, an empty one. */
function refusal(network: Network, formulation: Formulation): UnsupportedError {
  try {
    exportSdp(network, formulation);
    return new UnsupportedError([]);
  } catch (error) {
    if (error instanceof UnsupportedError) return error;
    throw error;
  }
}
