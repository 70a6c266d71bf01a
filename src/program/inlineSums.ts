/** Sums and concatenations joined with what they add up: fewer, larger steps with the same increments. */

import { multipliable } from '../network/exact.ts';
import { mapped, type Numbers } from '../network/numbers.ts';
import { product } from '../network/size.ts';
import {
  consumersOf,
  dropUnused,
  type LinearMap,
  type Term,
  type Variable,
  type VariableGraph,
} from './variables.ts';

/**
 * A sum or concatenation takes over the terms of a linear variable that only it reads: `x + conv(a)` is one step from
 * (x, a), not two. Then variables that nothing needs are dropped. What a product of weights could make vanish or overflow stays.
 * @param options.unscaled maps that would have to be multiplied stay as well
 */
export function inlineSums(
  graph: VariableGraph,
  { unscaled = false }: { readonly unscaled?: boolean | undefined } = {},
): VariableGraph {
  const consumers = consumersOf(graph.variables);
  for (const variable of graph.variables) {
    if (variable.origin.kind !== 'linear') continue;
    const uses = new Map<Variable, number>();
    for (const { source } of variable.origin.terms) uses.set(source, (uses.get(source) ?? 0) + 1);
    const terms = variable.origin.terms.flatMap((term) => {
      const inner = term.source.origin;
      const single = consumers.get(term.source)!.length === 1 && term.source !== graph.output;
      const repeated = uses.get(term.source)! > 1;
      if (term.map.kind !== 'identity' || inner.kind !== 'linear' || !single || repeated) return [term];
      // Of what is sorted more is known than of its parts.
      if (inner.sorted) return [term];
      const scale = term.map.scale;
      // Of large layers the extremes take a while.
      const plain = scale.length === 1 && scale[0] === 1;
      if (!plain && unscaled) return [term];
      if (!plain && !inner.terms.every((t) => multipliable(extremesOf(t.map), scale))) return [term];
      return inner.terms.map(
        (t): Term => ({
          ...t,
          map: scaledRows(t.map, scale, t.row, t.channels, t.source.window),
          row: term.row + t.row,
        }),
      );
    });
    variable.origin = { ...variable.origin, terms };
  }
  return dropUnused(graph);
}

/** The least and the largest of a map's weights, in modulus, zeros aside. */
function extremesOf(map: LinearMap): ArrayLike<number> {
  switch (map.kind) {
    case 'identity':
      return map.scale;
    case 'convolution':
    case 'transposed': {
      let [low, high] = [Infinity, 0];
      for (let t = 0; t < product(map.kernel.sides); t++) {
        map.kernel.entries(t, (_o, _i, value) => {
          if (value !== 0) low = Math.min(low, Math.abs(value));
          high = Math.max(high, Math.abs(value));
        });
      }
      return high === 0 ? [] : [low, high];
    }
    case 'read':
      return map.weight;
    case 'pick':
      return map.scale;
    case 'total':
      return [map.value];
    default:
      return map satisfies never;
  }
}

/** diag(scale) · map; `scale` speaks of the rows of the sum, of which this map's begin at `row`. */
function scaledRows(
  map: LinearMap,
  scale: Float64Array,
  row: number,
  channels: number,
  window: readonly number[],
): LinearMap {
  const one = scale.length === 1;
  if (one && scale[0] === 1) return map;
  const own = one ? scale : scale.subarray(row, row + channels);
  const at = (channel: number) => own[one ? 0 : channel]!;
  switch (map.kind) {
    case 'identity': {
      const length = Math.max(own.length, map.scale.length);
      return {
        kind: 'identity',
        scale: Float64Array.from({ length }, (_, c) => at(c) * map.scale[map.scale.length === 1 ? 0 : c]!),
      };
    }
    case 'convolution':
    case 'transposed': {
      const inner = map.kernel;
      const kernel = {
        sides: inner.sides,
        entries: (t: number, put: (o: number, i: number, value: number) => void) =>
          inner.entries(t, (o, i, value) => put(o, i, at(o) * value)),
      };
      if (map.kind === 'transposed') return { ...map, kernel };
      const { box, ...rest } = map;
      return box !== undefined && one ? { ...rest, kernel, box: box * at(0) } : { ...rest, kernel };
    }
    case 'read': {
      const columns = map.weight.length / channels;
      const scaled = (values: Numbers) => mapped(values, (w, k) => w * at(Math.floor(k / columns)));
      const magnitude = map.magnitude && scaled(map.magnitude).map(Math.abs);
      return { kind: 'read', weight: scaled(map.weight), ...(magnitude && { magnitude }) };
    }
    case 'pick': {
      const length = Math.max(own.length, map.scale.length);
      return {
        ...map,
        scale: Float64Array.from({ length }, (_, r) => at(r) * map.scale[map.scale.length === 1 ? 0 : r]!),
      };
    }
    case 'total': {
      if (one) return { kind: 'total', value: map.value * at(0) };
      const size = window.reduce((p, n) => p * n, 1);
      const weight = new Float64Array(channels * channels * size);
      for (let c = 0; c < channels; c++) {
        weight.fill(map.value * at(c), (c * channels + c) * size, (c * channels + c + 1) * size);
      }
      return { kind: 'read', weight };
    }
    default:
      return map satisfies never;
  }
}
