/** The windows of each operator that has windows, as `windows.ts` wants them. */
import type { AveragePool, Convolution, MaxPool, Pad, TransposedConvolution } from '../operator.ts';
import { everyAxis } from '../size.ts';
import type { Windows } from './windows.ts';

type Shape = readonly number[];

/** `input` and `output` are [channels, ...spatial]. */
export function convolutionWindows(operator: Convolution, input: Shape, output: Shape): Windows {
  const { kernel, stride, dilation, padding } = operator;
  const { before, mode } = padding;
  return { sides: input.slice(1), counts: output.slice(1), kernel, stride, dilation, before, mode };
}

/** Of the convolution that it is the adjoint of: windows over the *output*, one per input sample. */
export function transposedWindows(operator: TransposedConvolution, input: Shape, output: Shape): Windows {
  const { kernel, stride, dilation, before } = operator;
  return { sides: output.slice(1), counts: input.slice(1), kernel, stride, dilation, before, mode: 'zero' };
}

export function averagePoolWindows(operator: AveragePool, input: Shape, output: Shape): Windows {
  const { kernel, stride, padding } = operator;
  const dilation = everyAxis(kernel.length, 1);
  const { before, mode } = padding;
  return { sides: input.slice(1), counts: output.slice(1), kernel, stride, dilation, before, mode };
}

/** Padded samples are −1 in the table, and no candidates for the maximum. Taps that read nothing else are left out. */
export function maxPoolWindows(operator: MaxPool, input: Shape, output: Shape): Windows {
  const { stride, dilation } = operator;
  const sides = input.slice(1);
  const counts = output.slice(1);
  const reach = sides.map((side, a) => tapsInside(operator, a, side, counts[a]!));
  const kernel = reach.map(({ count }) => count);
  const before = reach.map(({ first }, a) => operator.before[a]! - dilation[a]! * first);
  return { sides, counts, kernel, stride, dilation, before, mode: 'zero' };
}

/** The taps along an axis that read a sample in some window: a kernel may be 10⁸ wide and hang over an image of five samples. */
function tapsInside(
  { kernel, stride, dilation, before }: MaxPool,
  axis: number,
  side: number,
  windows: number,
): { readonly first: number; readonly count: number } {
  const lastStart = stride[axis]! * (windows - 1) - before[axis]!;
  const first = Math.max(0, Math.ceil(-lastStart / dilation[axis]!));
  const last = Math.min(kernel[axis]! - 1, Math.floor((side - 1 + before[axis]!) / dilation[axis]!));
  return { first, count: last - first + 1 };
}

/** One window of one tap per padded sample. */
export function padWindows(operator: Pad, input: Shape, output: Shape): Windows {
  const one = everyAxis(input.length - 1, 1);
  const { before, mode } = operator.padding;
  return {
    sides: input.slice(1),
    counts: output.slice(1),
    kernel: one,
    stride: one,
    dilation: one,
    before,
    mode,
  };
}
