/** The form of a row in the table of operations: what an operation's parameters are, and the shape of its result. */
import { type Handle, isHandle, type Matrices, type Shape, type Vector } from './handles.ts';
import { checkDimension, describe } from './shapes.ts';

/** How an engine represents matrices and vectors. */
export interface Representation {
  readonly matrices: unknown;
  readonly vector: unknown;
}

/** A parameter or a result with what represents them in place of all handles, also of those in lists and options. */
export type Represented<T, R extends Representation> = T extends Matrices
  ? R['matrices']
  : T extends Vector
    ? R['vector']
    : T extends ArrayBufferView
      ? T
      : T extends object
        ? { [K in keyof T]: Represented<T[K], R> }
        : T;

/** Shapes in place of handles; that of a vector is its length. */
export type ShapeOf<T> = Represented<T, { readonly matrices: Shape; readonly vector: number }>;

/** The handles among all that a parameter holds. */
type HandlesIn<T> = T extends Handle
  ? T
  : T extends ArrayBufferView
    ? never
    : T extends readonly (infer E)[]
      ? HandlesIn<E>
      : T extends object
        ? { [K in keyof T]-?: HandlesIn<T[K]> }[keyof T]
        : never;

/** A parameter of an operation. */
interface Parameter<T> {
  /** Whether it is a handle, or holds some in a list or among options. */
  readonly operand: boolean;
  /** @throws RangeError that names the operation and what was given */
  readonly check: (operation: string, value: T) => void;
}

export interface Operand<T> extends Parameter<T> {
  readonly operand: true;
}

export interface Plain<T> extends Parameter<T> {
  readonly operand: false;
}

type KindOf<T> = [HandlesIn<T>] extends [never] ? Plain<T> : Operand<T>;
type Kinds<P extends readonly unknown[]> = { readonly [K in keyof P]-?: KindOf<P[K]> };

/** @typeParam F the operation, as it is called */
export interface OperationRow<F extends (...parameters: never[]) => unknown> {
  readonly parameters: Kinds<Parameters<F>>;
  /** The shape of the result, or of each by name.
   *  @throws RangeError where the parameters do not fit each other */
  readonly result: (...parameters: Parameters<F>) => ShapeOf<ReturnType<F>>;
}

const unchecked = () => {};

/** What needs no check by itself. */
export const matrices: Operand<Matrices> = { operand: true, check: unchecked };
export const vector: Operand<Vector> = { operand: true, check: unchecked };
/** What holds handles in some way: optional ones, matrices or a vector, lists, options. */
export const operands: Operand<unknown> = { operand: true, check: unchecked };
/** What holds none. */
export const plain: Plain<unknown> = { operand: false, check: unchecked };

/** Matrices that are square, as Hermitian ones are. @param name for messages, as with all below */
export function square(name: string): Operand<Matrices> {
  return { operand: true, check: (operation, s) => checkSquare(operation, name, s) };
}

/** Real columns [B | n × 1]. */
export function columns(name: string): Operand<Matrices> {
  return {
    operand: true,
    check: (operation, x) => {
      if (x.columns === 1 && !x.complex) return;
      throw new RangeError(`${operation}: ${name} must be real columns [B | n × 1], got ${describe(x)}`);
    },
  };
}

/** A vector of length 1. */
export function number(name: string): Operand<Vector> {
  return { operand: true, check: (operation, x) => checkNumber(operation, name, x) };
}

/** Lists of vectors of length 1. */
export function numbers(name: string): Operand<readonly Vector[]> {
  return {
    operand: true,
    check: (operation, list) => {
      for (const x of list) checkNumber(operation, name, x);
    },
  };
}

/** A positive integer. */
export function dimension(name: string): Plain<number> {
  return { operand: false, check: (operation, value) => checkDimension(operation, name, value) };
}

function checkSquare(operation: string, name: string, s: Matrices): void {
  if (s.rows !== s.columns) throw new RangeError(`${operation}: ${name} must be square, got ${describe(s)}`);
}

function checkNumber(operation: string, name: string, x: Vector): void {
  if (x.length === 1) return;
  throw new RangeError(`${operation}: ${name} must have length 1, got ${describe(x)}`);
}

/** A copy of a parameter with something else in place of every handle. */
export function replaced(value: unknown, by: (handle: Handle) => unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (isHandle(value)) return by(value);
  if (Array.isArray(value)) return value.map((one) => replaced(one, by));
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, replaced(one, by)]));
}
