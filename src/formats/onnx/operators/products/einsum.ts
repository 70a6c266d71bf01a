/** Products of a signal with a constant that sum over axes, by the names of axes: Einsum, and stacks of MatMul. */

import { exactSum, isExactProduct, multipliable } from '../../../../network/exact.ts';
import { OWN_FIELDS } from '../../../../network/lengths/follows.ts';
import { product, strides } from '../../../../network/size.ts';
import type { Call, Signal } from '../../call.ts';
import { type Constant, constantOf, walk } from '../../values/constant.ts';
import { isFloat } from '../../values/elementType.ts';
import type { Converter, Family } from '../converter.ts';
import { floatResult } from '../entries.ts';
import { picked } from '../moving/picked.ts';
import { contracted } from './contraction.ts';

export const einsum: Family = new Map<string, Converter>([
  ['Einsum', { constants: constantEinsum, signals: einsumSignal }],
]);

/** Names of the axes of operands and of the result. */
interface Equation {
  readonly operands: readonly (readonly string[])[];
  readonly result: readonly string[];
}

/** Axes that an ellipsis stands for are called `…0`, `…1` from the right. */
function equationOf(call: Call, ranks: readonly number[]): Equation {
  const text = (
    call.attributes.text('equation', '') || call.malformed('equation must be given', 'none')
  ).replace(/\s/g, '');
  const [left, right, ...more] = text.split('->');
  const wellFormed = (term: string) => /^[A-Za-z]*(\.\.\.[A-Za-z]*)?$/.test(term);
  const terms = left!.split(',');
  const fine =
    more.length === 0 && [...terms, right ?? ''].every(wellFormed) && terms.length === ranks.length;
  call.demand(fine, `equation must name the axes of ${ranks.length} operands`, text);
  const operands = terms.map((term, k) => {
    const open = term.includes('...');
    const count = ranks[k]! - term.replace('...', '').length;
    call.demand(open ? count >= 0 : count === 0, `equation must name ${ranks[k]} axes of operand ${k}`, term);
    return expandedTerm(term, count);
  });
  const all = operands.flat();
  const ellipsis = [...new Set(all.filter((name) => name.startsWith('…')))].sort(
    (a, b) => Number(b.slice(1)) - Number(a.slice(1)),
  );
  const once = [...new Set(all)].filter(
    (name) => !name.startsWith('…') && all.filter((n) => n === name).length === 1,
  );
  const result = right === undefined ? [...ellipsis, ...once.sort()] : expandedTerm(right, ellipsis.length);
  const known = result.every((name, k) => all.includes(name) && result.indexOf(name) === k);
  call.demand(known, 'the result must have axes of the operands, each once', text);
  return { operands, result };
}

function expandedTerm(term: string, count: number): string[] {
  const [before, after] = term.split('...');
  if (after === undefined) return [...term];
  return [...before!, ...Array.from({ length: count }, (_, k) => `…${count - 1 - k}`), ...after];
}

/** The sides of all names; of which some may be 1 where others are more. */
function sidesOf(
  call: Call,
  { operands }: Equation,
  shapes: readonly (readonly number[])[],
): Map<string, number> {
  const sides = new Map<string, number>();
  for (const [k, names] of operands.entries()) {
    for (const [axis, name] of names.entries()) {
      const [side, known] = [shapes[k]![axis]!, sides.get(name) ?? 1];
      call.demand(side === known || side === 1 || known === 1, `axis ${name} must have one side`, [
        side,
        known,
      ]);
      sides.set(name, Math.max(side, known));
    }
  }
  return sides;
}

/** Where an operand's entries stand, as steps along names; 0 along those that it does not have or has once. */
function stepsOf(names: readonly string[], shape: readonly number[], along: readonly string[]): number[] {
  const own = strides(shape);
  return along.map((name) =>
    names.reduce((sum, other, axis) => (other === name && shape[axis] !== 1 ? sum + own[axis]! : sum), 0),
  );
}

function constantEinsum(call: Call): Constant {
  const constants = call.inputs.map((_, k) => call.numbers(k));
  const shapes = constants.map(({ shape }) => shape);
  const equation = equationOf(
    call,
    shapes.map(({ length }) => length),
  );
  const sides = sidesOf(call, equation, shapes);
  const { type } = constants[0]!;
  if (!isFloat(type)) call.refuse(`of ${type}`, 'it is computed of floats');
  const inner = [...sides.keys()].filter((name) => !equation.result.includes(name));
  const size = (names: readonly string[]) => names.map((name) => sides.get(name)!);
  const shape = size(equation.result);
  const work = product(shape) * product(size(inner)) * constants.length;
  call.scope.budget.work(call.node.name, work);
  call.scope.budget.allocate(call.node.name, constants.length * (product(shape) + product(size(inner))));
  const outer = constants.map(({ shape: own }, k) =>
    walk(shape, stepsOf(equation.operands[k]!, own, equation.result)),
  );
  const within = constants.map(({ shape: own }, k) =>
    walk(size(inner), stepsOf(equation.operands[k]!, own, inner)),
  );
  const result = floatResult(call, type);
  const data = new Float64Array(product(shape)).map((_, n) => {
    let sum = 0;
    for (let m = 0; m < within[0]!.length; m++) {
      let term = 1;
      for (const [k, { data: own }] of constants.entries()) term *= own[outer[k]![n]! + within[k]![m]!]!;
      sum += term;
    }
    return result(sum);
  });
  return constantOf(type, shape, data);
}

function einsumSignal(call: Call): Signal {
  const values = call.inputs.map((_, k) => call.value(k));
  const equation = equationOf(
    call,
    values.map((value) => call.dims(value).length),
  );
  const at = values.findIndex(({ kind }) => kind === 'signal');
  if (values.filter(({ kind }) => kind === 'signal').length > 1) {
    return call.refuse('data by data', 'no global bound exists for products of data by data');
  }
  const x = values[at] as Signal;
  const { constant, names } = joinedConstants(
    call,
    equation,
    [...values.keys()].filter((k) => k !== at),
  );
  return multiplied(call, x, equation.operands[at]!, constant, names, equation.result);
}

/** The given operands as one, of all axes that they have. */
function joinedConstants(
  call: Call,
  { operands, result }: Equation,
  which: readonly number[],
): { readonly constant: Constant | undefined; readonly names: readonly string[] } {
  const constants = which.map((k) => call.numbers(k));
  const own = which.map((k) => operands[k]!);
  if (constants.length < 2) return { constant: constants[0], names: own[0] ?? [] };
  const shapes = constants.map(({ shape }) => shape);
  const sides = sidesOf(call, { operands: own, result }, shapes);
  const names = [...sides.keys()];
  const shape = [...sides.values()];
  call.scope.budget.allocate(call.node.name, (constants.length + 1) * product(shape));
  const sources = shapes.map((from, k) => walk(shape, stepsOf(own[k]!, from, names)));
  const data = new Float64Array(product(shape)).map((_, n) =>
    constants.reduce((term, { data: values }, k) => {
      const value = values[sources[k]![n]!]!;
      // Sums over axes that only constants have may cancel.
      if (!multipliable([term], [value]) || !isExactProduct(term, value))
        call.refuse('of constants whose product is rounded', 'multiply them in a node of their own');
      return term * value;
    }, 1),
  );
  return { constant: constantOf('double', shape, data), names };
}

/**
 * Σ x · c over the names that the result does not have.
 * @param names of the axes of x, the batch counted
 * @param constant absent: 1
 */
export function multiplied(
  call: Call,
  x: Signal,
  names: readonly string[],
  constant: Constant | undefined,
  constantNames: readonly string[],
  result: readonly string[],
): Signal {
  if (x.batched) {
    const [batch, ...sample] = names;
    const stays = result[0] === batch && !sample.includes(batch!) && !constantNames.includes(batch!);
    if (!stays)
      return call.settled(multiplied(call, call.unbatched(x), names, constant, constantNames, result));
    return inSample(call, x, sample, constant, constantNames, result.slice(1));
  }
  return call.settled(inSample(call, x, names, constant, constantNames, result));
}

function inSample(
  call: Call,
  given: Signal,
  givenNames: readonly string[],
  constant: Constant | undefined,
  constantNames: readonly string[],
  result: readonly string[],
): Signal {
  const [x, names] = withoutRepeats(call, given, givenNames);
  const equation = { operands: [names, constantNames], result };
  const own = constant?.shape ?? [];
  const sides = sidesOf(call, equation, [x.shape, own]);
  // An axis of a single entry beside a longer one is as if it were not there.
  const has = (list: readonly string[], shape: readonly number[]) => (name: string) =>
    list.some((other, axis) => other === name && (shape[axis] !== 1 || sides.get(name) === 1));
  const [inX, inC] = [has(names, x.shape), has(constantNames, own)];
  const all = [...sides.keys()];
  const kept = (name: string) => result.includes(name);
  const groups = all.filter((name) => kept(name) && inX(name) && inC(name));
  const free = all.filter((name) => kept(name) && inX(name) && !inC(name));
  const made = all.filter((name) => kept(name) && !inX(name));
  const summed = all.filter((name) => !kept(name) && inX(name));
  const lost = all.filter((name) => !kept(name) && !inX(name));
  const size = (list: readonly string[]) => product(list.map((name) => sides.get(name)!));
  const [g, k, f, n] = [groups, summed, free, made].map(size) as [number, number, number, number];

  // The matrix of every group, [g, n, k].
  call.scope.budget.allocate(call.node.name, 3 * g * n * k + size(lost));
  call.scope.budget.work(call.node.name, g * n * k * size(lost));
  const along = [...groups, ...made, ...summed];
  const shape = along.map((name) => sides.get(name)!);
  const from = walk(shape, stepsOf(constantNames, own, along));
  const within = walk(
    lost.map((name) => sides.get(name)!),
    stepsOf(constantNames, own, lost),
  );
  // Sums may cancel: they are rounded only in the end.
  let roundings = 0;
  const weight = Float64Array.from(from, (start) => {
    if (within.length === 1) return constant ? constant.data[start + within[0]!]! : 1;
    const sum = exactSum(Array.from(within, (offset) => (constant ? constant.data[start + offset]! : 1)));
    if (!sum.exact) roundings = 2;
    return sum.value;
  });

  const axisOf = (name: string) => names.indexOf(name);
  const single = [...x.shape.keys()].filter(
    (axis) => ![...groups, ...summed, ...free].includes(names[axis]!),
  );
  const order = [...groups, ...summed, ...free].map(axisOf);
  const columns = call.permuted(x, [...order, ...single], [g * k, f]);
  const products =
    g === 1
      ? contracted(call, columns, 0, {
          ...constantOf('double', [n, k], weight),
          ...(roundings && { roundings }),
        })
      : grouped(call, columns, weight, g, n, k, roundings);
  const plain = products.batched === x.batched ? products : call.unbatched(products);
  const parts = [...groups, ...made, ...free];
  const unfolded = call.view(
    plain,
    parts.map((name) => sides.get(name)!),
  );
  return call.permuted(
    unfolded,
    result.map((name) => parts.indexOf(name)),
  );
}

/** One matrix per group: a convolution of single taps. */
function grouped(
  call: Call,
  x: Signal,
  weight: Float64Array,
  groups: number,
  rows: number,
  columns: number,
  roundings: number,
): Signal {
  return call.emit(
    {
      ...{ kind: 'convolution', outputs: groups * rows, inputs: groups * columns, groups, weight },
      ...{ kernel: [1], stride: [1], dilation: [1], padding: { mode: 'zero', before: [0], after: [0] } },
      ...(roundings > 0 && { roundings }),
    },
    [x],
    OWN_FIELDS,
  );
}

/** The signal on the diagonal of axes of one name. */
function withoutRepeats(call: Call, x: Signal, names: readonly string[]): [Signal, readonly string[]] {
  const distinct = [...new Set(names)];
  if (distinct.length === names.length) return [x, names];
  const shape = distinct.map((name) => x.shape[names.indexOf(name)]!);
  for (const [axis, name] of names.entries()) {
    const side = shape[distinct.indexOf(name)]!;
    call.demand(x.shape[axis] === side, `axis ${name} must have one side`, x.shape);
  }
  return [picked(call, x, walk(shape, stepsOf(names, x.shape, distinct)), shape, 'diagonal'), distinct];
}
