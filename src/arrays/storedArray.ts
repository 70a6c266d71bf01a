/** Arrays of numbers as files hold them. */
import { InputError } from '../errors.ts';
import { product } from '../network/size.ts';
import { decoded, NUMBER_TYPES, type NumberTypeName } from './numberType.ts';
import { ByteReader, type Stretch } from './stretch.ts';

/** An array of which nothing has been read yet but what it is: row-major, rows along its first axis. */
export interface StoredArray {
  /** `x` in `images.npz`; empty in files that hold one array alone. */
  readonly key: string;
  /** For messages. */
  readonly name: string;
  readonly shape: readonly number[];
  readonly type: NumberTypeName;
  readonly little: boolean;
  readonly stretch: Stretch;
  /** Bytes before its numbers. */
  readonly start: number;
  /** Bytes from one row to the next, where something lies between them. */
  readonly pitch?: number;
}

/** Axes beyond these are no data. */
const MOST_AXES = 16;

/**
 * Whether the sizes that an array claims agree with the file that it stands in.
 * @throws InputError before anything is allocated
 */
export function checkedArray(array: StoredArray): StoredArray {
  const { name, shape, stretch, start } = array;
  const sides = shape.every((side) => Number.isSafeInteger(side) && side >= 0);
  if (!sides || shape.length > MOST_AXES || !Number.isSafeInteger(8 * product(shape))) {
    throw new InputError(`${name}: must be an array of at most ${MOST_AXES} axes, got [${shape.join(', ')}]`);
  }
  if (shape.length === 0) throw new InputError(`${name}: must have rows, got a single number`);
  const bytes = start + shape[0]! * pitchOf(array);
  if (stretch.length !== undefined && stretch.length !== bytes) {
    throw new InputError(
      `${name}: broken, ${array.type} [${shape.join(', ')}] takes ${bytes} bytes, got ${stretch.length}`,
    );
  }
  return array;
}

/** What is read at once. */
const PIECE = 2 ** 20;

/** Rows `from` to `to`, one after the other. @throws InputError where the file ends before */
export async function* rowsOf(array: StoredArray, from: number, to: number): AsyncGenerator<Float64Array> {
  const { type, little, stretch, shape } = array;
  const entries = product(shape.slice(1));
  const pitch = pitchOf(array);
  // What lies between rows need not follow the last.
  const gap = pitch - entries * NUMBER_TYPES[type].bytes;
  const reader = new ByteReader(stretch, array.start + from * pitch);
  const most = Math.max(1, Math.floor(PIECE / Math.max(1, pitch)));
  try {
    for (let row = from; row < to; ) {
      const rows = Math.min(most, to - row);
      const bytes = await reader.take(rows * pitch);
      if (bytes.length < rows * pitch - gap) {
        const last = row + Math.floor(bytes.length / pitch);
        throw new InputError(`${array.name}: broken, it ends in row ${last} of ${shape[0]}`);
      }
      for (let k = 0; k < rows; k++) {
        yield decoded(type, little, bytes.subarray(k * pitch), entries);
      }
      row += rows;
    }
    // Whoever reads to the end learns whether that is the end: of what is packed, its check sum too.
    if (to === shape[0] && array.pitch === undefined && (await reader.take(1)).length > 0) {
      throw new InputError(`${array.name}: broken, it goes on behind its last row`);
    }
  } finally {
    await reader.close();
  }
}

function pitchOf({ pitch, shape, type }: StoredArray): number {
  return pitch ?? product(shape.slice(1)) * NUMBER_TYPES[type].bytes;
}
