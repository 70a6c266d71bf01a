/** Operators that keep, turn round or put back entries by constants. */
import { product, strides } from '../../../../network/size.ts';
import type { Call, Signal, Value } from '../../call.ts';
import { constantOf } from '../../values/constant.ts';
import type { ElementType } from '../../values/elementType.ts';
import { elementType } from '../../values/tensors.ts';
import type { Converter, Family } from '../converter.ts';
import { selected } from '../selection.ts';
import { counted, picked } from './picked.ts';

export const indexed: Family = new Map<string, Converter>([
  ['Compress', { signals: compressed }],
  ['ReverseSequence', { signals: reversed }],
  ['MaxUnpool', { signals: unpooled }],
  ['EyeLike', { signals: identityLike }],
]);

/** The entries of an axis, or of all axes as one, where a mask holds; beyond its end it does not. */
function compressed(call: Call): Signal {
  const input = call.signal(0);
  const mask = call.numbers(1);
  call.demand(mask.shape.length === 1, 'the mask must be a vector', mask.shape);
  const kept = [...counted(mask.data.length)].filter((k) => mask.data[k] !== 0);
  const stated = call.attributes.integer('axis', undefined);
  const onnxAxis = stated === undefined ? undefined : call.axis(stated, call.dims(input).length);
  const x = input.batched && (onnxAxis ?? 0) === 0 ? call.unbatched(input) : input;
  const flat = onnxAxis === undefined ? call.view(x, [product(x.shape)]) : x;
  const axis = (onnxAxis ?? 0) - (flat.batched ? 1 : 0);
  const side = flat.shape[axis]!;
  call.demand(mask.data.length <= side, `the mask must have at most ${side} entries`, mask.shape);
  return selected(call, flat, axis, kept);
}

/** The first entries along one axis in reverse order, as many as each index of the other axis has. */
function reversed(call: Call): Signal {
  const x = call.unbatched(call.signal(0));
  const [batch, time] = [call.attributes.integer('batch_axis', 1), call.attributes.integer('time_axis', 0)];
  const fits = [batch, time].toSorted().join() === '0,1' && x.shape.length >= 2;
  call.demand(fits, 'batch_axis and time_axis must be 0 and 1', [batch, time]);
  const lengths = call.numbers(1);
  const most = x.shape[time]!;
  call.demand(
    lengths.shape.join() === `${x.shape[batch]}`,
    `lengths must be [${x.shape[batch]}]`,
    lengths.shape,
  );
  const steps = strides(x.shape);
  call.scope.budget.allocate(call.node.name, product(x.shape));
  const wrong = [...lengths.data].find((length) => !(length >= 1 && length <= most));
  call.demand(wrong === undefined, `lengths must lie in [1, ${most}]`, wrong ?? 0);
  const sources = counted(product(x.shape)).map((n) => {
    const at = Math.floor(n / steps[time]!) % most;
    const length = lengths.data[Math.floor(n / steps[batch]!) % x.shape[batch]!]!;
    return at < length ? n + (length - 1 - 2 * at) * steps[time]! : n;
  });
  return call.settled(picked(call, x, sources, x.shape));
}

/** Entries put back to where a max pool took them from, zeros elsewhere. */
function unpooled(call: Call): Signal {
  const image = call.image(0);
  const { attributes } = call;
  const x = call.unbatched(image);
  const sides = x.shape.slice(2);
  const list = (name: string, absent: number, count = sides.length) => {
    const given = attributes.integers(name) ?? new Array<number>(count).fill(absent);
    call.demand(
      given.length === count && given.every((n) => n >= 0),
      `${name} must be ${count} numbers`,
      given,
    );
    return given;
  };
  const [kernel, stride, pads] = [
    list('kernel_shape', 1),
    list('strides', 1),
    list('pads', 0, 2 * sides.length),
  ];
  const pooled = sides.map(
    (side, a) => (side - 1) * stride[a]! + kernel[a]! - pads[a]! - pads[a + sides.length]!,
  );
  const inner = [...x.shape.slice(0, 2), ...pooled];
  const shape = call.integers(2) ?? inner;
  const room =
    shape.length === inner.length &&
    shape.every((side, a) => (a < 2 ? side === inner[a] : side >= inner[a]!));
  call.demand(room, `the shape must hold [${inner.join(', ')}]`, shape);
  const indices = call.numbers(1);
  call.demand(
    indices.shape.join() === x.shape.join(),
    `indices must be [${x.shape.join(', ')}]`,
    indices.shape,
  );
  call.scope.budget.allocate(call.node.name, product(shape));
  const [own, steps] = [strides(inner), strides(shape)];
  const sources = new Int32Array(product(shape)).fill(-1);
  for (const [n, index] of indices.data.entries()) {
    call.demand(index >= 0 && index < product(inner), `indices must lie in [0, ${product(inner)})`, index);
    const to = inner.reduce((at, side, a) => at + (Math.floor(index / own[a]!) % side) * steps[a]!, 0);
    if (sources[to] !== -1) call.refuse('of one entry twice', 'which of two values stays is left open');
    sources[to] = n;
  }
  return call.settled(picked(call, x, sources, shape));
}

/** Ones on a diagonal, zeros beside it, whatever the input is: only its shape counts. */
function identityLike(call: Call): Value {
  const [rows, columns, ...more] = call.dims(call.value(0));
  call.demand(
    rows !== undefined && columns !== undefined && more.length === 0,
    'the input must be a matrix',
    more.length + 2,
  );
  if (rows === 'batch' || columns === 'batch') return call.refuse('of the batch', 'its size must be known');
  const k = call.attributes.integer('k', 0);
  const stated = call.attributes.integer('dtype', 0);
  const own = call.scope.types.get(call.node.inputs[0]!);
  const type: ElementType | undefined = stated === 0 ? own : elementType(stated);
  if (!type) return call.refuse(`to data type ${stated}`, 'this format of numbers is not read');
  call.scope.budget.allocate(call.node.name, rows! * columns!);
  const data = new Float64Array(rows! * columns!).map((_, n) =>
    (n % columns!) - Math.floor(n / columns!) === k ? 1 : 0,
  );
  return constantOf(type, [rows!, columns!], data);
}
