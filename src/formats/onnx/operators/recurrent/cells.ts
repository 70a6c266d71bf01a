/** One step of each recurrent layer, as ONNX defines it. */

import { exactSum, isExactProduct, multipliable } from '../../../../network/exact.ts';
import { largestModulus } from '../../../../network/extremes.ts';
import { OWN_FIELDS } from '../../../../network/lengths/follows.ts';
import type { Call, Signal } from '../../call.ts';
import { applyElementwise } from '../../elementwise/reading.ts';
import type { Constant } from '../../values/constant.ts';
import { added, scaledBy } from '../arithmetic.ts';
import { shifted } from '../moving/picked.ts';
import { boundedProduct } from '../products/bounded.ts';
import { contracted } from '../products/contraction.ts';
import type { Direction } from './direction.ts';
import type { State } from './sequence.ts';

/** f(W x + R h + b) */
export function plainStep(call: Call, direction: Direction, x: Signal, [h]: readonly State[]): Signal[] {
  const driven = drivenBy(call, direction, 0, x, h);
  return [applyElementwise(call, direction.functions[0]!, driven)];
}

/** Gates in the order i, o, f, and the candidate: c ← f c + i g, h ← o tanh(c). */
export function longStep(call: Call, direction: Direction, x: Signal, [h, c]: readonly State[]): Signal[] {
  const [gate, candidate, last] = direction.functions;
  const [ofInput, ofOutput, ofForget] = direction.peepholes ?? [];
  const opened = (block: number, weights: Float64Array | undefined, cell: State) => {
    const driven = drivenBy(call, direction, block, x, h);
    return applyElementwise(call, gate!, weights ? sum(call, driven, weighed(call, weights, cell)) : driven);
  };
  const input = opened(0, ofInput, c);
  const forget = opened(2, ofForget, c);
  const fresh = times(call, input, applyElementwise(call, candidate!, drivenBy(call, direction, 3, x, h)));
  const cell = sum(call, fresh as Signal, times(call, forget, c));
  const output = opened(1, ofOutput, cell);
  return [times(call, output, applyElementwise(call, last!, cell)) as Signal, cell];
}

/** Gates z and r: h ← (1 − z) n + z h, n = g(W x + R (r h)) or g(W x + r (R h)). */
export function gatedStep(call: Call, direction: Direction, x: Signal, [h]: readonly State[]): Signal[] {
  const [gate, candidate] = direction.functions;
  const update = drivenBy(call, direction, 0, x, h);
  const reset = applyElementwise(call, gate!, drivenBy(call, direction, 1, x, h));
  const own = imageOf(call, x, direction.input[2]!, direction.inputBias[2]) as Signal;
  const remembered = call.attributes.flag('linear_before_reset')
    ? times(call, reset, imageOf(call, h, direction.state[2]!, direction.stateBias[2]))
    : imageOf(call, times(call, reset, h), direction.state[2]!, direction.stateBias[2]);
  const fresh = applyElementwise(call, candidate!, sum(call, own, remembered));
  const kept = applyElementwise(call, gate!, update);
  // 1 − σ(a) = σ(−a), whose steepness is known.
  const rest =
    gate!.name === 'sigmoid'
      ? applyElementwise(call, gate!, scaledBy(call, update, -1))
      : call.emitSame(
          { kind: 'scale', scale: Float64Array.of(-1), shift: Float64Array.of(1) },
          kept,
          OWN_FIELDS,
          'rest',
        );
  const next = sum(call, times(call, rest, fresh) as Signal, times(call, kept, h));
  const { builder } = call.scope;
  // A mean of both by weights between 0 and 1 is no larger than they are.
  if (gate!.name === 'sigmoid') {
    const before =
      h === undefined ? 0 : h instanceof Float64Array ? largestModulus(h) : builder.magnitude(h.id).most;
    builder.limit(next.id, Math.max(builder.magnitude(fresh.id).most, before));
  }
  return [next];
}

/** W x + R h + both biases, of one block. */
function drivenBy(call: Call, direction: Direction, block: number, x: Signal, h: State): Signal {
  const own = imageOf(call, x, direction.input[block]!, direction.inputBias[block]) as Signal;
  return sum(call, own, imageOf(call, h, direction.state[block]!, direction.stateBias[block]));
}

/** A x + b, [rows] or [rows, batch]. */
function imageOf(call: Call, x: State, matrix: Constant, bias: Float64Array | undefined): State {
  const [rows, columns] = matrix.shape as [number, number];
  if (x === undefined) return bias;
  if (!(x instanceof Float64Array)) return beside(call, x, contracted(call, x, 0, matrix, bias));
  const batch = x.length / columns;
  call.scope.budget.work(call.node.name, rows * x.length);
  return Float64Array.from({ length: rows * batch }, (_, n) => {
    const [row, i] = [Math.floor(n / batch), n % batch];
    const terms = Array.from({ length: columns }, (_, k) =>
      productOf(call, matrix.data[row * columns + k]!, x[k * batch + i]!),
    );
    // As if it were rounded in the end alone: terms may cancel.
    return exactSum([bias?.[row] ?? 0, ...terms]).value;
  });
}

/** What sums and products of known numbers may be off by, in relative errors of 2^−53. */
const ROUNDINGS = 2;

/** A product of known numbers that will be added up: without an error, which what follows could make large. */
function productOf(call: Call, a: number, b: number): number {
  if (!multipliable([a], [b]) || !isExactProduct(a, b))
    call.refuse(
      `an initial state of ${b}`,
      'its products with weights are rounded, or leave the range of float64',
    );
  return a * b;
}

/** With the axes of steps: a batch in front stays there, and no other axis becomes one. */
function beside(call: Call, step: Signal, made: Signal): Signal {
  return step.batched ? made : call.unbatched(made);
}

/** Known numbers are one for each entry, or one for each feature. */
function sum(call: Call, x: Signal, y: State): Signal {
  if (y === undefined) return x;
  if (!(y instanceof Float64Array)) return beside(call, x, added(call, [x, y], [1, 1]));
  return shifted(call, x, y, ROUNDINGS);
}

/** gate · state, entry by entry. */
function times(call: Call, gate: Signal, y: State): State {
  if (y === undefined) return undefined;
  if (y instanceof Float64Array)
    return call.emitSame(
      { kind: 'scale', scale: y, roundings: ROUNDINGS },
      gate,
      OWN_FIELDS,
      'of what is known',
    );
  return beside(call, gate, boundedProduct(call, gate, y));
}

/** The state with a weight for every feature. */
function weighed(call: Call, weights: Float64Array, y: State): State {
  if (y === undefined) return undefined;
  const batch = y instanceof Float64Array ? y.length / weights.length : 1;
  if (y instanceof Float64Array)
    return y.map((value, n) => productOf(call, weights[Math.floor(n / batch)]!, value));
  return call.emitSame({ kind: 'scale', scale: weights }, y, OWN_FIELDS, 'peepholes');
}
