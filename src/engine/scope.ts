/** Lifetimes of handles: what an operation made on the way to its result is released when its scope ends. */
import type { Engine } from './engine.ts';
import { type Handle, isHandle } from './handles.ts';

/**
 * Runs `work` with an engine that notes every handle it makes, then releases all of them but those in the result.
 * `work` must be synchronous: recording operations is.
 */
export function scoped<T>(engine: Engine, work: (engine: Engine) => T): T {
  const made = new Set<Handle>();
  const result = work(noting(engine, made));
  for (const handle of handlesIn(result)) made.delete(handle);
  if (made.size > 0) engine.release(...made);
  return result;
}

/** Runs `work` with such an engine, and releases what is left of its handles however it ends: in the middle, where it is aborted. */
export async function lent<T>(engine: Engine, work: (engine: Engine) => Promise<T>): Promise<T> {
  const made = new Set<Handle>();
  try {
    return await work(noting(engine, made));
  } finally {
    // One by one: arguments lie on the stack.
    for (const handle of made) engine.release(handle);
  }
}

/** An engine that keeps `made` up to date: handles that it has made and that are not released. */
function noting(engine: Engine, made: Set<Handle>): Engine {
  const note = (result: unknown) => {
    if (isHandle(result)) made.add(result);
    else for (const handle of handlesIn(result)) made.add(handle);
  };
  return new Proxy(engine, {
    get(target, property) {
      const value: unknown = target[property as keyof Engine];
      if (typeof value !== 'function') return value;
      if (property === 'release') {
        // By hand, or by a scope inside this one.
        return (...handles: Handle[]): void => {
          for (const handle of handles) made.delete(handle);
          target.release(...handles);
        };
      }
      return (...parameters: unknown[]): unknown => {
        const result: unknown = value.apply(target, parameters);
        note(result);
        return result;
      };
    },
  });
}

function handlesIn(value: unknown): Handle[] {
  // Numbers are no handles, and there may be millions.
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return [];
  if (isHandle(value)) return [value];
  return Object.values(value).flatMap(handlesIn);
}
