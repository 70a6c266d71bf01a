/** Operators that move entries about: the same on numbers and on cells. */
import type { Call } from './call.ts';
import type { Operator } from './operator.ts';
import {
  axisOf,
  broadcast,
  demand,
  expanded,
  gathered,
  positions,
  product,
  type Value,
  viewed,
} from './values.ts';

export const movement: Readonly<Record<string, Operator>> = {
  Identity: (call) => [call.value(0)],
  Dropout: (call) => [call.value(0)],
  Flatten: (call) => {
    const x = call.value(0);
    const given = call.integer('axis', 1);
    const axis = given < 0 ? given + x.shape.length : given;
    demand(axis >= 0 && axis <= x.shape.length, 'axis');
    return [viewed(x, [product(x.shape.slice(0, axis)), product(x.shape.slice(axis))])];
  },
  Reshape: (call) => {
    const x = call.value(0);
    const keepsZero = call.integer('allowzero', 0) === 1;
    const target = call.constant(1).items.map((side, a) => {
      if (side !== 0 || keepsZero) return side;
      demand(a < x.shape.length, '0 without an axis');
      return x.shape[a]!;
    });
    const known = product(target.filter((side) => side !== -1));
    const rest = x.items.length / known;
    return [
      viewed(
        x,
        target.map((side) => (side === -1 ? rest : side)),
      ),
    ];
  },
  Squeeze: (call) => {
    const x = call.value(0);
    const axes = call.list('axes', 1)?.map((axis) => axisOf(axis, x.shape.length));
    for (const axis of axes ?? []) demand(x.shape[axis] === 1, 'a side that is squeezed');
    return [
      viewed(
        x,
        x.shape.filter((side, a) => (axes ? !axes.includes(a) : side !== 1)),
      ),
    ];
  },
  Unsqueeze: (call) => {
    const x = call.value(0);
    const given = call.list('axes', 1)!;
    const rank = x.shape.length + given.length;
    const axes = given.map((axis) => axisOf(axis, rank));
    const rest = [...x.shape];
    return [
      viewed(
        x,
        Array.from({ length: rank }, (_, a) => (axes.includes(a) ? 1 : rest.shift()!)),
      ),
    ];
  },
  Transpose: (call) => {
    const x = call.value(0);
    const perm = call.integers('perm') ?? [...x.shape.keys()].reverse();
    return [
      gathered(
        x,
        perm.map((axis) => x.shape[axis]!),
        (position) => {
          const from = [...position];
          for (const [k, axis] of perm.entries()) from[axis] = position[k]!;
          return from;
        },
      ),
    ];
  },
  Concat: (call) => {
    const some = call.values.some((value) => value?.type === 'cell');
    const parts = call.values.map((_, k) => (some ? call.cells(k) : call.value(k)));
    const axis = axisOf(call.integer('axis', 0), parts[0]!.shape.length);
    for (const part of parts)
      demand(
        part.shape.length === parts[0]!.shape.length &&
          part.shape.every((side, a) => a === axis || side === parts[0]!.shape[a]),
        'sides that are joined',
      );
    const outer = product(parts[0]!.shape.slice(0, axis));
    const items: number[] = [];
    for (let o = 0; o < outer; o++)
      for (const { items: own } of parts) {
        const row = own.length / outer;
        for (let k = 0; k < row; k++) items.push(own[o * row + k]!);
      }
    const total = parts.reduce((sum, part) => sum + part.shape[axis]!, 0);
    return [{ type: parts[0]!.type, shape: parts[0]!.shape.with(axis, total), items }];
  },
  Slice: (call) => [slice(call)],
  Gather: (call) => {
    const x = call.value(0);
    const indices = call.constant(1);
    const axis = axisOf(call.integer('axis', 0), x.shape.length);
    const side = x.shape[axis]!;
    const rank = indices.shape.length;
    return [
      gathered(x, x.shape.toSpliced(axis, 1, ...indices.shape), (position) => {
        let flat = 0;
        for (let k = 0; k < rank; k++) flat = flat * indices.shape[k]! + position[axis + k]!;
        const index = indices.items[flat]!;
        demand(index >= -side && index < side, 'an index');
        return position.toSpliced(axis, rank, index < 0 ? index + side : index);
      }),
    ];
  },
  Split: (call) => {
    const x = call.value(0);
    const axis = axisOf(call.integer('axis', 0), x.shape.length);
    const count = call.integer('num_outputs', call.node.outputs.length);
    const part = Math.ceil(x.shape[axis]! / count);
    const even = Array.from({ length: count }, (_, k) => Math.min(part, x.shape[axis]! - k * part));
    const sides = call.list('split', 1) ?? even;
    demand(product(sides) > 0 && sides.reduce((a, b) => a + b, 0) === x.shape[axis], 'the parts');
    let start = 0;
    return sides.map((side) => {
      const from = start;
      start += side;
      return gathered(x, x.shape.with(axis, side), (position) => position.with(axis, position[axis]! + from));
    });
  },
  Expand: (call) => [expanded(call.value(0), broadcast(call.value(0).shape, call.constant(1).items))],
  Tile: (call) => {
    const x = call.value(0);
    const shape = x.shape.map((side, a) => side * call.constant(1).items[a]!);
    return [gathered(x, shape, (position) => position.map((index, a) => index % x.shape[a]!))];
  },
  Pad: (call) => [pad(call)],
  Where: (call) => {
    const some = call.values.some((value) => value?.type === 'cell');
    const [condition, a, b] = [
      call.constant(0),
      ...[1, 2].map((k) => (some ? call.cells(k) : call.value(k))),
    ] as [Value, Value, Value];
    const shape = broadcast(broadcast(condition.shape, a.shape), b.shape);
    const [c, p, q] = [condition, a, b].map((value) => expanded(value, shape));
    return [{ type: a.type, shape, items: c!.items.map((x, k) => (x ? p! : q!).items[k]!) }];
  },
};

function slice(call: Call): Value {
  const x = call.value(0);
  const starts = call.list('starts', 1)!;
  const ends = call.list('ends', 2)!;
  const axes = (call.list('axes', 3) ?? [...starts.keys()]).map((axis) => axisOf(axis, x.shape.length));
  const steps = call.values[4] ? call.constant(4).items : starts.map(() => 1);
  const shape = [...x.shape];
  const from = x.shape.map(() => 0);
  const by = x.shape.map(() => 1);
  for (const [k, axis] of axes.entries()) {
    const side = x.shape[axis]!;
    const step = steps[k]!;
    const back = (index: number) => (index < 0 ? index + side : index);
    const [low, high] = step > 0 ? [0, side] : [-1, side - 1];
    const start = Math.min(Math.max(back(starts[k]!), 0), step > 0 ? side : side - 1);
    const end = Math.min(Math.max(back(ends[k]!), low), high);
    shape[axis] = Math.max(0, Math.ceil((end - start) / step));
    from[axis] = start;
    by[axis] = step;
  }
  demand(product(shape) > 0, 'an empty slice');
  return gathered(x, shape, (position) => position.map((index, a) => from[a]! + by[a]! * index));
}

function pad(call: Call): Value {
  const x = call.value(0);
  const pads = call.list('pads', 1)!;
  const axes = (call.values[3] ? call.constant(3).items : [...x.shape.keys()]).map((axis) =>
    axisOf(axis, x.shape.length),
  );
  const before = x.shape.map(() => 0);
  const shape = [...x.shape];
  for (const [k, axis] of axes.entries()) {
    before[axis] = pads[k]!;
    shape[axis]! += pads[k]! + pads[k + axes.length]!;
  }
  const mode = call.text('mode', 'constant');
  const value = call.attribute('value') ? call.float('value', 0) : (call.scalar(2) ?? 0);
  if (mode === 'constant') {
    const filling = x.type === 'cell' ? call.builder.constant(value) : value;
    const steps = x.shape.map((_, a) => product(x.shape.slice(a + 1)));
    const items: number[] = [];
    for (const position of positions(shape)) {
      const at = position.map((index, a) => index - before[a]!);
      const inside = at.every((index, a) => index >= 0 && index < x.shape[a]!);
      items.push(inside ? x.items[at.reduce((flat, index, a) => flat + index * steps[a]!, 0)]! : filling);
    }
    return { type: x.type, shape, items };
  }
  // Wrapping goes round as often as it takes.
  const reach = mode === 'reflect' ? -1 : Infinity;
  for (const [a, side] of x.shape.entries()) {
    const after = shape[a]! - side - before[a]!;
    demand(
      Math.max(before[a]!, after) <= side + reach || (before[a] === 0 && after === 0),
      `${mode} of ${side}`,
    );
  }
  return gathered(x, shape, (position) =>
    position.map((index, a) => source(mode, index - before[a]!, x.shape[a]!)),
  );
}

function source(mode: string, index: number, side: number): number {
  if (index >= 0 && index < side) return index;
  if (mode === 'wrap') return ((index % side) + side) % side;
  if (mode === 'edge') return index < 0 ? 0 : side - 1;
  return index < 0 ? -index : 2 * (side - 1) - index;
}
