/** From Keras's files to a network: an archive of JSON and HDF5 (`.keras`), or HDF5 that holds both (`.h5`). */

import { isZip } from '../../arrays/signatures.ts';
import { bytesSource } from '../../arrays/stretch.ts';
import { zipEntries } from '../../arrays/zip.ts';
import { InputError } from '../../errors.ts';
import type { Network } from '../../network/network.ts';
import { Budget } from '../budget.ts';
import { isObject, type Json, parsedJson } from '../fields.ts';
import { withHdf5 } from '../hdf5/hdf5.ts';
import { wholeEntry } from '../wholeEntry.ts';
import { buildKeras } from './build.ts';
import { layersInOrder } from './order.ts';
import { topologyOf } from './topology.ts';
import { grouped, namedWeights, numberedWeights } from './weights.ts';

/** Of what a model says of its layers. */
const LARGEST_CONFIG = 2 ** 26;
const LARGEST_METADATA = 2 ** 20;

/**
 * @param given the shape of the input, with channels last, which the file may leave open
 * @throws InputError for files that are broken, and for HDF5 without a model
 * @throws UnsupportedError for what has no bound or is not read
 */
export async function readKeras(
  bytes: Uint8Array,
  file: string,
  given: readonly number[] | undefined,
): Promise<Network> {
  return isZip(bytes) ? readArchive(bytes, file, given) : readLegacy(bytes, file, given);
}

async function readArchive(
  bytes: Uint8Array,
  file: string,
  given: readonly number[] | undefined,
): Promise<Network> {
  const entries = await zipEntries(bytesSource(file, bytes));
  const find = (name: string) => entries.find((one) => one.name === name);
  const entry = (name: string) => {
    const found = find(name);
    if (!found) throw new InputError(`${file}: must hold ${name}, got an archive without it`);
    return found;
  };
  const config = parsedJson(await wholeEntry(entry('config.json'), LARGEST_CONFIG), `config.json in ${file}`);
  const topology = topologyOf(config, file);
  const metadata = find('metadata.json');
  const said =
    metadata && parsedJson(await wholeEntry(metadata, LARGEST_METADATA), `metadata.json in ${file}`);
  const version = versionIn(isObject(said) ? said.keras_version : undefined);
  const listed = layersInOrder(topology, file);
  // Weights do not get smaller by much where they are packed.
  const weights = await wholeEntry(entry('model.weights.h5'), 2 ** 20 + 16 * bytes.length);
  return withHdf5(weights, `model.weights.h5 in ${file}`, new Budget(bytes.length), (content) =>
    buildKeras(topology, version, numberedWeights(listed, content.arrays('')), file, given),
  );
}

async function readLegacy(
  bytes: Uint8Array,
  file: string,
  given: readonly number[] | undefined,
): Promise<Network> {
  return withHdf5(bytes, file, new Budget(bytes.length), (content) => {
    const config = content.text('', 'model_config');
    if (config === undefined) {
      throw new InputError(
        `${file}: holds weights without a model: no attribute model_config; \`lipsoid describe ${file} > net.json\` proposes an architecture, to be completed and bounded`,
      );
    }
    const topology = topologyOf(
      parsedJson(new TextEncoder().encode(config), `model_config in ${file}`),
      file,
    );
    const byLayer = grouped(content.arrays('model_weights'), (path) => path.split('/')[0]);
    const version = versionIn(content.text('', 'keras_version'));
    return buildKeras(topology, version, namedWeights(byLayer), file, given);
  });
}

/** 3 of `3.6.0`. */
function versionIn(said: Json | undefined): number | undefined {
  return typeof said === 'string' && /^[1-9][0-9]*\./.test(said) ? Number.parseInt(said, 10) : undefined;
}
