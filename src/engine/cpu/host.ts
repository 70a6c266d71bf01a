/** What the machine offers. Node's own modules are reached through variables, so that bundlers leave them alone. */

import { ENGINE_DEFAULTS } from '../defaults.ts';

export function isNode(): boolean {
  return typeof process !== 'undefined' && process.versions?.node !== undefined;
}

/** Imports a module that only exists in Node, at run time. */
export function importInNode<T>(specifier: string): Promise<T> {
  return import(/* @vite-ignore */ specifier) as Promise<T>;
}

/** Threads where nobody says how many: as many as can run side by side, `ENGINE_DEFAULTS.mostThreads` at most. */
export async function usualThreads(): Promise<number> {
  return Math.min(await availableThreads(), ENGINE_DEFAULTS.mostThreads);
}

/** Threads that can run side by side, at least 1. */
async function availableThreads(): Promise<number> {
  if (isNode()) return (await importInNode<typeof import('node:os')>('node:os')).availableParallelism();
  return globalThis.navigator?.hardwareConcurrency ?? 1;
}

/**
 * Whether workers may be started here. In Firefox (153) a worker that starts nested ones now and then blocks for good, inside the
 * second's constructor: one page in ten to forty, with nothing collected. A page's own thread may start them.
 */
export function mayStartWorkers(): boolean {
  const nested = typeof document === 'undefined' && !isNode();
  return !(nested && /\bFirefox\//.test(globalThis.navigator?.userAgent ?? ''));
}
