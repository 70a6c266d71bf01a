/** Rows of numbers, from whatever holds them. */

import { rowsOf, type StoredArray } from '../../arrays/storedArray.ts';
import { InputError } from '../../errors.ts';
import { decodePng, pngOutline } from './formats/png.ts';

export interface NumberRows {
  /** For messages: `x in images.npz`. */
  readonly name: string;
  /** Rows along the first axis. */
  readonly shape: readonly number[];
  /** What stands for white where rows are pixels in whole numbers: 255 for bytes. */
  readonly full: number | undefined;
  /** Axes of a row are [channels, height, width], as the format has it. */
  readonly image: boolean;
  /** @throws InputError where the file is broken */
  read(from: number, to: number): AsyncGenerator<Float64Array, void>;
}

/**
 * @param image whether the format says that its rows are [channels, height, width]
 * @throws InputError for arrays without rows, and those whose rows do not lie one behind the other
 */
export function arrayRows(array: StoredArray, image = false): NumberRows {
  const { name, shape, type } = array;
  if (shape.length === 0) throw new InputError(`${name}: must have rows, got a single number`);
  if (array.columnMajor) {
    throw new InputError(
      `${name}: must be in C order, got Fortran order; numpy.ascontiguousarray makes it so`,
    );
  }
  const full = type === 'uint8' ? 255 : undefined;
  return { ...{ name, shape, full, image }, read: (from, to) => rowsOf(array, from, to) };
}

/** An image that is read when it is needed. */
export interface ImageFile {
  readonly name: string;
  readonly bytes: () => Promise<Uint8Array>;
}

/** Images of one size. @throws InputError where there are none */
export async function imageRows(folder: string, files: readonly ImageFile[]): Promise<NumberRows> {
  const first = files[0];
  if (!first) throw new InputError(`${folder}: must hold PNG images, got none`);
  const { shape, full } = pngOutline(first.name, await first.bytes());
  return {
    ...{ name: folder, shape: [files.length, ...shape], full, image: true },
    async *read(from, to) {
      for (const { name, bytes } of files.slice(from, to)) {
        const file = await bytes();
        const image = pngOutline(name, file);
        if (image.shape.join() !== shape.join() || image.full !== full) {
          throw new InputError(
            `${name}: must be [${shape.join(', ')}] of numbers to ${full} as ${first.name} is, got [${image.shape.join(', ')}] to ${image.full}`,
          );
        }
        yield (await decodePng(name, file)).values;
      }
    },
  };
}

/** Labels that are known already. */
export function labelRows(name: string, labels: readonly number[]): NumberRows {
  return {
    ...{ name, shape: [labels.length], full: undefined, image: false },
    async *read(from, to) {
      for (const label of labels.slice(from, to)) yield Float64Array.of(label);
    },
  };
}
