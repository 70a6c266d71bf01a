/** Operators that say where entries of constants stand, or put some there. */
import { product, strides } from '../../../network/size.ts';
import type { Call } from '../call.ts';
import { type Constant, constantOf, walk } from '../values/constant.ts';
import type { Converter, Family } from './converter.ts';

export const places: Family = new Map<string, Converter>([
  ['ArgMax', { constants: (call) => extremePlace(call, (a, b) => a > b) }],
  ['ArgMin', { constants: (call) => extremePlace(call, (a, b) => a < b) }],
  ['OneHot', { constants: oneHot }],
]);

/** Where along an axis the entry is that is before all others; of equal ones the first, or the last. */
function extremePlace(call: Call, before: (a: number, b: number) => boolean): Constant {
  const x = call.numbers(0);
  const { attributes } = call;
  const axis = call.axis(attributes.integer('axis', 0), x.shape.length);
  const side = x.shape[axis]!;
  call.demand(side > 0, 'there must be something to choose from', x.shape);
  const last = attributes.flag('select_last_index');
  const kept = x.shape.with(axis, 1);
  call.scope.budget.allocate(call.node.name, 2 * product(kept));
  const step = strides(x.shape)[axis]!;
  const data = walk(kept, strides(x.shape)).map((start) => {
    let place = 0;
    for (let k = 1; k < side; k++) {
      const [value, best] = [x.data[start + k * step]!, x.data[start + place * step]!];
      if (before(value, best) || (last && value === best)) place = k;
    }
    return place;
  });
  return constantOf('int64', attributes.flag('keepdims', true) ? kept : x.shape.toSpliced(axis, 1), data);
}

/** values[1] at each index along a new axis of `depth` entries, values[0] elsewhere; all of it beyond the axis. */
function oneHot(call: Call): Constant {
  const [indices, values] = [call.numbers(0), call.numbers(2)];
  const depth = call.scalar(1) ?? call.malformed('depth must be given', 'none');
  call.demand(Number.isSafeInteger(depth) && depth >= 1, 'depth must be positive', depth);
  call.demand(values.data.length === 2, 'values must be two', values.shape);
  call.demand(indices.data.every(Number.isInteger), 'indices must be integers', indices.type);
  const rank = indices.shape.length + 1;
  const axis = call.axis(call.attributes.integer('axis', -1), rank);
  const shape = indices.shape.toSpliced(axis, 0, depth);
  call.scope.budget.allocate(call.node.name, product(shape));
  const inner = product(indices.shape.slice(axis));
  const data = new Float64Array(product(shape)).map((_, n) => {
    const index = indices.data[Math.floor(n / (inner * depth)) * inner + (n % inner)]!;
    const place = index < 0 ? index + depth : index;
    return values.data[Math.floor(n / inner) % depth === place ? 1 : 0]!;
  });
  return constantOf(values.type, shape, data);
}
