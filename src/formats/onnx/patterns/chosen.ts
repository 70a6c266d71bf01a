/** The larger or the smaller of two values, chosen by a comparison of them. */
import type { GraphNode } from '../graph.ts';
import { largerOf } from '../operators/arithmetic.ts';
import { makerOf, type Pattern, type Surroundings } from './pattern.ts';

const GREATER: ReadonlyMap<string, boolean> = new Map([
  ['Greater', true],
  ['GreaterOrEqual', true],
  ['Less', false],
  ['LessOrEqual', false],
]);

/** Whether a comparison says that the first value is the larger one; undefined for what is none. */
export function comparesGreater(opType: string): boolean | undefined {
  return GREATER.get(opType);
}

/** a where a > b, b elsewhere, and its like. @param node a Where */
export function matchChosen(node: GraphNode, around: Surroundings): Pattern | undefined {
  const [condition, first, second] = node.inputs as [string, string, string];
  const comparison = makerOf(condition, around);
  const greater = comparison && comparesGreater(comparison.opType);
  if (greater === undefined) return undefined;
  const [a, b] = comparison!.inputs as [string, string];
  const straight = first === a && second === b;
  if (a === b || (!straight && !(first === b && second === a))) return undefined;
  if (around.constant(a) || around.constant(b)) return undefined;
  return {
    inputs: [a, b],
    convert: (call) => largerOf(call, call.signal(0), call.signal(1), straight === greater),
  };
}
