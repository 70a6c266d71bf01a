/** Whether a model means anything at the length of its file. */
import { type ModelDescription, sampleOf } from '../model/description.ts';
import { TooLarge } from './circuit.ts';
import { circuitOf } from './interpret.ts';
import { Meaningless } from './values.ts';

export function interpretable(model: ModelDescription): boolean {
  try {
    return circuitOf(model, sampleOf(model)).outputs.length > 0;
  } catch (error) {
    if (
      error instanceof Meaningless ||
      error instanceof TooLarge ||
      error instanceof RangeError ||
      error instanceof TypeError
    )
      return false;
    throw error;
  }
}
