/**
 * What `simplify` may do to weights without leaving the relative error that the checker allows them: multiply. Products that
 * could leave the range of float64 and sums in which rounded terms could cancel are refused.
 */
import type { Network, Node, TensorId } from '../../network/network.ts';
import { demand } from './refusal.ts';

export function refuseUnsafeFolding({ nodes, tensors }: Network): void {
  const makers = new Map<TensorId, Node>(nodes.map((node) => [node.output, node]));
  let bits = 0;
  let longest = 0;
  /** Scales in a row that end in a tensor. */
  const scales = new Map<TensorId, number>();
  let wraps = false;
  let single = false;
  for (const { name, operator, inputs, output } of nodes) {
    for (const values of numbersOf(operator)) {
      for (let k = 0; k < values.length; k++) {
        const x = Math.abs(values[k]!);
        if (x > 0) bits = Math.max(bits, Math.log2(x), -Math.log2(x));
      }
    }
    const weighted = 'weight' in operator || operator.kind === 'nonlinearity';
    const before = Math.max(...inputs.map((t) => scales.get(t) ?? 0));
    const own = weighted ? 0 : before + (operator.kind === 'scale' ? 1 : 0);
    scales.set(output, own);
    longest = Math.max(longest, own);
    const padding = 'padding' in operator ? operator.padding : undefined;
    wraps ||=
      padding !== undefined &&
      padding.mode !== 'zero' &&
      [...padding.before, ...padding.after].some((p) => p > 0);
    single ||= operator.kind === 'convolution' && tensors[output]!.shape.slice(1).every((n) => n === 1);
    if (operator.kind === 'add') {
      const roots = inputs.map((t) => {
        let [tensor, scaled] = [t, false];
        for (let maker = makers.get(tensor); maker && passesOn(maker); maker = makers.get(tensor)) {
          scaled ||= maker.operator.kind === 'scale';
          tensor = maker.inputs[0]!;
        }
        return { tensor, scaled };
      });
      const repeated = roots.some((a, k) =>
        roots.some((b, l) => k !== l && a.tensor === b.tensor && (a.scaled || b.scaled)),
      );
      demand(!repeated, `${name}: a sum of scaled copies of one tensor is not covered`);
    }
  }
  demand(
    (2 * longest + 1) * bits < 1000,
    `weights of 2^±${Math.ceil(bits)} and ${longest} scales in a row are not covered`,
  );
  demand(
    !(wraps && single),
    'padding that wraps round or mirrors, before convolutions of a single sample, is not covered',
  );
}

/** A node whose entries are those of its input, or multiples of them. */
function passesOn({ operator, inputs }: Node): boolean {
  const alone =
    operator.kind === 'add' ||
    operator.kind === 'concat' ||
    operator.kind === 'pad' ||
    operator.kind === 'average-pool';
  return operator.kind === 'scale' || operator.kind === 'reindex' || (alone && inputs.length === 1);
}

function numbersOf(operator: Node['operator']): ArrayLike<number>[] {
  if ('weight' in operator) return [operator.weight];
  if (operator.kind === 'scale') return [operator.scale];
  return operator.kind === 'add' ? [operator.coefficients] : [];
}
