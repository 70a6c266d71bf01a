/** Literals, shapes, ranges, casts and reductions. */
import { type Tensor, TYPES, type Type } from '../model/description.ts';
import { isInteger, wrapped } from './arithmetic.ts';
import type { Call } from './call.ts';
import { leastOf, logSumExp, normOf } from './cells.ts';
import { Exact, ONE } from './exact.ts';
import type { Operator } from './operator.ts';
import { axisOf, demand, positions, product, stepsOf, type Value } from './values.ts';

const ofTensor = ({ type, dims, values }: Tensor): Value => ({ type, shape: dims, items: values });
const vector = (items: readonly number[], type: Type = 'int64'): Value => ({
  type,
  shape: [items.length],
  items,
});

export const constants: Readonly<Record<string, Operator>> = {
  Constant: (call) => {
    const [name, value] = Object.entries(call.node.attributes)[0]!;
    if ('t' in value) return [ofTensor(value.t)];
    if ('f' in value) return [{ type: 'float', shape: [], items: [Math.fround(value.f)] }];
    if ('fs' in value) return [vector(value.fs.map(Math.fround), 'float')];
    if ('i' in value) return [{ type: 'int64', shape: [], items: [value.i] }];
    demand('is' in value, name);
    return [vector(value.is)];
  },
  ConstantOfShape: (call) => {
    const shape = call.constant(0).items;
    const value = call.attribute('value');
    const tensor: Tensor = value && 't' in value ? value.t : { type: 'float', dims: [1], values: [0] };
    return [{ type: tensor.type, shape, items: new Array(product(shape)).fill(tensor.values[0]!) }];
  },
  Range: (call) => {
    const [start, limit, delta] = [0, 1, 2].map((k) => call.scalar(k)!) as [number, number, number];
    const count = Math.max(Math.ceil((limit - start) / delta), 0);
    return [
      vector(
        Array.from({ length: count }, (_, k) => start + k * delta),
        call.constant(0).type as Type,
      ),
    ];
  },
  Shape: (call) => {
    const { shape } = call.value(0);
    const within = (axis: number) =>
      Math.min(Math.max(axis < 0 ? axis + shape.length : axis, 0), shape.length);
    return [vector(shape.slice(within(call.integer('start', 0)), within(call.integer('end', shape.length))))];
  },
  Size: (call) => [{ type: 'int64', shape: [], items: [call.value(0).items.length] }],
  Cast: (call) => {
    const x = call.value(0);
    const to = Object.entries(TYPES).find(([, number]) => number === call.integer('to', 0))![0] as Type;
    return [x.type === 'cell' ? x : cast(x, to)];
  },
  CastLike: (call) => {
    const [x, like] = [call.value(0), call.value(1)];
    return [x.type === 'cell' || like.type === 'cell' ? x : cast(x, like.type)];
  },
  ReduceSum: reduction(
    (x) => x.reduce((a, b) => a + b, 0),
    (call, cells) =>
      call.builder.linear(
        cells,
        cells.map(() => ONE),
      ),
  ),
  ReduceMean: reduction(
    (x) => x.reduce((a, b) => a + b, 0) / x.length,
    (call, cells) => {
      const share = ONE.over(Exact.of(cells.length));
      return call.builder.linear(
        cells,
        cells.map(() => share),
      );
    },
  ),
  ReduceMax: reduction(
    (x) => x.reduce((most, entry) => Math.max(most, entry), -Infinity),
    (call, cells) => call.builder.maximum(cells),
  ),
  ReduceMin: reduction(
    (x) => x.reduce((least, entry) => Math.min(least, entry), Infinity),
    (call, cells) => leastOf(call.builder, cells),
  ),
  ReduceProd: reduction((x) => x.reduce((a, b) => a * b, 1)),
  ReduceL1: reduction(
    (x) => x.reduce((a, b) => a + Math.abs(b), 0),
    (call, cells) => normOf(call.builder, cells, 1),
  ),
  ReduceL2: reduction(
    (x) => Math.sqrt(x.reduce((a, b) => a + b * b, 0)),
    (call, cells) => normOf(call.builder, cells, 2),
  ),
  ReduceLogSumExp: reduction(
    (x) => Math.log(x.reduce((sum, entry) => sum + Math.exp(entry), 0)),
    (call, cells) => logSumExp(call.builder, cells),
  ),
  ReduceSumSquare: reduction((x) => x.reduce((a, b) => a + b * b, 0)),
};

function cast(x: Value, to: Type): Value {
  return { ...x, type: to, items: x.items.map((value) => castNumber(value, to)) };
}

function castNumber(value: number, to: Type): number {
  if (to === 'float') return Math.fround(value);
  if (to === 'float16') return half(value);
  if (!isInteger(to)) return wrapped(to, value);
  return wrapped(to, Math.trunc(value));
}

/** The nearest float16, ties to even. */
function half(value: number): number {
  if (value === 0 || !Number.isFinite(value)) return value;
  const exponent = Math.max(Math.floor(Math.log2(Math.abs(value))), -14);
  const unit = 2 ** (exponent - 10);
  const units = Math.abs(value) / unit;
  const below = Math.floor(units);
  const up = units - below > 0.5 || (units - below === 0.5 && below % 2 === 1);
  const size = (up ? below + 1 : below) * unit;
  return Math.sign(value) * (size > 65504 ? Infinity : size);
}

function reduction(
  constant: (x: readonly number[]) => number,
  cells?: (call: Call, x: readonly number[]) => number,
): Operator {
  return (call) => {
    const x = call.value(0);
    const rank = x.shape.length;
    const given = call.list('axes', 1) ?? [];
    if (given.length === 0 && call.integer('noop_with_empty_axes', 0) === 1) return [x];
    const axes = given.length > 0 ? given.map((axis) => axisOf(axis, rank)) : [...x.shape.keys()];
    const kept = x.shape.map((side, a) => (axes.includes(a) ? 1 : side));
    const within = x.shape.map((side, a) => (axes.includes(a) ? side : 1));
    const steps = stepsOf(x.shape);
    const flat = (position: readonly number[]) => position.reduce((sum, i, a) => sum + i * steps[a]!, 0);
    const offsets = [...positions(within)].map(flat);
    demand(x.type !== 'cell' || cells !== undefined, 'a reduction of data');
    const items = [...positions(kept)].map((position) => {
      const entries = offsets.map((offset) => x.items[flat(position) + offset]!);
      if (x.type === 'cell') return cells!(call, entries);
      const type = x.type as Type;
      // Runtimes disagree on what becomes of integers that leave their type on the way, in whatever order.
      const fits = [entries, entries.map(Math.abs)].every(
        (all) => wrapped(type, constant(all)) === constant(all),
      );
      demand(!isInteger(type) || fits, 'integers that leave their type');
      return wrapped(type, constant(entries));
    });
    const keep = call.integer('keepdims', 1) === 1;
    return [{ type: x.type, shape: keep ? kept : x.shape.filter((_, a) => !axes.includes(a)), items }];
  };
}
