/** What loading from a disk and loading in a page share. */
import { InputError } from '../errors.ts';
import type { Network } from '../network/network.ts';
import type { FetchExternal, Format, LoadOptions } from './format.ts';
import { ONNX } from './onnx/format.ts';
import { type FileBytes, sourceOf } from './source.ts';

/** The first that recognises a file reads it. */
const FORMATS: readonly Format[] = [ONNX];

/**
 * Reads a model and notes where it came from.
 * @param file its plain name
 * @param fetch gives a file beside the model by its plain name; undefined where there is none
 * @throws InputError for files of no format that is read; else as the format
 */
export async function loadModel(
  file: string,
  { bytes, sha256 }: FileBytes,
  fetch: (location: string) => Promise<FileBytes> | undefined,
  options: LoadOptions,
): Promise<Network> {
  const format = FORMATS.find(({ recognises }) => recognises(bytes, file));
  if (!format) {
    const names = FORMATS.map(({ name }) => name).join(', ');
    throw new InputError(`${file}: must be a model in a format that is read (${names}), got another file`);
  }
  const fetched = new Map<string, { sha256: string; length: number }>();
  const external: FetchExternal = (location) =>
    fetch(location)?.then((data) => {
      fetched.set(location, { sha256: data.sha256, length: data.bytes.length });
      return data.bytes;
    });
  const network = await format.read(bytes, file, external, options);
  options.signal?.throwIfAborted();
  return { ...network, source: await sourceOf(file, { sha256, length: bytes.length }, fetched) };
}
