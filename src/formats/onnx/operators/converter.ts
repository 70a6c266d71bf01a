/** What a family of operators exports. */
import type { Call, Value } from '../call.ts';
import type { Constant } from '../values/constant.ts';

export interface Converter {
  /** The first output, or all, when all inputs are constants. Without it the operator is not computed at reading time. */
  readonly constants?: (call: Call) => Constant | readonly Constant[];
  /** The first output, or all, when some input depends on the network's input. Without it such a node is refused. */
  readonly signals?: (call: Call) => Value | readonly Value[];
}

/** By op_type. */
export type Family = ReadonlyMap<string, Converter>;
