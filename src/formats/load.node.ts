/** Loading a network in Node and Deno: from a file, or from what a script holds. */
import { createHash } from 'node:crypto';
import { realpath } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { InputError } from '../errors.ts';
import { readRegularFile, reasonOf } from '../files.node.ts';
import type { Network } from '../network/network.ts';
import { type Description, describedWeights } from './describe.ts';
import type { LoadOptions } from './format.ts';
import { fetchedFiles, type Given, givenFiles, MOST_BYTES } from './given.ts';
import { checkOptions, loadModel, type ModelFiles } from './load.ts';
import { isPlainName } from './onnx/values/tensors.ts';
import type { FileBytes } from './source.ts';

/**
 * Reads a model of any format that is read: from a path or a URL, beside which its other files are (in its own folder, nowhere else: no
 * paths, no links that lead out of it), or from bytes, a blob or a file, whose files beside it are options.
 * @throws InputError for files that cannot be read, are malformed or do not say what is needed, and for options that are not known
 * @throws UnsupportedError for what has no bound or is not read, every such node at once
 * @throws the signal's reason when it is aborted
 */
export async function loadNetwork(model: string | URL | Given, options: LoadOptions = {}): Promise<Network> {
  checkOptions(options);
  return loadModel(await filesOf(model, options), options);
}

/**
 * An architecture to go with a file of weights, as far as names and shapes tell, and what they leave open (docs/formats.md).
 * @throws InputError for what is no file of weights
 */
export async function describeWeights(weights: string | URL | Given): Promise<Description> {
  return describedWeights(await filesOf(weights, {}));
}

async function filesOf(model: string | URL | Given, options: LoadOptions): Promise<ModelFiles> {
  if (model instanceof URL && model.protocol !== 'file:') return fetchedFiles(model, options);
  if (typeof model !== 'string' && !(model instanceof URL)) return givenFiles(model, options);
  const path = typeof model === 'string' ? model : fileURLToPath(model);
  const { signal } = options;
  const folder = dirname(path);
  return {
    name: basename(path),
    model: await readHashed(path, path, signal),
    beside: (location) => readBeside(folder, location, signal),
  };
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
