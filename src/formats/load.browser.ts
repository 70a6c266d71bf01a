/** Loading a network in a page: from what a person chose or a script fetched. */
import type { Network } from '../network/network.ts';
import type { LoadOptions } from './format.ts';
import { loadModel } from './load.ts';
import { type OutlinedNode, outlineOnnx } from './onnx/outline.ts';
import { sha256 } from './sha256.ts';
import type { FileBytes } from './source.ts';

export interface PageLoadOptions extends LoadOptions {
  /** Files with external data by the names that the model gives them. */
  readonly external?: ReadonlyMap<string, File | Blob | Uint8Array>;
}

/**
 * Reads an ONNX model from a file, a blob or bytes.
 * @throws InputError for models that are malformed or do not say what is needed
 * @throws UnsupportedError for what has no bound or is not read, every such node at once
 * @throws the signal's reason when it is aborted
 */
export async function loadNetwork(
  file: File | Blob | Uint8Array | ArrayBuffer,
  options: PageLoadOptions = {},
): Promise<Network> {
  const name = 'name' in file && typeof file.name === 'string' ? file.name : 'model.onnx';
  const fetch = (location: string) => {
    const data = options.external?.get(location);
    return data && fileBytes(data, options.signal);
  };
  return loadModel(name, await fileBytes(file, options.signal), fetch, options);
}

/**
 * The nodes of a model by name and operator, whether or not they are supported: where `loadNetwork` refuses, its items name some
 * of them.
 * @throws InputError, UnsupportedError as `loadNetwork` for what is no ONNX model of a known version
 */
export async function outline(file: File | Blob | Uint8Array | ArrayBuffer): Promise<OutlinedNode[]> {
  return outlineOnnx(await bytesOf(file));
}

async function fileBytes(data: Blob | Uint8Array | ArrayBuffer, signal?: AbortSignal): Promise<FileBytes> {
  const given = await bytesOf(data);
  // What belongs to the caller may change, and must not be changed.
  const bytes = data instanceof Blob ? given : new Uint8Array(given);
  signal?.throwIfAborted();
  return { bytes, sha256: await sha256(bytes, signal) };
}

async function bytesOf(data: Blob | Uint8Array | ArrayBuffer): Promise<Uint8Array> {
  if (data instanceof Uint8Array) return data;
  return new Uint8Array(data instanceof ArrayBuffer ? data : await data.arrayBuffer());
}
