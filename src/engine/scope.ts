/** Lifetimes of handles: what an operation made on the way to its result is released when its scope ends. */
import type { Engine, Handle } from './engine.ts';

/**
 * Runs `work` with an engine that notes every handle it makes, then releases all of them but those in the result.
 * `work` must be synchronous: recording operations is.
 */
export function scoped<T>(engine: Engine, work: (engine: Engine) => T): T {
  const made = new Set<Handle>();
  const noting = new Proxy(engine, {
    get(target, property) {
      const value: unknown = Reflect.get(target, property, target);
      if (typeof value !== 'function') return value;
      return (...parameters: unknown[]): unknown => {
        const result: unknown = value.apply(target, parameters);
        // Released by hand, or by a scope inside this one.
        if (property === 'release') for (const handle of parameters as Handle[]) made.delete(handle);
        for (const handle of handlesIn(result)) made.add(handle);
        return result;
      };
    },
  });
  const result = work(noting);
  for (const handle of handlesIn(result)) made.delete(handle);
  if (made.size > 0) engine.release(...made);
  return result;
}

function handlesIn(value: unknown): Handle[] {
  // Numbers are no handles, and there may be millions.
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return [];
  if (isHandle(value)) return [value];
  return Object.values(value).flatMap(handlesIn);
}

function isHandle(value: object): value is Handle {
  return 'kind' in value && (value.kind === 'matrices' || value.kind === 'vector');
}
