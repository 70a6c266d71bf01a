/** Gathers are joined with each other and with the dense layers beside them. */
import { entrySources, mostReads } from '../evaluation/gather.ts';
import type { Network, Node } from '../network.ts';
import { emptyLike } from '../numbers.ts';
import type { Affine, Gather } from '../operator.ts';
import { product } from '../size.ts';
import { consumers, Rewriter } from './rewriter.ts';

type Shape = readonly number[];

/** A dense layer may become so many times as large, or have so many entries, for a gather that it takes in. */
const LARGEST_GROWTH = 2;
const FREE_ENTRIES = 2 ** 20;

/**
 * A gather of a gather becomes one; a dense layer that reads a gather, by which no entry is read twice, reads what that reads; the rows of
 * a dense layer that only a gather reads are gathered.
 */
export function joinGathers(network: Network): Network {
  const rewriter = new Rewriter(network);
  const readers = consumers(network);
  for (const node of network.nodes) {
    const [input] = rewriter.inputs(node);
    const before = rewriter.producer(input!);
    const alone = readers[node.inputs[0]!]!.length === 1 && node.inputs[0] !== network.output;
    const joined = before && join(rewriter, node, before, alone);
    if (joined) rewriter.replace(node, joined, before.inputs);
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
  return { ...layer, inputs, weight: moved };
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
  return {
    ...{ ...layer, outputs, weight: moved },
    ...(bias && { bias: Float64Array.from(sources, (from) => (from < 0 ? 0 : bias[from]!)) }),
  };
}

function isSmall(entries: number, before: number): boolean {
  return entries <= Math.max(LARGEST_GROWTH * before, FREE_ENTRIES);
}
