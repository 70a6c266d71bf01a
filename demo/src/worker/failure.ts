/** Errors as messages: classes do not survive the way from the worker to the page. */
import { MissingLabels } from '../../../src/certify/data/missingLabels.ts';
import { InputError, outline, UnsupportedError } from '../../../src/index.browser.ts';
import type { Failure } from './protocol.ts';

/** @param file the model that was being read, if one was */
export async function failureOf(
  error: unknown,
  cancel: AbortSignal,
  file: File | undefined,
): Promise<Failure> {
  if (cancel.aborted) return { kind: 'cancelled', message: 'Cancelled.' };
  if (error instanceof UnsupportedError) {
    const nodes = file && (await outlineOf(file));
    const { message, items } = error;
    return { kind: 'unsupported', message, items, ...(nodes && { outline: nodes }) };
  }
  const input = { kind: 'input' } as const;
  if (error instanceof MissingLabels) return { ...input, message: error.message, missing: 'labels' };
  if (error instanceof InputError) return { ...input, message: error.message };
  // What browsers throw where a file went away or there is no room for it.
  if (file && (error instanceof RangeError || error instanceof DOMException)) {
    return { kind: 'input', message: `${file.name}: could not be read: ${error.message}` };
  }
  return {
    kind: 'internal',
    message: error instanceof Error ? (error.stack ?? error.message) : String(error),
  };
}

async function outlineOf(file: File) {
  try {
    return await outline(file);
  } catch {
    // The refusal itself says what is wrong.
    return undefined;
  }
}
