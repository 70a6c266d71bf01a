/** The IDX format of MNIST: two zeros, a type, the number of axes, their sizes and the numbers, all big-endian. */

import type { NumberTypeName } from '../../../arrays/numberType.ts';
import { checkedArray, type StoredArray } from '../../../arrays/storedArray.ts';
import { ByteReader, type Stretch } from '../../../arrays/stretch.ts';
import { InputError } from '../../../errors.ts';

const TYPES: Readonly<Record<number, NumberTypeName>> = {
  8: 'uint8',
  9: 'int8',
  11: 'int16',
  12: 'int32',
  13: 'float32',
  14: 'float64',
};

export function isIdx(start: Uint8Array): boolean {
  return start[0] === 0 && start[1] === 0 && start[2]! in TYPES && start[3]! >= 1 && start[3]! <= 8;
}

/** @throws InputError */
export async function idxArray(stretch: Stretch): Promise<StoredArray> {
  const reader = new ByteReader(stretch);
  try {
    const start = await reader.take(4);
    const axes = start[3] ?? 0;
    const sizes = await reader.take(4 * axes);
    if (!isIdx(start) || sizes.length < 4 * axes) {
      throw new InputError(`${stretch.name}: broken, it ends in its header`);
    }
    const view = new DataView(sizes.buffer, sizes.byteOffset, sizes.byteLength);
    const shape = Array.from({ length: axes }, (_, axis) => view.getUint32(4 * axis));
    const { name } = stretch;
    return checkedArray({
      ...{ key: '', name, shape, stretch },
      type: TYPES[start[2]!]!,
      little: false,
      start: 4 + 4 * axes,
    });
  } finally {
    await reader.close();
  }
}
