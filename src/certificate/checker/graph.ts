/**
 * A simplified network as signals: the input, linear combinations of earlier signals, nonlinearities and maxima. Biases are
 * gone, since only differences of inputs matter. Masks stand where zero padding needs them.
 */
import { slopeInterval } from '../../network/elementwise.ts';
import type { Network, Node } from '../../network/network.ts';
import type { Operator } from '../../network/operator.ts';
import { gamma, U } from './numbers.ts';
import { Refusal } from './refusal.ts';

/** Linear map from one signal to (some channels of) another; every entry within the network's `uncertainty`. */
export interface Map {
  /** `window`: y[j] = Σ_t K_t x[stride·j + dilation·t − before]. `transposed`: x[j] K_t is added to
   *  y[stride·j + dilation·t − before]. `read`: y = Σ_u K_u x[u] over the source's window, a vector. */
  readonly kind: 'window' | 'transposed' | 'read';
  readonly sides: readonly number[];
  readonly stride: readonly number[];
  readonly dilation: readonly number[];
  readonly before: readonly number[];
  readonly after: readonly number[];
  /** Padding wraps round; otherwise what lies outside the source's window is zero. */
  readonly circular: boolean;
  /** Entries of K_t; `magnitude` ≥ |value| bounds all that was added up to make it. */
  entries(t: number, put: (row: number, column: number, value: number, magnitude: number) => void): void;
}

export interface Term {
  readonly source: Signal;
  readonly map: Map;
  /** First channel of the sum that it adds to. */
  readonly row: number;
}

export type Origin =
  | { readonly kind: 'input' }
  | { readonly kind: 'linear'; terms: readonly Term[] }
  | {
      readonly kind: 'sector';
      readonly source: Signal;
      readonly role: Role;
      lower: number[];
      upper: number[];
    }
  | {
      readonly kind: 'maximum';
      readonly source: Signal;
      /** Largest slope modulus of what stands between the source and the maximum, per channel or one for all. */
      readonly gain: number[];
      /** Windows that share a sample, at most. */
      readonly overlap: number;
      /** Over windows with a stride, over the whole image, or of listed entries. */
      readonly stride?: readonly number[];
      readonly entries?: readonly Int32Array[];
    };
export type Role = 'nonlinearity' | 'window' | 'divisor';

export interface Signal {
  readonly name: string;
  readonly channels: number;
  /** Spatial sides; none for a vector. */
  readonly window: readonly number[];
  origin: Origin;
}

export interface Graph {
  /** In topological order, the input first; masks right behind what they mask. */
  readonly signals: readonly Signal[];
  readonly output: Signal;
  /** For a softmax behind the output. */
  readonly factor: number;
}

const size = (sides: readonly number[]) => sides.reduce((p, n) => p * n, 1);

/** @param magnitudes the same network with bounds on the absolute sums behind every weight */
export function graphOf(network: Network, magnitudes: Network): Graph {
  const signals: Signal[] = [];
  const add = (name: string, shape: readonly number[], origin: Origin): Signal => {
    const signal: Signal = { name, channels: shape[0]!, window: shape.slice(1), origin };
    signals.push(signal);
    return signal;
  };
  const { name, shape } = network.tensors[network.input]!;
  const byTensor = new globalThis.Map([[network.input, add(name, shape, { kind: 'input' })]]);
  let factor = 1;
  network.nodes.forEach((node, k) => {
    const sources = node.inputs.map((t) => byTensor.get(t)!);
    const output = network.tensors[node.output]!.shape;
    byTensor.set(node.output, signalOf(node, magnitudes.nodes[k]!.operator, sources, output, add));
    if (node.operator.kind === 'softmax') {
      // Softmax is ½-Lipschitz; I − 1pᵀ, the Jacobian of log-softmax over n classes, has norm at most √n.
      factor = node.operator.logarithm ? Math.sqrt(output[0]!) * (1 + 4 * U) : 0.5;
    }
  });
  const output = byTensor.get(network.output)!;
  fuseMaxima(signals, output);
  return { signals: masked(needed(signals, output)), output, factor };
}

type Add = (name: string, shape: readonly number[], origin: Origin) => Signal;

function signalOf(
  node: Node,
  bound: Operator,
  sources: Signal[],
  shape: number[] | readonly number[],
  add: Add,
): Signal {
  const { name, operator } = node;
  const source = sources[0]!;
  const linear = (map: Map, suffix = '') =>
    add(name + suffix, shape, { kind: 'linear', terms: [{ source, map, row: 0 }] });
  switch (operator.kind) {
    case 'affine': {
      const [weight, large] = [operator.weight, (bound as typeof operator).weight];
      const positions = size(source.window);
      return linear(
        read(source.window, (u, put) => {
          for (let o = 0; o < operator.outputs; o++) {
            for (let c = 0; c < source.channels; c++) {
              const at = o * operator.inputs + c * positions + u;
              put(o, c, weight[at]!, Math.abs(large[at]!));
            }
          }
        }),
      );
    }
    case 'convolution':
    case 'transposed-convolution': {
      const transposed = operator.kind === 'transposed-convolution';
      const padding = transposed ? { ...operator, mode: 'zero' as const } : operator.padding;
      const after = transposed
        ? operator.after.map((x, a) => Math.max(0, x - operator.outputPadding[a]!))
        : padding.after;
      const { kernel, stride, dilation } = operator;
      const [rows, columns] = transposed
        ? [operator.inputs, operator.outputs / operator.groups]
        : [operator.outputs, operator.inputs / operator.groups];
      const taps = size(kernel);
      return linear({
        ...window(name, kernel, stride, padding, (t, put) => {
          for (let r = 0; r < rows; r++) {
            const first = Math.floor(r / (rows / operator.groups)) * columns;
            for (let c = 0; c < columns; c++) {
              const value = operator.weight[(r * columns + c) * taps + t]!;
              if (transposed) put(first + c, r, value, Math.abs(value));
              else put(r, first + c, value, Math.abs(value));
            }
          }
        }),
        kind: transposed ? 'transposed' : 'window',
        dilation,
        after,
      });
    }
    case 'scale':
      return linear(diagonal(source, (c) => operator.scale[operator.scale.length === 1 ? 0 : c]!));
    case 'average-pool': {
      const { kernel, stride, padding } = operator;
      const share = 1 / size(kernel);
      const mean = linear(window(name, kernel, stride, padding, uniform(source.channels, share)));
      if (operator.countIncludesPadding || !isPadded(padding)) return mean;
      // At the border fewer samples are divided by: a factor between 1 and `most`, position by position.
      const most = kernel.reduce((product, k, a) => {
        let fewest = k;
        for (let j = 0; j < shape[a + 1]!; j++) {
          const start = j * stride[a]! - padding.before[a]!;
          fewest = Math.min(fewest, Math.min(start + k, source.window[a]!) - Math.max(start, 0));
        }
        return (product * k) / Math.max(1, fewest);
      }, 1);
      const origin = { kind: 'sector', source: mean, role: 'divisor', lower: [1], upper: [most] } as const;
      return add(`${name} (divisor)`, shape, { ...origin, lower: [1], upper: [most] });
    }
    case 'pad': {
      const ones = source.window.map(() => 1);
      return linear(window(name, ones, ones, operator.padding, uniform(source.channels, 1)));
    }
    case 'global-average-pool':
      return linear(
        read(source.window, uniform(source.channels, operator.sum ? 1 : 1 / size(source.window))),
      );
    case 'reindex':
      if (shape.length > 1 || operator.permutation.some((axis, k) => axis !== k)) {
        throw new Refusal(`${name}: a reshape to [${shape.join(', ')}] is not covered`);
      }
      return flattened(source, shape, name, add);
    case 'add':
    case 'concat': {
      let row = 0;
      const terms = sources.map((s, k): Term => {
        const factor = operator.kind === 'add' ? operator.coefficients[k]! : 1;
        const term = { source: s, map: diagonal(s, () => factor), row };
        if (operator.kind === 'concat') row += s.channels;
        return term;
      });
      return add(name, shape, { kind: 'linear', terms });
    }
    case 'nonlinearity': {
      const { lower, upper } = slopeInterval(operator.function);
      const slopes = { lower: [...lower], upper: [...upper] };
      return add(name, shape, { kind: 'sector', source, role: 'nonlinearity', ...slopes });
    }
    case 'max-pool': {
      // A sample is in one window for every tap that lands on the grid of strides.
      const overlap = operator.kernel.reduce((product, k, a) => {
        const counts = new globalThis.Map<number, number>();
        for (let t = 0; t < k; t++) {
          const residue = (t * operator.dilation[a]!) % operator.stride[a]!;
          counts.set(residue, (counts.get(residue) ?? 0) + 1);
        }
        return product * Math.max(...counts.values());
      }, 1);
      return add(name, shape, { kind: 'maximum', source, gain: [1], overlap, stride: operator.stride });
    }
    case 'global-max-pool':
      return add(name, shape, { kind: 'maximum', source, gain: [1], overlap: 1 });
    case 'max-gather': {
      const vector =
        source.window.length === 0
          ? source
          : flattened(source, [source.channels * size(source.window)], name, add);
      return add(name, shape, {
        kind: 'maximum',
        source: vector,
        gain: [1],
        overlap: 1,
        entries: operator.windows,
      });
    }
    case 'softmax':
      return source;
    default:
      throw new Refusal(`${name}: ${(operator as Operator).kind} is not covered`);
  }
}

function isPadded(padding: { before: readonly number[]; after: readonly number[] }): boolean {
  return [...padding.before, ...padding.after].some((p) => p !== 0);
}

function window(
  name: string,
  sides: readonly number[],
  stride: readonly number[],
  padding: { mode: string; before: readonly number[]; after: readonly number[] },
  entries: Map['entries'],
): Map {
  const { mode, before, after } = padding;
  if (mode !== 'zero' && mode !== 'circular' && isPadded(padding)) {
    throw new Refusal(`${name}: ${mode} padding is not covered on a torus`);
  }
  const dilation = sides.map(() => 1);
  const circular = mode === 'circular' && isPadded(padding);
  return { kind: 'window', sides, stride, dilation, before, after, circular, entries };
}

function read(sides: readonly number[], entries: Map['entries']): Map {
  const ones = sides.map(() => 1);
  const zeros = sides.map(() => 0);
  return {
    kind: 'read',
    sides,
    stride: ones,
    dilation: ones,
    before: zeros,
    after: zeros,
    circular: false,
    entries,
  };
}

/** value · identity, at every position of a kernel. */
function uniform(channels: number, value: number): Map['entries'] {
  return (_t, put) => {
    for (let c = 0; c < channels; c++) put(c, c, value, Math.abs(value));
  };
}

/** y_c = value(c) x_c. */
function diagonal(source: Signal, value: (channel: number) => number): Map {
  const map = read(
    source.window.map(() => 1),
    (_t, put) => {
      for (let c = 0; c < source.channels; c++) put(c, c, value(c), Math.abs(value(c)));
    },
  );
  return { ...map, kind: 'window' };
}

function flattened(source: Signal, shape: readonly number[], name: string, add: Add): Signal {
  const positions = size(source.window);
  const map = read(source.window, (u, put) => {
    for (let c = 0; c < source.channels; c++) put(c * positions + u, c, 1, 1);
  });
  return add(name, shape, { kind: 'linear', terms: [{ source, map, row: 0 }] });
}

export function sourcesOf({ origin }: Signal): Signal[] {
  if (origin.kind === 'input') return [];
  return origin.kind === 'linear' ? [...new Set(origin.terms.map((t) => t.source))] : [origin.source];
}

function needed(signals: readonly Signal[], output: Signal): Signal[] {
  const keep = new Set([output, signals[0]!]);
  for (const s of signals.toReversed()) if (keep.has(s)) for (const source of sourcesOf(s)) keep.add(source);
  return signals.filter((s) => keep.has(s));
}

export function readersOf(signals: readonly Signal[]): globalThis.Map<Signal, Set<Signal>> {
  const readers = new globalThis.Map(signals.map((s) => [s, new Set<Signal>()]));
  for (const s of signals) for (const source of sourcesOf(s)) readers.get(source)?.add(s);
  return readers;
}

/** max ∘ φ reads φ's argument where nothing else reads φ: |max φ(x) − max φ(y)| ≤ max |slope| |x − y|. */
function fuseMaxima(signals: readonly Signal[], output: Signal): void {
  const readers = readersOf(needed(signals, output));
  for (const signal of signals) {
    const { origin } = signal;
    if (origin.kind !== 'maximum') continue;
    const inner = origin.source.origin;
    if (inner.kind !== 'sector' || (readers.get(origin.source)?.size ?? 0) > 1) continue;
    const gain = inner.lower.map((l, c) => Math.max(Math.abs(l), Math.abs(inner.upper[c]!)));
    signal.origin = { ...origin, source: inner.source, gain };
  }
}

/**
 * The window rule (math.md §2). On a torus a zero-padded map is exact only on signals that are zero outside their window
 * (clean). Nonlinearities and maxima can be made so, if 0 is one of their slopes; a linear map is where it reads clean
 * signals position by position; behind any other a mask with slopes [0, 1] is put.
 */
function masked(signals: readonly Signal[]): Signal[] {
  const pointwise = ({ kind, sides, before, after }: Map) =>
    kind === 'read' || (kind === 'window' && sides.every((k) => k === 1) && !isPadded({ before, after }));
  const spills = ({ kind, circular, before, after }: Map) =>
    kind === 'transposed' || (kind === 'window' && !circular && isPadded({ before, after }));
  const canBeClean = new globalThis.Map<Signal, boolean>();
  for (const s of signals) {
    const { origin } = s;
    const clean =
      origin.kind !== 'linear' || origin.terms.every((t) => pointwise(t.map) && canBeClean.get(t.source)!);
    canBeClean.set(s, clean);
  }
  const readers = readersOf(signals);
  const mustBeClean = new Set<Signal>();
  const result: Signal[] = [];
  for (const signal of signals.toReversed()) {
    const demanding = [...readers.get(signal)!].filter(
      (r) =>
        r.origin.kind === 'linear' &&
        r.origin.terms.some(
          (t) => t.source === signal && (spills(t.map) || (mustBeClean.has(r) && canBeClean.get(r)!)),
        ),
    );
    if (demanding.length > 0) {
      mustBeClean.add(signal);
      const { origin } = signal;
      if (origin.kind === 'sector') {
        origin.lower = origin.lower.map((l) => Math.min(l, 0));
        origin.upper = origin.upper.map((u) => Math.max(u, 0));
      } else if (!canBeClean.get(signal)!) {
        const mask: Signal = {
          name: `${signal.name} (window)`,
          channels: signal.channels,
          window: signal.window,
          origin: { kind: 'sector', source: signal, role: 'window', lower: [0], upper: [1] },
        };
        for (const { origin: to } of demanding) {
          if (to.kind !== 'linear') continue;
          to.terms = to.terms.map((t) => (t.source === signal ? { ...t, source: mask } : t));
        }
        result.push(mask);
      }
    }
    result.push(signal);
  }
  return result.reverse();
}

/** Roundings behind a weight: reading batch norm, and scales folded into it. */
export function uncertainty(network: Network): number {
  const scales = network.nodes.filter((n) => n.operator.kind === 'scale').length;
  return gamma(8 + 4 * scales);
}
