/**
 * A network at other lengths than that of its file. Which ones are, at every length at which they exist, what they are here:
 * every operator is judged by itself (`whyTied`), and what the file says beyond that is in `Network.ties`. docs/soundness.md
 * has the table of operators.
 */
import { InputError, type Unsupported, UnsupportedError } from '../../errors.ts';
import { NetworkBuilder } from '../builder.ts';
import { channelEntries } from '../elementwise/elementwise.ts';
import type { Network, Node, TensorId, Tie } from '../network.ts';
import type { Padding } from '../operator.ts';
import { outputShape, unknownOperator } from '../shape.ts';
import { simplify } from '../simplify/simplify.ts';
import { followersOf, repeatedUntil, Sides } from './follows.ts';

/**
 * The network for signals so long that no layer is left with a single sample, which `simplify` would read as a vector.
 * @param smallest the smallest length to be bounded, which means over whole signals need
 * @throws InputError for a network whose input is no signal, and where it exists at no length from `smallest` on
 * @throws UnsupportedError listing what ties it to the length of its file
 */
export function lengthened(network: Network, smallest: number | undefined): Network {
  const sides = network.tensors[network.input]!.shape.slice(1);
  if (sides.length === 0) {
    throw new InputError('length: any is for inputs with positions [channels, length], got a vector');
  }
  const followers = followersOf(network);
  const axes = sides.map((_, axis) => new Sides(network, followers, axis));
  const ties = network.ties ?? [];
  const least =
    smallest === undefined || ties.every(({ from }) => from === undefined)
      ? undefined
      : existingLength(network, smallest);
  const reads = least === undefined ? undefined : sidesAt(network, least);
  const unsupported = [
    ...ties.flatMap((tie) => openTie(tie, reads?.get(tie.node))),
    ...network.nodes.flatMap((node) => {
      const reason = whyTied(network, node, followers, axes, smallest);
      return reason === undefined ? [] : [{ node: node.name, ...reason }];
    }),
  ];
  if (unsupported.length > 0) throw new UnsupportedError(unsupported);
  const long = longSides(network, followers, sides);
  const result = resized(network, long);
  refuseBrokenCircles(simplify(result));
  return result;
}

/** So many lengths beyond a power of two times the file's are tried. */
const TRIES = 64;
const LARGEST_FACTOR = 2 ** 30;

function longSides(network: Network, followers: ReadonlySet<TensorId>, sides: readonly number[]): number[] {
  for (let factor = 1; factor <= LARGEST_FACTOR; factor *= 2) {
    for (let more = 0; more < TRIES; more++) {
      const longer = sides.map((n) => n * factor + more);
      const shapes = shapesAt(network, longer);
      if (shapes && [...followers].every((id) => shapes[id]!.slice(1).every((n) => n > 1))) return longer;
    }
  }
  throw new UnsupportedError([
    {
      node: network.name,
      found: 'a network that exists at no length where every layer has two samples',
      reason: 'bound it without the option length',
    },
  ]);
}

/** The tie, unless the shortest signal leaves the node long enough sides. */
function openTie({ node, found, reason, from }: Tie, sides: readonly number[] | undefined): Unsupported[] {
  if (from !== undefined && sides?.every((n) => n >= from)) return [];
  const advice =
    from === undefined ? '' : `; say from which length on the bound is to hold (the option smallestLength)`;
  return [{ node, found, reason: `${reason}${advice}` }];
}

/**
 * With padding that wraps round, a signal lies on a circle of its own length. A stride that does not divide it, zero padding, or
 * another length somewhere break the circle at one length or another.
 */
function refuseBrokenCircles(network: Network): void {
  const { tensors, nodes, input } = network;
  const circular = nodes.find((node) => paddingOf(node)?.mode === 'circular');
  if (!circular) return;
  const followers = followersOf(network);
  const sides = tensors[input]!.shape.slice(1);
  const broken = nodes.filter((node) => {
    const { operator, output } = node;
    // What follows no length lies on no circle of the signal's: a sample that is repeated there counts twice.
    if (!followers.has(output)) return paddingOf(node)?.mode === 'circular';
    const own = tensors[output]!.shape.slice(1);
    const strided = 'stride' in operator && operator.stride.some((s) => s !== 1);
    const resized = own.some((n, a) => n !== sides[a]);
    const spills =
      operator.kind === 'transposed-convolution' || (paddingOf(node)?.mode ?? 'circular') !== 'circular';
    return strided || resized || spills;
  });
  const reason = `for any length circular padding (${circular.name}) goes only with operators that keep the length, without strides and zero padding; bound it without the option length`;
  if (broken.length > 0)
    throw new UnsupportedError(
      broken.map(({ name, operator }) => ({
        node: name,
        found: `${operator.kind} beside circular padding`,
        reason,
      })),
    );
}

/** The padding of an operator that pads at all. */
function paddingOf({ operator }: Node): Padding | undefined {
  if (!('padding' in operator)) return undefined;
  const { padding } = operator;
  return [...padding.before, ...padding.after].some((n) => n !== 0) ? padding : undefined;
}

const OF_THE_FILE = 'the length is that of the file; bound it without the option length';

/** What makes another operator of a node at another length, its own fields as they are. */
function whyTied(
  { tensors }: Network,
  node: Node,
  followers: ReadonlySet<TensorId>,
  axes: readonly Sides[],
  smallest: number | undefined,
): Omit<Unsupported, 'node'> | undefined {
  const { operator, inputs } = node;
  if (!inputs.some((id) => followers.has(id))) return undefined;
  switch (operator.kind) {
    case 'reindex':
      return { found: 'a flatten or reshape of positions', reason: OF_THE_FILE };
    case 'gather':
      return operator.shape
        ? { found: 'positions that are picked one by one', reason: OF_THE_FILE }
        : undefined;
    case 'affine':
    case 'max-gather':
      return { found: 'a layer that reads all positions', reason: OF_THE_FILE };
    case 'grouped':
      if (!operator.wide) return undefined;
      return {
        found: `a function of all positions together (${operator.function.name})`,
        reason: 'its statistics are those of the length of the file; bound it without the option length',
      };
    case 'global-average-pool':
      if (operator.sum) {
        return { found: 'a sum over all positions', reason: 'it grows with the length: no bound for any' };
      }
      if (smallest !== undefined) return undefined;
      return {
        found: 'global average pooling',
        reason:
          'what it does depends on the length; say from which length on the bound is to hold (the option smallestLength)',
      };
    case 'add':
    case 'concat': {
      if (!inputs.every((id) => followers.has(id))) {
        return { found: 'tensors one of which does not follow the length', reason: OF_THE_FILE };
      }
      if (operator.kind === 'concat') return undefined;
      const until = repeatedUntil(node, axes);
      if (until < (smallest ?? 1)) return undefined;
      return {
        found: `a sum that repeats the single sample of one tensor in signals of length ${until}`,
        reason:
          until === Infinity
            ? OF_THE_FILE
            : `say that the bound is to hold from length ${until + 1} on (the option smallestLength)`,
      };
    }
    case 'scale':
    case 'nonlinearity': {
      const channels = tensors[inputs[0]!]!.shape[0]!;
      const numbers =
        operator.kind === 'scale'
          ? Math.max(operator.scale.length, operator.shift?.length ?? 1)
          : (channelEntries(operator.function)?.length ?? 1);
      return numbers > channels ? { found: 'a number per position', reason: OF_THE_FILE } : undefined;
    }
    case 'convolution':
    case 'transposed-convolution':
    case 'average-pool':
    case 'max-pool':
    case 'global-max-pool':
    case 'pad':
    case 'softmax':
      return undefined;
    default:
      throw unknownOperator(operator);
  }
}

/** So many lengths are tried before a network is said to exist at none. */
const SEARCHED = 1024;

/**
 * The least length, from n on, at which the network exists (all sides that long); undefined where that is none of the first
 * thousand that windows leave anything of.
 */
export function existingLength(network: Network, n: number): number | undefined {
  const followers = followersOf(network);
  const axes = network.tensors[network.input]!.shape.slice(1);
  const least = axes.map((_, axis) => new Sides(network, followers, axis).from([...followers], 1));
  const first = Math.max(n, ...least);
  if (first === Infinity) return undefined;
  for (let k = first; k < first + SEARCHED; k++) {
    if (
      shapesAt(
        network,
        axes.map(() => k),
      )
    )
      return k;
  }
  return undefined;
}

/**
 * Sides of what each node reads, by its name, in a signal of length n; the least ones where a name occurs twice.
 * @throws InputError where the network does not exist there: runtimes that go on with empty tensors would read less than at the first
 *   length at which it does
 */
export function sidesAt(network: Network, n: number): ReadonlyMap<string, readonly number[]> {
  const least = existingLength(network, n);
  if (least !== n) {
    const next = least === undefined ? 'at no length from there on' : `from ${least} on`;
    throw new InputError(`smallest length: the network must exist there, it does ${next}, got ${n}`);
  }
  const { tensors, nodes, input } = network;
  const shapes = shapesAt(
    network,
    tensors[input]!.shape.slice(1).map(() => least),
  )!;
  const found = new Map<string, readonly number[]>();
  for (const { name, inputs } of nodes) {
    const sides = shapes[inputs[0]!]!.slice(1);
    found.set(name, found.get(name)?.map((side, a) => Math.min(side, sides[a] ?? 1)) ?? sides);
  }
  return found;
}

/** Shapes of all tensors where the input has other sides; undefined where there is no such network. */
export function shapesAt(
  { tensors, nodes, input }: Network,
  sides: readonly number[],
): readonly (readonly number[])[] | undefined {
  const shapes: (readonly number[])[] = [];
  shapes[input] = [tensors[input]!.shape[0]!, ...sides];
  try {
    for (const { name, operator, inputs, output } of nodes) {
      shapes[output] = outputShape(
        name,
        operator,
        inputs.map((id) => shapes[id]!),
      );
    }
  } catch (error) {
    if (error instanceof InputError) return undefined;
    throw error;
  }
  return shapes;
}

/**
 * The same operators on an input with other sides.
 * @throws InputError where they do not fit
 */
export function resized(
  { name, tensors, input, output, nodes, source, ties }: Network,
  sides: readonly number[],
): Network {
  const builder = new NetworkBuilder(name);
  const first = tensors[input]!;
  const images = new Map([[input, builder.input(first.name, [first.shape[0]!, ...sides])]]);
  for (const node of nodes) {
    const inputs = node.inputs.map((id) => images.get(id)!);
    images.set(node.output, builder.add(node.name, node.operator, inputs, tensors[node.output]!.name));
  }
  return builder.build(images.get(output)!, source, ties);
}
