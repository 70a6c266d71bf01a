/** Signals whose entries are picked, repeated and put beside each other, by index maps. */
import { OWN_FIELDS, tied } from '../../../../network/lengths/follows.ts';
import { product, strides } from '../../../../network/size.ts';
import type { Call, Dimension, Signal, Value } from '../../call.ts';
import { broadcastShape, broadcastSteps, type Constant, constantOf, walk } from '../../values/constant.ts';

const OF_POSITIONS = tied('entries that are picked or repeated', 'positions are those of the file’s length');

/**
 * A signal of which entry n of the sample is entry sources[n] of the sample of `x`, or 0 for −1.
 * @param part as of `Call.emit`
 */
export function picked(
  call: Call,
  x: Signal,
  sources: ArrayLike<number>,
  shape: readonly number[],
  part?: string,
): Signal {
  if (sources.length === 0) call.refuse('of nothing', 'empty tensors are not supported');
  const inOrder = sources.length === product(x.shape) && isInOrder(sources);
  if (inOrder) return call.view(x, shape);
  call.scope.budget.allocate(call.node.name, sources.length);
  const own = shape.length === 0 ? [1] : shape;
  const operator = { kind: 'gather', sources: Int32Array.from(sources), shape: own } as const;
  return { ...call.emit(operator, [x], OF_POSITIONS, part), shape };
}

function isInOrder(sources: ArrayLike<number>): boolean {
  for (let n = 0; n < sources.length; n++) if (sources[n] !== n) return false;
  return true;
}

/** Entry (i₁, i₂, …) of the result is entry (lists[1][i₁], lists[2][i₂], …) of the sample of `x`, 0 where one of these is −1. */
export function pickedByAxis(
  call: Call,
  x: Signal,
  lists: readonly ArrayLike<number>[],
  part?: string,
): Signal {
  const shape = lists.map(({ length }) => length);
  const whole = (axis: number) => lists[axis]!.length === x.shape[axis] && isInOrder(lists[axis]!);
  const changed = [...lists.keys()].filter((axis) => !whole(axis));
  if (changed.length === 0) return x;
  if (product(shape) === 0) call.refuse('of nothing', 'empty tensors are not supported');
  if (changed.length === 1 && changed[0] === 0 && x.shape.length > 0) {
    const operator = { kind: 'gather', sources: Int32Array.from(lists[0]!) } as const;
    return { ...call.emit(operator, [x], OWN_FIELDS, part), shape };
  }
  call.scope.budget.allocate(call.node.name, 2 * product(shape));
  return picked(call, x, sourcesByAxis(x.shape, lists), shape, part);
}

/** The flat index in a tensor of `shape` of every entry of which `lists` gives the index on each axis; −1 where one is −1. */
export function sourcesByAxis(shape: readonly number[], lists: readonly ArrayLike<number>[]): Int32Array {
  const steps = strides(shape);
  let sources: Int32Array = Int32Array.of(0);
  for (const [axis, list] of lists.entries()) {
    const next = new Int32Array(sources.length * list.length);
    let n = 0;
    for (const start of sources) {
      for (let i = 0; i < list.length; i++) {
        next[n++] = start < 0 || list[i]! < 0 ? -1 : start + list[i]! * steps[axis]!;
      }
    }
    sources = next;
  }
  return sources;
}

/** 0, 1, … */
export function counted(n: number): Int32Array {
  return new Int32Array(n).map((_, k) => k);
}

/**
 * The signal repeated over dims to which it broadcasts.
 * @param to the batch counted, as `Call.dims`
 */
export function broadcastTo(call: Call, x: Signal, to: readonly Dimension[]): Signal {
  const from = call.dims(x);
  if (from.length === to.length && from.every((side, axis) => side === to[axis])) return call.settled(x);
  if (x.batched && from.length === to.length && from[0] === to[0])
    return repeated(call, x, to.slice(1) as number[]);
  if (from[0] === 'batch' || to[0] === 'batch') {
    const found = `[${from.join(', ')}] beside [${to.join(', ')}]`;
    return call.refuse(found, 'the batch must remain the first axis, and samples must not mix');
  }
  return call.settled(repeated(call, call.unbatched(x), to as number[]));
}

function repeated(call: Call, x: Signal, shape: readonly number[]): Signal {
  if (product(x.shape) === product(shape)) return call.view(x, shape);
  call.scope.budget.allocate(call.node.name, 3 * product(shape));
  // Axes that are not there yet come in front.
  const lead = shape.length - x.shape.length;
  const whole = lead === 0 ? x : call.view(x, [...shape.slice(0, lead).map(() => 1), ...x.shape], false);
  const lists = whole.shape.map((side, axis) => (side === 1 ? new Int32Array(shape[axis]!) : counted(side)));
  return pickedByAxis(call, whole, lists, 'repeated');
}

/** The dims that values broadcast to together; undefined where they do not. */
export function commonDims(call: Call, values: readonly Value[]): Dimension[] | undefined {
  const all = values.map((value) => call.dims(value));
  const batched = all.some((dims) => dims[0] === 'batch');
  if (!batched) {
    let shape: number[] | undefined = [];
    for (const dims of all) shape = shape && broadcastShape(shape, dims as number[]);
    return shape;
  }
  // The batch stands in front; constants beside it have one sample, or none.
  const rank = all.reduce((most, dims) => Math.max(most, dims.length), 0);
  let shape: number[] | undefined = [];
  for (const dims of all) {
    const whole = dims.length === rank;
    if (dims[0] === 'batch' ? !whole : whole && dims[0] !== 1) return undefined;
    shape = shape && broadcastShape(shape, (whole ? dims.slice(1) : dims) as number[]);
  }
  return shape && ['batch', ...shape];
}

/** A tensor whose entries are taken from several. */
export interface Assembly {
  /** The batch counted, as `Call.dims`. */
  readonly dims: readonly Dimension[];
  /** For every entry of the sample the number of its part, and which entry of the sample of that it is. */
  readonly part: ArrayLike<number>;
  readonly entry: ArrayLike<number>;
}

/** @param parts constants have the entries of one sample. @returns a constant where no entry is of a signal */
export function assembled(call: Call, parts: readonly Value[], { dims, part, entry }: Assembly): Value {
  const batched = dims[0] === 'batch';
  const shape = (batched ? dims.slice(1) : dims) as number[];
  const used = new Set<number>();
  for (let n = 0; n < part.length; n++) used.add(part[n]!);
  const signals = parts.flatMap((value, k) => (value.kind === 'signal' && used.has(k) ? [{ value, k }] : []));
  call.scope.budget.allocate(call.node.name, 3 * product(shape));
  const whole = signals.map(({ value }) => (batched ? value : call.unbatched(value)));
  const starts = new Map<number, number>();
  let count = 0;
  for (const [i, { k }] of signals.entries()) {
    starts.set(k, count);
    count += product(whole[i]!.shape);
  }
  const sources = new Int32Array(product(shape));
  const shift = new Float64Array(sources.length);
  for (let n = 0; n < sources.length; n++) {
    const from = parts[part[n]!]!;
    const start = starts.get(part[n]!);
    sources[n] = start === undefined ? -1 : start + entry[n]!;
    if (from.kind === 'constant') shift[n] = from.data[entry[n]!]!;
  }
  if (signals.length === 0) {
    if (batched)
      call.refuse('of constants alone', 'it depends on the batch size; give the model a fixed one');
    const constant = parts.find((value) => value.kind === 'constant');
    return constantOf(constant?.type ?? 'float', shape, shift);
  }
  const flat = signals.length === 1 ? whole : whole.map((x) => call.view(x, [product(x.shape)]));
  const joined = flat.length === 1 ? flat[0]! : call.emit({ kind: 'concat' }, flat, OF_POSITIONS, 'joined');
  const result = call.settled(picked(call, joined, sources, shape, 'picked'));
  return shifted(call, result, shift);
}

/** With a number added to every entry of the sample. */
export function shifted(call: Call, x: Signal, shift: Float64Array, roundings = 0): Signal {
  if (shift.every((value) => value === 0)) return x;
  const infinite = shift.find((value) => !Number.isFinite(value));
  if (infinite !== undefined) call.refuse(`of ${infinite}`, 'constants beside data must be finite');
  const scale = Float64Array.of(1);
  const operator = { kind: 'scale', scale, shift, ...(roundings > 0 && { roundings }) } as const;
  return call.emitSame(operator, x, OF_POSITIONS, 'shift');
}

/** The constant with the entries of one sample, repeated over dims with the batch counted. */
export function sampleOf(call: Call, constant: Constant, dims: readonly Dimension[]): Constant {
  const shape = (dims[0] === 'batch' ? dims.slice(1) : dims) as number[];
  const own =
    dims[0] === 'batch' && constant.shape.length === dims.length ? constant.shape.slice(1) : constant.shape;
  call.scope.budget.allocate(call.node.name, 2 * product(shape));
  const sources = walk(shape, broadcastSteps(own, shape));
  const data = Float64Array.from(sources, (at) => constant.data[at]!);
  return { kind: 'constant', type: constant.type, shape, data };
}
