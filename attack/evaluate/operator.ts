/** What an operator is to the evaluator. */
import type { Call } from './call.ts';
import type { Value } from './values.ts';

/** Its outputs, in order. Throws `Meaningless` where ONNX gives it none. */
export type Operator = (call: Call) => readonly Value[];
