/** Functions that exporters spell out in several nodes, found by what they compute. */
import type { Call, Signal } from '../call.ts';
import type { GraphNode, Producers } from '../graph.ts';
import type { Constant } from '../values/constant.ts';

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
