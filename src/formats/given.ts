/** Models that are given as bytes, as a blob, or by a URL: the same wherever there is no disk, and where there is one. */
import { InputError } from '../errors.ts';
import type { LoadOptions } from './format.ts';
import type { ModelFiles } from './load.ts';
import { isPlainName } from './onnx/values/tensors.ts';
import { sha256 } from './sha256.ts';
import type { FileBytes } from './source.ts';

/** What a script holds of a model: its bytes, a blob, a file that a person chose. */
export type Given = Uint8Array | ArrayBuffer | Blob;

/** Protocol buffers end at 2 GiB, and so does what engines keep in one array. */
export const MOST_BYTES = 2 ** 31 - 1;

/** Whose bytes say of what format it is. */
const NAMELESS = 'model';

/** @throws InputError for what is none of these, and for more than 2 GiB */
export async function givenFiles(given: Given, options: LoadOptions): Promise<ModelFiles> {
  const { external, signal } = options;
  const named = given instanceof Blob && 'name' in given && typeof given.name === 'string';
  const name = named ? String(given.name) : NAMELESS;
  const beside = (location: string) => {
    const data = external?.get(location);
    return data && fileBytes(data, location, signal);
  };
  return { name, model: await fileBytes(given, name, signal), beside };
}

/**
 * A model on a server, and what it names in its own folder there.
 * @throws InputError for servers that do not give it, and for more than 2 GiB
 */
export async function fetchedFiles(url: URL, { signal }: LoadOptions): Promise<ModelFiles> {
  const path = url.pathname.slice(url.pathname.lastIndexOf('/') + 1);
  const beside = async (location: string) => {
    if (!isPlainName(location)) {
      throw new InputError(`external data ${location}: must be a file beside the model, got a path`);
    }
    return fetchedBytes(new URL(encodeURIComponent(location), url), signal);
  };
  return { name: decodedName(path), model: await fetchedBytes(url, signal), beside };
}

function decodedName(path: string): string {
  try {
    return decodeURIComponent(path) || NAMELESS;
  } catch {
    return path;
  }
}

async function fileBytes(data: Given, name: string, signal?: AbortSignal): Promise<FileBytes> {
  const size = data instanceof Blob ? data.size : (data as Partial<Uint8Array> | null)?.byteLength;
  // Also what is none of these has no size.
  if (!(size !== undefined && size <= MOST_BYTES)) {
    throw new InputError(`${name}: must be bytes or a blob of at most ${MOST_BYTES} bytes, got ${size}`);
  }
  const given = await bytesOf(data);
  // What belongs to the caller may change, and must not be changed.
  const bytes = data instanceof Blob ? given : new Uint8Array(given);
  signal?.throwIfAborted();
  return { bytes, sha256: await sha256(bytes, signal) };
}

export async function bytesOf(data: Given): Promise<Uint8Array> {
  if (data instanceof Uint8Array) return data;
  return new Uint8Array(data instanceof ArrayBuffer ? data : await data.arrayBuffer());
}

async function fetchedBytes(url: URL, signal: AbortSignal | undefined): Promise<FileBytes> {
  const tooLarge = (size: number) =>
    new InputError(`${url.href}: must have at most ${MOST_BYTES} bytes, got ${size}`);
  const response = await fetch(url, signal ? { signal } : {}).catch((error: unknown) => {
    signal?.throwIfAborted();
    const reason = error instanceof Error ? error.message : String(error);
    throw new InputError(`${url.href}: must be readable, got an error: ${reason}`, { cause: error });
  });
  if (!response.ok || !response.body) {
    await response.body?.cancel();
    throw new InputError(`${url.href}: must be readable, got ${response.status} ${response.statusText}`);
  }
  const pieces: Uint8Array[] = [];
  let size = 0;
  const reader = response.body.getReader();
  try {
    for (;;) {
      const { value, done } = await reader.read();
      if (done) break;
      size += value.length;
      if (size > MOST_BYTES) throw tooLarge(size);
      pieces.push(value);
    }
  } finally {
    await reader.cancel().catch(() => {});
  }
  const bytes = new Uint8Array(size);
  let at = 0;
  for (const piece of pieces) {
    bytes.set(piece, at);
    at += piece.length;
  }
  return { bytes, sha256: await sha256(bytes, signal) };
}
