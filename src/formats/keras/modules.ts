/** Whose the classes and functions are that a file names. */
import type { Json } from '../fields.ts';

/** Whether a module is Keras's own; where none is named, there were no others. */
export function isOwnModule(module: Json | undefined): boolean {
  return module === undefined || (typeof module === 'string' && /^(tf_)?keras(\.|$)/.test(module));
}
