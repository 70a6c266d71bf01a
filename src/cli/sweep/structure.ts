/** What a network is without its numbers: checkpoints of one training have it in common. */
import type { Network } from '../../network/network.ts';

/**
 * A text that is the same for two networks of the same operators, of the same shapes, in the same order: names, weights and numbers that
 * are no whole ones may differ.
 */
export function structureOf({ tensors, nodes, input, output }: Network): string {
  const plain = (key: string, value: unknown) => {
    // What is known of the rounding of weights depends on these.
    if (key === 'roundings') return undefined;
    if (ArrayBuffer.isView(value)) return (value as unknown as ArrayLike<number>).length;
    return typeof value === 'number' && !Number.isInteger(value) ? null : value;
  };
  return JSON.stringify(
    {
      shapes: tensors.map(({ shape }) => shape),
      nodes: nodes.map(({ operator, inputs, output: result }) => [operator, inputs, result]),
      ends: [input, output],
    },
    plain,
  );
}
