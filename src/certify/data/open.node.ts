/** Samples from files and folders, in Node and Deno. */
import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, open, readdir, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { ByteSource } from '../../arrays/stretch.ts';
import { InputError } from '../../errors.ts';
import { readRegularFile, reasonOf } from '../../files.node.ts';
import { product } from '../../network/size.ts';
import { type Advice, arraysOf, keyOf, labelsIn, type SampleArrays, type SampleOptions } from './arrays.ts';
import { openContainer } from './container.ts';
import { type FolderImage, type ImageFolder, imageFolder } from './imageFolder.ts';
import type { NumberRows } from './rows.ts';
import { type Fit, pointOf, type SampleSet, sampleSet } from './samples.ts';

export interface OpenSamples extends SampleSet {
  /** SHA-256 of all bytes that inputs and labels come from, and of what folders say. */
  digest(): Promise<string>;
  close(): Promise<void>;
}

/** Bytes of an image file at most. */
const LARGEST_IMAGE = 2 ** 27;

const ADVICE: Advice = {
  ...{ inputs: '--inputs', labels: '--labels' },
  noLabels: 'say which file holds the labels (--labels FILE), or that there are none (--no-labels)',
};

/**
 * Opens a file or a folder of samples; nothing but its outline is read, and its labels.
 * Folders hold PNG images, or folders of these by class: in the order of their names, or by their names where these are whole numbers.
 * @throws InputError for what is not read, broken, or does not fit the network
 */
export async function openSamples(path: string, options: SampleOptions, fit: Fit): Promise<OpenSamples> {
  const files: FileHandle[] = [];
  const close = async () => {
    await Promise.all(files.splice(0).map((file) => file.close()));
  };
  const digests: (() => Promise<string>)[] = [];
  const opened = async (file: string) => {
    const { source, handle } = await fileSource(file);
    files.push(handle);
    digests.push(() => digestOf(source));
    return source;
  };
  try {
    const { inputs, labels } = await arraysAt(path, options, opened, digests);
    const set = await sampleSet(inputs, labels, fit);
    const digest = async () => {
      const all = createHash('sha256');
      for (const part of digests) all.update(await part());
      return all.digest('hex');
    };
    return { ...set, digest, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Numbers with their shape, row-major. */
export interface NumberArray {
  readonly shape: readonly number[];
  readonly data: Float64Array;
}

/** Entries of an array that is read as a whole: 1 GB. */
const MOST_ENTRIES = 2 ** 27;

/**
 * The numbers of a file that holds one array alone, or as `x`, as they are.
 * @throws InputError for what is not read, broken or too large
 */
export async function readArray(path: string): Promise<NumberArray> {
  return ofRows(path, async ({ name, shape, read }) => {
    if (!(product(shape) <= MOST_ENTRIES)) {
      throw new InputError(`${name}: must have at most ${MOST_ENTRIES} entries, got [${shape.join(', ')}]`);
    }
    const data = new Float64Array(product(shape));
    let at = 0;
    for await (const row of read(0, shape[0]!)) {
      data.set(row, at);
      at += row.length;
    }
    return { shape, data };
  });
}

/**
 * One input of a network, from a file that holds it alone or as the array `x`.
 * @throws InputError for what is not read, broken, or does not fit
 */
export async function readPoint(path: string, shape: readonly number[]): Promise<Float64Array> {
  return ofRows(path, (rows) => pointOf(rows, shape));
}

/** What is made of the array that a file holds alone or as the usual one of inputs. */
async function ofRows<T>(path: string, make: (rows: NumberRows) => Promise<T>): Promise<T> {
  const { source, handle } = await fileSource(path);
  try {
    const container = await openContainer(source);
    const [only] = container.keys;
    const key = container.keys.length === 1 ? only! : container.usual.inputs;
    return await make(await container.rows(keyOf(container, key)));
  } finally {
    await handle.close();
  }
}

async function arraysAt(
  path: string,
  { inputs, labels }: SampleOptions,
  opened: (file: string) => Promise<ByteSource>,
  digests: (() => Promise<string>)[],
): Promise<SampleArrays> {
  const status = await stat(path).catch((error: unknown) => {
    throw new InputError(`${path}: must be readable, got an error: ${reasonOf(error)}`);
  });
  if (status.isDirectory()) {
    if (inputs !== undefined) throw new InputError(`${path}: a folder of images has no array ${inputs}`);
    const folder = await folderAt(path);
    digests.push(() => folderDigest(folder));
    if (labels === false) return { inputs: folder.inputs, labels: undefined };
    if (labels !== undefined) {
      return { inputs: folder.inputs, labels: await labelsIn(await opened(labels), ADVICE) };
    }
    if (folder.labels) return folder;
    throw new InputError(
      `${path}: must hold a folder of images for each class, got images; ${ADVICE.noLabels}`,
    );
  }
  const source = await opened(path);
  // In files of several arrays it is one of these that is named, else a file.
  const named = labels === undefined || labels === false ? undefined : labels;
  const alone = named !== undefined && (await openContainer(source, named)).keys.length === 0;
  const file = alone ? await opened(named) : undefined;
  return arraysOf(
    source,
    { ...(inputs !== undefined && { inputs }), ...(labels !== undefined && { labels }) },
    file,
    ADVICE,
  );
}

async function fileSource(path: string): Promise<{ source: ByteSource; handle: FileHandle }> {
  const unreadable = (error: unknown) =>
    new InputError(`${path}: must be readable, got an error: ${reasonOf(error)}`);
  // Without O_NONBLOCK opening a pipe would wait for its writer.
  const handle = await open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0)).catch(
    (error: unknown) => {
      throw unreadable(error);
    },
  );
  const name = basename(path);
  try {
    const status = await handle.stat();
    if (!status.isFile()) throw new InputError(`${path}: must be a regular file`);
    const { size } = status;
    const read = async (at: number, length: number) => {
      const bytes = new Uint8Array(length);
      for (let have = 0; have < length; ) {
        const { bytesRead } = await handle.read(bytes, have, length - have, at + have).catch((error) => {
          throw unreadable(error);
        });
        if (bytesRead === 0) throw new InputError(`${path}: must not change while it is read`);
        have += bytesRead;
      }
      return bytes;
    };
    return { source: { name, size, read }, handle };
  } catch (error) {
    await handle.close();
    throw error;
  }
}

async function digestOf({ size, read }: ByteSource): Promise<string> {
  const hash = createHash('sha256');
  for (let at = 0; at < size; at += 2 ** 20) hash.update(await read(at, Math.min(2 ** 20, size - at)));
  return hash.digest('hex');
}

async function folderAt(path: string): Promise<ImageFolder> {
  const entries = await listed(path);
  const folders = entries.filter(({ folder }) => folder).map(({ name }) => name);
  const image = (folder: string | undefined, file: string): FolderImage => {
    const name = folder === undefined ? file : join(folder, file);
    return { name, folder, file, bytes: () => readRegularFile(join(path, name), name, LARGEST_IMAGE) };
  };
  const images = imagesOf(entries).map((file) => image(undefined, file));
  for (const name of folders) {
    const inside = await listed(join(path, name));
    const deeper = inside.find(({ folder }) => folder);
    if (deeper)
      throw new InputError(`${path}: ${name} must hold images alone, got the folder ${deeper.name}`);
    for (const file of imagesOf(inside)) images.push(image(name, file));
  }
  return imageFolder(path, folders, images);
}

async function folderDigest({ images, classes }: ImageFolder): Promise<string> {
  const hash = createHash('sha256');
  for (const [k, { name, bytes }] of images.entries()) {
    hash.update(`${name.length} ${name} ${classes[k] ?? ''} `);
    hash.update(
      createHash('sha256')
        .update(await bytes())
        .digest(),
    );
  }
  return hash.digest('hex');
}

interface Listed {
  readonly name: string;
  readonly folder: boolean;
}

/** What is not hidden; links are what they lead to. */
async function listed(path: string): Promise<Listed[]> {
  try {
    const entries = await readdir(path, { withFileTypes: true });
    const seen = entries.filter(({ name }) => !name.startsWith('.'));
    return await Promise.all(
      seen.map(async (entry) => ({
        name: entry.name,
        folder: (entry.isSymbolicLink()
          ? await stat(join(path, entry.name)).catch(() => entry)
          : entry
        ).isDirectory(),
      })),
    );
  } catch (error) {
    throw new InputError(`${path}: must be readable, got an error: ${reasonOf(error)}`);
  }
}

function imagesOf(entries: readonly Listed[]): string[] {
  return entries.filter(({ name, folder }) => !folder && /\.png$/i.test(name)).map(({ name }) => name);
}
