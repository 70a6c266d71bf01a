/**
 * What reading and simplifying a network may do to its weights: multiply, by batch norm and other scales. Products that could
 * leave the range of float64, and sums in which rounded terms could cancel, are refused.
 */
import type { Network, TensorId } from '../../network/network.ts';
import { gamma } from './numbers.ts';
import { demand } from './refusal.ts';

/** The relative error of any weight of the simplified network. */
export function uncertaintyOf({ nodes, tensors }: Network): number {
  let bits = 0;
  let mirrors = false;
  let single = false;
  /** Scales in a row that end in a tensor, and what they scale. */
  const chains = new Map<TensorId, { readonly length: number; readonly root: TensorId }>();
  for (const { name, operator, inputs, output } of nodes) {
    const numbers =
      'weight' in operator
        ? operator.weight
        : operator.kind === 'scale'
          ? operator.scale
          : 'coefficients' in operator
            ? operator.coefficients
            : [];
    for (const x of numbers) if (x !== 0) bits = Math.max(bits, Math.abs(Math.log2(Math.abs(x))));
    const before = inputs.map((t) => chains.get(t) ?? { length: 0, root: t });
    const repeated = before.some((c, k) =>
      before.some((other, l) => l !== k && other.root === c.root && c.length + other.length > 0),
    );
    demand(
      operator.kind !== 'add' || !repeated,
      `${name}: a sum of scaled copies of one tensor is not covered`,
    );
    const ends = 'weight' in operator || operator.kind === 'nonlinearity';
    const length = Math.max(...before.map((c) => c.length)) + (operator.kind === 'scale' ? 1 : 0);
    chains.set(
      output,
      ends ? { length: 0, root: output } : { length, root: inputs.length === 1 ? before[0]!.root : output },
    );
    if ('padding' in operator && operator.padding.mode !== 'zero')
      mirrors ||= [...operator.padding.before, ...operator.padding.after].some((p) => p > 0);
    single ||= operator.kind === 'convolution' && tensors[output]!.shape.slice(1).every((n) => n === 1);
  }
  demand(
    !(mirrors && single),
    'padding that wraps round or mirrors, beside a convolution of a single sample, is not covered',
  );
  const longest = Math.max(0, ...[...chains.values()].map((c) => c.length));
  demand(
    (2 * longest + 1) * bits < 1000,
    `weights of 2^±${Math.ceil(bits)} under ${longest} scales in a row are not covered`,
  );
  return gamma(8 + 4 * nodes.filter((n) => n.operator.kind === 'scale').length);
}
