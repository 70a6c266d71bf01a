/** Operators that pick entries by constant indices, repeat them, or add them up with constant weights. */
import type { Type } from '../model/description.ts';
import { wrapped } from './arithmetic.ts';
import type { Call } from './call.ts';
import { Exact, ONE, ZERO } from './exact.ts';
import type { Operator } from './operator.ts';
import { axisOf, demand, gathered, positions, stepsOf, type Value } from './values.ts';

export const maps: Readonly<Record<string, Operator>> = {
  DepthToSpace: (call) => {
    const x = call.value(0);
    const b = call.integer('blocksize', 1);
    const [n, c, h, w] = x.shape as [number, number, number, number];
    demand(x.shape.length === 4 && c % (b * b) === 0, 'channels of a block');
    const depth = c / (b * b);
    const rows = call.text('mode', 'DCR') === 'CRD';
    return [
      gathered(x, [n, depth, h * b, w * b], ([k, d, i, j]) => {
        const inner = (i! % b) * b + (j! % b);
        return [k!, rows ? d! * b * b + inner : inner * depth + d!, Math.floor(i! / b), Math.floor(j! / b)];
      }),
    ];
  },
  SpaceToDepth: (call) => {
    const x = call.value(0);
    const b = call.integer('blocksize', 1);
    const [n, c, h, w] = x.shape as [number, number, number, number];
    demand(x.shape.length === 4 && h % b === 0 && w % b === 0, 'sides of blocks');
    return [
      gathered(x, [n, c * b * b, h / b, w / b], ([k, d, i, j]) => {
        const block = Math.floor(d! / c);
        return [k!, d! % c, i! * b + Math.floor(block / b), j! * b + (block % b)];
      }),
    ];
  },
  Trilu: (call) => {
    const x = call.value(0);
    demand(x.shape.length >= 2, 'two axes');
    const k = call.scalar(1) ?? 0;
    const upper = call.integer('upper', 1) === 1;
    const zero = x.type === 'cell' ? call.builder.constant(0) : 0;
    const items = [...positions(x.shape)].map((at, n) => {
      const beside = at.at(-1)! - at.at(-2)!;
      return (upper ? beside >= k : beside <= k) ? x.items[n]! : zero;
    });
    return [{ ...x, items }];
  },
  CumSum: (call) => {
    const x = call.cells(0);
    const axis = axisOf(call.scalar(1)!, x.shape.length);
    const [exclusive, reverse] = [call.integer('exclusive', 0) === 1, call.integer('reverse', 0) === 1];
    const step = stepsOf(x.shape)[axis]!;
    const items = [...positions(x.shape)].map((at, n) => {
      const own: number[] = [];
      for (let k = 0; k < x.shape[axis]!; k++) {
        const before = reverse ? k - at[axis]! : at[axis]! - k;
        if (before > 0 || (before === 0 && !exclusive)) own.push(x.items[n + (k - at[axis]!) * step]!);
      }
      return call.builder.linear(
        own,
        own.map(() => ONE),
      );
    });
    return [{ ...x, items }];
  },
  GatherElements: (call) => {
    const [x, indices] = [call.value(0), call.constant(1)];
    const axis = axisOf(call.integer('axis', 0), x.shape.length);
    let n = 0;
    return [
      gathered(x, indices.shape, (at) => at.with(axis, fromFront(indices.items[n++]!, x.shape[axis]!))),
    ];
  },
  GatherND: (call) => {
    const [x, indices] = [call.value(0), call.constant(1)];
    demand(call.integer('batch_dims', 0) === 0, 'no batch of indices');
    const depth = indices.shape.at(-1)!;
    const lead = indices.shape.slice(0, -1);
    return [
      gathered(x, [...lead, ...x.shape.slice(depth)], (at) => {
        const row = at.slice(0, lead.length).reduce((flat, index, a) => flat * lead[a]! + index, 0);
        const first = Array.from({ length: depth }, (_, k) =>
          fromFront(indices.items[row * depth + k]!, x.shape[k]!),
        );
        return [...first, ...at.slice(lead.length)];
      }),
    ];
  },
  Compress: (call) => {
    const x = call.value(0);
    const mask = call.constant(1).items;
    const axis = call.attribute('axis') ? axisOf(call.integer('axis', 0), x.shape.length) : undefined;
    const from = axis === undefined ? { ...x, shape: [x.items.length] } : x;
    const own = axis ?? 0;
    const kept = mask.flatMap((holds, k) => (holds === 0 ? [] : [k]));
    demand(mask.length <= from.shape[own]! && kept.length > 0, 'a mask of the axis');
    return [gathered(from, from.shape.with(own, kept.length), (at) => at.with(own, kept[at[own]!]!))];
  },
  ReverseSequence: (call) => {
    const x = call.value(0);
    const lengths = call.constant(1).items;
    const [batch, time] = [call.integer('batch_axis', 1), call.integer('time_axis', 0)];
    return [
      gathered(x, x.shape, (at) => {
        const length = lengths[at[batch]!]!;
        return at[time]! < length ? at.with(time, length - 1 - at[time]!) : at;
      }),
    ];
  },
  MaxUnpool: (call) => {
    const [x, indices] = [call.cells(0), call.constant(1).items];
    const [kernel, strides] = [call.integers('kernel_shape')!, call.integers('strides')!];
    const shape = x.shape.map((side, a) => (a < 2 ? side : (side - 1) * strides[a - 2]! + kernel[a - 2]!));
    const items = new Array<number>(shape.reduce((a, b) => a * b, 1)).fill(call.builder.constant(0));
    demand(new Set(indices).size === indices.length, 'places of their own');
    for (const [n, index] of indices.entries()) items[index] = x.items[n]!;
    return [{ type: 'cell', shape, items }];
  },
  DFT: (call) => {
    const x = call.cells(0);
    const axis = axisOf(call.opset < 20 ? call.integer('axis', 1) : (call.scalar(2) ?? -2), x.shape.length);
    const length = call.scalar(1) ?? x.shape[axis]!;
    const manner = { inverse: call.integer('inverse', 0) === 1, onesided: call.integer('onesided', 0) === 1 };
    return [transform(call, x, axis, { length, ...manner })];
  },
  STFT: (call) => {
    const x = call.cells(0);
    const [batch, side, parts] = x.shape as [number, number, number];
    const [step, length] = [call.scalar(1)!, call.scalar(3) ?? call.constant(2).items.length];
    demand(x.shape.length === 3 && length <= side, 'windows');
    const window = call.values[2] ? call.constant(2).items : undefined;
    const frames = Math.floor((side - length) / step) + 1;
    const framed = gathered(x, [batch, frames, length, parts], ([b, f, n, p]) => [b!, f! * step + n!, p!]);
    const items = framed.items.map((cell, n) =>
      window ? call.builder.linear([cell], [Exact.of(window[Math.floor(n / parts) % length]!)]) : cell,
    );
    return [
      transform(call, { ...framed, items }, 2, {
        length,
        inverse: false,
        onesided: call.integer('onesided', 1) === 1,
      }),
    ];
  },
  EyeLike: (call) => {
    const { shape } = call.value(0);
    demand(shape.length === 2, 'a matrix');
    const k = call.integer('k', 0);
    const items = [...positions(shape)].map(([i, j]) => (j! - i! === k ? 1 : 0));
    return [{ type: 'float', shape, items }];
  },
  Scatter: (call) => maps.ScatterElements!(call),
  ScatterElements: (call) => {
    const indices = call.constant(1);
    const axis = axisOf(call.integer('axis', 0), call.value(0).shape.length);
    return [
      scattered(call, (x) =>
        [...positions(indices.shape)].map((at, n) =>
          at.with(axis, fromFront(indices.items[n]!, x.shape[axis]!)),
        ),
      ),
    ];
  },
  ScatterND: (call) => {
    const indices = call.constant(1);
    const depth = indices.shape.at(-1)!;
    return [
      scattered(call, (x) =>
        Array.from({ length: indices.items.length / depth }, (_, row) =>
          Array.from({ length: depth }, (__, k) => fromFront(indices.items[row * depth + k]!, x.shape[k]!)),
        ).flatMap((first) => [...positions(x.shape.slice(depth))].map((rest) => [...first, ...rest])),
      ),
    ];
  },
  Einsum: (call) => [einsum(call)],
  Resize: (call) => {
    const x = call.value(0);
    const scales = call.values[2]?.items.length ? call.constant(2).items : undefined;
    const sizes = scales ? x.shape.map((side, a) => Math.floor(side * scales[a]!)) : call.constant(3).items;
    const nearest = call.text('nearest_mode', 'round_prefer_floor');
    return [
      resized(call, x, sizes, {
        scale: (a) => scales?.[a] ?? sizes[a]! / x.shape[a]!,
        coordinates: call.text('coordinate_transformation_mode', 'half_pixel'),
        mode: call.text('mode', 'nearest'),
        nearest,
      }),
    ];
  },
  Upsample: (call) => {
    const x = call.value(0);
    const given = call.attribute('scales');
    const scales = given && 'fs' in given ? given.fs : call.constant(1).items;
    const sizes = x.shape.map((side, a) => Math.floor(side * scales[a]!));
    const manner = { coordinates: 'asymmetric', mode: call.text('mode', 'nearest'), nearest: 'floor' };
    return [resized(call, x, sizes, { ...manner, scale: (a) => scales[a]! })];
  },
  DequantizeLinear: (call) => {
    const [x, scale] = [call.constant(0), call.constant(1)];
    const zero = call.values[2] ? call.constant(2).items : scale.items.map(() => 0);
    const axis = scale.items.length === 1 ? 0 : axisOf(call.integer('axis', 1), x.shape.length);
    const items = [...positions(x.shape)].map((at, n) => {
      const k = scale.items.length === 1 ? 0 : at[axis]!;
      return wrapped(scale.type as Type, (x.items[n]! - zero[k]!) * scale.items[k]!);
    });
    return [{ type: scale.type, shape: x.shape, items }];
  },
  'ai.onnx.ml.Scaler': (call) => {
    const x = call.cells(0);
    const list = (name: string, absent: number) => {
      const given = call.attribute(name);
      const values = given && 'fs' in given ? given.fs : [absent];
      return (n: number) => Exact.of(Math.fround(values[n % values.length]!));
    };
    const [offset, scale] = [list('offset', 0), list('scale', 1)];
    const items = x.items.map((cell, n) =>
      call.builder.linear([cell], [scale(n)], offset(n).times(scale(n)).negated()),
    );
    return [{ ...x, items }];
  },
  'ai.onnx.ml.LinearRegressor': (call) => {
    const x = call.cells(0);
    const list = (name: string) => {
      const given = call.attribute(name);
      return given && 'fs' in given ? given.fs.map((value) => Exact.of(Math.fround(value))) : undefined;
    };
    const targets = call.integer('targets', 1);
    const [weights, bias] = [list('coefficients')!, list('intercepts')];
    const inputs = x.shape[1]!;
    demand(x.shape.length === 2 && weights.length === targets * inputs, 'coefficients');
    const items = Array.from({ length: x.shape[0]! * targets }, (_, n) => {
      const [row, target] = [Math.floor(n / targets), n % targets];
      const own = x.items.slice(row * inputs, (row + 1) * inputs);
      return call.builder.linear(own, weights.slice(target * inputs, (target + 1) * inputs), bias?.[target]);
    });
    return [{ type: 'cell', shape: [x.shape[0]!, targets], items }];
  },
};

function fromFront(index: number, side: number): number {
  demand(index >= -side && index < side, 'an index');
  return index < 0 ? index + side : index;
}

/** The first input with the entries of the third where these positions are. */
function scattered(call: Call, where: (x: Value) => readonly (readonly number[])[]): Value {
  const some = call.values.some((value) => value?.type === 'cell');
  const [x, updates] = some ? [call.cells(0), call.cells(2)] : [call.value(0), call.value(2)];
  const steps = stepsOf(x.shape);
  const items = [...x.items];
  const taken = new Set<number>();
  const reduction = call.text('reduction', 'none');
  for (const [n, position] of where(x).entries()) {
    const at = position.reduce((flat, index, a) => flat + index * steps[a]!, 0);
    if (reduction !== 'none') {
      items[at] = reduced(call, reduction, items[at]!, updates.items[n]!, call.value(2).items[n]!);
      continue;
    }
    demand(!taken.has(at), 'one update for each entry');
    taken.add(at);
    items[at] = updates.items[n]!;
  }
  return { ...x, items };
}

/** Σ x_n e^(∓2πi kn/length) along an axis, real and imaginary parts along the last one. */
function transform(
  call: Call,
  x: Value,
  axis: number,
  {
    length,
    inverse,
    onesided,
  }: { readonly length: number; readonly inverse: boolean; readonly onesided: boolean },
): Value {
  const last = x.shape.length - 1;
  demand(axis < last && x.shape[last]! <= 2 && !(onesided && (inverse || x.shape[last] === 2)), 'parts');
  const shape = x.shape.with(axis, onesided ? Math.floor(length / 2) + 1 : length).with(last, 2);
  const steps = stepsOf(x.shape);
  const factor = inverse ? 1 / length : 1;
  const items = [...positions(shape)].map((at) => {
    const [sources, weights]: [number[], Exact[]] = [[], []];
    const base = at.reduce(
      (flat, index, a) => (a === axis || a === last ? flat : flat + index * steps[a]!),
      0,
    );
    for (let n = 0; n < Math.min(length, x.shape[axis]!); n++) {
      const eighths = (8 * ((at[axis]! * n) % length)) / length;
      const angle = ((inverse ? 1 : -1) * Math.PI * eighths) / 4;
      // Whole and half quarters as they are.
      const exact = (value: number) => (eighths % 2 === 0 ? Math.round(value) : value);
      const [c, s] = [exact(Math.cos(angle)) * factor, exact(Math.sin(angle)) * factor];
      for (let part = 0; part < x.shape[last]!; part++) {
        sources.push(x.items[base + n * steps[axis]! + part]!);
        weights.push(Exact.of(part === at[last] ? c : part === 0 ? s : -s));
      }
    }
    return call.builder.linear(sources, weights);
  });
  return { type: 'cell', shape, items };
}

/** @param factor what the update is as a number, which updates that multiply are */
function reduced(call: Call, reduction: string, a: number, b: number, factor: number): number {
  const { builder } = call;
  const turned = (cell: number) => builder.linear([cell], [ONE.negated()]);
  switch (reduction) {
    case 'add':
      return builder.linear([a, b], [ONE, ONE]);
    case 'mul':
      demand(call.value(2).type !== 'cell', 'numbers that multiply');
      return builder.linear([a], [Exact.of(factor)]);
    case 'max':
      return builder.maximum([a, b]);
    default:
      return turned(builder.maximum([turned(a), turned(b)]));
  }
}

/** Σ of products over the letters that the result does not have, entry by entry. */
function einsum(call: Call): Value {
  const operands = call.values.map((_, k) => call.value(k));
  const equation = call.text('equation', '');
  const [left, result] = equation.split('->') as [string, string];
  const names = left.split(',');
  demand(names.length === operands.length && !equation.includes('.'), 'an equation of letters');
  const sides = new Map<string, number>();
  for (const [k, term] of names.entries())
    for (const [a, name] of [...term].entries()) sides.set(name, operands[k]!.shape[a]!);
  const inner = [...sides.keys()].filter((name) => !result.includes(name));
  const size = (list: Iterable<string>) => [...list].map((name) => sides.get(name)!);
  const at = operands.findIndex(({ type }) => type === 'cell');
  demand(operands.filter(({ type }) => type === 'cell').length <= 1, 'a product of data by data');
  const items = [...positions(size(result))].map((outer) => {
    const sources: number[] = [];
    const weights: Exact[] = [];
    let sum = ZERO;
    for (const within of positions(size(inner))) {
      const index = (name: string) =>
        result.includes(name) ? outer[result.indexOf(name)]! : within[inner.indexOf(name)]!;
      let term = ONE;
      let source = -1;
      for (const [k, { shape, items: own }] of operands.entries()) {
        const steps = stepsOf(shape);
        const flat = [...names[k]!].reduce((total, name, a) => total + index(name) * steps[a]!, 0);
        if (k === at) source = own[flat]!;
        else term = term.times(Exact.of(own[flat]!));
      }
      if (source >= 0) {
        sources.push(source);
        weights.push(term);
      } else sum = sum.plus(term);
    }
    return at < 0
      ? wrapped(operands[0]!.type as Type, sum.toNumber())
      : call.builder.linear(sources, weights);
  });
  return { type: at < 0 ? operands[0]!.type : 'cell', shape: size(result), items };
}

interface Manner {
  readonly scale: (axis: number) => number;
  readonly coordinates: string;
  readonly mode: string;
  readonly nearest: string;
}

function resized(call: Call, given: Value, sizes: readonly number[], manner: Manner): Value {
  const { mode } = manner;
  demand(mode === 'nearest' || mode === 'linear', 'a mode');
  demand(
    sizes.every((side) => side >= 1),
    'sides',
  );
  let x = mode === 'nearest' ? given : { ...call.cells(0) };
  for (const [axis, to] of sizes.entries()) {
    const from = x.shape[axis]!;
    if (to === from) continue;
    const position = (i: number) => positionOf(i, from, to, manner.scale(axis), manner.coordinates);
    const clamped = (k: number) => Math.min(from - 1, Math.max(0, k));
    const before = x;
    if (mode === 'nearest') {
      x = gathered(before, before.shape.with(axis, to), (at) => {
        const where = position(at[axis]!).toNumber();
        return at.with(axis, clamped(rounded(where, manner.nearest)));
      });
      continue;
    }
    const steps = stepsOf(before.shape);
    const shape = before.shape.with(axis, to);
    const items = [...positions(shape)].map((at) => {
      const where = position(at[axis]!);
      const below = Math.floor(where.toNumber());
      const rest = where.minus(Exact.of(below));
      const cell = (k: number) =>
        before.items[at.reduce((flat, index, a) => flat + (a === axis ? clamped(k) : index) * steps[a]!, 0)]!;
      return call.builder.linear([cell(below), cell(below + 1)], [ONE.minus(rest), rest]);
    });
    x = { ...before, shape, items };
  }
  return x;
}

function positionOf(i: number, from: number, to: number, scale: number, coordinates: string): Exact {
  const at = Exact.of(i);
  const half = Exact.of(0.5);
  // A quotient of sides is what it is, not what float64 makes of it.
  const whole = Math.abs(scale * from - to) < 1e-6 && !Number.isInteger(scale * 2 ** 20);
  const divided = (x: Exact) =>
    whole ? x.times(Exact.of(from)).over(Exact.of(to)) : x.over(Exact.of(scale));
  switch (coordinates) {
    case 'asymmetric':
      return divided(at);
    case 'half_pixel':
      return divided(at.plus(half)).minus(half);
    case 'pytorch_half_pixel':
      return to > 1 ? divided(at.plus(half)).minus(half) : ZERO;
    case 'align_corners':
      return to === 1 ? ZERO : at.times(Exact.of(from - 1)).over(Exact.of(to - 1));
    default:
      return demand(false, 'coordinates') as never;
  }
}

function rounded(where: number, mode: string): number {
  switch (mode) {
    case 'floor':
      return Math.floor(where);
    case 'ceil':
      return Math.ceil(where);
    case 'round_prefer_floor':
      return Math.ceil(where - 0.5);
    default:
      return Math.floor(where + 0.5);
  }
}
