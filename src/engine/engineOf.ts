/** The way back from what callers hold to what computes. */
import { InputError } from '../errors.ts';
import type { Engine, EngineHandle } from './engine.ts';

/**
 * The engine behind a handle.
 * @throws InputError for an object that `createEngine` has not made
 */
export function engineOf(handle: EngineHandle): Engine {
  if ('settle' in handle) return handle as Engine;
  throw new InputError('engine: must be one that createEngine has made, got another object');
}
