/**
 * The network with its linear maps transposed and in reverse order, its nonlinearities between them (docs/mathematics.md §9): where a
 * network's differences are J Δx, J made of its linear maps and of slopes, those of the transposed one are Jᵀ u.
 */
import { NetworkBuilder } from '../builder.ts';
import { entrySources } from '../evaluation/gather.ts';
import { groupDefinitionOf } from '../groups/table.ts';
import { linearMatrix } from '../matrix.ts';
import type { Network, Node, TensorId } from '../network.ts';
import type { Affine, Operator } from '../operator.ts';
import { product } from '../size.ts';

/** Why a network has no transposed one here: a node, and what it is. */
export interface NotTransposed {
  readonly node: string;
  readonly found: string;
}

/** Elements of all matrices of zeros and ones in place of entries that are moved, at most: they are made before any budget is asked. */
const MOST_ENTRIES = 2 ** 22;

/**
 * @param network of vectors, as `unroll` and fully connected layers have them
 * @returns a network that makes the same differences for the same slopes but transposed, in which values mean nothing; or what stands in
 *   the way
 */
export function transposed(network: Network): Network | NotTransposed {
  const builder = new NetworkBuilder(`${network.name} (transposed)`);
  const entries = (id: TensorId) => product(network.tensors[id]!.shape);
  const start = builder.input(network.tensors[network.output]!.name, [entries(network.output)]);
  const parts = new Map<TensorId, TensorId[]>([[network.output, [start]]]);
  const whole = (id: TensorId, name: string): TensorId | undefined => {
    const own = parts.get(id);
    if (!own || own.length < 2) return own?.[0];
    return builder.add(`${name} (sum)`, { kind: 'add', coefficients: own.map(() => 1) }, own);
  };
  const give = (id: TensorId, part: TensorId) => {
    const own = parts.get(id);
    if (own) own.push(part);
    else parts.set(id, [part]);
  };
  const room = { entries: MOST_ENTRIES };
  for (const node of network.nodes.toReversed()) {
    const { name, operator, inputs, output } = node;
    const u = whole(output, name);
    if (u === undefined) continue;
    const sizes = inputs.map(entries);
    const images = adjointsOf(node, sizes, network, room);
    if (!images) return { node: name, found: operator.kind };
    for (const [k, steps] of images.entries()) {
      let image = u;
      for (const step of steps) image = builder.add(name, step, [image]);
      give(inputs[k]!, image);
    }
  }
  const end = whole(network.input, 'input');
  if (end === undefined) return { node: network.name, found: 'an output that does not depend on the input' };
  return builder.build(end);
}

/** Operators that see no channels in what they read. */
const READ_FLAT: ReadonlySet<Operator['kind']> = new Set(['affine', 'reindex', 'gather']);

/** For every input of a node, what its part of the transposed network is made of; undefined where there is none. */
function adjointsOf(
  { operator, inputs }: Node,
  sizes: readonly number[],
  { tensors }: Network,
  room: { entries: number },
): readonly (readonly Operator[])[] | undefined {
  const isVector = inputs.every((id) => tensors[id]!.shape.length === 1);
  if (!isVector && !READ_FLAT.has(operator.kind)) return undefined;
  switch (operator.kind) {
    case 'affine':
      return [[turned(operator)]];
    case 'scale': {
      const { scale, roundings } = operator;
      return [[{ kind: 'scale', scale, ...(roundings && { roundings }) }]];
    }
    case 'nonlinearity':
      return [[operator]];
    case 'add':
      return operator.coefficients.map((c) => {
        if (c === 1) return [];
        const { roundings } = operator;
        return [{ kind: 'scale', scale: Float64Array.of(c), ...(roundings && { roundings }) }];
      });
    case 'concat': {
      let first = 0;
      return sizes.map((size) => {
        const from = first;
        first += size;
        return [{ kind: 'gather', sources: Int32Array.from({ length: size }, (_, k) => from + k) }];
      });
    }
    case 'reindex':
    case 'gather': {
      const sources = entrySources(operator, tensors[inputs[0]!]!.shape);
      const back = inverseOf(sources, sizes[0]!);
      if (back) return [[{ kind: 'gather', sources: back, shape: [back.length] }]];
      room.entries -= sources.length * sizes[0]!;
      if (room.entries < 0) return undefined;
      const { rows, columns, data } = linearMatrix(operator, tensors[inputs[0]!]!.shape);
      return [[turned({ kind: 'affine', outputs: rows, inputs: columns, weight: data })]];
    }
    case 'grouped':
      // Of a sorted group J is doubly stochastic, of other functions ‖J‖ ≤ L is all that is used: both are true of Jᵀ.
      return groupDefinitionOf(operator.function).scalar ? undefined : [[operator]];
    // Of maxima, and functions of groups into one number, there is no rule for the transpose.
    default:
      return undefined;
  }
}

/** For every entry where it goes, −1 for nowhere; undefined where one goes to several places. */
function inverseOf(sources: Int32Array, entries: number): Int32Array | undefined {
  const back = new Int32Array(entries).fill(-1);
  for (const [k, source] of sources.entries()) {
    if (source < 0) continue;
    if (back[source] !== -1) return undefined;
    back[source] = k;
  }
  return back;
}

/** Without its bias. */
function turned({ outputs, inputs, weight, magnitude, roundings }: Affine): Affine {
  const turn = (from: ArrayLike<number>) => {
    const to = new Float64Array(outputs * inputs);
    for (let i = 0; i < outputs; i++)
      for (let j = 0; j < inputs; j++) to[j * outputs + i] = from[i * inputs + j]!;
    return to;
  };
  return {
    ...{ kind: 'affine', outputs: inputs, inputs: outputs, weight: turn(weight) },
    ...(magnitude && { magnitude: turn(magnitude) }),
    ...(roundings && { roundings }),
  };
}
