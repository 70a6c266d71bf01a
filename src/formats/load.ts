/** What loading from a disk, from a network and in a page share. */
import { InputError } from '../errors.ts';
import type { Network } from '../network/network.ts';
import { ARCHITECTURE } from './architecture/format.ts';
import { type FetchExternal, type Format, type LoadOptions, MODEL_OPTIONS, UNITS } from './format.ts';
import { unpacked } from './gzip.ts';
import { KERAS } from './keras/format.ts';
import { NNET } from './nnet/format.ts';
import { ONNX } from './onnx/format.ts';
import { type FileBytes, sourceOf } from './source.ts';
import { TENSORFLOW_JS } from './tensorflowJs/format.ts';
import { WEIGHTS } from './weights/format.ts';

/** Those that a file's name speaks for come first; of these, and else of all, the first that knows its bytes reads it. */
const FORMATS: readonly Format[] = [KERAS, TENSORFLOW_JS, WEIGHTS, ARCHITECTURE, NNET, ONNX];

/** A model and what may lie beside it. */
export interface ModelFiles {
  /** The model's plain name. */
  readonly name: string;
  readonly model: FileBytes;
  /** Gives a file beside the model by its plain name; undefined where there is none. */
  readonly beside: (location: string) => Promise<FileBytes> | undefined;
}

const OPTIONS: readonly string[] = [...MODEL_OPTIONS, 'external', 'signal'];

/** @throws InputError for options that are not known, and values that are none of theirs */
export function checkOptions(options: LoadOptions): void {
  const unknown = Object.keys(options).filter((key) => !OPTIONS.includes(key));
  if (unknown.length > 0) {
    throw new InputError(`options: must be among ${OPTIONS.join(', ')}, got ${unknown.join(', ')}`);
  }
  const { inputShape, units } = options;
  if (
    inputShape !== undefined &&
    !(Array.isArray(inputShape) && inputShape.every((n) => Number.isSafeInteger(n) && n >= 1))
  ) {
    throw new InputError(`inputShape: must be a list of whole numbers of at least 1, got ${inputShape}`);
  }
  if (units !== undefined && !UNITS.includes(units)) {
    throw new InputError(`units: must be one of ${UNITS.join(', ')}, got ${units}`);
  }
}

/**
 * Reads a model and notes where it came from.
 * @throws InputError for files of no format that is read, and options that say nothing of this one; else as the format
 */
export async function loadModel({ name, model, beside }: ModelFiles, options: LoadOptions): Promise<Network> {
  const { sha256 } = model;
  const { length } = model.bytes;
  const { name: plain, bytes } = await unpacked({ name, bytes: model.bytes });
  const format = formatOf(plain, bytes);
  for (const option of MODEL_OPTIONS) {
    if (options[option] !== undefined && !format.options.includes(option)) {
      throw new InputError(
        `${name}: the option ${option} says nothing of a file of this format (${format.name})`,
      );
    }
  }
  const fetched = new Map<string, { sha256: string; length: number }>();
  const external: FetchExternal = (location) =>
    beside(location)?.then((data) => {
      fetched.set(location, { sha256: data.sha256, length: data.bytes.length });
      return data.bytes;
    });
  const network = await format.read(bytes, plain, external, options);
  options.signal?.throwIfAborted();
  return { ...network, source: await sourceOf(name, { sha256, length }, fetched) };
}

/** @throws InputError for files of no format that is read */
function formatOf(name: string, bytes: Uint8Array): Format {
  const named = FORMATS.filter(({ ending }) => ending.test(name));
  const format =
    named.find(({ begins }) => begins(bytes)) ?? named[0] ?? FORMATS.find(({ begins }) => begins(bytes));
  if (format) return format;
  const names = FORMATS.map((known) => known.name).join(', ');
  throw new InputError(`${name}: must be a model in a format that is read (${names}), got another file`);
}
