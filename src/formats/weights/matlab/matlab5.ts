/**
 * MAT-files of version 5 to 7 (MathWorks, "MAT-File Format"): arrays of numbers, also in cells and structures, packed or not. Cell 2 of `W` is
 * called `W{2}`, field `b` of `fc` is `fc.b`, that of the third of several is `fc(3).b`.
 */

import { decoded, NUMBER_TYPES, type NumberTypeName } from '../../../arrays/numberType.ts';
import { rowMajor } from '../../../arrays/storedArray.ts';
import { ByteReader, bytesSource, inflated, stored } from '../../../arrays/stretch.ts';
import { InputError } from '../../../errors.ts';
import { product } from '../../../network/size.ts';
import type { Budget } from '../../budget.ts';
import { demandName, type NamedArray } from '../namedArrays.ts';
import { HEADER } from './signature.ts';

const MATRIX = 14;
const COMPRESSED = 15;
const CELL = 1;
const STRUCTURE = 2;
const SINGLE = 7;
/** Classes of arrays of numbers: double to uint64. */
const FIRST_NUMBERS = 6;
const LAST_NUMBERS = 15;
const COMPLEX = 0x08;

const MOST_ARRAYS = 1e5;
const DEEPEST = 32;
const MOST_AXES = 16;
/** What is unpacked at once. */
const PIECE = 2 ** 20;

const TYPES: Readonly<Record<number, NumberTypeName>> = {
  ...{ 1: 'int8', 2: 'uint8', 3: 'int16', 4: 'uint16', 5: 'int32', 6: 'uint32', 7: 'float32', 9: 'float64' },
  ...{ 12: 'int64', 13: 'uint64' },
};

/** @throws InputError for files that are broken */
export async function matlabArrays(
  bytes: Uint8Array,
  file: string,
  budget: Budget,
): Promise<ReadonlyMap<string, NamedArray>> {
  const little = bytes[126] === 0x49;
  const found = new Map<string, NamedArray>();
  /** Names of all that was looked at, arrays of numbers or not. */
  const names = new Set<string>();
  let looked = 0;
  const reader = new Elements(bytes, file, little, HEADER);
  while (!reader.done) {
    const { type, content } = reader.next();
    if (type === MATRIX) readMatrix(content, undefined, 0);
    else if (type === COMPRESSED) {
      const inner = new Elements(await unpacked(content.bytes, file, budget), file, little, 0).next();
      if (inner.type === MATRIX) readMatrix(inner.content, undefined, 0);
    }
  }
  return found;

  /** @param given the name of what lies in cells and structures, which have none of their own */
  function readMatrix(elements: Elements, given: string | undefined, depth: number): void {
    if (depth > DEEPEST) throw elements.broken(`cells and structures must lie at most ${DEEPEST} deep`);
    if (++looked > MOST_ARRAYS) throw elements.broken(`it must hold at most ${MOST_ARRAYS} arrays`);
    // An empty cell may be nothing at all.
    if (elements.done) return;
    const flags = elements.words('flags')[0] ?? 0;
    const kind = flags & 255;
    // Functions and objects of the newer kind have no dimensions.
    if (kind < CELL || kind > LAST_NUMBERS) return;
    const shape = elements.words('dimensions');
    const own = elements.text('its name');
    const name = given ?? own;
    demandName(name, file, budget);
    if (names.has(name)) throw elements.broken(`names must be unique, got ${name.slice(0, 100)} twice`);
    names.add(name);
    const count = product(shape);
    if (shape.length > MOST_AXES || !shape.every((side) => side >= 0) || !Number.isSafeInteger(8 * count)) {
      throw elements.broken(
        `${name} must have at most ${MOST_AXES} axes, got [${shape.slice(0, 20).join(', ')}]`,
      );
    }
    if (kind === CELL) {
      for (let k = 1; k <= count; k++) readMatrix(elements.matrix(), `${name}{${k}}`, depth + 1);
    } else if (kind === STRUCTURE) {
      const length = elements.words('the length of names')[0] ?? 0;
      const all = elements.text('names of fields');
      if (!(length > 0)) throw elements.broken('names of fields must have a length');
      if (all.length > MOST_ARRAYS * length)
        throw elements.broken(`${name} must have at most ${MOST_ARRAYS} fields`);
      const fields = Array.from({ length: Math.floor(all.length / length) }, (_, k) =>
        all.slice(k * length, (k + 1) * length).replace(/\0.*$/s, ''),
      );
      // Of any number of elements without fields there is nothing.
      for (let k = 1; fields.length > 0 && k <= count; k++) {
        const one = count === 1 ? name : `${name}(${k})`;
        for (const field of fields) readMatrix(elements.matrix(), `${one}.${field}`, depth + 1);
      }
    } else if (kind >= FIRST_NUMBERS && !((flags >> 8) & COMPLEX)) {
      found.set(name, numbersOf(elements.next(), shape, kind, name));
    }
  }

  function numbersOf(
    { type, content }: Element,
    shape: readonly number[],
    kind: number,
    key: string,
  ): NamedArray {
    const name = `${key} in ${file}`;
    return {
      // Row and column vectors are one thing to the rest.
      ...{ name, shape, whole: kind > SINGLE },
      async numbers() {
        const stored = TYPES[type];
        const count = product(shape);
        if (!stored || content.bytes.length !== count * NUMBER_TYPES[stored].bytes) {
          throw new InputError(
            `${name}: broken, [${shape.join(', ')}] numbers of type ${type} do not take ${content.bytes.length} bytes`,
          );
        }
        budget.allocate(name, 2 * count);
        const numbers = decoded(stored, little, content.bytes, count);
        const bad =
          NUMBER_TYPES[stored].bytes === 8 && stored !== 'float64'
            ? numbers.findIndex((x) => !Number.isSafeInteger(x))
            : -1;
        if (bad >= 0)
          throw new InputError(`${name}: must hold whole numbers below 2^53, got ${numbers[bad]}`);
        // MATLAB stores whole numbers in fewer bytes; the class says what they are.
        return rowMajor(kind === SINGLE ? new Float32Array(numbers) : numbers, shape);
      },
    };
  }
}

async function unpacked(packed: Uint8Array, file: string, budget: Budget): Promise<Uint8Array> {
  const stretch = inflated(stored(bytesSource(file, packed), 0, packed.length), 'deflate', undefined);
  const reader = new ByteReader(stretch);
  const pieces: Uint8Array[] = [];
  let length = 0;
  try {
    for (;;) {
      budget.allocate(file, PIECE / 4);
      const piece = await reader.take(PIECE);
      pieces.push(piece);
      length += piece.length;
      if (piece.length < PIECE) break;
    }
  } finally {
    await reader.close();
  }
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const piece of pieces) {
    bytes.set(piece, at);
    at += piece.length;
  }
  return bytes;
}

interface Element {
  readonly type: number;
  readonly content: Elements;
}

/** Elements one behind the other: a type, a length, and so many bytes, to the next multiple of eight. */
class Elements {
  readonly bytes: Uint8Array;
  readonly #view: DataView;
  readonly #file: string;
  readonly #little: boolean;
  #at: number;

  constructor(bytes: Uint8Array, file: string, little: boolean, at: number) {
    this.bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#file = file;
    this.#little = little;
    this.#at = at;
  }

  get done(): boolean {
    return this.#at + 8 > this.bytes.length;
  }

  /** @throws InputError where it ends */
  next(): Element {
    if (this.done) throw this.broken('it ends before its last element');
    const word = this.#view.getUint32(this.#at, this.#little);
    const small = word >>> 16;
    const [type, length, from] = small
      ? [word & 0xffff, small, this.#at + 4]
      : [word, this.#view.getUint32(this.#at + 4, this.#little), this.#at + 8];
    if (from + length > this.bytes.length || (small && length > 4))
      throw this.broken('an element lies outside of it');
    const end = from + length;
    // Packed elements are not filled up.
    this.#at = small ? this.#at + 8 : type === COMPRESSED ? end : Math.ceil(end / 8) * 8;
    const content = new Elements(this.bytes.subarray(from, end), this.#file, this.#little, 0);
    return { type, content };
  }

  /** The content of the next element, which is a matrix. */
  matrix(): Elements {
    const { type, content } = this.next();
    if (type !== MATRIX)
      throw this.broken(`a cell or field must be an array, got an element of type ${type}`);
    return content;
  }

  /** The next element as whole numbers of 32 bits. */
  words(what: string): number[] {
    const { type, content } = this.next();
    if (type !== 5 && type !== 6)
      throw this.broken(`${what} must be whole numbers, got an element of type ${type}`);
    const count = Math.floor(content.bytes.length / 4);
    return Array.from({ length: count }, (_, k) => content.#view.getInt32(4 * k, this.#little));
  }

  /** The next element as text. */
  text(what: string): string {
    const { type, content } = this.next();
    if (type !== 1 && type !== 2 && type !== 16)
      throw this.broken(`${what} must be text, got an element of type ${type}`);
    return new TextDecoder('latin1').decode(content.bytes);
  }

  broken(what: string): InputError {
    return new InputError(`${this.#file}: broken MAT-file, ${what}`);
  }
}
