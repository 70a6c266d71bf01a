/** What occurs in a network: lets a test demand that its random networks hold what they are meant to hold. */
import type { Network } from '../../src/network/network.ts';
import type { Padding } from '../../src/network/operator.ts';

/** Names of the features that a network has. */
export function features(network: Network): Set<string> {
  const found = new Set<string>();
  const note = (feature: string, holds: boolean) => {
    if (holds) found.add(feature);
  };
  const producers = new Map(network.nodes.map((node) => [node.output, node]));
  for (const { operator, inputs } of network.nodes) {
    const shape = network.tensors[inputs[0]!]!.shape;
    const source = producers.get(inputs[0]!)?.operator.kind;
    found.add(operator.kind);
    if (shape.length > 1) found.add(`${shape.length - 1}-d`);
    switch (operator.kind) {
      case 'convolution': {
        const { stride, dilation, groups, kernel, padding, weight } = operator;
        notePadding(note, padding);
        note(
          'stride',
          stride.some((s) => s > 1),
        );
        note(
          'dilation',
          dilation.some((d, a) => d > 1 && kernel[a]! > 1),
        );
        note('groups', groups > 1 && groups < operator.inputs);
        note('depthwise', groups > 1 && groups === operator.inputs);
        note(
          'all-positive weights',
          weight.every((w) => w > 0),
        );
        note(
          'padding as wide as the kernel',
          padding.before.some((p, a) => p > dilation[a]! * (kernel[a]! - 1)),
        );
        note('padded convolution after a linear operator', isPadded(padding) && isSpreading(source));
        note('padded convolution of a sum', isPadded(padding) && source === 'add');
        note('padded convolution of a concatenation', isPadded(padding) && source === 'concat');
        break;
      }
      case 'transposed-convolution':
        note(
          'strided transposed convolution',
          operator.stride.some((s) => s > 1),
        );
        note(
          'cropped transposed convolution',
          operator.before.some((p) => p > 0),
        );
        break;
      case 'nonlinearity':
        found.add(operator.function.name);
        break;
      case 'scale':
        note(
          'negative scale',
          operator.scale.some((s) => s < 0),
        );
        break;
      case 'max-pool':
        note(
          'overlapping max-pool',
          operator.kernel.some((k, a) => k > operator.stride[a]!),
        );
        note(
          'padded max-pool',
          operator.before.some((p) => p > 0),
        );
        note(
          'dilated max-pool',
          operator.dilation.some((d) => d > 1),
        );
        break;
      case 'average-pool':
        note('average-pool that counts padding', isPadded(operator.padding) && operator.countIncludesPadding);
        note(
          'average-pool without padding in its divisor',
          isPadded(operator.padding) && !operator.countIncludesPadding,
        );
        break;
      case 'affine':
        note('affine on an image', shape.length > 1 || source === 'reindex');
        break;
      case 'add':
        note(
          'strided residual block',
          inputs.some((id) => strided(producers.get(id)?.operator)),
        );
        break;
      case 'concat':
        note(
          'max-pool branch',
          network.nodes.some((n) => n.operator.kind === 'max-pool'),
        );
        break;
      case 'reindex':
        note(
          'transpose',
          operator.permutation.some((axis, k) => axis !== k),
        );
        break;
      case 'pad':
      case 'gather':
      case 'max-gather':
      case 'global-average-pool':
      case 'global-max-pool':
      case 'grouped':
      case 'softmax':
        break;
      default:
        throw operator satisfies never;
    }
  }
  return found;
}

type Note = (feature: string, holds: boolean) => void;

function notePadding(note: Note, padding: Padding): void {
  note(`${padding.mode} padding`, isPadded(padding));
  note(
    'asymmetric padding',
    padding.before.some((p, a) => p !== padding.after[a]!),
  );
}

function isPadded(padding: Padding): boolean {
  return [...padding.before, ...padding.after].some((p) => p > 0);
}

/** Linear and able to spill over the window. */
function isSpreading(kind: string | undefined): boolean {
  return (
    kind === 'convolution' || kind === 'average-pool' || kind === 'transposed-convolution' || kind === 'pad'
  );
}

function strided(operator: Network['nodes'][number]['operator'] | undefined): boolean {
  return operator?.kind === 'convolution' && operator.stride.some((s) => s > 1);
}
