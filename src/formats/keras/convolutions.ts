/** Keras's convolutions: kernels are […, inputs, outputs] there. */
import { InputError } from '../../errors.ts';
import type { TensorId } from '../../network/network.ts';
import type { Padding } from '../../network/operator.ts';
import { product } from '../../network/size.ts';
import { arranged, outputsFirst, type Weight } from '../layers/arranged.ts';
import { noPads, type Pads, samePads } from '../layers/windows.ts';
import { activation } from './activations.ts';
import type { Place } from './place.ts';

const PADDINGS = ['valid', 'same', 'causal'] as const;

interface Windows {
  /** What they read: a layer's input, or what it was before it was padded. */
  readonly source: TensorId;
  readonly kernel: number[];
  readonly stride: number[];
  readonly dilation: number[];
  readonly pads: Pads;
}

/**
 * Windows of a convolution, which may be dilated and go step by step where nothing is said, or of a pooling, which go by their own size.
 */
export function windowsOf(place: Place, axes: number, kind: 'convolution' | 'pooling'): Windows {
  const { config } = place;
  place.demandAxes(axes);
  place.demandChannelsLast();
  const pooled = kind === 'pooling';
  const kernel = config.perAxis(pooled ? 'pool_size' : 'kernel_size', axes, 1);
  const ones = kernel.map(() => 1);
  const stride =
    pooled && config.raw('strides') === null
      ? [...kernel]
      : config.optional('strides', pooled ? [...kernel] : ones, (key) => config.perAxis(key, axes, 1));
  const dilation = pooled
    ? ones
    : config.optional('dilation_rate', ones, (key) => config.perAxis(key, axes, 1));
  const pads = padsOf(place, kernel, stride, dilation);
  return { source: place.x, kernel, stride, dilation, pads };
}

function padsOf(
  place: Place,
  kernel: readonly number[],
  stride: readonly number[],
  dilation: readonly number[],
): Pads {
  const { config } = place;
  const padding = config.optional<(typeof PADDINGS)[number]>('padding', 'valid', (key) =>
    config.text(key, PADDINGS),
  );
  const axes = kernel.length;
  switch (padding) {
    case 'valid':
      return noPads(axes);
    case 'same':
      if (stride.some((step) => step > 1)) place.tie(`padding same with strides [${stride.join(', ')}]`);
      return samePads(place.shape.slice(1), kernel, stride, dilation);
    case 'causal':
      if (axes !== 1) throw new InputError(`${config.where}: padding causal is of one axis, got ${axes}`);
      return { before: [dilation[0]! * (kernel[0]! - 1)], after: [0] };
    default:
      return padding satisfies never;
  }
}

/** Windows of a convolution, which pads by itself what was padded with zeros before. */
function paddedWindows(place: Place, axes: number): Windows {
  const windows = windowsOf(place, axes, 'convolution');
  const padded = place.reading.padded.get(place.x);
  const own = [...windows.pads.before, ...windows.pads.after].some((n) => n > 0);
  return padded && !own ? { ...windows, source: padded.source, pads: padded } : windows;
}

function zeros({ before, after }: Pads): Padding {
  return { mode: 'zero', before, after };
}

export function conv(axes: number): (place: Place) => Promise<TensorId> {
  return async (place) => {
    const { config, shape } = place;
    const { source, kernel, stride, dilation, pads } = paddedWindows(place, axes);
    const groups = config.optional('groups', 1, (key) => config.perAxis(key, 1, 1)[0]!);
    const outputs = config.perAxis('filters', 1, 1)[0]!;
    const inputs = shape[0]!;
    const { kernels, bias } = await place.kernelsAndBias(['kernel']);
    place.demandShape('its kernel', kernels[0]!, [...kernel, inputs / groups, outputs]);
    const { numbers: weight } = outputsFirst(kernels[0]!);
    const y = place.add(
      {
        ...{ kind: 'convolution', outputs, inputs, groups, kernel, stride, dilation },
        ...{ padding: zeros(pads), weight },
        ...(bias && { bias }),
      },
      [source],
    );
    return activation(place, y, config.raw('activation'));
  };
}

/** One group per channel. */
export function depthwiseConv(axes: number): (place: Place) => Promise<TensorId> {
  return async (place) => {
    const windows = paddedWindows(place, axes);
    const { kernels, bias } = await place.kernelsAndBias(['depthwise_kernel']);
    const y = depthwise(place, kernels[0]!, windows, bias, '');
    return activation(place, y, place.config.raw('activation'));
  };
}

/** Its kernel is […, inputs, multiplier]; output m of input i is number i · multiplier + m. */
function depthwise(
  place: Place,
  weight: Weight,
  windows: Windows,
  bias: Float64Array | undefined,
  part: string,
): TensorId {
  const { config, shape } = place;
  const { source, kernel, stride, dilation, pads } = windows;
  const inputs = shape[0]!;
  // Where it is not said, as TensorFlow.js leaves it out of separable ones, the kernel has it.
  const own = weight.shape.at(-1) ?? 1;
  const multiplier = config.optional('depth_multiplier', own, (key) => config.perAxis(key, 1, 1)[0]!);
  place.demandShape('its depthwise kernel', weight, [...kernel, inputs, multiplier]);
  const axes = kernel.length;
  const { numbers } = arranged(weight, [axes, axes + 1, ...kernel.map((_, axis) => axis)]);
  return place.add(
    {
      ...{
        kind: 'convolution',
        outputs: inputs * multiplier,
        inputs,
        groups: inputs,
        kernel,
        stride,
        dilation,
      },
      ...{ padding: zeros(pads), weight: numbers },
      ...(bias && { bias }),
    },
    [source],
    part,
  );
}

export function separableConv(axes: number): (place: Place) => Promise<TensorId> {
  return async (place) => {
    const { config } = place;
    const windows = paddedWindows(place, axes);
    const outputs = config.perAxis('filters', 1, 1)[0]!;
    const { kernels, bias } = await place.kernelsAndBias(['depthwise_kernel', 'pointwise_kernel']);
    const deep = depthwise(place, kernels[0]!, windows, undefined, 'depthwise');
    const inputs = place.builder.shape(deep)[0]!;
    const ones = windows.kernel.map(() => 1);
    place.demandShape('its pointwise kernel', kernels[1]!, [...ones, inputs, outputs]);
    const y = place.add(
      {
        ...{ kind: 'convolution', outputs, inputs, groups: 1, kernel: ones, stride: ones, dilation: ones },
        ...{ padding: zeros(noPads(axes)), weight: outputsFirst(kernels[1]!).numbers },
        ...(bias && { bias }),
      },
      [deep],
    );
    return activation(place, y, config.raw('activation'));
  };
}

/** The adjoint of a convolution whose output has the sides of this one's input: its kernel is […, outputs, inputs]. */
export function transposedConv(axes: number): (place: Place) => Promise<TensorId> {
  return async (place) => {
    const { config, shape, x } = place;
    place.demandAxes(axes);
    place.demandChannelsLast();
    const kernel = config.perAxis('kernel_size', axes, 1);
    const ones = kernel.map(() => 1);
    const stride = config.optional('strides', ones, (key) => config.perAxis(key, axes, 1));
    const dilation = config.optional('dilation_rate', ones, (key) => config.perAxis(key, axes, 1));
    if (dilation.some((step) => step !== 1))
      place.refuse('dilation', 'frameworks disagree on what it does; export ONNX');
    if (![null, undefined].includes(config.raw('output_padding') as null)) {
      place.refuse('output_padding', 'frameworks disagree on where it goes; export ONNX');
    }
    const same = config.optional('padding', 'valid', (key) => config.text(key, ['valid', 'same'])) === 'same';
    const outputs = config.perAxis('filters', 1, 1)[0]!;
    const inputs = shape[0]!;
    const { kernels, bias } = await place.kernelsAndBias(['kernel']);
    place.demandShape('its kernel', kernels[0]!, [...kernel, outputs, inputs]);
    // Keras's output has n · stride samples for `same`, and for `valid` what the kernel has more than the stride besides.
    const cut = kernel.map((side, a) => (same ? Math.max(0, side - stride[a]!) : 0));
    const before = cut.map((total) => Math.floor(total / 2));
    const y = place.add(
      {
        ...{ kind: 'transposed-convolution', outputs, inputs, groups: 1, kernel, stride, dilation },
        ...{ before, after: cut.map((total, a) => total - before[a]!) },
        outputPadding: kernel.map((side, a) => Math.max(0, stride[a]! - side)),
        weight: outputsFirst(kernels[0]!).numbers,
        ...(bias && { bias }),
      },
      [x],
    );
    return activation(place, y, config.raw('activation'));
  };
}

/** Of vectors, or of the channels at every position. */
export async function dense(place: Place): Promise<TensorId> {
  const { config, shape, x, axes } = place;
  const outputs = config.perAxis('units', 1, 1)[0]!;
  const inputs = shape[0]!;
  const { kernels, bias } = await place.kernelsAndBias(['kernel']);
  place.demandShape('its kernel', kernels[0]!, [inputs, outputs]);
  const { numbers: weight } = outputsFirst(kernels[0]!);
  const ones = Array.from({ length: axes }, () => 1);
  const y =
    axes === 0
      ? place.add({ kind: 'affine', outputs, inputs, weight, ...(bias && { bias }) }, [x])
      : place.add(
          {
            ...{
              kind: 'convolution',
              outputs,
              inputs,
              groups: 1,
              kernel: ones,
              stride: ones,
              dilation: ones,
            },
            ...{ padding: zeros(noPads(axes)), weight },
            ...(bias && { bias }),
          },
          [x],
        );
  return activation(place, y, config.raw('activation'));
}

/** Entries of kernels that repeat samples: far more than any network has. */
const MOST_REPEATED = 2 ** 20;

/** Kernels of ones: each sample is repeated so many times along every axis. */
export function nearestUpsampling(place: Place, sizes: readonly number[]): TensorId {
  const { shape, x } = place;
  const none = sizes.map(() => 0);
  const channels = shape[0]!;
  if (channels * product(sizes) > MOST_REPEATED) {
    place.refuse(
      `size [${sizes.join(', ')}]`,
      `channels times samples must be at most ${MOST_REPEATED} here`,
    );
  }
  return place.add(
    {
      ...{ kind: 'transposed-convolution', outputs: channels, inputs: channels, groups: channels },
      ...{ kernel: [...sizes], stride: [...sizes], dilation: sizes.map(() => 1) },
      ...{ before: none, after: none, outputPadding: none },
      weight: new Float64Array(channels * product(sizes)).fill(1),
    },
    [x],
  );
}
