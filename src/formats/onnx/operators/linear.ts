/** Matrix products with a constant: MatMul and Gemm. */

import { isExactProduct, multipliable } from '../../../network/exact.ts';
import { mapped } from '../../../network/numbers.ts';
import { madeOf } from '../../../network/weights/origin.ts';
import type { Call, Signal } from '../call.ts';
import { type Constant, constantOf, reshaped, transposed } from '../values/constant.ts';
import { isFloat } from '../values/elementType.ts';
import { added, scaledAndShifted, scaledBy } from './arithmetic.ts';
import type { Converter, Family } from './converter.ts';
import { floatResult, operate, PRODUCT, SUM } from './entries.ts';
import { contracted, type Weights } from './products/contraction.ts';
import { multiplied } from './products/einsum.ts';

export const linear: Family = new Map<string, Converter>([
  ['MatMul', { constants: constantProduct, signals: matMul }],
  ['Gemm', { constants: constantGemm, signals: gemm }],
]);

// ---- constants --------------------------------------------------------------------------------

function constantProduct(call: Call): Constant {
  return matrixProduct(call, call.numbers(0), call.numbers(1), 1);
}

/**
 * `factor` times NumPy's matmul for operands of one or two axes. Floats are rounded once, at the end: the order in which
 * runtimes add them is left open.
 */
function matrixProduct(call: Call, a: Constant, b: Constant, factor: number): Constant {
  const [rankA, rankB] = [a.shape.length, b.shape.length];
  call.demand(rankA >= 1 && rankB >= 1, 'operands must have an axis', [rankA, rankB]);
  if (rankA > 2 || rankB > 2) call.refuse('stacks of matrices', 'constants of up to two axes are multiplied');
  const rows = rankA === 2 ? a.shape[0]! : 1;
  const inner = a.shape[rankA - 1]!;
  const columns = rankB === 2 ? b.shape[1]! : 1;
  call.demand(b.shape[0] === inner, `the second operand must have ${inner} rows`, b.shape);
  call.scope.budget.allocate(call.node.name, rows * columns);
  call.scope.budget.work(call.node.name, rows * inner * columns);
  const floats = isFloat(a.type);
  if (!floats && factor !== 1) call.refuse(`alpha = ${factor} of integers`, 'alpha must be 1');
  const [times, plus] = [PRODUCT, SUM].map((operation) =>
    floats ? operation.near : operate(call, a.type, operation),
  ) as [typeof PRODUCT.near, typeof SUM.near];
  const data = new Float64Array(rows * columns);
  for (let i = 0; i < rows; i++) {
    for (let k = 0; k < inner; k++) {
      const left = a.data[i * inner + k]!;
      for (let j = 0; j < columns; j++) {
        const at = i * columns + j;
        data[at] = plus(data[at]!, times(left, b.data[k * columns + j]!));
      }
    }
  }
  const shape = [...(rankA === 2 ? [rows] : []), ...(rankB === 2 ? [columns] : [])];
  if (!floats) return constantOf(a.type, shape, data);
  const result = floatResult(call, a.type);
  return constantOf(
    a.type,
    shape,
    data.map((value) => result(factor * value)),
  );
}

function constantGemm(call: Call): Constant {
  const { attributes } = call;
  const operand = (index: number, flag: string) => {
    const matrix = call.numbers(index);
    call.demand(matrix.shape.length === 2, `input ${index} must be a matrix`, matrix.shape);
    return attributes.flag(flag) ? transposedMatrix(call, matrix) : matrix;
  };
  if (call.inputs[2]) {
    call.refuse('of constants with a third input', 'a product of two constants is supported');
  }
  const [a, b] = [operand(0, 'transA'), operand(1, 'transB')];
  return matrixProduct(call, a, b, attributes.float('alpha', 1));
}

function transposedMatrix(call: Call, matrix: Constant): Constant {
  call.scope.budget.allocate(call.node.name, 2 * matrix.data.length);
  return transposed(matrix, [1, 0]);
}

// ---- signals ----------------------------------------------------------------------------------

function matMul(call: Call): Signal {
  const [a, b] = [call.value(0), call.value(1)];
  if (a.kind === 'signal') {
    const matrix = matrixOf(call, 1);
    return matrix ? rightProduct(call, a, matrix) : stackProduct(call, a, call.numbers(1), false);
  }
  const matrix = matrixOf(call, 0);
  return matrix
    ? leftProduct(call, matrix, b as Signal)
    : stackProduct(call, b as Signal, call.numbers(0), true);
}

/** A constant operand of one or two axes; more only if they are 1, and no more than the other has. Undefined: a stack of matrices. */
function matrixOf(call: Call, index: number): Constant | undefined {
  const constant = call.numbers(index);
  const stacked = constant.shape.slice(0, -2);
  call.demand(constant.shape.length >= 1, `input ${index} must have an axis`, constant.shape);
  const longer = constant.shape.length > call.dims(call.value(1 - index)).length;
  if (stacked.some((side) => side !== 1) || (stacked.length > 0 && longer)) return undefined;
  return reshaped(constant, constant.shape.slice(-2));
}

/** x · W or W · x, W [..., K, N]: matrices that stand at the same place of both stacks are multiplied. */
function stackProduct(call: Call, x: Signal, stack: Constant, left: boolean): Signal {
  const rank = call.dims(x).length;
  if (rank === 0) return call.malformed('operands must have an axis', 'none');
  const places = (count: number) =>
    Array.from({ length: Math.max(0, count) }, (_, k) => `place ${count - 1 - k}`);
  const own = places(stack.shape.length - 2);
  const beside = places(rank - 2);
  const vector = rank === 1;
  const names = vector ? ['inner'] : left ? [...beside, 'inner', 'x'] : [...beside, 'x', 'inner'];
  const all = own.length > beside.length ? own : beside;
  const outer = left ? ['w', ...(vector ? [] : ['x'])] : [...(vector ? [] : ['x']), 'w'];
  const stackNames = left ? [...own, 'w', 'inner'] : [...own, 'inner', 'w'];
  return multiplied(call, x, names, stack, stackNames, [...all, ...outer]);
}

/** x · W, W [K, N] or [K]. */
function rightProduct(call: Call, x: Signal, w: Constant): Signal {
  const axis = x.shape.length - 1;
  if (axis < 0) return call.settled(rightProduct(call, call.unbatched(x), w));
  if (w.shape.length === 2) return contracted(call, x, axis, transposedMatrix(call, w));
  const column = contracted(call, x, axis, reshaped(w, [1, w.shape[0]!]));
  return call.settled(call.view(column, x.shape.slice(0, -1)));
}

/** A · x, A [M, K] or [K]. */
function leftProduct(call: Call, a: Constant, x: Signal): Signal {
  const rank = call.dims(x).length;
  const axis = Math.max(rank - 2, 0) - (x.batched ? 1 : 0);
  if (axis < 0) return call.settled(leftProduct(call, a, call.unbatched(x)));
  if (a.shape.length === 2) return contracted(call, x, axis, a);
  const row = contracted(call, x, axis, reshaped(a, [1, a.shape[0]!]));
  return call.settled(call.view(row, row.shape.toSpliced(axis, 1)));
}

/** Y = α A' B' + β C; A or B is a constant. */
function gemm(call: Call): Signal {
  const [a, b] = [call.value(0), call.value(1)];
  for (const value of [a, b]) {
    const dims = call.dims(value);
    call.demand(dims.length === 2, 'operands must be matrices', dims);
  }
  const transA = call.attributes.flag('transA');
  const transB = call.attributes.flag('transB');
  if (a.kind === 'signal') {
    const weight = call.numbers(1);
    const x = transA ? flipped(call, a) : a;
    const w = transB ? weight : transposedMatrix(call, weight);
    const axis = x.shape.length - 1;
    const scaled = alphaTimes(call, w);
    if (!scaled) return plusC(call, scaledBy(call, contracted(call, x, axis, w), alphaOf(call), 'alpha'));
    const bias = featureBias(call, w.shape[0]!);
    const y = contracted(call, x, axis, scaled, bias);
    return bias ? y : plusC(call, y);
  }
  const weight = call.numbers(0);
  const plain = call.unbatched(b as Signal);
  const x = transB ? call.permuted(plain, [1, 0]) : plain;
  const w = transA ? transposedMatrix(call, weight) : weight;
  const scaled = alphaTimes(call, w);
  if (scaled) return plusC(call, contracted(call, x, 0, scaled));
  return plusC(call, scaledBy(call, contracted(call, x, 0, w), alphaOf(call), 'alpha'));
}

function flipped(call: Call, x: Signal): Signal {
  return call.settled(call.permuted(call.unbatched(x), [1, 0]));
}

const alphaOf = (call: Call) => call.attributes.float('alpha', 1);

/** α A; undefined where float64 may not hold it. */
function alphaTimes(call: Call, matrix: Constant): Weights | undefined {
  const alpha = alphaOf(call);
  if (alpha === 1) return matrix;
  if (!multipliable(matrix.data, [alpha])) return undefined;
  call.scope.budget.allocate(call.node.name, matrix.data.length);
  const exact = matrix.data.every((value) => isExactProduct(alpha, value));
  const data = mapped(matrix.data, (value) => alpha * value);
  const own = madeOf(data, matrix.data, (gradient) => gradient.map((value) => alpha * value));
  return { ...matrix, data: own, ...(!exact && { roundings: 1 }) };
}

/** C as the bias of a dense layer, if it is a constant that varies along the features alone. */
function featureBias(call: Call, features: number): Float64Array | undefined {
  const c = call.inputs[2];
  if (c?.kind !== 'constant' || c.batch) return undefined;
  const perFeature = c.data.length === features && c.shape.at(-1) === features && c.shape.length <= 2;
  if (!perFeature) return undefined;
  const beta = call.attributes.float('beta', 1);
  return mapped(c.data, (value) => beta * value);
}

function plusC(call: Call, y: Signal): Signal {
  const c = call.inputs[2];
  if (!c) return y;
  const beta = call.attributes.float('beta', 1);
  const [shape, own] = [call.dims(c), call.dims(y)];
  const fits = shape.length <= 2 && shape.every((side, k) => side === 1 || side === own.at(k - shape.length));
  call.demand(fits, `C must broadcast to [${own.join(', ')}]`, shape);
  if (c.kind === 'signal') return added(call, [y, c], [1, beta]);
  return scaledAndShifted(call, y, 1, c, beta);
}
