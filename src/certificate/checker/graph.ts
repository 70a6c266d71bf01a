/**
 * A simplified network as signals: the input, linear combinations of earlier signals, nonlinearities (sectors) and maxima.
 * Biases are gone, since only differences of inputs matter; masks stand where zero padding needs them.
 */
import { slopeInterval } from '../../network/elementwise.ts';
import type { Network, Node } from '../../network/network.ts';
import type { Operator } from '../../network/operator.ts';
import { U } from './numbers.ts';
import { demand, Refusal } from './refusal.ts';

type Sides = readonly number[];

/** Calls back for entries of K_t; `magnitude` ≥ |value| bounds the terms that were added up to make it. */
export type Entries = (
  t: number,
  put: (row: number, column: number, value: number, magnitude?: number) => void,
) => void;

/** A linear map from one signal to another. */
export interface LinearMap {
  /** `window`: y[j] = Σ_t K_t x[stride·j + dilation·t − before]. `transposed`: x[j] K_t is added to
   *  y[stride·j + dilation·t − before]. `read`: y = Σ_t K_t x[t] over the source's window, a vector. */
  readonly kind: 'window' | 'transposed' | 'read';
  readonly sides: Sides;
  readonly stride: Sides;
  readonly dilation: Sides;
  readonly before: Sides;
  readonly after: Sides;
  /** Padding wraps round; otherwise what lies outside the source's window must be zero. */
  readonly circular: boolean;
  readonly entries: Entries;
}

export interface Linear {
  readonly kind: 'linear';
  terms: readonly { readonly source: Signal; readonly map: LinearMap }[];
}

/** Slopes in [lower, upper], one entry per channel or one for all. */
export interface Sector {
  readonly kind: 'sector';
  readonly role: 'nonlinearity' | 'window' | 'divisor';
  readonly source: Signal;
  lower: readonly number[];
  upper: readonly number[];
}

/** Over windows with a stride, over the whole image (neither given), or of listed entries of a vector. */
export interface Maximum {
  readonly kind: 'maximum';
  source: Signal;
  /** Slopes between the source and the maximum are at most this in modulus, per channel or one for all. */
  gain: readonly number[];
  /** Windows that share a sample, at most. */
  readonly overlap: number;
  readonly stride?: Sides;
  readonly entries?: readonly Int32Array[];
}

export interface Signal {
  readonly name: string;
  readonly channels: number;
  /** Spatial sides; none for a vector. */
  readonly window: Sides;
  readonly origin: { readonly kind: 'input' } | Linear | Sector | Maximum;
}

export interface Graph {
  /** In topological order, the input first; masks right behind what they mask. */
  readonly signals: readonly Signal[];
  readonly output: Signal;
  /** For a softmax behind the output. */
  readonly factor: number;
}

export const size = (sides: Sides) => sides.reduce((p, n) => p * n, 1);
const isPadded = ({ before, after }: { before: Sides; after: Sides }) =>
  [...before, ...after].some((p) => p !== 0);

/** Operators that read an image as a whole. */
const READS: readonly Operator['kind'][] = ['affine', 'global-average-pool', 'reindex', 'max-gather'];

/** @param magnitudes the same network with magnitudes (see `Entries`) for weights */
export function graphOf(network: Network, magnitudes: Network): Graph {
  const { tensors, nodes, input } = network;
  const signals: Signal[] = [];
  const add: Add = (name, shape, origin) => {
    const signal: Signal = { name, channels: shape[0]!, window: shape.slice(1), origin };
    signals.push(signal);
    return signal;
  };
  const readers = nodes.filter((node) => node.inputs.includes(input));
  const { name, shape } = tensors[input]!;
  const whole = readers.length > 0 && readers.every(({ operator }) => READS.includes(operator.kind));
  const made = new Map([[input, add(name, whole ? [size(shape)] : shape, { kind: 'input' })]]);
  let factor = 1;
  for (const [k, node] of nodes.entries()) {
    const output = tensors[node.output]!.shape;
    const sources = node.inputs.map((t) => made.get(t)!);
    const images = node.inputs.map((t) => size(tensors[t]!.shape.slice(1)));
    made.set(node.output, signalOf(node, magnitudes.nodes[k]!.operator, sources, images[0]!, output, add));
    if (node.operator.kind !== 'softmax') continue;
    // Softmax is ½-Lipschitz; I − 1pᵀ, the Jacobian of log-softmax over n classes, has norm at most √n.
    factor = node.operator.logarithm ? Math.sqrt(output[0]!) * (1 + 4 * U) : 0.5;
  }
  const output = made.get(network.output)!;
  fuseMaxima(signals);
  return { signals: masked(needed(signals, output)), output, factor };
}

type Add = (name: string, shape: Sides, origin: Signal['origin']) => Signal;

/** @param image positions of the (first) input, a vector or not */
function signalOf(
  node: Node,
  bound: Operator,
  sources: Signal[],
  image: number,
  shape: Sides,
  add: Add,
): Signal {
  const { name, operator } = node;
  const source = sources[0]!;
  const { channels } = source;
  const linear = (map: LinearMap) => add(name, shape, { kind: 'linear', terms: [{ source, map }] });
  const maximum = (from: Signal, overlap: number, windows: Pick<Maximum, 'stride' | 'entries'>) =>
    add(name, shape, { kind: 'maximum', source: from, gain: [1], overlap, ...windows });
  const flattened = (vector: Sides) => {
    const map = reading(source, (u, put) => each(channels, (c) => put(c * size(source.window) + u, c, 1)));
    return add(name, vector, { kind: 'linear', terms: [{ source, map }] });
  };
  switch (operator.kind) {
    case 'affine': {
      const large = (bound as typeof operator).weight;
      const positions = operator.inputs / channels;
      const entries: Entries = (u, put) => {
        for (let k = u; k < large.length; k += positions) {
          const column = Math.floor((k % operator.inputs) / positions);
          put(Math.floor(k / operator.inputs), column, operator.weight[k]!, Math.abs(large[k]!));
        }
      };
      return linear(reading(source, entries));
    }
    case 'convolution': {
      const { kernel, stride, dilation, padding } = operator;
      return linear({ ...sliding(name, kernel, stride, padding, grouped(operator, false)), dilation });
    }
    case 'transposed-convolution': {
      const { kernel, stride, dilation, before, outputPadding } = operator;
      const after = operator.after.map((x, a) => Math.max(0, x - outputPadding[a]!));
      const map = sliding(name, kernel, stride, { mode: 'zero', before, after }, grouped(operator, true));
      return linear({ ...map, kind: 'transposed', dilation });
    }
    case 'scale':
      return linear(pointwise(source, (c) => operator.scale[operator.scale.length === 1 ? 0 : c]!));
    case 'pad': {
      const ones = source.window.map(() => 1);
      return linear(sliding(name, ones, ones, operator.padding, uniform(channels, 1)));
    }
    case 'average-pool': {
      const { kernel, stride, padding, countIncludesPadding } = operator;
      const mean = linear(sliding(name, kernel, stride, padding, uniform(channels, 1 / size(kernel))));
      if (countIncludesPadding || !isPadded(padding)) return mean;
      // At the border fewer samples are divided by, at least one per axis: a factor known position by position.
      const fewest = (k: number, a: number) =>
        Array.from({ length: shape[a + 1]! }, (_, j) => {
          const start = j * stride[a]! - padding.before[a]!;
          return Math.min(start + k, source.window[a]!) - Math.max(start, 0);
        }).reduce((m, n) => Math.min(m, n), k);
      const most = kernel.reduce((product, k, a) => (product * k) / Math.max(1, fewest(k, a)), 1);
      const slopes = { lower: [1], upper: [most] };
      return add(`${name} (divisor)`, shape, { kind: 'sector', role: 'divisor', source: mean, ...slopes });
    }
    case 'global-average-pool': {
      const value = operator.sum ? 1 : 1 / image;
      const own = channels / shape[0]!;
      return linear(reading(source, (_u, put) => each(channels, (c) => put(Math.floor(c / own), c, value))));
    }
    case 'reindex':
      demand(
        shape.length === 1 && operator.permutation.every((axis, k) => axis === k),
        `${name}: a reshape to [${shape.join(', ')}] is not covered`,
      );
      return flattened(shape);
    case 'add': {
      const map = (k: number) => pointwise(source, () => operator.coefficients[k]!);
      return add(name, shape, { kind: 'linear', terms: sources.map((s, k) => ({ source: s, map: map(k) })) });
    }
    case 'concat': {
      let row = 0;
      const terms = sources.map((s) => {
        const term = { source: s, map: pointwise(s, () => 1, row) };
        row += s.channels;
        return term;
      });
      return add(name, shape, { kind: 'linear', terms });
    }
    case 'nonlinearity': {
      const { lower, upper } = slopeInterval(operator.function);
      const slopes = { lower: [...lower], upper: [...upper] };
      return add(name, shape, { kind: 'sector', role: 'nonlinearity', source, ...slopes });
    }
    case 'max-pool': {
      // Along an axis a sample is in one window for every tap that lands on the grid of strides.
      const windows = (k: number, a: number) => {
        const residues = Array.from(
          { length: k },
          (_, t) => (t * operator.dilation[a]!) % operator.stride[a]!,
        );
        return Math.max(...residues.map((r) => residues.filter((other) => other === r).length));
      };
      const overlap = operator.kernel.reduce((product, k, a) => product * windows(k, a), 1);
      return maximum(source, overlap, { stride: operator.stride });
    }
    case 'global-max-pool':
      return maximum(source, 1, {});
    case 'max-gather': {
      const vector = source.window.length === 0 ? source : flattened([channels * image]);
      return maximum(vector, operator.windows.length, { entries: operator.windows });
    }
    case 'softmax':
      return source;
    default:
      throw new Refusal(`${name}: ${(operator as Operator).kind} is not covered`);
  }
}

function each(count: number, visit: (k: number) => void): void {
  for (let k = 0; k < count; k++) visit(k);
}

function sliding(
  name: string,
  sides: Sides,
  stride: Sides,
  padding: { readonly mode: string; readonly before: Sides; readonly after: Sides },
  entries: Entries,
): LinearMap {
  const { mode, before, after } = padding;
  const covered = mode === 'zero' || mode === 'circular' || !isPadded(padding);
  demand(covered, `${name}: ${mode} padding is not covered on a torus`);
  const circular = mode === 'circular' && isPadded(padding);
  return { kind: 'window', sides, stride, dilation: sides.map(() => 1), before, after, circular, entries };
}

function reading(source: Signal, entries: Entries): LinearMap {
  const ones = source.window.map(() => 1);
  const zeros = { before: ones.map(() => 0), after: ones.map(() => 0) };
  return {
    kind: 'read',
    sides: source.window,
    stride: ones,
    dilation: ones,
    ...zeros,
    circular: false,
    entries,
  };
}

/** y_{row + c} = value(c) x_c. */
export function pointwise(source: Signal, value: (channel: number) => number, row = 0): LinearMap {
  const entries: Entries = (_t, put) => each(source.channels, (c) => put(row + c, c, value(c)));
  return { ...reading(source, entries), kind: 'window', sides: source.window.map(() => 1) };
}

/** value · identity, at every position of a kernel. */
function uniform(channels: number, value: number): Entries {
  return (_t, put) => each(channels, (c) => put(c, c, value));
}

/** [outputs, inputs / groups, ...kernel], or transposed [inputs, outputs / groups, ...kernel]. */
function grouped(
  { weight, groups, kernel, ...counts }: Extract<Operator, { groups: number }>,
  transposed: boolean,
): Entries {
  const [rows, all] = transposed ? [counts.inputs, counts.outputs] : [counts.outputs, counts.inputs];
  const columns = all / groups;
  return (t, put) => {
    for (let k = 0; k < rows * columns; k++) {
      const row = Math.floor(k / columns);
      const column = Math.floor(row / (rows / groups)) * columns + (k % columns);
      const value = weight[k * size(kernel) + t]!;
      if (transposed) put(column, row, value);
      else put(row, column, value);
    }
  };
}

function sourcesOf({ origin }: Signal): Signal[] {
  if (origin.kind === 'input') return [];
  return origin.kind === 'linear' ? origin.terms.map((t) => t.source) : [origin.source];
}

export function readersOf(signals: readonly Signal[]): Map<Signal, Set<Signal>> {
  const readers = new Map(signals.map((s) => [s, new Set<Signal>()]));
  for (const s of signals) for (const source of sourcesOf(s)) readers.get(source)!.add(s);
  return readers;
}

function needed(signals: readonly Signal[], output: Signal): Signal[] {
  const keep = new Set([output, signals[0]!]);
  for (const s of signals.toReversed()) if (keep.has(s)) for (const source of sourcesOf(s)) keep.add(source);
  return signals.filter((s) => keep.has(s));
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

/**
 * The window rule (math.md §2). On a torus a zero-padded map is exact only on signals that are zero outside their window
 * (clean). Sectors and maxima can be made so, if 0 is one of their slopes; a linear map is where it reads clean signals
 * position by position; behind any other a mask with slopes [0, 1] is put.
 */
function masked(signals: readonly Signal[]): Signal[] {
  const local = (map: LinearMap) =>
    map.kind === 'read' || (map.kind === 'window' && size(map.sides) === 1 && !isPadded(map));
  const spills = (map: LinearMap) =>
    map.kind === 'transposed' || (map.kind === 'window' && !map.circular && isPadded(map));
  const canBeClean = new Set<Signal>();
  for (const s of signals) {
    const { origin } = s;
    if (origin.kind !== 'linear' || origin.terms.every((t) => local(t.map) && canBeClean.has(t.source)))
      canBeClean.add(s);
  }
  const readers = readersOf(signals);
  const mustBeClean = new Set<Signal>();
  const result: Signal[] = [];
  for (const signal of signals.toReversed()) {
    const demanding = [...readers.get(signal)!].flatMap((reader) => {
      const passesOn = mustBeClean.has(reader) && canBeClean.has(reader);
      const linear = reader.origin.kind === 'linear' ? reader.origin : undefined;
      return linear?.terms.some((t) => t.source === signal && (spills(t.map) || passesOn)) ? [linear] : [];
    });
    const { origin, name, channels, window } = signal;
    if (demanding.length > 0) mustBeClean.add(signal);
    if (demanding.length > 0 && origin.kind === 'sector') {
      origin.lower = origin.lower.map((l) => Math.min(l, 0));
      origin.upper = origin.upper.map((u) => Math.max(u, 0));
    } else if (demanding.length > 0 && !canBeClean.has(signal)) {
      const sector = { kind: 'sector', role: 'window', source: signal, lower: [0], upper: [1] } as const;
      const mask: Signal = { name: `${name} (window)`, channels, window, origin: { ...sector } };
      for (const reader of demanding) {
        reader.terms = reader.terms.map((t) => (t.source === signal ? { ...t, source: mask } : t));
      }
      result.push(mask);
    }
    result.push(signal);
  }
  return result.reverse();
}
