/** Samples from files and folders, in Node and Deno. */
import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, open, readdir, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { InputError } from '../../errors.ts';
import { readRegularFile, reasonOf } from '../../files.node.ts';
import { type Container, openContainer } from './container.ts';
import { imageRows, labelRows, type NumberRows } from './rows.ts';
import { type Fit, pointOf, type SampleSet, sampleSet } from './samples.ts';
import type { ByteSource } from './stretch.ts';

/** Which arrays of a file are the samples. */
export interface SampleOptions {
  /** The array of inputs, in files of several; default `x`. */
  readonly inputs?: string;
  /** The array of labels, in files of several; default `y`. With one array alone: the file of labels. False: there are none. */
  readonly labels?: string | false;
}

export interface OpenSamples extends SampleSet {
  /** SHA-256 of all bytes that inputs and labels come from, and of what folders say. */
  digest(): Promise<string>;
  close(): Promise<void>;
}

/** Bytes of an image file at most. */
const LARGEST_IMAGE = 2 ** 27;
/** Images of a folder at most. */
const MOST_IMAGES = 1e6;

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
    const { inputs, labels } = await arraysOf(path, options, opened, digests);
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

/**
 * One input of a network, from a file that holds it alone or as the array `x`.
 * @throws InputError for what is not read, broken, or does not fit
 */
export async function readPoint(path: string, shape: readonly number[]): Promise<Float64Array> {
  const { source, handle } = await fileSource(path);
  try {
    const container = await openContainer(source);
    const [only] = container.keys;
    const key = container.keys.length === 1 ? only! : container.usual.inputs;
    return await pointOf(await container.rows(keyOf(container, key)), shape);
  } finally {
    await handle.close();
  }
}

interface Arrays {
  readonly inputs: NumberRows;
  readonly labels: NumberRows | undefined;
}

async function arraysOf(
  path: string,
  { inputs, labels }: SampleOptions,
  opened: (file: string) => Promise<ByteSource>,
  digests: (() => Promise<string>)[],
): Promise<Arrays> {
  const status = await stat(path).catch((error: unknown) => {
    throw new InputError(`${path}: must be readable, got an error: ${reasonOf(error)}`);
  });
  /** An array of a file of its own. */
  const loneLabels = async (file: string) => {
    const container = await openContainer(await opened(file));
    return container.rows(keyOf(container, container.usual.labels, '--labels'));
  };
  if (status.isDirectory()) {
    if (inputs !== undefined) throw new InputError(`${path}: a folder of images has no array ${inputs}`);
    const folder = await imageFolder(path);
    digests.push(folder.digest);
    if (labels === false) return { inputs: folder.inputs, labels: undefined };
    if (labels !== undefined) return { inputs: folder.inputs, labels: await loneLabels(labels) };
    if (folder.labels) return { inputs: folder.inputs, labels: folder.labels };
    throw new InputError(
      `${path}: must hold a folder of images for each class, got images; say which file holds the labels (--labels FILE), or that there are none (--no-labels)`,
    );
  }
  const container = await openContainer(await opened(path), labels === false ? undefined : labels);
  const { keys, usual } = container;
  if (keys.length === 0 && inputs !== undefined) {
    throw new InputError(`${path}: holds one array without a name, got ${inputs} as that of the inputs`);
  }
  const rows = await container.rows(keyOf(container, inputs ?? usual.inputs, '--inputs'));
  if (labels === false) return { inputs: rows, labels: undefined };
  if (keys.length === 0) {
    if (labels !== undefined) return { inputs: rows, labels: await loneLabels(labels) };
    throw new InputError(
      `${path}: holds inputs alone; say which file holds the labels (--labels FILE), or that there are none (--no-labels)`,
    );
  }
  return { inputs: rows, labels: await container.rows(keyOf(container, labels ?? usual.labels, '--labels')) };
}

/** @throws InputError naming the arrays that there are */
function keyOf({ name, keys }: Container, key: string, option?: string): string {
  if (keys.length === 0 || keys.includes(key)) return key;
  const some = keys.slice(0, 20).join(', ');
  throw new InputError(
    `${name}: must hold the array ${key}${option ? ` (${option} names another)` : ''}, got ${some || 'no arrays'}`,
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

interface Folder {
  readonly inputs: NumberRows;
  readonly labels: NumberRows | undefined;
  readonly digest: () => Promise<string>;
}

async function imageFolder(path: string): Promise<Folder> {
  const entries = await listed(path);
  const classes = entries.filter(({ folder }) => folder).map(({ name }) => name);
  const numbered = classes.every((name) => /^[0-9]{1,9}$/.test(name));
  classes.sort((a, b) => (numbered ? Number(a) - Number(b) : compare(a, b)));
  const paths: string[] = [];
  const labels: number[] = [];
  for (const [k, name] of classes.entries()) {
    const inside = await listed(join(path, name));
    const deeper = inside.find(({ folder }) => folder);
    if (deeper)
      throw new InputError(`${path}: ${name} must hold images alone, got the folder ${deeper.name}`);
    for (const image of imagesOf(inside)) {
      paths.push(join(name, image));
      labels.push(numbered ? Number(name) : k);
    }
  }
  const loose = imagesOf(entries);
  if (classes.length === 0) paths.push(...loose);
  else if (loose.length > 0) {
    throw new InputError(
      `${path}: must hold images or folders of these, got ${loose[0]} beside ${classes[0]}`,
    );
  }
  if (paths.length > MOST_IMAGES) {
    throw new InputError(`${path}: must hold at most ${MOST_IMAGES} images, got ${paths.length}`);
  }
  const bytes = (name: string) => readRegularFile(join(path, name), name, LARGEST_IMAGE);
  const inputs = await imageRows(
    path,
    paths.map((name) => ({ name, bytes: () => bytes(name) })),
  );
  return {
    inputs,
    labels: classes.length === 0 ? undefined : labelRows(`folders of ${path}`, labels),
    digest: async () => {
      const hash = createHash('sha256');
      for (const [k, name] of paths.entries()) {
        hash.update(`${name.length} ${name} ${labels[k] ?? ''} `);
        hash.update(
          createHash('sha256')
            .update(await bytes(name))
            .digest(),
        );
      }
      return hash.digest('hex');
    },
  };
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
  const images = entries.filter(({ name, folder }) => !folder && /\.png$/i.test(name));
  return images.map(({ name }) => name).sort(compare);
}

/** By code units: the same everywhere. */
function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
