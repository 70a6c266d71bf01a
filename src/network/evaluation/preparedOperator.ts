/** One table of operators for their values, their derivatives and the transposes of those, made ready for many points. */
import { sharingParameters } from '../elementwise/elementwise.ts';
import { definitionOf, type Elementwise } from '../elementwise/table.ts';
import { placedGroups } from '../groups/grouped.ts';
import { groupDefinitionOf } from '../groups/table.ts';
import type { Grouped, Operator, Softmax } from '../operator.ts';
import { unknownOperator } from '../shape.ts';
import { product, sharing } from '../size.ts';
import { type MaximumWindows, maximumSources, maximumWindows } from './gather.ts';
import { type AffineMap, constantTerm, linearMap } from './linearMap.ts';
import { workOfSum } from './needs.ts';

type Shape = readonly number[];

/** An operator on flattened tensors of known shapes. */
export interface PreparedOperator {
  /** Multiplications and additions of one evaluation, in pairs; its derivative takes about as many. */
  readonly work: number;
  /** Set where it is linear, but for its constant term. */
  readonly linear?: { readonly map: AffineMap; readonly constant: Float64Array | undefined };
  evaluate(inputs: readonly Float64Array[]): Float64Array;
  /** The derivative at these inputs; at a kink that of one of the pieces that meet there. */
  differentiate(inputs: readonly Float64Array[]): Differential;
}

/** A derivative, as its products. */
export interface Differential {
  /** The increment of the output, to first order, for increments of the inputs. */
  push(increments: readonly Float64Array[]): Float64Array;
  /** The transpose: for each input its gradient of ⟨cotangent, output⟩. */
  pull(cotangent: Float64Array): readonly Float64Array[];
}

/** What is the same at all points (tap tables, windows, index lists) is made here, once. */
export function prepare(operator: Operator, inputs: readonly Shape[], output: Shape): PreparedOperator {
  const input = inputs[0]!;
  switch (operator.kind) {
    case 'affine':
    case 'convolution':
    case 'transposed-convolution':
    case 'scale':
    case 'average-pool':
    case 'global-average-pool':
    case 'pad':
    case 'reindex':
    case 'gather': {
      const map = linearMap(operator, input, output);
      const { apply, transpose, work } = map;
      const constant = constantTerm(operator);
      return {
        work,
        linear: { map, constant },
        evaluate: ([x]) => addConstant(apply(x!), constant, output),
        differentiate: () => ({ push: ([dx]) => apply(dx!), pull: (u) => [transpose(u)] }),
      };
    }
    case 'nonlinearity':
      return nonlinearity(operator.function, sharingParameters(operator.function, input), product(input));
    case 'max-pool':
    case 'max-gather':
    case 'global-max-pool':
      return maximum(maximumWindows(operator, input, output), product(input));
    case 'add':
      return linearCombination(operator.coefficients, product(output));
    case 'concat':
      return stack(inputs.map(product));
    case 'grouped':
      return grouped(operator, input, product(output));
    case 'softmax':
      return softmax(operator, input[0]!, product(input));
    default:
      throw unknownOperator(operator);
  }
}

/** In place. */
export function addConstant(y: Float64Array, constant: Float64Array | undefined, shape: Shape): Float64Array {
  if (!constant) return y;
  const alike = sharing(constant.length, shape);
  for (let n = 0, k = 0; n < y.length; k++) {
    const value = constant[k]!;
    for (const end = n + alike; n < end; n++) y[n]! += value;
  }
  return y;
}

function nonlinearity(f: Elementwise, image: number, entries: number): PreparedOperator {
  const definition = definitionOf(f);
  const ofChannels = (of: typeof definition.value, x: Float64Array) => {
    const y = new Float64Array(entries);
    for (let n = 0, channel = 0; n < entries; channel++) {
      for (const end = n + image; n < end; n++) y[n] = of(f, x[n]!, channel);
    }
    return y;
  };
  return {
    work: entries,
    evaluate: ([x]) => ofChannels(definition.value, x!),
    differentiate: ([x]) => {
      const slopes = ofChannels(definition.derivative, x!);
      const scaled = (dx: Float64Array) => {
        const y = new Float64Array(entries);
        for (let n = 0; n < entries; n++) y[n] = slopes[n]! * dx[n]!;
        return y;
      };
      return { push: ([dx]) => scaled(dx!), pull: (u) => [scaled(u)] };
    },
  };
}

function maximum(windows: MaximumWindows, entries: number): PreparedOperator {
  const gather = (x: Float64Array, sources: Int32Array) => {
    const y = new Float64Array(sources.length);
    for (let n = 0; n < y.length; n++) y[n] = x[sources[n]!]!;
    return y;
  };
  return {
    work: windows.channels * windows.entries.length,
    evaluate: ([x]) => gather(x!, maximumSources(windows, x!)),
    differentiate: ([x]) => {
      const sources = maximumSources(windows, x!);
      return {
        push: ([dx]) => gather(dx!, sources),
        pull: (u) => {
          const gradient = new Float64Array(entries);
          for (let n = 0; n < u.length; n++) gradient[sources[n]!]! += u[n]!;
          return [gradient];
        },
      };
    },
  };
}

function linearCombination(coefficients: readonly number[], entries: number): PreparedOperator {
  const push = (inputs: readonly Float64Array[]) => {
    const sum = new Float64Array(entries);
    for (const [k, c] of coefficients.entries()) {
      const input = inputs[k]!;
      for (let n = 0; n < entries; n++) sum[n]! += c * input[n]!;
    }
    return sum;
  };
  const pull = (u: Float64Array) => coefficients.map((c) => u.map((value) => c * value));
  return {
    work: workOfSum(coefficients.length, entries),
    evaluate: push,
    differentiate: () => ({ push, pull }),
  };
}

function stack(sizes: readonly number[]): PreparedOperator {
  let entries = 0;
  const starts = sizes.map((size) => {
    entries += size;
    return entries - size;
  });
  const push = (parts: readonly Float64Array[]) => {
    const stacked = new Float64Array(entries);
    for (const [k, part] of parts.entries()) stacked.set(part, starts[k]!);
    return stacked;
  };
  const pull = (u: Float64Array) => sizes.map((size, k) => u.slice(starts[k]!, starts[k]! + size));
  return { work: entries, evaluate: push, differentiate: () => ({ push, pull }) };
}

function grouped(operator: Grouped, input: Shape, outputs: number): PreparedOperator {
  const placed = placedGroups(operator, input);
  const f = operator.function;
  const definition = groupDefinitionOf(f);
  const entries = product(input);
  const gathered = (x: Float64Array, at: Int32Array) => Float64Array.from(at, (n) => x[n]!);
  const scattered = (size: number, parts: readonly (readonly [at: Int32Array, values: Float64Array])[]) => {
    const y = new Float64Array(size);
    for (const [at, values] of parts) for (let k = 0; k < at.length; k++) y[at[k]!] = values[k]!;
    return y;
  };
  return {
    work: 8 * entries,
    evaluate: ([x]) =>
      scattered(
        outputs,
        placed.map(({ sources, targets }) => [targets, definition.value(f, gathered(x!, sources))]),
      ),
    differentiate: ([x]) => {
      const own = placed.map(({ sources, targets }) => ({
        sources,
        targets,
        differential: definition.differentiate(f, gathered(x!, sources)),
      }));
      return {
        push: ([dx]) =>
          scattered(
            outputs,
            own.map(({ sources, targets, differential }) => [
              targets,
              differential.push(gathered(dx!, sources)),
            ]),
          ),
        pull: (u) => [
          scattered(
            entries,
            own.map(({ sources, targets, differential }) => [
              sources,
              differential.pull(gathered(u, targets)),
            ]),
          ),
        ],
      };
    },
  };
}

/** Along the first axis, which has `channels` entries. p = softmax(x): dp = p ∘ (dx − ⟨p, dx⟩); its logarithm: dx − ⟨p, dx⟩. */
function softmax({ logarithm }: Softmax, channels: number, entries: number): PreparedOperator {
  const positions = entries / channels;
  const inner = (p: Float64Array, dx: Float64Array) => {
    const sums = new Float64Array(positions);
    for (let n = 0; n < entries; n++) sums[n % positions]! += p[n]! * dx[n]!;
    return sums;
  };
  return {
    work: 4 * entries,
    evaluate: ([x]) => softmaxValues(x!, channels, logarithm),
    differentiate: ([x]) => {
      const p = softmaxValues(x!, channels, false);
      const push = (dx: Float64Array) => {
        const mean = inner(p, dx);
        return dx.map((increment, n) => (logarithm ? 1 : p[n]!) * (increment - mean[n % positions]!));
      };
      const pull = (u: Float64Array) => {
        // diag(p) − p pᵀ is symmetric; I − 1 pᵀ is not.
        if (!logarithm) return push(u);
        const sums = new Float64Array(positions);
        for (let n = 0; n < entries; n++) sums[n % positions]! += u[n]!;
        return u.map((value, n) => value - p[n]! * sums[n % positions]!);
      };
      return { push: ([dx]) => push(dx!), pull: (u) => [pull(u)] };
    },
  };
}

export function softmaxValues(x: Float64Array, channels: number, logarithm: boolean): Float64Array {
  const positions = x.length / channels;
  const y = new Float64Array(x.length);
  for (let p = 0; p < positions; p++) {
    let largest = Number.NEGATIVE_INFINITY;
    for (let c = 0; c < channels; c++) largest = Math.max(largest, x[c * positions + p]!);
    let sum = 0;
    for (let c = 0; c < channels; c++) sum += Math.exp(x[c * positions + p]! - largest);
    for (let c = 0; c < channels; c++) {
      const logit = x[c * positions + p]! - largest;
      y[c * positions + p] = logarithm ? logit - Math.log(sum) : Math.exp(logit) / sum;
    }
  }
  return y;
}
