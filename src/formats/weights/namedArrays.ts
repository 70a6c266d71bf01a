/** Arrays of weights by name, whatever file they lie in. */
import { numbersOf, type StoredArray } from '../../arrays/storedArray.ts';
import { InputError } from '../../errors.ts';
import { product } from '../../network/size.ts';
import type { Budget } from '../budget.ts';

export interface NamedArray {
  /** For messages: `fc.weight in model.pth`. */
  readonly name: string;
  /** As the library has it that wrote the file; empty for a single number. */
  readonly shape: readonly number[];
  /** Whether it holds whole numbers, as counters are. */
  readonly whole: boolean;
  /** Row-major. @throws InputError where the file is broken, or the array is larger than its file lets it be */
  numbers(): Promise<Float32Array | Float64Array>;
}

/** In the order of the file. */
export type NamedArrays = ReadonlyMap<string, NamedArray>;

const LONGEST_NAME = 4096;

/**
 * To be called for every name of an array before it is kept: many may be made of one.
 * @throws InputError for names that nobody gives, and for more of them than a file of its size has
 */
export function demandName(name: string, file: string, budget: Budget): void {
  if (name.length > LONGEST_NAME) {
    throw new InputError(
      `${file}: names of arrays must have at most ${LONGEST_NAME} characters, got ${name.length}: ${name.slice(0, 40)}…`,
    );
  }
  budget.allocate(file, name.length / 8);
}

/** An array that lies in a file as numbers. */
export function storedWeights(array: StoredArray, budget: Budget): NamedArray {
  const { name, shape, type } = array;
  return {
    ...{ name, shape, whole: isWhole(type) },
    numbers: () => {
      budget.allocate(name, product(shape));
      return numbersOf(array);
    },
  };
}

export function isWhole(type: StoredArray['type']): boolean {
  return !type.includes('float');
}
