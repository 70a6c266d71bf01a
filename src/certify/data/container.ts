/** What a file of samples holds, by its content: arrays by name, or one array. */

import { isNpy, npyArray } from '../../arrays/npy.ts';
import { safetensors } from '../../arrays/safetensors.ts';
import { isSafetensors, isZip } from '../../arrays/signatures.ts';
import { ByteReader, type ByteSource, inflated, type Stretch, stored } from '../../arrays/stretch.ts';

import { zipEntries } from '../../arrays/zip.ts';
import { InputError } from '../../errors.ts';
import { cifarArrays, isCifar } from './formats/cifar.ts';
import { idxArray, isIdx } from './formats/idx.ts';
import { arrayRows, type NumberRows } from './rows.ts';

export interface Container {
  /** The file. */
  readonly name: string;
  /** Names of its arrays; none where it is one array alone. */
  readonly keys: readonly string[];
  /** Names that stand for inputs and labels where nobody says which. */
  readonly usual: { readonly inputs: string; readonly labels: string };
  /** @param key one of the keys; of no meaning without them. @throws InputError */
  rows(key: string): Promise<NumberRows>;
}

const FORMATS =
  '.npz, .npy, .safetensors, IDX (MNIST), these two also as .gz, CIFAR binary (.bin), or a folder of PNG images';

/**
 * @param label the array of labels that is asked for: it tells the two kinds of CIFAR apart where the size does not
 * @throws InputError for other formats, with those that are read
 */
export async function openContainer(source: ByteSource, label?: string): Promise<Container> {
  const start = await source.read(0, Math.min(16, source.size));
  const { name } = source;
  const usual = { inputs: 'x', labels: 'y' };
  if (isZip(start)) {
    const entries = await zipEntries(source);
    const arrays = new Map(
      entries.filter((entry) => entry.name.endsWith('.npy')).map((entry) => [entry.name.slice(0, -4), entry]),
    );
    return {
      ...{ name, keys: [...arrays.keys()], usual },
      rows: async (key) => arrayRows(await npyArray(await arrays.get(key)!.stretch(), key)),
    };
  }
  // Its size is its only mark, so that it comes before what looks at the first bytes, which are a label and pixels there.
  if (isCifar(source)) {
    const arrays = cifarArrays(source, label);
    const labels = arrays.has('label') ? 'label' : 'fine';
    return {
      ...{ name, keys: [...arrays.keys()], usual: { inputs: 'x', labels } },
      rows: async (key) => arrayRows(arrays.get(key)!(), key === 'x'),
    };
  }
  if (isSafetensors(start, name)) {
    const arrays = await safetensors(source);
    return {
      ...{ name, keys: [...arrays.keys()], usual },
      rows: async (key) => arrayRows(arrays.get(key)!()),
    };
  }
  const whole = stored(source, 0, source.size);
  const stretch = start[0] === 0x1f && start[1] === 0x8b ? inflated(whole, 'gzip', undefined) : whole;
  const array = await loneArray(stretch);
  if (!array) throw new InputError(`${name}: must be a file of samples (${FORMATS}), got another file`);
  return { ...{ name, keys: [], usual }, rows: async () => array };
}

async function loneArray(stretch: Stretch): Promise<NumberRows | undefined> {
  const reader = new ByteReader(stretch);
  const start = await reader.take(8).finally(() => reader.close());
  if (isNpy(start)) return arrayRows(await npyArray(stretch, ''));
  if (isIdx(start)) return arrayRows(await idxArray(stretch));
  return undefined;
}
