/** Shapes of outputs, and everything about an operator that can be refused on the strength of shapes alone. */
import { InputError } from '../errors.ts';
import { groupDefinitionOf } from './groups/table.ts';
import type { Numbers } from './numbers.ts';
import type {
  Affine,
  AveragePool,
  Convolution,
  Grouped,
  MaxPool,
  Operator,
  Padding,
  Reindex,
  TransposedConvolution,
} from './operator.ts';
import { product, sameShape } from './size.ts';

type Shape = readonly number[];

/** The largest number of entries a tensor may be declared with: positions in it are Int32 everywhere. */
const MOST_ENTRIES = 2 ** 31 - 1;

/**
 * The shape of `operator`'s output. Allocates nothing that grows with the declared sizes.
 * @throws InputError that starts with `node` where operator and inputs do not fit
 */
export function outputShape(node: string, operator: Operator, inputs: readonly Shape[]): number[] {
  const shape = infer(new Demands(node, operator.kind), operator, inputs);
  checkShape(`${node}: ${operator.kind}: output`, shape);
  return shape;
}

/** Far more than any format or runtime has; walks over all pairs of axes end soon. */
const MOST_AXES = 64;

/** At least one axis and at most 64, positive sides, at most 2^31 − 1 entries. */
export function checkShape(what: string, shape: Shape): void {
  if (shape.length > MOST_AXES)
    throw new InputError(`${what}: must have at most ${MOST_AXES} axes, got ${shape.length}`);
  const got = `[${shape.join(', ')}]`;
  if (shape.length === 0)
    throw new InputError(`${what}: must have at least one axis besides the batch, got ${got}`);
  if (!shape.every((side) => Number.isSafeInteger(side) && side >= 1)) {
    throw new InputError(`${what}: sides must be positive integers, got ${got}`);
  }
  if (!(product(shape) <= MOST_ENTRIES))
    throw new InputError(`${what}: must have at most 2^31 − 1 entries, got ${got}`);
}

class Demands {
  private readonly where: string;
  constructor(node: string, kind: string) {
    this.where = `${node}: ${kind}`;
  }

  that(holds: boolean, rule: string, got: number | Shape | string): void {
    if (!holds)
      throw new InputError(`${this.where}: ${rule}, got ${Array.isArray(got) ? `[${got.join(', ')}]` : got}`);
  }

  integers(what: string, values: readonly number[], axes: number, least: number): void {
    this.that(values.length === axes, `${what} must have one entry per spatial axis (${axes})`, values);
    const fine = values.every((v) => Number.isInteger(v) && v >= least && v <= MOST_AXIS);
    this.that(fine, `${what} must be integers from ${least} to 2^31 − 1`, values);
  }
}

/** Kernel sides, strides, dilations and pads fit an Int32. */
const MOST_AXIS = 2 ** 31 - 1;

function infer(demand: Demands, operator: Operator, inputs: readonly Shape[]): number[] {
  if (operator.kind !== 'add' && operator.kind !== 'concat') {
    demand.that(inputs.length === 1, 'takes one input', inputs.length);
  }
  demand.that(inputs.length >= 1, 'takes at least one input', inputs.length);
  const input = inputs[0]!;
  switch (operator.kind) {
    case 'affine':
      return affineShape(demand, operator, input);
    case 'convolution':
      return convolutionShape(demand, operator, input);
    case 'transposed-convolution':
      return transposedShape(demand, operator, input);
    case 'scale': {
      const arrays = { scale: operator.scale, ...(operator.shift && { shift: operator.shift }) };
      for (const [what, { length }] of Object.entries(arrays)) {
        const entries = product(input);
        const fine = length === 1 || length === input[0] || length === entries;
        demand.that(fine, `${what} must have 1, ${input[0]} or ${entries} entries`, length);
      }
      return [...input];
    }
    case 'nonlinearity':
    case 'softmax':
      return [...input];
    case 'average-pool':
      return averagePoolShape(demand, operator, input);
    case 'max-pool':
      return maxPoolShape(demand, operator, input);
    case 'grouped':
      return groupedShape(demand, operator, input);
    case 'max-gather': {
      const entries = product(input);
      for (const window of operator.windows) {
        demand.that(window.length >= 1, 'windows must not be empty', window.length);
        const outside = window.find((index) => !(index >= 0 && index < entries));
        demand.that(outside === undefined, `indices must lie in [0, ${entries})`, outside ?? '');
      }
      return [operator.windows.length];
    }
    case 'global-average-pool':
    case 'global-max-pool':
      spatialAxes(demand, input);
      return [input[0]!];
    case 'pad':
      return [input[0]!, ...paddedSides(demand, operator.padding, spatialAxes(demand, input))];
    case 'reindex':
      return reindexShape(demand, operator, input);
    case 'gather': {
      const { sources } = operator;
      const shape = operator.shape ?? [sources.length, ...input.slice(1)];
      const entries = operator.shape ? product(input) : input[0]!;
      if (operator.shape) {
        demand.that(sources.length === product(shape), 'shape must have an entry for every source', shape);
      }
      const outside = sources.find((index) => !(index >= -1 && index < entries));
      demand.that(outside === undefined, `sources must lie in [−1, ${entries})`, outside ?? '');
      return [...shape];
    }
    case 'add': {
      const { coefficients } = operator;
      demand.that(
        coefficients.length === inputs.length,
        `needs ${inputs.length} coefficients`,
        coefficients.length,
      );
      for (const shape of inputs)
        demand.that(sameShape(shape, input), `inputs must be [${input.join(', ')}]`, shape);
      return [...input];
    }
    case 'concat': {
      const rest = input.slice(1);
      for (const shape of inputs) {
        demand.that(
          sameShape(shape.slice(1), rest),
          `inputs must agree beyond the first axis with [${input.join(', ')}]`,
          shape,
        );
      }
      return [inputs.reduce((channels, shape) => channels + shape[0]!, 0), ...rest];
    }
    default:
      throw unknownOperator(operator);
  }
}

function groupedShape(demand: Demands, { function: f, groups, wide }: Grouped, input: Shape): number[] {
  const definition = groupDefinitionOf(f);
  const seen = new Uint8Array(input[0]!);
  for (const group of groups) {
    demand.that(group.length >= 1, 'groups must not be empty', group.length);
    for (const channel of group) {
      demand.that(channel >= 0 && channel < seen.length, `channels must lie in [0, ${seen.length})`, channel);
      demand.that(seen[channel] === 0, 'every channel must be in one group', channel);
      seen[channel] = 1;
    }
  }
  demand.that(!seen.includes(0), 'every channel must be in a group', seen.indexOf(0));
  demand.that(!(wide && definition.scalar), `${f.name} must be of each position by itself`, 'all together');
  return definition.scalar ? [groups.length, ...input.slice(1)] : [...input];
}

/** What the default of a switch over operators throws: the compiler sees to it that it is never reached. */
export function unknownOperator(operator: never): Error {
  return new Error(`unknown operator ${(operator as Operator).kind}`);
}

/** The spatial sides of an image. */
function spatialAxes(demand: Demands, input: Shape): Shape {
  const fine = input.length >= 2 && input.length <= 4;
  demand.that(fine, 'the input must be [channels, …] with 1 to 3 spatial axes', input);
  return input.slice(1);
}

function channels(demand: Demands, operator: Convolution | TransposedConvolution, input: Shape): void {
  const { inputs, outputs, groups } = operator;
  for (const [what, value] of Object.entries({ inputs, outputs, groups })) {
    demand.that(Number.isSafeInteger(value) && value >= 1, `${what} must be a positive integer`, value);
  }
  demand.that(input[0] === inputs, `the input must have ${inputs} channels`, input);
  demand.that(
    inputs % groups === 0 && outputs % groups === 0,
    `groups must divide ${inputs} and ${outputs}`,
    groups,
  );
}

function weightLength(
  demand: Demands,
  weight: Numbers,
  bias: Float64Array | undefined,
  shape: Shape,
  outputs: number,
): void {
  const rule = `the weight must have ${shape.join(' · ')} entries`;
  demand.that(weight.length === product(shape), rule, weight.length);
  if (bias) demand.that(bias.length === outputs, `the bias must have ${outputs} entries`, bias.length);
}

function affineShape(demand: Demands, operator: Affine, input: Shape): number[] {
  const { outputs, inputs, weight, bias } = operator;
  demand.that(Number.isSafeInteger(outputs) && outputs >= 1, 'outputs must be a positive integer', outputs);
  demand.that(product(input) === inputs, `the input must have ${inputs} entries`, input);
  weightLength(demand, weight, bias, [outputs, inputs], outputs);
  return [outputs];
}

function convolutionShape(demand: Demands, operator: Convolution, input: Shape): number[] {
  const { outputs, inputs, groups, kernel, stride, dilation, weight, bias } = operator;
  const sides = spatialAxes(demand, input);
  channels(demand, operator, input);
  windowAxes(demand, sides.length, kernel, stride, dilation);
  weightLength(demand, weight, bias, [outputs, inputs / groups, ...kernel], outputs);
  const padded = paddedSides(demand, operator.padding, sides);
  return [outputs, ...windowCounts(demand, padded, kernel, stride, dilation)];
}

function transposedShape(demand: Demands, operator: TransposedConvolution, input: Shape): number[] {
  const { outputs, inputs, groups, kernel, stride, dilation, before, after, outputPadding, weight, bias } =
    operator;
  const sides = spatialAxes(demand, input);
  channels(demand, operator, input);
  windowAxes(demand, sides.length, kernel, stride, dilation);
  demand.integers('before', before, sides.length, 0);
  demand.integers('after', after, sides.length, 0);
  demand.integers('outputPadding', outputPadding, sides.length, 0);
  weightLength(demand, weight, bias, [inputs, outputs / groups, ...kernel], outputs);
  const grown = sides.map((n, a) => {
    const full = (n - 1) * stride[a]! + dilation[a]! * (kernel[a]! - 1) + 1 + outputPadding[a]!;
    const side = full - before[a]! - after[a]!;
    demand.that(side >= 1, `before and after must leave something of the ${full} samples of axis ${a}`, side);
    return side;
  });
  return [outputs, ...grown];
}

function averagePoolShape(demand: Demands, operator: AveragePool, input: Shape): number[] {
  const { kernel, stride, padding, countIncludesPadding } = operator;
  const sides = spatialAxes(demand, input);
  const dilation = sides.map(() => 1);
  windowAxes(demand, sides.length, kernel, stride, dilation);
  const padded = paddedSides(demand, padding, sides);
  const counts = windowCounts(demand, padded, kernel, stride, dilation);
  if (!countIncludesPadding) {
    demand.that(padding.mode === 'zero', 'padding that is not counted must be zero padding', padding.mode);
    windowsSeeSamples(demand, sides, counts, operator.kernel, stride, dilation, padding.before);
  }
  return [input[0]!, ...counts];
}

function maxPoolShape(demand: Demands, operator: MaxPool, input: Shape): number[] {
  const { kernel, stride, dilation, before, after } = operator;
  const sides = spatialAxes(demand, input);
  windowAxes(demand, sides.length, kernel, stride, dilation);
  const padded = paddedSides(demand, { mode: 'zero', before, after }, sides);
  const counts = windowCounts(demand, padded, kernel, stride, dilation);
  windowsSeeSamples(demand, sides, counts, kernel, stride, dilation, before);
  return [input[0]!, ...counts];
}

function windowAxes(demand: Demands, axes: number, kernel: Shape, stride: Shape, dilation: Shape): void {
  demand.integers('kernel', kernel, axes, 1);
  demand.integers('stride', stride, axes, 1);
  demand.integers('dilation', dilation, axes, 1);
}

function paddedSides(demand: Demands, padding: Padding, sides: Shape): number[] {
  const { mode, before, after } = padding;
  demand.integers('padding before', before, sides.length, 0);
  demand.integers('padding after', after, sides.length, 0);
  return sides.map((n, a) => {
    if (mode === 'reflect') {
      const most = Math.max(before[a]!, after[a]!);
      demand.that(most < n, `reflect padding must be below the ${n} samples of axis ${a}`, most);
    }
    return before[a]! + n + after[a]!;
  });
}

function windowCounts(
  demand: Demands,
  padded: Shape,
  kernel: Shape,
  stride: Shape,
  dilation: Shape,
): number[] {
  return padded.map((n, a) => {
    const extent = dilation[a]! * (kernel[a]! - 1) + 1;
    demand.that(extent <= n, `the kernel must fit the ${n} padded samples of axis ${a}`, extent);
    return Math.floor((n - extent) / stride[a]!) + 1;
  });
}

/** No window may lie in the padding alone: its mean or maximum would be no number. */
function windowsSeeSamples(
  demand: Demands,
  sides: Shape,
  counts: Shape,
  kernel: Shape,
  stride: Shape,
  dilation: Shape,
  before: Shape,
): void {
  for (let a = 0; a < sides.length; a++) {
    const extent = dilation[a]! * (kernel[a]! - 1) + 1;
    const rule = `every window of axis ${a} must hold a sample that is not padding`;
    demand.that(before[a]! < extent, `${rule} (padding before < ${extent})`, before[a]!);
    const lastStart = (counts[a]! - 1) * stride[a]! - before[a]!;
    demand.that(lastStart < sides[a]!, `${rule} (last start < ${sides[a]})`, lastStart);
    // A dilation beyond the side could step over all samples.
    const fine = before[a] === 0 || dilation[a]! <= sides[a]!;
    demand.that(fine, `with padding the dilation of axis ${a} must be at most ${sides[a]}`, dilation[a]!);
  }
}

function reindexShape(demand: Demands, operator: Reindex, input: Shape): number[] {
  const { permutation, shape } = operator;
  const sorted = [...permutation].sort((a, b) => a - b);
  const permutes = sorted.length === input.length && sorted.every((axis, i) => axis === i);
  demand.that(permutes, `permutation must hold each of the ${input.length} axes once`, permutation);
  demand.that(
    product(shape) === product(input),
    `shape must have the ${product(input)} entries of the input`,
    shape,
  );
  return [...shape];
}
