/** Networks as forms. What is not of straight pieces is refused, node by node. */
import { type Unsupported, UnsupportedError } from '../../errors.ts';
import { U } from '../../network/evaluation/elementwiseEnclosure.ts';
import { entrySources } from '../../network/evaluation/gather.ts';
import type { Network, Node, TensorId } from '../../network/network.ts';
import type { Affine, Scale } from '../../network/operator.ts';
import { prune } from '../../network/prune.ts';
import { unknownOperator } from '../../network/shape.ts';
import { sortPairs } from '../../network/simplify/pairs.ts';
import { product } from '../../network/size.ts';
import { unroll, unrolledSize } from '../../network/unroll.ts';
import { Expression } from './expression.ts';
import type { Form, Unit } from './form.ts';
import { ABSOLUTE_VALUE, type Pieces, POSITIVE_PART, straightPieces } from './pieces.ts';

/** Entries of weights, of the network as dense matrices and of the form: more is no small network. */
const MOST_ENTRIES = 2 ** 22;
/** Entries of all tensors together, each an expression of its own. */
const MOST_VALUES = 2 ** 18;
/** Units, linear ones among them. */
const MOST_UNITS = 4000;
/** Combinations become units of their own where they hold so many times more atoms than there are of them. */
const WORTH_UNITS = 1.5;

/** Units in the making: numbered as they come. */
class Draft {
  readonly inputs: number;
  readonly name: string;
  readonly units: {
    readonly name: string;
    readonly pieces?: Pieces;
    readonly argument: Expression;
    level: number;
  }[] = [];

  constructor(name: string, inputs: number) {
    this.name = name;
    this.inputs = inputs;
  }

  unit(name: string, argument: Expression, pieces?: Pieces): Expression {
    let level = 0;
    for (const atom of argument.coefficients.keys()) level = Math.max(level, this.levelOf(atom));
    const atom =
      this.inputs + this.units.push({ name, argument, level: level + 1, ...(pieces && { pieces }) }) - 1;
    if (this.units.length > MOST_UNITS) throw tooLarge(this.name);
    return Expression.atom(atom);
  }

  levelOf(atom: number): number {
    return atom < this.inputs ? 0 : this.units[atom - this.inputs]!.level;
  }
}

/**
 * @param pair the difference of two of the outputs in place of all
 * @throws UnsupportedError listing every node that is not of straight pieces, or where the network is too large
 */
export function formOf(whole: Network, pair?: readonly [i: number, j: number]): Form {
  // Of two functions of one difference half the patterns hold on a plane alone.
  const network = prune(sortPairs(whole));
  const obstacles = network.nodes.flatMap(obstacleOf);
  if (obstacles.length > 0) throw new UnsupportedError(obstacles);
  const values = network.tensors.reduce((sum, { shape }) => sum + product(shape), 0);
  if (values > MOST_VALUES || unrolledSize(network, 0).bytes > 8 * MOST_ENTRIES) throw tooLarge(network.name);
  const flat = unroll(network, 0);
  const inputs = product(flat.tensors[flat.input]!.shape);
  const draft = new Draft(network.name, inputs);
  const tensors: (readonly Expression[])[] = [];
  tensors[flat.input] = Array.from({ length: inputs }, (_, atom) => Expression.atom(atom));
  for (const node of flat.nodes) {
    const sources = node.inputs.map((id) => tensors[id]!);
    tensors[node.output] = combined(draft, node, sources, (id) => flat.tensors[id]!.shape);
  }
  const all = tensors[flat.output]!;
  const outputs = pair ? [new Expression().add(all[pair[0]]!, 1).add(all[pair[1]]!, -1)] : all;
  return formFrom(draft, outputs);
}

/** Why a node has no form, if it has none. */
function obstacleOf({ name, operator }: Node): Unsupported[] {
  const refused = (found: string): Unsupported[] => [
    {
      node: name,
      found,
      reason:
        'exact constants are of networks of straight pieces: ReLU, leaky ReLU, PReLU, abs, clip, hard tanh, maxima and sorting; use the other methods',
    },
  ];
  switch (operator.kind) {
    case 'nonlinearity':
      return straightPieces(operator.function, 0) ? [] : refused(operator.function.name);
    case 'grouped':
      return operator.function.name === 'max' || operator.function.name === 'sort'
        ? []
        : refused(operator.function.name);
    case 'softmax':
      return refused('softmax');
    default:
      return [];
  }
}

function beyondFloat64(node: string): UnsupportedError {
  const reason = 'exact constants take products of weights between neurons in float64; use the other methods';
  return new UnsupportedError([
    { node, found: 'products of weights that leave the range of float64', reason },
  ]);
}

function tooLarge(node: string): UnsupportedError {
  return new UnsupportedError([
    {
      node,
      found: 'a large network',
      reason: `exact constants are of small networks, up to ${MOST_UNITS} units and ${MOST_ENTRIES} weights as dense matrices; use the other methods`,
    },
  ]);
}

function combined(
  draft: Draft,
  { name, operator, inputs, output }: Node,
  sources: readonly (readonly Expression[])[],
  shape: (id: TensorId) => readonly number[],
): readonly Expression[] {
  const x = sources[0]!;
  switch (operator.kind) {
    case 'affine':
      return affineOf(operator, compressed(draft, name, x));
    case 'scale':
      return scaled(operator, x);
    case 'reindex':
    case 'gather':
      return [...entrySources(operator, shape(inputs[0]!))].map((from) =>
        from < 0 ? new Expression() : x[from]!,
      );
    case 'nonlinearity':
      return x.map((argument, channel) => {
        const straight = straightPieces(operator.function, channel)!;
        return applied(draft, name, straight, argument);
      });
    case 'max-gather':
      return operator.windows.map((window) =>
        largest(
          draft,
          name,
          [...window].map((k) => x[k]!),
        ),
      );
    case 'add': {
      const error = (operator.roundings ?? 0) * U;
      return x.map((_, n) => {
        const sum = new Expression();
        for (const [k, c] of operator.coefficients.entries())
          sum.add(sources[k]![n]!, c, error * Math.abs(c));
        return sum;
      });
    }
    case 'concat':
      return sources.flat();
    case 'grouped': {
      const sorted: Expression[] = [];
      if (operator.function.name !== 'sort')
        throw new Error(`form: ${operator.function.name} has been refused`);
      for (const group of operator.groups) {
        const order = inOrder(
          draft,
          name,
          [...group].map((k) => x[k]!),
        );
        if (operator.function.descending) order.reverse();
        for (const [place, k] of group.entries()) sorted[k] = order[place]!;
      }
      return sorted;
    }
    case 'convolution':
    case 'transposed-convolution':
    case 'average-pool':
    case 'global-average-pool':
    case 'pad':
    case 'max-pool':
    case 'global-max-pool':
    case 'softmax':
      throw new Error(`form: ${operator.kind} has been unrolled or refused (${name}, ${output})`);
    default:
      throw unknownOperator(operator);
  }
}

function applied(
  draft: Draft,
  name: string,
  { scale, shift, pieces, gain, slope }: ReturnType<typeof straightPieces> & object,
  argument: Expression,
): Expression {
  const result = new Expression().add(argument, slope);
  if (!pieces) return result;
  const moved =
    scale === 1 && shift === 0 ? argument : new Expression().add(argument, scale).addConstant(shift);
  const unit = draft.unit(name, moved, pieces);
  return gain === 1 && slope === 0 ? unit : result.add(unit, gain);
}

function affineOf(
  { weight, magnitude, bias, inputs, outputs, roundings = 0 }: Affine,
  x: readonly Expression[],
): Expression[] {
  return Array.from({ length: outputs }, (_, row) => {
    const sum = new Expression();
    for (let k = 0; k < inputs; k++) {
      const value = weight[row * inputs + k]!;
      const uncertain = magnitude ? magnitude[row * inputs + k]! : Math.abs(value);
      sum.add(x[k]!, value, roundings * U * (1 + U) ** roundings * uncertain);
    }
    return bias ? sum.addConstant(bias[row]!) : sum;
  });
}

function scaled(
  { scale, shift, shiftMagnitude, roundings = 0 }: Scale,
  x: readonly Expression[],
): Expression[] {
  const at = (values: Float64Array, n: number) => values[values.length === 1 ? 0 : n]!;
  const relative = roundings * U * (1 + U) ** roundings;
  return x.map((expression, n) => {
    const factor = at(scale, n);
    const sum = new Expression().add(expression, factor, relative * Math.abs(factor));
    if (!shift) return sum;
    return sum.addConstant(at(shift, n), relative * Math.abs(at(shiftMagnitude ?? shift, n)));
  });
}

/** Combinations that hold more atoms than there are of them are carried on as units: what is behind stays small. */
function compressed(draft: Draft, name: string, x: readonly Expression[]): readonly Expression[] {
  const atoms = new Set<number>();
  for (const { coefficients } of x) for (const atom of coefficients.keys()) atoms.add(atom);
  if (atoms.size <= WORTH_UNITS * x.length) return x;
  return x.map((expression) =>
    expression.coefficients.size <= 1 ? expression : draft.unit(name, expression),
  );
}

/** max(a, b) = b + (a − b)₊, in rounds. */
function largest(draft: Draft, name: string, x: readonly Expression[]): Expression {
  let rivals = x;
  while (rivals.length > 1) {
    const winners: Expression[] = [];
    for (let k = 0; k < rivals.length; k += 2) {
      const [a, b] = [rivals[k]!, rivals[k + 1]];
      winners.push(
        b ? new Expression().add(b, 1).add(draft.unit(name, difference(a, b), POSITIVE_PART), 1) : a,
      );
    }
    rivals = winners;
  }
  return rivals[0]!;
}

function difference(a: Expression, b: Expression): Expression {
  return new Expression().add(a, 1).add(b, -1);
}

/** Ascending, by neighbours that are compared (odd and even ones in turn): half of the sum less and plus half of the modulus of the difference. */
function inOrder(draft: Draft, name: string, x: readonly Expression[]): Expression[] {
  const order = [...x];
  for (let round = 0; round < order.length; round++) {
    for (let k = round % 2; k + 1 < order.length; k += 2) {
      const [a, b] = [order[k]!, order[k + 1]!];
      const plus = new Expression().add(a, 1).add(b, 1);
      const sum = draft.unit(name, plus);
      const gap = draft.unit(name, difference(a, b), ABSOLUTE_VALUE);
      order[k] = new Expression().add(sum, 0.5).add(gap, -0.5);
      order[k + 1] = new Expression().add(sum, 0.5).add(gap, 0.5);
    }
    if (order.length === 2) break;
  }
  return order;
}

/** Numbers the units by level, and leaves out those that nothing reads. */
function formFrom({ name, inputs, units: drafted, ...draft }: Draft, outputs: readonly Expression[]): Form {
  const read = new Set<number>();
  const mark = ({ coefficients }: Expression) => {
    for (const atom of coefficients.keys()) read.add(atom);
  };
  outputs.forEach(mark);
  for (let k = drafted.length - 1; k >= 0; k--) if (read.has(inputs + k)) mark(drafted[k]!.argument);
  const kept = [...drafted.keys()]
    .filter((k) => read.has(inputs + k))
    .sort((a, b) => drafted[a]!.level - drafted[b]!.level || a - b);
  const place = new Map(kept.map((k, n) => [inputs + k, inputs + n]));
  const units = kept.map((k): Unit => {
    const { name, pieces, level } = drafted[k]!;
    return { name, level, ...(pieces && { pieces }) };
  });
  const atoms = inputs + units.length;
  const rows = [...kept.map((k) => drafted[k]!.argument), ...outputs];
  if (rows.length * atoms > MOST_ENTRIES) throw tooLarge(name);
  const weight = new Float64Array(rows.length * atoms);
  const weightError = new Float64Array(rows.length * atoms);
  const bias = new Float64Array(rows.length);
  const biasError = new Float64Array(rows.length);
  for (const [row, { coefficients, constant }] of rows.entries()) {
    for (const [atom, { value, error }] of coefficients) {
      const at = row * atoms + (atom < inputs ? atom : place.get(atom)!);
      weight[at] = value;
      weightError[at] = error;
    }
    bias[row] = constant.value;
    biasError[row] = constant.error;
  }
  void draft;
  // What may be anything says nothing, and its products with 0 are no numbers.
  if (![weight, weightError, bias, biasError].every((values) => values.every(Number.isFinite)))
    throw beyondFloat64(name);
  return {
    ...{ inputs, outputs: outputs.length, units, atoms, weight, bias },
    ...(weightError.some((e) => e !== 0) && { weightError }),
    ...(biasError.some((e) => e !== 0) && { biasError }),
    kinks: Int32Array.from([...units.keys()].filter((u) => units[u]!.pieces)),
  };
}
