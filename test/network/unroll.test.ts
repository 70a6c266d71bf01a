import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { NetworkBuilder } from '../../src/network/builder.ts';
import { evaluate } from '../../src/network/evaluation/evaluate.ts';
import { countParameters } from '../../src/network/parameters.ts';
import { product } from '../../src/network/size.ts';
import { unroll, unrolledSize } from '../../src/network/unroll.ts';
import { arbitraryNetwork, relativeDifference } from './arbitrary.ts';

test('keeps the function, from every node on', () => {
  fc.assert(
    fc.property(arbitraryNetwork(7, false), fc.nat(), ({ network, x }, number) => {
      const from = number % (network.nodes.length + 1);
      const unrolled = unroll(network, from);
      expect(relativeDifference(evaluate(network, x), evaluate(unrolled, x))).toBeLessThan(1e-11);
    }),
    { numRuns: 1000 },
  );
});

const KEPT = ['scale', 'nonlinearity', 'add', 'concat'];

test('leaves flat vectors, dense matrices and gathers, of the announced size', () => {
  fc.assert(
    fc.property(arbitraryNetwork(7, false), ({ network }) => {
      const unrolled = unroll(network, 0);
      let bytes = 0;
      for (const { operator, inputs, output } of unrolled.nodes) {
        expect([...KEPT, 'affine', 'gather', 'max-gather']).toContain(operator.kind);
        // A gather is a matrix too once it is placed in a program.
        const [input, size] = [unrolled.tensors[inputs[0]!]!, unrolled.tensors[output]!];
        if (KEPT.includes(operator.kind) || operator.kind === 'max-gather') continue;
        bytes += 8 * input.shape[0]! * size.shape[0]!;
      }
      for (const { shape } of unrolled.tensors) expect(shape.length).toBe(1);
      const announced = unrolledSize(network, 0);
      expect(announced.bytes).toBe(bytes);
      const largest = Math.max(0, ...network.nodes.map((n) => product(network.tensors[n.output]!.shape)));
      expect(announced.largestNeurons).toBeGreaterThanOrEqual(largest);
    }),
    { numRuns: 300 },
  );
});

function pooled() {
  const builder = new NetworkBuilder('pooled');
  const x = builder.input('x', [1, 4, 4]);
  const windows = { kernel: [2, 2], stride: [2, 2], dilation: [1, 1] };
  const weight = Float64Array.from({ length: 8 }, (_, n) => n - 3);
  const padding = { mode: 'circular' as const, before: [1, 1], after: [0, 0] };
  const one = { ...windows, stride: [1, 1], outputs: 2, inputs: 1, groups: 1, padding, weight };
  const a = builder.add('conv', { kind: 'convolution', ...one }, [x]);
  const f = { name: 'prelu' as const, slopes: Float64Array.of(0.1, 0.2) };
  const b = builder.add('act', { kind: 'nonlinearity', function: f }, [a]);
  const c = builder.add('pool', { kind: 'max-pool', ...windows, before: [0, 0], after: [0, 0] }, [b]);
  return builder.build(builder.add('softmax', { kind: 'softmax', logarithm: false }, [c]));
}

test('per-channel slopes become per-neuron ones, max pools gathers', () => {
  const { nodes } = unroll(pooled(), 0);
  const kinds = nodes.map((node) => node.operator.kind);
  expect(kinds).toEqual(['affine', 'nonlinearity', 'max-gather', 'grouped']);
  const [, act, pool] = nodes.map((node) => node.operator);
  if (act?.kind !== 'nonlinearity' || act.function.name !== 'prelu') expect.fail('no PReLU');
  expect([...act.function.slopes]).toEqual([...Array(16).fill(0.1), ...Array(16).fill(0.2)]);
  if (pool?.kind !== 'max-gather') expect.fail('no gather');
  expect(pool.windows.length).toBe(8);
  expect([...pool.windows[5]!]).toEqual([18, 19, 22, 23]);
});

test('a prefix stays as it is; what reads it flattens it', () => {
  const network = pooled();
  expect(unroll(network, 1).nodes.map((n) => n.operator.kind)).toEqual([
    'convolution',
    'reindex',
    'nonlinearity',
    'max-gather',
    'grouped',
  ]);
  expect(unroll(network, 2).nodes.map((n) => n.operator.kind)).toEqual([
    'convolution',
    'nonlinearity',
    'max-gather',
    'grouped',
  ]);
  expect(unroll(network, 4)).toEqual(network);
});

test('refuses a start that is no node', () => {
  for (const from of [-1, 5, 0.5, Number.NaN]) {
    expect(() => unroll(pooled(), from)).toThrow(`from must be an integer in [0, 4], got ${from}`);
    expect(() => unrolledSize(pooled(), from)).toThrow(RangeError);
  }
});

test('counts parameters', () => {
  expect(countParameters(pooled())).toBe(8 + 2);
});
