/** Functions of groups of entries: normalisation, sorting, recurrences. */
import type { Call } from './call.ts';
import { difference, meanOf, sorted, standardised, sumOf } from './cells.ts';
import { Exact } from './exact.ts';
import type { Operator } from './operator.ts';
import * as f from './pointwise.ts';
import { axisOf, demand, expanded, positions, product, stepsOf, type Value } from './values.ts';

export const groups: Readonly<Record<string, Operator>> = {
  LayerNormalization: (call) => [lastAxes(call, true), ...statistics(call)],
  RMSNormalization: (call) => [lastAxes(call, false)],
  InstanceNormalization: (call) => [channelGroups(call, call.cells(0).shape[1]!, true)],
  GroupNormalization: (call) => [channelGroups(call, call.integer('num_groups', 1), call.opset >= 21)],
  LRN: (call) => [localResponse(call)],
  TopK: (call) => {
    const x = call.cells(0);
    const axis = axisOf(call.integer('axis', -1), x.shape.length);
    const count = call.opset < 10 ? call.integer('k', 1) : call.scalar(1)!;
    demand(count >= 1 && count <= x.shape[axis]!, 'k');
    const largest = call.opset < 11 || call.integer('largest', 1) === 1;
    const order = alongAxes(x, [axis], (cells) => {
      const ascending = sorted(call.builder, cells);
      return largest ? ascending.reverse() : ascending;
    });
    const shape = x.shape.with(axis, count);
    const steps = stepsOf(x.shape);
    const items = [...positions(shape)].map(
      (position) => order.items[position.reduce((flat, i, a) => flat + i * steps[a]!, 0)]!,
    );
    // Which entries they were jumps; nobody asks.
    return [
      { type: 'cell', shape, items },
      { type: 'int64', shape, items: items.map(() => 0) },
    ];
  },
};

/** A function of the entries along some axes, as many of them. */
function alongAxes(x: Value, axes: readonly number[], of: (cells: number[]) => readonly number[]): Value {
  const steps = stepsOf(x.shape);
  const flat = (position: readonly number[]) => position.reduce((sum, i, a) => sum + i * steps[a]!, 0);
  const within = [...positions(x.shape.map((side, a) => (axes.includes(a) ? side : 1)))].map(flat);
  const items = [...x.items];
  for (const start of positions(x.shape.map((side, a) => (axes.includes(a) ? 1 : side)))) {
    const places = within.map((offset) => flat(start) + offset);
    for (const [k, cell] of of(places.map((place) => x.items[place]!)).entries()) items[places[k]!] = cell;
  }
  return { ...x, items };
}

function epsilonOf(call: Call): number {
  const epsilon = call.float('epsilon', 1e-5);
  demand(epsilon > 0, 'an epsilon');
  return epsilon;
}

function lastAxes(call: Call, centred: boolean): Value {
  const x = call.cells(0);
  const first = axisOf(call.integer('axis', -1), x.shape.length);
  const axes = [...x.shape.keys()].filter((axis) => axis >= first);
  const epsilon = epsilonOf(call);
  const y = alongAxes(x, axes, (cells) => standardised(call.builder, cells, { centred, epsilon }));
  const scale = expanded(call.constant(1), x.shape).items;
  const shift = call.values[2] ? expanded(call.constant(2), x.shape).items : undefined;
  return { ...y, items: y.items.map((cell, k) => affine(call, cell, scale[k]!, shift?.[k] ?? 0)) };
}

/** Means, and reciprocals of deviations, of what is normalised. */
function statistics(call: Call): readonly Value[] {
  const x = call.cells(0);
  const first = axisOf(call.integer('axis', -1), x.shape.length);
  const epsilon = epsilonOf(call);
  const size = product(x.shape.slice(first));
  const shape = x.shape.map((side, axis) => (axis < first ? side : 1));
  const own = Array.from({ length: product(shape) }, (_, g) => x.items.slice(g * size, (g + 1) * size));
  const means = own.map((cells) => meanOf(call.builder, cells));
  const inverses = own.map((cells, g) => {
    const off = cells.map((cell) => difference(call.builder, cell, means[g]!));
    const squares = off.map((cell) => call.builder.product(cell, cell));
    return call.builder.function(meanOf(call.builder, squares), f.overRootOf(epsilon));
  });
  return [means, inverses].map((items) => ({ type: 'cell', shape, items }));
}

function affine(call: Call, cell: number, scale: number, shift: number): number {
  return call.builder.linear([cell], [Exact.of(scale)], Exact.of(shift));
}

/** Over all positions of groups of channels. */
function channelGroups(call: Call, count: number, perChannel: boolean): Value {
  const x = call.cells(0);
  const [batch, channels, ...sides] = x.shape as [number, number, ...number[]];
  demand(sides.length > 0 && channels % count === 0, 'groups of channels');
  const area = (channels / count) * product(sides);
  const epsilon = epsilonOf(call);
  const items: number[] = [];
  for (let g = 0; g < batch * count; g++) {
    const own = x.items.slice(g * area, (g + 1) * area);
    items.push(...standardised(call.builder, own, { centred: true, epsilon }));
  }
  const [scale, shift] = [call.constant(1).items, call.constant(2).items];
  return {
    ...x,
    items: items.map((cell, k) => {
      const channel = Math.floor(k / product(sides)) % channels;
      const at = perChannel ? channel : Math.floor(channel / (channels / count));
      return affine(call, cell, scale[at]!, shift[at]!);
    }),
  };
}

function localResponse(call: Call): Value {
  const x = call.cells(0);
  const size = call.integer('size', 1);
  const [alpha, beta, bias] = [call.float('alpha', 1e-4), call.float('beta', 0.75), call.float('bias', 1)];
  const { builder } = call;
  return alongAxes(x, [1], (cells) => {
    const squares = cells.map((cell) => builder.product(cell, cell));
    return cells.map((cell, c) => {
      const near = squares.slice(
        Math.max(0, c - Math.floor((size - 1) / 2)),
        c + Math.ceil((size - 1) / 2) + 1,
      );
      const sum = sumOf(builder, near, Exact.of(alpha).over(Exact.of(size)));
      return builder.product(cell, builder.function(sum, f.fallingPower(bias, beta)));
    });
  });
}
