/** Rounding and choosing, which only numbers that do not depend on the input are put through. */
import type { Type } from '../model/description.ts';
import { isInteger, mapped, wrapped } from './arithmetic.ts';
import type { Call } from './call.ts';
import type { Operator } from './operator.ts';
import { axisOf, broadcast, demand, expanded, positions, stepsOf, type Value } from './values.ts';

export const choices: Readonly<Record<string, Operator>> = {
  Round: (call) => [mapped(call.constant(0), evened)],
  Sign: (call) => [mapped(call.constant(0), Math.sign)],
  Mod: (call) => {
    const truncates = call.integer('fmod', 0) === 1;
    demand(truncates || isInteger(call.constant(0).type), 'floats with fmod');
    // JavaScript's remainder has the sign of the dividend.
    return [paired(call, (a, b) => (truncates ? a % b : ((a % b) + b) % b))];
  },
  BitShift: (call) => {
    const direction = call.attribute('direction');
    const left = direction !== undefined && 's' in direction && direction.s === 'LEFT';
    const { type } = call.constant(0);
    return [paired(call, (a, b) => wrapped(type as Type, left ? a * 2 ** b : Math.floor(a / 2 ** b)))];
  },
  ArgMax: extreme(1),
  ArgMin: extreme(-1),
  OneHot: (call) => {
    const [indices, depth] = [call.constant(0), call.scalar(1)!];
    const [off, on] = call.constant(2).items as [number, number];
    const axis = axisOf(call.integer('axis', -1), indices.shape.length + 1);
    const shape = indices.shape.toSpliced(axis, 0, depth);
    const steps = stepsOf(indices.shape);
    const items = [...positions(shape)].map((position) => {
      const rest = position.toSpliced(axis, 1);
      const index = indices.items[rest.reduce((sum, i, a) => sum + i * steps[a]!, 0)]!;
      return (index < 0 ? index + depth : index) === position[axis] ? on : off;
    });
    return [{ type: call.constant(2).type, shape, items }];
  },
  QuantizeLinear: (call) => {
    const [x, scale, zero] = [call.constant(0), call.scalar(1)!, call.constant(2)];
    demand(zero.items.length === 1, 'one zero point');
    const [low, high] = zero.type === 'uint8' ? [0, 255] : [-128, 127];
    const whole = (value: number) => evened(value / scale) + zero.items[0]!;
    const items = x.items.map((value) => Math.min(high, Math.max(low, whole(value))));
    return [{ type: zero.type, shape: x.shape, items }];
  },
};

/** The nearest integer, of two the even one. */
function evened(x: number): number {
  const below = Math.floor(x);
  if (x - below !== 0.5) return Math.round(x);
  return below % 2 === 0 ? below : below + 1;
}

function paired(call: Call, f: (a: number, b: number) => number): Value {
  const [a, b] = [call.constant(0), call.constant(1)];
  const shape = broadcast(a.shape, b.shape);
  const other = expanded(b, shape).items;
  const own = expanded(a, shape);
  return { ...own, items: own.items.map((item, k) => f(item, other[k]!)) };
}

/** The place of the largest, or with sign −1 the smallest entry, the first or the last such. */
function extreme(sign: 1 | -1): Operator {
  return (call) => {
    const x = call.constant(0);
    const axis = axisOf(call.integer('axis', 0), x.shape.length);
    const [last, keep] = [call.integer('select_last_index', 0) === 1, call.integer('keepdims', 1) === 1];
    const steps = stepsOf(x.shape);
    const kept = x.shape.with(axis, 1);
    const items = [...positions(kept)].map((position) => {
      const from = position.reduce((sum, i, a) => sum + i * steps[a]!, 0);
      let best = 0;
      for (let k = 1; k < x.shape[axis]!; k++) {
        const lead = sign * (x.items[from + k * steps[axis]!]! - x.items[from + best * steps[axis]!]!);
        if (lead > 0 || (last && lead === 0)) best = k;
      }
      return best;
    });
    return [{ type: 'int64', shape: keep ? kept : x.shape.toSpliced(axis, 1), items }];
  };
}
