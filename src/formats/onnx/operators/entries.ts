/**
 * Computing entries of constants as ONNX defines it: floats are rounded to their format after each operation, integers
 * wrap around in two's complement. What ONNX leaves open is refused.
 */
import { mapped as mappedNumbers } from '../../../network/numbers.ts';
import type { Call } from '../call.ts';
import type { Constant } from '../values/constant.ts';
import { type ElementType, integerRange, isFloat, roundingTo, wrapped } from '../values/elementType.ts';

/** An operation on two entries whose result is an integer where its operands are. */
export interface Operation {
  /** In float64. Of integers below 2^53: exact wherever the result is below 2^53. */
  readonly near: (a: number, b: number) => number;
  readonly exact: (a: bigint, b: bigint) => bigint;
}

export const SUM: Operation = { near: (a, b) => a + b, exact: (a, b) => a + b };
export const DIFFERENCE: Operation = { near: (a, b) => a - b, exact: (a, b) => a - b };
export const PRODUCT: Operation = { near: (a, b) => a * b, exact: (a, b) => a * b };

/** The float64 result of an operation as a number of a float type. */
export function floatResult(call: Call, type: ElementType): (value: number) => number {
  const round = isFloat(type) ? roundingTo(type) : call.refuse(`of ${type}`, 'it is computed of floats');
  return (value) => {
    if (Number.isNaN(value)) call.refuse('giving NaN', 'constants must be numbers');
    return round(value);
  };
}

/** An integer result that must lie in its type. */
export function integerResult(call: Call, type: ElementType): (value: number) => number {
  const { least, greatest } = integerRange(type);
  return (value) => {
    if (!Number.isSafeInteger(value)) call.refuse(`giving ${value}`, 'integers are computed up to 2^53');
    if (value < least || value > greatest) {
      call.refuse(`giving ${value}`, `ONNX leaves open what becomes of it in ${type}`);
    }
    // No negative zero.
    return value + 0;
  };
}

/** The operation on entries of one type. */
export function operate(
  call: Call,
  type: ElementType,
  { near, exact }: Operation,
): (a: number, b: number) => number {
  if (isFloat(type)) {
    const result = floatResult(call, type);
    return (a, b) => result(near(a, b));
  }
  const { least, greatest } = integerRange(type);
  return (a, b) => {
    const value = near(a, b);
    if (Number.isSafeInteger(value) && value >= least && value <= greatest) return value + 0;
    return narrowed(call, type, exact(BigInt(a), BigInt(b)));
  };
}

/** An integer with the bits that its type does not have discarded. */
export function narrowed(call: Call, type: ElementType, value: bigint): number {
  const result = Number(wrapped(type, value));
  if (Number.isSafeInteger(result)) return result;
  return call.refuse(`giving ${wrapped(type, value)}`, 'integers are computed up to 2^53');
}

/** A function of floats. */
export function floatFunction(f: (x: number) => number): (call: Call) => Constant {
  return (call) => {
    const x = call.numbers(0);
    const result = floatResult(call, x.type);
    return mapped(call, x, (value) => result(f(value)));
  };
}

/** A constant of the same shape and type. */
export function mapped(call: Call, x: Constant, f: (value: number, index: number) => number): Constant {
  call.scope.budget.allocate(call.node.name, x.data.length);
  return { ...x, data: mappedNumbers(x.data, f) };
}

/** The magnitude of the least integer of a type is none of its numbers. */
export function magnitude(call: Call): Constant {
  const x = call.numbers(0);
  const result = isFloat(x.type) ? (value: number) => value : integerResult(call, x.type);
  return mapped(call, x, (value) => result(Math.abs(value)));
}

/** To the nearest integer, of two the even one. */
export function halfToEven(value: number): number {
  const below = Math.floor(value);
  const above = value - below;
  if (above !== 0.5) return above < 0.5 ? below : below + 1;
  return below % 2 === 0 ? below : below + 1;
}
