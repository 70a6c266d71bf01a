/** Operators that move entries about: the same on constants and on signals. */
import { OWN_FIELDS } from '../../../network/lengths/follows.ts';
import { everyAxis, product, sameShape, strides } from '../../../network/size.ts';
import { type Call, type Dimension, FIX_BATCH, type Signal, type Value } from '../call.ts';
import { type Constant, constantOf, reshaped, transposed } from '../values/constant.ts';
import type { Converter, Family } from './converter.ts';
import { assembled } from './moving/picked.ts';

export const shape: Family = new Map<string, Converter>([
  ['Identity', { constants: (call) => call.requiredConstant(0), signals: (call) => call.signal(0) }],
  ['Dropout', { constants: (call) => dropout(call) as Constant, signals: dropoutAndMask }],
  ['Flatten', viewing(flattenedDims)],
  ['Reshape', viewing(reshapedDims, reshapeKeeps)],
  ['Squeeze', viewing(squeezedDims)],
  ['Unsqueeze', viewing(unsqueezedDims)],
  ['Transpose', { constants: transposedConstant, signals: transposedSignal }],
  ['Concat', { constants: concatenatedConstant, signals: concatenatedSignal }],
]);

/** The input and, where its size is known, a mask that drops nothing. Before operator set 12 what a mask holds at inference is left open: ONNX Runtime has zeros. */
function dropoutAndMask(call: Call): readonly Value[] {
  const x = dropout(call);
  const dims = call.dims(x);
  const unknown = call.opset < 12 || dims.includes('batch');
  if ((call.node.outputs[1] ?? '') === '' || unknown) return [x];
  const entries = product(dims as number[]);
  call.scope.budget.allocate(call.node.name, entries);
  return [x, constantOf('bool', dims as number[], new Float64Array(entries).fill(1))];
}

/** At inference, and in training where none is dropped, the input itself. */
function dropout(call: Call): Value {
  const ratio = call.opset >= 12 ? (call.scalar(1) ?? 0.5) : 0.5;
  const training = call.opset >= 12 && (call.scalar(2) ?? 0) !== 0 && ratio !== 0;
  if (training || (call.opset < 7 && !call.attributes.flag('is_test')))
    call.refuse(
      call.opset < 7 ? 'is_test = 0' : 'training_mode',
      'a network is bounded at inference; export it in evaluation mode',
    );
  return call.value(0);
}

/**
 * An operator that keeps the entries in their order and only gives new dims.
 * @param keeps whether it gives the dims that were there, at every length of the signal
 */
function viewing(
  dims: (call: Call, from: readonly Dimension[]) => Dimension[],
  keeps?: (call: Call, x: Signal) => boolean,
): Converter {
  return {
    constants: (call) => {
      const from = call.requiredConstant(0);
      const to = dims(call, from.shape);
      const sizes = to.filter((side): side is number => side !== 'batch');
      if (sizes.length < to.length)
        call.refuse('of a constant', `its shape must not depend on the batch size; ${FIX_BATCH}`);
      const entries = product(from.shape);
      call.demand(product(sizes) === entries, `the shape must have ${entries} entries`, to);
      return reshaped(from, sizes);
    },
    signals: (call) => {
      const x = call.signal(0);
      if (keeps?.(call, x)) return x;
      const to = dims(call, call.dims(x));
      const result = viewed(call, x, to);
      // A reindex speaks for itself.
      if (result.id === x.id && call.follows(x)) {
        const reason = 'at another length it would be another one; bound it without the option length';
        call.tie(`[${call.dims(x).join(', ')}] becoming [${to.join(', ')}]`, reason);
      }
      return result;
    },
  };
}

/** The signal with new ONNX dims, of which the batch must be the first. */
function viewed(call: Call, x: Signal, to: readonly Dimension[]): Signal {
  const from = call.dims(x);
  const sizes = to.filter((side): side is number => side !== 'batch');
  if (!from.includes('batch') && sizes.length === to.length) {
    return call.settled(call.view(call.unbatched(x), sizes, false));
  }
  if (to[0] !== 'batch' || sizes.length !== to.length - 1 || product(sizes) !== product(x.shape)) {
    const found = `[${from.join(', ')}] becoming [${to.join(', ')}]`;
    call.refuse(found, `the batch must remain the first axis; ${FIX_BATCH}`);
  }
  return call.view(x, sizes, true);
}

function flattenedDims(call: Call, from: readonly Dimension[]): Dimension[] {
  const axis = call.attributes.integer('axis', 1);
  const end = axis < 0 ? axis + from.length : axis;
  call.demand(end >= 0 && end <= from.length, `axis must lie in [${-from.length}, ${from.length}]`, axis);
  return [merged(call, from.slice(0, end)), merged(call, from.slice(end))];
}

/** The product of dims; the batch by itself stays the batch. */
function merged(call: Call, dims: readonly Dimension[]): Dimension {
  const numbers = dims.filter((side): side is number => side !== 'batch');
  const size = product(numbers);
  if (numbers.length === dims.length) return size;
  if (size !== 1) call.refuse(`axes [${dims.join(', ')}] merged`, 'the batch must remain the first axis');
  return 'batch';
}

/** Entries of the shape: sizes, 0 for the size of the input's axis, −1 for what remains. */
function reshapedDims(call: Call, from: readonly Dimension[]): Dimension[] {
  const target = call.requiredConstant(1);
  call.demand(target.shape.length === 1, 'the shape must be a vector', target.shape);
  const keepsZero = call.attributes.flag('allowzero');
  const batch = call.scope.batch;
  const to: Dimension[] = [...target.data].map((size, axis) => {
    if (target.batch?.has(axis)) return 'batch';
    if (size === 0 && !keepsZero)
      return from[axis] ?? call.malformed('0 must stand for an axis of the input', axis);
    return size;
  });
  const open = to.filter((size) => size === -1).length;
  call.demand(open <= 1, 'at most one size may be −1', [...target.data]);
  call.demand(
    to.every((size) => size === 'batch' || size >= -1),
    'sizes must be −1 or more',
    to,
  );
  if (from.includes('batch')) {
    const samples = product(from.filter((side): side is number => side !== 'batch'));
    const rest = to.slice(1).filter((size) => size !== -1) as number[];
    // A fixed batch is often written out, and a model exported with one sample writes 1.
    const namesBatch = to[0] === (batch ?? 1) || (to[0] === -1 && product(rest) === samples);
    if (namesBatch) to[0] = 'batch';
  }
  return filled(call, to, from);
}

/** Whether every axis is given its own side: those that follow the length by 0 or −1, others so or by their size. */
function reshapeKeeps(call: Call, x: Signal): boolean {
  const target = call.requiredConstant(1);
  const dims = call.dims(x);
  const following = call.followingAxes(x);
  const own = (size: number, axis: number) =>
    size === -1 ||
    (size === 0 && !call.attributes.flag('allowzero')) ||
    (size === dims[axis] && !following.includes(axis)) ||
    (target.batch?.has(axis) === true && dims[axis] === 'batch');
  const entries = [...target.data];
  return (
    following.length > 0 &&
    target.ofLength !== true &&
    target.shape.length === 1 &&
    entries.length === dims.length &&
    entries.filter((size) => size === -1).length <= 1 &&
    entries.every(own)
  );
}

/** −1 replaced by what remains. */
function filled(call: Call, to: readonly Dimension[], from: readonly Dimension[]): Dimension[] {
  const count = (dims: readonly Dimension[]) =>
    product(dims.filter((side): side is number => side !== 'batch' && side !== -1));
  const remaining = count(from) / count(to);
  if (to.includes(-1) && !Number.isInteger(remaining)) {
    call.refuse(`[${from.join(', ')}] becoming [${to.join(', ')}]`, 'the sizes must divide the tensor');
  }
  return to.map((size) => (size === -1 ? remaining : size));
}

function squeezedDims(call: Call, from: readonly Dimension[]): Dimension[] {
  const axes = call.listArgument('axes', 1, 13);
  if (!axes && from.includes('batch') && call.scope.batch === undefined) {
    // With a batch of one, squeezing everything would remove it too.
    const reason = `with an open batch size it depends on the batch; give the axes, or ${FIX_BATCH}`;
    call.refuse('without axes', reason);
  }
  if (axes?.length === 0)
    call.refuse('with an empty list of axes', 'whether it stands for none or all is left open');
  const chosen = axes ? call.axes(axes, from.length) : [...from.keys()].filter((axis) => from[axis] === 1);
  for (const axis of chosen) {
    if (from[axis] === 'batch') call.refuse('the batch axis', 'it must remain the first axis');
    call.demand(from[axis] === 1, 'axes that are squeezed must have side 1', from);
  }
  return from.filter((_, axis) => !chosen.includes(axis));
}

function unsqueezedDims(call: Call, from: readonly Dimension[]): Dimension[] {
  const given = call.listArgument('axes', 1, 13) ?? call.malformed('axes must be given', 'none');
  const rank = from.length + given.length;
  const axes = call.axes(given, rank);
  const rest = [...from];
  return [...everyAxis(rank, 1).keys()].map((axis) => (axes.includes(axis) ? 1 : rest.shift()!));
}

/** The permutation of a Transpose: axes reversed unless it says otherwise. */
function permutationOf(call: Call, rank: number): number[] {
  const permutation = call.attributes.integers('perm') ?? [...everyAxis(rank, 0).keys()].reverse();
  const sorted = permutation.toSorted((a, b) => a - b);
  const fine = permutation.length === rank && sorted.every((axis, i) => axis === i);
  call.demand(fine, `perm must hold each of ${rank} axes once`, permutation);
  return permutation;
}

function transposedConstant(call: Call): Constant {
  const x = call.requiredConstant(0);
  call.scope.budget.allocate(call.node.name, 2 * x.data.length);
  return transposed(x, permutationOf(call, x.shape.length));
}

function transposedSignal(call: Call): Signal {
  const x = call.signal(0);
  const permutation = permutationOf(call, call.dims(x).length);
  if (!x.batched) return call.settled(call.permuted(x, permutation));
  if (permutation[0] !== 0) return call.settled(call.permuted(call.unbatched(x), permutation));
  return call.permuted(
    x,
    permutation.slice(1).map((axis) => axis - 1),
  );
}

function concatAxis(call: Call, rank: number): number {
  const axis = call.attributes.integer('axis', undefined) ?? call.malformed('axis must be given', 'none');
  return call.axis(axis, rank);
}

function concatenatedConstant(call: Call): Constant {
  const parts = call.inputs.map((_, k) => call.requiredConstant(k));
  const first = parts[0] ?? call.malformed('there must be inputs', 'none');
  const axis = concatAxis(call, first.shape.length);
  for (const part of parts) {
    const beside = ({ shape }: Constant) => [...shape.slice(0, axis), ...shape.slice(axis + 1)];
    const fits = part.shape.length === first.shape.length && sameShape(beside(part), beside(first));
    call.demand(fits, `inputs must agree with [${first.shape.join(', ')}] but for axis ${axis}`, part.shape);
  }
  const total = parts.reduce((sum, part) => sum + part.shape[axis]!, 0);
  const to = first.shape.with(axis, total);
  call.scope.budget.allocate(call.node.name, 3 * product(to));
  // All entries one after the other, then walked part by part in rows.
  const data = new Float64Array(product(to));
  const batch = new Set<number>();
  const row = strides(to)[axis]! * total;
  let start = 0;
  for (const part of parts) {
    const length = part.shape[axis]! * strides(part.shape)[axis]!;
    for (let i = 0; i < part.data.length; i++) {
      const at = Math.floor(i / length) * row + start + (i % length);
      data[at] = part.data[i]!;
      if (part.batch?.has(i)) batch.add(at);
    }
    start += length;
  }
  return { kind: 'constant', type: first.type, shape: to, data, ...(batch.size > 0 && { batch }) };
}

function concatenatedSignal(call: Call): Value {
  const values = call.inputs.map((_, k) => call.value(k));
  if (values.length === 1) return call.signal(0);
  const dims = values.map((value) => call.dims(value));
  const rank = dims[0]!.length;
  const onnxAxis = concatAxis(call, rank);
  const beside = (own: readonly Dimension[]) => own.filter((_, axis) => axis !== onnxAxis);
  const open = dims.some((own) => own[0] === 'batch');
  const first = beside(dims.find((own) => own[0] === 'batch') ?? dims[0]!);
  // A constant beside an open batch has one sample, or is none that fits every batch.
  const fits = (own: readonly Dimension[], value: Value) =>
    own.length === rank &&
    beside(own).every(
      (side, axis) => side === first[axis] || (open && axis === 0 && value.kind === 'constant' && side === 1),
    );
  const shown = dims.map((own) => `[${own.join(', ')}]`).join(', ');
  if ((open && onnxAxis === 0) || !values.every((value, k) => fits(dims[k]!, value))) {
    return call.refuse(`of ${shown}`, 'tensors must have one rank and may not be joined along the batch');
  }
  const signals = values.filter((value) => value.kind === 'signal');
  const alike =
    signals.length === values.length && signals.every(({ batched }) => batched === signals[0]!.batched);
  const axis = onnxAxis - (signals[0]!.batched ? 1 : 0);
  if (alike && axis >= 0) return stackedAlong(call, signals, axis);
  if (signals.length === values.length) {
    return call.settled(
      stackedAlong(
        call,
        signals.map((x) => call.unbatched(x)),
        onnxAxis,
      ),
    );
  }
  return joinedWithConstants(call, values, dims, onnxAxis, open);
}

/** Signals joined along an axis of the sample. */
function stackedAlong(call: Call, signals: readonly Signal[], axis: number): Signal {
  const all = [...signals[0]!.shape.keys()];
  const front = [axis, ...all.filter((other) => other !== axis)];
  const joined = call.emit(
    { kind: 'concat' },
    signals.map((signal) => call.permuted(signal, front)),
    OWN_FIELDS,
  );
  return call.permuted(
    joined,
    all.map((a) => front.indexOf(a)),
  );
}

/** Signals and constants joined along an axis. */
function joinedWithConstants(
  call: Call,
  values: readonly Value[],
  dims: readonly (readonly Dimension[])[],
  axis: number,
  open: boolean,
): Value {
  const total = dims.reduce((sum, own) => sum + (own[axis] as number), 0);
  const to = (open ? dims.find((own) => own[0] === 'batch')! : dims[0]!).with(axis, total);
  const sizes = (own: readonly Dimension[]) => (open ? own.slice(1) : own) as number[];
  const whole = sizes(to);
  call.scope.budget.allocate(call.node.name, 3 * product(whole));
  const part = new Int32Array(product(whole));
  const entry = new Int32Array(product(whole));
  const row = strides(whole)[axis - (open ? 1 : 0)]! * total;
  let start = 0;
  const parts = values.map((value, k): Value => {
    const own = sizes(dims[k]!);
    const length = row * ((dims[k]![axis] as number) / total);
    for (let n = 0; n < product(own); n++) {
      const at = Math.floor(n / length) * row + start + (n % length);
      part[at] = k;
      entry[at] = n;
    }
    start += length;
    return value.kind === 'signal' ? value : call.known(k);
  });
  return assembled(call, parts, { dims: to, part, entry });
}
