/**
 * What the moduli of a network's weights and slopes bound (docs/mathematics.md §9): where every entry of the input changes by at most ε, the
 * entries of every tensor change by at most what |weights|, the largest slopes and maxima make of ε.
 */
import { slopeInterval } from '../elementwise/elementwise.ts';
import { type PlacedGroup, placedGroups, softmaxOfGroups } from '../groups/grouped.ts';
import type { GroupFunction } from '../groups/table.ts';
import type { Network, Node, Tensor, TensorId } from '../network.ts';
import { mapped } from '../numbers.ts';
import type { Operator, Weighted } from '../operator.ts';
import { product } from '../size.ts';

/**
 * A network without constants that makes of ε, whose entries are not negative, at least the most by which the entries of the output change where
 * those of the input change by ε. Undefined where it holds functions of which that is not known.
 * @param network as it was given: weights are off by rounding relative to themselves alone
 */
export function moduliOf(network: Network): Network | undefined {
  const tensors: Tensor[] = network.tensors.map((tensor) => ({ ...tensor }));
  const nodes: Node[] = [];
  for (const node of network.nodes) {
    const shape = (id: TensorId) => network.tensors[id]!.shape;
    const steps = modulusOf(node.operator, shape(node.inputs[0]!), shape(node.output));
    if (!steps) return undefined;
    let inputs = node.inputs;
    for (const [k, { operator, shape }] of steps.entries()) {
      const last = k === steps.length - 1;
      const output = last ? node.output : tensors.push({ name: node.name, shape }) - 1;
      nodes.push({ ...node, operator, inputs, output });
      inputs = [output];
    }
  }
  return { ...network, tensors, nodes };
}

interface Step {
  readonly operator: Operator;
  readonly shape: readonly number[];
}

function modulusOf(
  operator: Operator,
  input: readonly number[],
  output: readonly number[],
): readonly Step[] | undefined {
  const only = (own: Operator) => [{ operator: own, shape: output }];
  switch (operator.kind) {
    case 'affine': {
      const { bias: _, ...rest } = operator;
      return only({ ...rest, weight: mapped(operator.weight, above(operator)), roundings: 0 });
    }
    case 'convolution': {
      const { bias: _, ...rest } = operator;
      return only({ ...rest, weight: mapped(operator.weight, above(operator)), roundings: 0 });
    }
    case 'transposed-convolution': {
      const { bias: _, ...rest } = operator;
      return only({ ...rest, weight: mapped(operator.weight, above(operator)), roundings: 0 });
    }
    case 'scale':
      return only({ kind: 'scale', scale: operator.scale.map(above(operator)) });
    case 'nonlinearity': {
      const { lower, upper } = slopeInterval(operator.function);
      const scale = lower.map((l, k) => Math.max(Math.abs(l), Math.abs(upper[k]!)));
      return only({ kind: 'scale', scale });
    }
    case 'add':
      return only({ kind: 'add', coefficients: operator.coefficients.map(above(operator)) });
    case 'average-pool':
    case 'global-average-pool':
    case 'pad':
    case 'reindex':
    case 'gather':
    case 'concat':
    case 'max-pool':
    case 'max-gather':
    case 'global-max-pool':
      return only(operator);
    case 'grouped': {
      const most = largestChange(operator.function);
      if (most === undefined) return undefined;
      return largestOf(placedGroups(operator, input), most, output);
    }
    case 'softmax': {
      const groups = placedGroups(softmaxOfGroups(operator, input[0]!), input);
      return largestOf(groups, operator.logarithm ? 2 : 0.5, output);
    }
    default:
      return undefined;
  }
}

/** The modulus of a number that is off by what its operator's are. */
function above({ roundings = 0 }: Weighted): (x: number) => number {
  return (x) => Math.abs(x) * (1 + (roundings + 1) * 2 ** -52 * Math.sign(roundings));
}

/**
 * By how much an entry of the image of a group changes, at most, where no entry of the group changes by more than 1: the largest sum of
 * moduli of a row of the Jacobian. Of softmax that is 2 p (1 − p) ≤ ½, of its logarithm 1 − p + (1 − p) ≤ 2.
 */
function largestChange(f: GroupFunction): number | undefined {
  switch (f.name) {
    case 'softmax':
      return f.logarithm ? 2 : 0.5;
    case 'max':
    case 'sort':
    case 'log-sum-exp':
      return 1;
    default:
      return undefined;
  }
}

/** Of every group its largest change, once, for all entries of its image. */
function largestOf(
  groups: readonly PlacedGroup[],
  factor: number,
  shape: readonly number[],
): readonly Step[] {
  const count = [groups.length];
  const sources = new Int32Array(product(shape));
  for (const [g, { targets }] of groups.entries()) for (const k of targets) sources[k] = g;
  return [
    { operator: { kind: 'max-gather', windows: groups.map(({ sources }) => sources) }, shape: count },
    { operator: { kind: 'scale', scale: Float64Array.of(factor) }, shape: count },
    { operator: { kind: 'gather', sources, shape }, shape },
  ];
}
