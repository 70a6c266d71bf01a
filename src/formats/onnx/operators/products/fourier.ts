/** Fourier transforms along an axis, and of windows of a signal: matrices of sines and cosines. */
import { product } from '../../../../network/size.ts';
import type { Call, Signal } from '../../call.ts';
import { constantOf, reshaped } from '../../values/constant.ts';
import { times } from '../arithmetic.ts';
import type { Converter, Family } from '../converter.ts';
import { restored } from '../groups/along.ts';
import { picked } from '../moving/picked.ts';
import { contracted } from './contraction.ts';

export const fourier: Family = new Map<string, Converter>([
  ['DFT', { signals: discrete }],
  ['STFT', { signals: ofWindows }],
]);

/** Of angles by π/2, a product and a quotient, of a function of the platform (to four), and of a division by the length; with room. */
const ROUNDINGS = 16;

const ONESIDED = 'half of the frequencies say all of real signals alone';

/** Numbers of the last axis: real parts, and imaginary ones. */
function componentsOf(call: Call, dims: readonly unknown[]): 1 | 2 {
  const components = dims.at(-1);
  if (components === 1 || components === 2) return components;
  return call.malformed('the last axis must hold 1 or 2 numbers', `${components}`);
}

function discrete(call: Call): Signal {
  const input = call.signal(0);
  const dims = call.dims(input);
  call.demand(dims.length >= 2, 'the input must be [batch, …, 1 or 2]', dims);
  const parts = componentsOf(call, dims);
  const stated = call.opset < 20 ? call.attributes.integer('axis', 1) : (call.scalar(2) ?? -2);
  const onnxAxis = call.axis(stated, dims.length);
  call.demand(onnxAxis < dims.length - 1, 'axis must not be that of the parts', onnxAxis);
  const [inverse, onesided] = [call.attributes.flag('inverse'), call.attributes.flag('onesided')];
  if (inverse && onesided) call.refuse('inverse and onesided', 'one of both is read');
  if (onesided && parts === 2) call.refuse('onesided of complex signals', ONESIDED);
  const x = input.batched && onnxAxis === 0 ? call.unbatched(input) : input;
  const axis = onnxAxis - (x.batched ? 1 : 0);
  const length = call.scalar(1) ?? x.shape[axis]!;
  return call.settled(transformed(call, x, axis, { length, inverse, onesided }));
}

interface Manner {
  /** More than there are entries: with zeros behind them; fewer: of the first ones. */
  readonly length: number;
  readonly inverse: boolean;
  /** Whether the frequencies from half of the length on are left out. */
  readonly onesided: boolean;
}

/** Along an axis of the sample, whose last axis has the parts. */
function transformed(call: Call, x: Signal, axis: number, { length, inverse, onesided }: Manner): Signal {
  call.demand(Number.isSafeInteger(length) && length >= 1, 'the length must be positive', length);
  if (call.follows(x)) call.tie('a transform', 'frequencies are those of the file’s length');
  const last = x.shape.length - 1;
  const [side, parts] = [x.shape[axis]!, x.shape[last]!];
  const count = onesided ? Math.floor(length / 2) + 1 : length;
  call.scope.budget.allocate(call.node.name, 2 * count * side * parts);
  const data = new Float64Array(2 * count * side * parts);
  for (let k = 0; k < count; k++) {
    for (let n = 0; n < Math.min(side, length); n++) {
      const [cosine, sine] = turned((k * n) % length, length);
      const [c, s] = inverse ? [cosine / length, sine / length] : [cosine, -sine];
      const at = (part: number, from: number) => (2 * k + part) * side * parts + n * parts + from;
      data[at(0, 0)] = c;
      data[at(1, 0)] = s;
      if (parts === 2) {
        data[at(0, 1)] = -s;
        data[at(1, 1)] = c;
      }
    }
  }
  const others = [...x.shape.keys()].filter((other) => other !== axis && other !== last);
  const order = [axis, last, ...others];
  const front = call.permuted(x, order, [side * parts, ...others.map((other) => x.shape[other]!)]);
  const matrix = constantOf('double', [2 * count, side * parts], data);
  const y = contracted(call, front, 0, { ...matrix, roundings: ROUNDINGS });
  return restored(call, y, { ...x, shape: x.shape.with(axis, count).with(last, 2) }, order);
}

/** Cosine and sine of r/n turns, 0 ≤ r < n: exact where they are 0 or ±1, and to some roundings, relative to themselves, elsewhere. */
function turned(r: number, n: number): readonly [number, number] {
  const quarter = Math.floor((4 * r) / n);
  const rest = 4 * r - quarter * n;
  const angle = (part: number) => ((Math.PI / 2) * part) / n;
  const [c, s] =
    2 * rest <= n
      ? [Math.cos(angle(rest)), Math.sin(angle(rest))]
      : [Math.sin(angle(n - rest)), Math.cos(angle(n - rest))];
  return (
    [
      [c, s],
      [-s, c],
      [-c, -s],
      [s, -c],
    ] as const
  )[quarter]!;
}

/** Windows of a signal, one every few samples, each transformed. */
function ofWindows(call: Call): Signal {
  const x = call.signal(0);
  const dims = call.dims(x);
  call.demand(dims.length === 3, 'the signal must be [batch, length, 1 or 2]', dims);
  const parts = componentsOf(call, dims);
  const onesided = call.attributes.flag('onesided', true);
  if (onesided && parts === 2) call.refuse('onesided of complex signals', ONESIDED);
  const step = call.scalar(1) ?? call.malformed('frame_step must be given', 'none');
  const window = call.inputs[2] ? call.numbers(2) : undefined;
  const length =
    call.scalar(3) ?? window?.data.length ?? call.malformed('frame_length or window must be given', 'none');
  const side = x.shape.at(-2)!;
  const fine = [step, length].every((n) => Number.isSafeInteger(n) && n >= 1) && length <= side;
  call.demand(fine, `frame_step and frame_length must be positive and fit ${side}`, [step, length]);
  if (window) call.demand(window.shape.join() === `${length}`, `window must be [${length}]`, window.shape);
  const frames = Math.floor((side - length) / step) + 1;
  const lead = x.shape.slice(0, -2);
  const shape = [...lead, frames, length, parts];
  call.scope.budget.allocate(call.node.name, 2 * product(shape));
  const sources = new Int32Array(product(shape)).map((_, n) => {
    const [part, at] = [n % parts, Math.floor(n / parts)];
    const [within, frame] = [at % length, Math.floor(at / length) % frames];
    return (Math.floor(at / length / frames) * side + frame * step + within) * parts + part;
  });
  const framed = picked(call, x, sources, shape, 'windows');
  const weighed = window ? times(call, framed, reshaped(window, [length, 1])) : framed;
  return call.settled(transformed(call, weighed, shape.length - 2, { length, inverse: false, onesided }));
}
