/** Simplified networks as signals, operator by operator. */
import { UnsupportedError } from '../../errors.ts';
import { slopeInterval } from '../../network/elementwise/elementwise.ts';
import { channelsRead, entrySources, mostReads } from '../../network/evaluation/gather.ts';
import { fewestSamplesInside, mostWindowsSharing } from '../../network/evaluation/windows.ts';
import { multipliable } from '../../network/exact.ts';
import { lastSoftmax } from '../../network/groups/grouped.ts';
import { latticeOf } from '../../network/lattice.ts';
import type { Network, Node } from '../../network/network.ts';
import type { AveragePool, Operator, Scale } from '../../network/operator.ts';
import { everyAxis, product } from '../../network/size.ts';
import { unroll, unrolledSize } from '../../network/unroll.ts';
import { placeOnGrids } from './grids.ts';
import { groupsOf } from './groups.ts';
import {
  type Entries,
  extremes,
  grouped,
  isPadded,
  latticeMap,
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
const READS: readonly Operator['kind'][] = ['affine', 'global-average-pool', 'max-gather'];

/** Most bytes of the dense matrices of an unrolled network. */
const MOST_BYTES = 2 ** 30;

/**
 * @param simplified from `simplify`
 * @param from the node from which on it is unrolled first; null: not at all
 * @param framed what it is put into then
 * @throws UnsupportedError for reflected and replicated padding where it is not unrolled,
 *   where branches meet on different grids, and where it would take more than 2^30 bytes to unroll it
 * @throws RangeError where `from` is none of its nodes
 */
export function signalsOf(
  simplified: Network,
  from: number | null,
  framed: (network: Network) => Network = (network) => network,
): SignalGraph {
  if (from === null) return translated(framed(simplified));
  const { bytes } = unrolledSize(simplified, from);
  if (!(bytes <= MOST_BYTES)) {
    const found = `${bytes} bytes of matrices from here on`;
    throw new UnsupportedError([
      { node: simplified.nodes[from]!.name, found, reason: 'at most 2^30 are covered' },
    ]);
  }
  return translated(framed(unroll(simplified, from)));
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
  const reads = ({ operator, output }: Node) =>
    READS.includes(operator.kind) || (isMoving(operator) && goesToVector(tensors[output]!.shape, shape));
  const whole = readers.length > 0 && readers.every(reads);
  const made = new Map([[input, add(name, whole ? [product(shape)] : shape, { kind: 'input' })]]);
  let factor = 1;
  for (const node of nodes) {
    const output = tensors[node.output]!.shape;
    const sources = node.inputs.map((t) => made.get(t)!);
    const { operator } = node;
    const ending =
      operator.kind === 'softmax' ? { ...operator, size: output[0]! } : lastSoftmax(node, network);
    made.set(
      node.output,
      ending ? sources[0]! : signalOf(node, sources, tensors[node.inputs[0]!]!.shape, output, add),
    );
    if (!ending) continue;
    // Softmax is ½-Lipschitz; I − 1pᵀ, the Jacobian of log-softmax over n classes, has norm at most √n. Rounded up.
    factor = ending.logarithm ? Math.sqrt(ending.size) * (1 + 2 ** -50) : 0.5;
  }
  const output = made.get(network.output)!;
  inlineSums(signals, output);
  fuseMaxima(signals);
  const masked = maskWindows(needed(signals, output));
  const extent = placeOnGrids(masked);
  return { signals: masked, output, extent, factor };
}

type Add = (name: string, shape: Sides, origin: Signal['origin']) => Signal;

/** @param input shape of the (first) input, an image which may have become a vector */
function signalOf(node: Node, sources: readonly Signal[], input: Sides, shape: Sides, add: Add): Signal {
  const positions = product(input.slice(1));
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
      return scaled(node, operator, source, shape, add);
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
    case 'gather':
      return moved(name, entrySources(operator, input), source, shape, add);
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
      const slopes = hulls(lower, upper, shape);
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
    case 'grouped':
      return groupsOf(operator, source, shape, (suffix, own, origin) =>
        add(name + suffix, [own, ...source.window], origin),
      );
    case 'softmax':
      return source;
    default:
      throw new Error(`unknown operator ${operator satisfies never}`);
  }
}

const isMoving = ({ kind }: Operator) => kind === 'reindex' || kind === 'gather';

/** Vectors of entries of an image beyond this are signals of their own. */
const LARGEST_VECTOR = 4096;

/** Whether entries of an image are read as a vector. */
function goesToVector(shape: Sides, from: Sides): boolean {
  return shape.length === 1 && (from.length === 1 || product(shape) <= LARGEST_VECTOR);
}

/** Entries somewhere else: read as a vector, or, where it does the same at all positions, a map of images; else a signal of its own. */
function moved(name: string, sources: Int32Array, source: Signal, shape: Sides, add: Add): Signal {
  const own = [source.channels, ...source.window];
  const linear = (map: SignalMap) => add(name, shape, { kind: 'linear', terms: [{ source, map }] });
  if (goesToVector(shape, own)) {
    const samples = product(source.window);
    const rowsAt = Array.from({ length: samples }, (): number[] => []);
    for (const [row, from] of sources.entries()) if (from >= 0) rowsAt[from % samples]!.push(row);
    return linear(
      reading(source, (u, put) => {
        for (const row of rowsAt[u]!) put(row, Math.floor(sources[row]! / samples), 1);
      }),
    );
  }
  const lattice = latticeOf(sources, own, shape);
  if (lattice) return linear(latticeMap(lattice, source.window, shape.slice(1)));
  return add(name, shape, {
    ...{ kind: 'maximum', role: 'maximum', source, gain: [1], moved: true },
    overlap: Math.max(1, mostReads(sources, product(own))),
    entries: channelsRead(sources, own, shape),
  });
}

/** A factor for every entry: one per channel, or slopes between the least and the largest of a channel. */
function scaled({ name }: Node, operator: Scale, source: Signal, shape: Sides, add: Add): Signal {
  const { scale, roundings = 0 } = operator;
  const { lower, upper } = hulls(scale, scale, shape);
  const alike = lower.every((low, c) => low === upper[c]);
  if (alike) {
    const map = pointwise(source, (c) => lower[lower.length === 1 ? 0 : c]!);
    return add(name, shape, { kind: 'linear', terms: [{ source, map }] });
  }
  // Factors may be off by what arithmetic on the way from the file has rounded.
  const off = (x: number) => 2 ** -52 * roundings * Math.abs(x);
  const slopes = { lower: lower.map((x) => x - off(x)), upper: upper.map((x) => x + off(x)) };
  return add(name, shape, { kind: 'sector', role: 'nonlinearity', source, ...slopes });
}

/** The intervals that hold the numbers of every channel, of numbers for its entries; numbers for channels, or one for all, as they are. */
function hulls(lower: Float64Array, upper: Float64Array, [channels, ...window]: Sides) {
  if (lower.length <= channels!) return { lower: [...lower], upper: [...upper] };
  const image = product(window);
  const own = (values: Float64Array, c: number) => values.subarray(c * image, (c + 1) * image);
  const all = Array.from({ length: channels! }, (_, c) => c);
  return {
    lower: all.map((c) => own(lower, c).reduce((a, b) => Math.min(a, b))),
    upper: all.map((c) => own(upper, c).reduce((a, b) => Math.max(a, b))),
  };
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
      if (source.origin.sorted) return [term];
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
    if (origin.kind !== 'maximum' || origin.groups) continue;
    const inner = origin.source.origin;
    if (inner.kind !== 'sector' || readers.get(origin.source)!.size > 1) continue;
    origin.gain = inner.lower.map((l, c) => Math.max(Math.abs(l), Math.abs(inner.upper[c]!)));
    origin.source = inner.source;
  }
}
