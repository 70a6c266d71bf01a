/** Where the entries of groups lie in a flattened tensor. */
import type { Network, Node } from '../network.ts';
import type { Grouped, Softmax } from '../operator.ts';
import { product } from '../size.ts';
import { groupDefinitionOf } from './table.ts';

/** Flat entries of a group, and of its image. */
export interface PlacedGroup {
  readonly sources: Int32Array;
  readonly targets: Int32Array;
}

/** Every group on its own, at every position on its own unless it takes all together: those of the first group first. */
export function placedGroups(
  { function: f, groups, wide }: Grouped,
  input: readonly number[],
): PlacedGroup[] {
  const image = product(input.slice(1));
  const { scalar } = groupDefinitionOf(f);
  if (wide) {
    return groups.map((channels) => {
      const sources = new Int32Array(channels.length * image);
      for (const [k, channel] of channels.entries()) {
        for (let p = 0; p < image; p++) sources[k * image + p] = channel * image + p;
      }
      return { sources, targets: sources };
    });
  }
  return groups.flatMap((channels, g) =>
    Array.from({ length: image }, (_, p): PlacedGroup => {
      const sources = channels.map((channel) => channel * image + p);
      return { sources, targets: scalar ? Int32Array.of(g * image + p) : sources };
    }),
  );
}

/** A softmax as a function of a group, which it is wherever it is not the last step. */
export function softmaxOfGroups({ logarithm }: Softmax, channels: number): Grouped {
  const group = Int32Array.from({ length: channels }, (_, channel) => channel);
  return { kind: 'grouped', function: { name: 'softmax', logarithm }, groups: [group], wide: false };
}

/** Of a softmax of groups that every entry is in one of, as the last step of a network: its groups' logarithm and largest size. */
export function lastSoftmax(
  { operator, inputs, output }: Node,
  network: Network,
): { readonly logarithm: boolean; readonly size: number } | undefined {
  if (operator.kind !== 'grouped' || operator.function.name !== 'softmax' || output !== network.output) {
    return undefined;
  }
  const entries = placedGroups(operator, network.tensors[inputs[0]!]!.shape).flatMap(({ sources }) => [
    ...sources,
  ]);
  const size = operator.groups.reduce((most, { length }) => Math.max(most, length), 0);
  const all = product(network.tensors[inputs[0]!]!.shape);
  const partition = entries.length === all && new Set(entries).size === all && !operator.wide;
  return partition ? { logarithm: operator.function.logarithm, size } : undefined;
}

/** For each channel of the input the group that it is in, and for each of the output that whose image it is. */
export function groupsOfChannels({ function: f, groups }: Grouped): {
  readonly ofSource: Int32Array;
  readonly ofTarget: Int32Array;
} {
  const ofSource = new Int32Array(groups.reduce((sum, { length }) => sum + length, 0));
  for (const [g, channels] of groups.entries()) for (const channel of channels) ofSource[channel] = g;
  const { scalar } = groupDefinitionOf(f);
  return { ofSource, ofTarget: scalar ? Int32Array.from(groups.keys()) : ofSource };
}

/** By how much multipliers of one group's channels may differ (`GroupDefinition.spread`). */
export function groupedSpread({ function: f }: Grouped): number {
  return groupDefinitionOf(f).spread?.(f) ?? 1;
}

/** L is squared, in float32 too: one that is smaller may be replaced by this. */
const LEAST_LIPSCHITZ = 2 ** -60;

/** L of the whole operator on a tensor: the largest of its groups. */
export function groupedLipschitz({ function: f, groups, wide }: Grouped, input: readonly number[]): number {
  const { lipschitz } = groupDefinitionOf(f);
  const image = wide ? product(input.slice(1)) : 1;
  const most = groups.reduce((n, { length }) => Math.max(n, length), 0);
  const least = groups.reduce((n, { length }) => Math.min(n, length), most);
  return Math.max(lipschitz(f, most * image), lipschitz(f, least * image), LEAST_LIPSCHITZ);
}
