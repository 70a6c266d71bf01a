/** Where windows lie that slide over an image. */

export interface Pads {
  readonly before: number[];
  readonly after: number[];
}

/** Padding with which a side of n samples has ⌈n / stride⌉ windows; an odd sample goes behind, as TensorFlow and PyTorch have it. */
export function samePads(
  sides: readonly number[],
  kernel: readonly number[],
  stride: readonly number[],
  dilation: readonly number[],
): Pads {
  const totals = sides.map((n, a) => {
    const extent = dilation[a]! * (kernel[a]! - 1) + 1;
    return Math.max(0, (Math.ceil(n / stride[a]!) - 1) * stride[a]! + extent - n);
  });
  const before = totals.map((total) => Math.floor(total / 2));
  return { before, after: totals.map((total, a) => total - before[a]!) };
}

export function noPads(axes: number): Pads {
  const none = Array.from({ length: axes }, () => 0);
  return { before: none, after: [...none] };
}
