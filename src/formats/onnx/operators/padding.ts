/** Pad. */
import { OWN_FIELDS } from '../../../network/lengths/follows.ts';
import type { PaddingMode } from '../../../network/operator.ts';
import { everyAxis, product } from '../../../network/size.ts';
import type { Call, Signal } from '../call.ts';
import type { Converter, Family } from './converter.ts';
import { pickedByAxis, shifted, sourcesByAxis } from './moving/picked.ts';

export const padding: Family = new Map<string, Converter>([['Pad', { signals: pad }]]);

function pad(call: Call): Signal {
  const x = call.signal(0);
  const rank = call.dims(x).length;
  const { before, after } = padsPerAxis(call, rank);
  const mode = modeOf(call);
  if ([...before, ...after].every((count) => count === 0)) return x;
  const negative = [...before, ...after].some((count) => count < 0);
  const channel = x.batched ? 1 : 0;
  const beyond = before.slice(0, channel + 1).some((count, axis) => count !== 0 || after[axis] !== 0);
  const isImage = x.batched && x.shape.length >= 2 && x.shape.length <= 4;
  if (negative || beyond || !isImage) return paddedAnyhow(call, x, mode, before, after);
  const image = call.image(0);
  if (mode === 'circular' && wrapsTwice(image.shape.slice(1), before.slice(2), after.slice(2))) {
    return refuseWraps(call, before, after);
  }
  const value = paddedValue(call);
  const operator = {
    kind: 'pad',
    padding: { mode, before: before.slice(2), after: after.slice(2) },
  } as const;
  if (mode !== 'zero' || value === 0) return call.emit(operator, [image], OWN_FIELDS);
  // pad with v = (pad with 0 of x − v) + v
  call.demand(Number.isFinite(value), 'the value must be finite', value);
  const shifted = (by: number) =>
    ({ kind: 'scale', scale: Float64Array.of(1), shift: Float64Array.of(by) }) as const;
  const lowered = call.emitSame(shifted(-value), image, OWN_FIELDS, 'lowered');
  return call.emitSame(shifted(value), call.emit(operator, [lowered], OWN_FIELDS), OWN_FIELDS, 'raised');
}

function wrapsTwice(sides: readonly number[], before: readonly number[], after: readonly number[]): boolean {
  return sides.some((side, a) => Math.max(before[a]!, after[a]!) > side);
}

function refuseWraps(call: Call, before: readonly number[], after: readonly number[]): never {
  return call.refuse(
    `pads [${[...before, ...after].join(', ')}] with the mode wrap`,
    'implementations disagree on padding that wraps round more than once; use pads no longer than the sides',
  );
}

/** Along any axes, negative pads crop. */
function paddedAnyhow(
  call: Call,
  input: Signal,
  mode: PaddingMode,
  before: readonly number[],
  after: readonly number[],
): Signal {
  if (input.batched && (before[0] !== 0 || after[0] !== 0) && call.scope.batch !== 1) {
    call.refuse('the batch axis', 'it must remain the first axis, and samples must not mix');
  }
  const x = input.batched && (before[0] !== 0 || after[0] !== 0) ? call.unbatched(input) : input;
  const skipped = before.length - x.shape.length;
  const [from, to] = [before.slice(skipped), after.slice(skipped)];
  if (mode === 'circular' && [...from, ...to].some((count) => count < 0))
    call.refuse(
      `pads [${[...before, ...after].join(', ')}] with the mode wrap`,
      'whether it crops or wraps first is left open',
    );
  if (mode === 'circular' && wrapsTwice(x.shape, from, to)) return refuseWraps(call, before, after);
  if (mode === 'reflect' || mode === 'replicate') {
    for (const [axis, side] of x.shape.entries()) {
      // What is cropped is gone before anything is padded.
      const left = side + Math.min(from[axis]!, 0) + Math.min(to[axis]!, 0);
      const most = Math.max(from[axis]!, to[axis]!);
      if (most <= 0) continue;
      call.demand(left >= 1, `padding must have entries of axis ${axis} left`, left);
      if (mode === 'reflect')
        call.demand(most < left, `reflect padding must be below the ${left} entries left of an axis`, most);
    }
  }
  const shape = x.shape.map((side, axis) => from[axis]! + side + to[axis]!);
  call.demand(
    shape.every((side) => side >= 1 && Number.isSafeInteger(side)),
    'pads must leave something of every axis',
    shape,
  );
  call.scope.budget.allocate(call.node.name, 3 * product(shape));
  const lists = x.shape.map((side, axis) =>
    Int32Array.from({ length: shape[axis]! }, (_, k) => sampleAt(k - from[axis]!, side, mode)),
  );
  const result = pickedByAxis(call, x, lists);
  const value = mode === 'zero' ? paddedValue(call) : 0;
  if (value === 0) return call.settled(result);
  call.demand(Number.isFinite(value), 'the value must be finite', value);
  const sources = sourcesByAxis(x.shape, lists);
  return call.settled(
    shifted(
      call,
      result,
      Float64Array.from(sources, (source) => (source < 0 ? value : 0)),
    ),
  );
}

/** Which entry of an axis of `side` stands at an index of the padded axis; −1: none. */
function sampleAt(index: number, side: number, mode: PaddingMode): number {
  if (index >= 0 && index < side) return index;
  switch (mode) {
    case 'zero':
      return -1;
    case 'circular':
      return ((index % side) + side) % side;
    case 'reflect':
      return index < 0 ? -index : 2 * (side - 1) - index;
    case 'replicate':
      return index < 0 ? 0 : side - 1;
    default:
      throw new Error(`unknown mode ${mode satisfies never}`);
  }
}

/** One entry per ONNX axis. */
function padsPerAxis(call: Call, rank: number): { before: number[]; after: number[] } {
  const pads = call.listArgument('pads', 1, 11) ?? call.malformed('pads must be given', 'none');
  const axes = call.opset >= 18 ? call.integers(3) : undefined;
  const padded = (axes ?? [...everyAxis(rank, 0).keys()]).map((axis) => call.axis(axis, rank));
  call.demand(new Set(padded).size === padded.length, 'axes must be distinct', padded);
  call.demand(pads.length === 2 * padded.length, `pads must have ${2 * padded.length} entries`, pads);
  const before = everyAxis(rank, 0);
  const after = everyAxis(rank, 0);
  for (const [k, axis] of padded.entries()) {
    before[axis] = pads[k]!;
    after[axis] = pads[k + padded.length]!;
  }
  return { before, after };
}

function modeOf(call: Call): PaddingMode {
  const mode = call.attributes.text('mode', 'constant');
  switch (mode) {
    case 'constant':
      return 'zero';
    case 'reflect':
      return 'reflect';
    case 'edge':
      return 'replicate';
    case 'wrap':
      if (call.opset < 19) call.malformed('mode wrap exists since operator set 19', call.opset);
      return 'circular';
    default:
      return call.malformed('mode must be constant, reflect, edge or wrap', mode);
  }
}

function paddedValue(call: Call): number {
  return call.opset >= 11 ? (call.scalar(2) ?? 0) : call.attributes.float('value', 0);
}
