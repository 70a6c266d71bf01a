/** Operators of two networks side by side: which are the same, which differ in their numbers alone, and by what. */
import { isLinear, type LinearOperator } from '../linearOperator.ts';
import { gatheredBlocks, mapped, type Numbers } from '../numbers.ts';
import type { Affine, Convolution, Operator } from '../operator.ts';

/** Whether both compute the same. Of numbers that may be off by roundings that is not known. */
export function sameOperator(a: Operator, b: Operator): boolean {
  return isExact(a) && isExact(b) && sameValue(a, b);
}

/** Whether they are linear and the same but for the numbers of their matrix and of their constant term. */
export function differInNumbers(a: Operator, b: Operator): boolean {
  if (!isLinear(a) || !isLinear(b) || !isExact(a) || !isExact(b)) return false;
  return sameValue(withoutNumbers(a), withoutNumbers(b));
}

/**
 * x ↦ A x − B x of operators that differ in their numbers alone. Each number is a difference that is rounded once.
 * @returns undefined where they are the same
 */
export function operatorDifference(a: LinearOperator, b: LinearOperator): LinearOperator | undefined {
  if (sameValue(a, b)) return undefined;
  switch (a.kind) {
    case 'affine':
    case 'convolution':
    case 'transposed-convolution': {
      const other = b as typeof a;
      const { bias: _, ...rest } = a;
      const bias = constantDifference(a.bias, other.bias);
      const weight = mapped(a.weight, (value, n) => value - other.weight[n]!);
      return { ...rest, weight, ...(bias && { bias }), roundings: 1 };
    }
    case 'scale': {
      const other = b as typeof a;
      const shift = constantDifference(a.shift, other.shift);
      const scale = a.scale.map((value, n) => value - other.scale[n]!);
      return { kind: 'scale', scale, ...(shift && { shift }), roundings: 1 };
    }
    case 'average-pool':
    case 'global-average-pool':
    case 'pad':
    case 'reindex':
    case 'gather':
      // All of what they are has been compared.
      return undefined;
  }
}

/** The operator without its constant term. */
export function withoutConstant(operator: LinearOperator): LinearOperator {
  if ('bias' in operator) {
    const { bias: _, ...rest } = operator;
    return rest;
  }
  if (operator.kind === 'scale') {
    const { shift: _, ...rest } = operator;
    return rest;
  }
  return operator;
}

/** Operators whose matrix has a block for each pair of a channel of the output and one of the input. */
export type Blocks = Affine | Convolution;

/** @param input the shape of what it reads */
export function hasBlocks(operator: Operator, input: readonly number[]): operator is Blocks {
  // Of an image that a dense layer reads entries are no channels.
  if (operator.kind === 'affine') return input.length === 1;
  return operator.kind === 'convolution' && operator.groups === 1;
}

/** An operator that has blocks on some channels of its input, to some of its output. Undefined: all, of any operator. */
export function restricted(
  operator: LinearOperator,
  rows: Int32Array | undefined,
  columns: Int32Array | undefined,
): LinearOperator {
  if (!rows && !columns) return operator;
  const { inputs, outputs, weight, bias } = operator as Blocks;
  const size = weight.length / (inputs * outputs);
  const to = rows ?? Int32Array.from({ length: outputs }, (_, k) => k);
  const from = columns ?? Int32Array.from({ length: inputs }, (_, k) => k);
  const blocks = new Int32Array(to.length * from.length).map(
    (_, n) => to[Math.floor(n / from.length)]! * inputs + from[n % from.length]!,
  );
  return {
    ...(operator as Blocks),
    outputs: to.length,
    inputs: from.length,
    weight: gatheredBlocks(weight, blocks, size),
    ...(bias && { bias: Float64Array.from(to, (row) => bias[row]!) }),
  };
}

/** Channels of the output that these channels of the input reach; undefined: all channels. */
export function rowsReached(
  { inputs, outputs, weight }: Blocks,
  columns: Int32Array | undefined,
): Uint8Array {
  const size = weight.length / (inputs * outputs);
  const reads = columns && new Uint8Array(inputs);
  for (const column of columns ?? []) reads![column] = 1;
  const reached = new Uint8Array(outputs);
  for (let n = 0; n < weight.length; n++) {
    const block = Math.floor(n / size);
    if (weight[n] !== 0 && (!reads || reads[block % inputs])) reached[Math.floor(block / inputs)] = 1;
  }
  return reached;
}

/** Channels of the input that are read; the first where none is, as every tensor has some. */
export function columnsRead({ inputs, outputs, weight }: Blocks): Int32Array {
  const size = weight.length / (inputs * outputs);
  const read = new Uint8Array(inputs);
  for (let n = 0; n < weight.length; n++) if (weight[n] !== 0) read[Math.floor(n / size) % inputs] = 1;
  if (!read.includes(1)) read[0] = 1;
  return marked(read);
}

/** The indices that are set. */
export function marked(flags: Uint8Array): Int32Array {
  return Int32Array.from(flags.keys()).filter((k) => flags[k] === 1);
}

function constantDifference(
  a: Float64Array | undefined,
  b: Float64Array | undefined,
): Float64Array | undefined {
  if (!a && !b) return undefined;
  return new Float64Array((a ?? b)!.length).map((_, n) => (a?.[n] ?? 0) - (b?.[n] ?? 0));
}

/** Files and builders make no others. */
function isExact(operator: Operator): boolean {
  const off = 'roundings' in operator && operator.roundings !== undefined && operator.roundings > 0;
  const apart = operator.kind === 'affine' ? operator.magnitude : undefined;
  const shifted = operator.kind === 'scale' ? operator.shiftMagnitude : undefined;
  return !off && !apart && !shifted;
}

/** What is left when the numbers are taken away, but for how many there are. */
function withoutNumbers(operator: LinearOperator): object {
  switch (operator.kind) {
    case 'affine':
    case 'convolution':
    case 'transposed-convolution': {
      const { weight, bias: _, ...rest } = operator;
      return { ...rest, weight: weight.length };
    }
    case 'scale': {
      const { scale, shift, kind } = operator;
      return { kind, scale: scale.length, shift: shift?.length ?? scale.length };
    }
    case 'average-pool':
    case 'global-average-pool':
    case 'pad':
    case 'reindex':
    case 'gather':
      return operator;
  }
}

/** Numbers are compared as numbers, whatever their format; what is undefined is as good as absent. */
function sameValue(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  if (isList(a) && isList(b)) {
    if (a.length !== b.length) return false;
    for (let n = 0; n < a.length; n++) if (!sameValue(a[n], b[n])) return false;
    return true;
  }
  if (isList(a) || isList(b)) return false;
  const keys = new Set([...Object.keys(a), ...Object.keys(b)]);
  return [...keys].every((key) =>
    sameValue((a as Record<string, unknown>)[key], (b as Record<string, unknown>)[key]),
  );
}

function isList(value: object): value is Numbers | readonly unknown[] {
  return Array.isArray(value) || ArrayBuffer.isView(value);
}
