/** Operators that move entries by patterns of their own: blocks of pixels, triangles, scattered entries, running sums. */
import { inDouble } from '../../../../network/numbers.ts';
import { product, strides } from '../../../../network/size.ts';
import type { Call, Signal, Value } from '../../call.ts';
import { type Constant, constantOf, gathered, walk } from '../../values/constant.ts';
import { isFloat } from '../../values/elementType.ts';
import { added, largerOf, largerThan, scaledAndShifted, times } from '../arithmetic.ts';
import type { Converter, Family } from '../converter.ts';
import { floatResult, integerResult, mapped } from '../entries.ts';
import { boundedProduct } from '../products/bounded.ts';
import { contracted } from '../products/contraction.ts';
import { assembled, counted, picked } from './picked.ts';

export const rearranging: Family = new Map<string, Converter>([
  ['DepthToSpace', { signals: depthToSpace }],
  ['SpaceToDepth', { signals: spaceToDepth }],
  ['Trilu', { constants: triangleOfConstant, signals: triangle }],
  ['CumSum', { constants: runningSumOfConstant, signals: runningSum }],
  ['GatherElements', { constants: (call) => gatherElements(call) as Constant, signals: gatherElements }],
  ['GatherND', { constants: (call) => gatherAt(call) as Constant, signals: gatherAt }],
  // Its name before operator set 11.
  ['Scatter', { signals: scatterElements }],
  ['ScatterElements', { constants: ofConstants(scatterElements), signals: scatterElements }],
  ['ScatterND', { constants: ofConstants(scatterAt), signals: scatterAt }],
]);

/** The image of channels of which a block becomes the pixels of a square, or the other way round. */
function blockSide(call: Call): number {
  const side =
    call.attributes.integer('blocksize', undefined) ?? call.malformed('blocksize must be given', 'none');
  call.demand(side >= 1, 'blocksize must be positive', side);
  return side;
}

function plane(call: Call): Signal {
  const x = call.image(0);
  if (x.shape.length !== 3)
    call.refuse(`of [${call.dims(x).join(', ')}]`, 'images are [batch, channels, height, width]');
  return x;
}

function depthToSpace(call: Call): Signal {
  const x = plane(call);
  const b = blockSide(call);
  const [channels, height, width] = x.shape as [number, number, number];
  const mode = call.attributes.text('mode', 'DCR');
  call.demand(mode === 'DCR' || mode === 'CRD', 'mode must be DCR or CRD', mode);
  call.demand(channels % (b * b) === 0, `blocksize² must divide ${channels} channels`, b);
  const depth = channels / (b * b);
  call.scope.budget.allocate(call.node.name, 3 * product(x.shape));
  // [b, b, depth, h, w] or [depth, b, b, h, w], read as [depth, h, b, w, b].
  const image = height * width;
  const [row, column, channel] = mode === 'DCR' ? [b * depth, depth, 1] : [b, 1, b * b];
  const steps = [channel * image, width, row * image, 1, column * image];
  return picked(call, x, walk([depth, height, b, width, b], steps), [depth, height * b, width * b]);
}

function spaceToDepth(call: Call): Signal {
  const x = plane(call);
  const b = blockSide(call);
  const [channels, height, width] = x.shape as [number, number, number];
  call.demand(height % b === 0 && width % b === 0, `blocksize must divide ${height} and ${width}`, b);
  call.scope.budget.allocate(call.node.name, 3 * product(x.shape));
  const steps = [width, 1, height * width, b * width, b];
  const sources = walk([b, b, channels, height / b, width / b], steps);
  return picked(call, x, sources, [b * b * channels, height / b, width / b]);
}

/** Entries on one side of a diagonal, zeros on the other. */
function triangle(call: Call): Signal {
  const input = call.signal(0);
  const x = input.batched && input.shape.length < 2 ? call.unbatched(input) : input;
  const rank = x.shape.length;
  call.demand(rank >= 2, 'the input must have two axes', call.dims(input));
  call.scope.budget.allocate(call.node.name, product(x.shape));
  const stays = inTriangle(call, x.shape);
  const sources = counted(product(x.shape)).map((n) => (stays(n) ? n : -1));
  return call.settled(picked(call, x, sources, x.shape));
}

function triangleOfConstant(call: Call): Constant {
  const x = call.numbers(0);
  call.demand(x.shape.length >= 2, 'the input must have two axes', x.shape);
  const stays = inTriangle(call, x.shape);
  return mapped(call, x, (value, n) => (stays(n) ? value : 0));
}

/** Which entries of a tensor of `shape` stay what they are. */
function inTriangle(call: Call, shape: readonly number[]): (n: number) => boolean {
  const k = call.scalar(1) ?? 0;
  const upper = call.attributes.flag('upper', true);
  const [rows, columns] = shape.slice(-2) as [number, number];
  return (n) => {
    const beside = (n % columns) - (Math.floor(n / columns) % rows);
    return upper ? beside >= k : beside <= k;
  };
}

/** The axis that sums run along. */
function summedAxis(call: Call, rank: number): number {
  return call.axis(call.scalar(1) ?? call.malformed('axis must be given', 'none'), rank);
}

/** Sums of floats are rounded once, as those of `reduction.ts`; none of integers may leave its type. */
function runningSumOfConstant(call: Call): Constant {
  const x = call.numbers(0);
  const axis = summedAxis(call, x.shape.length);
  const [exclusive, reverse] = [call.attributes.flag('exclusive'), call.attributes.flag('reverse')];
  const result = isFloat(x.type) ? floatResult(call, x.type) : integerResult(call, x.type);
  call.scope.budget.allocate(call.node.name, 2 * x.data.length);
  const [step, side] = [strides(x.shape)[axis]!, x.shape[axis]!];
  const data = new Float64Array(x.data.length);
  for (const start of walk(x.shape.with(axis, 1), strides(x.shape))) {
    let sum = 0;
    for (let i = 0; i < side; i++) {
      const at = start + (reverse ? side - 1 - i : i) * step;
      const before = sum;
      sum += x.data[at]!;
      data[at] = result(exclusive ? before : sum);
    }
  }
  return constantOf(x.type, x.shape, data);
}

/** A triangle of ones along an axis. */
function runningSum(call: Call): Signal {
  const input = call.signal(0);
  const onnxAxis = summedAxis(call, call.dims(input).length);
  const x = input.batched && onnxAxis === 0 ? call.unbatched(input) : input;
  const axis = x.batched ? onnxAxis - 1 : onnxAxis;
  const side = x.shape[axis]!;
  const [exclusive, reverse] = [call.attributes.flag('exclusive'), call.attributes.flag('reverse')];
  call.scope.budget.allocate(call.node.name, side * side);
  const data = new Float64Array(side * side).map((_, n) => {
    const [row, column] = [Math.floor(n / side), n % side];
    const behind = reverse ? column - row : row - column;
    return behind > 0 || (behind === 0 && !exclusive) ? 1 : 0;
  });
  if (call.follows(x) && axis > 0) {
    call.tie('over positions', 'there are as many as in the file; bound it without the option length');
  }
  return call.settled(contracted(call, x, axis, constantOf('double', [side, side], data)));
}

/** Known integers of any shape, negative ones counted from the back. */
function indexTensor(
  call: Call,
  index: number,
): { readonly shape: readonly number[]; readonly data: Float64Array } {
  const { shape, data } = call.numbers(index);
  return { shape, data: inDouble(data) };
}

function fromFront(call: Call, index: number, side: number): number {
  const at = index < 0 ? index + side : index;
  call.demand(at >= 0 && at < side, `indices must lie in [${-side}, ${side})`, index);
  return at;
}

/** Values as ONNX has them, the batch of 1 counted; there is no other. */
function whole(call: Call, index: number): { readonly value: Value; readonly shape: readonly number[] } {
  const value = call.value(index);
  if (value.kind === 'constant') return { value: call.known(index), shape: value.shape };
  const x = call.unbatched(value);
  return { value: x, shape: x.shape };
}

/** Entries of what may be known, by place. */
function taken(call: Call, from: Value, sources: Float64Array, shape: readonly number[]): Value {
  if (from.kind === 'constant') return gathered(from, shape, sources);
  return call.settled(picked(call, from, sources, shape));
}

function gatherElements(call: Call): Value {
  const { shape, data } = indexTensor(call, 1);
  const x = whole(call, 0);
  const axis = call.axis(call.attributes.integer('axis', 0), x.shape.length);
  const smaller =
    shape.length === x.shape.length && shape.every((side, a) => a === axis || side <= x.shape[a]!);
  call.demand(smaller, `indices must have the axes of [${x.shape.join(', ')}]`, shape);
  call.scope.budget.allocate(call.node.name, 3 * product(shape));
  const steps = strides(x.shape);
  const starts = walk(shape, steps.with(axis, 0));
  const sources = starts.map((start, n) => start + fromFront(call, data[n]!, x.shape[axis]!) * steps[axis]!);
  return taken(call, x.value, sources, shape);
}

/** Where the tuples of an index tensor begin in a tensor of `shape`, and how many entries stand there. */
function tuples(
  call: Call,
  shape: readonly number[],
  indices: { shape: readonly number[]; data: Float64Array },
) {
  const depth = indices.shape.at(-1) ?? call.malformed('indices must have an axis', 'none');
  const axes = shape;
  call.demand(depth >= 1 && depth <= axes.length, `tuples must have 1 to ${axes.length} indices`, depth);
  const steps = strides(shape);
  const starts = new Float64Array(indices.data.length / depth).map((_, tuple) => {
    let at = 0;
    for (let k = 0; k < depth; k++)
      at += fromFront(call, indices.data[tuple * depth + k]!, axes[k]!) * steps[k]!;
    return at;
  });
  return { starts, slice: product(axes.slice(depth)), rest: axes.slice(depth) };
}

function gatherAt(call: Call): Value {
  const shared = call.attributes.integer('batch_dims', 0);
  const x = whole(call, 0);
  const indices = indexTensor(call, 1);
  const outer = x.shape.slice(0, shared);
  const fits =
    shared >= 0 && shared < indices.shape.length && indices.shape.slice(0, shared).join() === outer.join();
  call.demand(fits, `the first ${shared} axes of both inputs must agree`, indices.shape);
  const inner = x.shape.slice(shared);
  const { starts, slice, rest } = tuples(call, inner, indices);
  call.scope.budget.allocate(call.node.name, 2 * starts.length * slice);
  // Tuples of one place of the shared axes look at the entries there.
  const beside = starts.length / product(outer);
  const sources = new Float64Array(starts.length * slice).map((_, n) => {
    const tuple = Math.floor(n / slice);
    return Math.floor(tuple / beside) * product(inner) + starts[tuple]! + (n % slice);
  });
  return taken(call, x.value, sources, [...indices.shape.slice(0, -1), ...rest]);
}

/** Of constants alone those are read that replace. */
function ofConstants(scatter: (call: Call) => Value): (call: Call) => Constant {
  return (call) => {
    const reduction = call.attributes.text('reduction', 'none');
    if (reduction !== 'none')
      call.refuse(`reduction = ${reduction} of constants`, 'export the model with constants folded');
    return scatter(call) as Constant;
  };
}

/** Entries of the first input, but where the third has others. */
function scattered(
  call: Call,
  entries: (shape: readonly number[]) => { readonly at: Float64Array; readonly updates: readonly number[] },
): Value {
  const reduction = call.attributes.text('reduction', 'none');
  const known = ['none', 'add', 'mul', 'max', 'min'].includes(reduction);
  call.demand(known, 'reduction must be none, add, mul, max or min', reduction);
  const [data, updates] = [whole(call, 0), whole(call, 2)];
  const { at, updates: shape } = entries(data.shape);
  call.demand(
    product(updates.shape) === product(shape),
    `updates must have shape [${shape.join(', ')}]`,
    updates.shape,
  );
  const size = product(data.shape);
  call.scope.budget.allocate(call.node.name, 3 * size);
  if (reduction === 'none') {
    if (new Set(at).size < at.length)
      call.refuse('of one entry twice', 'which of two updates stays is left open');
    return replaced(call, data, updates.value, at.entries());
  }
  return roundsOf(at).reduce<Value>(
    (value, round) => joined(call, { ...data, value }, updates.value, round, reduction),
    data.value,
  );
}

type Whole = ReturnType<typeof whole>;

/** Entries with updates in their places. @param updated numbers of updates and where they go, each place once */
function replaced(
  call: Call,
  { value, shape }: Whole,
  updates: Value,
  updated: Iterable<[number, number]>,
): Value {
  const size = product(shape);
  const part = new Int32Array(size);
  const entry = counted(size);
  for (const [n, to] of updated) {
    part[to] = 1;
    entry[to] = n;
  }
  return assembled(call, [value, updates], { dims: shape, part, entry });
}

/** Updates in rounds, in each of which a place comes once. */
function roundsOf(at: Float64Array): [number, number][][] {
  const rounds: [number, number][][] = [];
  const seen = new Map<number, number>();
  for (const [n, to] of at.entries()) {
    const round = seen.get(to) ?? 0;
    seen.set(to, round + 1);
    rounds[round] ??= [];
    rounds[round].push([n, to]);
  }
  return rounds;
}

/** Entries and updates of one round added, multiplied or compared. */
function joined(
  call: Call,
  data: Whole,
  updates: Value,
  round: [number, number][],
  reduction: string,
): Value {
  const neutral = (value: number): Whole => ({
    value: constantOf('double', data.shape, new Float64Array(product(data.shape)).fill(value)),
    shape: data.shape,
  });
  const { value } = data;
  const own = value.kind === 'signal' ? value : undefined;
  switch (reduction) {
    case 'add': {
      const placed = replaced(call, neutral(0), updates, round);
      if (placed.kind === 'signal')
        return own
          ? added(call, [own, placed], [1, 1])
          : scaledAndShifted(call, placed, 1, value as Constant, 1);
      return scaledAndShifted(call, own!, 1, placed, 1);
    }
    case 'mul': {
      const placed = replaced(call, neutral(1), updates, round);
      if (placed.kind === 'signal')
        return own ? boundedProduct(call, own, placed) : times(call, placed, value as Constant);
      return times(call, own!, placed);
    }
    default: {
      // Only what is updated is compared: functions of what never moves leave nothing to certify.
      const at = (index: 0 | 1) => Float64Array.from(round, (pair) => pair[index]);
      const [a, b] = [taken(call, value, at(1), [round.length]), taken(call, updates, at(0), [round.length])];
      const [x, y] = a.kind === 'signal' ? [a, b] : [b as Signal, a];
      const larger = reduction === 'max';
      const most = y.kind === 'signal' ? largerOf(call, x, y, larger) : largerThan(call, x, y, larger);
      return replaced(
        call,
        data,
        most,
        round.map(([, to], k) => [k, to]),
      );
    }
  }
}

function scatterElements(call: Call): Value {
  return scattered(call, (shape) => {
    const indices = indexTensor(call, 1);
    const axis = call.axis(call.attributes.integer('axis', 0), shape.length);
    const smaller =
      indices.shape.length === shape.length && indices.shape.every((side, a) => side <= shape[a]!);
    call.demand(smaller, `indices must have the axes of [${shape.join(', ')}]`, indices.shape);
    const steps = strides(shape);
    call.scope.budget.allocate(call.node.name, 3 * indices.data.length);
    const at = walk(indices.shape, steps.with(axis, 0)).map(
      (start, n) => start + fromFront(call, indices.data[n]!, shape[axis]!) * steps[axis]!,
    );
    return { at, updates: indices.shape };
  });
}

function scatterAt(call: Call): Value {
  return scattered(call, (shape) => {
    const indices = indexTensor(call, 1);
    const { starts, slice, rest } = tuples(call, shape, indices);
    call.scope.budget.allocate(call.node.name, 2 * starts.length * slice);
    const at = new Float64Array(starts.length * slice).map(
      (_, n) => starts[Math.floor(n / slice)]! + (n % slice),
    );
    return { at, updates: [...indices.shape.slice(0, -1), ...rest] };
  });
}
