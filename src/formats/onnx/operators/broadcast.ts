/** Constants that meet signals: which axis of the sample they vary along. */
import { product, strides } from '../../../network/size.ts';
import type { Call, Signal } from '../call.ts';
import { broadcastShape, broadcastSteps, type Constant, walk } from '../values/constant.ts';

/** A constant broadcast over a sample: one number for all, one per index of a single axis, or one per entry. */
export interface Broadcast {
  /** One for all, as many as the axis has indices, or, without an axis, as many as the sample has entries. */
  readonly values: Float64Array;
  readonly axis?: number;
}

/**
 * How `constant` acts on the entries of `signal` in an elementwise operation; undefined where it varies along
 * the batch, or where the signal would be repeated.
 */
export function broadcastOver(call: Call, constant: Constant, signal: Signal): Broadcast | undefined {
  if (constant.batch) return undefined;
  const sample = [...signal.shape];
  const full = signal.batched ? [1, ...sample] : sample;
  const shape = broadcastShape(full, constant.shape);
  if (!shape || shape.length !== full.length || product(shape) !== product(full)) return undefined;
  call.scope.budget.work(call.node.name, constant.shape.length * constant.data.length);
  // Beside a signal of one sample it would repeat that, beside others be an error, whatever its entries are.
  const perPosition = call
    .followingAxes(signal)
    .some((axis) => (constant.shape.at(axis - shape.length) ?? 1) !== 1);
  if (perPosition) call.tie('a constant with a number per position', 'it fits the length of the file alone');
  const varying = varyingAxes(constant);
  if (varying.length === 0) return { values: Float64Array.from(constant.data.subarray(0, 1)) };
  const [ownAxis, ...others] = varying;
  if (others.length > 0) {
    call.scope.budget.allocate(call.node.name, 2 * product(sample));
    const steps = broadcastSteps(constant.shape, full);
    if (signal.batched && constant.shape.length === full.length && constant.shape[0] !== 1) return undefined;
    const from = walk(sample, signal.batched ? steps.slice(1) : steps);
    return { values: Float64Array.from(from, (at) => constant.data[at]!) };
  }
  // Axes are counted from the end; `shape` and the signal's dims have one length, the sample's may be one less.
  const axis = ownAxis! - constant.shape.length + sample.length;
  if (axis < 0) return undefined;
  call.scope.budget.allocate(call.node.name, sample[axis]!);
  const step = broadcastSteps(constant.shape, constant.shape)[ownAxis!]!;
  return { axis, values: Float64Array.from(walk([sample[axis]!], [step]), (at) => constant.data[at]!) };
}

/** As `broadcastOver`, with an entry for every index of the given axis, or for every entry, or a single one. */
export function sameAlongAllBut(
  call: Call,
  constant: Constant,
  signal: Signal,
  axis: number,
): Float64Array | undefined {
  const broadcast = broadcastOver(call, constant, signal);
  if (!broadcast || broadcast.axis === undefined || broadcast.axis === axis) return broadcast?.values;
  const { values, axis: own } = broadcast;
  const step = strides(signal.shape)[own]!;
  call.scope.budget.allocate(call.node.name, product(signal.shape));
  return new Float64Array(product(signal.shape)).map((_, n) => values[Math.floor(n / step) % values.length]!);
}

/** The axes along which entries differ. */
function varyingAxes(constant: Constant): number[] {
  const { shape, data } = constant;
  const steps = strides(shape);
  return [...shape.keys()].filter((axis) => {
    const side = shape[axis]!;
    const step = steps[axis]!;
    for (let i = 0; i < data.length; i++) {
      const first = i - (Math.floor(i / step) % side) * step;
      if (data[i] !== data[first]) return true;
    }
    return false;
  });
}
