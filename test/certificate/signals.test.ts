/** Networks read as signals: linear ones, computed sample by sample from their maps, are what they were. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Signal, SignalGraph, SignalMap } from '../../src/certificate/reading/signal.ts';
import { signalsOf } from '../../src/certificate/reading/signalsOf.ts';
import { evaluate } from '../../src/network/evaluation/evaluate.ts';
import type { Network } from '../../src/network/network.ts';
import { simplify } from '../../src/network/simplify/simplify.ts';
import { indices, product, strides } from '../../src/network/size.ts';
import * as families from '../support/families.ts';
import { Random } from '../support/random.ts';
import { type LayerPlan, networkOf } from '../support/randomNetwork.ts';
import { runs } from '../support/runs.ts';

/** [channels, ...window], row-major. */
type Values = Float64Array;

/** Adds map · x to y; samples outside the window are zero, or wrap round. */
function addImage(map: SignalMap, source: Signal, x: Values, target: Signal, y: Values): void {
  const flat = (channel: number, index: readonly number[], { window }: Signal) =>
    channel * product(window) + index.reduce((p, i, a) => p + i * strides(window)[a]!, 0);
  const here = map.kind === 'transposed' ? source : target;
  const there = map.kind === 'transposed' ? target : source;
  for (const j of indices(here.window)) {
    for (const { offset, entries } of map.taps) {
      const reached = offset.map((o, a) => (map.kind === 'read' ? o : map.stride[a]! * j[a]! + o));
      const sample = reached.map((i, a) =>
        map.circular ? (i + 8 * there.window[a]!) % there.window[a]! : i,
      );
      if (sample.some((i, a) => i < 0 || i >= there.window[a]!)) continue;
      const [from, to] = map.kind === 'transposed' ? [j, sample] : [sample, j];
      entries((row, column, value) => {
        y[flat(row, to, target)]! += value * x[flat(column, from, source)]!;
      });
    }
  }
}

function computed({ signals, output }: SignalGraph, input: Values): Values {
  const values = new Map<Signal, Values>();
  for (const signal of signals) {
    const { origin, channels, window } = signal;
    if (origin.kind === 'input') values.set(signal, input);
    else if (origin.kind === 'linear') {
      const y = new Float64Array(channels * product(window));
      for (const { source, map } of origin.terms) addImage(map, source, values.get(source)!, signal, y);
      values.set(signal, y);
    } else {
      // A mask changes nothing inside the window.
      expect(origin.kind === 'sector' && origin.role).toBe('window');
      values.set(signal, values.get(origin.source)!);
    }
  }
  return values.get(output)!;
}

const { affine, convolution, flatten, pad, scale, transposed, circularConvolution } = families;
const averagePool = families.averagePool.map((layer) => ({ ...layer, counted: true }));
const mean = fc.constantFrom(
  { kind: 'global', how: 'mean' } as const,
  { kind: 'global', how: 'sum' } as const,
);
const some = (...layers: fc.Arbitrary<LayerPlan>[]) =>
  fc.array(fc.oneof(...layers), { minLength: 1, maxLength: 5 });

/** What pooling to one sample leaves may be a vector that becomes an image, of which signals say less than what it is. */
function signalsUnlessReshaped(network: Network, from: number | null): SignalGraph | undefined {
  const graph = signalsOf(network, from);
  const moved = graph.signals.some(({ origin }) => origin.kind === 'maximum' && origin.moved);
  return moved ? undefined : graph;
}

const FAMILIES: readonly (families.FamilyOptions & { readonly what: string })[] = [
  { what: 'vectors', axes: 0, layers: some(affine, scale) },
  {
    what: 'sequences',
    axes: 1,
    layers: some(convolution, transposed, pad, scale, averagePool, flatten, mean),
  },
  { what: 'images', axes: 2, layers: some(convolution, transposed, pad, averagePool, affine) },
  { what: 'volumes', axes: 3, layers: some(convolution, averagePool, flatten) },
  {
    what: 'circular sequences',
    axes: 1,
    mode: 'circular',
    layers: some(circularConvolution, scale, mean),
    sides: [4, 8],
  },
];

describe.each(FAMILIES)('linear networks on $what', (family) => {
  it.each([false, true])('are what their signals compute (unrolled: %s)', (unrolled) => {
    let covered = 0;
    fc.assert(
      fc.property(families.plans(family), (plan) => {
        const network = simplify(networkOf({ ...plan, end: 'none' }));
        const graph = signalsUnlessReshaped(network, unrolled && network.nodes.length > 0 ? 0 : null);
        if (!graph) return;
        covered++;
        const x = new Random(plan.seed).normals(product(network.tensors[network.input]!.shape));
        const at = evaluate(network, x);
        const zero = evaluate(network, new Float64Array(x.length));
        const y = computed(graph, x);
        expect(y.length).toBe(at.length);
        const least = 1e-9 * (1 + Math.hypot(...at, ...zero));
        for (const [k, value] of y.entries())
          expect(Math.abs(value - (at[k]! - zero[k]!))).toBeLessThan(least);
      }),
      { numRuns: runs(40) },
    );
    expect(covered).toBeGreaterThan(0.7 * runs(40));
  });
});
