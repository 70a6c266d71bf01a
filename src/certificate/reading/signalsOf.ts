/** Simplified networks as signals, operator by operator. */
import { UnsupportedError } from '../../errors.ts';
import { slopeInterval } from '../../network/elementwise/elementwise.ts';
import { fewestSamplesInside, mostWindowsSharing } from '../../network/evaluation/windows.ts';
import { multipliable } from '../../network/exact.ts';
import type { Network, Node } from '../../network/network.ts';
import type { AveragePool, Operator } from '../../network/operator.ts';
import { everyAxis, product } from '../../network/size.ts';
import { unroll, unrolledSize } from '../../network/unroll.ts';
import { placeOnGrids } from './grids.ts';
import {
  type Entries,
  extremes,
  grouped,
  isPadded,
  pointwise,
  reading,
  scaledRows,
  sliding,
  uniform,
} from './maps.ts';
import { maskWindows } from './masks.ts';
import {
  type Maximum,
  readersOf,
  type Sides,
  type Signal,
  type SignalGraph,
  type SignalMap,
  sourcesOf,
} from './signal.ts';

/** Operators that read an image as a whole. */
const READS: readonly Operator['kind'][] = ['affine', 'global-average-pool', 'reindex', 'max-gather'];

/** Most bytes of the dense matrices of an unrolled network. */
const MOST_BYTES = 2 ** 30;

/**
 * @param simplified from `simplify`
 * @param from the node from which on it is unrolled first; null: not at all
 * @throws UnsupportedError for reflected and replicated padding where it is not unrolled, for reshapes that are no flatten,
 *   where branches meet on different grids, and where it would take more than 2^30 bytes to unroll it
 * @throws RangeError where `from` is none of its nodes
 */
export function signalsOf(simplified: Network, from: number | null): SignalGraph {
  if (from === null) return translated(simplified);
  const { bytes } = unrolledSize(simplified, from);
  if (!(bytes <= MOST_BYTES)) {
    const found = `${bytes} bytes of matrices from here on`;
    throw new UnsupportedError([
      { node: simplified.nodes[from]!.name, found, reason: 'at most 2^30 are covered' },
    ]);
  }
  return translated(unroll(simplified, from));
}

function translated(network: Network): SignalGraph {
  const { tensors, nodes, input } = network;
  const signals: Signal[] = [];
  const add: Add = (name, shape, origin) => {
    const [channels, ...window] = shape;
    const signal: Signal = {
      name,
      channels: channels!,
      window,
      origin,
      spacing: [],
      room: window,
      wraps: false,
    };
    signals.push(signal);
    return signal;
  };
  const readers = nodes.filter((node) => node.inputs.includes(input));
  const { name, shape } = tensors[input]!;
  const whole = readers.length > 0 && readers.every(({ operator }) => READS.includes(operator.kind));
  const made = new Map([[input, add(name, whole ? [product(shape)] : shape, { kind: 'input' })]]);
  let factor = 1;
  for (const node of nodes) {
    const output = tensors[node.output]!.shape;
    const sources = node.inputs.map((t) => made.get(t)!);
    const positions = product(tensors[node.inputs[0]!]!.shape.slice(1));
    made.set(node.output, signalOf(node, sources, positions, output, add));
    if (node.operator.kind !== 'softmax') continue;
    // Softmax is ½-Lipschitz; I − 1pᵀ, the Jacobian of log-softmax over n classes, has norm at most √n. Rounded up.
    factor = node.operator.logarithm ? Math.sqrt(output[0]!) * (1 + 2 ** -50) : 0.5;
  }
  const output = made.get(network.output)!;
  inlineSums(signals, output);
  fuseMaxima(signals);
  const masked = maskWindows(needed(signals, output));
  const extent = placeOnGrids(masked);
  return { signals: masked, output, extent, factor };
}

type Add = (name: string, shape: Sides, origin: Signal['origin']) => Signal;

/** @param positions of the (first) input's image, which may have become a vector */
function signalOf(node: Node, sources: readonly Signal[], positions: number, shape: Sides, add: Add): Signal {
  const { name, operator } = node;
  const source = sources[0]!;
  const { channels } = source;
  const linear = (map: SignalMap) => add(name, shape, { kind: 'linear', terms: [{ source, map }] });
  const maximum = (of: Signal, overlap: number, windows: Pick<Maximum, 'stride' | 'entries'>) =>
    add(name, shape, { kind: 'maximum', role: 'maximum', source: of, gain: [1], overlap, ...windows });
  const flattened = (vector: Sides) => {
    const samples = product(source.window);
    const map = reading(source, (u, put) => {
      for (let c = 0; c < channels; c++) put(c * samples + u, c, 1);
    });
    return add(name, vector, { kind: 'linear', terms: [{ source, map }] });
  };
  switch (operator.kind) {
    case 'affine': {
      const { weight, magnitude } = operator;
      const samples = operator.inputs / channels;
      const entries: Entries = (u, put) => {
        for (let k = u; k < weight.length; k += samples) {
          const column = Math.floor((k % operator.inputs) / samples);
          put(Math.floor(k / operator.inputs), column, weight[k]!, magnitude?.[k]);
        }
      };
      return linear(reading(source, entries));
    }
    case 'convolution':
      return linear(sliding(name, operator, grouped(operator)));
    case 'transposed-convolution': {
      const { before, outputPadding } = operator;
      const after = operator.after.map((x, a) => Math.max(0, x - outputPadding[a]!));
      const padding = { mode: 'zero', before, after } as const;
      return linear({ ...sliding(name, { ...operator, padding }, grouped(operator)), kind: 'transposed' });
    }
    case 'scale':
      return linear(pointwise(source, (c) => operator.scale[operator.scale.length === 1 ? 0 : c]!));
    case 'pad': {
      const ones = everyAxis(source.window.length, 1);
      const samples = { kernel: ones, stride: ones, padding: operator.padding };
      return linear(sliding(name, samples, uniform(channels, 1)));
    }
    case 'average-pool': {
      const mean = linear(sliding(name, operator, uniform(channels, 1 / product(operator.kernel))));
      if (operator.countIncludesPadding || !isPadded(operator.padding)) return mean;
      // At the border fewer samples are divided by: a factor from 1 on that is known position by position.
      const upper = [product(operator.kernel) / fewestSamples(operator, source.window, shape)];
      return add(`${name} (divisor)`, shape, {
        kind: 'sector',
        role: 'divisor',
        source: mean,
        lower: [1],
        upper,
      });
    }
    case 'global-average-pool': {
      const value = operator.sum ? 1 : 1 / positions;
      const own = channels / shape[0]!;
      const entries: Entries = (_u, put) => {
        for (let c = 0; c < channels; c++) put(Math.floor(c / own), c, value);
      };
      return linear(reading(source, entries));
    }
    case 'reindex':
      if (shape.length !== 1 || operator.permutation.some((axis, k) => axis !== k)) {
        const found = `reshape to [${shape.join(', ')}]`;
        throw new UnsupportedError([{ node: name, found, reason: 'only a flatten is covered' }]);
      }
      return flattened(shape);
    case 'add': {
      const terms = sources.map((s, k) => ({
        source: s,
        map: pointwise(s, () => operator.coefficients[k]!),
      }));
      return add(name, shape, { kind: 'linear', terms });
    }
    case 'concat': {
      let row = 0;
      const terms = sources.map((s) => {
        const map = pointwise(s, () => 1, row);
        row += s.channels;
        return { source: s, map };
      });
      return add(name, shape, { kind: 'linear', terms });
    }
    case 'nonlinearity': {
      const { lower, upper } = slopeInterval(operator.function);
      const slopes = { lower: [...lower], upper: [...upper] };
      return add(name, shape, { kind: 'sector', role: 'nonlinearity', source, ...slopes });
    }
    case 'max-pool': {
      const { kernel, stride, dilation } = operator;
      const overlap = product(kernel.map((k, a) => mostWindowsSharing(k, stride[a]!, dilation[a]!)));
      return maximum(source, overlap, { stride });
    }
    case 'global-max-pool':
      return maximum(source, 1, {});
    case 'max-gather': {
      const vector = source.window.length === 0 ? source : flattened([channels * positions]);
      return maximum(vector, operator.windows.length, { entries: operator.windows });
    }
    case 'softmax':
      return source;
    default:
      throw new Error(`unknown operator ${operator satisfies never}`);
  }
}

/** Fewest unpadded samples in a window of a padded average pooling. */
function fewestSamples({ kernel, stride, padding }: AveragePool, window: Sides, shape: Sides): number {
  const sides = kernel.map((k, a) => {
    const fewest = fewestSamplesInside(k, stride[a]!, padding.before[a]!, window[a]!, shape[a + 1]!);
    return Math.max(1, Math.min(k, fewest));
  });
  return product(sides);
}

function needed(signals: readonly Signal[], output: Signal): Signal[] {
  const keep = new Set([output, signals[0]!]);
  for (const s of signals.toReversed()) if (keep.has(s)) for (const source of sourcesOf(s)) keep.add(source);
  return signals.filter((s) => keep.has(s));
}

/** A sum takes over the terms of what only it reads: x + conv(a) is one linear combination of x and a. What a product of weights could
 *  make vanish or overflow stays. */
function inlineSums(signals: readonly Signal[], output: Signal): void {
  const readers = readersOf(signals);
  for (const { origin } of signals) {
    if (origin.kind !== 'linear') continue;
    const terms = origin.terms;
    origin.terms = terms.flatMap((term) => {
      const { source, map } = term;
      const once = readers.get(source)!.size === 1 && terms.filter((t) => t.source === source).length === 1;
      const { diagonal } = map;
      if (!diagonal || !once || source === output || source.origin.kind !== 'linear') return [term];
      const values = Array.from({ length: source.channels }, (_, c) => diagonal.value(c));
      if (!source.origin.terms.every((t) => multipliable(values, extremes(t.map)))) return [term];
      return source.origin.terms.map((t) => ({ source: t.source, map: scaledRows(diagonal, t.map) }));
    });
  }
}

/** max ∘ φ reads φ's argument where nothing else reads φ: |max φ(x) − max φ(y)| ≤ max |slope| |x − y|. */
function fuseMaxima(signals: readonly Signal[]): void {
  const readers = readersOf(signals);
  for (const { origin } of signals) {
    if (origin.kind !== 'maximum') continue;
    const inner = origin.source.origin;
    if (inner.kind !== 'sector' || readers.get(origin.source)!.size > 1) continue;
    origin.gain = inner.lower.map((l, c) => Math.max(Math.abs(l), Math.abs(inner.upper[c]!)));
    origin.source = inner.source;
  }
}
