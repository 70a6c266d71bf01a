/** What reading and simplifying a network may do to its weights: multiply, by batch norm and other scales. */
import { UnsupportedError } from '../../errors.ts';
import type { Network, Node, TensorId } from '../network.ts';
import type { Operator } from '../operator.ts';

/**
 * How many roundings at most lie between a weight of the file and that of the simplified network, or of its linear maps.
 * @throws UnsupportedError for products that could leave the range of float64, and sums in which rounded terms could cancel
 */
export function roundingsOf({ nodes, tensors }: Network): number {
  let bits = 0;
  let summed = 0;
  let mirrored: Node | undefined;
  let single: Node | undefined;
  /** Scales in a row that end in a tensor, and what they scale. */
  const chains = new Map<TensorId, { readonly length: number; readonly root: TensorId }>();
  for (const node of nodes) {
    const { operator, inputs, output } = node;
    for (const x of numbersOf(operator)) bits = Math.max(bits, bitsOf(x));
    if (operator.kind === 'add') summed += Math.max(...operator.coefficients.map(bitsOf));
    const before = inputs.map((t) => chains.get(t) ?? { length: 0, root: t });
    const repeated = before.some((c, k) =>
      before.some((other, l) => l !== k && other.root === c.root && c.length + other.length > 0),
    );
    if (operator.kind === 'add' && repeated)
      throw refused(node, 'a sum of scaled copies of one tensor is not covered');
    const ends = 'weight' in operator || operator.kind === 'nonlinearity';
    const length = Math.max(...before.map((c) => c.length)) + (operator.kind === 'scale' ? 1 : 0);
    const root = inputs.length === 1 ? before[0]!.root : output;
    chains.set(output, ends ? { length: 0, root: output } : { length, root });
    if ('padding' in operator && operator.padding.mode !== 'zero') {
      if ([...operator.padding.before, ...operator.padding.after].some((p) => p > 0)) mirrored = node;
    }
    if (operator.kind === 'convolution' && tensors[output]!.shape.slice(1).every((n) => n === 1))
      single = node;
  }
  if (mirrored && single) {
    const beside = `beside a convolution of a single sample (${single.name})`;
    throw refused(mirrored, `padding that wraps round or mirrors is not covered ${beside}`);
  }
  const longest = Math.max(0, ...[...chains.values()].map((c) => c.length));
  if (!((2 * longest + 1) * bits + summed < 1000)) {
    throw refused(
      nodes[0]!,
      `weights of 2^±${Math.ceil(bits)} under ${longest} scales in a row are not covered`,
    );
  }
  return 8 + 4 * nodes.filter((n) => n.operator.kind === 'scale' || n.operator.kind === 'add').length;
}

/** |log2 |x||, which is about how far a product with x moves; 0 for 0. */
const bitsOf = (x: number) => (x === 0 ? 0 : Math.abs(Math.log2(Math.abs(x))));

function numbersOf(operator: Operator): ArrayLike<number> & Iterable<number> {
  if ('weight' in operator) return operator.weight;
  if (operator.kind === 'scale') return operator.scale;
  return 'coefficients' in operator ? operator.coefficients : [];
}

function refused({ name, operator }: Node, reason: string): UnsupportedError {
  return new UnsupportedError([{ node: name, found: operator.kind, reason }]);
}
