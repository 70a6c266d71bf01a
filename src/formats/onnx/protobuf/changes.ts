/** Operators that came to mean something else without being written otherwise. */

/** The operator sets in which what may be written in the older form as well came to mean something else. */
const CHANGES = new Map<string, readonly number[]>([
  ['Softmax', [13]],
  ['LogSoftmax', [13]],
  ['GroupNormalization', [21]],
  ...['Add', 'Sub', 'Mul', 'Div', 'Dropout', 'BatchNormalization'].map((opType): [string, number[]] => [
    opType,
    [7],
  ]),
]);

/** Whether a node that is written as the newer operator set has it means the same in the older one, if it means anything there. */
export function meansTheSame(opType: string, older: number, newer: number): boolean {
  return !CHANGES.get(opType)?.some((since) => older < since && since <= newer);
}
