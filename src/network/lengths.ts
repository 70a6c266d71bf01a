/** A network at other lengths than that of its file. */
import { InputError, type Unsupported, UnsupportedError } from '../errors.ts';
import { NetworkBuilder } from './builder.ts';
import type { Network, Node } from './network.ts';
import type { Padding } from './operator.ts';
import { simplify } from './simplify.ts';

/**
 * The network for signals so long that no layer is left with a single sample, which `simplify` would read as a vector.
 * @param smallest the smallest length to be bounded, which means over whole signals need
 * @throws InputError for a network whose input is no signal
 * @throws UnsupportedError listing what ties it to the length of its file
 */
export function lengthened(network: Network, smallest: number | undefined): Network {
  const sides = network.tensors[network.input]!.shape.slice(1);
  if (sides.length === 0) {
    throw new InputError('length: any is for inputs with positions [channels, length], got a vector');
  }
  const unsupported = network.nodes.flatMap((node) => {
    const reason = whyTied(network, node, smallest);
    return reason === undefined ? [] : [{ node: node.name, ...reason }];
  });
  if (unsupported.length > 0) throw new UnsupportedError(unsupported);
  for (let factor = 1; ; factor *= 2) {
    const long = resized(
      network,
      sides.map((n) => n * factor),
    );
    if (long.tensors.every(({ shape }) => shape.slice(1).every((n) => n > 1))) {
      refuseBrokenCircles(simplify(long));
      return long;
    }
  }
}

/**
 * With padding that wraps round, a signal lies on a circle of its own length. A stride that does not divide it, zero padding, or
 * another length somewhere break the circle at one length or another.
 */
function refuseBrokenCircles({ tensors, nodes, input }: Network): void {
  const circular = nodes.find((node) => paddingOf(node)?.mode === 'circular');
  if (!circular) return;
  const sides = tensors[input]!.shape.slice(1);
  const broken = nodes.filter((node) => {
    const { operator, output } = node;
    const own = tensors[output]!.shape.slice(1);
    if (own.length === 0) return false;
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

/** Of an operator that pads at all. */
function paddingOf({ operator }: Node): Padding | undefined {
  if (!('padding' in operator)) return undefined;
  const { padding } = operator;
  return [...padding.before, ...padding.after].some((n) => n !== 0) ? padding : undefined;
}

function whyTied(
  network: Network,
  { operator, inputs, output }: Node,
  smallest: number | undefined,
): Omit<Unsupported, 'node'> | undefined {
  const spatial = network.tensors[inputs[0]!]!.shape.length > 1;
  const stays = network.tensors[output]!.shape.length > 1;
  switch (operator.kind) {
    case 'reindex':
    case 'affine':
    case 'max-gather':
      if (!spatial && !stays) return undefined;
      return {
        found:
          operator.kind === 'reindex'
            ? 'a flatten or reshape of positions'
            : 'a layer that reads all positions',
        reason: 'the length is that of the file; bound it without the option length',
      };
    case 'global-average-pool':
      if (operator.sum) {
        return { found: 'a sum over all positions', reason: 'it grows with the length: no bound for any' };
      }
      if (smallest !== undefined) return undefined;
      return {
        found: 'global average pooling',
        reason:
          'what it does depends on the length; say from which length on the bound is to hold (smallestLength, --smallest-length)',
      };
    default:
      return undefined;
  }
}

/** Sides of what each node reads, by its name, in the network for signals of length n. @throws InputError where n is too short */
export function sidesAt(network: Network, n: number): ReadonlyMap<string, readonly number[]> {
  const sides = network.tensors[network.input]!.shape.slice(1).map(() => n);
  const { nodes, tensors } = resized(network, sides);
  return new Map(nodes.map(({ name, inputs }) => [name, tensors[inputs[0]!]!.shape.slice(1)]));
}

/** The same operators on an input with other sides. */
function resized(
  { name, tensors, input, output, nodes, source }: Network,
  sides: readonly number[],
): Network {
  const builder = new NetworkBuilder(name);
  const first = tensors[input]!;
  const images = new Map([[input, builder.input(first.name, [first.shape[0]!, ...sides])]]);
  for (const node of nodes) {
    const inputs = node.inputs.map((id) => images.get(id)!);
    images.set(node.output, builder.add(node.name, node.operator, inputs, tensors[node.output]!.name));
  }
  return builder.build(images.get(output)!, source);
}
