/** Constants that meet signals: which axis of the sample they vary along. */
import { product, strides } from '../../../network/size.ts';
import type { Call, Signal } from '../call.ts';
import { broadcastShape, broadcastSteps, type Constant, walk } from '../values/constant.ts';

/** A constant broadcast over a sample: one number for all, or one per entry of a single axis. */
export interface Broadcast {
  /** Length 1 without an axis, else the side of the axis. */
  readonly values: Float64Array;
  readonly axis?: number;
}

/**
 * How `constant` acts on the entries of `signal` in an elementwise operation; undefined where it varies along
 * more than one axis or along the batch, or where the signal would be repeated.
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
  if (others.length > 0) return undefined;
  // Axes are counted from the end; `shape` and the signal's dims have one length, the sample's may be one less.
  const axis = ownAxis! - constant.shape.length + sample.length;
  if (axis < 0) return undefined;
  call.scope.budget.allocate(call.node.name, sample[axis]!);
  const step = broadcastSteps(constant.shape, constant.shape)[ownAxis!]!;
  return { axis, values: Float64Array.from(walk([sample[axis]!], [step]), (at) => constant.data[at]!) };
}

/** As `broadcastOver`, with an entry for every index of the given axis, or a single one. */
export function sameAlongAllBut(
  call: Call,
  constant: Constant,
  signal: Signal,
  axis: number,
): Float64Array | undefined {
  const broadcast = broadcastOver(call, constant, signal);
  return broadcast && (broadcast.axis === undefined || broadcast.axis === axis)
    ? broadcast.values
    : undefined;
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
