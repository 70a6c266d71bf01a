/**
 * What went wrong, in a form that a caller can act on and the CLI turns into an exit code. Messages quote names and values from
 * files: whatever they hold, the messages are printable.
 */
import { printable } from './printable.ts';

/** The file is unreadable, malformed, or holds numbers that are no numbers (exit code 1). */
export class InputError extends Error {
  override readonly name = 'InputError';
  constructor(message: string, options?: ErrorOptions) {
    super(printable(message), options);
  }
}

/** One thing that Lipsoid cannot bound. */
export interface Unsupported {
  /** Name of the node in the file. */
  readonly node: string;
  /** What was found: operator and attribute. */
  readonly found: string;
  /** Why there is no bound, what is supported, what to do. */
  readonly reason: string;
}

/** The file is fine but holds what has no bound here (exit code 2). Lists every such node, not the first alone. */
export class UnsupportedError extends Error {
  override readonly name = 'UnsupportedError';
  readonly items: readonly Unsupported[];
  constructor(items: readonly Unsupported[]) {
    const shown = items.map(({ node, found, reason }) => ({
      node: printable(node),
      found: printable(found),
      reason: printable(reason),
    }));
    super(shown.map((i) => `${i.node}: ${i.found}: ${i.reason}`).join('\n'));
    this.items = shown;
  }
}
