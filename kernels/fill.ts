import type { Kernel } from './kernel.ts';

/** One number everywhere. */
export function fill(this: Kernel, value: number): number {
  return value;
}
