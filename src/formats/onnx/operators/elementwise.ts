/** Activations: one ONNX operator, one elementwise function. */
import { thresholded } from '../elementwise/reading.ts';
import { ELEMENTWISE_OPERATORS } from '../elementwise/table.ts';
import type { Converter, Family } from './converter.ts';

export const elementwise: Family = new Map<string, Converter>([
  ...ELEMENTWISE_OPERATORS.map(({ opType, converter }): [string, Converter] => [opType, converter]),
  ['ThresholdedRelu', { signals: thresholded }],
]);
