/** Conv and ConvTranspose, and how ONNX says where windows lie. */

import { type Follows, OWN_FIELDS, tied } from '../../../network/lengths/follows.ts';
import { inDouble } from '../../../network/numbers.ts';
import { everyAxis } from '../../../network/size.ts';
import type { Call, Signal } from '../call.ts';
import type { Constant } from '../values/constant.ts';
import type { Converter, Family } from './converter.ts';

export const convolution: Family = new Map<string, Converter>([
  ['Conv', { signals: conv }],
  ['ConvTranspose', { signals: convTranspose }],
]);

/** Samples added or cut off, one entry per spatial axis. */
export interface Pads {
  readonly before: number[];
  readonly after: number[];
}

/** A list with one entry per spatial axis, or `absent` for all. */
export function perAxis(call: Call, name: string, axes: number, absent: number): number[] {
  const values = call.attributes.integers(name) ?? everyAxis(axes, absent);
  call.demand(values.length === axes, `${name} must have ${axes} entries`, values);
  return values;
}

/** The attribute `pads`: all the befores, then all the afters. */
export function explicitPads(call: Call, axes: number): Pads {
  const pads = call.attributes.integers('pads') ?? everyAxis(2 * axes, 0);
  call.demand(pads.length === 2 * axes, `pads must have ${2 * axes} entries`, pads);
  if (pads.some((pad) => pad < 0)) call.refuse(`pads [${pads.join(', ')}]`, 'pads must not be negative');
  return { before: pads.slice(0, axes), after: pads.slice(axes) };
}

export type AutoPad = 'NOTSET' | 'VALID' | 'SAME_UPPER' | 'SAME_LOWER';

export function autoPad(call: Call): AutoPad {
  const mode = call.attributes.text('auto_pad', 'NOTSET');
  switch (mode) {
    case 'NOTSET':
      return mode;
    case 'VALID':
    case 'SAME_UPPER':
    case 'SAME_LOWER': {
      const pads = call.attributes.integers('pads') ?? [];
      const idle = mode === 'VALID' && pads.every((pad) => pad === 0);
      call.demand(idle || pads.length === 0, `pads must not be given with auto_pad ${mode}`, pads);
      return mode;
    }
    default:
      return call.malformed('auto_pad must be NOTSET, VALID, SAME_UPPER or SAME_LOWER', mode);
  }
}

/** Padding of windows that slide over an image: explicit, none, or such that the side becomes ⌈n / stride⌉. */
export function windowPads(
  call: Call,
  sides: readonly number[],
  extents: readonly number[],
  stride: readonly number[],
): Pads {
  const mode = autoPad(call);
  switch (mode) {
    case 'NOTSET':
      return explicitPads(call, sides.length);
    case 'VALID':
      return { before: sides.map(() => 0), after: sides.map(() => 0) };
    case 'SAME_UPPER':
    case 'SAME_LOWER': {
      const totals = sides.map((n, a) => {
        const windows = Math.ceil(n / stride[a]!);
        return (windows - 1) * stride[a]! + extents[a]! - n;
      });
      // ONNX Runtime then cuts samples off, the definition of shapes does not; half of a single one is none.
      if (totals.some((total) => total < -1)) {
        call.refuse(
          `auto_pad ${mode} with strides [${stride.join(', ')}] over sides [${sides.join(', ')}]`,
          'windows leave samples out at the end, and implementations disagree on where they start; give pads',
        );
      }
      return split(
        totals.map((total) => Math.max(total, 0)),
        mode === 'SAME_UPPER',
      );
    }
    default:
      return mode satisfies never;
  }
}

/** How windows placed by `windowPads` follow the length: ⌈n / stride⌉ windows of more than a sample need
 *  pads that depend on n, and of single samples it depends on n whether they are where everybody has them. */
export function windowsFollow(call: Call, extents: readonly number[], stride: readonly number[]): Follows {
  const mode = autoPad(call);
  const same = mode === 'SAME_UPPER' || mode === 'SAME_LOWER';
  const alike = (extent: number, step: number) => step === 1 || (extent === 1 && step === 2);
  if (!same || extents.every((extent, a) => alike(extent, stride[a]!))) return OWN_FIELDS;
  return tied(
    `auto_pad ${mode} with strides [${stride.join(', ')}]`,
    'the padding depends on the length; give pads, or bound it without the option length',
  );
}

/** Halves; an odd sample goes after the image (upper) or before it. */
function split(totals: readonly number[], upper: boolean): Pads {
  const less = totals.map((total) => Math.floor(total / 2));
  const more = totals.map((total, a) => total - less[a]!);
  return upper ? { before: less, after: more } : { before: more, after: less };
}

/** The samples that a window spans, per axis. */
export function extentsOf(kernel: readonly number[], dilation: readonly number[]): number[] {
  return kernel.map((side, a) => dilation[a]! * (side - 1) + 1);
}

/** Kernel sides from the weight, which the attribute must repeat if it is there. */
function kernelSides(call: Call, weight: Constant, axes: number): number[] {
  call.demand(weight.shape.length === axes + 2, `the weight must have ${axes + 2} axes`, weight.shape);
  const kernel = weight.shape.slice(2);
  const stated = call.attributes.integers('kernel_shape') ?? kernel;
  call.demand(
    stated.length === axes && stated.every((side, a) => side === kernel[a]),
    `kernel_shape must be that of the weight, [${kernel.join(', ')}]`,
    stated,
  );
  return kernel;
}

/** Weight, bias and the sizes that both kinds share. */
function weights(call: Call) {
  const x = call.image(0);
  const weight = call.requiredConstant(1);
  const bias = call.constant(2);
  call.demand(!bias || bias.shape.length === 1, 'the bias must be a vector', bias?.shape ?? []);
  const axes = x.shape.length - 1;
  const kernel = kernelSides(call, weight, axes);
  const groups = call.attributes.integer('group', 1);
  const stride = perAxis(call, 'strides', axes, 1);
  const dilation = perAxis(call, 'dilations', axes, 1);
  // Before they take part in arithmetic; the builder checks the rest.
  const positive = [...stride, ...dilation, ...kernel, groups].every((value) => value >= 1);
  call.demand(positive, 'strides, dilations, kernel and group must be positive', [
    ...stride,
    ...dilation,
    groups,
  ]);
  return { x, sides: x.shape.slice(1), weight, bias, kernel, groups, stride, dilation };
}

function conv(call: Call): Signal {
  const { x, sides, weight, bias, kernel, groups, stride, dilation } = weights(call);
  const extents = extentsOf(kernel, dilation);
  const pads = windowPads(call, sides, extents, stride);
  return call.emit(
    {
      kind: 'convolution',
      outputs: weight.shape[0]!,
      inputs: weight.shape[1]! * groups,
      groups,
      kernel,
      stride,
      dilation,
      padding: { mode: 'zero', ...pads },
      weight: weight.data,
      ...(bias && { bias: inDouble(bias.data) }),
    },
    [x],
    windowsFollow(call, extents, stride),
  );
}

function convTranspose(call: Call): Signal {
  const { x, sides, weight, bias, kernel, groups, stride, dilation } = weights(call);
  const outputPadding = perAxis(call, 'output_padding', sides.length, 0);
  const full = sides.map(
    (n, a) => (n - 1) * stride[a]! + dilation[a]! * (kernel[a]! - 1) + 1 + outputPadding[a]!,
  );
  return call.emit(
    {
      kind: 'transposed-convolution',
      outputs: weight.shape[1]! * groups,
      inputs: weight.shape[0]!,
      groups,
      kernel,
      stride,
      dilation,
      ...cutOff(call, sides, stride, full),
      outputPadding,
      weight: weight.data,
      ...(bias && { bias: inDouble(bias.data) }),
    },
    [x],
    cutFollows(call),
  );
}

/** `output_shape` is a length; SAME cuts off what is more than stride times the length, which is the same at every length. */
function cutFollows(call: Call): Follows {
  if (!call.attributes.integers('output_shape')) return OWN_FIELDS;
  return tied('output_shape', 'it is a length; give pads, or bound it without the option length');
}

/** What ConvTranspose cuts off its `full` sides: as stated, or to reach an output shape. */
function cutOff(
  call: Call,
  sides: readonly number[],
  stride: readonly number[],
  full: readonly number[],
): Pads {
  const mode = autoPad(call);
  const stated = call.attributes.integers('output_shape');
  if (!stated && (mode === 'NOTSET' || mode === 'VALID')) {
    return mode === 'NOTSET'
      ? explicitPads(call, sides.length)
      : { before: sides.map(() => 0), after: sides.map(() => 0) };
  }
  const wanted = stated ?? sides.map((n, a) => n * stride[a]!);
  call.demand(wanted.length === sides.length, `output_shape must have ${sides.length} entries`, wanted);
  const totals = full.map((side, a) => side - wanted[a]!);
  if (totals.some((total) => total < 0)) {
    call.refuse(`an output of [${wanted.join(', ')}]`, `it must not be larger than [${full.join(', ')}]`);
  }
  return split(totals, mode === 'SAME_UPPER');
}
