/** Activations: one ONNX operator, one elementwise function. */
import { ELEMENTWISE_OPERATORS } from '../elementwise/table.ts';
import type { Family } from './converter.ts';

export const elementwise: Family = new Map(
  ELEMENTWISE_OPERATORS.map(({ opType, converter }) => [opType, converter]),
);
