/** Pad along spatial axes. */
import { OWN_FIELDS } from '../../../network/lengths/follows.ts';
import type { PaddingMode } from '../../../network/operator.ts';
import { everyAxis } from '../../../network/size.ts';
import type { Call, Signal } from '../call.ts';
import type { Converter, Family } from './converter.ts';

export const padding: Family = new Map<string, Converter>([['Pad', { signals: pad }]]);

function pad(call: Call): Signal {
  const x = call.signal(0);
  const rank = call.dims(x).length;
  const { before, after } = padsPerAxis(call, rank);
  const mode = modeOf(call);
  if ([...before, ...after].every((count) => count === 0)) return x;
  if ([...before, ...after].some((count) => count < 0)) {
    call.refuse(`pads [${[...before, ...after].join(', ')}]`, 'pads must not be negative');
  }
  const image = call.image(0);
  if (before[0] !== 0 || after[0] !== 0 || before[1] !== 0 || after[1] !== 0) {
    call.refuse('the batch or channel axis', 'only spatial axes can be padded');
  }
  if (
    mode === 'circular' &&
    image.shape.slice(1).some((side, a) => Math.max(before[a + 2]!, after[a + 2]!) > side)
  ) {
    call.refuse(
      `pads [${[...before, ...after].join(', ')}] with the mode wrap`,
      'implementations disagree on padding that wraps round more than once; use pads no longer than the sides',
    );
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
