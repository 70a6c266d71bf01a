/** Windows that slide over images: convolutions, poolings, and batch normalisation. */
import type { Call } from './call.ts';
import { normOf } from './cells.ts';
import { Exact, ONE, ZERO } from './exact.ts';
import type { Operator } from './operator.ts';
import { demand, positions, product, stepsOf, type Value } from './values.ts';

export const windows: Readonly<Record<string, Operator>> = {
  Conv: (call) => [convolution(call)],
  ConvTranspose: (call) => [transposedConvolution(call)],
  MaxPool: (call) => [pooled(call, (cells) => call.builder.maximum(cells))],
  AveragePool: (call) => {
    const all = call.integer('count_include_pad', 0) === 1;
    return [
      pooled(call, (cells, size) => {
        const share = ONE.over(Exact.of(all ? size : cells.length));
        return call.builder.linear(
          cells,
          cells.map(() => share),
        );
      }),
    ];
  },
  LpPool: (call) => [pooled(call, (cells) => normOf(call.builder, cells, call.integer('p', 2)))],
  GlobalLpPool: (call) => [global(call, (cells) => normOf(call.builder, cells, call.integer('p', 2)))],
  GlobalAveragePool: (call) => [
    global(call, (cells) => {
      const share = ONE.over(Exact.of(cells.length));
      return call.builder.linear(
        cells,
        cells.map(() => share),
      );
    }),
  ],
  GlobalMaxPool: (call) => [global(call, (cells) => call.builder.maximum(cells))],
  BatchNormalization: (call) => [normalized(call)],
};

interface Windows {
  readonly kernel: readonly number[];
  readonly stride: readonly number[];
  readonly dilation: readonly number[];
  readonly before: readonly number[];
  readonly out: readonly number[];
  /** Whether ceil_mode's last window reaches beyond the padding. */
  readonly hangs: boolean;
}

/** Where windows lie on an image of these sides, as the attributes say. */
function windowsOf(call: Call, sides: readonly number[], kernel: readonly number[]): Windows {
  const stride = call.integers('strides') ?? sides.map(() => 1);
  const dilation = call.integers('dilations') ?? sides.map(() => 1);
  const extent = kernel.map((k, a) => dilation[a]! * (k - 1) + 1);
  const mode = call.text('auto_pad', 'NOTSET');
  let before = sides.map(() => 0);
  let after = before;
  if (mode === 'NOTSET') {
    const pads = call.integers('pads') ?? [...before, ...after];
    before = pads.slice(0, sides.length);
    after = pads.slice(sides.length);
  } else if (mode !== 'VALID') {
    const missing = sides.map((n, a) => (Math.ceil(n / stride[a]!) - 1) * stride[a]! + extent[a]! - n);
    // Runtimes disagree on where windows start that leave samples out.
    demand(
      missing.every((total) => total >= -1),
      'padding that cuts off',
    );
    const totals = missing.map((total) => Math.max(total, 0));
    before = totals.map((total) => (mode === 'SAME_UPPER' ? Math.floor(total / 2) : Math.ceil(total / 2)));
    after = totals.map((total, a) => total - before[a]!);
  }
  const out = sides.map((n, a) => {
    const room = before[a]! + n + after[a]! - extent[a]!;
    demand(room >= 0, 'a window larger than the image');
    let count = Math.floor(room / stride[a]!) + 1;
    // Runtimes disagree on whether there is a last window.
    const exact = room % stride[a]! === 0;
    demand(
      mode !== 'VALID' || exact || call.integer('ceil_mode', 0) === 0,
      'ceil_mode of what is not padded',
    );
    if (call.integer('ceil_mode', 0) === 1 && mode === 'NOTSET') {
      count = Math.ceil(room / stride[a]!) + 1;
      if ((count - 1) * stride[a]! >= before[a]! + n) count--;
    }
    return count;
  });
  const hangs = sides.some((n, a) => (out[a]! - 1) * stride[a]! + extent[a]! > before[a]! + n + after[a]!);
  return { kernel, stride, dilation, before, out, hangs };
}

/** Flat position in the image of every tap of the window at `at`; −1 outside. */
function tapsOf(w: Windows, sides: readonly number[], at: readonly number[]): number[] {
  const steps = stepsOf(sides);
  const taps: number[] = [];
  for (const t of positions(w.kernel)) {
    let flat = 0;
    for (const [a, tap] of t.entries()) {
      const index = at[a]! * w.stride[a]! + tap * w.dilation[a]! - w.before[a]!;
      if (index < 0 || index >= sides[a]!) flat = Number.NaN;
      flat += index * steps[a]!;
    }
    taps.push(Number.isNaN(flat) ? -1 : flat);
  }
  return taps;
}

function imageOf(call: Call): {
  x: Value;
  batch: number;
  channels: number;
  sides: readonly number[];
  area: number;
} {
  const x = call.cells(0);
  demand(x.shape.length >= 3, 'an image');
  const [batch, channels, ...sides] = x.shape as [number, number, ...number[]];
  return { x, batch, channels, sides, area: product(sides) };
}

function convolution(call: Call): Value {
  const { x, batch, channels, sides, area } = imageOf(call);
  const weight = call.constant(1);
  const bias = call.values[2] ? call.constant(2).items.map(Exact.of) : undefined;
  const [outputs, perGroup, ...kernel] = weight.shape as [number, number, ...number[]];
  const groups = call.integer('group', 1);
  demand(perGroup * groups === channels && kernel.length === sides.length, 'channels of a weight');
  const weights = weight.items.map(Exact.of);
  const w = windowsOf(call, sides, kernel);
  const size = product(kernel);
  const items: number[] = [];
  for (let b = 0; b < batch; b++)
    for (let o = 0; o < outputs; o++) {
      const first = Math.floor(o / (outputs / groups)) * perGroup;
      for (const at of positions(w.out)) {
        const taps = tapsOf(w, sides, at);
        const sources: number[] = [];
        const factors: Exact[] = [];
        for (let c = 0; c < perGroup; c++)
          for (const [t, flat] of taps.entries()) {
            const factor = weights[(o * perGroup + c) * size + t]!;
            if (flat < 0 || factor.sign === 0) continue;
            sources.push(x.items[(b * channels + first + c) * area + flat]!);
            factors.push(factor);
          }
        items.push(call.builder.linear(sources, factors, bias?.[o]));
      }
    }
  return { type: 'cell', shape: [batch, outputs, ...w.out], items };
}

function transposedConvolution(call: Call): Value {
  const { x, batch, channels, sides, area } = imageOf(call);
  const weight = call.constant(1);
  const bias = call.values[2] ? call.constant(2).items.map(Exact.of) : undefined;
  const [inputs, perGroup, ...kernel] = weight.shape as [number, number, ...number[]];
  const groups = call.integer('group', 1);
  demand(inputs === channels && kernel.length === sides.length, 'channels of a weight');
  const stride = call.integers('strides') ?? sides.map(() => 1);
  const dilation = call.integers('dilations') ?? sides.map(() => 1);
  const extra = call.integers('output_padding') ?? sides.map(() => 0);
  const full = sides.map((n, a) => stride[a]! * (n - 1) + extra[a]! + dilation[a]! * (kernel[a]! - 1) + 1);
  const mode = call.text('auto_pad', 'NOTSET');
  const stated = call.integers('output_shape');
  const wanted = stated ?? (mode.startsWith('SAME') ? sides.map((n, a) => n * stride[a]!) : undefined);
  let before = sides.map(() => 0);
  let out: readonly number[];
  if (wanted) {
    const totals = full.map((side, a) => side - wanted[a]!);
    demand(
      totals.every((total) => total >= 0),
      'an output larger than all that is made',
    );
    before = totals.map((total) => (mode === 'SAME_UPPER' ? Math.floor(total / 2) : Math.ceil(total / 2)));
    out = wanted;
  } else {
    const pads = mode === 'VALID' ? undefined : call.integers('pads');
    before = pads?.slice(0, sides.length) ?? before;
    out = full.map((side, a) => side - before[a]! - (pads?.[a + sides.length] ?? 0));
  }
  demand(
    out.every((side) => side >= 1),
    'an output without entries',
  );
  const outputs = perGroup * groups;
  const reach = product(out);
  const steps = stepsOf(out);
  const size = product(kernel);
  const weights = weight.items.map(Exact.of);
  const sources = Array.from({ length: batch * outputs * reach }, (): number[] => []);
  const factors = sources.map((): Exact[] => []);
  for (let b = 0; b < batch; b++)
    for (let c = 0; c < channels; c++) {
      const first = Math.floor(c / (channels / groups)) * perGroup;
      let flatIn = 0;
      for (const at of positions(sides)) {
        const cell = x.items[(b * channels + c) * area + flatIn++]!;
        let t = 0;
        for (const tap of positions(kernel)) {
          const to = tap.map((k, a) => at[a]! * stride[a]! + k * dilation[a]! - before[a]!);
          const inside = to.every((index, a) => index >= 0 && index < out[a]!);
          for (let o = 0; inside && o < perGroup; o++) {
            const factor = weights[(c * perGroup + o) * size + t]!;
            const target = (b * outputs + first + o) * reach + to.reduce((s, i, a) => s + i * steps[a]!, 0);
            if (factor.sign === 0) continue;
            sources[target]!.push(cell);
            factors[target]!.push(factor);
          }
          t++;
        }
      }
    }
  const items = sources.map((own, k) =>
    call.builder.linear(own, factors[k]!, bias?.[Math.floor(k / reach) % outputs] ?? ZERO),
  );
  return { type: 'cell', shape: [batch, outputs, ...out], items };
}

/** @param reduce of the cells inside the image, and how many the window has */
function pooled(call: Call, reduce: (cells: readonly number[], size: number) => number): Value {
  const { x, batch, channels, sides, area } = imageOf(call);
  const w = windowsOf(call, sides, call.integers('kernel_shape')!);
  const size = product(w.kernel);
  // ONNX Runtime pads as if there were no dilations, and computes less than its own inference of shapes says.
  demand(
    !/^SAME_/.test(call.text('auto_pad', 'NOTSET')) || w.dilation.every((step) => step === 1),
    'dilated pooling with padding of its own',
  );
  // Runtimes disagree on whether it divides by what lies beyond the padding.
  demand(!w.hangs || call.integer('count_include_pad', 0) === 0, 'the divisor of a window that hangs over');
  const items: number[] = [];
  for (let plane = 0; plane < batch * channels; plane++)
    for (const at of positions(w.out)) {
      const inside = tapsOf(w, sides, at).filter((flat) => flat >= 0);
      demand(inside.length > 0, 'a window in the padding');
      items.push(
        reduce(
          inside.map((flat) => x.items[plane * area + flat]!),
          size,
        ),
      );
    }
  return { type: 'cell', shape: [batch, channels, ...w.out], items };
}

function global(call: Call, reduce: (cells: readonly number[]) => number): Value {
  const { x, batch, channels, sides, area } = imageOf(call);
  const items = Array.from({ length: batch * channels }, (_, plane) =>
    reduce(x.items.slice(plane * area, (plane + 1) * area)),
  );
  return { type: 'cell', shape: [batch, channels, ...sides.map(() => 1)], items };
}

function normalized(call: Call): Value {
  const x = call.cells(0);
  const [scale, shift, mean, variance] = [1, 2, 3, 4].map((k) => call.constant(k).items);
  const epsilon = Exact.of(call.float('epsilon', 1e-5));
  const channels = x.shape[1]!;
  const area = product(x.shape.slice(2));
  const factors = scale!.map((gamma, c) =>
    Exact.of(gamma).over(Exact.of(variance![c]!).plus(epsilon).rounded().squareRoot()).rounded(),
  );
  const items = x.items.map((cell, k) => {
    const c = Math.floor(k / area) % channels;
    const factor = factors[c]!;
    const bias = Exact.of(shift![c]!).minus(factor.times(Exact.of(mean![c]!)));
    return call.builder.linear([cell], [factor], bias);
  });
  return { ...x, items };
}
