/** Means, sums and maxima over axes. */
import { OWN_FIELDS, tied } from '../../../network/lengths/follows.ts';
import { everyAxis, product, strides } from '../../../network/size.ts';
import type { Call, Signal } from '../call.ts';
import { type Constant, constantOf, walk } from '../values/constant.ts';
import { type ElementType, isFloat } from '../values/elementType.ts';
import { scaledBy } from './arithmetic.ts';
import type { Converter, Family } from './converter.ts';
import { floatResult, integerResult } from './entries.ts';
import { alongAxes, sampleAxes } from './groups/along.ts';
import { contracted } from './products/contraction.ts';

type Join = (a: number, b: number) => number;

const plus: Join = (a, b) => a + b;
const times: Join = (a, b) => a * b;

/** What becomes of the entries that are reduced to one. */
type Reduction = (call: Call, type: ElementType) => (x: Float64Array) => number;

export const reduction: Family = new Map<string, Converter>([
  ['ReduceMean', reducer(18, average, (call, x, axes) => mean(call, x, axes, false))],
  ['ReduceSum', reducer(13, accumulated(plus, 0), (call, x, axes) => mean(call, x, axes, true))],
  ['ReduceMax', reducer(18, () => (x) => x.reduce((a, b) => Math.max(a, b)), maximum)],
  ['ReduceMin', reducer(18, () => (x) => x.reduce((a, b) => Math.min(a, b)), minimum)],
  ['ReduceProd', reducer(18, accumulated(times, 1))],
  ['ReduceL1', reducer(18, accumulated(plus, 0, Math.abs), norm(1))],
  ['ReduceL2', reducer(18, length, norm(2))],
  [
    'ReduceLogSumExp',
    reducer(18, logSumExp, (call, x, axes) => alongAxes(call, x, axes, { name: 'log-sum-exp' })),
  ],
  [
    'ReduceSumSquare',
    reducer(
      18,
      accumulated(plus, 0, (value) => value * value),
    ),
  ],
]);

/**
 * The entries joined, after a function of each. Floats are rounded once, at the end: the order in which runtimes add
 * them is left open. So is what becomes of integers that leave their type on the way, in whatever order.
 */
function accumulated(join: Join, start: number, each = (value: number) => value): Reduction {
  return (call, type) => {
    if (isFloat(type)) {
      const result = floatResult(call, type);
      return (x) => result(x.reduce((sum, value) => join(sum, each(value)), start));
    }
    const result = integerResult(call, type);
    return (x) => {
      // No part of the whole is larger than that of the magnitudes, zeros taken for ones in products.
      x.reduce((sum, value) => result(join(sum, Math.max(result(Math.abs(each(value))), start))), start);
      return result(x.reduce((sum, value) => join(sum, each(value)), start));
    };
  };
}

function length(call: Call, type: ElementType): (x: Float64Array) => number {
  const result = floatResult(call, type);
  return (x) => result(Math.sqrt(x.reduce((sum, value) => sum + value * value, 0)));
}

function logSumExp(call: Call, type: ElementType): (x: Float64Array) => number {
  const result = floatResult(call, type);
  return (x) => {
    const top = x.reduce((a, b) => Math.max(a, b));
    return result(top + Math.log(x.reduce((sum, value) => sum + Math.exp(value - top), 0)));
  };
}

/** How the mean of integers is rounded is left open, so it must be one of them. */
function average(call: Call, type: ElementType): (x: Float64Array) => number {
  if (isFloat(type)) {
    const result = floatResult(call, type);
    return (x) => result(x.reduce(plus, 0) / x.length);
  }
  const result = integerResult(call, type);
  const sum = accumulated(plus, 0)(call, type);
  return (x) => result(sum(x) / x.length);
}

/**
 * @param inputSince the operator set since which the axes are an input
 * @param signals over axes of the sample, which the result is without
 */
function reducer(
  inputSince: number,
  constants: Reduction,
  signals?: (call: Call, x: Signal, axes: readonly number[]) => Signal,
): Converter {
  return {
    constants: (call) => reducedConstant(call, inputSince, constants),
    ...(signals && { signals: (call: Call) => reducedSignal(call, inputSince, signals) }),
  };
}

/** Reductions that are not the identity on single entries. */
const ENTRIES_TOO: ReadonlySet<string> = new Set([
  'ReduceL1',
  'ReduceL2',
  'ReduceLogSumExp',
  'ReduceSumSquare',
]);

/** The axes to reduce, counted from the front; undefined where the node does nothing. */
function reducedAxes(call: Call, inputSince: number, rank: number): number[] | undefined {
  const axes = call.listArgument('axes', 1, inputSince) ?? [];
  if (axes.length > 0) return call.axes(axes, rank);
  return call.attributes.flag('noop_with_empty_axes') ? undefined : [...everyAxis(rank, 0).keys()];
}

function withoutAxes(shape: readonly number[], axes: readonly number[], keep: boolean): number[] {
  return shape.flatMap((side, axis) => (axes.includes(axis) ? (keep ? [1] : []) : [side]));
}

function reducedConstant(call: Call, inputSince: number, reduction: Reduction): Constant {
  const x = call.numbers(0);
  const axes = reducedAxes(call, inputSince, x.shape.length);
  if (!axes) {
    if (ENTRIES_TOO.has(call.node.opType)) {
      call.refuse('without axes that does nothing', 'whether entries stay as they are is left open');
    }
    return x;
  }
  const reduce = reduction(call, x.type);
  call.demand(x.data.length > 0, 'there must be something to reduce', x.shape);
  call.scope.budget.allocate(call.node.name, 2 * x.data.length);
  const steps = strides(x.shape);
  const within = axes.map((axis) => x.shape[axis]!);
  const offsets = walk(
    within,
    axes.map((axis) => steps[axis]!),
  );
  const kept = [...x.shape.keys()].filter((axis) => !axes.includes(axis));
  const starts = walk(
    kept.map((axis) => x.shape[axis]!),
    kept.map((axis) => steps[axis]!),
  );
  const data = starts.map((start) => reduce(offsets.map((offset) => x.data[start + offset]!)));
  return constantOf(x.type, withoutAxes(x.shape, axes, call.attributes.flag('keepdims', true)), data);
}

function reducedSignal(
  call: Call,
  inputSince: number,
  reduce: (call: Call, x: Signal, axes: readonly number[]) => Signal,
): Signal {
  const input = call.signal(0);
  const axes = reducedAxes(call, inputSince, call.dims(input).length);
  if (!axes || axes.length === 0) {
    if (ENTRIES_TOO.has(call.node.opType)) {
      call.refuse('without axes that does nothing', 'whether entries stay as they are is left open');
    }
    return input;
  }
  return reducedOver(call, input, axes, call.attributes.flag('keepdims', true), reduce);
}

/**
 * One entry for those along some axes, counted with the batch.
 * @param keep whether the axes stay, with one entry
 * @param reduce over axes of the sample, which its result is without
 */
export function reducedOver(
  call: Call,
  input: Signal,
  axes: readonly number[],
  keep: boolean,
  reduce: (call: Call, x: Signal, axes: readonly number[]) => Signal,
): Signal {
  const [x, own] = sampleAxes(call, input, axes);
  const reduced = reduce(call, x, own);
  const shape = withoutAxes(x.shape, own, keep);
  const plain = reduced.batched === x.batched ? reduced : call.unbatched(reduced);
  return call.settled(call.view(plain, shape));
}

/** Mean or sum: a global pool where all spatial axes go, windows that span an axis where only some go. */
export function mean(call: Call, x: Signal, axes: readonly number[], sum: boolean): Signal {
  const spatial = x.shape.length - 1;
  if (spatial >= 1 && spatial <= 3 && !axes.includes(0)) {
    if (axes.length === spatial) return call.emit({ kind: 'global-average-pool', sum }, [x], OWN_FIELDS);
    const kernel = x.shape.slice(1).map((side, a) => (axes.includes(a + 1) ? side : 1));
    const none = everyAxis(spatial, 0);
    const padding = { mode: 'zero', before: none, after: none } as const;
    const pooled = call.emit(
      { kind: 'average-pool', kernel, stride: kernel, padding, countIncludesPadding: true },
      [x],
      tied('over some of the positions', 'the side is that of the file; bound it without the option length'),
    );
    if (!sum) return pooled;
    return call.emitSame(
      { kind: 'scale', scale: Float64Array.of(product(kernel)) },
      pooled,
      OWN_FIELDS,
      'sum',
    );
  }
  const reduced = product(axes.map((axis) => x.shape[axis]!));
  const kept = [...x.shape.keys()].filter((axis) => !axes.includes(axis));
  const columns = call.permuted(x, [...axes, ...kept], [reduced, ...kept.map((axis) => x.shape[axis]!)]);
  call.scope.budget.allocate(call.node.name, reduced);
  const value = sum ? 1 : 1 / reduced;
  const exact = sum || Number.isInteger(Math.log2(reduced));
  const row = constantOf('double', [1, reduced], new Float64Array(reduced).fill(value));
  return contracted(call, columns, 0, { ...row, ...(!exact && { roundings: 1 }) });
}

function maximum(call: Call, x: Signal, axes: readonly number[]): Signal {
  const spatial = x.shape.length - 1;
  const whole = spatial >= 1 && spatial <= 3 && !axes.includes(0) && axes.length === spatial;
  if (whole) return call.emit({ kind: 'global-max-pool' }, [x], OWN_FIELDS);
  if (axes.length < x.shape.length) return alongAxes(call, x, axes, { name: 'max' });
  const flat = call.view(x, [product(x.shape)]);
  const windows = [Int32Array.from({ length: product(x.shape) }, (_, n) => n)];
  return call.emit({ kind: 'max-gather', windows }, [flat], OWN_FIELDS);
}

function minimum(call: Call, x: Signal, axes: readonly number[]): Signal {
  const most = maximum(call, scaledBy(call, x, -1, 'negative'), axes);
  return { ...scaledBy(call, most, -1, 'of the largest'), shape: most.shape };
}

function norm(p: number): (call: Call, x: Signal, axes: readonly number[]) => Signal {
  return (call, x, axes) => alongAxes(call, x, axes, { name: 'norm', p });
}
