/** Loading a network from a file, in Node and Deno. */
import { createHash } from 'node:crypto';
import { realpath } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { InputError } from '../errors.ts';
import { readRegularFile, reasonOf } from '../files.node.ts';
import type { Network } from '../network/network.ts';
import type { LoadOptions } from './format.ts';
import { loadModel } from './load.ts';
import { isPlainName } from './onnx/values/tensors.ts';
import type { FileBytes } from './source.ts';

/** Protocol buffers end at 2 GiB, and so does what Node reads at once. */
const MOST_BYTES = 2 ** 31 - 1;

/**
 * Reads a model's file, ONNX by name or content, and the files with external data that it names in its own folder, nowhere else: no paths,
 * no links that lead out of it.
 * @throws InputError for files that cannot be read, are malformed or do not say what is needed
 * @throws UnsupportedError for what has no bound or is not read, every such node at once
 * @throws the signal's reason when it is aborted
 */
export async function loadNetwork(path: string, options: LoadOptions = {}): Promise<Network> {
  const { signal } = options;
  const model = await readHashed(path, path, signal);
  const folder = dirname(path);
  return loadModel(basename(path), model, (location) => readBeside(folder, location, signal), options);
}

/** A file's bytes with their hash, which is taken while they are read. */
async function readHashed(path: string, what: string, signal: AbortSignal | undefined): Promise<FileBytes> {
  const hash = createHash('sha256');
  const bytes = await readRegularFile(path, what, MOST_BYTES, (piece) => {
    signal?.throwIfAborted();
    hash.update(piece);
  });
  return { bytes, sha256: hash.digest('hex') };
}

/** A file of the model's folder, by its plain name. */
async function readBeside(
  folder: string,
  location: string,
  signal: AbortSignal | undefined,
): Promise<FileBytes> {
  const refuse = (got: string) =>
    new InputError(`external data ${location}: must be a file beside the model, got ${got}`);
  if (!isPlainName(location)) throw refuse('a path');
  const path = join(folder, location);
  const [inside, target] = await Promise.all([realpath(folder), realpath(path)]).catch((error: unknown) => {
    throw refuse(`an error: ${reasonOf(error)}`);
  });
  if (dirname(target) !== inside) throw refuse('a link that leads out of the folder');
  return readHashed(target, `external data ${location}`, signal);
}
