/** Files of weights, told by their content. */
import { npyArray } from '../../arrays/npy.ts';
import { safetensors } from '../../arrays/safetensors.ts';
import { isSafetensors, isZip } from '../../arrays/signatures.ts';
import { rowMajor } from '../../arrays/storedArray.ts';
import { type ByteSource, bytesSource } from '../../arrays/stretch.ts';

import { type ZipEntry, zipEntries } from '../../arrays/zip.ts';
import { InputError } from '../../errors.ts';
import { Budget } from '../budget.ts';
import { withHdf5 } from '../hdf5/hdf5.ts';
import { isHdf5 } from '../hdf5/signature.ts';
import { matlabArrays } from './matlab/matlab5.ts';
import { isMatlab5 } from './matlab/signature.ts';
import { demandName, type NamedArray, type NamedArrays, storedWeights } from './namedArrays.ts';
import { isLegacyTorch, refuseLegacyTorch } from './torch/legacy.ts';
import { isTorchArchive, stateDictionary } from './torch/stateDictionary.ts';

const FILES = '.pth, .pt and .ckpt of PyTorch, .safetensors, .npz, .mat, .h5';

/** Entries that an archive may have: each is looked at. */
const MOST_ENTRIES = 1e5;

/**
 * The arrays of a file. Numbers are read when they are asked for.
 * @param bytes which nobody changes
 * @throws InputError for other files, and for those that are broken
 */
export async function openWeights(bytes: Uint8Array, file: string): Promise<NamedArrays> {
  const source = bytesSource(file, bytes);
  const budget = new Budget(bytes.length);
  if (isZip(bytes)) return zippedWeights(source, budget);
  if (isLegacyTorch(bytes)) return refuseLegacyTorch(file);
  if (isMatlab5(bytes)) return matlabArrays(bytes, file, budget);
  if (isHdf5(bytes)) return hdf5Arrays(bytes, file, budget);
  if (isSafetensors(bytes, file)) {
    const arrays = await safetensors(source);
    // The order of names is that in which tensors were aligned, not that of layers.
    const keys = [...arrays.keys()].sort(natural);
    for (const key of keys) demandName(key, file, budget);
    return new Map(keys.map((key) => [key, storedWeights(arrays.get(key)!(), budget)]));
  }
  throw new InputError(`${file}: must be a file of weights (${FILES}), got another file`);
}

/** What Keras and others write, and MATLAB since 7.3, which has the axes the other way round. */
async function hdf5Arrays(bytes: Uint8Array, file: string, budget: Budget): Promise<NamedArrays> {
  const matlab = new TextDecoder('latin1').decode(bytes.subarray(0, 10)) === 'MATLAB 7.3';
  return withHdf5(bytes, file, budget, async (content) => {
    const found = new Map<string, NamedArray>();
    for (const [key, array] of content.arrays('')) {
      const numbers = await array.numbers();
      const { name, whole } = array;
      const shape = matlab ? array.shape.toReversed() : array.shape;
      const ordered = matlab ? rowMajor(numbers, shape) : numbers;
      found.set(key, { name, whole, shape, numbers: async () => ordered });
    }
    return found;
  });
}

async function zippedWeights(source: ByteSource, budget: Budget): Promise<NamedArrays> {
  const entries = await zipEntries(source);
  if (entries.length > MOST_ENTRIES) {
    throw new InputError(`${source.name}: must have at most ${MOST_ENTRIES} entries, got ${entries.length}`);
  }
  if (isTorchArchive(entries)) return stateDictionary(source.name, entries, budget);
  const arrays = entries.filter(({ name }) => name.endsWith('.npy'));
  if (arrays.length === 0) {
    throw new InputError(
      `${source.name}: must hold the arrays of NumPy (.npy) or of PyTorch (data.pkl), got neither`,
    );
  }
  return numpyArrays(arrays, budget);
}

async function numpyArrays(entries: readonly ZipEntry[], budget: Budget): Promise<NamedArrays> {
  const found = new Map<string, ReturnType<typeof storedWeights>>();
  for (const { name, stretch } of entries) {
    const key = name.slice(0, -'.npy'.length);
    demandName(key, name.slice(0, 100), budget);
    found.set(key, storedWeights(await npyArray(await stretch(), key), budget));
  }
  return found;
}

/** fc2 before fc10. */
export function natural(a: string, b: string): number {
  return a.localeCompare(b, 'en', { numeric: true });
}
