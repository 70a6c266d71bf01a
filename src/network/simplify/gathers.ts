/** Gathers are joined with each other and with the dense layers beside them. */
import { entrySources, mostReads } from '../evaluation/gather.ts';
import type { Network, Node } from '../network.ts';
import { emptyLike } from '../numbers.ts';
import type { Affine, Gather, Grouped, Operator } from '../operator.ts';
import { product } from '../size.ts';
import { movedFrom } from '../weights/origin.ts';
import { consumers, Rewriter } from './rewriter.ts';

type Shape = readonly number[];

/** A dense layer may become so many times as large, or have so many entries, for a gather that it takes in. */
const LARGEST_GROWTH = 2;
const FREE_ENTRIES = 2 ** 20;

/**
 * A gather of a gather becomes one; a dense layer that reads a gather, by which no entry is read twice, reads what that reads; the rows of
 * a dense layer that only a gather reads are gathered. Channels of one tensor that are picked and stacked are picked at once, and reordered
 * ones in front of groups that are sorted are reordered behind.
 */
export function joinGathers(network: Network): Network {
  const rewriter = new Rewriter(network);
  const readers = consumers(network);
  for (const node of network.nodes) {
    const [input] = rewriter.inputs(node);
    const before = rewriter.producer(input!);
    const alone = readers[node.inputs[0]!]!.length === 1 && node.inputs[0] !== network.output;
    const joined = before && join(rewriter, node, before, alone);
    const stacked = stackedGathers(rewriter, node, readers[node.output]!);
    const inPlace = before && groupsInPlace(node, before, rewriter.shape(before.inputs[0]!));
    if (joined) rewriter.replace(node, joined, before.inputs);
    else if (stacked) rewriter.replace(node, stacked.operator, [stacked.source]);
    else if (inPlace) moveThrough(rewriter, node, before, inPlace);
    else rewriter.copy(node);
  }
  return rewriter.finish();
}

/** The node as an operator on what the node before it reads. @param alone whether nothing else reads that node */
function join(rewriter: Rewriter, node: Node, before: Node, alone: boolean): Gather | Affine | undefined {
  const { operator } = node;
  const inner = before.operator;
  const source = rewriter.shape(before.inputs[0]!);
  const middle = rewriter.shape(before.output);
  const target = rewriter.old.tensors[node.output]!.shape;
  if (operator.kind === 'affine' && inner.kind === 'gather') {
    return withColumns(operator, entrySources(inner, source), product(source));
  }
  if (operator.kind !== 'gather') return undefined;
  if (inner.kind === 'gather') return joinedGathers(operator, inner, source, middle, target);
  if (inner.kind !== 'affine' || !alone || target.length > 1) return undefined;
  return withRows(inner, entrySources(operator, middle));
}

function joinedGathers(second: Gather, first: Gather, source: Shape, middle: Shape, target: Shape): Gather {
  const picked = (from: Int32Array, by: Int32Array) => by.map((at) => (at < 0 ? -1 : from[at]!));
  if (!first.shape && !second.shape)
    return { kind: 'gather', sources: picked(first.sources, second.sources) };
  const sources = picked(entrySources(first, source), entrySources(second, middle));
  return { kind: 'gather', sources, shape: target };
}

/** A stack of what is all picked of one tensor: channels, entries of a vector, or what nothing but groups that are sorted reads. */
function stackedGathers(rewriter: Rewriter, node: Node, readers: readonly Node[]) {
  if (node.operator.kind !== 'concat') return undefined;
  const picks = rewriter.inputs(node).map((id) => rewriter.producer(id));
  const [source] = picks[0]?.inputs ?? [];
  if (source === undefined) return undefined;
  const shape = rewriter.shape(source);
  const target = rewriter.old.tensors[node.output]!.shape;
  const sorts = isVector(target) && readers.length === 1 && sortsGroups(readers[0]!.operator);
  const sources: number[] = [];
  const channels = picks.every((pick) => pick?.operator.kind === 'gather' && !pick.operator.shape);
  if (!channels && !sorts && !(isVector(shape) && isVector(target))) return undefined;
  for (const pick of picks) {
    if (pick?.operator.kind !== 'gather' || pick.inputs[0] !== source) return undefined;
    sources.push(...(channels ? pick.operator.sources : entrySources(pick.operator, shape)));
  }
  const operator: Gather = {
    ...{ kind: 'gather', sources: Int32Array.from(sources) },
    ...(!channels && { shape: target }),
  };
  return { source, operator };
}

/** One sample of each channel. */
function isVector(shape: Shape): boolean {
  return product(shape.slice(1)) === 1;
}

function sortsGroups(operator: Operator): operator is Grouped {
  return operator.kind === 'grouped' && operator.function.name === 'sort' && !operator.wide;
}

interface InPlace {
  readonly groups: readonly Int32Array[];
  /** Of entries of an image as a vector. */
  readonly flat: boolean;
}

/**
 * Groups that are sorted behind a gather that only changes the order, in the order of what that reads: entries of a vector, or channels where
 * the same ones form a group at every position.
 */
function groupsInPlace({ operator }: Node, { operator: inner }: Node, source: Shape): InPlace | undefined {
  if (!sortsGroups(operator) || inner.kind !== 'gather') return undefined;
  const { sources, shape } = inner;
  const all = shape ? product(source) : source[0]!;
  const isOrder = sources.length === all && new Set(sources.filter((at) => at >= 0)).size === all;
  if (!isOrder || (shape && !isVector(shape))) return undefined;
  const moved = operator.groups.map((group) => group.map((at) => sources[at]!));
  if (!shape || isVector(source)) return { groups: moved, flat: false };
  const groups = channelGroups(moved, source);
  return groups ? { groups, flat: false } : { groups: moved, flat: true };
}

/** Groups of entries of an image as groups of channels, if they are. */
function channelGroups(groups: readonly Int32Array[], [channels, ...sides]: Shape): Int32Array[] | undefined {
  const image = product(sides);
  const byPosition = new Map<number, string[]>();
  for (const group of groups) {
    const position = group[0]! % image;
    if (group.some((at) => at % image !== position)) return undefined;
    const own = group.map((at) => Math.floor(at / image)).join();
    const list = byPosition.get(position);
    if (list) list.push(own);
    else byPosition.set(position, [own]);
  }
  const [first, ...others] = [...byPosition.values()].map((list) => list.sort());
  const alike = others.every(
    (list) => list.length === first!.length && list.every((own, k) => own === first![k]),
  );
  const same = alike && byPosition.size === image && groups.length * groups[0]!.length === channels! * image;
  return same ? first!.map((list) => Int32Array.from(list.split(','), Number)) : undefined;
}

function moveThrough(
  rewriter: Rewriter,
  node: Node,
  { operator: order, inputs: [source] }: Node,
  { groups, flat }: InPlace,
): void {
  const { name } = node;
  const shape = rewriter.shape(source!);
  const vector = { kind: 'reindex', permutation: [...shape.keys()], shape: [product(shape)] } as const;
  const from = flat ? rewriter.add(`${name} (flat)`, vector, [source!], `${name} (flat)`) : source!;
  const inPlace = rewriter.add(name, { ...(node.operator as Grouped), groups }, [from], `${name} (in place)`);
  const output = rewriter.add(`${name} (order)`, order, [inPlace], rewriter.old.tensors[node.output]!.name);
  rewriter.stand(node.output, output);
}

/** The layer behind a gather, on what that reads. */
function withColumns(layer: Affine, sources: Int32Array, inputs: number): Affine | undefined {
  const { outputs, weight, magnitude } = layer;
  if (magnitude || mostReads(sources, inputs) > 1 || !isSmall(outputs * inputs, weight.length))
    return undefined;
  const moved = emptyLike(weight, outputs * inputs);
  for (let o = 0; o < outputs; o++) {
    for (let i = 0; i < layer.inputs; i++) {
      if (sources[i]! >= 0) moved[o * inputs + sources[i]!] = weight[o * layer.inputs + i]!;
    }
  }
  const from = () => {
    const columns = new Int32Array(inputs).fill(-1);
    for (const [i, source] of sources.entries()) if (source >= 0) columns[source] = i;
    return Int32Array.from({ length: moved.length }, (_, n) => {
      const column = columns[n % inputs]!;
      return column < 0 ? -1 : Math.floor(n / inputs) * layer.inputs + column;
    });
  };
  return { ...layer, inputs, weight: movedFrom(moved, weight, from) };
}

/** The layer with the rows that a gather picks. */
function withRows(layer: Affine, sources: Int32Array): Affine | undefined {
  const { inputs, weight, magnitude, bias } = layer;
  const outputs = sources.length;
  if (magnitude || !isSmall(outputs * inputs, weight.length)) return undefined;
  const moved = emptyLike(weight, outputs * inputs);
  for (const [row, from] of sources.entries()) {
    if (from < 0) continue;
    for (let i = 0; i < inputs; i++) moved[row * inputs + i] = weight[from * inputs + i]!;
  }
  const entries = () =>
    Int32Array.from({ length: moved.length }, (_, n) => {
      const row = sources[Math.floor(n / inputs)]!;
      return row < 0 ? -1 : row * inputs + (n % inputs);
    });
  return {
    ...{ ...layer, outputs, weight: movedFrom(moved, weight, entries) },
    ...(bias && { bias: Float64Array.from(sources, (from) => (from < 0 ? 0 : bias[from]!)) }),
  };
}

function isSmall(entries: number, before: number): boolean {
  return entries <= Math.max(LARGEST_GROWTH * before, FREE_ENTRIES);
}
