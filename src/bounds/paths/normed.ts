/** Programs whose ℓ2 bounds are bounds in other norms (docs/mathematics.md §9). */
import { lastSoftmax } from '../../network/groups/grouped.ts';
import type { Network, Node } from '../../network/network.ts';
import { ofLargestEntry, withDifference, withSumOfModuli } from '../../network/norms/balls.ts';
import { endingFactor } from '../../network/norms/ending.ts';
import { dual, type Norm } from '../../network/norms/norm.ts';
import { transposed } from '../../network/norms/transposed.ts';
import { prune } from '../../network/prune.ts';
import { product } from '../../network/size.ts';
import { compile } from '../../program/compile.ts';
import type { Program } from '../../program/program.ts';
import type { Query } from '../query.ts';

/**
 * The program that bounds a network in the norms of a query.
 * @param network as `simplify` or `unroll` return it
 * @param compiled makes programs of networks
 * @throws UnsupportedError as `compile`
 */
export function programIn(
  network: Network,
  { norms, pair }: Pick<Query, 'norms' | 'pair'>,
  compiled: (network: Network) => Program = compile,
): Program {
  const { input, output } = norms;
  if (input === '2' && output === '2') return compiled(network);
  if (input === '1') {
    const ending = withoutEnding(network, output);
    const whole = pair ? withDifference(ending.network, pair) : ending.network;
    const turned = transposed(whole);
    if ('nodes' in turned)
      return { ...inNorms(turned, ending.factor, dual(output), 'inf', compiled), reading: 'inputs' };
    return {
      ...inNorms(ending.network, ending.factor, '2', output, compiled),
      loose: `the bound is that from ℓ2, which may be far above: ${turned.node} (${turned.found}) has no transpose here`,
    };
  }
  const ending = output === '2' ? { network, factor: 1 } : withoutEnding(network, output);
  return inNorms(ending.network, ending.factor, input, output, compiled);
}

/** From ℓ2 or ℓ∞; from ℓ1 as from ℓ2, which is larger. */
function inNorms(
  network: Network,
  factor: number,
  input: Norm,
  output: Norm,
  compiled: (network: Network) => Program,
): Program {
  const { shape } = network.tensors[network.output]!;
  const isVector = shape.length === 1;
  const ball = input === 'inf' ? ofLargestEntry(network) : { network, factor: 1 };
  const whole = output === '1' && isVector ? withSumOfModuli(ball.network) : ball.network;
  const program = compiled(whole);
  const conversion = output === '1' && !isVector ? Math.sqrt(product(shape)) : 1;
  const loose = [
    ...(ball.factor > 1
      ? [
          `all ${Math.round(ball.factor ** 2)} positions of a channel of the input share a multiplier, which costs a factor of up to ${ball.factor.toPrecision(3)} (unrolled from the input on, every entry has its own)`,
        ]
      : []),
    ...(conversion > 1
      ? [`the ℓ1 norm of an image is at most ${conversion.toPrecision(3)} times its ℓ2 norm`]
      : []),
  ];
  return {
    ...program,
    factor: program.factor * factor * ball.factor * conversion,
    ...(output === 'inf' && isVector && { reading: 'entries' as const }),
    ...(loose.length > 0 && { loose: loose.join(', and ') }),
  };
}

/** Without a softmax at the end, and what that multiplies changes in a norm with, at most. */
function withoutEnding(network: Network, norm: Norm): { readonly network: Network; readonly factor: number } {
  for (const node of network.nodes) {
    const { operator, inputs } = node;
    const ending =
      operator.kind === 'softmax'
        ? { logarithm: operator.logarithm, size: network.tensors[inputs[0]!]!.shape[0]! }
        : lastSoftmax(node, network);
    if (ending) return { network: bypassed(network, node), factor: endingFactor(norm, ending) };
  }
  return { network, factor: 1 };
}

function bypassed(network: Network, { inputs, output }: Node): Network {
  const image = (id: number) => (id === output ? inputs[0]! : id);
  const nodes = network.nodes
    .filter((node) => node.output !== output)
    .map((node) => ({ ...node, inputs: node.inputs.map(image) }));
  return prune({ ...network, nodes, output: image(network.output) });
}
