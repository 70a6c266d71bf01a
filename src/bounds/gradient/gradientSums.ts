/** Gradients of the arrays that a bound was computed from, gathered as those of the arrays that they come from. */
import { type Unsupported, UnsupportedError } from '../../errors.ts';
import type { Network, Node } from '../../network/network.ts';
import type { Numbers } from '../../network/numbers.ts';
import { originOf, ownOrigin, type Stored } from '../../network/weights/origin.ts';

/** ∂ ln L / ∂ one array of weights. */
export interface WeightGradient {
  /** Of the array in the file (of an ONNX file, its initializer); of a network that came from no file, its node's, as `conv_1.weight`. */
  readonly name: string;
  /** As the file has it, or the operator. */
  readonly shape: readonly number[];
  /** Row-major. */
  readonly values: Float64Array;
}

interface Sum {
  readonly name: string;
  readonly shape: readonly number[];
  /** Whether a bound without its gradient would be worth nothing: it is no scale. */
  readonly needed: boolean;
  readonly node: string;
  values?: Float64Array;
}

export class GradientSums {
  readonly #sums = new Map<Stored, Sum>();

  /** @param network as it was given, before anything was rearranged */
  constructor(network: Network) {
    const arrays = network.nodes.flatMap((node) => {
      const array = arrayOf(node);
      const origin = array && ownOrigin(array.numbers);
      return array && origin && origin !== 'constant' ? [{ node, array, origin }] : [];
    });
    const taken = new Set(arrays.flatMap(({ origin }) => origin.of.name ?? []));
    for (const { node, array, origin } of arrays) {
      if (this.#sums.has(origin.of)) continue;
      const { name = ownName(`${node.name}.${array.role}`, taken), shape = array.shape } = origin.of;
      const needed = array.role === 'weight';
      this.#sums.set(origin.of, { name, shape, needed, node: node.name });
    }
  }

  /** @throws UnsupportedError where it is not known where the weights come from */
  add(weights: ArrayLike<number>, gradient: Float64Array, node: string): void {
    const origin = originOf(weights);
    if (origin === 'constant') return;
    const sum = origin && this.#sums.get(origin.of);
    if (!origin || !sum) throw new UnsupportedError([notFollowed(node)]);
    const own = origin.back(gradient);
    if (!own.every(Number.isFinite)) {
      const reason = 'it leaves the range of float64: weights may be too small';
      throw new UnsupportedError([{ node, found: `the gradient of ${sum.name}`, reason }]);
    }
    const before = sum.values;
    sum.values = before ? before.map((x, n) => x + own[n]!) : own;
  }

  /** @throws UnsupportedError where an array of weights has no gradient */
  finish(): { readonly weights: readonly WeightGradient[]; readonly held: readonly string[] } {
    const all = [...this.#sums.values()];
    const missing = all.filter(({ values, needed }) => !values && needed);
    if (missing.length > 0) throw new UnsupportedError(missing.map(({ node }) => notFollowed(node)));
    return {
      weights: all.flatMap(({ name, shape, values }) => (values ? { name, shape, values } : [])),
      held: all.flatMap(({ name, values }) => (values ? [] : [name])),
    };
  }
}

/** Of an array that the file has no name for: that of its node, or with a number where something else is called that. */
function ownName(wanted: string, taken: Set<string>): string {
  let name = wanted;
  for (let k = 2; taken.has(name); k++) name = `${wanted} (${k})`;
  taken.add(name);
  return name;
}

function notFollowed(node: string): Unsupported {
  return { node, found: 'weights', reason: 'gradients are not followed through what is made of them here' };
}

function arrayOf({ operator }: Node) {
  switch (operator.kind) {
    case 'affine':
      return array('weight', operator.weight, [operator.outputs, operator.inputs]);
    case 'convolution': {
      const { outputs, inputs, groups, kernel, weight } = operator;
      return array('weight', weight, [outputs, inputs / groups, ...kernel]);
    }
    case 'transposed-convolution': {
      const { outputs, inputs, groups, kernel, weight } = operator;
      return array('weight', weight, [inputs, outputs / groups, ...kernel]);
    }
    case 'scale':
      return array('scale', operator.scale, [operator.scale.length]);
    default:
      return undefined;
  }
}

function array(role: 'weight' | 'scale', numbers: Numbers, shape: readonly number[]) {
  return { role, numbers, shape };
}
