/**
 * A network as a chain of stages: a linear part from all that is live, then functions entry by entry, the identity for what is carried on.
 * A residual network is such a chain too, and so is one with maxima, of which every round of a tournament is a stage.
 */
import { UnsupportedError } from '../../errors.ts';
import { type Elementwise, sharingParameters } from '../../network/elementwise/elementwise.ts';
import { isLinear } from '../../network/linearOperator.ts';
import type { Network, Node } from '../../network/network.ts';
import { prune } from '../../network/prune.ts';
import { unknownOperator } from '../../network/shape.ts';
import { withComparators } from '../../network/simplify/comparators.ts';
import { type Round, roundOf, windowsOfMaximum } from '../../network/simplify/tournaments.ts';
import { product } from '../../network/size.ts';
import { softmaxFactor } from '../../program/translate.ts';
import { LinearPart, type LinearStep, type Slot } from './linearPart.ts';
import { constantOf, constantSizeOf, placed, selected, termOf } from './terms.ts';

/** Entries of a state to which one function is applied; none: they are carried on. */
export interface Block {
  readonly start: number;
  readonly size: number;
  /** Name of the node, for people. */
  readonly name: string;
  readonly function?: Elementwise;
  /** The node whose function it is; none: one of the rounds that a maximum is made of. */
  readonly node?: Node;
  /** Entries of one channel. */
  readonly image: number;
}

export interface Stage {
  /** From what is behind the stage before, the input for the first, to the arguments of the functions. */
  readonly linear: LinearPart;
  readonly blocks: readonly Block[];
  /** Whether something is carried past its functions, or past those of the next stage, other than the rivals of a maximum. */
  readonly besideSkip: boolean;
}

export interface Chain {
  /** What it is the chain of, sorted groups as comparisons. */
  readonly network: Network;
  readonly inputs: number;
  readonly outputs: number;
  readonly stages: readonly Stage[];
  /** From what is behind the last stage to the output. */
  readonly last: LinearPart;
  /** Steepest slope of what was left off at the end. */
  readonly factor: number;
}

interface Nonlinear {
  readonly name: string;
  readonly node?: Node;
  readonly function: Elementwise;
  readonly image: number;
  readonly input: number;
  readonly output: number;
}

/** Tensors by number, made of earlier ones, each by a linear step or a nonlinearity. */
class Graph {
  readonly sizes: number[] = [];
  /** Nonlinearities on the longest way from the input. */
  readonly depth: number[] = [];
  readonly steps: { readonly step: LinearStep; readonly depth: number }[] = [];
  readonly nonlinear: Nonlinear[] = [];
  /** Tensors that wait for the result of a round of a tournament. */
  readonly rivals = new Set<number>();

  tensor(size: number, depth: number): number {
    this.depth.push(depth);
    return this.sizes.push(size) - 1;
  }

  linear(step: Omit<LinearStep, 'output'>): number {
    const depth = Math.max(...step.terms.map(({ source }) => this.depth[source]!));
    const output = this.tensor(step.size, depth);
    this.steps.push({ step: { ...step, output }, depth });
    return output;
  }

  apply(f: Elementwise, input: number, image: number, name: string, node?: Node): number {
    const output = this.tensor(this.sizes[input]!, this.depth[input]! + 1);
    this.nonlinear.push({ name, function: f, image, input, output, ...(node && { node }) });
    return output;
  }
}

/**
 * The chain of a network. A softmax at the end is left off: the chain's outputs are what it reads, in the same order.
 */
export function chainOf(whole: Network): Chain {
  const network = prune(withComparators(whole));
  const graph = new Graph();
  const own: number[] = [];
  const shape = (id: number) => network.tensors[id]!.shape;
  own[network.input] = graph.tensor(product(shape(network.input)), 0);
  for (const node of network.nodes) own[node.output] = translated(graph, network, node, own);
  // Reindexes may follow it.
  const end = network.nodes.find(({ operator }) => operator.kind === 'softmax');
  const factor = end ? softmaxFactor(end, shape(end.output)) : 1;
  return { network, ...scheduled(graph, own[network.input]!, own[network.output]!), factor };
}

function translated(graph: Graph, network: Network, node: Node, own: readonly number[]): number {
  const { operator, name } = node;
  const shape = (id: number) => network.tensors[id]!.shape;
  const inputs = node.inputs.map((id) => own[id]!);
  const [input, target] = [shape(node.inputs[0]!), shape(node.output)];
  const size = product(target);
  if (isLinear(operator)) {
    const constant = constantOf(operator, target);
    const terms = [termOf(operator, inputs[0]!, input, target)];
    const constantSize = constantSizeOf(operator, target);
    return graph.linear({
      name,
      size,
      terms,
      ...(constant && { constant }),
      ...(constantSize && { constantSize }),
    });
  }
  switch (operator.kind) {
    case 'nonlinearity':
      return graph.apply(
        operator.function,
        inputs[0]!,
        sharingParameters(operator.function, input),
        name,
        node,
      );
    case 'add': {
      const foldings = operator.roundings ?? 0;
      const terms = operator.coefficients.map((c, k) => ({
        ...placed(inputs[k]!, c, size, 0, size),
        foldings,
      }));
      return graph.linear({ name, size, terms });
    }
    case 'concat': {
      let first = 0;
      const terms = inputs.map((source) => {
        const count = graph.sizes[source]!;
        first += count;
        return placed(source, 1, count, first - count, size);
      });
      return graph.linear({ name, size, terms });
    }
    case 'max-pool':
    case 'max-gather':
    case 'global-max-pool':
    case 'grouped': {
      const windows = windowsOfMaximum(operator, input, target);
      if (windows) return tournament(graph, name, inputs[0]!, windows);
      throw new UnsupportedError([
        {
          ...{ node: name, found: operator.kind === 'grouped' ? operator.function.name : operator.kind },
          reason: 'proofs around inputs do not cover functions of groups; bounds of the whole network do',
        },
      ]);
    }
    case 'softmax':
      // Networks have it only as the last step, but for reindexes.
      return inputs[0]!;
    default:
      throw unknownOperator(operator);
  }
}

/** max(a, b) = b + relu(a − b), in rounds. A difference of certain sign is linear, so that certain winners cost nothing. */
function tournament(graph: Graph, name: string, input: number, windows: number[][]): number {
  let source = input;
  let rivals: Round['next'] = windows;
  for (;;) {
    const { first, second, stays, plus, next } = roundOf(rivals);
    const size = stays.length;
    const count = graph.sizes[source]!;
    const kept = graph.linear({ name, size, terms: [selected(source, count, [stays], [1])] });
    if (first.length === 0) return kept;
    graph.rivals.add(kept);
    const difference = graph.linear({
      name,
      size: first.length,
      terms: [selected(source, count, [first, second], [1, -1])],
    });
    const gain = graph.apply({ name: 'relu' }, difference, first.length, name);
    const terms = [placed(kept, 1, size, 0, size), selected(gain, first.length, [plus], [1])];
    source = graph.linear({ name, size, terms });
    rivals = next;
    if (rivals.every(({ length }) => length === 1)) return source;
  }
}

/** Each linear step as early as its sources allow; what is read later is carried. */
function scheduled(graph: Graph, input: number, output: number): Omit<Chain, 'network' | 'factor'> {
  const { depth, sizes, nonlinear, steps } = graph;
  const last = depth[output]!;
  /** The depth of the latest linear step that reads a tensor, or of the latest stage that does. */
  const latest = sizes.map(() => -1);
  for (const { step, depth: at } of steps)
    for (const { source } of step.terms) latest[source] = Math.max(latest[source]!, at);
  for (const { input: source } of nonlinear) latest[source] = Math.max(latest[source]!, depth[source]!);
  latest[output] = last;
  let live: readonly Slot[] = slots([input], sizes);
  const stages: { linear: LinearPart; blocks: Block[]; skips: boolean }[] = [];
  for (let k = 0; k < last; k++) {
    const here = nonlinear.filter((one) => depth[one.input] === k);
    const carried = sizes.flatMap((_, tensor) =>
      depth[tensor]! <= k && latest[tensor]! > k ? [tensor] : [],
    );
    const arguments_ = slots([...here.map((one) => one.input), ...carried], sizes);
    const own = steps.filter((one) => one.depth === k).map(({ step }) => step);
    const blocks = arguments_.map(({ start, size }, n): Block => {
      const one = here[n];
      if (one === undefined) return { start, size, name: 'carried', image: size };
      const { name, function: f, image, node } = one;
      return { start, size, name, function: f, image, ...(node && { node }) };
    });
    const skips = carried.some((tensor) => !graph.rivals.has(tensor));
    stages.push({ linear: new LinearPart(live, arguments_, needed(own, arguments_)), blocks, skips });
    live = slots([...here.map((one) => one.output), ...carried], sizes);
  }
  const own = steps.filter((one) => one.depth === last).map(({ step }) => step);
  const to = slots([output], sizes);
  return {
    inputs: sizes[input]!,
    outputs: sizes[output]!,
    stages: stages.map(({ linear, blocks, skips }, k) => ({
      linear,
      blocks,
      besideSkip: skips || stages[k + 1]?.skips === true,
    })),
    last: new LinearPart(live, to, needed(own, to)),
  };
}

function slots(tensors: readonly number[], sizes: readonly number[]): Slot[] {
  let start = 0;
  return tensors.map((tensor) => {
    const size = sizes[tensor]!;
    start += size;
    return { tensor, start: start - size, size };
  });
}

/** The steps that lead to these slots. */
function needed(steps: readonly LinearStep[], to: readonly Slot[]): LinearStep[] {
  const wanted = new Set(to.map(({ tensor }) => tensor));
  const kept: LinearStep[] = [];
  for (const step of [...steps].reverse()) {
    if (!wanted.has(step.output)) continue;
    for (const { source } of step.terms) wanted.add(source);
    kept.unshift(step);
  }
  return kept;
}
