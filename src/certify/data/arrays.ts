/** Which arrays of a file, or of two, are inputs and labels. */

import type { ByteSource } from '../../arrays/stretch.ts';
import { InputError } from '../../errors.ts';
import { type Container, openContainer } from './container.ts';
import { MissingLabels } from './missingLabels.ts';
import type { NumberRows } from './rows.ts';

/** Which arrays of a file are the samples. */
export interface SampleOptions {
  /** The array of inputs, in files of several; default `x`. */
  readonly inputs?: string;
  /** The array of labels, in files of several; default `y`. With one array alone, in Node: the file of labels. False: there are none. */
  readonly labels?: string | false;
}

export interface SampleArrays {
  readonly inputs: NumberRows;
  readonly labels: NumberRows | undefined;
}

/** What messages say that would do, in the words of whoever asks. */
export interface Advice {
  /** What names another array of inputs, of labels. */
  readonly inputs: string;
  readonly labels: string;
  /** Of inputs whose labels nobody knows. */
  readonly noLabels: string;
}

/**
 * @param loneLabels the file of labels, where inputs are alone in theirs
 * @throws InputError for what is not read, broken, or not there
 */
export async function arraysOf(
  source: ByteSource,
  { inputs, labels }: SampleOptions,
  loneLabels: ByteSource | undefined,
  advice: Advice,
): Promise<SampleArrays> {
  const container = await openContainer(source, labels === false ? undefined : labels);
  const { name, keys, usual } = container;
  if (keys.length === 0 && inputs !== undefined) {
    throw new InputError(`${name}: holds one array without a name, got ${inputs} as that of the inputs`);
  }
  const rows = await container.rows(keyOf(container, inputs ?? usual.inputs, advice.inputs));
  if (labels === false) return { inputs: rows, labels: undefined };
  if (keys.length === 0) {
    if (loneLabels) return { inputs: rows, labels: await labelsIn(loneLabels, advice) };
    throw new MissingLabels(`${name}: holds inputs alone; ${advice.noLabels}`);
  }
  return {
    inputs: rows,
    labels: await container.rows(keyOf(container, labels ?? usual.labels, advice.labels)),
  };
}

/** Labels in a file of their own. */
export async function labelsIn(source: ByteSource, { labels }: Advice): Promise<NumberRows> {
  const container = await openContainer(source);
  return container.rows(keyOf(container, container.usual.labels, labels));
}

/** @throws InputError naming the arrays that there are */
export function keyOf({ name, keys }: Container, key: string, advice?: string): string {
  if (keys.length === 0 || keys.includes(key)) return key;
  const some = keys.slice(0, 20).join(', ');
  throw new InputError(
    `${name}: must hold the array ${key}${advice ? ` (${advice} names another)` : ''}, got ${some || 'no arrays'}`,
  );
}
