/** What loading from a disk and loading in a page share. */
import type { Network } from '../network/network.ts';
import type { FetchExternal } from './onnx/external.ts';
import { readOnnx } from './onnx/read.ts';
import { sourceOf } from './source.ts';

export interface LoadOptions {
  /** Shape of one sample, without the batch axis, where the file leaves it open: [channels, ...spatial] or [features]. */
  readonly inputShape?: readonly number[];
  /** Name of the output to bound, where the file has several. */
  readonly output?: string;
}

/** Reads a model and notes where it came from. */
export async function loadModel(
  file: string,
  bytes: Uint8Array,
  fetch: FetchExternal,
  { inputShape, output }: LoadOptions,
): Promise<Network> {
  const fetched = new Map<string, Uint8Array>();
  const external: FetchExternal = (location) =>
    fetch(location)?.then((data) => {
      fetched.set(location, data);
      return data;
    });
  const network = await readOnnx(bytes, {
    name: file.replace(/\.onnx$/i, ''),
    external,
    ...(inputShape && { inputShape }),
    ...(output !== undefined && { output }),
  });
  return { ...network, source: await sourceOf(file, bytes, fetched) };
}
