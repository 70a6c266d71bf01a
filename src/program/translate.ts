/** From a network to its variables, node by node. */
import { type Unsupported, UnsupportedError } from '../errors.ts';
import { slopeInterval } from '../network/elementwise/elementwise.ts';
import { channelsRead, entrySources, mostReads, padSources } from '../network/evaluation/gather.ts';
import { fewestSamplesInside, mostWindowsSharing } from '../network/evaluation/windows.ts';
import { groupedLipschitz, groupedSpread, groupsOfChannels, lastSoftmax } from '../network/groups/grouped.ts';
import {
  boxOf,
  isUpsampling,
  type Lattice,
  type LatticeEntry,
  latticeOf,
  reachOf,
} from '../network/lattice.ts';
import type { Network, Node } from '../network/network.ts';
import type { Convolution, Padding, Scale, TransposedConvolution } from '../network/operator.ts';
import { perChannel, product, strides } from '../network/size.ts';
import { constants } from '../network/weights/origin.ts';
import type { TapKernel, TapTable } from '../spectrum/taps.ts';
import { sortedGroups } from './sorts.ts';
import type { Lengths, LinearMap, Term, Variable, VariableGraph } from './variables.ts';

/** The largest vector that entries of an image may become by a linear map, where no layer absorbs it. */
const LARGEST_FLATTEN = 4096;

const ONE = constants(Float64Array.of(1));

/**
 * Translates a simplified network.
 * @throws UnsupportedError listing every node that has no rule on a torus (reflect and replicate padding, reshapes that
 *   are not a flatten): the unrolled network may still be bounded.
 */
export function variablesOf(
  network: Network,
  { lengths = 'as given', padsByCopies = false }: TranslateOptions = {},
): VariableGraph {
  const byTensor = new Map<number, Variable>();
  const shapeOf = (tensor: number) => network.tensors[tensor]!.shape;
  const input: Variable = {
    name: network.tensors[network.input]!.name,
    operator: 'input',
    channels: shapeOf(network.input)[0]!,
    window: shapeOf(network.input).slice(1),
    origin: { kind: 'input' },
  };
  byTensor.set(network.input, input);
  const variables = [input];
  const unsupported: Unsupported[] = [];
  let factor = 1;

  for (const node of network.nodes) {
    const shape = shapeOf(node.output);
    const sources = node.inputs.map((t) => byTensor.get(t)!);
    const make: Make = (origin, suffix = '', own = shape) => {
      const variable: Variable = {
        name: node.name + suffix,
        operator: node.operator.kind,
        channels: own[0]!,
        window: own.slice(1),
        origin,
      };
      variables.push(variable);
      return variable;
    };
    const refuse: Refuse = (found, reason) => {
      unsupported.push({ node: node.name, found, reason });
      return make({ kind: 'input' });
    };
    const ending = lastSoftmax(node, network);
    if (ending) {
      factor = ending.logarithm ? Math.sqrt(ending.size) : 0.5;
      byTensor.set(node.output, sources[0]!);
      continue;
    }
    const padded = padsByCopies ? withCopies(node, sources, make) : undefined;
    const result = translate(padded?.node ?? node, padded?.sources ?? sources, shape, lengths, make, refuse);
    if (node.operator.kind === 'softmax') factor = softmaxFactor(node, shape);
    byTensor.set(node.output, result);
  }
  if (unsupported.length > 0) throw new UnsupportedError(unsupported);
  return { variables, input, output: byTensor.get(network.output)!, factor };
}

export interface TranslateOptions {
  readonly lengths?: Lengths | undefined;
  /** Padding that is no symbol's is a map by itself, which moves and repeats samples. */
  readonly padsByCopies?: boolean;
}

/** An operator that pads by samples of the signal as one without padding, on what is padded. */
function withCopies(node: Node, [source]: readonly Variable[], make: Make) {
  const { operator } = node;
  if (!('padding' in operator) || operator.padding.mode === 'circular' || onTorus(operator.padding))
    return undefined;
  const { padding } = operator;
  const from = [source!.channels, ...source!.window];
  const to = from.map((n, a) => (a === 0 ? n : padding.before[a - 1]! + n + padding.after[a - 1]!));
  const sources = padSources({ kind: 'pad', padding }, from, to);
  const image = movedImage(sources, source!, to, (origin) => make(origin, ' (padding)', to));
  const none = padding.before.map(() => 0);
  const rest = { ...operator, padding: { mode: 'zero', before: none, after: none } } as const;
  return { node: { ...node, operator: rest }, sources: [image] };
}

/** Makes a variable of the node's shape, or of another. */
type Make = (origin: Variable['origin'], suffix?: string, shape?: readonly number[]) => Variable;
type Refuse = (found: string, reason: string) => Variable;

function translate(
  node: Node,
  sources: readonly Variable[],
  shape: readonly number[],
  lengths: Lengths,
  make: Make,
  refuse: Refuse,
): Variable {
  const operator = node.operator;
  const source = sources[0]!;
  const linear = (map: LinearMap, suffix?: string) =>
    make({ kind: 'linear', terms: [{ source, map, row: 0, channels: shape[0]!, name: node.name }] }, suffix);

  switch (operator.kind) {
    case 'affine': {
      const { weight, magnitude } = operator;
      return linear({ kind: 'read', weight, ...(magnitude && { magnitude }) });
    }
    case 'convolution': {
      const mode = operator.padding.mode;
      if (!onTorus(operator.padding)) return refuse(`${mode} padding`, notShiftInvariant(lengths));
      return linear({
        kind: 'convolution',
        kernel: groupedKernel(operator),
        stride: operator.stride,
        dilation: operator.dilation,
        before: operator.padding.before,
        after: operator.padding.after,
        circular: mode === 'circular',
      });
    }
    case 'transposed-convolution':
      return linear({
        kind: 'transposed',
        kernel: groupedKernel(operator),
        stride: operator.stride,
        dilation: operator.dilation,
        before: operator.before,
        after: operator.after.map((x, a) => Math.max(0, x - operator.outputPadding[a]!)),
      });
    case 'scale':
      return scaled(operator, source, shape, make, linear);
    case 'nonlinearity': {
      const slopes = slopeInterval(operator.function);
      const { lower, upper } = perChannel(slopes.lower, slopes.upper, shape);
      return make({ kind: 'nonlinearity', source, lower, upper });
    }
    case 'average-pool': {
      if (!onTorus(operator.padding))
        return refuse(`${operator.padding.mode} padding`, notShiftInvariant(lengths));
      const size = operator.kernel.reduce((p, k) => p * k, 1);
      const mean = linear(
        boxMap(operator.kernel, operator.stride, operator.padding, 1 / size, source.channels),
      );
      if (operator.countIncludesPadding || !isPadded(operator.padding)) return mean;
      // Windows at the border divide by fewer samples: a known factor between 1 and `most`, position by position.
      const fewest =
        lengths === 'as given'
          ? fewestSamples(operator.kernel, operator.stride, operator.padding, source.window, shape)
          : fewestFrom(operator.kernel, operator.padding, lengths.shortest(node.name));
      const most = size / fewest;
      return make(
        { kind: 'nonlinearity', source: mean, lower: ONE, upper: Float64Array.of(most) },
        ' (divisor)',
      );
    }
    case 'max-pool': {
      const overlap = operator.kernel.reduce((p, k, a) => {
        // Taps of one window lie `dilation` apart; a sample is in a window for every tap that lands on the stride's grid.
        return p * mostWindowsSharing(k, operator.stride[a]!, operator.dilation[a]!);
      }, 1);
      return make({
        kind: 'maximum',
        source,
        gain: ONE,
        overlap,
        windows: { kind: 'strided', stride: operator.stride },
      });
    }
    case 'global-max-pool':
      return make({ kind: 'maximum', source, gain: ONE, overlap: 1, windows: { kind: 'whole' } });
    case 'max-gather': {
      const vector = source.window.length === 0 ? source : flattened(source, make);
      const counts = new Map<number, number>();
      for (const list of operator.windows) for (const i of list) counts.set(i, (counts.get(i) ?? 0) + 1);
      let overlap = 1;
      for (const n of counts.values()) overlap = Math.max(overlap, n);
      return make({
        kind: 'maximum',
        source: vector,
        gain: ONE,
        overlap,
        windows: { kind: 'listed', entries: operator.windows },
      });
    }
    case 'grouped': {
      const { ofSource, ofTarget } = groupsOfChannels(operator);
      const groups = operator.groups.length;
      const sorted = sortedGroups(operator, source, (origin, suffix, channels) =>
        make(origin, suffix, [channels, ...source.window]),
      );
      if (sorted) return sorted;
      const gain = Float64Array.of(groupedLipschitz(operator, [source.channels, ...source.window]));
      const spread = groupedSpread(operator);
      const windows = { kind: 'grouped', ofSource, ofTarget, groups, spread } as const;
      return make({ kind: 'maximum', source, gain, overlap: 1, windows });
    }
    case 'global-average-pool': {
      const size = source.window.reduce((p, n) => p * n, 1);
      return linear({ kind: 'total', value: operator.sum ? 1 : 1 / size });
    }
    case 'pad': {
      if (!onTorus(operator.padding))
        return refuse(`${operator.padding.mode} padding`, notShiftInvariant(lengths));
      const ones = operator.padding.before.map(() => 1);
      return linear(boxMap(ones, ones, operator.padding, 1, source.channels));
    }
    case 'reindex':
    case 'gather':
      return moved(entrySources(operator, [source.channels, ...source.window]), source, shape, make, linear);
    case 'add':
      return make({
        kind: 'linear',
        terms: sources.map((s, k) => ({
          source: s,
          map: { kind: 'identity', scale: constants(Float64Array.of(operator.coefficients[k]!)) },
          row: 0,
          channels: s.channels,
        })),
      });
    case 'concat': {
      let row = 0;
      const terms = sources.map((s): Term => {
        const term: Term = { source: s, map: { kind: 'identity', scale: ONE }, row, channels: s.channels };
        row += s.channels;
        return term;
      });
      return make({ kind: 'linear', terms });
    }
    case 'softmax':
      return source;
    default:
      return operator satisfies never;
  }
}

/** A variable's entries as a vector, where no fully connected layer reads them at once. */
function flattened(source: Variable, make: Make): Variable {
  const size = source.window.reduce((p, n) => p * n, source.channels);
  const sources = new Int32Array(size).map((_, k) => k);
  const term: Term = { source, map: { kind: 'pick', sources, scale: ONE }, row: 0, channels: size };
  return make({ kind: 'linear', terms: [term] }, '', [size]);
}

/**
 * Entries of a variable somewhere else: a linear map where they go to a vector of moderate size, or to an image by what is the same at all
 * positions; else a signal of its own, of which nothing is known but how much it varies.
 */
function moved(
  sources: Int32Array,
  source: Variable,
  shape: readonly number[],
  make: Make,
  linear: (map: LinearMap) => Variable,
): Variable {
  const vectors = shape.length === 1 && source.window.length === 0;
  if (vectors || (shape.length === 1 && sources.length <= LARGEST_FLATTEN)) {
    return linear({ kind: 'pick', sources, scale: ONE });
  }
  const own = [source.channels, ...source.window];
  const lattice = latticeOf(sources, own, shape);
  if (lattice) return linear(latticeMap(lattice, source.window, shape.slice(1)));
  return movedImage(sources, source, shape, make);
}

function movedImage(sources: Int32Array, source: Variable, shape: readonly number[], make: Make): Variable {
  const own = [source.channels, ...source.window];
  const overlap = Math.max(1, mostReads(sources, product(own)));
  const channels = channelsRead(sources, own, shape);
  return make({
    kind: 'maximum',
    source,
    gain: ONE,
    overlap,
    windows: { kind: 'moved', channels, ...tiedReadings(channels, source.channels, overlap) },
  });
}

/**
 * Where an entry of a channel goes to one channel of the result and its neighbour to another, a sum over both counts more places than any
 * entry has. Such channels of the result are tied to one covariance, and share the places that there are (docs/mathematics.md §1).
 */
function tiedReadings(channels: readonly Int32Array[], inputs: number, overlap: number) {
  const readers = Array.from({ length: inputs }, (): number[] => []);
  for (const [o, list] of channels.entries()) for (const c of list) readers[c]!.push(o);
  const ties = channels.map((_, o) => o);
  const top = (o: number): number => {
    while (ties[o] !== o) o = ties[o] = ties[ties[o]!]!;
    return o;
  };
  for (const list of readers) if (list.length > overlap) for (const o of list) ties[top(o)] = top(list[0]!);
  const numbers = new Map([...new Set(ties.map((_, o) => top(o)))].map((o, k) => [o, k]));
  const tied = Int32Array.from(ties, (_, o) => numbers.get(top(o))!);
  const readings = Array.from(numbers, (): number[] => []);
  for (const [c, list] of readers.entries()) {
    const places = new Map<number, number>();
    for (const o of list) places.set(tied[o]!, Math.min(overlap, (places.get(tied[o]!) ?? 0) + 1));
    for (const [set, count] of places) for (let k = 0; k < count; k++) readings[set]!.push(c);
  }
  return { tied, readings: readings.map((list) => Int32Array.from(list)) };
}

function latticeMap(lattice: Lattice, from: readonly number[], to: readonly number[]): LinearMap {
  const { least, sides } = boxOf(lattice);
  const upsamples = isUpsampling(lattice);
  const steps = strides(sides);
  const byPosition = new Map<number, LatticeEntry[]>();
  for (const entry of lattice.entries) {
    const at = reachOf(lattice, entry).reduce((k, reach, a) => k + (reach - least[a]!) * steps[a]!, 0);
    const list = byPosition.get(at);
    if (list) list.push(entry);
    else byPosition.set(at, [entry]);
  }
  const kernel: TapKernel = {
    sides,
    entries: (t, put) => {
      for (const { output, input } of byPosition.get(t) ?? []) put(output, input, 1);
    },
  };
  const step = upsamples ? lattice.up : lattice.stride;
  // How far beyond the last sample of the source it reads, or beyond that of the result it reaches.
  const [driven, driving] = upsamples ? [to, from] : [from, to];
  const after = sides.map((side, a) => step[a]! * (driving[a]! - 1) + least[a]! + side - driven[a]!);
  const before = least.map((reach) => -reach || 0);
  const dilation = sides.map(() => 1);
  return upsamples
    ? { kind: 'transposed', kernel, stride: step, dilation, before, after: after.map((n) => Math.max(0, n)) }
    : { kind: 'convolution', kernel, stride: step, dilation, before, after, circular: false };
}

/** A factor for every entry: one per channel, or slopes that vary from one position to another. */
function scaled(
  { scale, roundings = 0 }: Scale,
  source: Variable,
  shape: readonly number[],
  make: Make,
  linear: (map: LinearMap) => Variable,
): Variable {
  if (scale.length <= shape[0]!) return linear({ kind: 'identity', scale });
  const { lower, upper } = perChannel(scale, scale, shape);
  if (lower.every((low, c) => low === upper[c])) return linear({ kind: 'identity', scale: lower });
  // What factors may be off by from arithmetic on the way from the file.
  const slack = (value: number) => 2 ** -52 * roundings * Math.abs(value);
  const [below, above] = [lower.map((x) => x - slack(x)), upper.map((x) => x + slack(x))];
  return make({ kind: 'nonlinearity', source, lower: below, upper: above });
}

/** Signals of any length are not unrolled. */
function notShiftInvariant(lengths: Lengths): string {
  const otherwise =
    lengths === 'as given'
      ? 'the unrolled method covers it where the layer is small enough'
      : 'bound it without the option length';
  return `not shift-invariant, so it has no symbol; zero and circular padding have; ${otherwise}`;
}

function onTorus(padding: Padding): boolean {
  return padding.mode === 'zero' || padding.mode === 'circular' || !isPadded(padding);
}

function isPadded(padding: Padding): boolean {
  return padding.before.some((p) => p !== 0) || padding.after.some((p) => p !== 0);
}

/** Softmax is ½-Lipschitz; the Jacobian I − 1pᵀ of log-softmax over n classes has norm at most √n (a vertex p = e_i). */
export function softmaxFactor(node: Node, shape: readonly number[]): number {
  return node.operator.kind === 'softmax' && node.operator.logarithm ? Math.sqrt(shape[0]!) : 0.5;
}

/** Fewest unpadded samples in any window of a padded average pooling. */
function fewestSamples(
  kernel: readonly number[],
  stride: readonly number[],
  padding: Padding,
  window: readonly number[],
  shape: readonly number[],
): number {
  return kernel.reduce((product, k, a) => {
    const fewest = fewestSamplesInside(k, stride[a]!, padding.before[a]!, window[a]!, shape[a + 1]!);
    return product * Math.max(1, Math.min(k, fewest));
  }, 1);
}

/** Fewest unpadded samples in any window, for all signals that are not shorter: one, or in long ones what padding on one side leaves of a window. */
function fewestFrom(
  kernel: readonly number[],
  { before, after }: Padding,
  shortest: readonly number[] | undefined,
): number {
  return kernel.reduce((product, k, a) => {
    const long = shortest !== undefined && shortest[a]! >= k;
    return product * (long ? Math.max(1, k - Math.max(before[a]!, after[a]!)) : 1);
  }, 1);
}

function boxMap(
  kernel: readonly number[],
  stride: readonly number[],
  padding: Padding,
  value: number,
  channels: number,
): LinearMap {
  return {
    kind: 'convolution',
    kernel: {
      sides: kernel,
      entries: (_t, put) => {
        for (let c = 0; c < channels; c++) put(c, c, value);
      },
    },
    stride,
    dilation: kernel.map(() => 1),
    before: padding.before,
    after: padding.after,
    circular: padding.mode === 'circular' && isPadded(padding),
    box: value,
  };
}

/**
 * The kernel of a grouped convolution, whose weight is [outputs, inputs / groups, ...kernel], or of a transposed one,
 * [inputs, outputs / groups, ...kernel].
 */
function groupedKernel(c: Convolution | TransposedConvolution): TapKernel {
  const size = c.kernel.reduce((p, k) => p * k, 1);
  const transposed = c.kind === 'transposed-convolution';
  const [rows, columns] = transposed ? [c.inputs, c.outputs] : [c.outputs, c.inputs];
  const columnsPerGroup = columns / c.groups;
  const rowsPerGroup = rows / c.groups;
  const [byRow, byColumn] = [columns * size, size];
  const table: TapTable = {
    ...{ weight: c.weight, outputs: c.outputs, inputs: c.inputs },
    ...(transposed ? { byOutput: byColumn, byInput: byRow } : { byOutput: byRow, byInput: byColumn }),
  };
  return {
    ...(c.groups === 1 ? { table } : {}),
    sides: c.kernel,
    weights: {
      of: c.weight,
      at: (output, input, t) => {
        const [row, column] = transposed ? [input, output] : [output, input];
        const k = column - Math.floor(row / rowsPerGroup) * columnsPerGroup;
        return k >= 0 && k < columnsPerGroup ? (row * columnsPerGroup + k) * size + t : -1;
      },
    },
    entries: (t, put) => {
      for (let row = 0; row < rows; row++) {
        const first = Math.floor(row / rowsPerGroup) * columnsPerGroup;
        for (let k = 0; k < columnsPerGroup; k++) {
          const value = c.weight[(row * columnsPerGroup + k) * size + t]!;
          if (value === 0) continue;
          if (transposed) put(first + k, row, value);
          else put(row, first + k, value);
        }
      }
    },
  };
}
