/** Picking and repeating entries: Slice, Gather, Split, Expand and Tile. */

import { OWN_FIELDS } from '../../../network/lengths/follows.ts';
import { inDouble, mapped } from '../../../network/numbers.ts';
import { everyAxis, product, strides } from '../../../network/size.ts';
import type { Call, Signal } from '../call.ts';
import { broadcastShape, type Constant, expanded, gathered, walk } from '../values/constant.ts';
import type { Converter, Family } from './converter.ts';
import { broadcastTo, counted, pickedByAxis } from './moving/picked.ts';

export const selection: Family = new Map<string, Converter>([
  ['Slice', { constants: sliceConstant, signals: sliceSignal }],
  ['Gather', { constants: gatherConstant, signals: gatherSignal }],
  ['Split', { constants: splitConstant, signals: splitSignal }],
  ['Expand', { constants: expandConstant, signals: expandSignal }],
  ['Tile', { constants: tileConstant, signals: tileSignal }],
]);

/** Indices start, start + step, …, `count` of them, of one axis. */
export interface Stretch {
  readonly axis: number;
  readonly start: number;
  readonly step: number;
  readonly count: number;
  /** Whether an axis of any other side would be taken from the same start with the same step, to its end. */
  readonly toEnd: boolean;
}

// ---- Slice ------------------------------------------------------------------------------------

/** Ends from here on mean the end. */
const LARGEST_SIDE = 2 ** 31 - 1;

/** Starts or ends, infinite where the file has integers beyond 2^53: such an end is beyond every side. */
function sliceEnds(call: Call, name: string, index: number): readonly number[] {
  if (call.opset < 10) return call.attributes.integers(name)!;
  const { shape, data } = call.known(index);
  call.demand(shape.length === 1, `${name} must be a vector`, shape);
  return [...data];
}

/** What a Slice takes of the axes it names; `sides` gives the side of an axis. */
function stretches(call: Call, rank: number, sides: (axis: number) => number): Stretch[] {
  const starts = sliceEnds(call, 'starts', 1);
  const ends = sliceEnds(call, 'ends', 2);
  const axes = call.listArgument('axes', 3, 10) ?? [...starts.keys()];
  const steps = (call.opset >= 10 ? call.integers(4) : undefined) ?? everyAxis(starts.length, 1);
  const lengths = [starts, ends, axes, steps].map((list) => list.length);
  call.demand(new Set(lengths).size === 1, 'starts, ends, axes and steps must be of one length', lengths);
  const fromFront = axes.map((axis) => call.axis(axis, rank));
  call.demand(new Set(fromFront).size === axes.length, 'axes must be distinct', axes);
  return fromFront.map((axis, k) => {
    const step = steps[k]!;
    call.demand(step !== 0, 'steps must not be 0', steps);
    const side = sides(axis);
    // Counting from the back and clamping, as Python does.
    const clamp = (index: number, least: number, most: number) =>
      Math.min(Math.max(index < 0 ? index + side : index, least), most);
    const start = step > 0 ? clamp(starts[k]!, 0, side) : clamp(starts[k]!, 0, side - 1);
    const end = step > 0 ? clamp(ends[k]!, 0, side) : clamp(ends[k]!, -1, side - 1);
    const toEnd = step > 0 && starts[k]! >= 0 && ends[k]! >= LARGEST_SIDE;
    return { axis, start, step, count: Math.max(Math.ceil((end - start) / step), 0), toEnd };
  });
}

function sliceConstant(call: Call): Constant {
  const from = call.requiredConstant(0);
  const taken = stretches(call, from.shape.length, (axis) => from.shape[axis]!);
  return stretched(call, from, taken);
}

function stretched(call: Call, from: Constant, taken: readonly Stretch[]): Constant {
  const shape = [...from.shape];
  const steps = strides(from.shape);
  let offset = 0;
  for (const { axis, start, step, count } of taken) {
    shape[axis] = count;
    offset += start * steps[axis]!;
    steps[axis]! *= step;
  }
  call.scope.budget.allocate(call.node.name, 2 * product(shape));
  return gathered(from, shape, walk(shape, steps, offset));
}

function sliceSignal(call: Call): Signal {
  const x = call.signal(0);
  const dims = call.dims(x);
  const taken = stretches(call, dims.length, (axis) => {
    const side = dims[axis]!;
    return side === 'batch' ? call.refuse('of the batch', 'samples must not mix') : side;
  });
  const whole = ({ axis, start, step, count }: Stretch) => start === 0 && step === 1 && count === dims[axis];
  const cut = taken.filter((stretch) => !whole(stretch));
  const following = call.followingAxes(x);
  const lost = taken.find(({ axis, toEnd }) => following.includes(axis) && !toEnd);
  if (lost) {
    const reason = 'with starts from 0 on and ends from 2^31 − 1 on it would be the same at every length';
    call.tie(`of positions ${lost.start} to ${lost.start + (lost.count - 1) * lost.step}`, reason);
  }
  const offset = x.batched ? 1 : 0;
  let result = cut.some(({ axis }) => axis < offset) ? call.unbatched(x) : x;
  for (const stretch of cut) {
    const axis = stretch.axis - (result.batched ? offset : 0);
    const { start, step, count } = stretch;
    result =
      subsampled(call, result, { ...stretch, axis }) ??
      selected(
        call,
        result,
        axis,
        Float64Array.from({ length: count }, (_, row) => start + row * step),
      );
  }
  return call.settled(result);
}

/** Every step-th sample of a spatial axis: a convolution, channel by channel, whose last tap is 1. */
function subsampled(call: Call, x: Signal, { axis, start, step, count }: Stretch): Signal | undefined {
  const spatial = x.shape.length - 1;
  const reachesEnd = step > 1 && count === Math.floor((x.shape[axis]! - start - 1) / step) + 1;
  if (axis === 0 || spatial > 3 || !reachesEnd || start >= step) return undefined;
  const channels = x.shape[0]!;
  const along = (value: number, other: number) => everyAxis(spatial, other).with(axis - 1, value);
  const taps = start + 1;
  call.scope.budget.allocate(call.node.name, channels * taps);
  const none = everyAxis(spatial, 0);
  return call.emit(
    {
      kind: 'convolution',
      outputs: channels,
      inputs: channels,
      groups: channels,
      kernel: along(taps, 1),
      stride: along(step, 1),
      dilation: everyAxis(spatial, 1),
      padding: { mode: 'zero', before: none, after: none },
      weight: new Float64Array(channels * taps).map((_, i) => (i % taps === start ? 1 : 0)),
    },
    [x],
    OWN_FIELDS,
  );
}

/** Entries of an axis of the sample, with the given indices. */
export function selected(call: Call, x: Signal, axis: number, indices: ArrayLike<number>): Signal {
  const lists = x.shape.map((side, other) => (other === axis ? indices : counted(side)));
  return call.settled(pickedByAxis(call, x, lists));
}

// ---- Gather -----------------------------------------------------------------------------------

/** Indices from the front. */
function gatherIndices(call: Call, side: number): Constant {
  const indices = call.numbers(1);
  const data = mapped(indices.data, (index) => (index < 0 ? index + side : index));
  for (const index of data)
    call.demand(index >= 0 && index < side, `indices must lie in [${-side}, ${side})`, index);
  return { ...indices, data };
}

function gatherConstant(call: Call): Constant {
  const from = call.requiredConstant(0);
  const axis = call.axis(call.attributes.integer('axis', 0), from.shape.length);
  const indices = gatherIndices(call, from.shape[axis]!);
  const step = strides(from.shape)[axis]!;
  const side = from.shape[axis]!;
  const shape = [...from.shape.slice(0, axis), ...indices.shape, ...from.shape.slice(axis + 1)];
  call.scope.budget.allocate(call.node.name, 2 * product(shape));
  const inner = step;
  const picked = indices.data.length;
  const sources = new Float64Array(product(shape)).map((_, i) => {
    const outer = Math.floor(i / (picked * inner));
    const index = indices.data[Math.floor(i / inner) % picked]!;
    return (outer * side + index) * inner + (i % inner);
  });
  return gathered(from, shape, sources);
}

function gatherSignal(call: Call): Signal {
  const input = call.signal(0);
  const onnxAxis = call.axis(call.attributes.integer('axis', 0), call.dims(input).length);
  const x = input.batched && onnxAxis === 0 ? call.unbatched(input) : input;
  const axis = x.batched ? onnxAxis - 1 : onnxAxis;
  const indices = gatherIndices(call, x.shape[axis]!);
  const taken = selected(call, x, axis, inDouble(indices.data));
  // Where a batch of 1 was the axis, it may be back in front already.
  const plain = taken.batched === x.batched ? taken : call.unbatched(taken);
  return call.settled(call.view(plain, x.shape.toSpliced(axis, 1, ...indices.shape)));
}

// ---- Split ------------------------------------------------------------------------------------

/** Each output's stretch of the axis. */
function splitStretches(call: Call, axis: number, side: number): Stretch[] {
  const outputs = call.node.outputs.length;
  const stated = call.attributes.integer('num_outputs', undefined);
  call.demand(stated === undefined || stated === outputs, `num_outputs must be ${outputs}`, stated ?? 0);
  const given = call.listArgument('split', 1, 13);
  call.demand(!given || stated === undefined, 'split must not be given with num_outputs', stated ?? 0);
  const sides = given ?? equalParts(call, outputs, side);
  call.demand(sides.length === outputs, `split must have ${outputs} entries`, sides);
  const total = sides.reduce((a, b) => a + b, 0);
  call.demand(
    sides.every((count) => count >= 0) && total === side,
    `the parts must add up to ${side}`,
    sides,
  );
  let start = 0;
  return sides.map((count) => {
    start += count;
    return { axis, start: start - count, step: 1, count, toEnd: false };
  });
}

/** Of one length; since operator set 18 the last may be shorter. */
function equalParts(call: Call, parts: number, side: number): number[] {
  call.demand(parts <= side, `the outputs must number 1 to ${side}`, parts);
  const part = Math.ceil(side / parts);
  const last = side - part * (parts - 1);
  call.demand(last === part || call.opset >= 18, `the outputs must divide ${side}`, parts);
  return everyAxis(parts, part).with(parts - 1, last);
}

function splitConstant(call: Call): Constant[] {
  const from = call.requiredConstant(0);
  const axis = call.axis(call.attributes.integer('axis', 0), from.shape.length);
  return splitStretches(call, axis, from.shape[axis]!).map((part) => stretched(call, from, [part]));
}

function splitSignal(call: Call): Signal[] {
  const x = call.signal(0);
  const onnxAxis = call.axis(call.attributes.integer('axis', 0), call.dims(x).length);
  const axis = onnxAxis - (x.batched ? 1 : 0);
  if (axis < 0) call.refuse('of the batch', 'samples must not mix');
  return splitStretches(call, axis, x.shape[axis]!).map(({ start, count }) =>
    selected(
      call,
      x,
      axis,
      counted(count).map((row) => start + row),
    ),
  );
}

// ---- repeating --------------------------------------------------------------------------------

/** The shape that is asked for, to which the input is to broadcast as well. */
function expandTarget(call: Call): number[] {
  const target = call.integers(1) ?? call.malformed('the shape must be given', 'none');
  call.demand(
    target.every((side) => Number.isSafeInteger(side) && side >= 0),
    'sizes must not be negative',
    target,
  );
  return target;
}

function expandSignal(call: Call): Signal {
  const x = call.signal(0);
  const target = expandTarget(call);
  const from = call.dims(x);
  const rank = Math.max(from.length, target.length);
  if (from[0] === 'batch' && target.length === rank && target[0] !== 1) {
    return call.refuse(
      `to [${target.join(', ')}]`,
      'the batch must remain the first axis, and samples must not mix',
    );
  }
  const plain = from[0] === 'batch' ? [1, ...x.shape] : (from as number[]);
  const shape =
    broadcastShape(plain, target) ?? call.malformed(`[${from.join(', ')}] must broadcast`, target);
  return broadcastTo(call, x, from[0] === 'batch' ? ['batch', ...shape.slice(1)] : shape);
}

/** How often each axis is repeated. */
function tileRepeats(call: Call, rank: number): number[] {
  const repeats = call.integers(1) ?? call.malformed('repeats must be given', 'none');
  call.demand(
    repeats.length === rank && repeats.every((r) => Number.isSafeInteger(r) && r >= 0),
    `repeats must be ${rank} counts`,
    repeats,
  );
  return repeats;
}

function tileSignal(call: Call): Signal {
  const input = call.signal(0);
  const repeats = tileRepeats(call, call.dims(input).length);
  const x = input.batched && repeats[0] !== 1 ? call.unbatched(input) : input;
  const own = x.batched ? repeats.slice(1) : repeats;
  const entries = product(x.shape.map((side, axis) => side * own[axis]!));
  // Where one axis vanishes, the product says nothing of the others.
  if (entries === 0) call.refuse('of nothing', 'empty tensors are not supported');
  call.scope.budget.allocate(call.node.name, entries);
  const lists = x.shape.map((side, axis) => new Int32Array(side * own[axis]!).map((_, k) => k % side));
  return call.settled(pickedByAxis(call, x, lists));
}

function expandConstant(call: Call): Constant {
  const from = call.requiredConstant(0);
  const target = expandTarget(call);
  const shape =
    broadcastShape(from.shape, target) ?? call.malformed(`[${from.shape.join(', ')}] must broadcast`, target);
  call.scope.budget.allocate(call.node.name, 2 * product(shape));
  return expanded(from, shape);
}

function tileConstant(call: Call): Constant {
  const from = call.requiredConstant(0);
  const repeats = tileRepeats(call, from.shape.length);
  // Each axis as (repeats, side), the first of which stands still.
  const steps = strides(from.shape).flatMap((step) => [0, step]);
  const shape = from.shape.map((side, axis) => side * repeats[axis]!);
  call.scope.budget.allocate(call.node.name, 2 * product(shape));
  const doubled = from.shape.flatMap((side, axis) => [repeats[axis]!, side]);
  return gathered(from, shape, walk(doubled, steps));
}
