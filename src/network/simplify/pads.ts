/** Pads become the padding of the operators that read them. */
import type { Network } from '../network.ts';
import type { AveragePool, Operator, Padding } from '../operator.ts';
import { Rewriter } from './rewriter.ts';

/** Merges each pad into the convolutions, average pools and pads after it; it stays for other readers. */
export function mergePads(network: Network): Network {
  const rewriter = new Rewriter(network);
  for (const node of network.nodes) {
    const input = rewriter.image(node.inputs[0]!);
    const pad = rewriter.producer(input);
    const merged =
      pad?.operator.kind === 'pad' ? withPadding(node.operator, pad.operator.padding) : undefined;
    if (merged) rewriter.replace(node, merged, pad!.inputs);
    else rewriter.copy(node);
  }
  return rewriter.finish();
}

/** The operator that pads its input first; undefined where its own padding does not allow it. */
function withPadding(operator: Operator, first: Padding): Operator | undefined {
  if (operator.kind !== 'convolution' && operator.kind !== 'average-pool' && operator.kind !== 'pad')
    return undefined;
  const padding = joinedPadding(first, operator.padding);
  if (!padding) return undefined;
  if (operator.kind !== 'average-pool') return { ...operator, padding };
  return countsAll(operator) ? { ...operator, padding, countIncludesPadding: true } : undefined;
}

/** Every sample of every window counts, so that samples of a pad may become padding. */
function countsAll(pool: AveragePool): boolean {
  return pool.countIncludesPadding || isEmpty(pool.padding);
}

function joinedPadding(first: Padding, second: Padding): Padding | undefined {
  if (isEmpty(second)) return first;
  if (isEmpty(first)) return second;
  if (first.mode !== 'zero' || second.mode !== 'zero') return undefined;
  return {
    mode: 'zero',
    before: first.before.map((samples, axis) => samples + second.before[axis]!),
    after: first.after.map((samples, axis) => samples + second.after[axis]!),
  };
}

export function isEmpty({ before, after }: Padding): boolean {
  return [...before, ...after].every((samples) => samples === 0);
}
