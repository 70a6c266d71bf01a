/** What the options of every command say of the model that it reads, and reading it. */
import type { Network } from '../network/network.ts';
import type { Library, LoadOptions } from './library.ts';

export interface ModelOptions
  extends Pick<LoadOptions, 'inputShape' | 'output' | 'units' | 'input' | 'batch'> {
  readonly fix?: readonly FixedFile[];
}

/** An input that is held at the numbers in a file. */
export interface FixedFile {
  readonly name: string;
  readonly file: string;
}

/** Those that were given. */
export function modelOptions({ inputShape, output, units, input, fix, batch }: ModelOptions): ModelOptions {
  return {
    ...(inputShape && { inputShape }),
    ...(output !== undefined && { output }),
    ...(units && { units }),
    ...(input !== undefined && { input }),
    ...(fix && { fix }),
    ...(batch && { batch }),
  };
}

/** The network of a file that the options of a command mean. */
export async function openNetwork(
  file: string,
  options: ModelOptions,
  library: Pick<Library, 'loadNetwork' | 'readArray'>,
  signal?: AbortSignal,
): Promise<Network> {
  const { fix, ...plain } = modelOptions(options);
  const arrays = fix && new Map<string, Awaited<ReturnType<Library['readArray']>>>();
  for (const { name, file: numbers } of fix ?? []) arrays!.set(name, await library.readArray(numbers));
  return library.loadNetwork(file, { ...plain, ...(arrays && { fix: arrays }), ...(signal && { signal }) });
}
