/** State dictionaries as `torch.save` writes them since PyTorch 1.6: a zip archive of a pickle and the numbers of each storage. */
import { NUMBER_TYPES, type NumberTypeName } from '../../../arrays/numberType.ts';
import { numbersOf, strided } from '../../../arrays/storedArray.ts';
import type { ZipEntry } from '../../../arrays/zip.ts';
import { InputError } from '../../../errors.ts';
import { product } from '../../../network/size.ts';
import type { Budget } from '../../budget.ts';
import { shown } from '../../fields.ts';
import { wholeEntry } from '../../wholeEntry.ts';
import { demandName, isWhole, type NamedArray, type NamedArrays } from '../namedArrays.ts';
import { type Pickled, type PickledStorage, PickledTensor, readPickle } from './pickle.ts';

const PICKLE = /(^|\/)data\.pkl$/;
/** Of names and shapes; those of the largest models have a megabyte or two. */
const LARGEST_PICKLE = 2 ** 24;

/** Keys under which checkpoints keep the state dictionary of their model. */
const USUAL = ['state_dict', 'model_state_dict', 'model'];

const TYPES: Readonly<Record<string, NumberTypeName>> = {
  DoubleStorage: 'float64',
  FloatStorage: 'float32',
  HalfStorage: 'float16',
  BFloat16Storage: 'bfloat16',
  LongStorage: 'int64',
  IntStorage: 'int32',
  ShortStorage: 'int16',
  CharStorage: 'int8',
  ByteStorage: 'uint8',
  BoolStorage: 'bool',
};

export function isTorchArchive(entries: readonly ZipEntry[]): boolean {
  return entries.some(({ name }) => PICKLE.test(name));
}

interface Archive {
  readonly file: string;
  readonly little: boolean;
  /** Those that hold numbers, by the keys of storages. */
  readonly entries: ReadonlyMap<string, ZipEntry>;
  /** Those that were read. */
  readonly storages: Map<
    string,
    { size: number; typeName: string; numbers: Promise<Float32Array | Float64Array> }
  >;
  readonly budget: Budget;
}

/** @throws InputError for archives that are broken or hold anything but plain values and tensors */
export async function stateDictionary(
  file: string,
  entries: readonly ZipEntry[],
  budget: Budget,
): Promise<NamedArrays> {
  const pickle = entries.find(({ name }) => PICKLE.test(name))!;
  const root = pickle.name.slice(0, -'data.pkl'.length);
  const content = readPickle(await wholeEntry(pickle, LARGEST_PICKLE), `data.pkl in ${file}`);
  const order = entries.find(({ name }) => name === `${root}byteorder`);
  const data = entries.filter(({ name }) => name.startsWith(`${root}data/`));
  const byKey = new Map(data.map((entry) => [entry.name.slice(`${root}data/`.length), entry]));
  const endian = order ? new TextDecoder().decode(await wholeEntry(order, 16)).trim() : 'little';
  if (endian !== 'little' && endian !== 'big') {
    throw new InputError(`${file}: its byteorder must be little or big, got ${shown(endian)}`);
  }
  const little = endian === 'little';
  const archive: Archive = { file, little, entries: byKey, storages: new Map(), budget };
  const found = new Map<string, NamedArray>();
  for (const [key, tensor] of tensorsOf(archive, content)) found.set(key, arrayOf(archive, key, tensor));
  if (found.size === 0) {
    throw new InputError(`${file}: must hold a dictionary of tensors by name, got none`);
  }
  return found;
}

/** The tensors of the dictionary that is the model's: where there are several, all of them, by keys joined with dots. */
function tensorsOf({ file, budget }: Archive, content: Pickled): Map<string, PickledTensor> {
  const own = directTensors(content);
  const usual = USUAL.map((key) => directTensors(content instanceof Map ? content.get(key) : undefined));
  const whole = [own, ...usual].find(({ size }) => size > 0);
  const parts = whole ? [{ key: '', tensors: whole }] : partsOf(content);
  const found = new Map<string, PickledTensor>();
  for (const { key, tensors } of parts) {
    for (const [name, tensor] of tensors) {
      const joined = parts.length === 1 ? name : `${key}.${name}`;
      demandName(joined, file, budget);
      if (found.has(joined)) throw new InputError(`${file}: names must be unique, got ${joined} twice`);
      found.set(joined, tensor);
    }
  }
  return found;
}

/** Dictionaries of tensors in a dictionary. */
function partsOf(content: Pickled): { key: string; tensors: Map<string, PickledTensor> }[] {
  if (!(content instanceof Map)) return [];
  return [...content].flatMap(([key, value]) => {
    const tensors = directTensors(value);
    return typeof key === 'string' && tensors.size > 0 ? [{ key, tensors }] : [];
  });
}

function directTensors(content: Pickled | undefined): Map<string, PickledTensor> {
  const found = new Map<string, PickledTensor>();
  if (!(content instanceof Map)) return found;
  for (const [key, value] of content) {
    if (value instanceof PickledTensor && typeof key === 'string') found.set(key, value);
  }
  return found;
}

function arrayOf(archive: Archive, key: string, tensor: PickledTensor): NamedArray {
  const { file, budget } = archive;
  const name = `${key} in ${file}`;
  const { storage, offset, shape, strides } = tensor;
  const type = Object.hasOwn(TYPES, storage.type.name) ? TYPES[storage.type.name] : undefined;
  if (!Number.isSafeInteger(8 * product(shape))) {
    throw new InputError(`${name}: must be an array that fits memory, got [${shape.join(', ')}]`);
  }
  return {
    ...{ name, shape, whole: type !== undefined && isWhole(type) },
    async numbers() {
      if (!type) {
        const known = Object.keys(TYPES).join(', ');
        throw new InputError(`${name}: must be of real numbers (${known}), got ${storage.type.name}`);
      }
      const count = product(shape);
      const last = shape.reduce((at, side, axis) => at + (side - 1) * strides[axis]!, offset);
      if (count > 0 && !(last < storage.size)) {
        throw new InputError(`${name}: broken, it lies outside of its storage`);
      }
      budget.allocate(name, count);
      return strided(await storedNumbers(archive, name, storage, type), offset, shape, strides);
    },
  };
}

/** All numbers of a storage, read once. */
function storedNumbers(
  { file, little, entries, storages, budget }: Archive,
  name: string,
  { key, size, type: { name: typeName } }: PickledStorage,
  type: NumberTypeName,
): Promise<Float32Array | Float64Array> {
  const known = storages.get(key);
  if (known && known.size === size && known.typeName === typeName) return known.numbers;
  const read = async () => {
    const entry = entries.get(key);
    if (!entry) throw new InputError(`${name}: broken, its numbers are not in ${file}`);
    budget.allocate(name, size);
    const stretch = await entry.stretch();
    const bytes = size * NUMBER_TYPES[type].bytes;
    if (stretch.length !== bytes) {
      throw new InputError(
        `${name}: broken, a storage of ${size} numbers takes ${bytes} bytes, got ${stretch.length}`,
      );
    }
    return numbersOf({ key, name, shape: [size], type, little, stretch, start: 0 });
  };
  const numbers = read();
  storages.set(key, { size, typeName, numbers });
  return numbers;
}
