/** Operators that do less than they could are replaced by simpler ones. */
import { isExactProduct, merged, multipliable } from '../exact.ts';
import { linearMatrix, linearOffset } from '../matrix.ts';
import type { Network, Node } from '../network.ts';
import { mapped } from '../numbers.ts';
import type { Add, AveragePool, Convolution, MaxPool, Operator, Scale } from '../operator.ts';
import { product, sameShape } from '../size.ts';
import { constants, movedFrom } from '../weights/origin.ts';
import { consumers, Rewriter } from './rewriter.ts';

type Shape = readonly number[];

/**
 * Drops what does nothing (scales by one, empty pads, 1×1 pools, sums and stacks of one tensor), adds up the
 * coefficients of a tensor that a sum takes twice, turns convolutions of single samples into affine operators and
 * pools over the whole image into global ones. Weights are added up only where their sum is as exact, relative to itself, as they are.
 */
export function replaceDegenerate(network: Network): Network {
  const rewriter = new Rewriter(network);
  const readers = consumers(network);
  /** New tensors that more than one node reads. */
  const shared = new Set<number>();
  for (const node of network.nodes) {
    const { output } = node;
    const [reader, second] = readers[output]!;
    const once = output !== network.output && second === undefined;
    visit(rewriter, node, shared, once ? reader : undefined);
    if (!once) shared.add(rewriter.image(output));
  }
  return rewriter.finish();
}

/** @param reader of the node's output, if it is the only one */
function visit(rewriter: Rewriter, node: Node, shared: ReadonlySet<number>, reader: Node | undefined): void {
  const inputs = rewriter.inputs(node);
  const input = rewriter.shape(inputs[0]!);
  const output = rewriter.old.tensors[node.output]!.shape;
  const { operator } = node;
  if (doesNothing(operator, input, output)) {
    rewriter.stand(node.output, inputs[0]!);
  } else if (operator.kind === 'add') {
    const waits =
      reader?.operator.kind === 'add' && reader.inputs.filter((id) => id === node.output).length === 1;
    const [sum, terms] = distinctTerms(...withInnerSums(rewriter, operator, inputs, shared), waits);
    rewriter.replace(node, sum, terms);
  } else {
    const simpler = onePosition(operator, input, output);
    if (!simpler) {
      rewriter.copy(node);
      return;
    }
    const flat = rewriter.add(node.name, simpler, inputs, `${node.name}_flat`);
    const permutation = rewriter.shape(flat).map((_, axis) => axis);
    rewriter.replace(node, { kind: 'reindex', permutation, shape: output }, [flat]);
  }
}

function doesNothing(operator: Operator, input: Shape, output: Shape): boolean {
  switch (operator.kind) {
    case 'scale':
      // 1 from arithmetic is something near 1.
      if (operator.roundings) return false;
      return operator.scale.every((a) => a === 1) && (operator.shift ?? NO_SHIFT).every((b) => b === 0);
    case 'pad':
      return sameShape(input, output);
    case 'gather':
      return sameShape(input, output) && operator.sources.every((source, k) => source === k);
    case 'average-pool':
    case 'max-pool':
      return sameShape(input, output) && [...operator.kernel, ...operator.stride].every((side) => side === 1);
    case 'add':
      return !operator.roundings && operator.coefficients.length === 1 && operator.coefficients[0] === 1;
    case 'concat':
      return sameShape(input, output);
    default:
      return false;
  }
}

const NO_SHIFT = new Float64Array();

type Sum = [operator: Add, inputs: readonly number[]];

/**
 * The sum with the terms of the sums that only it reads, where that brings terms of one tensor together and products of coefficients are
 * exact: (x + εx) − x can be added up exactly where 1 + ε cannot.
 */
function withInnerSums(
  rewriter: Rewriter,
  operator: Add,
  inputs: readonly number[],
  shared: ReadonlySet<number>,
): Sum {
  const terms: { input: number; coefficient: number }[] = [];
  let roundings = operator.roundings ?? 0;
  const uses = new Map<number, number>();
  for (const input of inputs) uses.set(input, (uses.get(input) ?? 0) + 1);
  for (const [k, input] of inputs.entries()) {
    const coefficient = operator.coefficients[k]!;
    const inner = rewriter.producer(input);
    const once = !shared.has(input) && uses.get(input) === 1;
    const sum = inner?.operator.kind === 'add' && once ? inner.operator : undefined;
    if (!sum || !isExactMultiple(sum.coefficients, coefficient)) {
      terms.push({ input, coefficient });
      continue;
    }
    roundings += sum.roundings ?? 0;
    for (const [l, own] of inner!.inputs.entries()) {
      terms.push({ input: own, coefficient: coefficient * sum.coefficients[l]! });
    }
  }
  const flat = terms.map(({ input }) => input);
  if (new Set(flat).size === flat.length) return [operator, inputs];
  return [
    sumOf(
      terms.map(({ coefficient }) => coefficient),
      roundings,
    ),
    flat,
  ];
}

function isExactMultiple(coefficients: readonly number[], factor: number): boolean {
  return multipliable(coefficients, [factor]) && coefficients.every((c) => isExactProduct(c, factor));
}

/**
 * A sum that takes every tensor once, where coefficients can be added up; of a single tensor it is a scale.
 * @param waits a sum reads the result, and will add up what rounding would spoil here
 */
function distinctTerms(
  operator: Add,
  inputs: readonly number[],
  waits: boolean,
): [Add | Scale, readonly number[]] {
  const own = new Map<number, number[]>();
  for (const [k, id] of inputs.entries()) {
    const coefficients = own.get(id) ?? [];
    coefficients.push(operator.coefficients[k]!);
    own.set(id, coefficients);
  }
  const before = operator.roundings ?? 0;
  let roundings = before;
  const terms = [...own].flatMap(([input, coefficients]) => {
    const sum = merged(coefficients, before);
    // What is uncertain of terms that cancel is not small against their sum.
    if (sum.magnitude > Math.abs(sum.value))
      return coefficients.map((coefficient) => ({ input, coefficient }));
    if (waits && before === 0 && !sum.exact) {
      return sum.partials.map((coefficient) => ({ input, coefficient }));
    }
    roundings = Math.max(roundings, sum.roundings);
    return [{ input, coefficient: sum.value }];
  });
  const flat = terms.map(({ input }) => input);
  const sum = sumOf(
    terms.map(({ coefficient }) => coefficient),
    roundings,
  );
  if (terms.length > 1) return [sum, flat];
  const { coefficients, kind: _, ...rest } = sum;
  return [{ kind: 'scale', scale: constants(Float64Array.from(coefficients)), ...rest }, flat];
}

function sumOf(coefficients: readonly number[], roundings: number): Add {
  return { kind: 'add', coefficients, ...(roundings > 0 && { roundings }) };
}

/** An operator with a vector as its output that does the same, where the output image is a single sample. */
function onePosition(operator: Operator, input: Shape, output: Shape): Operator | undefined {
  if (product(output.slice(1)) > 1) return undefined;
  switch (operator.kind) {
    case 'convolution': {
      const covered = product(input.slice(1)) <= product(operator.kernel);
      return covered && isSmall(operator, input) ? asAffine(operator, input) : undefined;
    }
    case 'average-pool':
      return coversImage(operator, operator.padding.before, input)
        ? { kind: 'global-average-pool', sum: false }
        : undefined;
    case 'max-pool':
      return coversImage(operator, operator.before, input) ? { kind: 'global-max-pool' } : undefined;
    case 'global-average-pool':
    case 'global-max-pool': {
      const permutation = input.map((_, axis) => axis);
      return product(input.slice(1)) === 1 ? { kind: 'reindex', permutation, shape: output } : undefined;
    }
    default:
      return undefined;
  }
}

/** The zeros between the groups of a convolution may be far more than its weights. */
const MOST_ENTRIES = 2 ** 25;

/** Neither the dense matrix nor the table of its taps is out of proportion. */
function isSmall({ outputs, kernel, weight }: Convolution, input: Shape): boolean {
  const entries = outputs * product(input);
  return entries <= Math.max(MOST_ENTRIES, 2 * weight.length) && product(kernel) <= MOST_ENTRIES;
}

function asAffine(operator: Convolution, input: Shape): Operator | undefined {
  const { rows: outputs, columns: inputs, data: weight, ...exactness } = linearMatrix(operator, input);
  // Taps that cancel on one sample are left to be bounded as they are.
  if (exactness.magnitude) return undefined;
  return {
    kind: 'affine',
    outputs,
    inputs,
    weight: padsWithZeros(operator)
      ? movedFrom(weight, operator.weight, () => tapsOf(operator, input))
      : weight,
    ...exactness,
    ...(operator.bias && { bias: linearOffset(operator, input) }),
  };
}

function padsWithZeros({ padding }: Convolution): boolean {
  return padding.mode === 'zero';
}

/** For every entry of a convolution's matrix its weight's, −1 where it has none: of taps that never meet. */
function tapsOf(operator: Convolution, input: Shape): Float64Array {
  const numbered = Float64Array.from(operator.weight, (_, n) => n + 1);
  return mapped(linearMatrix({ ...operator, weight: numbered }, input).data, (n) => n - 1);
}

/** The first window is the image itself. */
function coversImage({ kernel, ...pool }: AveragePool | MaxPool, before: Shape, input: Shape): boolean {
  const dense = pool.kind === 'average-pool' || pool.dilation.every((d, a) => d === 1 || kernel[a] === 1);
  return dense && before.every((samples) => samples === 0) && sameShape(kernel, input.slice(1));
}
