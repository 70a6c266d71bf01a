/** Arrays of numbers as files hold them. */
import { InputError } from '../errors.ts';
import { product, strides } from '../network/size.ts';
import { decoded, exactNumbers, NUMBER_TYPES, type NumberTypeName } from './numberType.ts';
import { ByteReader, type Stretch } from './stretch.ts';

/** An array of which nothing has been read yet but what it is: row-major, rows along its first axis, unless it says otherwise. */
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
  /** Neighbours along the first axis are neighbours in the file (Fortran's order). */
  readonly columnMajor?: true;
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
  const bytes = start + (shape[0] ?? 1) * pitchOf(array);
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

/**
 * All numbers of an array in row-major order: in float32 where that holds them exactly, else in float64.
 * @throws InputError where the file is broken, and for whole numbers that float64 does not hold
 */
export async function numbersOf(array: StoredArray): Promise<Float32Array | Float64Array> {
  const { name, type, little, stretch, start, shape } = array;
  const count = product(shape);
  const length = count * NUMBER_TYPES[type].bytes;
  const reader = new ByteReader(stretch);
  try {
    await reader.take(start);
    const bytes = await reader.take(length);
    if (bytes.length < length) {
      throw new InputError(`${name}: broken, it ends after ${bytes.length} of ${length} bytes`);
    }
    // Whoever reads to the end learns whether that is the end: of what is packed, its check sum too.
    if ((await reader.take(1)).length > 0)
      throw new InputError(`${name}: broken, it goes on behind its last number`);
    const numbers = exactNumbers(type, little, bytes, count);
    const bad =
      NUMBER_TYPES[type].bytes === 8 && type !== 'float64'
        ? numbers.findIndex((x) => !Number.isSafeInteger(x))
        : -1;
    if (bad >= 0)
      throw new InputError(
        `${name}: must hold whole numbers below 2^53, got ${numbers[bad]} at entry ${bad}`,
      );
    return array.columnMajor ? rowMajor(numbers, shape) : numbers;
  } finally {
    await reader.close();
  }
}

/** Numbers whose first axis runs fastest, with the last one running fastest. */
export function rowMajor<A extends Float32Array | Float64Array>(numbers: A, shape: readonly number[]): A {
  return strided(
    numbers,
    0,
    shape,
    shape.map((_, axis) => product(shape.slice(0, axis))),
  );
}

/** Row-major entries of an array in which neighbours along each axis are so far apart; those of it itself where they lie one behind the other. */
export function strided<A extends Float32Array | Float64Array>(
  numbers: A,
  offset: number,
  shape: readonly number[],
  steps: readonly number[],
): A {
  const count = product(shape);
  const dense = strides(shape).every((step, axis) => step === steps[axis] || shape[axis] === 1);
  if (dense) return numbers.subarray(offset, offset + count) as A;
  const result = (numbers instanceof Float32Array ? new Float32Array(count) : new Float64Array(count)) as A;
  const index = shape.map(() => 0);
  for (let n = 0, from = offset; n < count; n++) {
    result[n] = numbers[from]!;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      from += steps[axis]!;
      if (++index[axis]! < shape[axis]!) break;
      from -= steps[axis]! * shape[axis]!;
      index[axis] = 0;
    }
  }
  return result;
}

function pitchOf({ pitch, shape, type }: StoredArray): number {
  return pitch ?? product(shape.slice(1)) * NUMBER_TYPES[type].bytes;
}
