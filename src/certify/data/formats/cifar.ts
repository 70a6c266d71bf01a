/** CIFAR's binary files: records of one label (CIFAR-10) or two (CIFAR-100: coarse, fine) and an image [3, 32, 32] in bytes. */

import type { StoredArray } from '../../../arrays/storedArray.ts';
import { type ByteSource, stored } from '../../../arrays/stretch.ts';
import { InputError } from '../../../errors.ts';

const IMAGE = 3 * 32 * 32;

/** Labels in front of an image. */
const KINDS = [['label'], ['coarse', 'fine']] as const;

export function isCifar({ name, size }: ByteSource): boolean {
  return /\.bin$/i.test(name) && KINDS.some((labels) => size > 0 && size % (IMAGE + labels.length) === 0);
}

/**
 * Images (`x`) and labels by name.
 * @param label that is asked for, if one is
 * @throws InputError for a file that may be of either kind
 */
export function cifarArrays(source: ByteSource, label: string | undefined): Map<string, () => StoredArray> {
  const fitting = KINDS.filter((labels) => source.size % (IMAGE + labels.length) === 0);
  const [labels, other] = fitting.filter(
    (names) => label === undefined || fitting.length === 1 || names.some((name) => name === label),
  );
  if (!labels || other) {
    throw new InputError(
      `${source.name}: may be CIFAR-10 or CIFAR-100 by its size; say --labels label, coarse or fine`,
    );
  }
  const pitch = IMAGE + labels.length;
  const rows = source.size / pitch;
  const array = (key: string, start: number, shape: readonly number[]): StoredArray => {
    const name = `${key} in ${source.name}`;
    const stretch = stored(source, 0, source.size, name);
    return { key, name, shape: [rows, ...shape], type: 'uint8', little: true, stretch, start, pitch };
  };
  return new Map<string, () => StoredArray>([
    ['x', () => array('x', labels.length, [3, 32, 32])],
    ...labels.map((key, k) => [key, () => array(key, k, [])] as const),
  ]);
}
