/** What the options of every command say of the model that it reads. */
import type { LoadOptions } from './library.ts';

export type ModelOptions = Pick<LoadOptions, 'inputShape' | 'output' | 'units'>;

/** Those that were given. */
export function modelOptions({ inputShape, output, units }: ModelOptions): ModelOptions {
  return {
    ...(inputShape && { inputShape }),
    ...(output !== undefined && { output }),
    ...(units && { units }),
  };
}
