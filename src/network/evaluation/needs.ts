/** What evaluating and differentiating a network at a point takes, from shapes alone. */
import type { Network } from '../network.ts';
import type { Operator } from '../operator.ts';
import { product } from '../size.ts';
import { maxPoolWindows } from './geometry.ts';

type Shape = readonly number[];

export interface EvaluationNeeds {
  readonly bytes: number;
  /** Multiplications and additions of one evaluation, in pairs. */
  readonly work: number;
  /** As many as take the time of one where convolutions are products of matrices, by somebody who is fast at these. */
  readonly leastWork: number;
  /** Of all tensors. */
  readonly entries: number;
}

/** Arrays as large as a tensor that are alive at the same time in a search for a lower bound, about: values at two points, what their
 *  derivatives keep, and increments. */
const ARRAYS = 5;
/** Of the input besides: points and directions that are kept, and those on the way. */
const ARRAYS_OF_INPUT = 20;
/** Of a list of indices, besides its entries. */
const BYTES_PER_LIST = 120;

export function evaluationNeeds({ tensors, nodes, input }: Network): EvaluationNeeds {
  const shape = (id: number) => tensors[id]!.shape;
  const entries = tensors.reduce((sum, t) => sum + product(t.shape), 0);
  let bytes = 8 * (ARRAYS * entries + ARRAYS_OF_INPUT * product(shape(input)));
  let [work, least] = [0, 0];
  for (const { operator, inputs, output } of nodes) {
    const own = operatorNeeds(operator, inputs.length, shape(inputs[0]!), shape(output));
    bytes += own.bytes;
    work += own.work;
    least += leastWork(operator, own.work);
  }
  return { bytes, work, leastWork: least, entries };
}

/** How many times as fast as plain loops somebody is who is fast at products of matrices, at least; pairs of operations that an entry of
 *  patches of an image takes the time of, made for that; and what asking takes. */
const SPEED_AT_MATRICES = 8;
const PAIRS_PER_PATCH_ENTRY = 2.5;
const PAIRS_OF_ASKING = 8e4;

/**
 * Pairs of operations that a product with a convolution takes the time of where filters and patches of the image are left to somebody who is
 * fast at products of matrices; plain loops take `work`.
 * @param filters of a group
 */
export function workAsMatrices(filters: number, groups: number, work: number): number {
  return work / SPEED_AT_MATRICES + (PAIRS_PER_PATCH_ENTRY * work) / filters + groups * PAIRS_OF_ASKING;
}

function leastWork(operator: Operator, work: number): number {
  switch (operator.kind) {
    case 'convolution':
      return Math.min(work, workAsMatrices(operator.outputs / operator.groups, operator.groups, work));
    case 'transposed-convolution':
      return Math.min(work, workAsMatrices(operator.inputs / operator.groups, operator.groups, work));
    default:
      return work;
  }
}

/** What an array takes besides its entries, in pairs of operations. */
const PAIRS_PER_ARRAY = 40;

/** Multiplications and additions of a sum of tensors, in pairs. */
export function workOfSum(tensors: number, entries: number): number {
  return tensors * (entries + PAIRS_PER_ARRAY);
}

/** Of its tables alone. */
function operatorNeeds(
  operator: Operator,
  inputs: number,
  input: Shape,
  output: Shape,
): Pick<EvaluationNeeds, 'bytes' | 'work'> {
  const entries = product(output);
  switch (operator.kind) {
    case 'convolution':
    case 'average-pool': {
      const taps = product(operator.kernel);
      const width = operator.kind === 'convolution' ? operator.inputs / operator.groups : 1;
      return { bytes: 8 * product(output.slice(1)) * taps, work: entries * width * taps };
    }
    case 'transposed-convolution': {
      const taps = product(operator.kernel);
      const width = operator.outputs / operator.groups;
      return { bytes: 8 * product(input.slice(1)) * taps, work: product(input) * width * taps };
    }
    case 'max-pool': {
      const taps = product(maxPoolWindows(operator, input, output).kernel);
      const tables = 8 * product(output.slice(1)) * taps;
      return { bytes: tables + entries * (4 * taps + BYTES_PER_LIST), work: entries * taps };
    }
    case 'global-max-pool':
      return { bytes: 4 * product(input) + entries * BYTES_PER_LIST, work: product(input) };
    case 'affine':
      return { bytes: 0, work: operator.weight.length };
    case 'add':
      return { bytes: 0, work: workOfSum(inputs, entries) };
    case 'pad':
    case 'reindex':
    case 'gather':
      return { bytes: 8 * entries, work: entries };
    default:
      return { bytes: 0, work: product(input) };
  }
}
