/** Resize and Upsample: entries repeated, or interpolated along each axis by a matrix. */
import { product } from '../../../../network/size.ts';
import { type Call, type Dimension, FIX_BATCH, type Signal } from '../../call.ts';
import { constantOf } from '../../values/constant.ts';
import type { Converter, Family } from '../converter.ts';
import { contracted } from '../products/contraction.ts';
import { counted, pickedByAxis } from './picked.ts';

export const resizing: Family = new Map<string, Converter>([
  ['Resize', { signals: resize }],
  ['Upsample', { signals: upsample }],
]);

/** A number that is exact. */
interface Ratio {
  readonly over: bigint;
  readonly under: bigint;
}

/** One axis that is to have another side. */
interface Scaling {
  readonly axis: number;
  readonly from: number;
  readonly to: number;
  /** How many entries of the result lie where one of the input does. */
  readonly scale: Ratio;
  /** Whether runtimes that compute in float32 find the same positions where it matters. */
  readonly exact: boolean;
}

/** Where an entry of the result stands among those of the input. */
type Position = (index: number, scaling: Scaling) => Ratio;

const ratio = (over: number, under: number): Ratio => ({ over: BigInt(over), under: BigInt(under) });

/** Of a finite number other than 0. */
function ratioOf(value: number): Ratio {
  let [over, under] = [value, 1];
  while (!Number.isInteger(over)) {
    over *= 2;
    under *= 2;
  }
  return { over: BigInt(over), under: BigInt(under) };
}

/** (a index + b) / (c scale) + d/2 with integers. */
const POSITIONS: ReadonlyMap<string, Position> = new Map<string, Position>([
  ['half_pixel', (i, { scale }) => centred(i, scale, -1n)],
  ['half_pixel_symmetric', symmetric],
  ['pytorch_half_pixel', (i, { scale, to }) => (to > 1 ? centred(i, scale, -1n) : ratio(0, 1))],
  ['tf_half_pixel_for_nn', (i, { scale }) => centred(i, scale, 0n)],
  ['asymmetric', (i, { scale }) => ({ over: BigInt(i) * scale.under, under: scale.over })],
  ['align_corners', (i, { from, to }) => (to === 1 ? ratio(0, 1) : ratio(i * (from - 1), to - 1))],
]);

/** (i + ½) / scale + shift/2 */
function centred(i: number, { over, under }: Ratio, shift: bigint): Ratio {
  return { over: BigInt(2 * i + 1) * under + shift * over, under: 2n * over };
}

/** As half_pixel, but that the middle of the result is that of the input where their sides are no multiples. */
function symmetric(i: number, { scale, from, to }: Scaling): Ratio {
  // adjustment = to / (from · scale), offset = from/2 · (1 − adjustment)
  const plain = centred(i, scale, -1n);
  const [n, m] = [BigInt(from), BigInt(to)];
  const offset = { over: n * scale.over - m * scale.under, under: 2n * scale.over };
  return { over: offset.over * plain.under + plain.over * offset.under, under: offset.under * plain.under };
}

function upsample(call: Call): Signal {
  const x = call.signal(0);
  const rank = call.dims(x).length;
  const scales = call.opset >= 9 ? call.numbers(1) : undefined;
  const factors = scales
    ? [...scales.data]
    : (call.attributes.floats('scales') ?? call.malformed('scales must be given', 'none'));
  call.demand(factors.length === rank, `scales must number ${rank}`, factors);
  const mode = call.attributes.text('mode', 'nearest');
  call.demand(mode === 'nearest' || mode === 'linear', 'mode must be nearest or linear', mode);
  const axes = [...factors.keys()];
  return resized(call, x, scalings(call, x, axes, factors, undefined), {
    mode,
    position: POSITIONS.get('asymmetric')!,
    rounding: 'floor',
    cubic: -0.75,
    antialias: false,
    inside: false,
  });
}

interface Manner {
  readonly mode: string;
  readonly position: Position;
  readonly rounding: string;
  readonly cubic: number;
  /** Whether entries that are closer together than those of the input are means of wider surroundings. */
  readonly antialias: boolean;
  /** Whether weights are shared out among the entries that there are; else those at the ends stand for what is beyond. */
  readonly inside: boolean;
}

function resize(call: Call): Signal {
  const x = call.signal(0);
  const rank = call.dims(x).length;
  const { attributes } = call;
  const [at, mode] = [call.opset >= 11 ? 2 : 1, attributes.text('mode', 'nearest')];
  const cubic = attributes.float('cubic_coeff_a', -0.75);
  if (mode === 'cubic' && !(cubic <= 0 && cubic >= -4))
    call.refuse(`cubic_coeff_a = ${cubic}`, 'it is to lie in [−4, 0]');
  const antialias = attributes.flag('antialias') && mode !== 'nearest';
  if (antialias && mode === 'cubic')
    call.refuse('antialias = 1 with mode cubic', 'it is read with mode linear');
  const inside = attributes.flag('exclude_outside');
  if (inside && mode !== 'cubic' && !antialias)
    call.refuse(`exclude_outside = 1 with mode ${mode}`, 'it is read with mode cubic and with antialias');
  const coordinates = attributes.text(
    'coordinate_transformation_mode',
    call.opset >= 11 ? 'half_pixel' : 'asymmetric',
  );
  const position = POSITIONS.get(coordinates);
  if (!position) return call.refuse(coordinates, `coordinates are ${[...POSITIONS.keys()].join(', ')}`);
  const given = attributes.integers('axes');
  const axes = given ? given.map((axis) => call.axis(axis, rank)) : [...new Array(rank).keys()];
  call.demand(new Set(axes).size === axes.length, 'axes must be distinct', axes);
  const scales = call.inputs[at] && call.numbers(at).data.length > 0 ? [...call.numbers(at).data] : undefined;
  const sizes = scales ? undefined : call.integers(at + 1);
  if (!scales && !sizes) return call.malformed('scales or sizes must be given', 'none');
  call.demand(
    (scales ?? sizes)!.length === axes.length,
    `scales or sizes must number ${axes.length}`,
    scales ?? sizes!,
  );
  return resized(call, x, scalings(call, x, axes, scales, sizes), {
    ...{ mode, position, antialias, inside },
    rounding: call.opset >= 11 ? attributes.text('nearest_mode', 'round_prefer_floor') : 'floor',
    cubic,
  });
}

/** The axes of the sample that change. */
function scalings(
  call: Call,
  x: Signal,
  axes: readonly number[],
  scales: readonly number[] | undefined,
  sizes: readonly number[] | undefined,
): Scaling[] {
  const dims = call.dims(x);
  const common = sizes && commonScale(call, dims, axes, sizes);
  return axes.flatMap((axis, k) => {
    const from = dims[axis]!;
    const same = scales ? scales[k] === 1 : common ? common.over === common.under : sizes![k] === from;
    if (same) return [];
    if (axis === 0 && x.batched)
      return call.refuse('of the batch', `samples must not mix; if it is 1, ${FIX_BATCH}`);
    const side = from as number;
    if (common) return [{ axis: axis - (x.batched ? 1 : 0), ...scaledSide(call, side, common) }];
    const factor = scales?.[k];
    if (factor !== undefined) call.demand(factor > 0 && factor < 2 ** 30, 'scales must be positive', factor);
    const to = factor === undefined ? sizes![k]! : Math.floor(side * factor);
    call.demand(Number.isSafeInteger(to) && to >= 1, 'sizes must be positive', to);
    if (factor !== undefined && Math.floor(Math.fround(side * factor)) !== to)
      call.refuse(`of ${side} entries by ${factor}`, 'how many there are is left to rounding');
    const scale = factor === undefined ? ratio(to, side) : ratioOf(factor);
    return [{ axis: axis - (x.batched ? 1 : 0), from: side, to, scale, exact: isExact(scale) }];
  });
}

/** The one scale of all axes where their ratio is to stay; undefined where each has its own. */
function commonScale(
  call: Call,
  dims: readonly Dimension[],
  axes: readonly number[],
  sizes: readonly number[],
): Ratio | undefined {
  const policy = call.attributes.text('keep_aspect_ratio_policy', 'stretch');
  if (policy === 'stretch') return undefined;
  const known = policy === 'not_larger' || policy === 'not_smaller';
  call.demand(known, 'keep_aspect_ratio_policy must be stretch, not_larger or not_smaller', policy);
  const ratios = axes.map((axis, k) => {
    const side = dims[axis]!;
    if (side === 'batch')
      return call.refuse('of the batch', `samples must not mix; if it is 1, ${FIX_BATCH}`);
    call.demand(Number.isSafeInteger(sizes[k]!) && sizes[k]! >= 1, 'sizes must be positive', sizes[k]!);
    return ratio(sizes[k]!, side);
  });
  const less = (a: Ratio, b: Ratio) => a.over * b.under < b.over * a.under;
  return ratios.reduce((a, b) => (less(a, b) === (policy === 'not_larger') ? a : b));
}

/** To the nearest size, of two the larger. */
function scaledSide(call: Call, from: number, scale: Ratio): Omit<Scaling, 'axis'> {
  const twice = 2n * scale.over * BigInt(from) + scale.under;
  const exact = isExact(scale);
  if (!exact && twice % (2n * scale.under) === 0n)
    call.refuse(`of ${from} entries`, 'how many there are is left to rounding');
  const to = Number(twice / (2n * scale.under));
  call.demand(to >= 1, 'sizes must be positive', to);
  return { from, to, scale, exact };
}

/** Whether float32 holds it and what is divided by it wherever that is whole: an integer, or a power of two. */
function isExact({ over, under }: Ratio): boolean {
  const divisor = greatest(over, under);
  const power = (n: bigint) => (n & (n - 1n)) === 0n;
  return under === divisor || (power(over / divisor) && power(under / divisor));
}

function greatest(a: bigint, b: bigint): bigint {
  return b === 0n ? a : greatest(b, a % b);
}

function resized(call: Call, x: Signal, changes: readonly Scaling[], manner: Manner): Signal {
  if (changes.length === 0) return x;
  if (changes.every(({ from, to }) => from === to))
    call.refuse('to the same shape', 'runtimes copy it, whatever the scales say');
  const broken = changes.find(
    ({ from, to, scale }) => BigInt(from) * scale.over !== BigInt(to) * scale.under,
  );
  if (manner.position === POSITIONS.get('align_corners') && broken)
    call.refuse(
      `of ${broken.from} entries to ${broken.to} with aligned corners`,
      'whether the last corner is that of the whole or of the broken number of entries is left open',
    );
  const shape = [...x.shape];
  for (const { axis, to } of changes) shape[axis] = to;
  call.scope.budget.allocate(call.node.name, product(shape));
  if (manner.mode === 'nearest') {
    const lists = x.shape.map((side, axis) => {
      const change = changes.find((own) => own.axis === axis);
      return change ? nearest(call, change, manner) : counted(side);
    });
    return call.settled(pickedByAxis(call, x, lists));
  }
  if (manner.mode !== 'linear' && manner.mode !== 'cubic') {
    return call.malformed('mode must be nearest, linear or cubic', manner.mode);
  }
  if (call.follows(x)) call.tie('interpolation', 'weights are those of the file’s length');
  return changes.reduce((y, change) => {
    call.scope.budget.allocate(call.node.name, change.from * change.to);
    const data = manner.antialias || manner.inside ? shares(call, change, manner) : weightsOf(change, manner);
    const plain = y.batched === x.batched ? y : call.unbatched(y);
    const matrix = { ...constantOf('double', [change.to, change.from], data), roundings: ROUNDINGS };
    return call.settled(contracted(call, plain, change.axis, matrix));
  }, x);
}

const floor = ({ over, under }: Ratio): bigint => over / under - (over % under < 0n ? 1n : 0n);

function nearest(call: Call, scaling: Scaling, { position, rounding }: Manner): Int32Array {
  return Int32Array.from({ length: scaling.to }, (_, i) => {
    const at = position(i, scaling);
    const up = { over: 2n * at.over + at.under, under: 2n * at.under };
    const below = floor(at);
    let index: bigint;
    // What decides: how far the position is above a whole number, or a half one.
    let edge: Ratio;
    switch (rounding) {
      case 'floor':
        [index, edge] = [below, at];
        break;
      case 'ceil':
        [index, edge] = [-floor({ over: -at.over, under: at.under }), at];
        break;
      case 'round_prefer_ceil':
        [index, edge] = [floor(up), up];
        break;
      case 'round_prefer_floor':
        [index, edge] = [-floor({ over: at.under - 2n * at.over, under: 2n * at.under }), up];
        break;
      default:
        return call.malformed(
          'nearest_mode must be floor, ceil, round_prefer_floor or round_prefer_ceil',
          rounding,
        );
    }
    // The first of all is at 0 however the scale is rounded. (Where terms cancel there, half_pixel_symmetric, they do for the last as well.)
    const atStart = i === 0 && at.over === 0n;
    if (!scaling.exact && !atStart && isNearWhole(edge)) {
      call.refuse(
        `of ${scaling.from} entries to ${scaling.to}`,
        'which entry is nearest is left to rounding',
      );
    }
    return Math.min(scaling.from - 1, Math.max(0, Number(index)));
  });
}

/** Within what float32 may be off by. */
function isNearWhole({ over, under }: Ratio): boolean {
  // In millionths, about.
  const above = Number(((((over % under) + under) % under) * 2n ** 20n) / under);
  return Math.min(above, 2 ** 20 - 1 - above) <= 1 + Math.abs(Number(over) / Number(under));
}

/**
 * Of weights, against themselves. Quotients take three (two integers and a division), products of three at most 13 (`near`). At the ends
 * of an axis taps add up that differ in sign, from either side on: their sizes are at most 11/3, 2 or 3 times the size of the sum of two,
 * three or four of them, at a = −4 (of two: (1 + 5t − 2t²) / (1 − 3t + 6t²), of four: 1 + 8t(1 − t)). With the roundings of additions
 * these are at most 11/3 · 13 + 1, 2 · 15 and 3 · 16.
 */
const ROUNDINGS = 64;

/** [to, from] */
function weightsOf(scaling: Scaling, { mode, position, cubic }: Manner): Float64Array {
  const { from, to } = scaling;
  const data = new Float64Array(to * from);
  for (let i = 0; i < to; i++) {
    const at = position(i, scaling);
    const below = floor(at);
    const rest = { over: at.over - below * at.under, under: at.under };
    const first = Number(below);
    const taps: [index: number, weight: number][] =
      mode === 'linear'
        ? [
            [first, quotient(rest.under - rest.over, rest.under)],
            [first + 1, quotient(rest.over, rest.under)],
          ]
        : cubicTaps(first, rest, cubic);
    for (const [index, weight] of taps) data[i * from + Math.min(from - 1, Math.max(0, index))]! += weight;
  }
  return data;
}

/** [to, from], weights of sum 1 at every place: exact but for the quotients. */
function shares(call: Call, scaling: Scaling, { mode, position, cubic, inside }: Manner): Float64Array {
  const { from, to, scale } = scaling;
  // Whether a single entry stands in the middle or at the end ONNX's text and its reference do not agree on.
  if (position === POSITIONS.get('pytorch_half_pixel') && to === 1)
    call.refuse('of an axis to one entry', 'where it stands is left open');
  const data = new Float64Array(to * from);
  for (let i = 0; i < to; i++) {
    const at = position(i, scaling);
    const taps = mode === 'linear' ? tent(at, scale) : exactCubicTaps(at, ratioOf(cubic));
    const weights = new Map<number, bigint>();
    for (const [index, weight] of taps) {
      const own = Math.min(from - 1, Math.max(0, index));
      if (!inside || own === index) weights.set(own, (weights.get(own) ?? 0n) + weight);
    }
    const sum = [...weights.values()].reduce((total, weight) => total + weight, 0n);
    if (sum <= 0n) call.refuse('exclude_outside = 1', 'nothing is left of some entries');
    call.scope.budget.work(call.node.name, taps.length);
    for (const [index, weight] of weights) data[i * from + index] = quotient(weight, sum);
  }
  return data;
}

/** 1 − |k − at| · scale, wherever that is above 0, and as wide as between neighbours at least; by a common factor larger. */
function tent(at: Ratio, scale: Ratio): [number, bigint][] {
  const { over, under } = scale.over < scale.under ? scale : ratio(1, 1);
  const reach = { over: at.under * under, under: at.under * over };
  const centre = { over: at.over * over, under: at.under * over };
  const first = floor({ over: centre.over - reach.over, under: centre.under });
  const last = floor({ over: centre.over + reach.over, under: centre.under });
  const taps: [number, bigint][] = [];
  for (let k = first; k <= last; k++) {
    const away = k * at.under - at.over;
    const weight = reach.over - (away < 0n ? -away : away) * over;
    if (weight > 0n) taps.push([Number(k), weight]);
  }
  return taps;
}

/** Those of `cubicTaps`, by a common factor larger. */
function exactCubicTaps(at: Ratio, a: Ratio): [number, bigint][] {
  const below = floor(at);
  const [t, d] = [at.over - below * at.under, at.under];
  const u = d - t;
  const near = (x: bigint, y: bigint) => y * (y * (d + 2n * x) * a.under - a.over * x * x);
  const first = Number(below);
  return [
    [first - 1, a.over * t * u * u],
    [first, near(t, u)],
    [first + 1, near(u, t)],
    [first + 2, a.over * u * t * t],
  ];
}

function quotient(over: bigint, under: bigint): number {
  const divisor = greatest(over < 0n ? -over : over, under);
  return divisor === 0n ? 0 : Number(over / divisor) / Number(under / divisor);
}

/**
 * Keys' kernel (1981) at the four entries around: (a+2) t³ − (a+3) t² + 1 = u (u (1 + 2t) − a t²) at distance t, u = 1 − t, and
 * a t u² at distance 1 + t. As a ≤ 0 nothing cancels.
 */
function cubicTaps(first: number, rest: Ratio, a: number): [number, number][] {
  const t = quotient(rest.over, rest.under);
  const u = quotient(rest.under - rest.over, rest.under);
  const near = (x: number, y: number) => y * (y * (1 + 2 * x) - a * x * x);
  return [
    [first - 1, a * t * u * u],
    [first, near(t, u)],
    [first + 1, near(u, t)],
    [first + 2, a * u * t * t],
  ];
}
