/** Functions that exporters spell out in several nodes, found by what they compute. */
import type { Call, Signal } from '../call.ts';
import type { GraphNode, Producers } from '../graph.ts';
import type { Constant } from '../values/constant.ts';
import { isFloat } from '../values/elementType.ts';

/** What the matchers know: who makes a value, and which values are constants. */
export interface Surroundings {
  readonly producers: Producers;
  readonly constant: (name: string) => Constant | undefined;
}

/** Several nodes read as one operator. */
export interface Pattern {
  /** The values it reads, in place of those of its last node. */
  readonly inputs: readonly string[];
  readonly convert: (call: Call) => Signal;
}

/** The node of the ONNX domain that makes a value. */
export function makerOf(value: string, around: Surroundings): GraphNode | undefined {
  const node = around.producers.get(value);
  return node?.domain === '' ? node : undefined;
}

/** The number in a constant of one entry, which leaves shapes alone. */
export function scalarOf(name: string, around: Surroundings): number | undefined {
  const constant = around.constant(name);
  if (!constant || !isFloat(constant.type) || constant.data.length !== 1) return undefined;
  return constant.shape.length <= 1 ? constant.data[0] : undefined;
}

/** v where a value is v · v. */
export function squared(name: string, around: Surroundings): string | undefined {
  const node = makerOf(name, around);
  const [a, b] = node?.inputs ?? [];
  if (node?.opType === 'Mul') return a === b ? a : undefined;
  return node?.opType === 'Pow' && scalarOf(b!, around) === 2 ? a : undefined;
}
