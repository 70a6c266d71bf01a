/** Exit codes, and errors as a person or a program reads them. */
import { InputError, type Unsupported, UnsupportedError } from '../errors.ts';
import { formatCount } from './format.ts';
import { bold, type Output } from './terminal.ts';

export const EXIT = {
  success: 0,
  /** Unknown option or value, unreadable or malformed file. */
  input: 1,
  /** The network holds what has no bound here. */
  unsupported: 2,
  internal: 3,
  /** A certificate does not prove what it claims. */
  rejected: 4,
  /** Stopped by Ctrl-C: 128 + SIGINT, as shells have it. */
  cancelled: 130,
} as const;

export type FailureKind = Exclude<keyof typeof EXIT, 'success' | 'rejected'>;

/** A command line that makes no sense: wrong option, value or number of arguments. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

export interface Failure {
  readonly kind: FailureKind;
  readonly message: string;
  /** Every offending node, for `unsupported`. */
  readonly items?: readonly Unsupported[];
  /** For `internal`: what a bug report needs. */
  readonly stack?: string;
}

/** Sorts an exception into its exit code. `signal` is the one that Ctrl-C aborts. */
export function toFailure(error: unknown, signal: AbortSignal): Failure {
  if (signal.aborted) return { kind: 'cancelled', message: 'cancelled' };
  if (error instanceof UnsupportedError) {
    const message = `no bound: ${formatCount(error.items.length, 'unsupported node')}`;
    return { kind: 'unsupported', message, items: error.items };
  }
  if (error instanceof UsageError || error instanceof InputError) {
    return { kind: 'input', message: error.message };
  }
  if (error instanceof Error) {
    return { kind: 'internal', message: error.message, ...(error.stack && { stack: error.stack }) };
  }
  return { kind: 'internal', message: String(error) };
}

/** The failure as lines for stderr. */
export function failureText(failure: Failure, to: Output): string {
  const head = bold(failure.kind === 'internal' ? 'internal error' : 'error', to);
  const message = failure.kind === 'cancelled' ? failure.message : `${head}: ${failure.message}`;
  const items = unsupportedText(failure.items ?? [], to);
  const stack = failure.stack === undefined ? '' : `${failure.stack}\n`;
  return `${message}\n${items}${stack}`;
}

/** One paragraph per offending node: its name, what was found, and why that has no bound. */
export function unsupportedText(items: readonly Unsupported[], to: Output): string {
  return items.map((item) => `  ${bold(item.node, to)}: ${item.found}\n    ${item.reason}\n`).join('');
}

/** The failure as the one document on stdout that `--json` promises. */
export function failureDocument(failure: Failure): object {
  const { kind, message, items } = failure;
  return { error: { kind, message, ...(items && { items }) } };
}
