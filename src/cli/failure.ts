/** Exit codes, and errors as a person or a program reads them. */
import { InputError, type Unsupported, UnsupportedError } from '../errors.ts';
import { formatCount } from './output/format.ts';
import { bold, type Line, OutputError } from './output/terminal.ts';
import { inCommandLineWords } from './words.ts';

export const EXIT = {
  success: 0,
  /** Unknown option or value, unreadable or malformed file. */
  input: 1,
  /** What surrounds the program: a file or stdout that cannot be written, too little memory. */
  system: 1,
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
  // Also after Ctrl-C: then it is what became of the answer.
  if (error instanceof OutputError) return { kind: 'system', message: error.message };
  if (signal.aborted) return { kind: 'cancelled', message: 'cancelled' };
  if (error instanceof UnsupportedError) {
    const message = `no bound: ${formatCount(error.items.length, 'unsupported node')}`;
    return { kind: 'unsupported', message, items: error.items.map(spoken) };
  }
  if (error instanceof UsageError || error instanceof InputError) {
    return { kind: 'input', message: inCommandLineWords(error.message) };
  }
  if (isOutOfMemory(error)) {
    return { kind: 'system', message: `not enough memory on this machine: ${error.message}` };
  }
  if (error instanceof Error) {
    return { kind: 'internal', message: error.message, ...(error.stack && { stack: error.stack }) };
  }
  return { kind: 'internal', message: String(error) };
}

/** In the words of the command line. */
export function spoken({ node, found, reason }: Unsupported): Unsupported {
  return { node, found: inCommandLineWords(found), reason: inCommandLineWords(reason) };
}

/** What V8, WebAssembly, Node and the system say where an allocation fails. */
const ALLOCATION =
  /allocat|out of memory|cannot create a buffer larger|invalid (typed array|array|string|array buffer) length|maximum size exceeded/i;
const ALLOCATION_CODES = [
  'ENOMEM',
  'ERR_MEMORY_ALLOCATION_FAILED',
  'ERR_STRING_TOO_LONG',
  'ERR_BUFFER_TOO_LARGE',
  'ERR_WORKER_INIT_FAILED',
  'ERR_WORKER_OUT_OF_MEMORY',
];

function isOutOfMemory(error: unknown): error is Error {
  if (!(error instanceof Error)) return false;
  const { code } = error as NodeJS.ErrnoException;
  if (code !== undefined && ALLOCATION_CODES.includes(code)) return true;
  return error instanceof RangeError && ALLOCATION.test(error.message);
}

/** The failure as lines for stderr. */
export function failureLines({ kind, message, items, stack }: Failure): Line[] {
  const head = bold(kind === 'internal' ? 'internal error' : 'error');
  return [
    kind === 'cancelled' ? message : [head, `: ${message}`],
    ...unsupportedLines(items ?? []),
    ...(stack === undefined ? [] : stack.split('\n')),
  ];
}

/** Two lines per offending node: its name, what was found, and why that has no bound. */
export function unsupportedLines(items: readonly Unsupported[]): Line[] {
  return items.flatMap((item): Line[] => [['  ', bold(item.node), `: ${item.found}`], `    ${item.reason}`]);
}

/** The failure as the one document on stdout that `--json` promises. */
export function failureDocument(failure: Failure): object {
  const { kind, message, items } = failure;
  return { error: { kind, message, ...(items && { items }) } };
}
