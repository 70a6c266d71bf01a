/** AveragePool, MaxPool and the global pools. */
import { type Follows, OWN_FIELDS, tied } from '../../../network/lengths/follows.ts';
import { everyAxis, product } from '../../../network/size.ts';
import type { Call, Signal } from '../call.ts';
import { constantOf } from '../values/constant.ts';
import { dividedBy } from './arithmetic.ts';
import type { Converter, Family } from './converter.ts';
import { autoPad, extentsOf, type Pads, perAxis, windowPads, windowsFollow } from './convolution.ts';
import { alongAxes, emitGroups } from './groups/along.ts';

export const pooling: Family = new Map<string, Converter>([
  ['AveragePool', { signals: averagePool }],
  ['MaxPool', { signals: maxPool }],
  ['LpPool', { signals: normPool }],
  ['GlobalLpPool', { signals: globalNormPool }],
  ['GlobalAveragePool', { signals: (call) => global(call, 'global-average-pool') }],
  ['GlobalMaxPool', { signals: (call) => global(call, 'global-max-pool') }],
]);

interface PoolWindows {
  readonly kernel: number[];
  readonly stride: number[];
  readonly dilation: number[];
  /** As the file says. */
  readonly pads: Pads;
  /** Samples beyond the padding that ceil_mode's last window reaches, per axis. */
  readonly overhang: number[];
  readonly follows: Follows;
}

function poolWindows(call: Call, x: Signal): PoolWindows {
  const sides = x.shape.slice(1);
  const { attributes } = call;
  const kernel = attributes.integers('kernel_shape') ?? call.malformed('kernel_shape must be given', 'none');
  call.demand(kernel.length === sides.length, `kernel_shape must have ${sides.length} entries`, kernel);
  const stride = perAxis(call, 'strides', sides.length, 1);
  const dilation = perAxis(call, 'dilations', sides.length, 1);
  const positive = [...kernel, ...stride, ...dilation].every((value) => value >= 1);
  call.demand(positive, 'kernel, strides and dilations must be positive', [
    ...kernel,
    ...stride,
    ...dilation,
  ]);
  const extents = extentsOf(kernel, dilation);
  if (/^SAME_/.test(autoPad(call)) && dilation.some((step) => step > 1)) {
    call.refuse(
      `auto_pad ${autoPad(call)} with dilations [${dilation.join(', ')}]`,
      'implementations disagree on how much dilated pooling is padded; write the pads out',
    );
  }
  const pads = windowPads(call, sides, extents, stride);
  const overhang = sides.map((n, a) => {
    if (!attributes.flag('ceil_mode')) return 0;
    const padded = pads.before[a]! + n + pads.after[a]!;
    let windows = Math.ceil((padded - extents[a]!) / stride[a]!) + 1;
    // A window that starts after the image holds nothing and is not counted.
    if ((windows - 1) * stride[a]! >= pads.before[a]! + n) windows--;
    return Math.max((windows - 1) * stride[a]! + extents[a]! - padded, 0);
  });
  if (autoPad(call) === 'VALID' && overhang.some((samples) => samples > 0)) {
    call.refuse(
      'ceil_mode with auto_pad VALID',
      'implementations disagree on whether there is a last window',
    );
  }
  return { kernel, stride, dilation, pads, overhang, follows: poolFollows(call, extents, stride) };
}

/** With a stride, what ceil_mode's last window holds depends on the length. */
function poolFollows(call: Call, extents: readonly number[], stride: readonly number[]): Follows {
  if (!call.attributes.flag('ceil_mode') || stride.every((step) => step === 1))
    return windowsFollow(call, extents, stride);
  return tied(
    `ceil_mode with strides [${stride.join(', ')}]`,
    'what its last window holds depends on the length; bound it without the option length',
  );
}

function maxPool(call: Call): Signal {
  const x = call.image(0);
  // The order concerns the indices, which are not read.
  call.attributes.flag('storage_order');
  const { kernel, stride, dilation, pads, overhang, follows } = poolWindows(call, x);
  const after = pads.after.map((pad, a) => pad + overhang[a]!);
  const operator = { kind: 'max-pool', kernel, stride, dilation, before: pads.before, after } as const;
  return call.emit(operator, [x], follows);
}

/** Norms of windows: a convolution that lays the samples of each out as channels, then a norm of these. */
function normPool(call: Call): Signal {
  const x = call.image(0);
  const { kernel, stride, dilation, pads, overhang } = poolWindows(call, x);
  const channels = x.shape[0]!;
  const taps = product(kernel);
  call.scope.budget.allocate(call.node.name, channels * taps * taps);
  const laidOut = call.emit(
    {
      ...{ kind: 'convolution', outputs: channels * taps, inputs: channels, groups: channels },
      ...{ kernel, stride, dilation },
      padding: { mode: 'zero', before: pads.before, after: pads.after.map((pad, a) => pad + overhang[a]!) },
      weight: new Float64Array(channels * taps * taps).map((_, n) =>
        Math.floor(n / taps) % taps === n % taps ? 1 : 0,
      ),
    },
    [x],
    tied('a norm of windows', 'it has no rule between frequencies'),
    'windows',
  );
  const groups = Array.from({ length: channels }, (_, c) =>
    Int32Array.from({ length: taps }, (_, k) => c * taps + k),
  );
  return emitGroups(call, laidOut, { name: 'norm', p: exponentOf(call) }, groups, false);
}

function globalNormPool(call: Call): Signal {
  const x = call.image(0);
  const axes = everyAxis(x.shape.length - 1, 0).map((_, a) => a + 1);
  const y = alongAxes(call, x, axes, { name: 'norm', p: exponentOf(call) });
  return call.view(y, [x.shape[0]!, ...axes.map(() => 1)]);
}

function exponentOf(call: Call): number {
  return call.attributes.integer('p', 2);
}

function averagePool(call: Call): Signal {
  const x = call.image(0);
  const { kernel, stride, dilation, pads, overhang, follows } = poolWindows(call, x);
  const padded = [...pads.before, ...pads.after].some((pad) => pad > 0);
  const hanging = overhang.some((samples) => samples > 0);
  const countIncludesPadding = call.attributes.flag('count_include_pad');
  if (hanging && countIncludesPadding) {
    call.refuse(
      'ceil_mode with count_include_pad',
      'implementations disagree on what the last window divides by',
    );
  }
  const padding = {
    mode: 'zero',
    before: pads.before,
    after: pads.after.map((pad, a) => pad + overhang[a]!),
  } as const;
  if (dilation.some((step) => step > 1)) {
    const windows = { kernel, stride, dilation, padding };
    if (hanging || (padded && !countIncludesPadding)) return meanOfCounted(call, x, windows, follows);
    return dilatedMean(call, x, windows, follows);
  }
  const counted = countIncludesPadding || !(padded || hanging);
  const operator = { kind: 'average-pool', kernel, stride, padding, countIncludesPadding: counted } as const;
  return call.emit(operator, [x], follows);
}

interface DilatedWindows {
  readonly kernel: number[];
  readonly stride: number[];
  readonly dilation: number[];
  readonly padding: { readonly mode: 'zero'; readonly before: number[]; readonly after: number[] };
}

/** A mean over dilated windows is a convolution, channel by channel. */
function dilatedMean(call: Call, x: Signal, windows: DilatedWindows, follows: Follows): Signal {
  return overWindows(call, x, windows, { weight: 1 / product(windows.kernel), roundings: 1 }, follows);
}

/** The sum over each window, divided by how many of its samples are of the image. */
function meanOfCounted(call: Call, x: Signal, windows: DilatedWindows, follows: Follows): Signal {
  const { kernel, stride, dilation, padding } = windows;
  const sums = overWindows(call, x, windows, { weight: 1 }, follows, 'sums');
  if (call.follows(x))
    call.tie('padding that is not counted', 'where windows meet the ends is that of the file’s length');
  const counts = kernel.map((taps, a) =>
    Array.from({ length: sums.shape[a + 1]! }, (_, i) => {
      const at = (k: number) => i * stride[a]! - padding.before[a]! + k * dilation[a]!;
      return Array.from({ length: taps }, (_, k) => at(k)).filter((n) => n >= 0 && n < x.shape[a + 1]!)
        .length;
    }),
  );
  if (counts.some((own) => own.includes(0)))
    call.refuse('a window beside the image', 'a mean of nothing is no number');
  const shape = counts.map(({ length }) => length);
  call.scope.budget.allocate(call.node.name, product(shape));
  const inside = counts.reduce<number[]>((all, own) => all.flatMap((n) => own.map((m) => n * m)), [1]);
  return dividedBy(call, sums, constantOf('double', shape, Float64Array.from(inside)));
}

/** Windows of one weight, channel by channel. @param part as of `Call.emit` */
function overWindows(
  call: Call,
  x: Signal,
  windows: DilatedWindows,
  { weight, roundings }: { readonly weight: number; readonly roundings?: number },
  follows: Follows,
  part?: string,
): Signal {
  const channels = x.shape[0]!;
  const taps = product(windows.kernel);
  call.scope.budget.allocate(call.node.name, channels * taps);
  return call.emit(
    {
      ...{ kind: 'convolution', outputs: channels, inputs: channels, groups: channels },
      ...windows,
      weight: new Float64Array(channels * taps).fill(weight),
      ...(roundings && { roundings }),
    },
    [x],
    follows,
    part,
  );
}

function global(call: Call, kind: 'global-average-pool' | 'global-max-pool'): Signal {
  const x = call.image(0);
  const operator = kind === 'global-max-pool' ? ({ kind } as const) : ({ kind, sum: false } as const);
  const pooled = call.emit(operator, [x], OWN_FIELDS);
  return call.view(pooled, [x.shape[0]!, ...everyAxis(x.shape.length - 1, 1)]);
}
